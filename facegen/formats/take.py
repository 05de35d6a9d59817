"""``.take``: the layered, editable take as one safetensors file, its header JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from os import PathLike
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, ModelError
from facegen.emotion import Emotion, EmotionCurve, EmotionSpan, EmotionTrack
from facegen.formats.safetensors import pack_safetensors, plain_json, tensor, unpack_safetensors
from facegen.motion.take import Layer, Take, compose
from facegen.rig import ARKIT, Rig
from facegen.speech.phones import Phone, PhoneTrack

VERSION = "1"
CONTROLS = "controls"
"""The setting that holds which controls a take composes to where those are not the ARKit ones."""

HEARD = ("heard.vad", "heard.categories", "heard.confidence", "heard.sounds")
"""The arrays of what was heard."""


def to_take(animation: Animation) -> Take:
    """A take of one layer ``lips`` that composes to just ``animation``: nothing is smoothed or limited."""
    audio = animation.meta.get("audio", {})
    config = {"passes": [], CONTROLS: list(animation.controls)}
    layers = (Layer("lips", "add", animation),)
    about = audio if isinstance(audio, Mapping) else {"name": str(audio)}
    return Take(animation.fps, len(animation), about, layers=layers, config=config)


def flatten(take: Take) -> Animation:
    """The take as one animation: on the controls that its settings name, else on the ARKit ones."""
    return compose(take, tuple(take.config.get(CONTROLS, ARKIT)))


class TakeFile:
    """Arrays ``<layer>.values``, ``.head`` and ``.mask`` by the layer's number; all else as JSON in the metadata."""

    suffix = ".take"
    needs_layers = True

    def files(
        self, thing: Animation | Take, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        take = thing if isinstance(thing, Take) else to_take(thing)
        tensors, layers = {}, []
        for number, layer in enumerate(take.layers):
            tensors[f"{number}.values"] = layer.animation.values
            if layer.animation.head is not None:
                tensors[f"{number}.head"] = layer.animation.head
            if layer.mask is not None:
                tensors[f"{number}.mask"] = layer.mask
            layers.append({"name": layer.name, "mode": layer.mode, "controls": layer.animation.controls})
        if take.emotion.heard is not None:
            tensors.update(zip(HEARD, take.emotion.heard.arrays, strict=True))
        metadata = {
            "format": "facegen take",
            "version": VERSION,
            "fps": str(take.fps),
            "frames": str(take.frames),
            "audio": plain_json(take.audio),
            "phones": plain_json([[p.start, p.end, p.label] for p in take.phones]),
            "emotion": plain_json(
                {
                    "base": _emotion_json(take.emotion.base),
                    "follows": take.emotion.follows,
                    "spans": [
                        [s.start, s.end, _emotion_json(s.emotion), s.fade_in, s.fade_out, s.style, s.leaves]
                        for s in take.emotion.spans
                    ],
                }
            ),
            "config": plain_json(take.config),
            "layers": plain_json(layers),
        }
        return {"": pack_safetensors(tensors, metadata)}

    def read(self, path: str | PathLike) -> Animation:
        return flatten(self.read_take(path))

    def read_take(self, path: str | PathLike) -> Take:
        tensors, metadata = unpack_safetensors(path)
        for name in ("version", "fps", "frames", "audio", "phones", "emotion", "config", "layers"):
            if name not in metadata:
                raise AnimationFileError(f"lacks {name!r} in its metadata", remedy="write the take again")
        if metadata["version"] != VERSION:
            raise AnimationFileError(
                f"has version {metadata['version']!r}; this program reads {VERSION}", remedy="update facegen"
            )
        fps = Fraction(metadata["fps"])
        emotion = _json(metadata, "emotion", dict)
        return Take(
            fps,
            int(metadata["frames"]),
            _json(metadata, "audio", dict),
            PhoneTrack(tuple(Phone(float(a), float(b), c) for a, b, c in _json(metadata, "phones", list))),
            EmotionTrack(
                _emotion(emotion["base"]),
                tuple(
                    EmotionSpan(float(a), float(b), _emotion(e), *more) for a, b, e, *more in emotion["spans"]
                ),
                _heard(tensors, path),
                bool(emotion.get("follows", True)),
            ),
            tuple(
                _layer(n, row, fps, tensors, path) for n, row in enumerate(_json(metadata, "layers", list))
            ),
            _json(metadata, "config", dict),
        )


def _json(metadata: Mapping[str, str], name: str, kind: type) -> Any:
    try:
        value = json.loads(metadata[name])
    except ValueError as error:
        raise AnimationFileError(f"has {name} that are not JSON", remedy="write the take again") from error
    if not isinstance(value, kind):
        raise AnimationFileError(f"has {name} of the wrong kind", remedy="write the take again")
    return value


def _layer(
    number: int,
    row: Mapping[str, Any],
    fps: Fraction,
    tensors: Mapping[str, np.ndarray],
    path: str | PathLike,
) -> Layer:
    head, mask = (
        tensor(tensors, f"{number}.{part}", path) if f"{number}.{part}" in tensors else None
        for part in ("head", "mask")
    )
    values = tensor(tensors, f"{number}.values", path)
    return Layer(row["name"], row["mode"], Animation(fps, tuple(row["controls"]), values, head), mask)


def _heard(tensors: Mapping[str, np.ndarray], path: str | PathLike) -> EmotionCurve | None:
    if not any(name in tensors for name in HEARD):
        return None
    try:
        return EmotionCurve(*(tensor(tensors, name, path) for name in HEARD))
    except ModelError as error:
        raise AnimationFileError(error.reason, remedy="write the take again") from error


def _emotion_json(emotion: Emotion) -> dict[str, Any]:
    return {
        "valence": emotion.valence,
        "arousal": emotion.arousal,
        "dominance": emotion.dominance,
        "categories": emotion.categories,
        "names": emotion.parts,
    }


def _emotion(row: Mapping[str, Any]) -> Emotion:
    return Emotion(row["valence"], row["arousal"], row["dominance"], row["categories"], row.get("names"))
