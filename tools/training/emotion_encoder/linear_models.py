"""Linear models that ignore what means nothing: softmax and ridge regression in a space where those directions are small."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

FAR = 4.0  # standard deviations at which a statistic is held


class Space(NamedTuple):
    """Statistics about ``mean`` [S] in units of ``scale`` [S], held to FAR, times ``turn`` [S, S]."""

    mean: np.ndarray
    scale: np.ndarray
    turn: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.clip((x - self.mean) / self.scale, -FAR, FAR) @ self.turn


def space(x: np.ndarray, covariance: np.ndarray, amount: float, kept: np.ndarray | None = None) -> Space:
    """The space of ``x`` [N, S] in which directions of large nuisance ``covariance`` [S, S] are short; only the
    statistics ``kept`` [S] count."""
    kept = np.ones(x.shape[1], bool) if kept is None else kept
    values, vectors = np.linalg.eigh(covariance[np.ix_(kept, kept)] * amount)
    turn = np.zeros(covariance.shape)
    turn[np.ix_(kept, kept)] = vectors / np.sqrt(np.maximum(values, 0) + 1) @ vectors.T
    return Space(x.mean(axis=0), x.std(axis=0) + 1e-6, turn)


class Linear(NamedTuple):
    """Scores [N, C] = x @ weight [S, C] + bias [C]."""

    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x @ self.weight + self.bias


def softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def classifier(x: np.ndarray, goal: np.ndarray, weight: np.ndarray, strength: float) -> Linear:
    """Softmax regression of probabilities ``goal`` [N, C], rows counting ``weight`` [N], under a penalty."""
    count, classes = x.shape[1], goal.shape[1]
    weight = weight / weight.sum()

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        table = flat.reshape(count + 1, classes)
        chance = softmax(x @ table[:-1] + table[-1])
        away = (chance - goal) * weight[:, None]
        value = (
            -(weight @ (goal * np.log(chance + 1e-12)).sum(axis=1)) + 0.5 * strength * (table[:-1] ** 2).sum()
        )
        slope = np.concatenate([x.T @ away + strength * table[:-1], away.sum(axis=0, keepdims=True)])
        return value, slope.ravel()

    found = minimize(
        loss, np.zeros((count + 1) * classes), jac=True, method="L-BFGS-B", options={"maxiter": 300}
    )
    table = found.x.reshape(count + 1, classes)
    return Linear(table[:-1], table[-1])


def regression(x: np.ndarray, goal: np.ndarray, weight: np.ndarray, strength: float) -> Linear:
    """Ridge regression of ``goal`` [N, C]."""
    weight = weight / weight.sum()
    centre, middle = weight @ x, weight @ goal
    about = (x - centre) * np.sqrt(weight)[:, None]
    away = (goal - middle) * np.sqrt(weight)[:, None]
    table = np.linalg.solve(about.T @ about + strength * np.eye(x.shape[1]), about.T @ away)
    return Linear(table, middle - centre @ table)


def balanced(labels: np.ndarray) -> np.ndarray:
    """Weights [N] under which each label counts alike."""
    names, at, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return 1.0 / (len(names) * counts[at])
