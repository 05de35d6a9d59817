"""MultiFace: thirteen people in a capture stage, fifty sentences with sound, meshes of 7,306 vertices at 30 fps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike

from tools.training.corpora.meshes import read_bin, read_frames
from tools.training.corpora.sample import Sample
from tools.training.corpora.tree import corpus_folder, named_files

NAME = "multiface"
SOURCE = "https://github.com/facebookresearch/multiface (CC BY-NC 4.0: not for commercial use)"

GRAMMAR = r"m--\d{8}--\d{4}--([A-Za-z0-9]+)--GHS/audio/(SEN_([A-Za-z0-9_-]+))\.wav"
FPS = 30.0


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The spoken sentences of each person, with their meshes where they are there; silent expressions are left out.

    Raises InputError where the corpus is absent or a name can't be read.
    """
    folder = corpus_folder(data, NAME, SOURCE)
    for path, match in named_files(folder, "m--*/audio/*.wav", GRAMMAR, SOURCE):
        meshes = path.parent.parent / "tracked_mesh" / match[2]
        there = meshes.is_dir()
        yield Sample(
            corpus=NAME,
            utt=f"{match[1]}_{match[2]}",
            audio=path,
            speaker=match[1],
            seconds=None,
            language="en-us",
            text=match[3].replace("_", " ").replace("-", " "),
            vertices=partial(read_frames, meshes, "*.bin", read_bin, SOURCE) if there else None,
            vertices_fps=FPS if there else None,
        )
