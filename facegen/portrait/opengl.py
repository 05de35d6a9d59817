"""The portrait drawn by OpenGL: the picture behind, the sheet, the mouth's inside, the eyes and the face over it."""

from __future__ import annotations

from typing import Any

import numpy as np

from facegen.portrait.eyeballs import EyePicture
from facegen.portrait.segmentation import opencv
from facegen.portrait.shaders import shader
from facegen.portrait.skin_texture import SkinTexture
from facegen.portrait.warp import FaceWarp, FrameState

SAMPLES = 2
"""Each pixel is the mean of so many by so many, but in drafts."""


class _Piece:
    """A mesh with a picture; its places and colours change from frame to frame."""

    def __init__(self, context: Any, program: Any, faces: np.ndarray, count: int, picture: Any) -> None:
        self.picture = picture
        self._place = context.buffer(reserve=count * 12, dynamic=True)
        self._uv = context.buffer(reserve=count * 8)
        self._tint = context.buffer(reserve=count * 16, dynamic=True)
        self._look = context.buffer(reserve=count * 8)
        attributes = [
            (self._place, "3f", "place"),
            (self._uv, "2f", "uv"),
            (self._tint, "4f", "tint"),
            (self._look, "2f", "look"),
        ]
        self._array = context.vertex_array(program, attributes, context.buffer(faces.astype("i4").tobytes()))
        self.look(np.ones(count), np.ones(count))
        self.tint(np.zeros((count, 4)))
        self.uv(np.zeros((count, 2)))

    def uv(self, rows: np.ndarray) -> None:
        self._uv.write(np.ascontiguousarray(rows, "f4").tobytes())

    def tint(self, rows: np.ndarray) -> None:
        self._tint.write(np.ascontiguousarray(rows, "f4").tobytes())

    def look(self, alpha: np.ndarray, gain: np.ndarray) -> None:
        self._look.write(np.column_stack([alpha, gain]).astype("f4").tobytes())

    def draw(self, places: np.ndarray) -> None:
        self._place.write(np.ascontiguousarray(places, "f4").tobytes())
        self.picture.use(0)
        self._array.render()


class GLRenderer:
    """Draws a puppet's instants into the part of the photo that moves. Use it as a context manager."""

    def __init__(
        self,
        context: Any,
        pixels: np.ndarray,
        puppet: FaceWarp,
        skin: SkinTexture,
        eyes: dict[str, EyePicture],
        samples: int = SAMPLES,
    ) -> None:
        self._context, self._puppet = context, puppet
        self.box = left, top, right, bottom = puppet.sheet.box
        self.size = (right - left, bottom - top)
        self._large = (samples * self.size[0], samples * self.size[1])
        self._program = context.program(shader("surface.vert"), fragment_shader=shader("surface.frag"))
        self._program["box"] = (left, top, 1 / self.size[0], 1 / self.size[1])
        head = puppet.head
        reach = 4 * max(head.face_size)
        self._program["depth"] = (float(head.pivot[2]), 1 / reach)
        self._make_targets(puppet.sheet.plate, samples)
        self._make_pieces(pixels[top:bottom, left:right], skin, eyes, samples)

    def _make_targets(self, plate: np.ndarray, samples: int) -> None:
        context = self._context
        picture = context.texture(self._large, 4)
        picture.filter = (context.LINEAR, context.LINEAR)
        self._picture = picture
        self._drawn = context.framebuffer([picture], context.depth_renderbuffer(self._large))
        wide = plate.repeat(samples, axis=0).repeat(samples, axis=1)
        opaque = np.full((*wide.shape[:2], 1), 255, np.uint8)
        behind = context.texture(self._large, 4, np.concatenate([wide, opaque], axis=2).tobytes())
        self._behind = context.framebuffer([behind])
        self._done = context.framebuffer([context.renderbuffer(self.size, 4)])
        mean = context.program(shader("screen.vert"), fragment_shader=shader("mean.frag"))
        self._mean = context.vertex_array(mean, [])

    def _make_pieces(
        self, part: np.ndarray, skin: SkinTexture, eyes: dict[str, EyePicture], samples: int
    ) -> None:
        head, sheet = self._puppet.head, self._puppet.sheet
        photo = self._texture(part, sheet.alpha, samples)
        self._sheet = self._piece(sheet.faces, len(sheet.points), photo)
        self._sheet.uv(self._of_box(sheet.points))
        count = len(head.skin)
        self._skin = self._piece(head.faces, count, photo)
        self._skin.uv(self._of_box(head.skin))
        self._surface = skin
        self._skin.look(skin.alpha, np.ones(count))
        self._inside = self._piece(head.inside.faces, len(head.inside.vertices), photo)
        self._eyes = {}
        for side, picture in eyes.items():
            ball = head.eyes[side]
            texture = self._texture(picture.pixels, np.full(picture.pixels.shape[:2], 255, np.uint8), 1)
            self._eyes[side] = self._piece(ball.faces, len(ball.vertices), texture)
            self._eyes[side].uv((ball.vertices[:, :2] * (1, -1) - picture.corner) / picture.extent)

    def _piece(self, faces: np.ndarray, count: int, picture: Any) -> _Piece:
        return _Piece(self._context, self._program, faces, count, picture)

    def _of_box(self, points: np.ndarray) -> np.ndarray:
        return (points[:, :2] * (1, -1) - self.box[:2]) / self.size

    def _texture(self, pixels: np.ndarray, alpha: np.ndarray, samples: int) -> Any:
        cv2, context = opencv(), self._context
        whole = np.dstack([pixels, alpha])
        if samples > 1:  # so that reading between pixels hardly blurs
            size = (samples * whole.shape[1], samples * whole.shape[0])
            whole = cv2.resize(whole, size, interpolation=cv2.INTER_LANCZOS4)
        texture = context.texture(whole.shape[1::-1], 4, np.ascontiguousarray(whole).tobytes())
        texture.build_mipmaps()
        texture.filter = (context.LINEAR_MIPMAP_LINEAR, context.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        return texture

    def draw(self, now: FrameState) -> np.ndarray:
        """The part of the photo within ``box`` at that instant, [h, w, 3] uint8."""
        context = self._context
        self._drawn.clear(depth=1.0)
        context.copy_framebuffer(self._drawn, self._behind)
        self._drawn.use()
        context.blend_func = (context.SRC_ALPHA, context.ONE_MINUS_SRC_ALPHA)
        context.front_face = "cw"  # the picture is upside down here
        context.enable_only(context.BLEND)
        self._program["cut"] = 1.0
        self._sheet.draw(now.sheet)
        self._program["cut"] = 0.0
        context.enable_only(context.BLEND | context.DEPTH_TEST | context.CULL_FACE)
        self._inside.tint(np.column_stack([now.inside_colors, np.ones(len(now.inside_colors))]))
        self._inside.draw(now.inside)
        for side, piece in self._eyes.items():
            piece.draw(now.eyes[side])
        self._skin.tint(self._surface.tint(now.shut))
        self._skin.draw(now.skin)
        self._done.use()
        context.enable_only(0)
        self._picture.use(0)
        self._mean.render(vertices=3)
        data = self._done.read(components=3, alignment=1)
        return np.frombuffer(data, np.uint8).reshape(self.size[1], self.size[0], 3)
