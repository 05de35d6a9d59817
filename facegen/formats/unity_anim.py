"""``.anim``: a Unity animation clip of blend shape curves, as Unity's text YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.core.keyframe_reduction import reduce_keys
from facegen.rig import Rig

OBJECT = "Body"
"""Where most avatars have the mesh of the face, below the object with the Animator."""
NAMES = "{name}"
FULL = 100.0
"""The weight of a blend shape at full strength."""
SKINNED_MESH_RENDERER, BLEND_SHAPE_BINDING = 137, 20
LINEAR_BROKEN = 69
"""Bits of a key's tangent mode: both tangents are linear and free of each other."""
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./ -]*(?<! )$")
KEYWORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"}
FREE_BROKEN = 1
"""Both tangents are as given, and free of each other."""
KEY = (
    "      - serializedVersion: 3\n        time: ",
    "\n        value: ",
    "\n        inSlope: ",
    "\n        outSlope: ",
    "\n        tangentMode: {mode}\n        weightedMode: 0\n"
    "        inWeight: 0.33333334\n        outWeight: 0.33333334\n",
)
"""What stands around the four numbers of a key."""
HEAD = """%YAML 1.1
%TAG !u! tag:unity3d.com,2011:
--- !u!74 &7400000
AnimationClip:
  m_ObjectHideFlags: 0
  m_CorrespondingSourceObject: {{fileID: 0}}
  m_PrefabInstance: {{fileID: 0}}
  m_PrefabAsset: {{fileID: 0}}
  m_Name: {name}
  serializedVersion: 6
  m_Legacy: 0
  m_Compressed: 0
  m_UseHighQualityCurve: 1
  m_RotationCurves: []
  m_CompressedRotationCurves: []
  m_EulerCurves: []
  m_PositionCurves: []
  m_ScaleCurves: []
  m_FloatCurves:
"""
CURVE = """  - curve:
      serializedVersion: 2
      m_Curve:
{keys}      m_PreInfinity: 2
      m_PostInfinity: 2
      m_RotationOrder: 4
    attribute: {attribute}
    path: {path}
    classID: {kind}
    script: {{fileID: 0}}
"""
BINDING = """    - serializedVersion: 2
      path: {path}
      attribute: {attribute}
      script: {{fileID: 0}}
      typeID: {kind}
      customType: {custom}
      isPPtrCurve: 0
"""
TAIL = """    pptrCurveMapping: []
  m_AnimationClipSettings:
    serializedVersion: 2
    m_AdditiveReferencePoseClip: {{fileID: 0}}
    m_AdditiveReferencePoseTime: 0
    m_StartTime: 0
    m_StopTime: {stop}
    m_OrientationOffsetY: 0
    m_Level: 0
    m_CycleOffset: 0
    m_HasAdditiveReferencePose: 0
    m_LoopTime: 0
    m_LoopBlend: 0
    m_LoopBlendOrientation: 0
    m_LoopBlendPositionY: 0
    m_LoopBlendPositionXZ: 0
    m_KeepOriginalOrientation: 0
    m_KeepOriginalPositionY: 1
    m_KeepOriginalPositionXZ: 0
    m_HeightFromFeet: 0
    m_Mirror: 0
  m_EditorCurves: []
  m_EulerEditorCurves: []
  m_HasGenericRootTransform: 0
  m_HasMotionFloatCurves: 0
  m_Events: []
"""


class UnityClip:
    """A curve ``blendShape.<name>`` of linear keys, 0..100, a control; keys between two of the same value are left out.

    A clip finds what it moves by two texts: ``object``, the path of the mesh below the Animator (default ``Body``),
    and the name of the shape, made of the control's by the pattern ``names``: ``{name}`` as it is (the default),
    ``{Name}`` with a capital, and what a program puts before it, as in ``blendShape1.{name}``. The head's turns are
    left out, as the bone's name and rest are the avatar's own. With ``reduce`` the keys are few and their tangents free.
    """

    suffix = ".anim"
    reduces = True

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        path, pattern = str(options.get("object", OBJECT)), str(options.get("names", NAMES))
        names = [
            pattern.replace("{name}", c).replace("{Name}", c[:1].upper() + c[1:]) for c in animation.controls
        ]
        if len(set(names)) != len(names):
            raise UsageError(
                f"the pattern of names {pattern!r} gives two controls one name",
                remedy="put {name} or {Name} in it",
            )
        keys = few_keys(animation, float(options["reduce"])) if options.get("reduce") else all_keys(animation)
        title = str(options.get("name", ""))
        return {
            "": (text.encode() for text in _chunks(animation, title, path, zip(names, keys, strict=True)))
        }


