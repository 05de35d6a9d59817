"""A ``transformers`` text classifier from a local folder that reads the words of ``--emotion`` (torch extra).

Nothing is downloaded. Each label that names an emotion (of the table, or a synonym: joy, annoyance, remorse …) counts with
its probability; several may hold at once where the model was made so.
"""

from __future__ import annotations

import os
from functools import lru_cache
from os import PathLike, fspath
from typing import Any

import numpy as np

from facegen.core.errors import MissingExtraError, ModelError, UsageError, printable
from facegen.emotion import Emotion
from facegen.emotion.lexicon import resolve_name
from facegen.emotion.prompts import MOST_CHARACTERS

LEAST = 0.1  # a less likely label counts for nothing
_REMEDY = "give the folder of a text-classification model: config.json, its tokenizer and model.safetensors"


def classify_prompt(text: str, folder: str | PathLike) -> Emotion:
    """The emotion that the model in ``folder`` finds in ``text``. Raises UsageError for empty or endless text, ModelError
    for a folder that holds no such model or one whose labels name no emotion, MissingExtraError without torch."""
    if not text.strip() or len(text) > MOST_CHARACTERS:
        what = "empty" if not text.strip() else "too long"
        raise UsageError(f"the emotion is {what}", remedy="use for example: a little sad but hopeful")
    return _load(fspath(folder)).read(text)


@lru_cache(maxsize=2)
def _load(folder: str) -> TextClassifier:
    return TextClassifier(folder)


class TextClassifier:
    """Any ``AutoModelForSequenceClassification`` with its tokenizer in a local folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        if not os.path.isfile(os.path.join(folder, "config.json")):
            raise ModelError("is no folder with a model", path=folder, remedy=_REMEDY)
        try:
            import torch
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        except ImportError as error:
            raise MissingExtraError("transformers", "portrait", "--prompt-model FOLDER") from error
        local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._tokens = AutoTokenizer.from_pretrained(folder, **local)
            model = AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True, **local)
        except Exception as fault:  # the library raises all kinds
            raise ModelError(
                f"is no text classifier ({_first(fault)})", path=folder, remedy=_REMEDY
            ) from fault
        self._torch, self._model = torch, model.eval()
        names = {int(k): str(v) for k, v in model.config.id2label.items()}
        labels = [names[i] for i in range(len(names))]
        self.names = [(resolve_name(label.lower()) or ("", 1.0))[0] for label in labels]
        if not any(self.names):
            shown = printable(", ".join(labels[:8]))
            raise ModelError(f"has labels that name no emotion: {shown}", path=folder, remedy=_REMEDY)

    def read(self, text: str) -> Emotion:
        """The mixture of its labels for ``text``."""
        try:
            given = self._tokens(text, return_tensors="pt", truncation=True, max_length=self._most())
            with self._torch.inference_mode():
                scores = self._model(**given).logits[0].double().numpy()
        except Exception as fault:  # the library raises all kinds
            raise ModelError(f"fails to run ({_first(fault)})", path=self.folder, remedy=_REMEDY) from fault
        if not np.isfinite(scores).all():
            raise ModelError("gives values that are not finite", path=self.folder, remedy="use another model")
        if self._model.config.problem_type == "multi_label_classification":
            chances = 1 / (1 + np.exp(-scores))
        else:
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
        weights: dict[str, float] = {}
        for name, chance in zip(self.names, chances.tolist(), strict=True):
            if name and name != "neutral" and chance >= LEAST:
                weights[name] = min(1.0, weights.get(name, 0.0) + chance)
        return Emotion.from_weights(weights) if weights else Emotion()

    def _most(self) -> int:
        """Tokens that the model takes."""
        return int(min(getattr(self._model.config, "max_position_embeddings", 512), 512))


def _first(fault: Exception) -> str:
    return (str(fault).splitlines() or [type(fault).__name__])[0][:160]
