"""Every option of the product, with its one default (``defaults`` lists those of a class)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from facegen.core.errors import UsageError, blame
from facegen.core.options import REQUIRED, check_options, option
from facegen.core.options import defaults as defaults
from facegen.core.units import as_fps


@dataclass(frozen=True)
class Config:
    """Settings of one solve. Raises UsageError for values out of range."""

    rig: str = option(
        "arkit", "rig whose controls to write: a name of `facegen rig list`, or a rig folder", file=True
    )
    fps: str = option("30", "frames a second: 30, 60, 24, 25, 29.97, 120 or any fraction such as 24000/1001")
    seed: int = option(0, "seed of blinks, gaze and head motion", low=0, high=2**63 - 1)
    emotion: str = option(
        "auto",
        "auto (as heard), happy, happy:0.6, happy:0.5+surprised:0.3, -angry, vad:0.4,0.7,0.1, "
        "or words: quietly amused, a bit nervous",
    )
    emotion_from: str | None = option(
        None,
        "borrow the emotion of a voice, of the face in a video, or of curves (their upper face moves too)",
        file=True,
    )
    prompt_model: str | None = option(
        None, "folder of a transformers text classifier that reads the words of --emotion", file=True
    )
    timeline: str | None = option(
        None, "CSV or JSON of emotion spans: start s, end s, emotion; if wanted fade s and style", file=True
    )
    style: str = option(
        "neutral",
        "how mouth, face, head and eyes move: a name of `facegen styles`, or a .json file",
        file=True,
    )
    intensity: float = option(1.0, "strength of the emotion", low=0, high=2)
    mouth: float = option(1.0, "strength of the mouth's motion", low=0, high=2)
    upper_face: float = option(1.0, "strength of brows, lids and cheeks", low=0, high=2)
    text: str | None = option(
        None, "transcript, or a text file with it: sharpens the timing (English)", file=True
    )
    alignment: str | None = option(None, "given phones: .TextGrid, .json or .align", file=True)
    passes: tuple[str, ...] | None = option(None, "only these passes, comma-separated")
    blink: bool = option(True, "blinks")
    gaze: bool = option(True, "gaze with saccades")
    head: bool = option(True, "head motion and breath")
    look_at: tuple[float, float, float] | None = option(
        None, "point to look at, cm from between the eyes: X,Y,Z"
    )
    encoder: str = option("phones", "speech encoder: a name of `facegen models`, or an .onnx file", file=True)
    emotion_encoder: str = option(
        "voice",
        "what hears emotion: a name of `facegen models`, an .onnx file, or the folder of a transformers audio classifier",
        file=True,
    )
    decoder: str = option(
        "learned", "decoder of mouth shapes: a name of `facegen models`, or an .onnx file", file=True
    )
    start: float = option(0.0, "seconds to skip at the start of the sound", low=0.0, high=1e6)
    duration: float | None = option(None, "seconds of sound to use")

    def __post_init__(self) -> None:
        as_fps(self.fps)
        check_options(self)
        if self.duration is not None and not 0 < self.duration < 1e6:
            reason = f"--duration {self.duration} is not a positive number of seconds"
            raise UsageError(reason, remedy="use e.g. 10")
        if self.text is not None and self.alignment is not None:
            raise UsageError("--text and --alignment exclude each other", remedy="give one of them")
        if self.look_at is not None and (len(self.look_at) != 3 or not np.isfinite(self.look_at).all()):
            reason = f"--look-at {self.look_at} is not three numbers"
            raise UsageError(reason, remedy="use X,Y,Z in cm, e.g. 0,0,100")

    def plain(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


CHANGES = ("emotion", "intensity", "mouth", "upper_face", "style", "text", "seed", "look_at")
"""The settings that a span of a take may be given anew."""


@dataclass(frozen=True)
class RenderConfig:
    """Settings of one rendering. Raises UsageError for values out of range."""

    rig: str = option("aria", "rig with the head to draw", file=True)
    audio: str | None = option(None, "sound to mux into the video", file=True)
    size: str = option("1280x720", "width x height in pixels, even numbers")
    camera: str = option(
        "front",
        "front, threequarter, side, closeup, below, turntable, or a .json file: position, target, up, fov",
        file=True,
    )
    renderer: str = option("raster", "renderer: raster, pyrender, pytorch3d, or blender (slow, path-traced)")
    show: str = option(
        "color",
        "color, depth (lighter is nearer; 16 bits in PNG) or mask",
        choices=("color", "depth", "mask"),
    )
    background: str = option("#2b2f36", "colour as #rrggbb, or an image file", file=True)
    light: str = option(
        "studio", "studio, or a picture all round (.hdr, .exr, .jpg; its middle before the face)", file=True
    )
    alpha: bool = option(False, "transparent background (.png, .mov or a folder)")
    resume: bool = option(False, "go on with a long video that was stopped")

    def __post_init__(self) -> None:
        width, height = self.pixels
        if width % 2 or height % 2 or not 16 <= width <= 8192 or not 16 <= height <= 8192:
            reason = f"--size {self.size} is not two even numbers in 16..8192"
            raise UsageError(reason, remedy="use e.g. 1280x720")
        check_options(self)

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height in pixels. Raises UsageError for a size that is none."""
        try:
            width, height = (int(n) for n in self.size.lower().split("x"))
        except ValueError as error:
            reason = f"--size {self.size!r} is not WIDTHxHEIGHT"
            raise UsageError(reason, remedy="use e.g. 1280x720") from error
        return width, height


