"""Statistics of windows with what they stand for, and the directions in which they vary without meaning."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from facegen.emotion.curves import SOUNDS
from facegen.emotion.lexicon import CATEGORIES
from facegen.emotion.voice_encoder import NEAR_AHEAD, NEAR_BEHIND, TRUST_ROWS, relative
from facegen.emotion.voice_statistics import MEANS, VoiceStatistics
from tools.training.emotion_encoder.cache import Clips

CLASSES = CATEGORIES
EMODB = {
    "neutral": "neutral", "happiness": "happy", "sadness": "sad", "anger": "angry", "fear": "fearful",
    "disgust": "disgusted", "boredom": "bored",
}  # fmt: skip
BURSTS = {
    "neutral": "neutral", "amusement": "happy", "sadness": "sad", "anger": "angry", "fear": "fearful",
    "disgust": "disgusted",
}  # fmt: skip
"""Those of EmoGator that are of the same emotions as Emo-DB's: another corpus, other people, but bursts and no speech."""
PLACES = {
    "neutral": (0.0, -0.1, 0.0), "happy": (0.8, 0.6, 0.45), "sad": (-0.6, -0.5, -0.35), "angry": (-0.5, 0.8, 0.4),
    "fearful": (-0.6, 0.6, -0.45), "disgusted": (-0.6, 0.1, 0.1), "bored": (-0.4, -0.6, -0.3),
    "surprised": (0.2, 0.65, -0.05), "contempt": (-0.45, 0.0, 0.4),
}  # fmt: skip
"""Valence, arousal and dominance as voices give them: the circumplex's places, disgust and boredom as calm as they sound."""
SOUND_OF = {
    "amusement": "laugh", "sadness": "cry", "distress": "cry", "relief": "sigh", "surprise (positive)": "gasp",
    "surprise (negative)": "gasp", "pain": "groan", "breath": "breath",
}  # fmt: skip
"""What most bursts of an emotion of EmoGator are, and the breaths among the noises."""


CORPORA_WEIGHT = 2.0
GAIN_DB = 5.0
LEVEL_DB = 8.0  # spread of recordings' levels


class Rows(NamedTuple):
    """Windows: statistics ``x`` [N, S], ``label``, ``speaker``, ``copy`` and the number of the ``clip`` [N]; the voiced rows
    and the sums of MEANS over them [N, 1 + M]."""

    x: np.ndarray
    label: np.ndarray
    speaker: np.ndarray
    copy: np.ndarray
    clip: np.ndarray
    sums: np.ndarray

    def take(self, chosen: np.ndarray) -> Rows:
        return Rows(*(part[chosen] for part in self))


def windows(clips: Clips, labels: dict[str, str] | None, rng: np.random.Generator, more: int) -> Rows:
    """Each clip whole, and ``more`` windows of 1.2 s and longer of it; clips that ``labels`` lacks are left out."""
    found = []
    for index in range(len(clips)):
        emotion = str(clips.emotion[index])
        if labels is not None and emotion not in labels:
            continue
        rows = clips.clip(index)
        spans = [(0, len(rows))]
        for _ in range(more):
            length = int(rng.uniform(60, max(61, min(200, len(rows)))))
            start = int(rng.integers(0, max(1, len(rows) - length)))
            spans.append((start, min(len(rows), start + length)))
        starts, ends = np.array(spans).T
        manner = VoiceStatistics(rows)
        name = emotion if labels is None else labels[emotion]
        about = (name, str(clips.speaker[index]), int(clips.copy[index]), index)
        sums = np.column_stack([manner.counts(starts, ends)[:, 0], manner.sums(starts, ends)])
        found += [(x, *about, s) for x, s in zip(manner.statistics(starts, ends), sums, strict=True)]
    found = [row for row in found if row[-1][0] > 5]
    every = Rows(*(np.array(column) for column in zip(*found, strict=True)))
    return _with_own_level(every, rng)


