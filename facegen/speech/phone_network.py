"""The phone network: an ONNX file that keeps a contract, run by ONNX Runtime."""

from __future__ import annotations

import json
from importlib import resources
from os import PathLike

import numpy as np

from facegen.core.errors import ModelError
from facegen.core.onnx_model import OnnxModel, first_line
from facegen.core.units import FEATURE_HZ, SAMPLE_RATE_HZ
from facegen.speech.logmel import BANDS
from facegen.speech.phones import LABELS

MAX_MODEL_BYTES = 256 * 2**20
MAX_CONTEXT = 10 * FEATURE_HZ  # frames; more would make each short window mostly context
_REMEDY = "use a model made by tools/training/phone_encoder, or leave --encoder out"


class PhoneNetwork:
    """``logmel`` [B, T, 80] to ``log_posteriors`` [B, T, 40] (and ``bottleneck`` [B, T, D]) at 100 Hz.

    Its metadata say how many frames to the left and right an output depends on, what value stands for "no
    sound", and the stride at multiples of which a window must start. Raises ModelError for any other file.
    """

    def __init__(self, model: str | PathLike | None = None) -> None:
        self.path = str(model or resources.files("facegen") / "models" / "phones.onnx")
        self._session = OnnxModel(self.path, MAX_MODEL_BYTES, "phone model", _REMEDY)
        inputs, outputs = self._session.inputs, self._session.outputs
        if list(inputs) != ["logmel"] or len(inputs["logmel"]) != 3 or inputs["logmel"][2] != BANDS:
            raise self._error(f"its inputs are {inputs}, expected logmel [B, T, {BANDS}]")
        if "log_posteriors" not in outputs:
            raise self._error(f"its outputs are {list(outputs)}, expected log_posteriors and bottleneck")
        self.bottleneck_width = outputs.get("bottleneck", [0])[-1]
        if not isinstance(self.bottleneck_width, int):
            raise self._error("the width of its bottleneck is not fixed")
        meta = self._session.metadata
        self._check_labels(meta.get("labels"))
        for key, ours in (("sample_rate", SAMPLE_RATE_HZ), ("frame_hz", FEATURE_HZ)):
            if self._number(meta, key, ours) != ours:
                raise self._error(f"its {key} is {meta[key]}, expected {ours}")
        self.stride = self._whole(meta, "stride", 1, 1, 64)
        self.left = _round_up(self._whole(meta, "left_context", None, 0, MAX_CONTEXT), self.stride)
        self.right = self._whole(meta, "right_context", None, 0, MAX_CONTEXT)
        self.pad_value = self._number(meta, "pad_value", None)

    def run(self, window: np.ndarray, bottleneck: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """Log-posteriors [T, 40] and bottleneck [T, D] (or None) of the log-mel frames [T, 80] of one window."""
        short = -len(window) % self.stride
        if short:
            window = np.pad(window, ((0, short), (0, 0)), constant_values=self.pad_value)
        wanted = ["log_posteriors", *(["bottleneck"] if bottleneck and self.bottleneck_width else [])]
        try:
            out = self._session.run(wanted, {"logmel": np.ascontiguousarray(window[None], np.float32)})
        except Exception as fault:  # ONNX Runtime has no public base class of its errors
            raise self._error(f"it fails to run ({first_line(fault)})") from fault
        expected = (1, len(window), len(LABELS))
        if out[0].shape != expected:
            raise self._error(f"it gives log_posteriors {out[0].shape}, expected {expected}")
        if not np.isfinite(out[0]).all():
            raise self._error("it gives values that are not finite")
        count = len(window) - short
        return out[0][0, :count], out[1][0, :count] if len(out) > 1 else None

    def _check_labels(self, text: str | None) -> None:
        try:
            labels = json.loads(text or "null")
        except ValueError:
            labels = None
        if not isinstance(labels, list) or tuple(labels) != LABELS:
            raise self._error(f"its labels are not the {len(LABELS)} phones of facegen.speech.phones.LABELS")

    def _number(self, meta: dict[str, str], key: str, default: float | None) -> float:
        try:
            value = float(meta[key]) if key in meta or default is None else float(default)
        except (KeyError, ValueError):
            value = float("nan")
        if not np.isfinite(value):
            raise self._error(f"its metadata hold no number {key!r}")
        return value

    def _whole(self, meta: dict[str, str], key: str, default: float | None, low: int, high: int) -> int:
        value = self._number(meta, key, default)
        if value != int(value) or not low <= value <= high:
            raise self._error(f"its {key} is {value:g}, expected a whole number in {low}..{high}")
        return int(value)

    def _error(self, reason: str) -> ModelError:
        return ModelError(f"is not a phone model: {reason}", path=self.path, remedy=_REMEDY)


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
