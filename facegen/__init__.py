"""facegen: speech, and the emotion in it or asked for, to facial animation.

import facegen
take = facegen.animate("speech.wav", emotion="happy:0.6", fps=60)
take.save("take.csv")
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "analyze_emotion": "facegen.api",
    "animate": "facegen.api",
    "converse": "facegen.api",
    "edit": "facegen.api",
    "emotion": "facegen.emotion",
    "load": "facegen.api",
    "make_portrait": "facegen.api",
    "render": "facegen.api",
    "retarget": "facegen.api",
    "solve": "facegen.api",
    "stream": "facegen.api",
    "Animation": "facegen.core.animation",
    "Audio": "facegen.speech.audio",
    "Config": "facegen.config",
    "Emotion": "facegen.emotion",
    "FacegenError": "facegen.core.errors",
    "Take": "facegen.motion.take",
    "compose": "facegen.motion.take",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'facegen' has no attribute {name!r}")
    from facegen.core.registry import load_object

    if name == "emotion":  # the package of that name is the function too
        from importlib import import_module

        return import_module("facegen.emotion")
    value = load_object(f"{_PUBLIC[name]}:{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
