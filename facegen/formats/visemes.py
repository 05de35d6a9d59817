"""``.oculus.json`` and ``.sapi.json``: a take's phones as the visemes of Meta's lip sync and of Microsoft's speech API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.formats.facegen_json import json_rows
from facegen.formats.head_mesh import audio_name
from facegen.formats.phone_spans import phone_spans
from facegen.motion.take import Take
from facegen.rig import Rig

OCULUS = {
    "sil": (), "PP": ("P", "B", "M"), "FF": ("F", "V"), "TH": ("TH", "DH"), "DD": ("T", "D"),
    "kk": ("K", "G", "NG", "HH"), "CH": ("CH", "JH", "SH", "ZH"), "SS": ("S", "Z"), "nn": ("N", "L"),
    "RR": ("R", "ER"), "aa": ("AA", "AE", "AH", "AW", "AY"), "E": ("EH", "EY"), "ih": ("IH", "IY", "Y"),
    "oh": ("AO", "OW", "OY"), "ou": ("UW", "UH", "W"),
}  # fmt: skip
"""The fifteen visemes in the order of their numbers, and the phones of each (XrFaceTrackingVisemeMETA)."""
SAPI = {
    1: ("AE", "AH"), 2: ("AA",), 3: ("AO",), 4: ("EY", "EH", "UH"), 5: ("ER",), 6: ("Y", "IY", "IH"), 7: ("W", "UW"),
    8: ("OW",), 9: ("AW",), 10: ("OY",), 11: ("AY",), 12: ("HH",), 13: ("R",), 14: ("L",), 15: ("S", "Z"),
    16: ("SH", "CH", "JH", "ZH"), 17: ("TH", "DH"), 18: ("F", "V"), 19: ("D", "T", "N"), 20: ("K", "G", "NG"),
    21: ("P", "B", "M"),
}  # fmt: skip
"""The visemes 1 to 21 and their phones (SPVISEMES); 0 is silence."""
TICKS = 10_000_000
"""Of 100 ns, in a second: the unit of audio offsets."""
FADE_S = 0.1
"""In which one viseme passes into the next."""
_OCULUS_OF = {phone: place for place, phones in enumerate(OCULUS.values()) for phone in phones}
_SAPI_OF = {phone: number for number, phones in SAPI.items() for phone in phones}


class OculusVisemes:
    """``{"fps", "audio", "visemes": [15 names], "weights": [T rows of 15]}``; each row adds up to 1."""

    suffix = ".oculus.json"
    needs_layers = True

    def files(
        self, thing: Animation | Take, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        return {"": _oculus(thing, oculus_weights(thing), audio_name(thing, options))}


def _oculus(thing: Animation | Take, weights: np.ndarray, sound: str) -> Iterator[bytes]:
    rate = str(thing.fps) if thing.fps.denominator > 1 else int(thing.fps)
    facts = {"fps": rate, "audio": sound, "visemes": list(OCULUS)}
    yield (json.dumps(facts, ensure_ascii=False)[:-1] + ',\n"weights": [').encode()
    yield from json_rows(weights)
    yield b"]}\n"


def oculus_weights(thing: Animation | Take) -> np.ndarray:
    """Weights [T, 15] of the visemes at the middle of each frame; one fades into the next over FADE_S.

    Raises AnimationFileError for what has no phones.
    """
    spans = phone_spans(thing)
    frames = thing.frames if isinstance(thing, Take) else len(thing)
    times = (np.arange(frames) + 0.5) / float(thing.fps)
    weights = np.zeros((frames, len(OCULUS)), np.float32)
    for number, (start, end, label) in enumerate(spans):
        begins = -np.inf if number == 0 else start
        ends = np.inf if number == len(spans) - 1 else end
        low, high = np.searchsorted(times, (begins - FADE_S / 2, ends + FADE_S / 2))
        part = _step(times[low:high] - begins) - _step(times[low:high] - ends)
        weights[low:high, _OCULUS_OF.get(label, 0)] += part
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)


def _step(away: np.ndarray) -> np.ndarray:
    """0 well before the instant, 1 well after it."""
    part = np.clip(away / FADE_S + 0.5, 0, 1)
    return part * part * (3 - 2 * part)


class SapiVisemes:
    """``{"audio", "visemes": [{"audio_offset", "viseme_id"}]}``: a row for each change, offsets in units of 100 ns; the
    last row is the sound's end, 0."""

    suffix = ".sapi.json"
    needs_layers = True

    def files(self, thing: Animation | Take, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        rows: list[dict[str, int]] = []
        spans = phone_spans(thing)
        for start, _, label in [*spans, (spans[-1][1], 0.0, "")]:
            number, at = _SAPI_OF.get(label, 0), round(start * TICKS)
            if not rows or rows[-1]["viseme_id"] != number or start == spans[-1][1]:
                rows.append({"audio_offset": at, "viseme_id": number})
        lines = ",\n".join(json.dumps(row) for row in rows)
        sound = json.dumps(audio_name(thing, options), ensure_ascii=False)
        return {"": f'{{"audio": {sound},\n"visemes": [\n{lines}\n]}}\n'.encode()}
