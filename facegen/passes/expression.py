"""Expression: an emotion's facial action units over time, and brows that rise just before a stressed syllable."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d

from facegen.animation import Animation
from facegen.config import Context
from facegen.emotion import named_emotions
from facegen.emotion.table import category_table
from facegen.errors import FacegenError
from facegen.passes.curves import frame_times, pulses, slow_noise, speaking, stresses
from facegen.rig import ARKIT
from facegen.take import Layer, Take

DATA = Path(__file__).resolve().parents[1] / "data"

TALKING_MOUTH = 0.4  # part of the mouth's expression that stays while it speaks
TALKING_JAW = 0.1  # and of the jaw's, which articulation needs most
LEAD_S = 0.10  # brows lead the stressed syllable (Cave et al. 1996)
BROW_RISE_S, BROW_FALL_S = 0.13, 0.30  # as quick as in four Live Link Face captures
BROW_SIZE = 0.3
BROW_SHARE = 0.55  # part of the strong stresses that the brows mark
LIFE, LIFE_PERIOD_S = 0.035, 3.3  # the brows' own slow motion
VARIATION = 0.12  # slow change of the upper face's strength


@lru_cache(maxsize=1)
def action_table() -> tuple[tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """Controls, their values [N, C] for each of ``named_emotions`` at full strength, and their regions (upper or
    mouth).

    From ``emotions.csv`` (emotion to action units: EMFACS, Friesen and Ekman 1983; Du, Tao and Martinez 2014) and
    ``action_units.csv`` (action unit to controls; a name that ends in * has two sides).
    """
    units = list(csv.DictReader((DATA / "action_units.csv").open(encoding="utf-8")))
    values = np.zeros((len(named_emotions()), len(ARKIT)))
    for row, emotion in zip(values, named_emotions().values(), strict=True):
        for side, au, amount in emotion.units:
            for unit in _controls_of(au, units):
                for name in _sides(unit["control"], side):
                    row[ARKIT.index(name)] += amount * float(unit["weight"])
    regions = {name: unit["region"] for unit in units for name in _sides(unit["control"], "both")}
    names = tuple(name for name in ARKIT if name in regions)
    columns = [ARKIT.index(name) for name in names]
    return names, values[:, columns].astype(np.float32), tuple(regions[name] for name in names)


def _controls_of(au: str, units: list[dict[str, str]]) -> list[dict[str, str]]:
    found = [unit for unit in units if unit["au"] == au]
    if not found:
        raise FacegenError(f"the emotion table names action unit {au}, which the table of units lacks")
    return found


def _sides(control: str, side: str) -> list[str]:
    if not control.endswith("*"):
        return [control]
    return [control[:-1] + s for s in ("Left", "Right") if side in ("both", s.lower())]


def named_weights(context: Context) -> np.ndarray:
    """Weights [T, N] of the named emotions times the intensity: they rise as the track does and fall over each
    one's offset."""
    weights = context.emotion.named_weights(frame_times(context))
    weights[:, 0] = 0.0
    if context.emotion.spans and len(weights):
        for column, emotion in enumerate(named_emotions().values()):
            if weights[:, column].any():
                weights[:, column] = _lingering(weights[:, column], emotion.offset * float(context.fps))
        weights /= np.maximum(1.0, weights.sum(axis=1, keepdims=True))
    return weights * context.config.intensity


def _lingering(rows: np.ndarray, frames: float) -> np.ndarray:
    """``rows`` [T] that fall no faster than the mean of the last ``frames``."""
    span = max(1, round(frames))
    past = np.concatenate([np.repeat(rows[:1], span), rows])
    return np.maximum(rows, uniform_filter1d(past, span, origin=(span - 1) // 2, mode="nearest")[span:])


def emotion_weights(context: Context) -> np.ndarray:
    """Weights [T, 8] of CATEGORIES times the intensity, as ``named_weights``; neutral is 0."""
    weights = named_weights(context) @ category_table().astype(np.float32)
    weights[:, 0] = 0.0
    return weights


def expression(take: Take, context: Context) -> Layer | None:
    """Brows, lids, cheeks and nose by ``upper_face``; the mouth's part steps back while it speaks."""
    names, table, regions = action_table()
    rng = context.rng("expression")
    values = np.minimum(named_weights(context) @ table, 1.0)
    talks = context.at_frames(speaking(context, 0.5))
    vary = 1 + VARIATION * np.clip(slow_noise(context, rng.spawn(1)[0], LIFE_PERIOD_S, 2), -2, 2)
    for column, (name, region) in enumerate(zip(names, regions, strict=True)):
        if region == "upper":
            values[:, column] *= context.config.upper_face * vary
        else:
            kept = TALKING_JAW if name == "jawOpen" else TALKING_MOUTH
            values[:, column] *= 1 - (1 - kept) * talks
    raised = context.config.upper_face * _brows(context, rng)
    for name, share in (("browInnerUp", 1.0), ("browOuterUpLeft", 0.7), ("browOuterUpRight", 0.7)):
        values[:, names.index(name)] += share * raised
    return Layer("expression", "add", Animation(context.fps, names, values))


def _brows(context: Context, rng: np.random.Generator) -> np.ndarray:
    """How far the brows are raised apart from emotion, [T]: at stresses, and a little all the time."""
    at, strength = stresses(context)
    chance = rng.random((len(at), 2))
    strong = (strength > 0.35) & (chance[:, 0] < BROW_SHARE)
    size = BROW_SIZE * strength * (0.5 + 0.5 * chance[:, 1]) * strong
    life = LIFE * np.clip(1 + slow_noise(context, rng.spawn(1)[0], LIFE_PERIOD_S, 2), 0, 2.5)
    return life + pulses(context, at - LEAD_S, size, BROW_RISE_S, BROW_FALL_S)
