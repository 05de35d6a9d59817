"""VOCASET: twelve speakers, forty sentences each, scanned heads of 5,023 vertices at 60 fps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path

from facegen.core.errors import InputError
from tools.training.corpora.meshes import read_flat, read_frames, read_ply
from tools.training.corpora.sample import Sample
from tools.training.corpora.tree import corpus_folder, if_there, named_files

NAME = "vocaset"
SOURCE = "https://voca.is.tue.mpg.de/ (for non-commercial research only)"

AUDIO = r"(FaceTalk_\d{6}_\d{5}_TA)/(sentence\d\d)\.wav"
CONVERTED = r"(FaceTalk_\d{6}_\d{5}_TA)_(sentence\d\d)\.wav"
FPS, CONVERTED_FPS = 60.0, 30.0


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The sentences by speaker: of ``audio`` and ``unposedcleaneddata``, else of ``wav`` and ``vertices_npy``.

    Raises InputError where the corpus is absent, a name can't be read, or only the training package is there, whose
    sound and index are pickles, which are not opened.
    """
    folder = corpus_folder(data, NAME, SOURCE)
    if (folder / "audio").is_dir():
        for path, match in named_files(folder / "audio", "**/*.wav", AUDIO, SOURCE):
            scans = folder / "unposedcleaneddata" / match[1] / match[2]
            read = partial(read_frames, scans, "*.ply", read_ply, SOURCE) if scans.is_dir() else None
            yield _sample(path, match[1], match[2], read, FPS)
    elif (folder / "wav").is_dir():
        for path, match in named_files(folder / "wav", "*.wav", CONVERTED, SOURCE):
            rows = if_there(folder / "vertices_npy" / f"{path.stem}.npy")
            yield _sample(
                path, match[1], match[2], partial(read_flat, rows, SOURCE) if rows else None, CONVERTED_FPS
            )
    else:
        pickled = any(folder.glob("*.pkl"))
        reason = "holds only pickles, which are not opened" if pickled else "holds no folder audio or wav"
        raise InputError(reason, path=folder, remedy=f"get audio and unposedcleaneddata: {SOURCE}")


def _sample(audio: Path, speaker: str, sentence: str, read: partial | None, fps: float) -> Sample:
    return Sample(
        corpus=NAME,
        utt=f"{speaker}_{sentence}",
        audio=audio,
        speaker=speaker,
        seconds=None,
        language="en-us",
        vertices=read,
        vertices_fps=fps if read else None,
    )
