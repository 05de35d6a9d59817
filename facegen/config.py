"""Every option of the product, with its one default."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from facegen.core.errors import UsageError
from facegen.core.units import as_fps


def option(default: Any, help: str, *, file: bool = False) -> Any:
    """A dataclass field with the help text that the command line shows; ``file``: its text may name a file or folder
    that is read, which a batch holds to the allowed folders."""
    return field(default=default, metadata={"help": help, "file": file})


@dataclass(frozen=True)
class Config:
    """Settings of one solve. Raises UsageError for values out of range."""

    rig: str = option(
        "arkit", "rig whose controls to write: a name of `facegen rig list`, or a rig folder", file=True
    )
    fps: str = option("30", "frames a second: 30, 60, 24, 25, 29.97, 120 or any fraction such as 24000/1001")
    seed: int = option(0, "seed of blinks, gaze and head motion")
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
    intensity: float = option(1.0, "strength of the emotion, 0 to 2")
    mouth: float = option(1.0, "strength of the mouth's motion, 0 to 2")
    upper_face: float = option(1.0, "strength of brows, lids and cheeks, 0 to 2")
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
    start: float = option(0.0, "seconds to skip at the start of the sound")
    duration: float | None = option(None, "seconds of sound to use")

    def __post_init__(self) -> None:
        as_fps(self.fps)
        for name in ("intensity", "mouth", "upper_face"):
            self._range(name, getattr(self, name), 0.0, 2.0)
        self._range("start", self.start, 0.0, 1e6)
        if self.duration is not None and not 0 < self.duration < 1e6:
            raise UsageError(
                f"--duration {self.duration} is not a positive number of seconds", remedy="use e.g. 10"
            )
        if not (isinstance(self.seed, int) and 0 <= self.seed < 2**63):
            raise UsageError(f"--seed {self.seed} is not a whole number of at least 0", remedy="use e.g. 1")
        if self.text is not None and self.alignment is not None:
            raise UsageError("--text and --alignment exclude each other", remedy="give one of them")
        if self.look_at is not None and (len(self.look_at) != 3 or not np.isfinite(self.look_at).all()):
            raise UsageError(
                f"--look-at {self.look_at} is not three numbers", remedy="use X,Y,Z in cm, e.g. 0,0,100"
            )

    @staticmethod
    def _range(name: str, value: float, low: float, high: float) -> None:
        if not low <= value <= high:
            flag = "--" + name.replace("_", "-")
            raise UsageError(
                f"{flag} {value} is not in {low:g}..{high:g}", remedy=f"use a number in {low:g}..{high:g}"
            )

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
    show: str = option("color", "color, depth (lighter is nearer; 16 bits in PNG) or mask")
    background: str = option("#2b2f36", "colour as #rrggbb, or an image file", file=True)
    light: str = option(
        "studio", "studio, or a picture all round (.hdr, .exr, .jpg; its middle before the face)", file=True
    )
    alpha: bool = option(False, "transparent background (.png, .mov or a folder)")
    resume: bool = option(False, "go on with a long video that was stopped")

    def __post_init__(self) -> None:
        width, height = self.pixels
        if width % 2 or height % 2 or not 16 <= width <= 8192 or not 16 <= height <= 8192:
            raise UsageError(
                f"--size {self.size} is not two even numbers in 16..8192", remedy="use e.g. 1280x720"
            )

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height."""
        try:
            width, height = (int(n) for n in self.size.lower().split("x"))
        except ValueError as error:
            raise UsageError(
                f"--size {self.size!r} is not WIDTHxHEIGHT", remedy="use e.g. 1280x720"
            ) from error
        return width, height


