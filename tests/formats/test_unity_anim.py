"""Unity clips: what Unity's YAML says of the curves, and how a clip finds what it moves."""

from zlib import crc32

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.formats import save
from facegen.rig import ARKIT
from tests.helpers.animations import wave
from tests.helpers.unity_clips import clip


def read(curve, times):
    keys = curve["curve"]["m_Curve"]
    return np.interp(times, [k["time"] for k in keys], [k["value"] for k in keys])


@pytest.mark.parametrize("fps", ["30", "24000/1001", "60"])
def test_curves_are_those_of_the_animation_times_a_hundred(fps, tmp_path):
    animation = wave(200, fps)
    found = clip(animation, tmp_path)
    assert [c["attribute"] for c in found["m_FloatCurves"]] == [f"blendShape.{name}" for name in ARKIT]
    assert {(c["path"], c["classID"]) for c in found["m_FloatCurves"]} == {("Body", 137)}
    for name, curve in zip(ARKIT, found["m_FloatCurves"], strict=True):
        assert np.allclose(read(curve, animation.times), 100 * animation.channel(name), atol=1e-4)
        assert len(curve["curve"]["m_Curve"]) == 200
    assert found["m_SampleRate"] == pytest.approx(float(animation.fps))
    assert found["m_AnimationClipSettings"]["m_StopTime"] == pytest.approx(199 / float(animation.fps))
    assert found["m_Name"] == "talk" and found["m_Legacy"] == 0


def test_keys_within_a_still_stretch_are_left_out_and_slopes_are_those_of_the_lines(tmp_path):
    curve = np.array([0, 0, 0, 0.5, 0.5, 0.5, 0.5, 1, 0, 0])[:, None]
    found = clip(Animation(10, ("jawOpen",), curve), tmp_path)["m_FloatCurves"][0]["curve"]["m_Curve"]
    assert [k["time"] for k in found] == pytest.approx([0, 0.2, 0.3, 0.6, 0.7, 0.8, 0.9])
    assert [k["value"] for k in found] == [0, 0, 50, 50, 100, 0, 0]
    assert [k["outSlope"] for k in found] == pytest.approx([0, 500, 0, 500, -1000, 0, 0])
    assert [k["inSlope"] for k in found][1:] == pytest.approx([k["outSlope"] for k in found][:-1])
    assert {k["tangentMode"] for k in found} == {69}


def test_values_keep_to_0_to_100(tmp_path):
    found = clip(Animation(30, ("a", "b"), [[2.5, -1], [0, 0.25]]), tmp_path)["m_FloatCurves"]
    assert [[k["value"] for k in c["curve"]["m_Curve"]] for c in found] == [[100, 0], [0, 25]]


def test_bindings_are_the_checksums_of_path_and_bare_name(tmp_path):
    """536272755 and 2073732236 stand in a clip that Unity wrote for ``Body`` and ``jawOpen``."""
    found = clip(wave(2), tmp_path)["m_ClipBindingConstant"]["genericBindings"]
    row = found[ARKIT.index("jawOpen")]
    assert (row["attribute"], row["path"]) == (536272755, 2073732236)
    assert (row["typeID"], row["customType"], row["isPPtrCurve"]) == (137, 20, 0) and len(found) == 52


@pytest.mark.parametrize(
    "path", ["", "Armature/Head: 1", "größe", "yes", "12", "- x", 'a"b', "a\nb", "#1", " a "]
)
@pytest.mark.parametrize(
    ("pattern", "first"),
    [("{Name}", "JawOpen"), ("blendShape1.{name}", "blendShape1.jawOpen"), ("é'{name}: #", "é'jawOpen: #")],
)
def test_path_and_names_are_the_users(path, pattern, first, tmp_path):
    found = clip(Animation(30, ("jawOpen", "größe"), [[0, 1]]), tmp_path, object=path, names=pattern)
    curve = found["m_FloatCurves"][0]
    assert (curve["path"] or "") == path and curve["attribute"] == "blendShape." + first
    row = found["m_ClipBindingConstant"]["genericBindings"][0]
    assert (row["path"], row["attribute"]) == (crc32(path.encode()), crc32(first.encode()))


def test_a_pattern_without_the_name_is_refused(tmp_path):
    with pytest.raises(UsageError, match="two controls one name"):
        save(wave(2), tmp_path / "a.anim", names="mouth")
    assert not list(tmp_path.iterdir())


def test_one_frame_is_one_key(tmp_path):
    found = clip(wave(1), tmp_path)
    assert all(len(c["curve"]["m_Curve"]) == 1 for c in found["m_FloatCurves"])
    assert found["m_AnimationClipSettings"]["m_StopTime"] == 0
