"""A transformers text classifier from a folder that reads the words of --emotion."""

from __future__ import annotations

import json

import pytest

import facegen
from facegen.cli.app import run
from facegen.core.errors import ModelError, UsageError
from facegen.emotion.transformers_text import classify_prompt

torch = pytest.importorskip("torch", reason='no torch: pip install "facegen[torch]"')
transformers = pytest.importorskip("transformers", reason='no transformers: pip install "facegen[portrait]"')

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sunny", "gloomy"]


def make(place, labels=("neutral", "joy", "sadness"), multi=False, broken=False):
    """A tiny BERT whose answer hangs on the bias alone: joy first."""
    place.mkdir()
    (place / "vocab.txt").write_text("\n".join(WORDS))
    transformers.BertTokenizer(str(place / "vocab.txt")).save_pretrained(place)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32, id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)},
        problem_type="multi_label_classification" if multi else "single_label_classification",
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias[:] = torch.tensor([-2.0, float("nan") if broken else 2.0, 1.0][: len(labels)])
    model.save_pretrained(place)
    return place


def test_labels_count_with_their_probability(tmp_path):
    emotion = classify_prompt("sunny", make(tmp_path / "a"))
    assert emotion.parts["happy"] == pytest.approx(0.72, abs=0.02)
    assert emotion.parts["sad"] == pytest.approx(0.26, abs=0.02)


def test_several_labels_may_hold_at_once(tmp_path):
    parts = classify_prompt("sunny and gloomy " * 100, make(tmp_path / "a", multi=True)).parts
    assert parts["happy"] / parts["sad"] == pytest.approx(0.88 / 0.73, abs=0.02)


def test_the_option_takes_the_place_of_the_lexicon(tmp_path, sample):
    folder = str(make(tmp_path / "a"))
    take = facegen.solve(sample, emotion="qwertz gloomy", prompt_model=folder, decoder="rules")
    assert take.emotion.base.parts["happy"] > 0.5 and not take.emotion.follows


@pytest.mark.parametrize(
    "kind, says", [("labels", "name no emotion"), ("broken", "not finite"), ("none", "no folder")]
)
def test_a_model_that_is_none_is_refused(kind, says, tmp_path, sample, capsys):
    folder = tmp_path / "a"
    if kind == "labels":
        make(folder, ("LABEL_0", "LABEL_1", "LABEL_2"))
    elif kind == "broken":
        make(folder, broken=True)
    with pytest.raises(ModelError, match=says):
        classify_prompt("sunny", folder)
    out = tmp_path / "a.csv"
    command = ["animate", str(sample), "--emotion", "sunny", "--prompt-model", str(folder), "-o", str(out)]
    assert run(command) == 3 and not out.exists() and says in capsys.readouterr().err


def test_a_damaged_folder_and_empty_words(tmp_path):
    folder = make(tmp_path / "a")
    with pytest.raises(UsageError, match="is empty"):
        classify_prompt("  ", folder)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "config.json").write_text(json.dumps({"model_type": "nothing"}))
    with pytest.raises(ModelError, match="is no text classifier"):
        classify_prompt("sunny", tmp_path / "b")
