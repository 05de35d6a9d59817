"""A ``transformers`` audio classifier from a local folder in the place of the built-in emotion encoder (torch extra).

Nothing is downloaded. Labels that name an emotion (``happy``, ``hap``, ``anger`` …) are told by their names; three outputs
called valence, arousal and dominance are taken as such, in 0..1. Sound goes through in windows of WINDOW_S, so that an
answer looks at most AHEAD_S ahead and sound that comes in blocks gives the answers of the whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from os import PathLike, fspath
from typing import Any

import numpy as np

from facegen.core.errors import MissingExtraError, ModelError, printable
from facegen.core.units import SAMPLE_RATE_HZ, exact_div
from facegen.emotion.curves import AXES, EMOTION_HZ, SOUNDS, EmotionCurve
from facegen.emotion.lexicon import CATEGORIES, resolve_name
from facegen.emotion.model import Emotion
from facegen.speech.phones import Features

WINDOW_S, AHEAD_S = 3.0, 0.8
EVERY = 5  # rows of EmotionCurve from one run of the network to the next
LEAST_SAMPLES = SAMPLE_RATE_HZ // 2
QUIET_DB = -60.0
ROW = exact_div(SAMPLE_RATE_HZ, EMOTION_HZ)
_SHORT = {
    "neu": "neutral", "hap": "happy", "joy": "happy", "sad": "sad", "ang": "angry", "fea": "fearful", "dis": "disgusted",
    "sur": "surprised", "con": "contempt", "calm": "neutral", "exc": "excitement", "fru": "impatience",
}  # fmt: skip
_REMEDY = "give the folder of an audio-classification model: config.json, preprocessor_config.json and model.safetensors"


class TransformersEmotion:
    """Any ``AutoModelForAudioClassification`` (wav2vec2, HuBERT, emotion2vec exported so, …) in a local folder.

    Raises ModelError for a folder that holds none or whose labels name no emotion, MissingExtraError without torch.
    """

    def __init__(self, folder: str | PathLike) -> None:
        self.folder = fspath(folder)
        if not os.path.isfile(os.path.join(self.folder, "config.json")):
            raise ModelError("is no folder with a model", path=self.folder, remedy=_REMEDY)
        try:
            import torch
            from transformers import AutoFeatureExtractor, AutoModelForAudioClassification
        except ImportError as error:
            raise MissingExtraError("transformers", "torch", "--emotion-encoder FOLDER") from error
        try:
            local = {"local_files_only": True, "trust_remote_code": False}
            self._prepare = AutoFeatureExtractor.from_pretrained(self.folder, **local)
            self._model = AutoModelForAudioClassification.from_pretrained(
                self.folder, use_safetensors=True, **local
            ).eval()
        except Exception as fault:  # the library raises all kinds
            reason = (str(fault).splitlines() or [type(fault).__name__])[0][:160]
            raise ModelError(
                f"is no audio classifier ({reason})", path=self.folder, remedy=_REMEDY
            ) from fault
        self._torch = torch
        names = {int(k): str(v) for k, v in self._model.config.id2label.items()}
        self.labels = [names[i] for i in range(len(names))]
        self._read = self._reading()

    def _reading(self) -> Any:
        """Axes by column, or else a table [labels, categories] and the labels' points [labels, 3]."""
        lower = [label.lower() for label in self.labels]
        if set(AXES) <= set(lower):
            return [lower.index(axis) for axis in AXES]
        table, places, known = np.zeros((len(lower), len(CATEGORIES))), np.zeros((len(lower), 3)), False
        for row, label in enumerate(lower):
            name = _SHORT.get(label[:3]) or _SHORT.get(label) or (resolve_name(label) or ("",))[0]
            known |= bool(name)
            emotion = Emotion.from_weights({name: 1.0}) if name and name != "neutral" else Emotion()
            table[row], places[row] = emotion.distribution(), emotion.vad
        if not known:
            shown = printable(json.dumps(self.labels[:8]))
            raise ModelError(f"has labels that name no emotion: {shown}", path=self.folder, remedy=_REMEDY)
        return table, places

    def stream(self, live: bool = False) -> TransformersStream:
        """A stream that takes sound as it comes."""
        return TransformersStream(self)

    def answer(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Place [3], probabilities [8] and confidence of one window [n]. Raises ModelError for what is not finite."""
        level = 10 * np.log10(float(np.mean(np.square(samples, dtype=np.float64))) + 1e-12)
        if level < QUIET_DB:
            return np.zeros(3), np.eye(len(CATEGORIES))[0], 0.0
        if len(samples) < LEAST_SAMPLES:
            samples = np.pad(samples, (0, LEAST_SAMPLES - len(samples)))
        try:
            given = self._prepare(samples, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
            with self._torch.inference_mode():
                scores = self._model(**given).logits[0].double().numpy()
        except Exception as fault:  # the library raises all kinds
            reason = (str(fault).splitlines() or [type(fault).__name__])[0][:160]
            raise ModelError(f"fails to run ({reason})", path=self.folder, remedy=_REMEDY) from fault
        if not np.isfinite(scores).all():
            raise ModelError("gives values that are not finite", path=self.folder, remedy="use another model")
        if isinstance(self._read, list):
            place = np.clip(2 * scores[self._read] - 1, -1, 1)
            emotion = Emotion.from_vad(*place.tolist())
            return place, emotion.distribution(), min(1.0, float(np.linalg.norm(place)))
        chance = np.exp(scores - scores.max())
        chance /= chance.sum()
        table, places = self._read
        surprise = -(chance * np.log(np.maximum(chance, 1e-12))).sum() / np.log(max(2, len(chance)))
        row = chance @ table
        return chance @ places, row / row.sum(), float(1 - surprise)


class TransformersStream:
    """Answers for sound that comes in blocks; an ``EmotionStream``."""

    def __init__(self, encoder: TransformersEmotion) -> None:
        self._encoder = encoder
        self._held, self._first, self._given = np.zeros(0, np.float32), 0, 0
        self._last: tuple[np.ndarray, np.ndarray, float] | None = None

    def push(self, block: np.ndarray, features: Features | None = None) -> EmotionCurve:
        self._held = np.concatenate([self._held, np.asarray(block, np.float32)])
        whole = (self._first + len(self._held) - int(AHEAD_S * SAMPLE_RATE_HZ)) // ROW
        return self._answers(max(0, whole // EVERY * EVERY))

    def close(self, features: Features | None = None) -> EmotionCurve:
        return self._answers(-(-(self._first + len(self._held)) // ROW))

    def _answers(self, count: int) -> EmotionCurve:
        """One answer for each EVERY rows up to ``count``, held over them."""
        rows = []
        while self._given < count:
            at = self._given * ROW
            end = min(self._first + len(self._held), at + int(AHEAD_S * SAMPLE_RATE_HZ))
            start = max(0, end - int(WINDOW_S * SAMPLE_RATE_HZ))
            answer = self._encoder.answer(self._held[start - self._first : end - self._first])
            until = min(count, self._given + EVERY)
            rows += [answer] * (until - self._given)
            self._given = until
            spent = end - int(WINDOW_S * SAMPLE_RATE_HZ) - self._first
            if spent > 0:
                self._held, self._first = self._held[spent:], self._first + spent
        return _heard(rows)


def _heard(rows: Iterable[tuple[np.ndarray, np.ndarray, float]]) -> EmotionCurve:
    rows = list(rows)
    if not rows:
        return EmotionCurve.nothing()
    vad, categories, confidence = (np.array(column) for column in zip(*rows, strict=True))
    return EmotionCurve(vad, categories, confidence, np.zeros((len(rows), len(SOUNDS))))
