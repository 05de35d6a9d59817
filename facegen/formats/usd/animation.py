"""``.usda``, ``.usdc`` and ``.usdz``: a head with its blend shapes and what drives them (UsdSkel); extra ``usd``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from fractions import Fraction
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, MissingExtraError, UsageError
from facegen.core.files import read_bytes, write_files
from facegen.core.sandbox import try_in_sandbox
from facegen.core.units import METRES_PER_CM, as_fps
from facegen.formats.gltf.animation_reader import euler_angles
from facegen.formats.head_mesh import audio_name
from facegen.formats.usd.head_writer import HEAD_JOINT, JOINTS, add_head
from facegen.rig import Rig, default_head, load_rig
from facegen.rig.control_names import without_combined
from facegen.rig.head_pose import quaternions

ROOT = "/Face"
ANIMATION = ROOT + "/Animation"
NOTES = "facegen"
"""Key of the layer's custom data with the exact frame rate and the sound's name."""
MAX_BYTES = 2**31
PACKED = 1_000_000_000
"""The time, in seconds since 1970, that packages name for their file: the same content is the same bytes."""


class Usda:
    """The rig's head in cm with +Y up: a mesh a part under a ``SkelRoot``, its shapes as ``BlendShape`` prims, one
    ``SkelAnimation`` whose weights are in the rig's order (then its combinations, ``jawOpen_mouthClose``), and joints of
    the neck's base and the head. Surfaces have the vertices' colours; the package has the textures too.

    A time code is a frame; the frame rate is that of the time codes. Weights keep to the controls' limits.
    """

    suffix = ".usda"

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        stage = animated_stage(animation, rig, options)
        return {"": stage.GetRootLayer().ExportToString().encode()}

    def read(self, path: str | PathLike) -> Animation:
        """The first ``SkelAnimation`` with blend shape weights in a file of any program: one value a time code where
        its samples are that, else linearly interpolated at whole time codes."""
        try_in_sandbox(
            "facegen.formats.usd.animation:read_animation", path, AnimationFileError, "export it again"
        )
        return read_animation(path)


class Usdc(Usda):
    """The same, binary."""

    suffix = ".usdc"

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        stage = animated_stage(animation, rig, options)
        return {
            "": _written(lambda folder: stage.GetRootLayer().Export(str(folder / "face.usdc")), "face.usdc")
        }


class Usdz(Usda):
    """The same, binary, in the package that phones and browsers show."""

    suffix = ".usdz"

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        stage = animated_stage(animation, rig, options, textured=True)
        textures = default_head(rig or load_rig("arkit")).textures

        def pack(folder: Path) -> None:
            from pxr import Sdf

            stage.GetRootLayer().Export(str(folder / "face.usdc"))
            write_files(folder, textures)
            with Sdf.ZipFileWriter.CreateNew(str(folder / "face.usdz")) as package:
                for name in ("face.usdc", *textures):
                    os.utime(folder / name, (PACKED, PACKED))
                    package.AddFile(str(folder / name), name)

        return {"": _written(pack, "face.usdz")}


def _written(write: Callable[[Path], Any], name: str) -> bytes:
    """The bytes of the file ``name`` that ``write`` makes in a folder."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return read_bytes(Path(folder, name), limit=MAX_BYTES)


def animated_stage(
    animation: Animation, rig: Rig | None, options: Mapping[str, Any], textured: bool = False
) -> Any:
    """The stage in memory; ``textured`` where the rig's textures will lie beside it.

    Raises UsageError where animation and rig share no control, MissingExtraError without usd-core.
    """
    try:
        from pxr import Usd, UsdGeom, UsdSkel
    except ImportError as error:
        raise MissingExtraError("usd-core", "usd", "writing USD") from error
    head = default_head(rig or load_rig("arkit"))
    if not set(animation.controls) & set(head.control_names):
        raise UsageError(
            f"the animation shares no control with the rig {head.name}",
            remedy=f"retarget it to {head.name} first",
        )
    stage = Usd.Stage.CreateInMemory("face.usda")
    UsdGeom.SetStageMetersPerUnit(stage, METRES_PER_CM)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    stage.SetTimeCodesPerSecond(float(animation.fps))
    stage.SetFramesPerSecond(float(animation.fps))
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(len(animation) - 1)
    notes = {"fps": str(animation.fps)}
    sound = audio_name(animation, options)
    if sound:
        notes["audio"] = sound
    stage.GetRootLayer().customLayerData = {NOTES: notes}
    root = UsdSkel.Root.Define(stage, ROOT)
    stage.SetDefaultPrim(root.GetPrim())
    add_head(stage, ROOT, ANIMATION, head, textured)
    _add_curves(stage, animation, head)
    return stage


