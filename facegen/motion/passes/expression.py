"""Expression: an emotion's facial action units over time, blended under speech, and brows that rise at stresses."""

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

LEAD_S = 0.10  # brows lead the stressed syllable (Cave et al. 1996)
BROW_RISE_S, BROW_FALL_S = 0.13, 0.30  # as quick as in four Live Link Face captures
BROW_SIZE = 0.3
BROW_SHARE = 0.55  # part of the strong stresses that the brows mark
FROWNING = 0.85
LIFE, LIFE_PERIOD_S = 0.035, 3.3  # the brows' own slow motion
STEADY, SWAYING = 0.65, 0.75  # of a unit's spread: what a take keeps, and what comes and goes in it
SWAY_PERIOD_S = 4.3
MOST = 2.0  # spreads by which a unit strays at most
APEX, APEX_FALL_S = 0.22, 0.7  # an expression that comes passes what it then holds

# Part of the mouth's expression that stays in pauses and while it speaks. Corners may be drawn while lips work; what
# parts or presses lips yields to articulation, and parts them about alike in both, so that the lips' motion stays; a
# wrinkled nose lifts the upper lip.
CORNERS = ("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch")
OPENING = ("jawOpen", "mouthLowerDown", "mouthUpperUp")
SHARES = {"corners": (1.0, 0.74), "opening": (0.24, 0.26), "pressing": (0.7, 0.3), "nose": (0.65, 0.5)}

WITH_JAW, JAW_USUAL = (0.4, 1.4), 0.16
SEALING = 0.4  # of a wrinkled nose, which the chin takes back of what it parts the lips


@dataclass(frozen=True, eq=False)
class EmotionSignals:
    """Weights ``rows`` [T, K] of the named emotions numbered ``columns`` [K], [1, K] where they never change; all others
    have none."""

    rows: np.ndarray
    columns: np.ndarray

    def part(self, frames: slice) -> EmotionSignals:
        """The same of some frames."""
        return EmotionSignals(self.rows[frames], self.columns)

    def through(self, matrix: np.ndarray) -> np.ndarray:
        """What ``matrix`` [N, M] makes of the weights of all named emotions, [T, M] or [1, M]."""
        return self.rows @ matrix[self.columns]


def emotion_signals(context: Context) -> EmotionSignals:
    """Weights of the named emotions times the intensity: they rise as the track does and fall over each one's offset;
    neutral has none."""
    track = context.emotion
    columns = track.named_columns
    weights = track.named_weights(frame_times(context) if track.changes else np.zeros(1), columns)
    weights[:, 0] = 0.0
    if track.spans and len(weights):
        given = {name for span in track.spans if span.fade_out is not None for name in span.emotion.parts}
        emotions = list(named_emotions().values())
        for row, emotion in zip(weights.T, (emotions[i] for i in columns), strict=True):
            if row.any() and emotion.name not in given:
                row[:] = _lingering(row, emotion.offset * float(context.fps))
        weights /= np.maximum(1.0, weights.sum(axis=1, keepdims=True))
    shown = np.asarray(context.config.intensity * style_value(context, "emotion"), np.float32)
    weights *= shown if shown.ndim == 0 else shown[:, None]
    return EmotionSignals(weights, columns)