@dataclass(frozen=True)
class PortraitConfig:
    """Settings of one talking portrait. Raises UsageError for values out of range."""

    size: int | None = option(None, "longest side of the video in pixels (default: as the picture)")
    draft: bool = option(False, "a quick preview: small and without the refiner")
    face: tuple[float, ...] | None = option(None, "which of several faces: a place on it, in pixels: X,Y")
    audio: str | None = option(None, "sound to mux into the video of an animation", file=True)
    steps: int | None = option(
        None, "steps of the refiner or the backbone (default: 2 for the mouth, 1 for lids; 8 with a backbone)"
    )
    refiner: str = option(
        "built-in",
        "what paints mouth and lids: built-in, none, or an .onnx file of a trained refiner for the mouth alone",
    )
    backbone: str | None = option(
        None, "local diffusers folder (img2img, inpaint or ControlNet) that refines", file=True
    )
    strength: float = option(0.35, "how far the backbone may leave the warped picture, 0 to 1")
    prompt: str = option("a photo of a person talking", "what a backbone with a text encoder is told")
    mark: bool = option(False, "a visible mark: AI-GENERATED in the corner")
    watermark: bool = option(True, "invisible mark in the pixels")
    provenance: bool = option(True, "note in the file that the video is made by a program")
    resume: bool = option(False, "go on with a render that was stopped")

    def __post_init__(self) -> None:
        if self.size is not None and not 64 <= self.size <= 4096:
            raise UsageError(f"--size {self.size} is not in 64..4096", remedy="use e.g. 512")
        if self.steps is not None and not 1 <= self.steps <= 100:
            raise UsageError(f"--steps {self.steps} is not in 1..100", remedy="use e.g. 4")
        if not 0 <= self.strength <= 1:
            raise UsageError(f"--strength {self.strength} is not in 0..1", remedy="use e.g. 0.35")
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
    workers: int = option(0, "processes that work side by side; 0 is one a core")
    engine: str = option("local", "local: processes of this machine; ray: a Ray cluster (extra batch)")
    resume: bool = option(
        False, "redo only what is missing, failed or changed since the last run into the folder"
    )
    fail_fast: bool = option(False, "stop at the first job that fails")
    retries: int = option(1, "times to repeat a job whose process died, ran out of time or could not write")
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
    cpus: float = option(1.0, "ray: processors that a job takes")
    gpus: float = option(0.0, "ray: GPUs that a job takes")

    def __post_init__(self) -> None:
        for flag, low, high in (
            ("workers", 0, 4096),
            ("retries", 0, 100),
            ("cpus", 0, 4096),
            ("gpus", 0, 64),
        ):
            value = getattr(self, flag)
            if not low <= value <= high:
                raise UsageError(f"--{flag} {value} is not in {low}..{high}", remedy=f"use {low}..{high}")
        for flag in ("timeout", "memory"):
            value = getattr(self, flag)
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
class StreamConfig:
    """Settings of a live stream. Raises UsageError for values out of range."""

    latency: float = option(300.0, "ms from a sound to its frame, 60 to 2000: more lets lips foresee more")
    realtime: bool = option(False, "frames at the pace of the sound, where they go to a file or pipe too")
    rate: int = option(16000, "Hz of raw 16-bit mono sound from a pipe that has no WAV header")
    device: str | None = option(
        None, "microphone: a part of its name, or its number  [default: the system's]"
    )

    def __post_init__(self) -> None:
        number = isinstance(self.latency, int | float) and not isinstance(self.latency, bool)
        if not number or not 60 <= self.latency <= 2000:
            raise UsageError(
                f"--latency {self.latency} is not a number of ms in 60..2000", remedy="use e.g. 300"
            )
        if isinstance(self.rate, bool) or not isinstance(self.rate, int) or not 8000 <= self.rate <= 192_000:
            raise UsageError(
                f"--rate {self.rate} is not in 8000..192000 Hz", remedy="give samples a second, e.g. 16000"
            )


@dataclass(frozen=True)
class ServeConfig:
    """Settings of the service. Raises UsageError for values out of range."""

    host: str = option("127.0.0.1", "address to listen at; others than this machine's own need a token")
    port: int = option(8420, "port to listen at; 0 is any that is free")
    token: str | None = option(
        None, "secret that each request must bear (Authorization: Bearer …)  [default: FACEGEN_TOKEN]"
    )
    workers: int = option(0, "processes that work side by side; 0 is one a core")
    waiting: int = option(100, "jobs that may wait; more are told to come back later")
    largest: int = option(200, "megabytes of the largest sound that is taken")
    timeout: float = option(600.0, "seconds after which a job is stopped")
    memory: int | None = option(None, "megabytes that one job may use")
    keep: float = option(24.0, "hours that results are kept")

    def __post_init__(self) -> None:
        bounds = {"port": (0, 65535), "workers": (0, 4096), "waiting": (0, 1e6), "largest": (1, 1e6)}
        for flag, (low, high) in {**bounds, "timeout": (0.1, 1e6), "keep": (0.001, 1e6)}.items():
            value = getattr(self, flag)
            if not low <= value <= high:
                raise UsageError(f"--{flag} {value} is not in {low:g}..{high:g}", remedy="choose one in it")


def defaults(kind: type) -> dict[str, Any]:
    """Option name to default of a config class."""
    return {f.name: f.default for f in fields(kind)}
