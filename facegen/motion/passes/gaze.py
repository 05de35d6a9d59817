"""Gaze: fixations and saccades of both eyes, looks away, counter-rotation against the head, and lids that follow.

Small shifts come every 0.42 to 0.75 s, two in five back to the centre (statistics published with EmoFace, 2024). A saccade
lasts by its size as the main sequence says (Carpenter 1988). The eyes make up for the head's turns (vestibulo-ocular
reflex), and the lids follow vertical gaze. Looks away come from ``gaze_events``.
"""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.core.memory import chunks
from facegen.core.units import EYE_DEGREES_SIDE, EYE_DEGREES_UP
from facegen.motion.context import Context, GazeTarget
from facegen.motion.passes.gaze_events import affect, gaze_events, interpolate_gaze
from facegen.motion.passes.signals import duration, style_value, value_at
from facegen.motion.take import Layer, Take

FIXATION_S = (25 / 60, 45 / 60)
"""Range of the seconds between shifts: 25 to 45 frames at 60 a second (EmoFace 2024)."""
SHIFT_RADIUS = (0.1, 0.2)
"""Range of a shift's distance from the centre, as a share of the eyes' sideways range (EmoFace 2024)."""
RETURN_CHANCE = 0.4
"""Share of the shifts that go back to the centre (EmoFace 2024)."""
VERTICAL_SHARE = 0.6
"""Vertical size of a shift relative to its horizontal size: people look about sideways. Hand-tuned."""
SACCADE_S_PER_DEGREE, SACCADE_BASE_S = 0.0022, 0.021
"""Duration of a saccade: seconds for each degree of its size, and seconds for none. The main sequence (Carpenter 1988)."""
EYE_HALF_CM = 3.05
"""Half the distance between the eyes, cm. Hand-tuned."""
LOOK_AT_SCALE = 0.35
"""Factor on the size of shifts while the eyes rest on a given point. Hand-tuned."""
LID_DOWN, LID_UP = 0.35, 0.12
"""eyeBlink for an eye that looks fully down, and eyeWide for one that looks fully up. Hand-tuned."""
UNEASE_GAIN = 0.22
"""How far fear (unpleasant arousal without dominance) quickens shifts; at 1 four times this is added to the rate.
Hand-tuned to a fearful Live Link Face capture, which has three times the shifts of the others."""

HEAD_LAYERS = ("head", "listening")
"""Layers whose head rotation the eyes counter."""
SIDES = ("Left", "Right")
CONTROLS = tuple(
    f"{part}{side}"
    for side in SIDES
    for part in ("eyeLookOut", "eyeLookIn", "eyeLookUp", "eyeLookDown", "eyeBlink", "eyeWide")
)
"""The columns of the layer, six for each eye."""


def gaze(take: Take, context: Context) -> Layer | None:
    """Move the eyes, and the lids with them.

    Parameters
    ----------
    take : Take
        Its layers ``head`` and ``listening`` say how the head turns.
    context : Context
        Gaze targets, emotion, style, seed and ``config.look_at`` (a point in cm).

    Returns
    -------
    Layer
        Mode ``add``: CONTROLS, float32 of shape (T, 12) in 0..1.
    """
    point = context.config.look_at
    small = saccades(context, EYE_DEGREES_SIDE * (1.0 if point is None else LOOK_AT_SCALE))
    events = gaze_events(context)
    shifts = np.diff([(0.0, 0.0), *((event.left, event.up) for event in events)], axis=0)
    large = interpolate_gaze(
        context, events, SACCADE_BASE_S + SACCADE_S_PER_DEGREE * np.linalg.norm(shifts, axis=1)
    )
    small += large
    del large
    values = np.zeros((context.frames, len(CONTROLS)), np.float32)
    for frames in chunks(context.frames):
        head = _head_rotation(take, frames)
        values[frames] = _controls(small[frames, 0] - head[0], small[frames, 1] + head[1], point)
    return Layer("gaze", "add", Animation(context.fps, CONTROLS, owned(values)))


def _controls(left: np.ndarray, up: np.ndarray, point: tuple[float, float, float] | None) -> np.ndarray:
    """CONTROLS [T, 12] of eyes that look ``left`` and ``up`` degrees from ``point``."""
    values = np.zeros((len(left), len(CONTROLS)), np.float32)
    for side, out in enumerate((1.0, -1.0)):
        yaw, pitch = _aim(point, out * EYE_HALF_CM)
        outward = np.clip(out * (left + yaw) / EYE_DEGREES_SIDE, -1, 1)
        upward = np.clip((up + pitch) / EYE_DEGREES_UP, -1, 1)
        rise, drop = np.maximum(upward, 0), np.maximum(-upward, 0)
        sides = np.maximum(outward, 0), np.maximum(-outward, 0)
        for column, rows in enumerate((*sides, rise, drop, LID_DOWN * drop, LID_UP * rise), start=6 * side):
            values[:, column] = rows
    return values


def saccades(context: Context, scale: float) -> np.ndarray:
    """Small shifts between fixations.

    Parameters
    ----------
    context : Context
        Emotion, style and seed.
    scale : float
        Range of the eyes in degrees.

    Returns
    -------
    ndarray of float64, shape (T, 2)
        Degrees to the character's left and up.
    """
    rng = context.rng("gaze")
    activity, mood = style_value(context, "gaze"), affect(context)
    unease = np.clip(-mood[:, 0], 0, 1) * np.clip(mood[:, 1], 0, 1) * np.clip(-mood[:, 2] + 0.3, 0, 1)
    points, at, end = [], 0.0, duration(context)
    while at < end:
        draws = rng.random(4)
        rate = (1 + UNEASE_GAIN * 4 * value_at(context, unease, at)) * np.sqrt(
            max(0.1, value_at(context, activity, at))
        )
        at += (FIXATION_S[0] + (FIXATION_S[1] - FIXATION_S[0]) * draws[0]) / rate
        size = min(1.3, value_at(context, activity, at)) * scale * (draws[2] >= RETURN_CHANCE)
        radius = size * (SHIFT_RADIUS[0] + (SHIFT_RADIUS[1] - SHIFT_RADIUS[0]) * draws[1])
        angle = 2 * np.pi * draws[3]
        points.append(GazeTarget(at, radius * np.cos(angle), VERTICAL_SHARE * radius * np.sin(angle)))
    steps = np.diff([(0.0, 0.0), *((p.left, p.up) for p in points)], axis=0)
    return interpolate_gaze(
        context, points, SACCADE_BASE_S + SACCADE_S_PER_DEGREE * np.linalg.norm(steps, axis=1)
    )


def _head_rotation(take: Take, frames: slice) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Yaw to the left and pitch down of the head below in ``frames``, degrees; 0 where nothing moves it."""
    layers = [x.animation for x in take.layers if x.name in HEAD_LAYERS]
    poses = [x.head[frames] for x in layers if x.head is not None]
    if not poses:
        return 0.0, 0.0
    turn = np.degrees(sum(poses[1:], poses[0]))
    return turn[:, 0], turn[:, 1]


def _aim(point: tuple[float, float, float] | None, eye: float) -> tuple[float, float]:
    """Degrees to the left and up from the eye at x = ``eye`` cm to ``point``; straight ahead where there is none."""
    if point is None:
        return 0.0, 0.0
    x, y, z = point[0] - eye, point[1], max(point[2], 1.0)
    return float(np.degrees(np.arctan2(x, z))), float(np.degrees(np.arctan2(y, np.hypot(x, z))))
