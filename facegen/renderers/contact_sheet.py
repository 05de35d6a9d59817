"""Contact sheets: one labelled picture of a head for each pose."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from facegen.core.animation import HEAD_CHANNELS, Animation
from facegen.core.errors import UsageError
from facegen.core.registry import Registry
from facegen.renderers.camera import Camera, camera_for
from facegen.renderers.images import make_background, pillow
from facegen.rig import Rig

Pose = Mapping[str, float]
"""Control name to value; ``yaw``, ``pitch``, ``roll``, ``x``, ``y`` and ``z`` pose the head."""
LABEL_HEIGHT = 22
SHOWN_WITH = {"mouthClose": 1.0, "mouthSticky": 0.35, "tongue": 0.4}
"""How far the jaw opens so that controls whose names begin so show what they do."""


def all_controls(rig: Rig) -> dict[str, Pose]:
    """The neutral face, then each control of ``rig`` at the end of its range that is further from neutral, some with an
    open jaw."""
    poses: dict[str, Pose] = {"neutral": {}}
    for control in rig.controls:
        upwards = control.high - control.neutral >= control.neutral - control.low
        opened = next((jaw for name, jaw in SHOWN_WITH.items() if control.name.startswith(name)), 0.0)
        jaw = {"jawOpen": opened} if opened and "jawOpen" in rig.control_names else {}
        poses[control.name] = {**jaw, control.name: control.high if upwards else control.low}
    return poses


def contact_sheet(
    rig: Rig,
    poses: Mapping[str, Pose],
    camera: str | Camera = "front",
    tile: tuple[int, int] = (240, 280),
    columns: int = 8,
    renderer: str = "raster",
) -> np.ndarray:
    """A picture [H, W, 3] uint8 of tiles (width, height in pixels), one a pose, row by row with its name below.

    Raises UsageError where there is no pose, RigError for a rig without a mesh, MissingExtraError and
    MissingSystemError where drawing is not possible here.
    """
    image = pillow()
    from PIL import ImageDraw, ImageFont

    if not poses:
        raise UsageError("a sheet needs at least one pose")
    view = camera if isinstance(camera, Camera) else camera_for(rig, camera, tile)
    frames = (
        Registry("renderers")
        .get(renderer)()
        .frames(
            rig, _animation(list(poses.values())), view, tile, make_background("#2b2f36", tile), fine=True
        )
    )
    columns = min(columns, len(poses))
    step = tile[1] + LABEL_HEIGHT
    sheet = image.new("RGB", (columns * tile[0], -(-len(poses) // columns) * step), "#16181c")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, (name, pixels) in enumerate(zip(poses, frames, strict=True)):
        left, top = number % columns * tile[0], number // columns * step
        sheet.paste(image.fromarray(np.ascontiguousarray(pixels)), (left, top))
        pen.text((left + tile[0] / 2, top + tile[1] + 2), name, fill="#e8e8e8", font=font, anchor="ma")
    return np.asarray(sheet)


def _animation(poses: list[Pose]) -> Animation:
    controls = tuple(sorted({name for pose in poses for name in pose} - set(HEAD_CHANNELS)))
    values = np.array([[pose.get(name, 0.0) for name in controls] for pose in poses], np.float32)
    head = np.array([[pose.get(name, 0.0) for name in HEAD_CHANNELS] for pose in poses], np.float32)
    return Animation(30, controls, values.reshape(len(poses), len(controls)), head)  # type: ignore[arg-type]
