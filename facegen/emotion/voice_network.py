"""The emotion network: an ONNX file that keeps a contract, and what is made of its answers."""

from __future__ import annotations

import json
from importlib import resources
from os import PathLike

import numpy as np

from facegen.core.errors import ModelError
from facegen.core.onnx_model import OnnxModel, first_line
from facegen.emotion.curves import SOUNDS, EmotionCurve
from facegen.emotion.lexicon import CATEGORIES, named_emotions
from facegen.emotion.voice_statistics import MEANS, STATISTICS

MAX_MODEL_BYTES = 32 * 2**20
SPOKEN_ROWS = 40.0  # voiced rows (0.8 s) of speech that are trusted half
KNOWN_ROWS = (
    20.0  # and those (0.4 s) from which the answer is the network's own; with fewer it leans to neutral
)
LEAST_SOUNDING = 12  # rows of the near window that must sound for a sound to be told
DOUBT = 0.4  # probability of a sound without words up to which it is not told
SOUND_EMOTIONS = {
    "laugh": ("happy", 0.9),
    "cry": ("sad", 0.9),
    "sigh": ("sad", 0.3),
    "gasp": ("surprised", 0.7),
    "groan": ("sad", 0.4),
    "breath": ("neutral", 0.0),
}
"""The category that a sound without words stands for, and how surely."""
_REMEDY = "use a model made by tools/training/train_emotion_encoder.py, or leave --emotion-encoder out"


class VoiceNetwork:
    """``manner`` and ``near`` [N, S] of STATISTICS to ``categories`` [N, 8] and ``sounds`` [N, 1 + 6] (none first),
    which are probabilities, and ``vad`` [N, 3].

    Its metadata hold the ``statistics``, the ``categories``, the ``sounds`` and the ``usual`` MEANS. Raises ModelError
    for any other file.
    """

    def __init__(self, model: str | PathLike | None = None) -> None:
        self.path = str(model or resources.files("facegen") / "models" / "emotion.onnx")
        self._session = OnnxModel(self.path, MAX_MODEL_BYTES, "emotion model", _REMEDY)
        if set(self._session.inputs) != {"manner", "near"}:
            raise self._error("its inputs are not manner and near")
        if not {"categories", "vad", "sounds"} <= set(self._session.outputs):
            raise self._error("its outputs are not categories, vad and sounds")
        meta = self._session.metadata
        known = {"statistics": STATISTICS, "categories": CATEGORIES, "sounds": SOUNDS}
        try:
            for name, ours in known.items():
                if tuple(json.loads(meta[name])) != ours:
                    raise self._error(f"its {name} are not those of this version")
            self.usual = np.array(json.loads(meta["usual"]), np.float64)
        except (KeyError, ValueError, OverflowError, TypeError) as fault:
            raise self._error(f"its metadata lack something ({fault})") from fault
        if self.usual.shape != (len(MEANS),) or not np.isfinite(self.usual).all():
            raise self._error(f"its usual means are not {len(MEANS)} numbers")

    def answer(
        self, manner: np.ndarray, evidence: np.ndarray, near: np.ndarray, sounding: np.ndarray
    ) -> EmotionCurve:
        """What is heard in N windows: ``manner`` and ``near`` [N, S], and the rows [N, 2] of each kind of window that
        are voiced speech and that sound at all."""
        if not len(manner):
            return EmotionCurve.nothing()
        categories, vad, sounds = self._run(manner, near)
        spoken = evidence[:, 0] / (evidence[:, 0] + SPOKEN_ROWS)
        wordless = 1 - sounding[:, 0] / np.maximum(sounding[:, 1], 1)
        sounds = np.clip((sounds[:, 1:] - DOUBT) / (1 - DOUBT), 0, 1) * np.clip(2 * wordless, 0, 1)[:, None]
        sounds[sounding[:, 1] < LEAST_SOUNDING] = 0
        sure = 1 + (categories * np.log(np.maximum(categories, 1e-9))).sum(axis=1) / np.log(len(CATEGORIES))
        known = np.minimum(evidence[:, 0] / KNOWN_ROWS, 1)
        categories = _towards(categories, np.eye(len(CATEGORIES))[[0]], 1 - known)
        told, places, weights = _of_sounds()
        burst = sounds @ weights
        share = sounds * weights / np.maximum(burst, 1e-9)[:, None]
        categories = _towards(categories, share @ told, burst)
        vad = _towards(np.clip(vad, -1, 1) * known[:, None], share @ places, burst)
        return EmotionCurve(vad, categories, np.maximum(spoken * sure, burst), sounds)

    def _run(self, manner: np.ndarray, near: np.ndarray) -> list[np.ndarray]:
        wanted = {"categories": len(CATEGORIES), "vad": 3, "sounds": 1 + len(SOUNDS)}
        try:
            out = self._session.run(list(wanted), {"manner": manner, "near": near})
        except Exception as fault:  # ONNX Runtime has no public base class of its errors
            raise self._error(f"it fails to run ({first_line(fault)})") from fault
        for (name, width), rows in zip(wanted.items(), out, strict=True):
            if rows.shape != (len(manner), width):
                raise self._error(f"it gives {name} {rows.shape}, expected {(len(manner), width)}")
            if not np.isfinite(rows).all():
                raise self._error("it gives values that are not finite")
        return out

    def _error(self, reason: str) -> ModelError:
        return ModelError(f"is not an emotion model: {reason}", path=self.path, remedy=_REMEDY)


def _towards(rows: np.ndarray, goal: np.ndarray, amount: np.ndarray) -> np.ndarray:
    return rows + amount[:, None] * (goal - rows)


def _of_sounds() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of SOUNDS the categories [6, 8], the point [6, 3] and how surely [6]."""
    names = [SOUND_EMOTIONS[sound] for sound in SOUNDS]
    told = np.eye(len(CATEGORIES))[[CATEGORIES.index(name) for name, _ in names]]
    places = np.array([named_emotions()[name].vad for name, _ in names])
    return told, places, np.array([weight for _, weight in names])
