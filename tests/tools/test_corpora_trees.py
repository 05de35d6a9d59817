"""Readers of corpora that users bring: small made-up copies in the published layouts, whole and broken."""

import numpy as np
import pytest

from facegen.core.errors import InputError
from facegen.rig import ARKIT
from facegen.speech.audio import read_audio
from tests.corpus.corpora_trees import POINTS, STAGE, TALK, TREES, npy, put, sound, vl
from tools.training.corpora import CORPORA, samples
from tools.training.corpora.meshes import read_ply

BROKEN_NAMES = {
    "beat": "beat_english_v0.2.1/1/wayne.wav",
    "beat2": "beat_english_v2.0.0/wave16k/scott.wav",
    "biwi": "faces/F1/sentence/frame_001.vl",
    "crema-d": "AudioWAV/1001_IEO_JOY_HI.wav",
    "hdtf": "clips/Radio.mp4",
    "mead": "W015/video/front/joyful/level_1/001.mp4",
    "multiface": f"{STAGE}/audio/E001_Neutral.wav",
    "ravdess": "Actor_02/03-01-09-02-01-01-02.wav",
    "vocaset": f"audio/{TALK}/phrase1.wav",
}
BROKEN_FILES = {
    "beat": "beat_english_v0.2.1/1/1_wayne_0_73_73.json",
    "beat2": "beat_english_v2.0.0/smplxflame_30/2_scott_0_1_1.npz",
    "biwi": "faces/F1/e01/frame_002.vl",
    "multiface": f"{STAGE}/tracked_mesh/SEN_a_good_morrow_to_you_my_boy/000105.bin",
    "vocaset": f"unposedcleaneddata/{TALK}/sentence01/sentence01.000002.ply",
}


def build(name, data) -> dict:
    (data / name).mkdir()
    TREES[name](data / name)
    return {s.utt: s for s in samples(name, data)}


def test_every_corpus_that_is_not_shared_has_a_made_up_copy():
    shared = {
        "emodb",
        "emogator",
        "facegood",
        "grid",
        "livelink-captures",
        "speechocean762",
        "thorsten-emotional",
    }
    assert set(TREES) | shared == set(CORPORA)


def test_ravdess_names(tmp_path):
    found = build("ravdess", tmp_path)
    assert set(found) == {"03-01-05-02-01-01-02", "03-01-01-01-02-01-01", "01-01-08-01-01-01-02"}
    angry = found["03-01-05-02-01-01-02"]
    assert (angry.emotion, angry.intensity, angry.sex, angry.speaker, angry.video) == (
        "angry",
        1.0,
        "f",
        "02",
        None,
    )
    neutral = found["03-01-01-01-02-01-01"]
    assert (neutral.emotion, neutral.intensity, neutral.sex) == ("neutral", None, "m")
    assert neutral.text == "Dogs are sitting by the door"
    film = found["01-01-08-01-01-01-02"]
    assert film.video == film.audio and (film.emotion, film.intensity) == ("surprised", 0.5)


def test_cremad_names_and_actors(tmp_path):
    found = build("crema-d", tmp_path)
    angry, neutral = found["1001_IEO_ANG_HI"], found["1002_DFA_NEU_XX"]
    assert (angry.emotion, angry.intensity, angry.sex, angry.age) == ("anger", 1.0, "m", 51)
    assert angry.text == "It's eleven o'clock" and angry.video.name == "1001_IEO_ANG_HI.flv"
    assert (neutral.intensity, neutral.sex, neutral.video) == (None, "f", None)


def test_cremad_says_that_lfs_left_pointers(tmp_path):
    build("crema-d", tmp_path)
    at = put(
        tmp_path / "crema-d/AudioWAV/1001_IEO_ANG_HI.wav",
        "version https://git-lfs.github.com/spec/v1\noid x\n",
    )
    with pytest.raises(InputError, match="LFS") as caught:
        list(samples("crema-d", tmp_path))
    assert str(at) in str(caught.value) and "git lfs pull" in str(caught.value)


def test_cremad_names_the_line_of_a_malformed_actor(tmp_path):
    build("crema-d", tmp_path)
    put(tmp_path / "crema-d/VideoDemographics.csv", "ActorID,Age,Sex\n1001,51,Male\n1002,old,Female\n")
    with pytest.raises(InputError, match="line 3"):
        list(samples("crema-d", tmp_path))