def _add_curves(stage: Any, animation: Animation, head: Rig) -> None:
    from pxr import Gf, Sdf, UsdSkel, Vt

    weights = head.limited_weights(animation)
    curves = UsdSkel.Animation.Define(stage, ANIMATION)
    curves.CreateBlendShapesAttr(list(head.shape_names))
    curves.CreateJointsAttr(list(JOINTS))
    pivot = np.asarray(head.pivots.get("head", (0.0, 0.0, 0.0)), np.float32)
    poses = np.zeros((1, 6), np.float32) if animation.head is None else animation.head
    turns = quaternions(poses).astype(float).tolist()
    places = (poses[:, 3:] + pivot).astype(np.float32)
    curves.CreateScalesAttr([Gf.Vec3h(1, 1, 1)] * 2)
    layer, still = stage.GetRootLayer(), Gf.Quatf(1)
    rotations = [Vt.QuatfArray([still, Gf.Quatf(w, x, y, z)]) for x, y, z, w in turns]
    shifts = [Vt.Vec3fArray.FromNumpy(np.stack([np.zeros(3, np.float32), place])) for place in places]
    paths = [
        attribute.GetPath()
        for attribute in (
            curves.CreateBlendShapeWeightsAttr(),
            curves.CreateRotationsAttr(rotations[0]),
            curves.CreateTranslationsAttr(shifts[0]),
        )
    ]
    with Sdf.ChangeBlock():
        for frame, row in enumerate(weights):
            layer.SetTimeSample(paths[0], frame, Vt.FloatArray.FromNumpy(np.ascontiguousarray(row)))
        if animation.head is not None:
            for frame, (turn, shift) in enumerate(zip(rotations, shifts, strict=True)):
                layer.SetTimeSample(paths[1], frame, turn)
                layer.SetTimeSample(paths[2], frame, shift)


def read_animation(path: str | PathLike) -> Animation:
    """As ``Usda.read``, without its care. Raises AnimationFileError for a file without such an animation."""
    try:
        from pxr import Tf, Usd, UsdSkel
    except ImportError as error:
        raise MissingExtraError("usd-core", "usd", "reading USD") from error
    read_bytes(path, limit=MAX_BYTES, error=AnimationFileError)
    try:
        stage = Usd.Stage.Open(fspath(path))
    except Tf.ErrorException as error:
        raise AnimationFileError("is no USD file that can be opened", remedy="export it again") from error
    found = (UsdSkel.Animation(prim) for prim in stage.Traverse() if prim.IsA(UsdSkel.Animation))
    curves = next(
        (c for c in found if c.GetBlendShapesAttr().Get() and c.GetBlendShapeWeightsAttr().HasValue()), None
    )
    if curves is None:
        raise AnimationFileError(
            "holds no animation of blend shapes", remedy="export the animation with the mesh"
        )
    names = tuple(str(name) for name in curves.GetBlendShapesAttr().Get())
    notes = stage.GetRootLayer().customLayerData.get(NOTES) or {}
    rate = stage.GetTimeCodesPerSecond()
    fps = as_fps(notes["fps"]) if "fps" in notes else as_fps(Fraction(rate).limit_denominator(1001))
    codes = _codes(curves.GetBlendShapeWeightsAttr())
    values = _sampled(curves.GetBlendShapeWeightsAttr(), codes).reshape(len(codes), -1)
    if values.shape[1] != len(names):
        raise AnimationFileError(f"has {values.shape[1]} weights for {len(names)} blend shapes")
    head = _head(curves, codes) if notes else None
    sound = notes.get("audio")
    kept = without_combined(names)
    names = tuple(names[i] for i in kept)
    return Animation(fps, names, values[:, kept], head, {"audio": {"name": str(sound)}} if sound else {})


def _codes(attribute: Any) -> np.ndarray:
    """Whole time codes from the first sample to the last; one where it stands still."""
    times = attribute.GetTimeSamples() or [0.0]
    count = int(np.floor(times[-1] - times[0] + 1e-6)) + 1
    if not 0 < count <= 2**24:
        raise AnimationFileError(f"has samples from {times[0]:g} to {times[-1]:g}", remedy="cut it")
    return times[0] + np.arange(count)


def _sampled(attribute: Any, codes: np.ndarray) -> np.ndarray:
    rows = [np.asarray(attribute.Get(code), np.float32) for code in codes.tolist()]
    if len({row.shape for row in rows}) != 1:
        raise AnimationFileError("has samples of unlike sizes", remedy="export it again")
    return np.stack(rows)


def _head(curves: Any, codes: np.ndarray) -> np.ndarray | None:
    """Head poses [T, 6] of a file that facegen wrote, or None where the head is still."""
    joints = [str(joint) for joint in curves.GetJointsAttr().Get() or []]
    turns = curves.GetRotationsAttr()
    if HEAD_JOINT not in joints or not turns.ValueMightBeTimeVarying() and not turns.GetNumTimeSamples():
        return None
    at = joints.index(HEAD_JOINT)
    quats = [turns.Get(code)[at] for code in codes.tolist()]
    rows = np.array([[*q.GetImaginary(), q.GetReal()] for q in quats], np.float64)
    places = _sampled(curves.GetTranslationsAttr(), codes)[:, at]
    skeleton = next(p for p in curves.GetPrim().GetParent().GetChildren() if p.GetTypeName() == "Skeleton")
    rest = np.array(skeleton.GetAttribute("restTransforms").Get()[at])[3, :3]
    return np.column_stack([euler_angles(rows), places - rest]).astype(np.float32)