def without_level(rows: Rows, rng: np.random.Generator) -> Rows:
    """``rows`` of a corpus whose files were brought to one level: each clip as loud as chance will have it."""
    x, sums, loud = rows.x.copy(), rows.sums.copy(), MEANS.index("loudness")
    middle = x[:, loud].mean()
    moves = {
        clip: middle - x[at, loud] + LEVEL_DB * rng.normal() for (clip, _), at in first_places(rows).items()
    }
    move = np.array([moves[clip] for clip in rows.clip.tolist()])
    x[:, loud] += move
    sums[:, 1 + loud] += sums[:, 0] * move
    return rows._replace(x=x, sums=sums)


def _with_own_level(rows: Rows, rng: np.random.Generator) -> Rows:
    """``rows`` in which disturbed copies are as loud as their recording, but for GAIN_DB: recordings of one session tell
    loud from soft, only its gain is not known."""
    x, sums, loud = rows.x.copy(), rows.sums.copy(), MEANS.index("loudness")
    whole = first_places(rows)
    gains: dict[tuple[int, int], float] = {}
    for at, (clip, copy) in enumerate(zip(rows.clip.tolist(), rows.copy.tolist(), strict=True)):
        if not copy or (clip - copy, 0) not in whole:
            continue
        if (clip, copy) not in gains:
            clean, own = rows.x[whole[clip - copy, 0], loud], rows.x[whole[clip, copy], loud]
            gains[clip, copy] = float(clean - own + GAIN_DB * rng.normal())
        x[at, loud] += gains[clip, copy]
        sums[at, 1 + loud] += sums[at, 0] * gains[clip, copy]
    return rows._replace(x=x, sums=sums)


def near_windows(clips: Clips, of: dict[str, str], other: bool) -> tuple[np.ndarray, ...]:
    """Statistics [N, S] of the windows of a second that sound, what each is (0 none, else 1 + SOUNDS), and speakers."""
    rows, kinds, speakers = [], [], []
    for index in range(len(clips)):
        name = of.get(str(clips.emotion[index]))
        if name is None and not other:
            continue
        clip = clips.clip(index)
        at = np.arange(10, max(11, len(clip) - 10), 15)
        starts, ends = np.maximum(at - NEAR_BEHIND, 0), np.minimum(at + NEAR_AHEAD, len(clip))
        manner = VoiceStatistics(clip)
        loud = manner.evidence(starts, ends)[:, 1] > 12
        rows.append(manner.statistics(starts, ends)[loud])
        kinds += [0 if name is None else 1 + SOUNDS.index(name)] * int(loud.sum())
        speakers += [str(clips.speaker[index])] * int(loud.sum())
    return np.concatenate(rows), np.array(kinds), np.array(speakers)


def with_baseline(rows: Rows, usual: np.ndarray, rng: np.random.Generator, share: float = 0.5) -> np.ndarray:
    """``rows.x`` as if their talkers had been heard before, in a ``share`` of cases for long: some other clips of each, in
    the same channel, give what is his own."""
    sums = rows.sums.copy()
    whole = first_places(rows)
    recordings = {s: np.flatnonzero((rows.speaker == s) & (rows.copy == 0)) for s in np.unique(rows.speaker)}
    for at in np.flatnonzero(rng.random(len(sums)) < share):
        same = recordings[rows.speaker[at]]
        others = rows.sums[rng.choice(same, int(rng.integers(2, 16)))].sum(axis=0)
        copy = int(rows.copy[at])
        clean = rows.sums[whole[int(rows.clip[at]) - copy, 0]] if copy else rows.sums[at]
        channel = rows.sums[whole[int(rows.clip[at]), copy]]
        others[1:] += others[0] * (channel[1:] / channel[0] - clean[1:] / clean[0]) if copy else 0
        sums[at] += others
    own = sums[:, 1:] / np.maximum(sums[:, :1], 1)
    return relative(rows.x, own, sums[:, 0] / (sums[:, 0] + TRUST_ROWS), usual)


