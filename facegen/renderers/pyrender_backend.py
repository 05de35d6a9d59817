"""The ``pyrender`` renderer: the OpenGL viewer that research code uses (glTF's surface model, no shadows)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import MissingExtraError, MissingSystemError
from facegen.core.mesh import normals
from facegen.renderers.camera import Camera
from facegen.renderers.lights import LIGHTS, SKY, light_directions
from facegen.renderers.scene import RenderScene, make_render_scene, over
from facegen.rig import Rig, evaluate


def _pyrender() -> Any:
    if sys.platform.startswith("linux"):
        os.environ.setdefault("PYOPENGL_PLATFORM", "egl")  # read when PyOpenGL is imported
    try:
        import pyrender
    except ImportError as error:
        raise MissingExtraError("pyrender", "pyrender", "this renderer") from error
    except Exception as error:  # PyOpenGL and pyglet raise what they like where a library is missing
        raise _no_opengl(error) from error
    return pyrender


def _no_opengl(error: Exception) -> MissingSystemError:
    return MissingSystemError(
        f"no OpenGL is available to pyrender ({error})",
        remedy="on Debian or Ubuntu: apt-get install libegl1 libgl1-mesa-dri; or use --renderer raster",
    )


class PyrenderRenderer:
    """Draws heads with pyrender. The same interface as ``OpenGLRenderer``, and plainer pictures."""

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

        Raises RigError for a rig without a mesh, MissingExtraError and MissingSystemError where pyrender or OpenGL
        is missing.
        """
        for pixels, _ in _drawn(rig, animation, camera, size):
            yield pixels if background is None else over(pixels, background)

    def depths(
        self, rig: Rig, animation: Animation, camera: Camera, size: tuple[int, int]
    ) -> Iterator[np.ndarray]:
        """As ``Raster.depths``."""
        for _, depth in _drawn(rig, animation, camera, size):
            yield np.where(depth > 0, depth, np.inf).astype(np.float32)


def _drawn(
    rig: Rig, animation: Animation, camera: Camera, size: tuple[int, int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pixels [H, W, 4] uint8 and the depth [H, W] (0 where nothing is) of each frame."""
    rig._need_mesh()
    kit, scene = _pyrender(), make_render_scene(rig)
    stage = _stage(kit, camera, size)
    pieces = _pieces(kit, scene)
    colors = (scene.colors[:, :3] / 255.0) ** 2.2  # pyrender lights them as they are and encodes the result
    try:
        painter = kit.OffscreenRenderer(*size)
    except Exception as error:
        raise _no_opengl(error) from error
    try:
        for number, vertices in enumerate(evaluate(rig, animation)):
            seen = camera.as_seen(vertices, float(number / animation.fps))
            normal = normals(seen, rig.mesh.faces)  # type: ignore[union-attr]
            head = kit.Mesh(
                [
                    kit.Primitive(
                        positions=seen, normals=normal, color_0=colors, indices=faces, material=material
                    )
                    for faces, material in pieces
                ]
            )
            node = stage.add(head)
            pixels, depth = painter.render(stage, flags=kit.RenderFlags.RGBA)
            stage.remove_node(node)
            yield pixels, depth
    finally:
        painter.delete()


def _pieces(kit: Any, scene: RenderScene) -> list[tuple[np.ndarray, Any]]:
    """Triangles and pyrender's material of each of the scene's materials."""
    out = []
    for kind in ("solid", "thin", "hair", "clear"):
        faces = getattr(scene, kind)
        number = scene.colors[faces[:, 0], 3] if len(faces) else np.zeros(0, np.uint8)
        for material in np.unique(number):
            roughness, _, _, opacity = scene.materials[material].tolist()
            surface = kit.MetallicRoughnessMaterial(
                baseColorFactor=(1.0, 1.0, 1.0, opacity),
                metallicFactor=0.0,
                roughnessFactor=roughness,
                doubleSided=kind in ("thin", "hair"),
                alphaMode="BLEND" if opacity < 1 else "OPAQUE",
            )
            out.append((faces[number == material], surface))
    return out


def _stage(kit: Any, camera: Camera, size: tuple[int, int]) -> Any:
    """A pyrender scene with the camera and the lamps that every renderer uses."""
    stage = kit.Scene(bg_color=(0.0, 0.0, 0.0, 0.0), ambient_light=SKY)
    near, far = camera.reach
    lens = kit.PerspectiveCamera(np.radians(camera.fov), znear=near, zfar=far, aspectRatio=size[0] / size[1])
    stage.add(lens, pose=_pose(camera.axes, np.array(camera.position)))
    for direction, (_, color) in zip(light_directions(camera), LIGHTS.values(), strict=True):
        strength = max(color)
        lamp = kit.DirectionalLight(color=np.array(color) / strength, intensity=np.pi * strength)
        side = np.cross(camera.axes[1], direction)
        side /= np.linalg.norm(side)
        stage.add(lamp, pose=_pose(np.stack([side, np.cross(direction, side), direction]), np.zeros(3)))
    return stage


def _pose(axes: np.ndarray, place: np.ndarray) -> np.ndarray:
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = axes.T, place
    return out
