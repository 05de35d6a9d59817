"""Gaze: fixations and saccades about a point, held while the head turns, with lids that follow."""

from __future__ import annotations

import numpy as np

from facegen.animation import Animation
from facegen.config import Context
from facegen.passes.curves import duration, frame_times
from facegen.take import Layer, Take
from facegen.units import EYE_DEGREES_SIDE, EYE_DEGREES_UP

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

SIDES = ("Left", "Right")
CONTROLS = tuple(
    f"{part}{side}"
    for side in SIDES
    for part in ("eyeLookOut", "eyeLookIn", "eyeLookUp", "eyeLookDown", "eyeBlink", "eyeWide")
)


def gaze(take: Take, context: Context) -> Layer | None:
    """Eye and lid controls [T, 12], added to those below."""
    point = context.config.look_at
    scale = EYE_DEGREES_SIDE * (1.0 if point is None else CLOSE_STUDY)
    left, up = saccades(context, scale)
    turned = _head(take)
    left, up = left - turned[0], up + turned[1]
    columns = []
    for out in (1.0, -1.0):
        yaw, pitch = _aim(point, out * EYE_HALF_CM)
        outward = np.clip(out * (left + yaw) / EYE_DEGREES_SIDE, -1, 1)
        upward = np.clip((up + pitch) / EYE_DEGREES_UP, -1, 1)
        rise, drop = np.maximum(upward, 0), np.maximum(-upward, 0)
        columns += [
            np.maximum(outward, 0),
            np.maximum(-outward, 0),
            rise,
            drop,
            LID_DOWN * drop,
            LID_UP * rise,
        ]
    return Layer("gaze", "add", Animation(context.fps, CONTROLS, np.stack(columns, axis=1)))


def saccades(context: Context, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Gaze to the character's left and up, [T] and [T] degrees; ``scale`` is the range's size in degrees."""
    rng = context.rng("gaze")
    count = int(duration(context) / FIXATION_S[0]) + 2
    draws = rng.random((count, 4))
    starts = np.cumsum(FIXATION_S[0] + (FIXATION_S[1] - FIXATION_S[0]) * draws[:, 0])
    radius = scale * (RADIUS[0] + (RADIUS[1] - RADIUS[0]) * draws[:, 1]) * (draws[:, 2] >= BACK_TO_CENTRE)
    angle = 2 * np.pi * draws[:, 3]
    ends = np.stack([radius * np.cos(angle), FLATTER * radius * np.sin(angle)], axis=1)
    begins = np.concatenate([np.zeros((1, 2)), ends[:-1]])
    takes = SECONDS_LEAST + SECONDS_A_DEGREE * np.linalg.norm(ends - begins, axis=1)
    times = frame_times(context)
    last = np.searchsorted(starts, times, side="right") - 1
    at = np.maximum(last, 0)
    part = np.where(last < 0, 0.0, np.clip((times - starts[at]) / takes[at], 0, 1))
    part = part**3 * (10 - 15 * part + 6 * part * part)
    place = begins[at] + part[:, None] * (ends[at] - begins[at])
    return place[:, 0], place[:, 1]


def _head(take: Take) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Yaw to the left and pitch down of the head below, degrees; 0 where nothing moves it."""
    poses = [x.animation.head for x in take.layers if x.name == "head" and x.animation.head is not None]
    if not poses:
        return 0.0, 0.0
    return np.degrees(poses[0][:, 0]), np.degrees(poses[0][:, 1])


def _aim(point: tuple[float, float, float] | None, eye: float) -> tuple[float, float]:
    """Degrees to the left and up from the eye at x = ``eye`` cm to ``point``; straight ahead where there is none."""
    if point is None:
        return 0.0, 0.0
    x, y, z = point[0] - eye, point[1], max(point[2], 1.0)
    return float(np.degrees(np.arctan2(x, z))), float(np.degrees(np.arctan2(y, np.hypot(x, z))))