@dataclass(frozen=True)
class PortraitConfig:
    """Settings of one talking portrait. Raises UsageError for values out of range."""

    size: int | None = option(
        None, "longest side of the video in pixels (default: as the picture)", low=64, high=4096
    )
    draft: bool = option(False, "a quick preview: small and without the refiner")
    face: tuple[float, ...] | None = option(None, "which of several faces: a place on it, in pixels: X,Y")
    audio: str | None = option(None, "sound to mux into the video of an animation", file=True)
    steps: int | None = option(
        None,
        "steps of the refiner or the backbone (default: 2 for the mouth, 1 for lids; 8 with a backbone)",
        low=1,
        high=100,
    )
    refiner: str = option(
        "built-in",
        "what paints mouth and lids: built-in, none, or an .onnx file of a trained refiner for the mouth alone",
    )
    backbone: str | None = option(
        None, "local diffusers folder (img2img, inpaint or ControlNet) that refines", file=True
    )
    strength: float = option(0.35, "how far the backbone may leave the warped picture", low=0, high=1)
    prompt: str = option("a photo of a person talking", "what a backbone with a text encoder is told")
    mark: bool = option(False, "a visible mark: AI-GENERATED in the corner")
    watermark: bool = option(True, "invisible mark in the pixels")
    provenance: bool = option(True, "note in the file that the video is made by a program")
    resume: bool = option(False, "go on with a render that was stopped")

    def __post_init__(self) -> None:
        check_options(self)
        if self.face is not None and (len(self.face) != 2 or not np.isfinite(self.face).all()):
            raise UsageError("--face is not two numbers", remedy="give a place on the face, e.g. 320,180")


