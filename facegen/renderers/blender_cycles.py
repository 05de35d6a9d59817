"""The ``blender`` renderer: Cycles on the processor, in a Blender or a Python with the bpy wheel beside ours."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterator

import numpy as np

from facegen.core.animation import Animation
from facegen.core.blender_process import find_blender, run_blender
from facegen.core.errors import FacegenError
from facegen.core.files import Content
from facegen.renderers.camera import Camera
from facegen.renderers.images import pillow
from facegen.renderers.lights import LIGHTS, SKY, light_directions
from facegen.renderers.scene import make_render_scene, over
from facegen.rig import Rig, evaluate

BLOCK_FRAMES = 24
SCRIPT = "blender_render.py"
SAMPLES, FINE_SAMPLES = 16, 64


class BlenderRenderer:
    """Draws heads with Blender's path tracer: slow, with true shadows. The same interface as ``OpenGLRenderer``."""

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

        Raises RigError for a rig without a mesh, MissingSystemError where Blender is missing or too old.
        """
        rig._need_mesh()
        command, fixed = find_blender(), _fixed(rig, camera, size, FINE_SAMPLES if fine else SAMPLES)
        moving: list[np.ndarray] = []
        for number, vertices in enumerate(evaluate(rig, animation), 1):
            moving.append(camera.as_seen(vertices, float((number - 1) / animation.fps)))
            if len(moving) == BLOCK_FRAMES or number == len(animation):
                for pixels in _drawn(command, {**fixed, "vertices": np.stack(moving)}):
                    yield pixels if background is None else over(pixels, background)
                moving = []


def _fixed(rig: Rig, camera: Camera, size: tuple[int, int], samples: int) -> dict[str, np.ndarray]:
    """What the script needs to know, but for the vertices."""
    scene, faces = make_render_scene(rig), rig.mesh.faces  # type: ignore[union-attr]
    colors = np.ones((len(scene.colors), 4), np.float32)
    colors[:, :3] = scene.colors[:, :3] / 255
    return {
        "faces": faces,
        "colors": colors,
        "materials": scene.materials,
        "face_material": scene.colors[faces[:, 0], 3].astype(np.int32),
        "position": np.array(camera.position),
        "axes": camera.axes,
        "fov": np.radians(camera.fov),
        "size": np.array(size),
        "samples": np.array(samples),
        "threads": np.array(os.cpu_count() or 1),
        "lights": light_directions(camera),
        "light_colors": np.array([color for _, color in LIGHTS.values()]),
        "sky": np.array(SKY),
    }


def _drawn(command: list[str], data: dict[str, np.ndarray]) -> Iterator[np.ndarray]:
    """The frames [H, W, 4] uint8 that Blender draws of ``data``."""
    with tempfile.TemporaryDirectory() as folder:
        files = run_blender(command, SCRIPT, folder, _files(data), "*.png", "use --renderer raster")
        if len(files) != len(data["vertices"]):
            raise FacegenError(
                "Blender did not draw all frames", path=command[0], remedy="use --renderer raster"
            )
        for file in files:
            with pillow().open(io.BytesIO(file.read_bytes())) as image:
                yield np.asarray(image.convert("RGBA"))


def _files(data: dict[str, np.ndarray]) -> dict[str, Content]:
    """The arrays that the script reads, by file name; plain bytes, for Blender has NumPy and no more."""
    held = {name: np.ascontiguousarray(array) for name, array in data.items()}
    shapes = {name: (array.dtype.str, array.shape) for name, array in data.items()}
    return {
        "scene.json": json.dumps(shapes).encode(),
        **{f"{name}.bin": array.tobytes() for name, array in held.items()},
    }
