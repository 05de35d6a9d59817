"""Corpora: what the readers give, from small made-up copies and from the real folders where they are."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facegen.core.errors import InputError, UsageError
from facegen.rig import ARKIT
from facegen.speech.phone_symbols import ipa_table, nearest_arpabet
from facegen.speech.phones import ARPABET, LABELS
from tools.training.corpora import CORPORA, data_folder, emodb, grid, samples, speechocean
from tools.training.corpora.symbols import arpabet_spans

SHARED = {
    "emodb": 535, "emogator": 5037, "facegood": 5, "grid": 962, "livelink-captures": 4, "speechocean762": 2500,
    "thorsten-emotional": 8,
}  # fmt: skip


def real(name: str, folder: Path):
    probe = "grid-multi" if name == "grid" else name
    if not (folder / probe).is_dir():
        pytest.skip(f"the data folder holds no {probe}")
    return list(samples(name, folder))


def lay(path: Path, *rows: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_speechocean_reads_canonical_phones(tmp_path):
    row = {"utt": "000010011", "speaker": "0001", "age": 6, "gender": "m", "seconds": 2.58, "text": "WE CALL",
           "phones": [["W_B", "IY0_E"], ["K_B", "AO1_I", "L_E"]]}  # fmt: skip
    lay(tmp_path / "speechocean762" / "train.jsonl", row)
    (sample,) = speechocean.samples(tmp_path)
    assert sample.canonical == (("WE", ("W", "IY")), ("CALL", ("K", "AO", "L")))
    assert sample.audio.name == "000010011.opus"


def test_grid_reads_both_parts(tmp_path):
    words = [[0.0, 0.7, "sil"], [0.7, 0.9, "bin"], [0.9, 1.1, "blue"], [1.1, 2.9, "sil"]]
    lay(tmp_path / "grid-s1" / "alignments.jsonl", {"clip": "bb", "words": words})
    lay(tmp_path / "grid-multi" / "grid-multi.jsonl",
        {"utt": "s2_x", "speaker": "s2", "sex": "m", "text": "lay red"})  # fmt: skip
    first, second = grid.samples(tmp_path)
    assert (first.text, first.speaker, first.words[1]) == ("bin blue", "s1", (0.7, 0.9, "bin"))
    assert second.words is None and second.canonical[1] == ("red", ("R", "EH", "D"))


def test_emodb_joins_modifiers_bursts_and_aspiration_to_their_phone():
    rows = [[0.08, "_t"], [0.12, "!t"], [0.2, "a"], [0.25, "-lar"], [0.3, "p"], [0.35, "!p"], [0.4, "pasp"],
            [0.5, "(gef"], [0.7, "s"], [0.8, "s"], [0.9, "."]]  # fmt: skip
    assert emodb.phone_spans(rows) == [
        (0.08, 0.2, "t"), (0.2, 0.3, "a"), (0.3, 0.5, "p"), (0.5, 0.7, "."), (0.7, 0.8, "s"), (0.8, 0.9, "s"),
    ]  # fmt: skip


def test_an_absent_corpus_says_where_it_comes_from(tmp_path, monkeypatch):
    with pytest.raises(InputError) as caught:
        list(speechocean.samples(tmp_path))
    assert speechocean.SOURCE in str(caught.value)
    monkeypatch.delenv("FACEGEN_DATA", raising=False)
    with pytest.raises(InputError) as caught:
        data_folder()
    assert "FACEGEN_DATA" in str(caught.value)


def test_a_malformed_corpus_names_the_line(tmp_path):
    path = tmp_path / "emodb" / "emodb.jsonl"
    path.parent.mkdir()
    path.write_text('{"utt": \n')
    with pytest.raises(InputError) as caught:
        list(emodb.samples(tmp_path))
    assert "line 1" in str(caught.value) and str(path) in str(caught.value)


def test_the_symbol_table_gives_only_known_phones_and_reaches_them_all():
    reached = {phone for phones in ipa_table().values() for phone in phones}
    assert reached <= set(LABELS)
    assert set(ARPABET) <= reached


@pytest.mark.parametrize(
    ("symbol", "phones"),
    [
        ("tʃ", "CH"),
        ("ts", "T S"),
        ("ˈaɪ", "AY"),
        ("yː", "UW"),
        ("ã", "AA"),
        ("bʰ", "B"),
        ("_t", "T"),
        ("ɔɪ", "OY"),
    ],
)
def test_symbols(symbol, phones):
    assert " ".join(p for p in nearest_arpabet(symbol) if p != "SIL") == phones


def test_a_symbol_of_two_phones_is_split_and_pauses_are_left_out():
    assert arpabet_spans([(0.0, 0.2, "ts"), (0.2, 0.3, "_")]) == [(0.0, 0.1, "T"), (0.1, 0.2, "S")]


def facegood(folder: Path, curves: dict) -> None:
    names = {
        "curves": ["mouth_oh_c", "mouth_oo_c"],
        "arkit": ["jawOpen", "mouthPucker"],
        "scale": 65535,
        "fps": 30,
    }
    lay(folder / "facegood" / "facegood.jsonl", {"utt": "a", "speaker": "p", "seconds": 0.1})
    (folder / "facegood" / "names.json").write_text(json.dumps(names))
    np.savez(folder / "facegood" / "a.npz", **curves)


def test_facegood_folds_the_shapes_that_arkit_lacks(tmp_path):
    full, half = 65535, 32767.5
    arkit = np.array([[half, 0], [0, full], [0, 0]], np.float32)
    facegood(tmp_path, {"arkit": arkit, "curves": np.array([[0, 0], [0, full], [full, half]], np.float32)})
    (sample,) = samples("facegood", tmp_path)
    taken = sample.controls()
    assert (taken.fps, taken.controls) == (30, ARKIT)
    np.testing.assert_allclose(taken.channel("jawOpen"), [0.5, 0, 0], atol=1e-6)
    np.testing.assert_allclose(taken.channel("mouthPucker"), [0, 1, 0.7], atol=1e-6)
    np.testing.assert_allclose(taken.channel("mouthFunnel"), [0, 0, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    ("curves", "said"),
    [
        ({"arkit": np.zeros((3, 2))}, "curves"),
        ({"arkit": np.zeros((3, 5)), "curves": np.zeros((3, 2))}, "shape"),
        ({"arkit": np.full((3, 2), np.nan), "curves": np.zeros((3, 2))}, "finite"),
        ({"arkit": np.zeros((3, 2)), "curves": np.array([[{}, {}]], dtype=object)}, "no array file"),
    ],
)
def test_broken_facegood_curves_are_named(curves, said, tmp_path):
    facegood(tmp_path, curves)
    (sample,) = samples("facegood", tmp_path)
    with pytest.raises(InputError, match=said) as caught:
        sample.controls()
    assert caught.value.path == str(tmp_path / "facegood" / "a.npz")


def test_facegood_names_that_are_broken(tmp_path):
    facegood(tmp_path, {})
    (tmp_path / "facegood" / "names.json").write_text("[]")
    (sample,) = samples("facegood", tmp_path)
    with pytest.raises(InputError, match="name the curves"):
        sample.controls()


def test_an_unknown_corpus_names_the_nearest():
    with pytest.raises(UsageError, match="emogatr") as caught:
        samples("emogatr")
    assert "emogator" in caught.value.remedy


@pytest.mark.parametrize("row", [{"utt": "x"}, {"utt": "x", "speaker": "1", "phones": 7}, ["no object"]])
@pytest.mark.parametrize("name", ["emodb", "emogator", "facegood", "speechocean762", "thorsten-emotional"])
def test_a_row_that_lacks_something_names_file_and_line(name, row, tmp_path):
    path = tmp_path / name / f"{'train' if name == 'speechocean762' else name}.jsonl"
    lay(path, row)
    with pytest.raises(InputError, match="line 1") as caught:
        list(samples(name, tmp_path))
    assert caught.value.path == str(path)


@pytest.mark.parametrize("name", SHARED)
def test_an_absent_shared_corpus_says_where_it_comes_from_and_its_licence(name, tmp_path):
    with pytest.raises(InputError) as caught:
        list(samples(name, tmp_path))
    assert "://" in str(caught.value)
    assert any(word in str(caught.value) for word in ("CC", "MIT", "Apache", "free"))


def test_reading_the_table_imports_no_reader():
    program = "import sys, tools.training.corpora as c; print(len(c.CORPORA), 'tools.training.corpora.mead' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(CORPORA)), "False"]


@pytest.mark.parametrize("name", SHARED)
def test_real_samples_are_whole(name, data_folder):
    found = real(name, data_folder)
    assert len({s.utt for s in found}) == len(found) == SHARED[name]
    for sample in found:
        assert sample.corpus == name and (sample.audio is None or sample.audio.is_file())
        assert sample.audio or sample.controls
        for _, phones in sample.canonical or ():
            assert phones and set(phones) <= set(ARPABET)
        spans = sample.phones or ()
        assert all(a < b for a, b, _ in spans)
        assert all(before[1] <= after[0] + 1e-6 for before, after in zip(spans, spans[1:], strict=False))


def test_real_facegood_curves_last_as_long_as_their_sound(data_folder):
    for sample in real("facegood", data_folder):
        taken = sample.controls()
        assert taken.seconds == pytest.approx(sample.seconds, abs=0.05)
        assert taken.channel("mouthPucker").max() > 0.3 and taken.channel("jawOpen").max() > 0.3
        assert 0 <= taken.values.min() and taken.values.max() <= 1


def test_real_captures_are_curves_of_a_face_that_blinks(data_folder):
    for sample in real("livelink-captures", data_folder):
        taken = sample.controls()
        assert float(taken.fps) == pytest.approx(60, abs=0.1) and 25 < taken.seconds < 60
        assert taken.channel("eyeBlinkLeft").max() > 0.5
