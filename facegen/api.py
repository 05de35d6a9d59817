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

    Parameters
    ----------
    source : str, PathLike or ndarray
        A sound file, or samples of shape (N,), float in -1..1.
    rate : int, optional
        Samples a second of an array, Hz.
    **settings
        Fields of ``Config``: ``emotion="happy:0.6"``, ``fps=60``, ``seed=1`` …

    Returns
    -------
    Animation
        Curves of shape (T, C), float32, T = ceil(seconds * fps) frames of the rig's C controls (52 of ARKit).

    Raises
    ------
    AudioError
        For what is no sound.
    UsageError
        For wrong settings.
    """
    config = make_config(Config, settings)
    return pipeline.animate(pipeline.solve(source, config, rate=rate), config.rig)


def solve(source: str | PathLike | np.ndarray, *, rate: int | None = None, **settings: Any) -> Take:
    """Speech to a layered, editable take.

    Parameters
    ----------
    source : str, PathLike or ndarray
        A sound file, or samples of shape (N,), float in -1..1.
    rate : int, optional
        Samples a second of an array, Hz.
    **settings
        Fields of ``Config``: ``emotion="happy:0.6"``, ``fps=60``, ``seed=1`` …

    Returns
    -------
    Take
        A layer of the decoder and one of each pass, on the ARKit controls, ceil(seconds * fps) frames.

    Raises
    ------
    AudioError
        For what is no sound.
    UsageError
        For wrong settings.
    """
    return pipeline.solve(source, make_config(Config, settings), rate=rate)


def converse(
    source: str | PathLike | Sequence[Mapping[str, Any]], *, apart: float = 0.0, **settings: Any
) -> dict[str, Animation]:
    """One animation a speaker of a conversation in which those who do not speak listen.

    Parameters
    ----------
    source : str, PathLike or sequence of mappings
        A table of turns (.csv, .json), turns as mappings (``speaker``, ``audio``, and optionally ``start``, ``text``,
        ``emotion``, ``reply_to``), or a recorded call with one channel a speaker.
    apart : float
        Degrees from ahead at which the other of two speakers sits, to the first one's left, -60 to 60.
    **settings
        Fields of ``Config``.

    Returns
    -------
    dict of str to Animation
        By speaker; all have the same number of frames.

    Raises
    ------
    ConfigError
        For turns that contradict each other.
    AudioError
        For what is no sound.
    UsageError
        For wrong settings.
    """
    from facegen.pipeline.conversation import converse as talk
    from facegen.pipeline.conversation.turns import turns_of

    config = make_config(Config, settings)
    turns = source if isinstance(source, str | PathLike) else turns_of(source)
    takes = talk(turns, config, apart=apart).takes
    return {speaker: pipeline.animate(take, config.rig) for speaker, take in takes.items()}


def edit(
    take: Take, span: tuple[float, float], *, audio: str | PathLike | None = None, **changes: Any
) -> Take:
    """Solve one span of a take again; outside it the take composes to the same bits.

    Parameters
    ----------
    take : Take
        A take that was solved from sound.
    span : tuple of float
        Start and end, seconds.
    audio : str or PathLike, optional
        The take's sound where it is no longer where it was.
    **changes
        ``emotion="happy"``, ``intensity``, ``mouth``, ``upper_face``, ``style``, ``text``, ``seed``, ``look_at``.

    Returns
    -------
    Take
        With the span cross-faded inside its borders; its ``hand`` layer is kept.

    Raises
    ------
    UsageError
        For a wrong span or change, or a take that was not solved from sound.
    AudioError
        For a sound that can't be read.
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
    source : str, PathLike or ndarray
        A file, words, or samples of shape (N,), float in -1..1.
    rate : int, optional
        Samples a second of an array, Hz.
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
    """Read an animation.

    Parameters
    ----------
    path : str or PathLike
        A file of any format that can be read (``facegen formats``).

    Returns
    -------
    Animation
        Its curves, of shape (T, C), float32.

    Raises
    ------
    AnimationFileError
        For a file that holds none.
    """
    return load_animation(path)


def retarget(
    animation: Animation,
    rig: str | PathLike,
    *,
    source: str | PathLike | None = None,
    map: str | PathLike | None = None,  # the name of the command's option
) -> Animation:
    """Move an animation to the controls of another rig.

    Parameters
    ----------
    animation : Animation
        Curves of any known rig.
    rig : str or PathLike
        A name (``"metahuman"``, see ``facegen rig list``) or a folder.
    source : str or PathLike, optional
        The rig whose controls ``animation`` has; by default found by their names.
    map : str or PathLike, optional
        CSV file of weights between the two rigs; by default the shipped maps.

    Returns
    -------
    Animation
        Curves of shape (T, C), float32, of the C controls of ``rig``.

    Raises
    ------
    UsageError
        For a rig that does not exist.
    RigError
        For a broken map, and where no map leads from one rig to the other.
    """
    return pipeline.retarget(animation, rig, source, map)


def render(animation: Animation, path: str | PathLike, **settings: Any) -> None:
    """Draw an animation on a head.

    Parameters
    ----------
    animation : Animation
        Curves of a rig with a head, or of ARKit.
    path : str or PathLike
        A video (``.mp4``), an image (``.png``) or a folder of images to write.
    **settings
        Fields of ``RenderConfig``: ``rig="aria"``, ``audio="speech.wav"``, ``size="1280x720"`` …

    Raises
    ------
    MissingExtraError
        Where the extra ``render`` is not installed.
    UsageError
        For wrong settings.
    OutputError
        For a path that can't be written.
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
    """Make the face in a picture speak, as a video.

    Parameters
    ----------
    source : str, PathLike or Animation
        A sound file to speak, or an animation to show.
    image : str or PathLike
        The picture.
    path : str or PathLike
        The video to write.
    portrait : PortraitConfig, optional
        Settings of the picture and the video; its ``audio`` is muxed.
    **settings
        Fields of ``Config``.

    Raises
    ------
    ImageError
        For a picture without a usable face.
    MissingExtraError
        Where the extra ``portrait`` is not installed.
    UsageError
        For wrong settings.
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
    """Live speech to frames, each as soon as it is known.

    Parameters
    ----------
    blocks : iterable of ndarray
        Samples of shape (n,) or (n, channels), float in -1..1 or integers.
    rate : int
        Samples a second, Hz.
    **settings
        Fields of ``Config`` and ``StreamConfig``: ``fps=60``, ``latency=200`` (ms), ``emotion="happy"`` …

    Yields
    ------
    tuple of float and dict
        The time in seconds at which the frame begins, and each control's value; N samples have ceil(N / rate * fps) frames.

    Raises
    ------
    UsageError
        For wrong settings.
    AudioError
        For blocks that are no sound.
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
    """Settings as a config, with an error that names the nearest option for one that does not exist.

    Parameters
    ----------
    kind : type
        ``Config``, ``RenderConfig`` …
    settings : dict
        Fields by name; ``fps`` may be a number and ``passes`` a list.

    Returns
    -------
    object
        ``kind(**settings)``.

    Raises
    ------
    UsageError
        For an unknown name and for values out of range.
    """
    known = list(defaults(kind))
    for name in settings:
        if name not in known:
            raise UsageError(f"no option is called {name!r}", remedy=nearest(name, known))
    if "fps" in settings:
        settings = {**settings, "fps": str(settings["fps"])}
    if isinstance(settings.get("passes"), list):
        settings = {**settings, "passes": tuple(settings["passes"])}
    return kind(**settings)
