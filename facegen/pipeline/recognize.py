"""Recognition: a sound read once by the encoders of phones and of emotion."""

from __future__ import annotations

from functools import cached_property

from facegen.config import Config
from facegen.core.errors import blame
from facegen.core.progress import Progress
from facegen.core.registry import Registry
from facegen.emotion import EmotionCurve
from facegen.emotion.encoder import EmotionEncoder
from facegen.emotion.load import load_emotion_encoder
from facegen.speech.audio import AudioStream
from facegen.speech.encoder import Encoder
from facegen.speech.load import load_encoder
from facegen.speech.phones import Features


class Encoders:
    """The encoders that ``config`` names, each loaded when it is first used and then kept."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def speech(self) -> Encoder:
        """The speech encoder. Raises UsageError for an unknown name, ModelError for a file that is no phone model."""
        return load_encoder(self._config.encoder)

    @cached_property
    def emotion(self) -> EmotionEncoder:
        """The emotion encoder. Raises UsageError for an unknown name, ModelError for a file that is no such model."""
        return load_emotion_encoder(self._config.emotion_encoder)

    def check(self) -> None:
        """Open now what is named by a file, and find names that do not exist.

        What ships with facegen waits until it is used. Raises as the encoders do, naming the option.
        """
        with blame("--encoder"):
            if self._config.encoder not in Registry("encoders"):
                assert self.speech is not None
        with blame("--emotion-encoder"):
            if self._config.emotion_encoder not in Registry("emotion_encoders"):
                assert self.emotion is not None


def recognize_speech(
    sound: AudioStream, encoders: Encoders, progress: Progress | None = None
) -> tuple[Features, EmotionCurve]:
    """Phones and emotion of the whole ``sound``, which is read once.

    Parameters
    ----------
    sound
        An opened sound.
    encoders
        The speech and the emotion encoder.
    progress
        Called after each block with "encode", the seconds done and those expected.

    Returns
    -------
    tuple of Features and EmotionCurve
        Phone posteriors at 100 Hz, and the emotion at 10 Hz.

    Raises
    ------
    AudioError
        For what can't be decoded.
    """
    stream = encoders.emotion.stream()
    parts: list[EmotionCurve] = []
    shared = sound.shared(lambda block: parts.append(stream.push(block)))
    features = encoders.speech.encode(shared, progress)
    return features, EmotionCurve.joined([*parts, stream.close(features)])