@dataclass(frozen=True)
class BatchConfig:
    """Settings of one batch. Raises UsageError for values out of range."""

    format: str = option("csv", "formats to write where a row names none, comma-separated: csv,glb,mp4")
    name: str = option(
        "{name}",
        "names of outputs: {name}, {stem}, {folder}, {row:04}, any option, any column that starts with _",
    )
    workers: int = option(0, "processes that work side by side; 0 is one a core", low=0, high=4096)
    engine: str = option(
        "local",
        "local: processes of this machine; ray: a Ray cluster (extra batch)",
        choices=("local", "ray"),
    )
    resume: bool = option(
        False, "redo only what is missing, failed or changed since the last run into the folder"
    )
    fail_fast: bool = option(False, "stop at the first job that fails")
    retries: int = option(
        1, "times to repeat a job whose process died, ran out of time or could not write", low=0, high=100
    )
    timeout: float | None = option(None, "seconds after which a job is stopped")
    memory: int | None = option(None, "megabytes that one job may use")
    check: bool = option(True, "the checks of each take in the summary")
    thumbnails: bool = option(False, "a picture of each face in summary.html (needs the extra render)")
    root: str | None = option(None, "further folders that a manifest may read from, comma-separated")
    allow_outside: bool = option(False, "let a manifest read files from anywhere")
    state: str | None = option(
        None, "folder of the journal, where outputs go to a URL  [default: DIR/.facegen]"
    )
    address: str | None = option(None, "ray: address of the cluster; without one a local Ray is started")
    cpus: float = option(1.0, "ray: processors that a job takes", low=0, high=4096)
    gpus: float = option(0.0, "ray: GPUs that a job takes", low=0, high=64)

    def __post_init__(self) -> None:
        check_options(self)
        for flag, value in (("timeout", self.timeout), ("memory", self.memory)):
            if value is not None and not 0 < value < 1e9:
                raise UsageError(f"--{flag} {value} is not a positive number", remedy="use e.g. 600")


@dataclass(frozen=True)
class ExportConfig:
    """Settings of writing curves. Raises UsageError for values out of range."""

    reduce: float = option(
        0.0,
        "few keys that leave a curve by so much at most, 0 to 1, in .anim and .blender.py; 0 keeps a key a frame",
    )
    object: str | None = option(
        None, "path of the mesh that a Unity clip moves, below the Animator (default: Body)"
    )
    names: str | None = option(
        None, "names of shapes in a Unity clip, made of {name} or {Name} (default: {name})"
    )
    report: bool = option(
        False, "say which controls the rig or model lacks, shows by other names, clips or drops"
    )

    def __post_init__(self) -> None:
        if not 0 <= self.reduce < 1:
            raise UsageError(f"--reduce {self.reduce} is not in 0..1", remedy="use for example 0.005")

    def given(self) -> dict[str, Any]:
        """The settings that are not left to the format."""
        return {name: value for name, value in asdict(self).items() if value and name != "report"}


@dataclass(frozen=True)
class ConvertConfig:
    """Settings of one conversion between file formats. Raises UsageError for a rate that is none."""

    fps: str | None = option(None, "frames a second of the result  [default: those of ANIM]")
    rig: str | None = option(
        None, "head or model that formats with a mesh show it on  [default: aria]", file=True, metavar="RIG"
    )

    def __post_init__(self) -> None:
        with blame("--fps"):
            as_fps(30 if self.fps is None else self.fps)


@dataclass(frozen=True)
class RetargetConfig:
    """Settings of one retargeting. Raises UsageError for a rate that is none."""

    to: str = option(REQUIRED, "rig to move: a name (facegen rig list) or a folder", file=True, metavar="RIG")
    source: str | None = option(
        None, "rig that ANIM moves  [default: found by its controls]", file=True, name="from", metavar="RIG"
    )
    rig_map: str | None = option(
        None,
        "weights between the two  [default: the shipped maps]",
        file=True,
        name="map",
        metavar="FILE.csv",
    )
    fps: str | None = option(None, "frames a second of vertices  [default: 30]")
    neutral: int | None = option(
        None,
        "frame of vertices in which a face other than the rig's is at rest, counted from 0",
        metavar="FRAME",
    )
    report: bool = option(
        False,
        "say what is kept and lost: residual by region, clipped and unmapped controls, the error there and back",
    )


@dataclass(frozen=True)
class TrackConfig:
    """Settings of tracking one face."""

    face: tuple[float, ...] | None = option(None, "a place on the face to follow, in pixels", metavar="X,Y")
    box: tuple[float, ...] | None = option(
        None, "look for the face only within this part of the picture, in pixels", metavar="X,Y,W,H"
    )
    rig: str = option("aria", "head whose shapes are fitted", file=True, metavar="RIG")
    model: str | None = option(
        None, "FaceLandmarker model, for a mediapipe that brings none", file=True, metavar="FILE.task"
    )


