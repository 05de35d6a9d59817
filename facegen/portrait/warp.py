"""Warping the portrait: where face, mouth, eyes and background lie in one frame, by controls and head pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegen.core.animation import Animation
from facegen.core.mesh import normals
from facegen.core.units import EYE_DEGREES_SIDE, EYE_DEGREES_UP
from facegen.portrait.background_warp import BackgroundMesh
from facegen.portrait.head_fitting import FittedHead
from facegen.portrait.segmentation import smoothstep
from facegen.rig.model import head_matrices

MOST_DEGREES = np.array((20.0, 15.0, 14.0))
"""Degrees of yaw, pitch and roll that a single photo allows; poses saturate softly there. Chosen by eye."""
MOST_CM = np.array((2.5, 2.5, 4.0))
"""Head shift in x, y and z that a single photo allows, cm; chosen by eye."""
USUAL_SKIN = 0.72
"""Brightness (sRGB) of skin in the light for which the rig's mouth is painted."""
BEHIND_LIPS_CM, DEEP_CM, UNDER_LIP_CM = 0.9, 1.6, 0.5
"""cm: depth behind the lips at which the mouth darkens, decay length there, and width of the lips' shadow; by eye."""
DARKEST = np.array((0.7, 0.38, 0.36))
"""Share of the light (red, green, blue) that remains in the throat, where light reflected by flesh is red; by eye."""
JAW_SHARE = 0.5
"""Share of the jaw's largest displacement from which a lip vertex belongs to the lower lip."""
OPEN_CM = 0.7
"""Gap between the lips, cm, that lets in most of the light; by eye."""
LID_ROOM = 0.45
"""Share of a squint that remains while the lids close."""


@dataclass(frozen=True, eq=False)
class FrameState:
    """One frame's geometry in pixels of the photo (x right, y up, z to the camera); ``shut``: how far each eye's lids
    are closed; ``turn`` [3, 3] (with its growth), ``pivot`` [3] and ``shift`` [3] of the head."""

    skin: np.ndarray
    inside: np.ndarray
    inside_colors: np.ndarray
    eyes: dict[str, np.ndarray]
    sheet: np.ndarray
    shut: dict[str, float]
    turn: np.ndarray
    pivot: np.ndarray
    shift: np.ndarray
    front: float

    def carried(self, place: np.ndarray) -> np.ndarray:
        """Where the head's pose takes a ``place`` [2] on the level of its pivot's front, [2]."""
        whole = np.array((*place, self.front))
        return ((whole - self.pivot) @ self.turn.T + self.pivot + self.shift)[:2]


