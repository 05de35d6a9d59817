"""Corpora: what the readers give, from small made-up copies and from the real folders where they are."""

import json
from pathlib import Path

import pytest

from facegen.corpora import data_folder, emodb, grid, speechocean
from facegen.corpora.symbols import arpabet, arpabet_spans, table
from facegen.errors import InputError
from facegen.phones import ARPABET, LABELS

ROOT = Path(__file__).resolve().parent.parent
MODULES = {"speechocean762": speechocean, "grid": grid, "emodb": emodb}


def real(name: str, folder: Path):
    probe = {"speechocean762": "speechocean762", "grid": "grid-multi", "emodb": "emodb"}[name]
    if not (folder / probe).is_dir():
        pytest.skip(f"the data folder holds no {probe}")
    return list(MODULES[name].samples(folder))


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
    reached = {phone for phones in table().values() for phone in phones}
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
    assert " ".join(p for p in arpabet(symbol) if p != "SIL") == phones


def test_a_symbol_of_two_phones_is_split_and_pauses_are_left_out():
    assert arpabet_spans([(0.0, 0.2, "ts"), (0.2, 0.3, "_")]) == [(0.0, 0.1, "T"), (0.1, 0.2, "S")]


@pytest.mark.parametrize("name", MODULES)
def test_real_samples_are_whole(name, data_folder):
    samples = real(name, data_folder)
    assert len({s.utt for s in samples}) == len(samples) > 500
    for sample in samples:
        assert sample.audio.is_file()
        for _, phones in sample.canonical or ():
            assert phones and set(phones) <= set(ARPABET)
        spans = sample.phones or ()
        assert all(a < b for a, b, _ in spans)
        assert all(before[1] <= after[0] + 1e-6 for before, after in zip(spans, spans[1:], strict=False))


@pytest.mark.parametrize("name", MODULES)
def test_splits_name_real_speakers_and_keep_them_apart(name, data_folder):
    splits = json.loads((ROOT / "datasets" / name / "splits.json").read_text())
    test, train = (set(splits[part]["speakers"]) for part in ("test", "train"))
    assert test and train and not test & train
    samples = real(name, data_folder)
    assert test | train == {s.speaker for s in samples}
    assert set(splits["test"].get("clips", ())) <= {s.audio.stem for s in samples}
