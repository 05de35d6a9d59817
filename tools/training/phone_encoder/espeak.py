"""espeak-ng through its C library: sound and the phones it was made from."""

from __future__ import annotations

import ctypes
import ctypes.util

import numpy as np
import soxr

Spans = list[tuple[float, float, str]]

_SYNCHRONOUS, _IPA_EVENTS = 2, 1 | 2
_LIST_END, _PHONEME, _END = 0, 7, 5
_UTF8 = 1
_NOTATION = {"en": {"a": "æ"}, "ko": {"ɐ": "a"}, "ru": {"y": "ɨ"}}
"""What a language's symbols stand for where espeak-ng's notation of it misleads: British "trap" is the vowel of American
"trap", the open vowel of Korean is central, not reduced as ɐ is elsewhere, and Russian's ы is not rounded."""
_RATE, _PITCH, _RANGE = 1, 3, 4


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", _Id),
    ]  # fmt: skip


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """One synthesizer; `say` is not thread-safe, as the library has one state."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
        self.rate = self._lib.espeak_Initialize(_SYNCHRONOUS, 0, None, _IPA_EVENTS)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng does not start")
        self._sound: list[np.ndarray] = []
        self._events: list[tuple[float, str]] = []
        self._callback = _CALLBACK(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: str, speed: int, pitch: int, spread: int) -> tuple[np.ndarray, Spans]:
        """Sound [N] float32 at 16 kHz and spans of IPA symbols; ValueError for an unknown voice.

        ``speed`` in words a minute, ``pitch`` and its ``spread`` in 0..100.
        """
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice}")
        for parameter, value in ((_RATE, speed), (_PITCH, pitch), (_RANGE, spread)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        self._sound, self._events = [], []
        data = text.encode()
        self._lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        self._lib.espeak_Synchronize()
        sound = (
            np.concatenate(self._sound).astype(np.float32) / 32768 if self._sound else np.zeros(0, np.float32)
        )
        ends = [t for t, _ in self._events[1:]] + [len(sound) / self.rate]
        pairs = zip(self._events, ends, strict=True)
        own = _NOTATION.get(voice.partition("+")[0], {})
        # "(en)" and the like mark a change of language, not a phone.
        spans = [
            (t, end, own.get(name, name)) for (t, name), end in pairs if name and name[0] != "(" and end > t
        ]
        return soxr.resample(sound, self.rate, 16000).astype(np.float32), spans

    def _receive(self, sound, count: int, events) -> int:
        if count > 0:
            self._sound.append(np.ctypeslib.as_array(sound, shape=(count,)).copy())
        index = 0
        while events[index].type != _LIST_END:
            event = events[index]
            if event.type == _PHONEME:
                name = event.id.string.decode("utf-8", "ignore")
                self._events.append((event.sample / self.rate, name))
            index += 1
        return 0
