"""Head motion: a slow drift that never repeats, a quicker sway in rhythm with speech, nods with its stresses, posture."""

from __future__ import annotations

import numpy as np

from facegen.core.animation import HEAD_CHANNELS, Animation, owned
from facegen.emotion.action_units import action_unit_table
from facegen.emotion.style import load_style
from facegen.motion.context import Context, GazeTarget
from facegen.motion.passes.expression import moved_by_units
from facegen.motion.passes.gaze_events import affect, gaze_events, gliding
from facegen.motion.passes.signals import mean_over, pulses, slow_noise, speaking, stresses, style_value
from facegen.motion.take import Layer, Take

# Standard deviation of the drift while talking, and its slowest period. Talkers' heads move a few degrees, most
# about yaw (Munhall et al. 2004, "Visual prosody and speech intelligibility").
DRIFT_DEGREES = {"yaw": 2.2, "pitch": 1.4, "roll": 1.2}
DRIFT_PERIOD_S = {"yaw": 4.6, "pitch": 3.7, "roll": 5.3}
DRIFT_CM = {"x": 0.12, "y": 0.06, "z": 0.12}
DRIFT_PERIOD_CM_S = {"x": 6.1, "y": 5.3, "z": 7.3}
STILL = 0.45  # part of the drift that stays in silence
# The quicker part, only while talking: sizes in proportion to, and periods after the autocorrelation of, six GRID
# talkers tracked in video (147 clips: within 3 s they turn 0.43, 0.67 and 0.24 degrees, half as alike after 0.2 s, and
# pitch moves 2.3 times as fast as in their pauses). They read seated and still, so talk has 1.5 times as much.
SWAY_DEGREES = {"yaw": 0.75, "pitch": 1.0, "roll": 0.35}
SWAY_PERIOD_S = {"yaw": 0.55, "pitch": 0.48, "roll": 0.75}
NOD_DEGREES = 2.6  # of the strongest stress
NOD_LEAD_S = 0.06  # in GRID heads are lowest a little before the loudest instant
NOD_RISE_S, NOD_FALL_S = 0.16, 0.34
AROUSED = 0.4  # how far arousal enlarges motion, and its lack shrinks it
FOLLOW, FOLLOW_S, FOLLOW_LATE_S = (
    0.4,
    0.35,
    0.05,
)  # a head goes part of the way of a look aside, slower and later


def head_motion(take: Take, context: Context) -> Layer | None:
    """Head pose [T, 6], no controls."""
    rng = context.rng("head")
    drift, sway = rng.spawn(2)
    tempo = float(load_style(context.config.style).tempo)
    size = style_value(context, "head") * (1 + AROUSED * affect(context)[:, 1])
    talks = context.at_frames(speaking(context, 1.5))
    amount = size * (STILL + (1 - STILL) * talks)
    rhythm = size * context.at_frames(_loudness(context)) * context.at_frames(speaking(context, 0.3))
    pose = np.zeros((context.frames, 6), np.float32)
    for column, name in enumerate(DRIFT_DEGREES):
        slow = DRIFT_DEGREES[name] * slow_noise(context, drift, DRIFT_PERIOD_S[name] / tempo)
        quick = SWAY_DEGREES[name] * slow_noise(context, sway, SWAY_PERIOD_S[name] / tempo, 1)
        pose[:, column] = np.radians(amount * slow + rhythm * quick)
    for column, name in enumerate(DRIFT_CM, start=3):
        noise = slow_noise(context, drift, DRIFT_PERIOD_CM_S[name] / tempo, 2)
        pose[:, column] = amount * DRIFT_CM[name] * noise
    pose[:, :2] += _nods(context, rng) * np.broadcast_to(size, (context.frames,))[:, None]
    pose += _posture(context)
    looks = [GazeTarget(look.at + FOLLOW_LATE_S, look.left, look.up) for look in gaze_events(context)]
    turn = np.radians(FOLLOW * gliding(context, looks, FOLLOW_S))
    pose[:, 0] += turn[:, 0]
    pose[:, 1] -= turn[:, 1]
    return Layer("head", "add", Animation(context.fps, (), np.zeros((context.frames, 0)), owned(pose)))


def _loudness(context: Context) -> np.ndarray:
    """Loudness of speech about the second around it, [F] about 1."""
    loud = mean_over(np.maximum(context.features.energy, -70.0), 21)
    return np.clip(1 + (loud - mean_over(loud, 201)) / 12, 0.3, 1.7)


def _nods(context: Context, rng: np.random.Generator) -> np.ndarray:
    """Yaw and pitch [T, 2] radians of nods with stressed syllables."""
    at, strength = stresses(context)
    vary = rng.random((len(at), 3))
    nods = strength * (0.4 + 0.6 * vary[:, 0]) * (vary[:, 1] < 0.7)
    shape = at - NOD_LEAD_S, NOD_RISE_S, NOD_FALL_S
    yaw = pulses(context, shape[0], np.radians(1.2) * nods * (2 * vary[:, 2] - 1), *shape[1:])
    return np.stack([yaw, pulses(context, shape[0], np.radians(NOD_DEGREES) * nods, *shape[1:])], axis=1)


def _posture(context: Context) -> np.ndarray:
    """Head pose [T, 6] of the emotion's head units and of the style."""
    table = action_unit_table()
    columns = table.columns("head")
    values = moved_by_units(context, columns)
    pose = np.zeros((context.frames, 6), np.float32)
    for column, value in zip(columns, values.T, strict=True):
        at = HEAD_CHANNELS.index(table.controls[column])
        pose[:, at] = np.radians(value) if at < 3 else value
    pose[:, 1] += np.radians(style_value(context, "bow"))
    return pose
