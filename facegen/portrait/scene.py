"""Everything that is made of the photo once, and the frames drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import ImageError
from facegen.portrait.background_warp import follows, make_background_mesh
from facegen.portrait.eyeballs import EyePicture, eye_pictures
from facegen.portrait.head_fitting import fit_head, inside_polygon
from facegen.portrait.opengl import SAMPLES, GLRenderer
from facegen.portrait.photo import LOG, Photo
from facegen.portrait.segmentation import hands, wears_glasses
from facegen.portrait.skin_texture import SkinTexture, read_skin_texture
from facegen.portrait.warp import FaceWarp, FrameState
from facegen.tracking.head_pose import angles

PROFILE, TURNED = 40.0, 22.0
"""Degrees of yaw from which a face can't be animated, and from which it is warned of."""


Painter = Callable[[int, np.ndarray, FrameState, tuple[int, int]], np.ndarray]
"""Paints over the part of a frame that moves: given the frame's number, the part [h, w, 3] uint8, the instant, and where
in the photo the part's top left is."""


@dataclass(frozen=True, eq=False)
class PortraitScene:
    """A photo made ready to speak."""

    photo: Photo
    puppet: FaceWarp
    skin: SkinTexture
    eyes: dict[str, EyePicture]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames."""
        return self.photo.pixels.shape[1], self.photo.pixels.shape[0]

    def frames(
        self, animation: Animation, draft: bool = False, paint: Painter | None = None
    ) -> Iterator[np.ndarray]:
        """Each frame [H, W, 3] uint8, what ``paint`` makes of it."""
        from facegen.renderers.opengl import open_context

        context = open_context()
        try:
            with context:
                samples = 1 if draft else SAMPLES
                stage = GLRenderer(context, self.photo.pixels, self.puppet, self.skin, self.eyes, samples)
            left, top, right, bottom = stage.box
            values, poses = self.puppet.rows(animation)
            for number, (row, pose) in enumerate(zip(values, poses, strict=True)):
                now = self.puppet.at(row, pose)
                with context:
                    part = stage.draw(now)
                if paint is not None:
                    part = paint(number, part, now, (left, top))
                frame = self.photo.pixels.copy()
                frame[top:bottom, left:right] = part
                yield frame
        finally:
            context.release()


def make_portrait_scene(photo: Photo, path: str) -> PortraitScene:
    """The scene of ``photo``; ``path`` names it in messages. Raises ImageError for a face seen from the side."""
    head = fit_head(photo.landmarks)
    yaw = float(np.degrees(angles(head.rotation[None])[0, 0]))
    if abs(yaw) > PROFILE:
        raise ImageError(
            f"shows the face from the side (turned by {abs(yaw):.0f} degrees)",
            path=path,
            remedy="give a picture in which the face looks towards the camera",
        )
    if abs(yaw) > TURNED:
        LOG.warning("%s shows the face turned by %.0f degrees; the far side will be coarse", path, abs(yaw))
    if any(inside_polygon(hand, head.outline).any() for hand in hands(photo.pixels)):
        LOG.warning("%s shows a hand before the face; it will move with the face", path)
    if wears_glasses(photo.pixels, photo.landmarks):
        LOG.warning("%s seems to show glasses; they will bend with the face", path)
    skin = read_skin_texture(photo.pixels, head)
    sheet = make_background_mesh(photo.pixels, head, skin.rim)
    if not sheet.segmented:
        LOG.warning("%s: person and background can't be told apart; the background bends with the head", path)
    eyes = eye_pictures(photo.pixels, head, skin.light)
    puppet = FaceWarp(head, sheet, follows(head.skin, head, sheet.box), skin.light)
    return PortraitScene(photo, puppet, skin, eyes)