@dataclass(frozen=True)
class EditConfig:
    """What is edited in a take."""

    span: str | None = option(None, "start and end in seconds", metavar="S:E")
    audio: str | None = option(None, "the take's sound  [default: where it was, or beside TAKE]", file=True)
    hand: str | None = option(
        None, "the take's curves as changed by hand: becomes its hand layer", file=True, metavar="ANIM"
    )


@dataclass(frozen=True)
class ConverseConfig:
    """Settings of one conversation. Raises UsageError for values out of range."""

    format: tuple[str, ...] = option(("take", "csv"), "what to write")
    apart: float = option(
        0.0, "degrees from ahead at which the other of two sits, to the first one's left", low=-60, high=60
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class KeysConfig:
    """Settings of keys for an editor. Raises UsageError for values out of range."""

    targets: str = option(REQUIRED, "the shapes and bones to key", file=True, metavar="FILE.json")
    reduce: float = option(0.0, "how far a key's curve may be from the take at a frame; 0 keeps every frame")
    layers: bool = option(False, "each layer apart; they add up to the whole")

    def __post_init__(self) -> None:
        if not 0 <= self.reduce < 1:
            raise UsageError(f"{self.reduce} is not in 0..1", path="--reduce", remedy="use for example 0.005")


@dataclass(frozen=True)
class CheckConfig:
    """Settings of one check."""

    audio: str | None = option(
        None, "sound of the animation: for sync, silence and the sound's own faults", file=True
    )
    strict: bool = option(False, "exit code 1 where a line fails")


@dataclass(frozen=True)
class InspectConfig:
    """Settings of inspecting one file."""

    audio: str | None = option(None, "sound of an animation, drawn over its curves", file=True)


@dataclass(frozen=True)
class EvaluateConfig:
    """Settings of one comparison with a reference."""

    audio: str | None = option(None, "the sound that both belong to", file=True, metavar="AUDIO")
    rig: str = option("aria", "head on which lips are measured", file=True)
    other: tuple[str, ...] = option((), "the same clip by another seed", file=True, metavar="ANIM")
    image: str | None = option(
        None, "PRED is a portrait of this picture, driven by REFERENCE", file=True, metavar="IMAGE"
    )
    emotion: bool = option(False, "which emotion each of the faces shows, as a classifier sees it")


@dataclass(frozen=True)
class StreamConfig:
    """Settings of a live stream. Raises UsageError for values out of range."""

    latency: float = option(
        300.0, "ms from a sound to its frame (more lets lips foresee more)", low=60, high=2000
    )
    realtime: bool = option(False, "frames at the pace of the sound, where they go to a file or pipe too")
    rate: int = option(
        16000, "Hz of raw 16-bit mono sound from a pipe that has no WAV header", low=8000, high=192_000
    )
    device: str | None = option(
        None, "microphone: a part of its name, or its number  [default: the system's]"
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class ServeConfig:
    """Settings of the service. Raises UsageError for values out of range."""

    host: str = option("127.0.0.1", "address to listen at; others than this machine's own need a token")
    port: int = option(8420, "port to listen at; 0 is any that is free", low=0, high=65535)
    token: str | None = option(
        None, "secret that each request must bear (Authorization: Bearer …)  [default: FACEGEN_TOKEN]"
    )
    workers: int = option(0, "processes that work side by side; 0 is one a core", low=0, high=4096)
    waiting: int = option(100, "jobs that may wait; more are told to come back later", low=0, high=10**6)
    largest: int = option(200, "megabytes of the largest sound that is taken", low=1, high=10**6)
    timeout: float = option(600.0, "seconds after which a job is stopped", low=0.1, high=1e6)
    memory: int | None = option(None, "megabytes that one job may use")
    keep: float = option(24.0, "hours that results are kept", low=0.001, high=1e6)

    def __post_init__(self) -> None:
        check_options(self)
