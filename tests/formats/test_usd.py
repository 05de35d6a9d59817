"""USD heads: what a viewer would show is what the rig computes, and Pixar's validators find nothing."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, MissingExtraError, UsageError
from facegen.formats import load_animation, save
from facegen.rig import ARKIT, evaluate
from tests.helpers.animations import wave
from tests.helpers.tiny_rig import tiny_rig
from tests.helpers.usd_points import shown, stage_of

pytest.importorskip("pxr", reason='no usd-core: pip install "facegen[usd]"')
from pxr import Gf, Usd, UsdGeom, UsdSkel, UsdValidation  # noqa: E402

RIG = tiny_rig()
SUFFIXES = (".usda", ".usdc", ".usdz")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_viewer_shows_what_the_rig_computes(suffix, tmp_path):
    rng = np.random.default_rng(3)
    animation = Animation(30, ARKIT, rng.random((6, 52)), rng.normal(size=(6, 6)) * 0.3)
    stage = stage_of(tmp_path, animation, suffix)
    for frame, expected in enumerate(evaluate(RIG, animation)):
        parts = shown(stage, frame)
        assert list(parts) == ["face", "eyes", "teeth"]
        for part in RIG.parts:
            used = np.unique(RIG.mesh.faces[slice(*part.faces)])
            assert np.abs(parts[part.name] - expected[used]).max() < 3e-3


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("colors", [True, False])
def test_pixars_validators_find_nothing(suffix, colors, tmp_path):
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 20
    for name, animation in (("still", wave(1, head=False)), ("moving", wave(20, "30000/1001"))):
        path = tmp_path / (name + suffix)
        save(animation, path, rig=tiny_rig(colors))
        found = UsdValidation.ValidationContext(validators).Validate(Usd.Stage.Open(str(path)))
        assert [error.GetMessage() for error in found] == []


def test_a_package_has_the_textures(tmp_path):
    from tests.helpers.textured_head import textured

    rig = textured(tint=[1.0, 0.5, 0.25], cutoff=0.5)
    save(wave(3), tmp_path / "a.usdz", rig=rig)
    with zipfile.ZipFile(tmp_path / "a.usdz") as package:
        assert package.read("skin.png") == rig.textures["skin.png"]
    stage = Usd.Stage.Open(str(tmp_path / "a.usdz"))
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    found = UsdValidation.ValidationContext(validators).Validate(stage)
    assert [error.GetMessage() for error in found] == []
    texture = stage.GetPrimAtPath("/Face/Materials/skin/Texture")
    assert texture.GetAttribute("inputs:file").Get().resolvedPath.endswith("a.usdz[skin.png]")
    assert np.allclose(texture.GetAttribute("inputs:scale").Get(), (1.0, 0.5, 0.25, 1.0))
    save(wave(3), tmp_path / "a.usda", rig=rig)
    assert not Usd.Stage.Open(str(tmp_path / "a.usda")).GetPrimAtPath("/Face/Materials/skin/Texture")


def test_the_validators_do_find_faults(tmp_path):
    stage = stage_of(tmp_path, wave(2))
    stage.ClearMetadata("metersPerUnit")
    UsdSkel.BindingAPI(stage.GetPrimAtPath("/Face/face")).GetBlendShapeTargetsRel().SetTargets([])
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert UsdValidation.ValidationContext(validators).Validate(stage)


@pytest.mark.parametrize("fps", ["30", "24000/1001", "29.97", "60", "47"])
def test_the_stage_names_its_units_and_times(fps, tmp_path):
    stage = stage_of(tmp_path, wave(10, fps))
    assert UsdGeom.GetStageMetersPerUnit(stage) == 0.01 and UsdGeom.GetStageUpAxis(stage) == "Y"
    assert stage.GetTimeCodesPerSecond() == pytest.approx(float(wave(1, fps).fps), rel=1e-12)
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, 9)
    assert load_animation(tmp_path / "a.usda").fps == wave(1, fps).fps


def test_sound_stands_in_the_layer_without_folders(tmp_path):
    stage_of(tmp_path, wave(2), audio="C:\\sounds\\größe.wav")
    assert load_animation(tmp_path / "a.usda").meta["audio"] == {"name": "größe.wav"}
    assert "sounds" not in (tmp_path / "a.usda").read_text(encoding="utf-8")


def test_meshes_name_only_the_shapes_that_move_them(tmp_path):
    stage = stage_of(tmp_path, wave(2))
    names = {
        p.GetName(): UsdSkel.BindingAPI(p).GetBlendShapesAttr().Get()
        for p in stage.Traverse()
        if p.IsA(UsdGeom.Mesh)
    }
    assert len(names["face"]) == 52 and names["teeth"] is None
    assert list(names["eyes"]) == [n for n in ARKIT if n.startswith("eyeLook")]


def test_odd_names_and_a_rig_of_one_mesh(tmp_path):
    odd = tuple(["größe 1", "1", "a/b", "a_b"] + [f"x{i}" for i in range(48)])
    rig = replace(
        RIG,
        controls=tuple(replace(c, name=n) for c, n in zip(RIG.controls, odd, strict=True)),
        parts=(),
        pivots={},
        name="my rig",
    )
    animation = Animation(30, odd, np.random.default_rng(0).random((4, 52)))
    stage_of(tmp_path, animation, rig=rig)
    again = load_animation(tmp_path / "a.usda")
    assert again.controls == odd and np.array_equal(again.values, animation.values) and again.head is None


def test_controls_of_another_rig_are_refused(tmp_path):
    with pytest.raises(UsageError, match="shares no control with the rig tiny"):
        save(Animation(30, ("mouth_open",), [[0.5]]), tmp_path / "a.usda", rig=RIG)


def foreign(tmp_path, samples, rate=24):
    """A stage of another program with one animation of two shapes."""
    stage = Usd.Stage.CreateNew(str(tmp_path / "b.usda"))
    stage.SetTimeCodesPerSecond(rate)
    curves = UsdSkel.Animation.Define(stage, "/A")
    curves.CreateBlendShapesAttr(["smile", "あ"])
    for code, value in samples.items():
        curves.CreateBlendShapeWeightsAttr().Set(value, code)
    curves.CreateRotationsAttr([Gf.Quatf(1)])
    stage.Save()
    return tmp_path / "b.usda"


def test_sparse_samples_of_another_program_are_interpolated(tmp_path):
    animation = load_animation(foreign(tmp_path, {101: [0, 1], 105: [1, 0], 106: [0, 0]}))
    assert animation.fps == 24 and animation.controls == ("smile", "あ") and animation.head is None
    assert animation.values[:, 0].tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1, 0])


def test_broken_files_are_refused_in_one_line(tmp_path):
    cases = {"no.usda": "#usda 1.0\n", "text.usda": "hello", "cut.usdc": "PXR-USDC", "zip.usdz": "PK\3\4"}
    for name, text in cases.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(AnimationFileError) as caught:
            load_animation(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
    for samples in ({1: [0.5]}, {0: [0, 1], 1: [0]}, {0: [0, 1], 1e12: [0, 0]}):
        with pytest.raises(AnimationFileError):
            load_animation(foreign(tmp_path, samples))
        (tmp_path / "b.usda").unlink()


def test_without_usd_core_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pxr", None)
    for call in (
        lambda: save(wave(2), tmp_path / "a.usda", rig=RIG),
        lambda: load_animation(tmp_path / "a.usda"),
    ):
        with pytest.raises(MissingExtraError, match=r"facegen\[usd\]"):
            call()
    assert not list(tmp_path.iterdir())