def test_mead_sides_and_levels(tmp_path):
    found = build("mead", tmp_path)
    happy = found["W015_left_30_happy_2_007"]
    assert (happy.view, happy.emotion, happy.sex, happy.speaker) == ("left_30", "happy", "f", "W015")
    assert happy.intensity == pytest.approx(2 / 3)
    assert happy.audio.suffix == ".wav" and happy.video.suffix == ".mp4"
    assert found["W015_front_neutral_1_001"].audio is None


def test_mead_without_films_gives_the_sound(tmp_path):
    sound(tmp_path / "mead" / "M003" / "audio" / "fear" / "level_3" / "001.wav")
    (only,) = samples("mead", tmp_path)
    assert (only.utt, only.video, only.view, only.intensity) == ("M003_fear_3_001", None, None, 1.0)


def test_hdtf_speakers_are_people_and_single_films_of_the_radio(tmp_path):
    speakers = {s.utt: s.speaker for s in build("hdtf", tmp_path).values()}
    assert speakers["RD_Radio11_000"] == "Radio11" and speakers["Radio12_0"] == "Radio12"
    assert speakers["AmyKlobuchar0_0"] == speakers["WDA_AmyKlobuchar1_001"] == "AmyKlobuchar"
    assert speakers["LucilleRoybal-Allard_0"] == "LucilleRoybal-Allard"


@pytest.mark.parametrize(
    ("name", "utt", "fps"),
    [
        ("vocaset", f"{TALK}_sentence01", 60),
        ("biwi", "F1_e01", 25),
        ("multiface", "6795937_SEN_a_good_morrow_to_you_my_boy", 30),
    ],
)
def test_vertices_frame_by_frame(name, utt, fps, tmp_path):
    sample = build(name, tmp_path)[utt]
    assert sample.vertices_fps == fps
    np.testing.assert_array_equal(sample.vertices(), [POINTS + 1, POINTS + 2, POINTS + 3])


