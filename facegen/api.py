"""The Python interface (``animate``, ``solve``, ``stream``, ``load`` …) over the pipeline of the commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from facegen.config import CHANGES, Config, PortraitConfig, RenderConfig, StreamConfig, defaults
from facegen.core.animation import Animation
from facegen.core.errors import UsageError, nearest
from facegen.core.units import SAMPLE_RATE_HZ
from facegen.emotion import EmotionTrack
from facegen.formats import load_animation
from facegen.motion.take import Take
from facegen.pipeline import animate as pipeline

if TYPE_CHECKING:
    from facegen.live import Engine


def animate(source: str | PathLike | np.ndarray, *, rate: int | None = None, **settings: Any) -> Animation:
    """Speech to control curves.

    ``source`` is a sound file, or samples [N] float in -1..1 at ``rate`` Hz. ``settings`` are the fields of
    ``Config`` (``emotion="happy:0.6"``, ``fps=60``, ``seed=1`` …). Returns an Animation of
    ceil(seconds · fps) frames. Raises AudioError for what is no sound, UsageError for wrong settings.
    """
    config = make_config(Config, settings)
    return pipeline.animate(pipeline.solve(source, config, rate=rate), config.rig)


def solve(source: str | PathLike | np.ndarray, *, rate: int | None = None, **settings: Any) -> Take:
    """Speech to a layered, editable Take; arguments as for ``animate``."""
    return pipeline.solve(source, make_config(Config, settings), rate=rate)


def converse(
    source: str | PathLike | Sequence[Mapping[str, Any]], *, apart: float = 0.0, **settings: Any
) -> dict[str, Animation]:
    """One animation a speaker, all of one length, of a conversation in which those who do not speak listen.

    ``source`` is a table of turns (.csv, .json), turns as mappings (``speaker``, ``audio``, and if wanted ``start``,
    ``text``, ``emotion``, ``reply_to``), or a call with a channel a speaker; ``settings`` are the fields of ``Config``,
    ``apart`` as for the command. Raises ConfigError for turns that make no sense, AudioError for what is no sound.
    """
    from facegen.pipeline.conversation import converse as talk
    from facegen.pipeline.conversation.turns import turns_of

    config = make_config(Config, settings)
    given = source if isinstance(source, str | PathLike) else turns_of(source)
    takes = talk(given, config, apart=apart).takes
    return {speaker: pipeline.animate(take, config.rig) for speaker, take in takes.items()}


def edit(
    take: Take, span: tuple[float, float], *, audio: str | PathLike | None = None, **changes: Any
) -> Take:
    """``take`` with ``span`` (start s, end s) solved again under ``changes`` (``emotion="happy"``, ``intensity``,
    ``mouth``, ``upper_face``, ``style``, ``text``, ``seed``, ``look_at``); all else composes to the same bits.

    ``audio`` is the take's sound where it is no longer where it was. Raises UsageError for a wrong span or change.
    """
    from facegen.pipeline import edit as editing

    for name in changes:
        if name not in CHANGES:
            raise UsageError(f"no change is called {name!r}", remedy=nearest(name, CHANGES))
    start, end = span
    return editing.edit(take, editing.EditSpan.parse(f"{start}:{end}"), changes, audio)


def analyze_emotion(
    source: str | PathLike | np.ndarray, *, rate: int | None = None, **settings: Any
) -> EmotionTrack:
    """The emotion in a sound, a video with a face, a text file or words, over time.

    ``facegen.emotion(…)`` is an older name of this function, which stays.

    Parameters
    ----------
    source
        A file, words, or samples of shape (N,) float in -1..1.
    rate
        Samples a second of an array.
    **settings
        Fields of ``Config``: ``text="what is said"``, ``emotion_encoder=…``.

    Returns
    -------
    EmotionTrack
        ``.summary()`` gives valence, arousal, dominance, confidence and the probability of each category, ``.heard``
        the curves at 10 Hz.

    Raises
    ------
    AudioError
        For what is no sound.
    UsageError
        For wrong settings.
    """
    from facegen.pipeline import analyze_emotion as pipeline_emotion

    return pipeline_emotion.analyze_emotion(source, rate=rate, config=make_config(Config, settings)).track


def load(path: str | PathLike) -> Animation:
    """The animation in a file of any format that can be read. Raises AnimationFileError for what is none."""
    return load_animation(path)


def retarget(
    animation: Animation,
    rig: str | PathLike,
    *,
    source: str | PathLike | None = None,
    map: str | PathLike | None = None,  # the name of the command's option
) -> Animation:
    """``animation`` on the controls of another rig: a name (``"metahuman"``, see ``facegen rig list``) or a folder.

    ``source`` is the rig whose controls it has (by default found by their names), ``map`` a CSV file of weights
    between the two (by default the shipped maps). Raises UsageError for a rig that does not exist, RigError for a
    broken map and where no map leads there.
    """
    return pipeline.retarget(animation, rig, source, map)


def render(animation: Animation, path: str | PathLike, **settings: Any) -> None:
    """Draw ``animation`` on a head to a video (``.mp4``), an image (``.png``) or a folder of images.

    ``settings`` are the fields of ``RenderConfig`` (``rig="aria"``, ``audio="speech.wav"``, ``size="1280x720"`` …).
    Raises MissingExtraError where the ``render`` extra is not installed.
    """
    from facegen.renderers import render_file

    render_file(animation, path, make_config(RenderConfig, settings))


def make_portrait(
    source: str | PathLike | Animation,
    image: str | PathLike,
    path: str | PathLike,
    *,
    portrait: PortraitConfig | None = None,
    **settings: Any,
) -> None:
    """Let the face in the picture ``image`` speak the sound file ``source``, or show that animation, in the video
    ``path``.

    ``portrait`` holds what the picture needs (its ``audio`` is muxed), ``settings`` are the fields of ``Config``. Raises
    ImageError for a picture without a usable face, MissingExtraError where the ``portrait`` extra is not installed.
    """
    from facegen.portrait import PortraitAudio, write_portrait

    look, config = portrait or PortraitConfig(), make_config(Config, settings)
    if isinstance(source, Animation):
        write_portrait(source, image, path, look, PortraitAudio(look.audio, seed=config.seed))
        return
    take = pipeline.solve(source, config)
    speech = PortraitAudio(
        look.audio or str(source), 0.0 if look.audio else config.start, take.emotion, config.seed
    )
    write_portrait(pipeline.animate(take), image, path, look, speech)


def stream(
    blocks: Iterable[np.ndarray], rate: int = SAMPLE_RATE_HZ, **settings: Any
) -> Iterator[tuple[float, dict[str, float]]]:
    """Live speech to frames: yields (time s of the frame's start, {control: value}) as soon as each is known.

    ``blocks`` are samples [n] or [n, channels] at ``rate`` Hz, float in -1..1 or integers. ``settings`` are fields of
    ``Config`` and ``StreamConfig`` (``fps=60``, ``latency=200`` ms, ``emotion="happy"`` …). N samples have
    ceil(N / rate · fps) frames. Raises UsageError for wrong settings, AudioError for blocks that are no sound.
    """
    from facegen.live import Engine
    from facegen.live.sources import stream_rate

    own = {name: value for name, value in settings.items() if name in defaults(StreamConfig)}
    rest = {name: value for name, value in settings.items() if name not in own}
    engine = Engine(make_config(Config, rest), make_config(StreamConfig, own))
    return _streamed(engine, blocks, stream_rate(rate))


def _streamed(
    engine: Engine, blocks: Iterable[np.ndarray], rate: int
) -> Iterator[tuple[float, dict[str, float]]]:
    from facegen.live.sources import mono
    from facegen.speech.audio import resample

    for block in resample(map(mono, blocks), rate, SAMPLE_RATE_HZ):
        for frame in engine.push(block):
            yield frame.time, frame.named()
    for frame in engine.close():
        yield frame.time, frame.named()


def make_config(kind: type, settings: dict[str, Any]) -> Any:
    """``kind(**settings)``, with an error that names the nearest option for one that does not exist."""
    known = list(defaults(kind))
    for name in settings:
        if name not in known:
            raise UsageError(f"no option is called {name!r}", remedy=nearest(name, known))
    if "fps" in settings:
        settings = {**settings, "fps": str(settings["fps"])}
    if isinstance(settings.get("passes"), list):
        settings = {**settings, "passes": tuple(settings["passes"])}
    return kind(**settings)
