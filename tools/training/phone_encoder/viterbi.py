"""Forced alignment with a phone encoder: the best times of a known phone sequence under its posteriors."""

from __future__ import annotations

import numpy as np

_LEAST = 3  # frames of a phone
_PRIOR_POWER = 0.3  # how much of the label's own frequency is taken out of its posterior


def align(
    log_posteriors: np.ndarray,
    words: list[list[int]],
    log_priors: np.ndarray,
    near: np.ndarray | None = None,
) -> list[tuple[int, int, int]]:
    """Spans (first frame, end frame, label) of the phones of ``words``; silence may stand between words.

    ``log_posteriors`` [T, 40]; ``near`` [T, 40], if given, is added to them (a preference for a known alignment).
    Raises ValueError where the sound is too short for the phones.
    """
    scores = log_posteriors - _PRIOR_POWER * log_priors
    if near is not None:
        scores = scores + near
    labels, owner, optional = _states(words)
    count, frames = len(labels), len(scores)
    if frames < sum(len(word) for word in words) * _LEAST:
        raise ValueError(f"{frames} frames are too few for the phones")
    best = np.full(count, -np.inf)
    best[0] = scores[0, labels[0]]
    if optional[0]:
        best[1] = scores[0, labels[1]]
    steps = np.zeros((frames, count), np.int8)  # how many states back the best path came from
    skip = np.zeros(count, bool)
    skip[2:] = optional[1:-1]  # may come from before an optional silence
    stay = np.array([i + 1 >= count or owner[i] != owner[i + 1] for i in range(count)])
    for t in range(1, frames):
        choices = np.full((3, count), -np.inf)
        choices[0, stay] = best[stay]
        choices[1, 1:] = best[:-1]
        choices[2, skip] = np.concatenate([[-np.inf] * 2, best[:-2]])[skip]
        steps[t] = choices.argmax(axis=0)
        best = choices.max(axis=0) + scores[t, labels]
    state = count - 1 if best[-1] >= best[-2] or not optional[-1] else count - 2
    if not np.isfinite(best[state]):
        raise ValueError("no path fits the phones")
    return _spans(steps, state, labels, owner)


def _states(words: list[list[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label, phone number and whether it may be left out, of each state: a phone has `_LEAST`, silence has one."""
    labels, owner, optional, number = [0], [0], [True], 1
    for word in words:
        for label in word:
            labels += [label] * _LEAST
            owner += [number] * _LEAST
            optional += [False] * _LEAST
            number += 1
        labels.append(0)
        owner.append(number)
        optional.append(True)
        number += 1
    return np.array(labels), np.array(owner), np.array(optional)


def _spans(
    steps: np.ndarray, state: int, labels: np.ndarray, owner: np.ndarray
) -> list[tuple[int, int, int]]:
    path = np.empty(len(steps), int)
    for t in range(len(steps) - 1, -1, -1):
        path[t] = state
        state -= steps[t, state]
    edges = np.flatnonzero(np.diff(owner[path])) + 1
    starts, ends = np.r_[0, edges], np.r_[edges, len(path)]
    return [
        (int(a), int(b), int(labels[path[a]])) for a, b in zip(starts, ends, strict=True) if labels[path[a]]
    ]