@pytest.mark.parametrize("kind", ["ascii", "binary_big_endian"])
def test_other_kinds_of_ply(kind, tmp_path):
    head = f"ply\nformat {kind} 1.0\ncomment x\nelement vertex 4\nproperty double y\nproperty double x\nproperty double z\n"
    flipped = POINTS[:, [1, 0, 2]].astype(">f8")
    rows = (
        flipped.tobytes() if kind != "ascii" else "\n".join(" ".join(map(str, r)) for r in flipped).encode()
    )
    found = read_ply(put(tmp_path / "a.ply", head.encode() + b"end_header\n" + rows), "nowhere")
    np.testing.assert_allclose(found, POINTS, atol=1e-6)
    with pytest.raises(InputError):
        read_ply(put(tmp_path / "a.ply", head.encode() + b"end_header\n" + rows[: len(rows) // 2]), "nowhere")


def test_frames_of_different_meshes_are_named(tmp_path):
    sample = build("biwi", tmp_path)["F1_e01"]
    at = put(tmp_path / "biwi/faces/F1/e01/frame_003.vl", vl(POINTS[:3]))
    with pytest.raises(InputError, match="3 vertices, the frame before 4") as caught:
        sample.vertices()
    assert caught.value.path == str(at)


def test_vocaset_sound_without_scans_has_no_vertices(tmp_path):
    assert build("vocaset", tmp_path)[f"{TALK}_sentence02"].vertices is None


@pytest.mark.parametrize(
    ("name", "stem", "fps"), [("vocaset", f"{TALK}_sentence01", 30), ("biwi", "F1_e01", 25)]
)
def test_vertices_of_converted_copies(name, stem, fps, tmp_path):
    sound(tmp_path / name / "wav" / f"{stem}.wav")
    npy(tmp_path / name / "vertices_npy" / f"{stem}.npy", np.stack([POINTS.ravel(), POINTS.ravel() + 1]))
    (sample,) = samples(name, tmp_path)
    np.testing.assert_array_equal(sample.vertices(), [POINTS, POINTS + 1])
    assert (sample.utt, sample.vertices_fps) == (stem, fps)
    npy(tmp_path / name / "vertices_npy" / f"{stem}.npy", np.zeros((2, 13)))
    with pytest.raises(InputError, match="13 numbers"):
        sample.vertices()


def test_pickles_are_never_opened(tmp_path):
    put(tmp_path / "vocaset" / "raw_audio_fixed.pkl")
    with pytest.raises(InputError, match="pickles"):
        list(samples("vocaset", tmp_path))
    sound(tmp_path / "biwi" / "wav" / "F1_01.wav")
    npy(tmp_path / "biwi" / "vertices_npy" / "F1_01.npy", np.array([{"a": 1}], dtype=object))
    (sample,) = samples("biwi", tmp_path)
    with pytest.raises(InputError, match="no array file"):
        sample.vertices()


def test_biwi_finds_sound_and_emotion(tmp_path):
    found = build("biwi", tmp_path)
    assert found["F1_e01"].audio.name == "F1_e01.wav" and found["M2_07"].audio.name == "07_cut.wav"
    assert (found["F1_e01"].emotion, found["M2_07"].emotion, found["M2_07"].sex) == (None, "neutral", "m")


def test_biwi_says_that_it_is_still_packed(tmp_path):
    put(tmp_path / "biwi" / "faces" / "F1" / "e01.tar")
    with pytest.raises(InputError, match="unpack"):
        list(samples("biwi", tmp_path))


def test_multiface_text(tmp_path):
    (sample,) = build("multiface", tmp_path).values()
    assert (sample.text, sample.speaker) == ("a good morrow to you my boy", "6795937")


def test_beat_curves_words_and_emotion(tmp_path):
    found = build("beat", tmp_path)
    sample = found["1_wayne_0_73_73"]
    taken = sample.controls()
    assert (taken.controls, taken.fps) == (ARKIT, 60)
    np.testing.assert_allclose(taken.channel("jawOpen"), [0, 0.1, 0.2], atol=1e-6)
    assert (sample.emotion, sample.speaker, sample.text) == ("anger", "1_wayne", "hello")
    assert sample.phones == ((0.0, 0.1, "HH"), (0.1, 0.4, "OW"))
    talk = found["1_wayne_1_3_3"]
    assert (talk.emotion, talk.controls, talk.words) == (None, None, None)


def test_beat2_expressions_and_jaw(tmp_path):
    (sample,) = build("beat2", tmp_path).values()
    taken = sample.controls()
    assert taken.fps == 30 and len(taken.controls) == 103 and sample.emotion == "neutral"
    np.testing.assert_allclose(taken.channel("jawX"), [0, 0.1, 0.2], atol=1e-6)
    assert sample.words == ((0.0, 0.4, "hello"),)


def test_beat_names_the_textgrid_that_is_broken(tmp_path):
    build("beat", tmp_path)
    at = put(tmp_path / "beat/beat_english_v0.2.1/1/1_wayne_0_73_73.TextGrid", "no grid")
    with pytest.raises(InputError) as caught:
        list(samples("beat", tmp_path))
    assert str(at) in str(caught.value)


@pytest.mark.parametrize("name", TREES)
def test_sound_that_is_named_can_be_read(name, tmp_path):
    wavs = [s.audio for s in build(name, tmp_path).values() if s.audio and s.audio.suffix == ".wav"]
    assert wavs or name == "hdtf"
    assert all(read_audio(wav).seconds == pytest.approx(1.0) for wav in wavs)


@pytest.mark.parametrize("name", TREES)
def test_an_absent_corpus_says_where_it_comes_from_and_its_licence(name, tmp_path):
    with pytest.raises(InputError) as caught:
        list(samples(name, tmp_path))
    assert "https://" in str(caught.value) and str(tmp_path / name) in str(caught.value)
    assert any(word in str(caught.value) for word in ("CC BY", "ODbL", "research"))


@pytest.mark.parametrize("name", TREES)
def test_an_empty_corpus_is_an_input_error(name, tmp_path):
    (tmp_path / name).mkdir()
    with pytest.raises(InputError) as caught:
        list(samples(name, tmp_path))
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("name", BROKEN_NAMES)
def test_a_broken_name_is_named(name, tmp_path):
    build(name, tmp_path)
    at = put(tmp_path / name / BROKEN_NAMES[name])
    with pytest.raises(InputError) as caught:
        list(samples(name, tmp_path))
    bad = at.parent if name == "biwi" else at
    assert caught.value.path == str(bad) and "grammar" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 7, b"ply\nformat ascii 1.0\nelement vertex 9\nend_header\n", b"{}"]
)
@pytest.mark.parametrize("name", BROKEN_FILES)
def test_a_broken_file_is_named(name, content, tmp_path):
    found = build(name, tmp_path)
    at = put(tmp_path / name / BROKEN_FILES[name], content)
    readers = [r for s in found.values() for r in (s.controls, s.vertices) if r]
    with pytest.raises(InputError) as caught:
        [reader() for reader in readers]
    assert caught.value.path == str(at)
