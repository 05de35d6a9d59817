"""What was said when: phones from what an encoder heard, sharpened by a transcript or given phone times."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from facegen.core.errors import AlignmentError, FacegenError
from facegen.core.units import FEATURE_HZ
from facegen.speech.alignment_files import Spans, phone_track
from facegen.speech.forced_alignment import Path, align_phones
from facegen.speech.lexicon import pronounce
from facegen.speech.phones import LABELS, Features, Phone, PhoneTrack

SWITCH_COST = 2.0  # nats that a change of phone must earn
TEXT_SHARE = 0.8  # weight of the transcript's phones against the heard ones
LONGER_SECONDS = 0.5  # an alignment may outlast the sound by this much
_CHUNK, _OVERLAP, _GROUP = 3000, 100, 16  # frames, frames, chunks at once
_FLOOR = 0.02  # so that no single frame earns two changes
Words = Sequence[tuple[str, ...]]
"""The ARPAbet phones of each word."""
log = logging.getLogger("facegen")


class TimedSpeech(NamedTuple):
    """Frame features with surer posteriors, the phones in time, and start and end s of each word of the transcript
    (none where there is no transcript or where it can't fit)."""

    features: Features
    phones: PhoneTrack
    words: tuple[tuple[float, float], ...] = ()


def refine_alignment(features: Features, words: Words = (), alignment: Spans | None = None) -> TimedSpeech:
    """``features`` with surer posteriors, and the phones in time.

    ``alignment`` holds given phone (or word) times; ``words`` the phones of each word that is said; with neither the
    features stay as they are. Raises AlignmentError for times that outlast the sound. Where the words do not fit the
    sound, the heard phones stay and a warning is logged.
    """
    if alignment is not None:
        return TimedSpeech(*_given(features, alignment))
    if words:
        return _spoken(features, words)
    return TimedSpeech(features, decode_phones(features.posteriors))


def _word_times(path: Path, words: Words) -> list[tuple[float, float]]:
    """Start and end s of each word along ``path``."""
    word = np.repeat(np.arange(len(words)), [len(phones) for phones in words])
    frames = np.flatnonzero(path.unit >= 0)
    said = word[path.unit[frames]]  # in order
    first, last = (np.searchsorted(said, np.arange(len(words)), side=side) for side in ("left", "right"))
    frames = np.append(frames, len(path.unit))
    return [
        (int(frames[a]) / FEATURE_HZ, (int(frames[b - 1]) + 1 if b > a else int(frames[a])) / FEATURE_HZ)
        for a, b in zip(first, last, strict=True)
    ]


def _given(features: Features, spans: Spans) -> tuple[Features, PhoneTrack]:
    seconds = len(features) / FEATURE_HZ
    try:
        if spans.end > seconds + LONGER_SECONDS:
            raise AlignmentError(
                f"lasts until {spans.end:.2f} s, but the sound ends at {seconds:.2f} s",
                remedy="give the alignment of this sound, with times in seconds",
            )
        track = phone_track(spans, seconds) if spans.kind == "phones" else _words_track(features, spans)
    except FacegenError as error:
        raise (error if spans.path is None else error.at(spans.path)) from error
    return with_phones(features, track), track


def _words_track(features: Features, spans: Spans) -> PhoneTrack:
    """Each word's phones placed within its time by what was heard there."""
    phones: list[Phone] = []
    for start, end, word in spans.rows:
        first, last = round(start * FEATURE_HZ), min(len(features), round(end * FEATURE_HZ))
        words = pronounce(word)
        if last > first and words:
            path = align_phones(features.posteriors[first:last], words, pauses=False)
            phones += path.phones(first / FEATURE_HZ) if path is not None else []
    return PhoneTrack(tuple(phones))


def _spoken(features: Features, words: Words) -> TimedSpeech:
    heard = features.posteriors
    path = align_phones(heard, words)
    if path is None:
        log.warning("the transcript is too long for the sound and is left aside")
        return TimedSpeech(features, decode_phones(heard))
    fits = path.fits
    speech = heard[:, 0] < 0.5
    missed = float(np.mean(~fits[speech])) if speech.any() else 0.0
    if missed > 0.1:
        log.warning(
            "the transcript does not fit %.0f %% of the speech; heard phones stay there", 100 * missed
        )
    mixed = one_hot(path.labels)
    for first in range(0, len(mixed), _CHUNK):  # in parts, to hold no third matrix
        span = slice(first, first + _CHUNK)
        share = np.where(fits[span], np.float32(TEXT_SHARE), np.float32(0))[:, None]
        mixed[span] = share * mixed[span] + (1 - share) * heard[span]
    track = path.track(decode_phones(heard)) if not fits.all() else path.track(PhoneTrack())
    return TimedSpeech(replace(features, posteriors=mixed), track, tuple(_word_times(path, words)))


def with_phones(features: Features, track: PhoneTrack) -> Features:
    """``features`` in which the phones of ``track``, and silence between them, are sure."""
    return replace(features, posteriors=one_hot(track.frames(len(features))))


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Posteriors [F, 40] of label indices [F], with edges softened over one frame to each side."""
    count = len(labels)
    rows = np.zeros((count, len(LABELS)), np.float32)
    at = np.arange(count)
    before, after = np.maximum(at - 1, 0), np.minimum(at + 1, count - 1)
    for source, share in ((at, 0.5), (before, 0.25), (after, 0.25)):
        rows[at, labels[source]] += share
    return rows


def decode_phones(posteriors: np.ndarray) -> PhoneTrack:
    """The likeliest phones where each change costs SWITCH_COST nats (Viterbi).

    Chunks of half a minute, with a second around them, run side by side: paths a second apart have met.
    """
    count = len(posteriors)
    labels = np.zeros(count, np.int16)
    starts = range(0, count, _CHUNK)
    for group in range(0, len(starts), _GROUP):
        firsts = np.array(starts[group : group + _GROUP])
        reach = np.arange(-_OVERLAP, min(_CHUNK, count) + _OVERLAP)
        rows = np.clip(reach[:, None] + firsts, 0, count - 1)  # [t, chunk]
        best = _smooth_path(posteriors, rows)
        for column, first in enumerate(firsts):
            size = min(_CHUNK, count - first)
            labels[first : first + size] = best[_OVERLAP : _OVERLAP + size, column]
    return PhoneTrack.from_frames(labels)


def decode_labels(posteriors: np.ndarray) -> np.ndarray:
    """The label index of each of a few frames, [F], as for ``decode_phones``."""
    return _smooth_path(posteriors, np.arange(len(posteriors))[:, None])[:, 0]


def _smooth_path(posteriors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Viterbi labels [T, K] of the frames ``rows`` [T, K] of ``posteriors``."""
    steps, chunks = rows.shape
    score = np.zeros((chunks, posteriors.shape[1]), np.float32)
    source = np.zeros((steps, chunks), np.int16)  # the label that a change comes from
    changed = np.zeros((steps, *score.shape), bool)
    row = np.arange(chunks)
    for t in range(steps):
        source[t] = score.argmax(axis=1)
        jump = score[row, source[t]] - SWITCH_COST
        changed[t] = jump[:, None] > score
        score = np.maximum(score, jump[:, None]) + np.log(
            np.maximum(posteriors[rows[t]].astype(np.float32), _FLOOR)
        )
        score -= score.max(axis=1, keepdims=True)
    path = np.empty((steps, chunks), np.int16)
    label = score.argmax(axis=1)
    for t in range(steps - 1, -1, -1):
        path[t] = label
        label = np.where(changed[t, row, label], source[t], label)
    return path