def _lingering(rows: np.ndarray, frames: float) -> np.ndarray:
    """``rows`` [T] that fall no faster than the mean of the last ``frames``."""
    span = max(1, round(frames))
    past = np.concatenate([np.repeat(rows[:1], span), rows])
    return np.maximum(rows, uniform_filter1d(past, span, origin=(span - 1) // 2, mode="nearest")[span:])


def moved_by_units(context: Context, columns: list[int]) -> np.ndarray:
    """What action units do to the controls ``columns`` of ``action_unit_table``, [T, C] float32: the mean of what is felt,
    a draw of the seed that stays, and a slow sway about both. Mean and spread make each emotion a Gaussian."""
    values = np.zeros((context.frames, len(columns)), np.float32)
    to = action_unit_table().to[:, columns]
    for pair, rows in unit_strengths(context, to.any(axis=1)):
        touched = np.flatnonzero(to[pair].any(axis=0))
        values[:, touched] += rows @ to[pair][:, touched]
    return values


def unit_strengths(context: Context, wanted: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """For both sides of each action unit that is felt and of which one is ``wanted`` [U]: their numbers in
    ``action_unit_table().units``, and their strengths over time, [T, 2] of at least 0."""
    table, weights = action_unit_table(), emotion_signals(context)
    apex = 1.0 if len(weights.rows) < 2 else _apex(weights.rows.sum(axis=1), float(context.fps))[:, None]
    wanted = wanted & table.mean[weights.columns[weights.rows.any(axis=0)]].any(axis=0)
    for number, stream in enumerate(context.rng("units").spawn(len(table.units) // 2)):
        pair = slice(2 * number, 2 * number + 2)
        if wanted[pair].any():
            draw, sway = stream.standard_normal(), slow_noise(context, stream, SWAY_PERIOD_S)
            away = MOST * np.tanh((STEADY * draw + SWAYING * sway) / MOST)
            lively = (1 + table.spread[pair.start] * away).astype(np.float32)[:, None]
            yield pair, np.minimum(weights.through(table.mean[:, pair]), 1.0) * apex * lively


def mean_values(context: Context, controls: tuple[str, ...]) -> np.ndarray:
    """What is felt does to ``controls`` on the mean, [T, C] or [1, C]: without the seed's variation."""
    table = action_unit_table()
    return through_units(emotion_signals(context), [table.controls.index(name) for name in controls])


def through_units(weights: EmotionSignals, columns: list[int]) -> np.ndarray:
    """What emotions do on the mean to the controls ``columns`` of ``action_unit_table``, [T, C] or [1, C]."""
    table = action_unit_table()
    units = np.flatnonzero(table.to[:, columns].any(axis=1))
    return np.minimum(weights.through(table.mean[:, units]), 1.0) @ table.to[units][:, columns]


def free_brows(context: Context) -> np.ndarray:
    """Part of a raise that brows do under what is felt, [T] or [1]: those that are drawn down hardly rise."""
    return 1 - FROWNING * np.clip(mean_values(context, ("browDownLeft",))[:, 0], 0, 1)


def _apex(total: np.ndarray, fps: float) -> np.ndarray:
    """Factor [T] by which an expression that has just come passes its level."""
    rise = np.maximum(np.diff(total, prepend=total[:1]), 0.0)
    keep = math.exp(-1 / (APEX_FALL_S * fps))
    fresh = np.fromiter(accumulate(rise.tolist(), lambda before, now: keep * before + now), float, len(rise))
    return (1 + APEX * np.clip(fresh, 0, 1)).astype(np.float32)


def expression(take: Take, context: Context) -> Layer | None:
    """Brows, lids, cheeks and nose by ``upper_face``; the mouth's part lies under its articulation."""
    table = action_unit_table()
    columns = table.columns("upper", "mouth")
    names = tuple(table.controls[i] for i in columns)
    regions = tuple(table.regions[i] for i in columns)
    values = moved_by_units(context, columns)
    np.minimum(values, 1.0, out=values)
    talks = context.at_frames(speaking(context, 0.5))
    upper = context.config.upper_face * style_value(context, "upper_face")
    shares = {kind: pause + (talk - pause) * talks for kind, (pause, talk) in SHARES.items()}
    shares["opening"] *= 1 + talks * (_articulated(take) - 1)
    for column, (name, region) in enumerate(zip(names, regions, strict=True)):
        values[:, column] *= upper if region == "upper" else 1.0
        values[:, column] *= shares.get(_kind(name, region), 1.0)
    nose = [values[:, names.index(f"noseSneer{side}")] for side in ("Left", "Right")]
    values[:, names.index("mouthShrugLower")] += SEALING * (nose[0] + nose[1]) / 2
    raised = upper * free_brows(context) * _brows(context, context.rng("expression"))
    for name, share in (("browInnerUp", 1.0), ("browOuterUpLeft", 0.7), ("browOuterUpRight", 0.7)):
        values[:, names.index(name)] += share * raised
    drooping = style_value(context, "lids")
    for side in ("Left", "Right"):
        values[:, names.index(f"eyeBlink{side}")] += drooping
    return Layer("expression", "add", Animation(context.fps, names, owned(values)))


def _articulated(take: Take) -> float | np.ndarray:
    """How much of an emotion's opening goes with the mouth's own, [T]: less where speech nearly shuts it."""
    jaws = [x.animation.channel("jawOpen") for x in take.layers if x.name == "lips"]
    least, most = WITH_JAW
    return least + (most - least) * np.clip(jaws[0] / JAW_USUAL, 0, 1) if jaws else 1.0


def _kind(name: str, region: str) -> str:
    """The row of SHARES for a control; "" where speech leaves it alone."""
    if region == "upper":
        return "nose" if name.startswith("noseSneer") else ""
    if name.startswith(CORNERS):
        return "corners"
    return "opening" if name.startswith(OPENING) else "pressing"


def _brows(context: Context, rng: np.random.Generator) -> np.ndarray:
    """How far the brows are raised apart from emotion, [T]: at stresses, and a little all the time."""
    at, strength = stresses(context)
    chance = rng.random((len(at), 2))
    strong = (strength > 0.35) & (chance[:, 0] < BROW_SHARE)
    size = BROW_SIZE * strength * (0.5 + 0.5 * chance[:, 1]) * strong
    life = LIFE * np.clip(1 + slow_noise(context, rng.spawn(1)[0], LIFE_PERIOD_S, 2), 0, 2.5)
    return life + pulses(context, at - LEAD_S, size, BROW_RISE_S, BROW_FALL_S)
