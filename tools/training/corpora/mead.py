"""MEAD: English actors filmed from seven sides in eight emotions and three strengths."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from tools.training.corpora.sample import Sample
from tools.training.corpora.tree import corpus_folder, if_there, named_files

NAME = "mead"
SOURCE = "https://wywu.github.io/projects/MEAD/MEAD.html (for research only, no commercial use)"

VIEWS = ("front", "left_30", "left_60", "right_30", "right_60", "top", "down")
EMOTIONS = ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
LEVELS = 3
_CLIP = rf"({'|'.join(EMOTIONS)})/level_([1-{LEVELS}])/(\d+)"
VIDEO = rf"([MW]\d+)/video/({'|'.join(VIEWS)})/{_CLIP}\.mp4"
AUDIO = rf"([MW]\d+)/audio/{_CLIP}\.(?:m4a|wav)"


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """Each film of each side, then, for a copy without films, the sound alone.

    Raises InputError where the corpus is absent or a name can't be read.
    """
    folder = corpus_folder(data, NAME, SOURCE)
    if any(folder.glob("*/video")):
        for path, match in named_files(folder, "*/video/**/*.mp4", VIDEO, SOURCE):
            speaker, view, *clip = match.groups()
            sound = folder / speaker / "audio" / clip[0] / f"level_{clip[1]}" / clip[2]
            audio = if_there(sound.with_suffix(".m4a")) or if_there(sound.with_suffix(".wav"))
            yield _sample(audio, path, view, speaker, clip)
    else:
        for path, match in named_files(folder, "*/audio/**/*.*", AUDIO, SOURCE):
            speaker, *clip = match.groups()
            yield _sample(path, None, None, speaker, clip)


def _sample(
    audio: Path | None, video: Path | None, view: str | None, speaker: str, clip: list[str]
) -> Sample:
    emotion, level, number = clip
    return Sample(
        corpus=NAME,
        utt="_".join(filter(None, (speaker, view, emotion, level, number))),
        audio=audio,
        video=video,
        view=view,
        speaker=speaker,
        sex="m" if speaker[0] == "M" else "f",
        seconds=None,
        language="en",
        emotion=emotion,
        intensity=None if emotion == "neutral" else int(level) / LEVELS,
    )