def all_keys(animation: Animation) -> Iterator[str]:
    """The texts of each curve's keys, lines between them, but for those between two of the same value."""
    times, fps = np.array(_numbers(animation.times)), float(animation.fps)
    for column in animation.values.T:
        kept = kept_keys(column)
        values = (column[kept].astype(np.float64) * FULL).clip(0, FULL)
        slopes = _numbers(np.diff(values) / np.diff(kept) * fps)
        yield _keys(LINEAR_BROKEN, times[kept].tolist(), _numbers(values), ["0", *slopes], [*slopes, "0"])


def few_keys(animation: Animation, bound: float) -> Iterator[str]:
    """The texts of each curve's keys, cubic pieces that stay within ``bound`` (0..1) of the curve."""
    fps = float(animation.fps)
    limited = replace(animation, values=animation.values.clip(0, 1), head=None)
    for keys in reduce_keys(limited, bound).controls.values():
        numbers = (
            keys.frames / fps,
            FULL * keys.values,
            FULL * fps * keys.arriving,
            FULL * fps * keys.leaving,
        )
        yield _keys(FREE_BROKEN, *map(_numbers, numbers))


def _chunks(animation: Animation, title: str, path: str, curves: Iterable[tuple[str, str]]) -> Iterator[str]:
    names = []
    rate = _numbers(np.array([float(animation.fps)]))[0]
    yield HEAD.format(name=_scalar(title or "speech"))
    for name, keys in curves:
        names.append(name)
        yield CURVE.format(
            keys=keys,
            attribute=_scalar("blendShape." + name),
            path=_scalar(path),
            kind=SKINNED_MESH_RENDERER,
        )
    yield f"  m_PPtrCurves: []\n  m_SampleRate: {rate}\n  m_WrapMode: 0\n"
    yield "  m_Bounds:\n    m_Center: {x: 0, y: 0, z: 0}\n    m_Extent: {x: 0, y: 0, z: 0}\n"
    yield "  m_ClipBindingConstant:\n    genericBindings:\n"
    for name in names:
        yield BINDING.format(
            path=crc32(path.encode()),
            attribute=crc32(name.encode()),
            kind=SKINNED_MESH_RENDERER,
            custom=BLEND_SHAPE_BINDING,
        )
    yield TAIL.format(stop=_numbers(animation.times[-1:])[0])


def _keys(mode: int, *numbers: list[str]) -> str:
    """Keys of the texts of their times, values, and slopes before and after."""
    parts = [""] * (9 * len(numbers[0]))
    for place, text in enumerate((*KEY[:4], KEY[4].format(mode=mode))):
        parts[2 * place :: 9] = [text] * len(numbers[0])
    for place, texts in enumerate(numbers):
        parts[2 * place + 1 :: 9] = texts
    return "".join(parts)


def kept_keys(column: np.ndarray) -> np.ndarray:
    """Numbers of the keys of a curve [T] that are not between two of the same value."""
    same = column[1:] == column[:-1]
    inside = np.zeros(len(column), bool)
    inside[1:-1] = same[:-1] & same[1:]
    return np.flatnonzero(~inside)


def _numbers(values: np.ndarray) -> list[str]:
    """Texts of eight significant digits: to a millionth of 0..100."""
    return ("%.8g\n" * len(values) % tuple(values.tolist())).split("\n")[:-1]


def _scalar(text: str) -> str:
    """``text`` as YAML: as it is where that means itself, else in double quotes."""
    if not text or (PLAIN.fullmatch(text) and text.lower() not in KEYWORDS):
        return text
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")
