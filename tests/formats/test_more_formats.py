"""Switch data, visemes, head curves, iFacialMocap text, few keys and the preflight."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from facegen.cli.app import run
from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, MissingSystemError, UsageError
from facegen.formats import save
from facegen.formats.export_report import export_report
from facegen.formats.visemes import OCULUS, SAPI
from facegen.motion.take import Take
from facegen.rig import ARKIT, load_rig
from facegen.speech.phones import ARPABET, Phone, PhoneTrack
from tests.helpers.animations import wave
from tests.helpers.avatars import write_avatar
from tests.helpers.phone_takes import written
from tests.helpers.receivers import read_ifacialmocap
from tests.helpers.tiny_rig import tiny_rig
from tests.helpers.unity_clips import clip


def test_switch_data_counts_frames_from_one_at_24_a_second(tmp_path):
    assert written(".dat", tmp_path) == "MohoSwitch1\n1 rest\n3 etc\n7 E\n8 rest\n13 MBP\n17 rest\n24 rest\n"


def test_every_phone_has_one_viseme():
    for table in (OCULUS, SAPI):
        assert sorted(p for phones in table.values() for p in phones) == sorted(ARPABET)
    assert list(OCULUS) == list(load_rig("oculus").control_names) and list(SAPI) == list(range(1, 22))


def test_oculus_weights_add_up_to_one_and_peak_at_their_phone(tmp_path):
    data = json.loads(written(".oculus.json", tmp_path))
    weights = np.array(data["weights"])
    assert data["fps"] == 30 and data["visemes"][:2] == ["sil", "PP"] and weights.shape == (30, 15)
    assert np.abs(weights.sum(axis=1) - 1).max() < 1e-5 and weights.min() >= 0
    assert weights[17, 1] > 0.9 and weights[0, 0] == weights[-1, 0] == 1  # M at 0.5 to 0.62 s


def test_oculus_rates_that_are_not_whole_are_fractions(tmp_path):
    take = Take("30000/1001", 5, {"seconds": "0.16"}, PhoneTrack((Phone(0.05, 0.1, "AA"),)))
    assert json.loads(written(".oculus.json", tmp_path, take))["fps"] == "30000/1001"


def test_sapi_rows_are_changes_in_units_of_100_ns(tmp_path):
    rows = json.loads(written(".sapi.json", tmp_path))["visemes"]
    assert [(row["audio_offset"] / 1e7, row["viseme_id"]) for row in rows] == [
        (0.0, 0), (0.1, 12), (0.25, 1), (0.3004, 0), (0.5, 21), (0.7, 0), (0.98, 0),
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".dat", ".oculus.json", ".sapi.json"])
def test_curves_without_phones_are_refused(suffix, tmp_path):
    with pytest.raises(AnimationFileError, match="no phones"):
        save(wave(5), tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_head_curves(tmp_path):
    head = np.array([[0.1, -0.2, 0.3, 1, 2, -3]] * 3)
    save(Animation("24000/1001", ("jawOpen",), np.zeros((3, 1)), head), tmp_path / "a.head.csv")
    rows = list(csv.DictReader((tmp_path / "a.head.csv").open()))
    assert [float(row["time"]) for row in rows] == pytest.approx(np.arange(3) * 1001 / 24000, abs=1e-6)
    assert [float(rows[1][c]) for c in ("yaw", "pitch", "roll")] == pytest.approx(
        np.degrees([0.1, -0.2, 0.3])
    )
    assert [float(rows[2][c]) for c in "xyz"] == [1, 2, -3]
    save(replace(wave(3), head=None), tmp_path / "b.head.csv")
    assert (tmp_path / "b.head.csv").read_text().splitlines()[1] == ",".join(["0.000000"] * 7)


def test_ifacialmocap_text_is_what_its_receivers_read(tmp_path):
    animation = wave(7)
    save(animation, tmp_path / "a.ifm.txt")
    lines = (tmp_path / "a.ifm.txt").read_text().splitlines()
    assert len(lines) == 7
    for index, line in enumerate(lines):
        shapes, bones = read_ifacialmocap(line)
        assert shapes["jawOpen"] == round(100 * float(animation.channel("jawOpen")[index]))
        assert shapes["mouthSmile_L"] == round(100 * float(animation.channel("mouthSmileLeft")[index]))
        turns, shift = np.degrees(animation.head[index, [1, 0, 2]]), animation.head[index, 3:] / 100
        assert bones["head"] == pytest.approx([*turns, *shift], abs=1e-4)
    with pytest.raises(UsageError):
        save(Animation(30, ("tail",), np.zeros((2, 1))), tmp_path / "b.ifm.txt")


def spoken(frames=120):
    """A curve with a closure that is held, and one that sways."""
    at = np.arange(frames)
    jaw = np.clip(np.sin(at / 5), 0, 1) * 0.6
    return Animation(60, ("jawOpen", "browInnerUp"), np.stack([jaw, 0.3 + 0.2 * np.sin(at / 17)], axis=1))


@pytest.mark.parametrize("bound", [0.002, 0.02])
def test_few_keys_in_a_unity_clip_keep_their_bound(bound, tmp_path):
    animation = spoken()
    found = clip(animation, tmp_path, reduce=bound)
    assert found["m_AnimationClipSettings"]["m_StopTime"] == pytest.approx(119 / 60)
    for curve, column in zip(found["m_FloatCurves"], animation.values.T, strict=True):
        keys = curve["curve"]["m_Curve"]
        assert 2 <= len(keys) < 60 and {key["tangentMode"] for key in keys} == {1}
        shown = hermite(keys, np.arange(120) / 60)
        assert np.abs(shown / 100 - column).max() <= bound * 1.001


def hermite(keys, times):
    """How Unity draws keys without weights: a cubic between each two, by their slopes."""
    at = np.array([key["time"] for key in keys])
    piece = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(keys) - 2)
    left = {n: np.array([k[n] for k in keys[:-1]])[piece] for n in ("time", "value", "outSlope")}
    right = {n: np.array([k[n] for k in keys[1:]])[piece] for n in ("time", "value", "inSlope")}
    span = right["time"] - left["time"]
    u = (times - left["time"]) / span
    return (
        (2 * u**3 - 3 * u**2 + 1) * left["value"]
        + (u**3 - 2 * u**2 + u) * span * left["outSlope"]
        + (3 * u**2 - 2 * u**3) * right["value"]
        + (u**3 - u**2) * span * right["inSlope"]
    )


def test_formats_without_curves_between_keys_say_so(tmp_path, caplog):
    save(spoken(), tmp_path / "a.csv", reduce=0.01)
    assert ".csv keeps a key a frame" in caplog.text
    assert run(["convert", str(tmp_path / "a.csv"), "-o", str(tmp_path / "b.anim"), "--reduce", "2"]) == 2


def test_preflight_of_a_model_names_what_it_lacks_maps_clips_and_drops(tmp_path):
    model = write_avatar(tmp_path / "model.vrm", tiny_rig(), 1)
    controls = ("aa", "happy", "tongueOut", "jawOpen", "noseSneerLeft")
    values = np.zeros((10, 5), np.float32)
    values[:5, 0], values[:, 3] = 1.5, 0.4
    found = export_report(Animation(30, controls, values), model)
    assert found.model == "model.vrm" and found.mapped["aa"] == ("Fcl_MTH_A",)
    assert found.clipped == {"aa": (0.5, 0.5)}
    assert {"tongueOut", "noseSneerLeft"} <= set(found.lacking) and "tongueOut" not in found.dropped
    assert (
        found.dropped == {name: pytest.approx(0.4) for name in found.dropped} and "jawOpen" in found.dropped
    )
    assert any(line.startswith("dropped: jawOpen") for line in found.lines())
    json.dumps(found.plain())


def test_the_report_of_a_conversion(tmp_path, capsys):
    save(Animation(30, (*ARKIT, "tail"), np.full((4, 53), 0.5)), tmp_path / "a.json")
    words = ["convert", str(tmp_path / "a.json"), "-o", str(tmp_path / "a.glb"), "--report"]
    assert run([*words, "--json"]) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["report"]["lacking"] == ["tail"] and done["report"]["dropped"] == {"tail": 0.5}
    assert run(words) == 0
    assert "aria lacks 1 of the controls\ndropped: tail, which reaches 0.50\n" in capsys.readouterr().out


def test_without_blender_no_fbx_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEGEN_BLENDER", "/no/blender")
    with pytest.raises(MissingSystemError):
        save(wave(3), tmp_path / "a.fbx")
    assert list(tmp_path.iterdir()) == []
