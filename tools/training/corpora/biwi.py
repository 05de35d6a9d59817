"""BIWI B3D(AC)²: fourteen speakers, forty sentences flat and with emotion, faces of 23,370 vertices at 25 fps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path

from facegen.core.errors import InputError
from tools.training.corpora.meshes import read_flat, read_frames, read_vl
from tools.training.corpora.sample import Sample
from tools.training.corpora.tree import corpus_folder, if_there, named_files

NAME = "biwi"
SOURCE = "https://data.vision.ee.ethz.ch/cvl/datasets/b3dac2.en.html (for academic research only)"

SEQUENCE = r"([FM]\d)/(e?)(\d\d)(?:\.tar)?"
CONVERTED = r"([FM]\d)_(e?)(\d\d)\.wav"
FPS = 25.0


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The sentences by speaker: of ``faces``, else of ``wav`` and ``vertices_npy``.

    Raises InputError where the corpus is absent, still packed, or a name can't be read.
    """
    folder = corpus_folder(data, NAME, SOURCE)
    if (folder / "faces").is_dir():
        if not any(folder.glob("faces/*/*/*.vl")):
            raise InputError(
                "holds no .vl file", path=folder / "faces", remedy="unpack the archives of each speaker"
            )
        for path, match in named_files(folder / "faces", "*/*[!z]", SEQUENCE, SOURCE):
            if path.is_dir():
                read = partial(read_frames, path, "frame_*.vl", read_vl, SOURCE)
                yield _sample(_sound(folder, match), match, read)
    else:
        for path, match in named_files(folder / "wav", "*.wav", CONVERTED, SOURCE):
            rows = if_there(folder / "vertices_npy" / f"{path.stem}.npy")
            yield _sample(path, match, partial(read_flat, rows, SOURCE) if rows else None)


def _sound(folder: Path, match) -> Path | None:
    sentence = match[2] + match[3]
    apart = sorted((folder / "audio" / match[1]).glob(f"{sentence}*.wav"))
    return if_there(folder / "wav" / f"{match[1]}_{sentence}.wav") or (apart[0] if apart else None)


def _sample(audio: Path | None, match, read: partial | None) -> Sample:
    speaker, emotional, sentence = match[1], match[2], match[3]
    return Sample(
        corpus=NAME,
        utt=f"{speaker}_{emotional}{sentence}",
        audio=audio,
        speaker=speaker,
        sex=speaker[0].lower(),
        seconds=None,
        language="en",
        emotion=None if emotional else "neutral",
        vertices=read,
        vertices_fps=FPS if read else None,
    )
