"""Everything that the settings of a solve name, opened once and before the sound is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from facegen.config import Config
from facegen.core.errors import blame
from facegen.core.registry import Registry
from facegen.emotion import Emotion, EmotionCurve, EmotionSpan, EmotionTrack, parse_emotion
from facegen.emotion.style import Style, load_style
from facegen.emotion.timeline import read_timeline
from facegen.emotion.transcript import Transcript
from facegen.motion.lipsync import Decoder, load_decoder
from facegen.motion.passes import Pass, enabled, finishing
from facegen.pipeline.recognize import Encoders
from facegen.pipeline.reference_emotion import EmotionReference, check_reference, load_reference
from facegen.rig import Rig, load_rig
from facegen.speech.alignment_files import Spans, read_alignment


@dataclass(frozen=True, eq=False)
class RequestedEmotion:
    """The emotion that the settings ask for.

    A ``base``, the ``spans`` of a timeline over it, and whether the track follows the voice (``--emotion auto``).
    """

    base: Emotion
    spans: tuple[EmotionSpan, ...]
    follows: bool

    @classmethod
    def load(cls, config: Config) -> RequestedEmotion:
        """Read ``config.emotion`` and ``config.timeline``, and see that ``config.emotion_from`` is there.

        Raises UsageError for an emotion that has no name, ConfigError for a broken timeline, InputError for a file
        that does not exist.
        """
        auto = config.emotion.strip().lower() == "auto"
        base = Emotion() if auto else _parse_words(config)
        spans = tuple(read_timeline(config.timeline)) if config.timeline else ()
        if auto and config.emotion_from:
            check_reference(config.emotion_from)
        return cls(base, spans, auto)

    def track(self, heard: EmotionCurve | None = None, reference: Emotion | None = None) -> EmotionTrack:
        """The emotion over time.

        Where it follows the voice, it is that of the ``reference``, or else what is ``heard``.
        """
        base = reference if self.follows and reference is not None else self.base
        return EmotionTrack(base, self.spans, heard, follows=self.follows and reference is None)


def _parse_words(config: Config) -> Emotion:
    if config.prompt_model is None:
        return parse_emotion(config.emotion)
    from facegen.emotion.transformers_text import classify_prompt

    return classify_prompt(config.emotion, config.prompt_model)


@dataclass(frozen=True, eq=False)
class SolveInputs:
    """The resolved settings of a solve.

    Networks that ship with facegen and the emotion reference, which takes recognition, are loaded when they are first
    used; all else is open.
    """

    config: Config
    rig: Rig
    encoders: Encoders
    style: Style
    passes: tuple[Pass, ...]
    finishing: tuple[str, ...]
    emotion: RequestedEmotion
    transcript: Transcript | None = None
    alignment: Spans | None = None
    own_decoder: Decoder | None = None
    """The decoder where it is a file's and not one that ships with facegen."""

    @classmethod
    def load(cls, config: Config) -> SolveInputs:
        """Open what ``config`` names.

        Parameters
        ----------
        config
            The settings of one solve.

        Returns
        -------
        SolveInputs
            What a solve needs beside the sound.

        Raises
        ------
        UsageError
            For a name that nothing has, with the option at its head.
        InputError, ConfigError, AlignmentError, RigError, ModelError
            For files that are missing or broken.
        """
        with blame("--rig"):
            rig = load_rig(config.rig)
        encoders = Encoders(config)
        encoders.check()
        with blame("--decoder"):
            decoder = None if config.decoder in Registry("decoders") else load_decoder(config.decoder)
        with blame("--style"):
            style = load_style(config.style)
        with blame("--passes"):
            passes, final = tuple(enabled(config)), finishing(config)
        transcript = None
        if config.text is not None:
            with blame("--text"):
                transcript = Transcript.load(config.text)
        alignment = None if config.alignment is None else read_alignment(config.alignment)
        with blame("--emotion"):
            emotion = RequestedEmotion.load(config)
        return cls(config, rig, encoders, style, passes, final, emotion, transcript, alignment, decoder)

    @cached_property
    def decoder(self) -> Decoder:
        """The decoder of mouth shapes."""
        return self.own_decoder or load_decoder(self.config.decoder)

    @cached_property
    def reference(self) -> EmotionReference | None:
        """The emotion of ``--emotion-from``, or None. Raises as ``load_reference``."""
        if not self.config.emotion_from:
            return None
        return load_reference(self.config.emotion_from, self.encoders)

    def emotion_track(self, heard: EmotionCurve | None = None) -> EmotionTrack:
        """The emotion over time, given what is ``heard`` in the sound."""
        return self.emotion.track(heard, self.reference.emotion if self.reference else None)
