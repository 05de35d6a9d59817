"""The ``pytorch3d`` renderer: differentiable pictures of a head (Ravi et al. 2020), on the GPU where torch has one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import MissingSystemError
from facegen.renderers.camera import Camera
from facegen.renderers.lights import GROUND, LIGHTS, SKY, light_directions
from facegen.renderers.scene import make_render_scene, over
from facegen.rig import Rig, evaluate


def _kit() -> tuple[Any, Any, Any]:
    """torch, pytorch3d.renderer and pytorch3d.structures. Raises MissingSystemError where they are missing."""
    try:
        import torch
        from pytorch3d import renderer, structures
    except ImportError as error:
        raise MissingSystemError(
            f"this renderer needs PyTorch3D, which is not installed ({error})",
            remedy='install it with: pip install "facegen[torch]" ninja && pip install --no-build-isolation '
            '"git+https://github.com/facebookresearch/pytorch3d.git@stable"; or use --renderer raster',
        ) from error
    return torch, renderer, structures


class PyTorch3DRenderer:
    """Draws heads with PyTorch3D. The same interface as ``OpenGLRenderer``; ``picture`` keeps the gradients."""

    def frames(
        self,
        rig: Rig,
        animation: Animation,
        camera: Camera,
        size: tuple[int, int],
        background: np.ndarray | None = None,
        fine: bool = False,
    ) -> Iterator[np.ndarray]:
        """Each frame as [H, W, 3] uint8 over ``background``, or [H, W, 4] with straight alpha.

        Raises RigError for a rig without a mesh, MissingSystemError where PyTorch3D is missing.
        """
        rig._need_mesh()
        view = View(rig, camera, (2 * size[0], 2 * size[1]))
        for vertices in _seen(rig, animation, camera):
            with view.torch.no_grad():
                picture, _ = view.picture(view.tensor(vertices))
            halves = picture.reshape(size[1], 2, size[0], 2, 4).mean(dim=(1, 3)).cpu().numpy()
            color = halves[..., :3] / np.maximum(halves[..., 3:], 1e-6)
            pixels = np.round(255 * np.concatenate([np.clip(color, 0, 1), halves[..., 3:]], axis=2))
            shown = pixels.astype(np.uint8)
            yield shown if background is None else over(shown, background)

    def depths(
        self, rig: Rig, animation: Animation, camera: Camera, size: tuple[int, int]
    ) -> Iterator[np.ndarray]:
        """As ``Raster.depths``."""
        rig._need_mesh()
        view = View(rig, camera, size)
        for vertices in _seen(rig, animation, camera):
            with view.torch.no_grad():
                yield view.picture(view.tensor(vertices))[1].cpu().numpy()


def _seen(rig: Rig, animation: Animation, camera: Camera) -> Iterator[np.ndarray]:
    for number, vertices in enumerate(evaluate(rig, animation)):
        yield camera.as_seen(vertices, float(number / animation.fps))


def lens(camera: Camera, size: tuple[int, int]) -> tuple[float, np.ndarray, np.ndarray]:
    """Focal length, rotation [3, 3] and translation [3] of ``camera`` as PyTorch3D has them: it multiplies rows
    (world @ rotation + translation), looks along +Z with +X to the left, and spans -1..1 over the shorter side."""
    turn = np.stack([-camera.axes[0], camera.axes[1], -camera.axes[2]], axis=1)
    focal = max(1.0, size[1] / size[0]) / math.tan(math.radians(camera.fov) / 2)
    return focal, turn, -np.array(camera.position) @ turn


class View:
    """A rig's surface seen by one camera: vertices in, pixels out, with gradients in between."""

    def __init__(self, rig: Rig, camera: Camera, size: tuple[int, int]) -> None:
        self.torch, kit, self._structures = _kit()
        self._device = "cuda" if self.torch.cuda.is_available() else "cpu"
        width, height = size
        scene = make_render_scene(rig)
        self._faces = self.tensor(np.concatenate([scene.solid, scene.thin, scene.hair])).long()
        self._colors = self.tensor((scene.colors[:, :3] / 255.0) ** 2.2)
        self._lights = self.tensor(light_directions(camera))
        self._lamps = self.tensor(np.array([color for _, color in LIGHTS.values()]))
        self._sky, self._ground = self.tensor(np.array(SKY)), self.tensor(np.array(GROUND))
        self._eye = self.tensor(np.array(camera.position))
        focal, turn, shift = lens(camera, size)
        cameras = kit.PerspectiveCameras(
            focal_length=focal, R=self.tensor(turn)[None], T=self.tensor(shift)[None], device=self._device
        )
        settings = kit.RasterizationSettings(image_size=(height, width), faces_per_pixel=1)
        self._rasterizer = kit.MeshRasterizer(cameras=cameras, raster_settings=settings)

    def tensor(self, array: np.ndarray) -> Any:
        """``array`` in single precision on the device."""
        return self.torch.as_tensor(np.ascontiguousarray(array), dtype=self.torch.float32).to(self._device)

    def picture(self, vertices: Any) -> tuple[Any, Any]:
        """Colours in display encoding multiplied by coverage, and coverage, [H, W, 4] 0 to 1, and distances [H, W] cm
        (infinite where nothing is), of ``vertices`` [V, 3]."""
        torch = self.torch
        mesh = self._structures.Meshes(verts=[vertices], faces=[self._faces])
        fragments = self._rasterizer(mesh)
        face, share = fragments.pix_to_face[0, :, :, 0], fragments.bary_coords[0, :, :, 0]
        hit = face >= 0
        corners = self._faces[face.clamp(min=0)]
        normal, albedo, place = (
            (values[corners] * share[..., None]).sum(dim=2)
            for values in (mesh.verts_normals_packed(), self._colors, vertices)
        )
        normal = torch.nn.functional.normalize(normal, dim=2)
        away = torch.nn.functional.normalize(self._eye - place, dim=2)
        facing = torch.where((normal * away).sum(dim=2, keepdim=True) < 0, -normal, normal)
        up = 0.5 + 0.5 * facing[..., 1:2]
        light = self._ground + (self._sky - self._ground) * up
        light = light + ((facing @ self._lights.T + 0.15) / 1.15).clamp(min=0) @ self._lamps
        color = (albedo * light).clamp(min=1e-6) ** (1 / 2.2)
        whole = torch.cat([color.clamp(max=1.0), torch.ones_like(up)], dim=2) * hit[..., None]
        distance = torch.where(hit, fragments.zbuf[0, :, :, 0], torch.full_like(up[..., 0], math.inf))
        return whole, distance