class FaceWarp:
    """Moves a fitted head and the background mesh by animations."""

    def __init__(
        self, head: FittedHead, sheet: BackgroundMesh, weight: np.ndarray, light: np.ndarray
    ) -> None:
        """``weight`` [V] is how far the face follows the head, ``light`` [3] the colour of lit skin."""
        self.head, self.sheet = head, sheet
        self._weight = weight[:, None]
        self._deltas = head.deltas.reshape(len(head.controls), -1)
        self._inside = head.inside.deltas.reshape(len(head.controls), -1)
        normal = normals(head.inside.vertices, head.inside.faces)
        towards = np.array((-0.2, 0.35, 0.9)) / np.linalg.norm((-0.2, 0.35, 0.9))
        self._facing = 0.65 + 0.45 * np.clip(normal @ towards, 0, 1)
        level = float(np.clip(light.mean() / USUAL_SKIN, 0.35, 1.25))
        tint = 1 + 0.3 * (light / max(float(light.mean()), 1e-3) - np.array((1.22, 0.95, 0.83)))
        self._paint = np.clip(head.inside.colors / 255.0 * level * tint, 0, 1)
        self._lips = self.vertex_at(13, upper=True), self.vertex_at(14, upper=False)

    def vertex_at(self, landmark: int, upper: bool | None = None) -> int:
        """The vertex of the face nearest to a landmark of the photo; of the ``upper`` lip, which the jaw does not
        move, or of the lower one."""
        away = np.linalg.norm(self.head.skin[:, :2] - self.head.landmarks[landmark, :2] * (1, -1), axis=1)
        if upper is not None:
            down = self.head.deltas[self.head.controls.index("jawOpen")] @ self.head.rotation[:, 1]
            away = np.where((down < JAW_SHARE * down.min()) == upper, np.inf, away)
        return int(np.argmin(away))

    def rows(self, animation: Animation) -> tuple[np.ndarray, np.ndarray]:
        """Controls [T, C] less what the photo shows already, and head poses [T, 6] within what one photo allows."""
        values = animation.select(self.head.controls).values.astype(np.float32)
        values = self._shut_lids(values) - self.head.at_rest
        head = np.zeros((len(values), 6)) if animation.head is None else animation.head.astype(np.float64)
        most = np.radians(MOST_DEGREES)
        turns, moves = most * np.tanh(head[:, :3] / most), MOST_CM * np.tanh(head[:, 3:] / MOST_CM)
        return values, np.concatenate([turns, moves], axis=1)

    def _shut_lids(self, values: np.ndarray) -> np.ndarray:
        """Lids that close by several controls at once, no further than shut."""
        values, names = values.copy(), self.head.controls
        for side in ("Left", "Right"):
            blink, squint = names.index("eyeBlink" + side), names.index("eyeSquint" + side)
            down = names.index("eyeLookDown" + side)
            values[:, squint] *= 1 - (1 - LID_ROOM) * values[:, blink]
            values[:, blink] = np.minimum(values[:, blink], 1 - 0.25 * values[:, down])
        return values

    def at(self, values: np.ndarray, pose: np.ndarray) -> FrameState:
        """The portrait at ``values`` [C] and the head's ``pose`` [6], both as from ``rows``."""
        head = self.head
        moved = (values @ self._deltas).reshape(-1, 3)
        skin = head.skin + moved
        inside = head.inside.vertices + (values @ self._inside).reshape(-1, 3)
        colors = self._lit(skin, inside)
        turn = head.rotation @ head_matrices(pose[None])[0] @ head.rotation.T
        shift = head.rotation @ (head.scale * pose[3:])
        grown = 1 + pose[5] / 70.0

        def posed(points: np.ndarray) -> np.ndarray:
            return head.pivot + grown * (points - head.pivot) @ turn.T + shift * (1, 1, 0)

        sheet = self.sheet.points + self.sheet.shares @ moved[self.sheet.rim]
        sheet = sheet + self.sheet.weight[:, None] * (posed(sheet) - sheet)
        eyes = {side: posed(self._turned(side, values)) for side in head.eyes}
        return FrameState(
            (skin + self._weight * (posed(skin) - skin)).astype(np.float32),
            posed(inside).astype(np.float32),
            colors,
            {side: rows.astype(np.float32) for side, rows in eyes.items()},
            sheet.astype(np.float32),
            {side: float(values[head.controls.index("eyeBlink" + side)]) for side in head.eyes},
            grown * turn,
            head.pivot,
            shift * (1, 1, 0),
            float(head.skin[self._lips[0], 2]),
        )

    def _turned(self, side: str, values: np.ndarray) -> np.ndarray:
        """Vertices (n, 3) of an eyeball rotated by the look controls, px."""
        names, ball = self.head.controls, self.head.eyes[side]

        def control(name: str) -> float:
            return float(values[names.index(f"eyeLook{name}{side}")])

        out = control("Out") - control("In")
        yaw = np.radians(EYE_DEGREES_SIDE) * (out if side == "Left" else -out)
        pitch = np.radians(EYE_DEGREES_UP) * (control("Down") - control("Up"))
        turn = head_matrices(np.array([[yaw, pitch, 0, 0, 0, 0]]))[0]
        turn = self.head.rotation @ turn @ self.head.rotation.T
        return (ball.vertices - ball.centre) @ turn.T + ball.centre

    def _lit(self, skin: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Colours [n, 3] of the mouth's inside: darker the deeper, the nearer below the upper lip, the less it is open."""
        up, ahead = self.head.rotation[:, 1], self.head.rotation[:, 2]
        upper, lower = skin[self._lips[0]], skin[self._lips[1]]
        gap = max(0.0, float((upper - lower) @ up)) / self.head.scale
        opened = np.sqrt(np.clip(gap / OPEN_CM, 0.0, 1.0))
        middle = (upper + lower) / 2
        deep = np.maximum(0.0, (middle - inside) @ ahead / self.head.scale - BEHIND_LIPS_CM)
        under = smoothstep(-0.15, UNDER_LIP_CM, (upper - inside) @ up / self.head.scale)
        above = smoothstep(-0.15, UNDER_LIP_CM, (inside - lower) @ up / self.head.scale)
        near = (0.55 + 0.45 * under) * (0.8 + 0.2 * above) * (0.7 + 0.3 * opened)
        light = DARKEST + (1 - DARKEST) * np.exp(-deep / DEEP_CM)[:, None]
        return (self._paint * light * (self._facing * near)[:, None]).astype(np.float32)
