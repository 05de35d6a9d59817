"""Expression: brows, lids, cheeks, nose and mouth by the emotion's action units, and brow raises at stressed syllables.

Each named emotion is a Gaussian over FACS action units (EMFACS, Friesen and Ekman 1983; Du, Tao and Martinez 2014; see
``facegen.emotion.action_units``): its mean, a deviation drawn once for a take, and a slow sway about both. Where the mouth
speaks, the emotion's part of it is reduced by SHARES. Brows rise LEAD_S before stressed syllables (Cave et al. 1996).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from scipy.ndimage import uniform_filter1d

from facegen.core.animation import Animation, owned
from facegen.emotion import named_emotions
from facegen.emotion.action_units import action_unit_table
from facegen.motion.context import Context
from facegen.motion.passes.signals import frame_times, pulses, slow_noise, speaking, stresses, style_value
from facegen.motion.take import Layer, Take

LEAD_S = 0.10
"""Seconds by which the peak of a brow raise leads the stressed syllable (Cave et al. 1996)."""
BROW_RISE_S, BROW_FALL_S = 0.13, 0.30
"""Seconds in which the brows rise and fall, as quickly as in four Live Link Face captures."""
BROW_SIZE = 0.3
"""Value of browInnerUp at the strongest stress. Hand-tuned."""
BROW_CHANCE = 0.55
"""Chance that the brows mark a strong stress. Hand-tuned."""
FROWN_HOLD = 0.85
"""Share of a brow raise that a browDown of 1 takes away. Hand-tuned."""
BROW_DRIFT, BROW_DRIFT_PERIOD_S = 0.035, 3.3
"""Mean size (control value) and slowest period (seconds) of the brows' idle motion. Hand-tuned."""
CONSTANT_VARIATION, SWAY_VARIATION = 0.65, 0.75
"""Shares of a unit's ``spread``: of the deviation drawn once for a take, and of the slow sway about it. Hand-tuned so that
both together have a standard deviation of about 1 spread."""
SWAY_PERIOD_S = 4.3
"""Slowest period of the sway, seconds. Hand-tuned."""
MAX_DEVIATION = 2.0
"""Spreads by which a unit deviates at most. Hand-tuned."""
OVERSHOOT, OVERSHOOT_DECAY_S = 0.22, 0.7
"""Share by which a fresh expression exceeds the level that it then holds, and the time constant in seconds in which the
excess decays. Hand-tuned."""

CORNERS = ("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch")
"""Prefixes of the controls that draw the mouth's corners."""
OPENING = ("jawOpen", "mouthLowerDown", "mouthUpperUp")
"""Prefixes of the controls that part the lips."""
SHARES = {"corners": (1.0, 0.74), "opening": (0.24, 0.26), "pressing": (0.7, 0.3), "nose": (0.65, 0.5)}
"""Shares of the emotion's mouth in pauses and while it speaks. Corners may be drawn while the lips articulate. What parts
or presses the lips yields to articulation, and parts them about equally in both, so that the lips' own motion stays. A
wrinkled nose lifts the upper lip. Hand-tuned."""

JAW_COUPLING, JAW_REFERENCE = (0.4, 1.4), 0.16
"""Factors on the emotion's opening in speech where the lip sync's jaw is shut, and where jawOpen is at JAW_REFERENCE or
above: it opens less where speech nearly shuts the mouth. Hand-tuned."""
CHIN_COMPENSATION = 0.4
"""mouthShrugLower for a noseSneer of 1: the chin closes the lips that a wrinkled nose parts. Hand-tuned."""


@dataclass(frozen=True, eq=False)
class EmotionSignals:
    """Weights of the named emotions over time; those that are not among ``columns`` have none.

    Attributes
    ----------
    rows : ndarray of float32, shape (T, K) or (1, K)
        Weights in 0..1; one row where they never change.
    columns : ndarray of int, shape (K,)
        Numbers of the emotions in ``named_emotions``.
    """

    rows: np.ndarray
    columns: np.ndarray

    def part(self, frames: slice) -> EmotionSignals:
        """The weights of some frames.

        Parameters
        ----------
        frames : slice
            Rows to keep.

        Returns
        -------
        EmotionSignals
        """
        return EmotionSignals(self.rows[frames], self.columns)

    def project(self, matrix: np.ndarray) -> np.ndarray:
        """The weights of all named emotions times a matrix.

        Parameters
        ----------
        matrix : ndarray, shape (N, M)
            A row for each named emotion.

        Returns
        -------
        ndarray, shape (T, M) or (1, M)
        """
        return self.rows @ matrix[self.columns]


