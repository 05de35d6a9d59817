"""Head motion: slow drift, a quicker sway in rhythm with speech, nods at stressed syllables, and posture.

Drift is 1/f noise of a few degrees, most about yaw (Munhall et al. 2004). The sway is proportional to loudness and fitted
to six talkers of the GRID corpus tracked in video. Nods come just before the loudest instant of a stress. The emotion's
head units and the style set the posture, and the head goes part of the way where the eyes look aside.
"""

from __future__ import annotations

import numpy as np

from facegen.core.animation import HEAD_CHANNELS, Animation, owned
from facegen.emotion.action_units import action_unit_table
from facegen.emotion.style import load_style
from facegen.motion.context import Context, GazeTarget
from facegen.motion.passes.expression import action_unit_controls
from facegen.motion.passes.gaze_events import affect, gaze_events, interpolate_gaze
from facegen.motion.passes.signals import mean_over, pulses, slow_noise, speaking, stresses, style_value
from facegen.motion.take import Layer, Take

DRIFT_DEGREES = {"yaw": 2.2, "pitch": 1.4, "roll": 1.2}
"""Standard deviation of the drift while talking, degrees. Hand-tuned: talkers' heads move a few degrees, most about yaw
(Munhall et al. 2004, "Visual prosody and speech intelligibility")."""
DRIFT_PERIOD_S = {"yaw": 4.6, "pitch": 3.7, "roll": 5.3}
"""Slowest period of the rotation's drift, seconds. Hand-tuned, all different so that no pattern repeats."""
DRIFT_CM = {"x": 0.12, "y": 0.06, "z": 0.12}
"""Standard deviation of the head's shift while talking, cm. Hand-tuned."""
DRIFT_PERIOD_CM_S = {"x": 6.1, "y": 5.3, "z": 7.3}
"""Slowest period of the shift, seconds. Hand-tuned."""
SILENCE_SHARE = 0.45
"""Share of the drift that stays in silence. Hand-tuned."""
SWAY_DEGREES = {"yaw": 0.75, "pitch": 1.0, "roll": 0.35}
"""Standard deviation of the sway, only while talking, degrees. In proportion to six GRID talkers tracked in video (147
clips: within 3 s they turn 0.43, 0.67 and 0.24 degrees); they read seated and still, so talk has 1.5 times as much."""
SWAY_PERIOD_S = {"yaw": 0.55, "pitch": 0.48, "roll": 0.75}
"""Period of the sway, seconds, after the autocorrelation of those clips: half as alike after 0.2 s, pitch moving 2.3 times
as fast as in the talkers' pauses."""
NOD_DEGREES = 2.6
"""Pitch of a nod at the strongest stress, degrees down. Hand-tuned."""
NOD_LEAD_S = 0.06
"""Seconds by which the lowest point of a nod precedes the loudest instant, as in GRID."""
NOD_RISE_S, NOD_FALL_S = 0.16, 0.34
"""Seconds in which the head goes down and comes back. Hand-tuned."""
AROUSAL_GAIN = 0.4
"""How far an arousal of 1 enlarges all motion, and one of -1 shrinks it. Hand-tuned."""
FOLLOW_SHARE, FOLLOW_S, FOLLOW_DELAY_S = 0.4, 0.35, 0.05
"""Share of a look aside that the head turns with the eyes, the seconds that it takes and those that it starts later.
Hand-tuned."""


def head_motion(take: Take, context: Context) -> Layer | None:
    """Move the head.

    Parameters
    ----------
    take : Take
        Not read.
    context : Context
        Phone features, emotion, gaze targets, style and seed.

    Returns
    -------
    Layer
        Mode ``add``: no controls, a head pose of shape (T, 6) in radians and cm.
    """
    rng = context.rng("head")
    drift, sway = rng.spawn(2)
    tempo = float(load_style(context.config.style).tempo)
    size = style_value(context, "head") * (1 + AROUSAL_GAIN * affect(context)[:, 1])
    speech = context.at_frames(speaking(context, 1.5))
    amount = size * (SILENCE_SHARE + (1 - SILENCE_SHARE) * speech)
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
    targets = [GazeTarget(event.at + FOLLOW_DELAY_S, event.left, event.up) for event in gaze_events(context)]
    turn = np.radians(FOLLOW_SHARE * interpolate_gaze(context, targets, FOLLOW_S))
    pose[:, 0] += turn[:, 0]
    pose[:, 1] -= turn[:, 1]
    return Layer("head", "add", Animation(context.fps, (), np.zeros((context.frames, 0)), owned(pose)))


def _loudness(context: Context) -> np.ndarray:
    """Factor [F] about 1: the level over 0.2 s against that of the two seconds around it."""
    level = mean_over(np.maximum(context.features.energy, -70.0), 21)
    return np.clip(1 + (level - mean_over(level, 201)) / 12, 0.3, 1.7)


def _nods(context: Context, rng: np.random.Generator) -> np.ndarray:
    """Yaw and pitch [T, 2] radians of nods with stressed syllables."""
    at, strength = stresses(context)
    draws = rng.random((len(at), 3))
    nods = strength * (0.4 + 0.6 * draws[:, 0]) * (draws[:, 1] < 0.7)
    timing = at - NOD_LEAD_S, NOD_RISE_S, NOD_FALL_S
    yaw = pulses(context, timing[0], np.radians(1.2) * nods * (2 * draws[:, 2] - 1), *timing[1:])
    return np.stack([yaw, pulses(context, timing[0], np.radians(NOD_DEGREES) * nods, *timing[1:])], axis=1)


def _posture(context: Context) -> np.ndarray:
    """Head pose [T, 6] of the emotion's head units and of the style."""
    table = action_unit_table()
    columns = table.columns("head")
    values = action_unit_controls(context, columns)
    pose = np.zeros((context.frames, 6), np.float32)
    for column, value in zip(columns, values.T, strict=True):
        at = HEAD_CHANNELS.index(table.controls[column])
        pose[:, at] = np.radians(value) if at < 3 else value
    pose[:, 1] += np.radians(style_value(context, "bow"))
    return pose
