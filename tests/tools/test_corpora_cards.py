"""The card and the split of each corpus: licences that ship, and speakers in one part only."""

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

import facegen
from facegen.core.errors import InputError
from tools.training.corpora import CORPORA, Sample, Splits, samples, splits
from tools.training.corpora.split import OTHERS, PARTS

ROOT = Path(__file__).resolve().parents[2]
DATASETS = ROOT / "datasets"
COMMERCIAL = {"crema-d", "emodb", "emogator", "facegood", "grid", "speechocean762", "thorsten-emotional"}
"""The corpora on which shipped weights may be trained."""
LINES = ("What", "Licence", "Commercial use", "Credit", "Get it", "Layout", "Split", "Read by")


def front(name: str) -> dict[str, str]:
    head = re.match(r"---\n(.*?)\n---\n", (DATASETS / name / "card.md").read_text(), re.DOTALL)
    assert head, f"the card of {name} has no front matter"
    return dict(line.split(": ", 1) for line in head[1].splitlines())


@pytest.mark.parametrize("name", CORPORA)
def test_a_card_says_it_all(name):
    card, said = (DATASETS / name / "card.md").read_text(), front(name)
    assert said["corpus"] == name and said["licence"]
    assert said["commercial"] == ("yes" if name in COMMERCIAL else "no")
    assert f"- **Commercial use**: {said['commercial']}\n" in card
    assert all(f"- **{line}**: " in card for line in LINES)
    assert CORPORA[name].split(":")[0] in card


def title(name: str) -> str:
    return re.search(r"^# (.*)$", (DATASETS / name / "card.md").read_text(), re.MULTILINE)[1]


def names_forbidden(text: str) -> list[str]:
    closed = [n for n in CORPORA if front(n)["commercial"] == "no"]
    return [
        n for n in closed if re.search(rf"\b(?:{re.escape(title(n))}|{re.escape(n)})", text, re.IGNORECASE)
    ]


def test_shipped_weights_name_no_corpus_that_forbids_commercial_use():
    package = Path(facegen.__file__).parent
    rows = json.loads((package / "data" / "licenses.json").read_text())
    told = [json.dumps(row["data"]) for row in rows if row["kind"] == "weights"]
    told += [card.read_text() for card in (package / "models").glob("*.md")]
    assert len(told) >= 2
    assert not [name for text in told for name in names_forbidden(text)]


def test_a_forbidden_corpus_would_be_found():
    assert names_forbidden("Trained on GRID and on MEAD (Wang et al.)") == ["mead"]
    assert names_forbidden("RAVDESS, VOCASET") == ["ravdess", "vocaset"]


@pytest.mark.parametrize("name", CORPORA)
def test_no_name_is_in_two_parts(name):
    split = splits(name)
    listed = [n for names in split.names.values() for n in names]
    assert len(listed) == len(set(listed)) and set(split.names) <= set(PARTS)
    assert split.names["test"] and OTHERS not in split.names["test"]


@pytest.mark.parametrize("name", CORPORA)
def test_each_sample_is_in_one_part_and_no_speaker_in_two(name, data_folder):
    if not (data_folder / ("grid-multi" if name == "grid" else name)).is_dir():
        pytest.skip(f"the data folder holds no {name}")
    split, parts, found = splits(name), defaultdict(set), []
    for sample in samples(name, data_folder):
        part = split.part(sample)
        found.append(part)
        if part in PARTS:
            parts[sample.utt if split.by == "take" else sample.speaker].add(part)
    assert all(len(where) == 1 for where in parts.values())
    assert set(found) >= set(split.names)
    named = {n for names in split.names.values() for n in names} - {OTHERS}
    assert named <= set(parts)


def test_facegood_keeps_over_a_minute_and_a_half_for_the_test(data_folder):
    if not (data_folder / "facegood").is_dir():
        pytest.skip("the data folder holds no facegood")
    split = splits("facegood")
    assert sum(s.seconds for s in samples("facegood", data_folder) if split.part(s) == "test") > 90


def sample(speaker: str, utt: str = "u") -> Sample:
    return Sample("x", utt, None, speaker, None, "en")


def test_parts_by_name_by_take_and_of_all_others():
    split = Splits(
        "x", "speaker", {"test": frozenset("a"), "train": frozenset({OTHERS})}, frozenset({"kept"})
    )
    assert [split.part(sample(s)) for s in "ab"] == ["test", "train"]
    assert split.part(sample("b", "kept")) == "seen"
    assert Splits("x", "take", {"dev": frozenset("u")}).part(sample("a")) == "dev"


def test_a_speaker_whom_no_part_names_is_an_error():
    with pytest.raises(InputError, match="speaker b 0 times"):
        Splits("x", "speaker", {"test": frozenset("a")}).part(sample("b"))


def test_without_a_checkout_there_are_no_splits(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.training.corpora.split.FOLDER", tmp_path)
    with pytest.raises(InputError, match="checkout"):
        splits("grid")
    (tmp_path / "grid").mkdir()
    (tmp_path / "grid" / "splits.json").write_text("{")
    with pytest.raises(InputError, match="is no split"):
        splits("grid")
