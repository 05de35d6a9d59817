"""BEAT and BEAT2: thirty speakers in conversation and monologue, with ARKit curves, and expressions of FLAME."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import AlignmentError, FacegenError, InputError
from facegen.core.files import read_text
from facegen.rig import ARKIT
from facegen.speech.textgrid import textgrid_tiers
from tools.training.corpora.arrays import broken, read_npz
from tools.training.corpora.sample import Sample, Span
from tools.training.corpora.tree import corpus_folder, if_there, named_files

NAME, NAME2 = "beat", "beat2"
SOURCE = "https://huggingface.co/datasets/H-Liu1997/BEAT (for non-commercial research only)"
SOURCE2 = "https://huggingface.co/datasets/H-Liu1997/BEAT2 (for non-commercial research only)"

RECORDING = r"((\d+)_([a-z]+)_(\d)_(\d+)_\d+)"
LANGUAGES = {"english": "en", "chinese": "zh", "japanese": "ja", "spanish": "es"}
EMOTIONS = (
    (64, "neutral"), (72, "happiness"), (80, "anger"), (86, "sadness"),
    (94, "contempt"), (102, "surprise"), (110, "fear"), (118, "disgust"),
)  # fmt: skip
"""Highest number of a monologue ▸ its emotion."""
MONOLOGUE = "0"
FPS, FPS2 = Fraction(60), Fraction(30)
EXPRESSIONS, BODY, JAW = 100, 165, 66
FLAME = (*(f"expression{i:02d}" for i in range(EXPRESSIONS)), "jawX", "jawY", "jawZ")
"""Controls of BEAT2: coefficients of FLAME's expressions, and the jaw's rotation vector in radians."""
_LIMIT_BYTES = 512 << 20


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """BEAT: ARKit controls at 60 fps. Raises InputError where the corpus is absent or a name can't be read."""
    folder = corpus_folder(data, NAME, SOURCE)
    for path, match in named_files(
        folder, "beat_*/**/*.wav", rf"beat_([a-z]+)_v[\d.]+/.*{RECORDING}\.wav", SOURCE
    ):
        curves = if_there(path.with_suffix(".json"))
        yield _sample(
            NAME, path, match, path.with_suffix(".TextGrid"), partial(arkit, curves) if curves else None
        )


def samples2(data: str | PathLike | None = None) -> Iterator[Sample]:
    """BEAT2: FLAME's expressions and jaw at 30 fps. Raises InputError where it is absent or a name can't be read."""
    folder = corpus_folder(data, NAME2, SOURCE2)
    grammar = rf"beat_([a-z]+)_v[\d.]+/wave16k/{RECORDING}\.wav"
    for path, match in named_files(folder, "beat_*/wave16k/*.wav", grammar, SOURCE2):
        root = path.parent.parent
        curves = if_there(root / "smplxflame_30" / f"{path.stem}.npz")
        yield _sample(
            NAME2,
            path,
            match,
            root / "textgrid" / f"{path.stem}.TextGrid",
            partial(flame, curves) if curves else None,
        )


def _sample(corpus: str, audio: Path, match, grid: Path, read: partial | None) -> Sample:
    language, utt, number, name, kind, first = match.groups()
    words, phones = _spans(grid) if grid.is_file() else (None, None)
    mood = next((mood for last, mood in EMOTIONS if int(first) <= last), None) if kind == MONOLOGUE else None
    return Sample(
        corpus=corpus,
        utt=utt,
        audio=audio,
        speaker=f"{number}_{name}",
        seconds=None,
        language=LANGUAGES.get(language, language),
        text=" ".join(w for _, _, w in words) if words else None,
        emotion=mood,
        words=words,
        phones=phones,
        controls=read,
    )


def _spans(path: Path) -> tuple[tuple[Span, ...] | None, tuple[Span, ...] | None]:
    """Words and phones (without stress) of the tiers of these names; pauses are left out."""
    try:
        tiers = dict(textgrid_tiers(read_text(path, error=AlignmentError)))
    except FacegenError as error:
        raise error.at(path) from error
    words = tuple(row for row in tiers.get("words", ()) if row[2].strip())
    phones = tuple((a, b, label.rstrip("012")) for a, b, label in tiers.get("phones", ()) if label.strip())
    return words or None, phones or None


def arkit(path: Path) -> Animation:
    """The controls of a BEAT .json at 60 fps: ``names``, and ``frames`` with their ``weights`` and ``time``."""
    try:
        said = json.loads(read_text(path, limit=_LIMIT_BYTES))
        values = np.array([frame["weights"] for frame in said["frames"]], np.float32)
        taken = Animation(FPS, tuple(said["names"]), values, meta={"source": NAME})
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise broken(path, f"holds no curves: {error}", SOURCE) from error
    return taken.select(ARKIT)


def flame(path: Path) -> Animation:
    """The expression coefficients and the jaw of a BEAT2 .npz at 30 fps (``expressions`` [T, 100], ``poses`` [T, 165])."""
    arrays = read_npz(path, {"expressions": (None, EXPRESSIONS), "poses": (None, BODY)}, SOURCE2)
    if len(arrays["expressions"]) != len(arrays["poses"]):
        raise broken(path, "has poses and expressions of different lengths", SOURCE2)
    values = np.concatenate([arrays["expressions"], arrays["poses"][:, JAW : JAW + 3]], axis=1)
    return Animation(FPS2, FLAME, values.astype(np.float32), meta={"source": NAME2})
