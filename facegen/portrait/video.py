"""Writing a portrait video: build the scene, draw, refine and watermark each frame, mux the sound."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from os import PathLike

import numpy as np

from facegen import __version__
from facegen.config import PortraitConfig
from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError
from facegen.core.files import check_writable
from facegen.core.progress import Progress
from facegen.emotion import EmotionTrack
from facegen.portrait.conditioning import conditioning_vectors
from facegen.portrait.diffusers_backbone import Backbone, read_kind
from facegen.portrait.photo import DRAFT_LONGEST, read_photo
from facegen.portrait.refiner import BUILT_IN, LEAST_TRUTH, MOUTH, PARTS, Refiner, Sampler, load_samplers
from facegen.portrait.scene import Painter, PortraitScene, make_portrait_scene
from facegen.portrait.segmentation import opencv
from facegen.portrait.warp import FrameState
from facegen.portrait.watermark import Watermark, provenance
from facegen.renderers import clip_writer
from facegen.renderers.clip import Clip
from facegen.renderers.images import PngFolder
from facegen.renderers.resumable import render_fingerprint, write_resumable

LOG = logging.getLogger("facegen.portrait")
ESTIMATE_FRAMES = 4
"""Frames that are drawn to estimate the duration of the whole render."""


@dataclass(frozen=True)
class PortraitAudio:
    """What a portrait needs beside the curves.

    Attributes
    ----------
    audio : str or None
        The sound file to mux.
    start : float
        Second of the sound at which the animation begins.
    emotion : EmotionTrack or None
        Conditions the refiner.
    seed : int
        Seed of the refiner's noise.
    """

    audio: str | None = None
    start: float = 0.0
    emotion: EmotionTrack | None = None
    seed: int = 0


def check_portrait(config: PortraitConfig) -> None:
    """Check, before any work, that everything which ``config`` asks for is installed.

    Raises
    ------
    MissingExtraError, MissingSystemError
        Where a package or a driver is missing.
    ModelError
        Where a model file is missing or broken.
    """
    from facegen.tracking.mediapipe_landmarks import face_finder

    opencv()
    face_finder().close()
    if config.backbone is not None:
        read_kind(config.backbone)
    load_samplers(config.refiner, config.steps, 0)


def write_portrait(
    animation: Animation,
    image: str | PathLike,
    path: str | PathLike,
    config: PortraitConfig | None = None,
    speech: PortraitAudio | None = None,
    progress: Progress | None = None,
) -> None:
    """Animate the face in a photo and write the video (or GIF, PNG, folder of PNGs).

    Videos are written in parts; an interrupted render leaves them in ``path``.parts for ``config.resume``.

    Parameters
    ----------
    animation : Animation
        ARKit curves (T, 52) float32 and head pose.
    image : str or PathLike
        The photo.
    path : str or PathLike
        The output file or folder.
    config : PortraitConfig, optional
        Size, refiner, watermark and the like.
    speech : PortraitAudio, optional
        Sound and emotion.
    progress : callable, optional
        Called with "estimate" and the expected duration in s, then with "render" and the seconds drawn.

    Raises
    ------
    AnimationFileError
        For an animation without frames.
    ImageError
        For a picture without a usable face.
    MissingExtraError, MissingSystemError
        Where this machine lacks what is needed.
    """
    config, speech = config or PortraitConfig(), speech or PortraitAudio()
    writer = clip_writer(path)
    if not len(animation):
        raise AnimationFileError("the animation has no frames", remedy="give at least one")
    if not isinstance(writer, PngFolder):
        check_writable(path)
    size = config.size or (DRAFT_LONGEST if config.draft else None)
    scene = make_portrait_scene(read_photo(image, size, config.face), str(image))
    render = _PortraitRender(scene, animation, config, speech)
    if progress is not None:
        seconds = render.estimate()
        progress("estimate", seconds, seconds)
    clip = Clip(animation.fps, scene.size, len(animation), speech.audio, speech.start, False, progress)
    if not hasattr(writer, "join"):
        writer.write(path, render.frames(0, 1 if writer.suffix == ".png" else len(animation)), clip)
        return
    notes = provenance() if config.provenance else {}
    write_resumable(path, writer, clip, render.frames, render.key(), config.resume, notes)


class _PortraitRender:
    """Draws the frames of one render."""

    def __init__(
        self, scene: PortraitScene, animation: Animation, config: PortraitConfig, speech: PortraitAudio
    ) -> None:
        self._scene, self._animation, self._config, self._speech = scene, animation, config, speech
        self._marks = Watermark(scene.photo.pixels, config.mark, config.watermark)
        self._samplers: dict[str, Sampler] = {}
        self._tokens: np.ndarray | None = None
        self._backbone: Backbone | None = None
        if config.backbone is not None and not config.draft:
            self._backbone = Backbone(config.backbone, scene.puppet, config, speech.seed)
        elif not config.draft:
            self._samplers = load_samplers(config.refiner, config.steps, speech.seed)
            self._disable_for_drawings()
        if self._samplers:
            self._tokens = conditioning_vectors(
                len(animation), animation.fps, speech.emotion, speech.audio, speech.start
            )

    def _disable_for_drawings(self) -> None:
        """Switch the built-in refiner off for drawings: it is trained on photos and renderings and would blur their lips."""
        if self._config.refiner != BUILT_IN:
            return
        (mouth,) = self._refiners(MOUTH)
        if mouth.drawn() or mouth.truth() < LEAST_TRUTH:
            LOG.warning("the picture is unlike those that the refiner knows; the face is warped, not painted")
            self._samplers = {}

    def _refiners(self, part: str) -> list[Refiner]:
        """One for each place of the part."""
        warp, photo = self._scene.puppet, self._scene.photo.pixels
        return [Refiner(self._samplers[part], places, warp, photo) for places in PARTS[part].maps(warp)]

    def frames(self, first: int, last: int) -> Iterator[np.ndarray]:
        """Frames ``first`` to ``last`` (not itself), [H, W, 3] uint8."""
        fps = self._animation.fps
        piece = self._animation.slice(first / fps, last / fps)  # type: ignore[arg-type]
        for frame in self._scene.frames(piece, self._config.draft, self._painter(first)):
            yield self._marks.on(frame)

    def _painter(self, first: int) -> Painter | None:
        if self._backbone is not None:
            return self._backbone
        if self._tokens is None:
            return None
        refiners = [refiner for part in self._samplers for refiner in self._refiners(part)]
        return _RefinedFrames(refiners, self._tokens[first:])

    def estimate(self) -> float:
        """Expected duration of the whole render, s."""
        count = min(ESTIMATE_FRAMES, len(self._animation))
        frames = self.frames(0, count)
        next(frames)
        began = time.perf_counter()
        others = sum(1 for _ in frames)
        each = (time.perf_counter() - began) / max(others, 1)
        return each * len(self._animation)

    def key(self) -> str:
        """Fingerprint of everything that the frames depend on."""
        take, config = self._animation, replace(self._config, resume=False)
        head = take.head if take.head is not None else np.zeros(0)
        photo = self._scene.photo
        speech = (self._speech.audio, self._speech.start, self._speech.seed)
        return render_fingerprint(
            __version__, config, speech, take.fps, take.controls, take.values, head, photo.pixels
        )


class _RefinedFrames:
    """Applies the refiners to the frames of one part of the video, in order."""

    def __init__(self, refiners: list[Refiner], tokens: np.ndarray) -> None:
        self._refiners, self._tokens = refiners, tokens
        self._before: list[np.ndarray | None] = [None] * len(refiners)

    def __call__(self, number: int, part: np.ndarray, now: FrameState, origin: tuple[int, int]) -> np.ndarray:
        tokens = self._tokens[number]
        for place, refiner in enumerate(self._refiners):
            part, self._before[place] = refiner.paint(part, now, origin, self._before[place], tokens)
        return part