def emotion_signals(context: Context) -> EmotionSignals:
    """Weights of the named emotions times the intensity.

    They rise as the track does and fall over each emotion's offset time; neutral has no weight.

    Parameters
    ----------
    context : Context
        Emotion track, intensity and style.

    Returns
    -------
    EmotionSignals
    """
    track = context.emotion
    columns = track.named_columns
    weights = track.named_weights(frame_times(context) if track.changes else np.zeros(1), columns)
    weights[:, 0] = 0.0
    if track.spans and len(weights):
        explicit_fades = {
            name for span in track.spans if span.fade_out is not None for name in span.emotion.parts
        }
        emotions = list(named_emotions().values())
        for row, emotion in zip(weights.T, (emotions[i] for i in columns), strict=True):
            if row.any() and emotion.name not in explicit_fades:
                row[:] = _slow_fall(row, emotion.offset * float(context.fps))
        weights /= np.maximum(1.0, weights.sum(axis=1, keepdims=True))
    scale = np.asarray(context.config.intensity * style_value(context, "emotion"), np.float32)
    weights *= scale if scale.ndim == 0 else scale[:, None]
    return EmotionSignals(weights, columns)


def _slow_fall(rows: np.ndarray, frames: float) -> np.ndarray:
    """``rows`` [T] that fall no faster than the mean of the last ``frames``."""
    span = max(1, round(frames))
    past = np.concatenate([np.repeat(rows[:1], span), rows])
    return np.maximum(rows, uniform_filter1d(past, span, origin=(span - 1) // 2, mode="nearest")[span:])


def action_unit_controls(context: Context, columns: list[int]) -> np.ndarray:
    """Controls by the emotion's action units, with the seed's variation.

    Parameters
    ----------
    context : Context
        Emotion track, intensity, style and seed.
    columns : list of int
        Numbers of controls in ``action_unit_table().controls``.

    Returns
    -------
    ndarray of float32, shape (T, C)
        Control values (head: degrees and cm), not limited to 1.
    """
    values = np.zeros((context.frames, len(columns)), np.float32)
    to = action_unit_table().to[:, columns]
    for pair, rows in unit_strengths(context, to.any(axis=1)):
        touched = np.flatnonzero(to[pair].any(axis=0))
        values[:, touched] += rows @ to[pair][:, touched]
    return values


def unit_strengths(context: Context, wanted: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Action units over time: the emotion's mean, a deviation drawn once for a take, and a slow sway about both.

    Parameters
    ----------
    context : Context
        Emotion track, intensity, style and seed.
    wanted : ndarray of bool, shape (U,)
        Columns of ``action_unit_table().units``; a unit is given if the emotion has it and either side is wanted.

    Yields
    ------
    pair : slice
        The unit's two columns, left and right.
    strengths : ndarray, shape (T, 2)
        At least 0; 1 is a full unit, before deviation and overshoot.
    """
    table, weights = action_unit_table(), emotion_signals(context)
    overshoot = (
        1.0 if len(weights.rows) < 2 else _overshoot(weights.rows.sum(axis=1), float(context.fps))[:, None]
    )
    wanted = wanted & table.mean[weights.columns[weights.rows.any(axis=0)]].any(axis=0)
    for number, stream in enumerate(context.rng("units").spawn(len(table.units) // 2)):
        pair = slice(2 * number, 2 * number + 2)
        if wanted[pair].any():
            constant, sway = stream.standard_normal(), slow_noise(context, stream, SWAY_PERIOD_S)
            deviation = MAX_DEVIATION * np.tanh(
                (CONSTANT_VARIATION * constant + SWAY_VARIATION * sway) / MAX_DEVIATION
            )
            variation = (1 + table.spread[pair.start] * deviation).astype(np.float32)[:, None]
            yield pair, np.minimum(weights.project(table.mean[:, pair]), 1.0) * overshoot * variation


def mean_values(context: Context, controls: tuple[str, ...]) -> np.ndarray:
    """Controls by the emotion's action units, without the seed's variation.

    Parameters
    ----------
    context : Context
        Emotion track, intensity and style.
    controls : tuple of str
        Names in ``action_unit_table().controls``.

    Returns
    -------
    ndarray, shape (T, C) or (1, C)
    """
    table = action_unit_table()
    return mean_unit_controls(emotion_signals(context), [table.controls.index(name) for name in controls])


def mean_unit_controls(weights: EmotionSignals, columns: list[int]) -> np.ndarray:
    """Controls by the mean action units of weighted emotions.

    Parameters
    ----------
    weights : EmotionSignals
        The emotions.
    columns : list of int
        Numbers of controls in ``action_unit_table().controls``.

    Returns
    -------
    ndarray, shape (T, C) or (1, C)
    """
    table = action_unit_table()
    units = np.flatnonzero(table.to[:, columns].any(axis=1))
    return np.minimum(weights.project(table.mean[:, units]), 1.0) @ table.to[units][:, columns]


def brow_raise_headroom(context: Context) -> np.ndarray:
    """How much of a raise brows have left under the emotion: brows that are drawn down hardly rise.

    Parameters
    ----------
    context : Context
        Emotion track, intensity and style.

    Returns
    -------
    ndarray, shape (T,) or (1,)
        Factor in 0.15..1.
    """
    return 1 - FROWN_HOLD * np.clip(mean_values(context, ("browDownLeft",))[:, 0], 0, 1)


def _overshoot(total: np.ndarray, fps: float) -> np.ndarray:
    """Factor [T] by which an expression that has just come exceeds its level; ``total`` [T] is the sum of the weights."""
    rise = np.maximum(np.diff(total, prepend=total[:1]), 0.0)
    decay = math.exp(-1 / (OVERSHOOT_DECAY_S * fps))
    recent_rise = np.fromiter(
        accumulate(rise.tolist(), lambda before, now: decay * before + now), float, len(rise)
    )
    return (1 + OVERSHOOT * np.clip(recent_rise, 0, 1)).astype(np.float32)


def expression(take: Take, context: Context) -> Layer | None:
    """The emotion on brows, lids, cheeks, nose and mouth, and brow raises at stresses.

    Parameters
    ----------
    take : Take
        Its ``lips`` layer says how far the jaw is open.
    context : Context
        Phone features, emotion, strengths, style and seed.

    Returns
    -------
    Layer
        Mode ``add``: controls of the upper face and the mouth, float32 of shape (T, C).
    """
    table = action_unit_table()
    columns = table.columns("upper", "mouth")
    names = tuple(table.controls[i] for i in columns)
    regions = tuple(table.regions[i] for i in columns)
    values = action_unit_controls(context, columns)
    np.minimum(values, 1.0, out=values)
    speech = context.at_frames(speaking(context, 0.5))
    upper = context.config.upper_face * style_value(context, "upper_face")
    shares = {kind: pause + (talk - pause) * speech for kind, (pause, talk) in SHARES.items()}
    shares["opening"] *= 1 + speech * (_opening_by_jaw(take) - 1)
    for column, (name, region) in enumerate(zip(names, regions, strict=True)):
        values[:, column] *= upper if region == "upper" else 1.0
        values[:, column] *= shares.get(_share_kind(name, region), 1.0)
    nose = [values[:, names.index(f"noseSneer{side}")] for side in ("Left", "Right")]
    values[:, names.index("mouthShrugLower")] += CHIN_COMPENSATION * (nose[0] + nose[1]) / 2
    brow_raise = upper * brow_raise_headroom(context) * _speech_brows(context, context.rng("expression"))
    for name, share in (("browInnerUp", 1.0), ("browOuterUpLeft", 0.7), ("browOuterUpRight", 0.7)):
        values[:, names.index(name)] += share * brow_raise
    droop = style_value(context, "lids")
    for side in ("Left", "Right"):
        values[:, names.index(f"eyeBlink{side}")] += droop
    return Layer("expression", "add", Animation(context.fps, names, owned(values)))


def _opening_by_jaw(take: Take) -> float | np.ndarray:
    """Factor on the emotion's opening of the mouth, [T]: less where speech nearly shuts it."""
    jaws = [x.animation.channel("jawOpen") for x in take.layers if x.name == "lips"]
    low, high = JAW_COUPLING
    return low + (high - low) * np.clip(jaws[0] / JAW_REFERENCE, 0, 1) if jaws else 1.0


def _share_kind(name: str, region: str) -> str:
    """The row of SHARES for a control; "" where speech leaves it alone."""
    if region == "upper":
        return "nose" if name.startswith("noseSneer") else ""
    if name.startswith(CORNERS):
        return "corners"
    return "opening" if name.startswith(OPENING) else "pressing"


def _speech_brows(context: Context, rng: np.random.Generator) -> np.ndarray:
    """How far the brows are raised apart from the emotion, [T]: at stresses, and a little all the time."""
    at, strength = stresses(context)
    chance = rng.random((len(at), 2))
    strong = (strength > 0.35) & (chance[:, 0] < BROW_CHANCE)
    size = BROW_SIZE * strength * (0.5 + 0.5 * chance[:, 1]) * strong
    drift = BROW_DRIFT * np.clip(1 + slow_noise(context, rng.spawn(1)[0], BROW_DRIFT_PERIOD_S, 2), 0, 2.5)
    return drift + pulses(context, at - LEAD_S, size, BROW_RISE_S, BROW_FALL_S)
