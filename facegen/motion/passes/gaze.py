"""Gaze: fixations and saccades about a point, looks away, held while the head turns, with lids that follow."""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.core.memory import chunks
from facegen.core.units import EYE_DEGREES_SIDE, EYE_DEGREES_UP
from facegen.motion.context import Context, GazeTarget
from facegen.motion.passes.gaze_events import affect, gaze_events, gliding
from facegen.motion.passes.signals import duration, style_value, value_at
from facegen.motion.take import Layer, Take

# Shifts each 25-45 frames at 60 a second, 0.1-0.2 of the range away, two in five back to the centre (statistics
# published with EmoFace, 2024).
FIXATION_S = (25 / 60, 45 / 60)
RADIUS = (0.1, 0.2)
BACK_TO_CENTRE = 0.4
FLATTER = 0.6  # vertical part of a shift: people look about sideways
# Saccade duration by size, the main sequence (Carpenter 1988).
SECONDS_A_DEGREE, SECONDS_LEAST = 0.0022, 0.021
EYE_HALF_CM = 3.05
CLOSE_STUDY = 0.35  # shifts are smaller while looking at a given point
LID_DOWN, LID_UP = 0.35, 0.12  # lid motion with an eye that looks down or up
UNEASY = 0.22  # how far unpleasant arousal without power quickens shifts: a fearful capture has three times the others'

TURNING = ("head", "listening")  # layers whose turns of the head the eyes make up for
SIDES = ("Left", "Right")
CONTROLS = tuple(
    f"{part}{side}"
    for side in SIDES
    for part in ("eyeLookOut", "eyeLookIn", "eyeLookUp", "eyeLookDown", "eyeBlink", "eyeWide")
)


def gaze(take: Take, context: Context) -> Layer | None:
    """Eye and lid controls [T, 12], added to those below."""
    point = context.config.look_at
    small = saccades(context, EYE_DEGREES_SIDE * (1.0 if point is None else CLOSE_STUDY))
    looks = gaze_events(context)
    shifts = np.diff([(0.0, 0.0), *((look.left, look.up) for look in looks)], axis=0)
    large = gliding(context, looks, SECONDS_LEAST + SECONDS_A_DEGREE * np.linalg.norm(shifts, axis=1))
    small += large
    del large
    values = np.zeros((context.frames, len(CONTROLS)), np.float32)
    for frames in chunks(context.frames):
        turned = _head(take, frames)
        values[frames] = _controls(small[frames, 0] - turned[0], small[frames, 1] + turned[1], point)
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
    """Small shifts to the character's left and up, [T, 2] degrees; ``scale`` is the range's size in degrees."""
    rng = context.rng("gaze")
    lively, mood = style_value(context, "gaze"), affect(context)
    uneasy = np.clip(-mood[:, 0], 0, 1) * np.clip(mood[:, 1], 0, 1) * np.clip(-mood[:, 2] + 0.3, 0, 1)
    points, at, end = [], 0.0, duration(context)
    while at < end:
        draws = rng.random(4)
        quick = (1 + UNEASY * 4 * value_at(context, uneasy, at)) * np.sqrt(
            max(0.1, value_at(context, lively, at))
        )
        at += (FIXATION_S[0] + (FIXATION_S[1] - FIXATION_S[0]) * draws[0]) / quick
        size = min(1.3, value_at(context, lively, at)) * scale * (draws[2] >= BACK_TO_CENTRE)
        radius = size * (RADIUS[0] + (RADIUS[1] - RADIUS[0]) * draws[1])
        angle = 2 * np.pi * draws[3]
        points.append(GazeTarget(at, radius * np.cos(angle), FLATTER * radius * np.sin(angle)))
    steps = np.diff([(0.0, 0.0), *((p.left, p.up) for p in points)], axis=0)
    return gliding(context, points, SECONDS_LEAST + SECONDS_A_DEGREE * np.linalg.norm(steps, axis=1))


def _head(take: Take, frames: slice) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Yaw to the left and pitch down of the head below in ``frames``, degrees; 0 where nothing moves it."""
    layers = [x.animation for x in take.layers if x.name in TURNING]
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
