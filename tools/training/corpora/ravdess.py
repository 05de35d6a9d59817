"""RAVDESS: 24 North American actors say two sentences in eight emotions and two strengths, filmed."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

from tools.training.corpora.sample import Sample
from tools.training.corpora.tree import corpus_folder, named_files

NAME = "ravdess"
SOURCE = "https://zenodo.org/records/1188976 (CC BY-NC-SA 4.0: not for commercial use)"

GRAMMAR = r"(?:.*/)?(0[1-3])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-([01]\d|2[0-4])\.(?:wav|mp4)"
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
SENTENCES = ("Kids are talking by the door", "Dogs are sitting by the door")
SOUND_AND_FILM, FILM_ONLY, SPEECH, STRONG = "01", "02", "01", "02"


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The spoken recordings with sound; songs and silent films are left out.

    A film and the sound that was published apart are two samples. Raises InputError where the corpus is absent or a
    name can't be read.
    """
    folder = corpus_folder(data, NAME, SOURCE)
    for path, match in named_files(folder, "**/*-*-*.[wm][ap][v4]", GRAMMAR, SOURCE):
        kind, channel, emotion, strength, sentence, _, actor = match.groups()
        if channel != SPEECH or kind == FILM_ONLY:
            continue
        name = EMOTIONS[int(emotion) - 1]
        yield Sample(
            corpus=NAME,
            utt=path.stem,
            audio=path,
            video=path if kind == SOUND_AND_FILM else None,
            speaker=actor,
            sex="m" if int(actor) % 2 else "f",
            seconds=None,
            language="en-us",
            text=SENTENCES[int(sentence) - 1],
            emotion=name,
            intensity=None if name == "neutral" else 1.0 if strength == STRONG else 0.5,
            view="front" if kind == SOUND_AND_FILM else None,
        )