def elsewhere(
    x: np.ndarray, rows: Rows, read: list[tuple[np.ndarray, Rows]], rng: np.random.Generator
) -> np.ndarray:
    """``x`` [N, S] as talkers of other corpora would have it: what each clip has beyond its talker's neutral voice, added to
    the mean of a talker who only reads, corpora counting alike. So the difference tells, and not the corpus."""
    plain = (rows.label == "neutral") & (rows.copy == 0)
    own = {s: x[plain & (rows.speaker == s)].mean(axis=0) for s in np.unique(rows.speaker)}
    bases, chance = [], []
    for table, part in read:
        speakers = np.unique(part.speaker)
        bases += [table[(part.speaker == s) & (part.copy == 0)].mean(axis=0) for s in speakers]
        chance += [1 / (len(read) * len(speakers))] * len(speakers)
    picked = rng.choice(len(bases), len(x), p=chance)
    return x - np.array([own[s] for s in rows.speaker]) + np.array(bases)[picked]


def about_talkers(rows: Rows) -> np.ndarray:
    """``rows.x`` [N, S] without the mean of each talker's recordings, as they are and disturbed."""
    x = rows.x.copy()
    for speaker in np.unique(rows.speaker):
        for copied in (False, True):
            own = (rows.speaker == speaker) & ((rows.copy > 0) == copied)
            x[own] -= x[own].mean(axis=0) if own.any() else 0
    return x


def goals(labels: np.ndarray, bored: tuple[float, float]) -> np.ndarray:
    """Probabilities of CLASSES [N, 8]; boredom is partly neutral and partly sad."""
    table = {name: np.eye(len(CLASSES))[at] for at, name in enumerate(CLASSES)}
    table["bored"] = bored[0] * table["neutral"] + bored[1] * table["sad"]
    return np.array([table[label] for label in labels])


def usual_means(parts: list[Rows]) -> np.ndarray:
    """The mean of MEANS [M] over corpora, each counting alike."""
    return np.mean([part.sums[:, 1:].sum(0) / part.sums[:, 0].sum() for part in parts], axis=0)


def nuisance(parts: list[Rows], others: list[Rows], scale: np.ndarray) -> np.ndarray:
    """Covariance [S, S], of statistics divided by ``scale``, of what means nothing: how neutral talkers differ, how their
    corpora do (and the ``others``), and what a disturbance does to a recording. A corpus to come may be off in any
    direction, so each statistic's own spread over corpora counts CORPORA_WEIGHT times more."""
    total = np.zeros((parts[0].x.shape[1],) * 2)
    centres = []
    for part in parts:
        x = np.clip(part.x / scale, -1e3, 1e3)
        talkers = np.array(
            [x[(part.speaker == s) & (part.copy == 0)].mean(axis=0) for s in np.unique(part.speaker)]
        )
        if len(talkers) > 4:
            total += np.cov(talkers.T) / len(parts)
        centres.append(x[part.copy == 0].mean(axis=0))
        total += _disturbance(part, x) / len(parts)
    total += np.cov(np.array(centres).T)
    return total + CORPORA_WEIGHT * np.diag((apart([*parts, *others]) / scale) ** 2)


def apart(parts: list[Rows]) -> np.ndarray:
    """Standard deviation [S] of the means of corpora, recordings as they are."""
    return np.std([part.x[part.copy == 0].mean(axis=0) for part in parts], axis=0, ddof=1)


def _disturbance(part: Rows, x: np.ndarray) -> np.ndarray:
    """Covariance of what disturbed copies of a clip differ by from it, whole clips only."""
    first = first_places(part)
    moves = []
    for (clip, copy), at in first.items():
        whole = first.get((clip - copy, 0))  # copies follow their recording
        if copy and whole is not None:
            moves.append(x[at] - x[whole])
    return np.cov(np.array(moves).T) if len(moves) > 4 else np.zeros((x.shape[1],) * 2)


def first_places(rows: Rows) -> dict[tuple[int, int], int]:
    """The place of the whole clip of each (clip, copy)."""
    first: dict[tuple[int, int], int] = {}
    for at, key in enumerate(zip(rows.clip.tolist(), rows.copy.tolist(), strict=True)):
        first.setdefault(key, at)
    return first
