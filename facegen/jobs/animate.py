"""Speech to curves, animated mesh and video: the job of ``facegen animate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from facegen.config import Config, ExportConfig, RenderConfig
from facegen.core.errors import blame
from facegen.core.registry import Registry
from facegen.core.units import as_fps
from facegen.jobs.job import JobResult, Progress
from facegen.jobs.outputs import check_outputs
from facegen.jobs.render import check_look, draw
from facegen.jobs.settings import pick

LOOK = ("size", "camera", "background", "renderer", "resume")
"""Options of videos and pictures that it takes too."""


class AnimateJob:
    sources: ClassVar[tuple[str, ...]] = ("audio",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = (
        (Config, None),
        (RenderConfig, LOOK),
        (ExportConfig, None),
    )
    kinds: ClassVar[tuple[str, ...]] = ("curves", "pictures")

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        (self.audio,) = sources
        with blame("--fps"):
            as_fps(values.get("fps", Config.fps))
        config = self.config = pick(Config, values)
        look = {name: values[name] for name in LOOK if name in values}
        self.look = pick(RenderConfig, look, rig=config.rig, audio=self.audio)
        self.export = pick(ExportConfig, values)
        read = (self.audio, config.text, config.alignment, config.timeline)
        self.places = check_outputs(outputs, read, self.kinds)

    def check(self) -> None:
        check_names(self.config)
        if any(place.kind == "pictures" for place in self.places):
            check_look(self.look)

    def run(self, progress: Progress) -> JobResult:
        from facegen.formats import needs_layers, save
        from facegen.formats.export_report import export_report
        from facegen.pipeline import animate as pipeline
        from facegen.speech.audio import open_audio

        config = self.config
        sound = open_audio(self.audio, start=config.start, duration=config.duration)
        take = pipeline.solve(sound, config, progress=lambda step, done: progress(step, done, sound.estimate))
        animation = pipeline.animate(take, config.rig)
        for place in self.places:
            if place.kind == "pictures":
                draw(animation, place, self.look, progress, config.start)
            else:
                thing = take if needs_layers(place.suffix) else animation
                save(thing, place.path, rig=config.rig, audio=self.audio, **self.export.given())
        said = list(export_report(animation, config.rig).lines()) if self.export.report else []
        return JobResult(animation, take, (*sound.notes, *said))


def check_names(config: Config) -> None:
    """Everything that the settings of a solve name exists and can be read: found out before the sound is read."""
    from facegen.emotion.load import load_emotion_encoder
    from facegen.emotion.style import load_style
    from facegen.emotion.transcript import Transcript
    from facegen.motion.lipsync import load_decoder
    from facegen.motion.passes import enabled, finishing
    from facegen.pipeline.animate import load_emotion_track
    from facegen.rig import load_rig
    from facegen.speech.alignment_files import read_alignment
    from facegen.speech.load import load_encoder

    with blame("--rig"):
        load_rig(config.rig)
    with blame("--encoder"):
        if config.encoder not in Registry("encoders"):
            load_encoder(config.encoder)
    with blame("--emotion-encoder"):
        if config.emotion_encoder not in Registry("emotion_encoders"):
            load_emotion_encoder(config.emotion_encoder)
    with blame("--decoder"):
        if config.decoder not in Registry("decoders"):
            load_decoder(config.decoder)
    with blame("--style"):
        load_style(config.style)
    with blame("--passes"):
        enabled(config), finishing(config)
    if config.text is not None:
        with blame("--text"):
            Transcript.load(config.text)
    if config.alignment is not None:
        read_alignment(config.alignment)
    with blame("--emotion"):
        load_emotion_track(config)
