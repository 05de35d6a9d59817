"""Drawing animations on heads: renderers make frames, writers put them into videos and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Protocol

import numpy as np

from facegen.config import RenderConfig
from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, UsageError
from facegen.core.files import check_writable
from facegen.core.progress import Progress
from facegen.core.registry import Registry, suffix_of
from facegen.renderers.camera import Camera, camera_for, read_camera
from facegen.renderers.clip import Clip, ClipWriter
from facegen.renderers.images import Png, PngFolder, make_background
from facegen.renderers.lights import read_surroundings
from facegen.renderers.output_passes import check_channel, depths, masks
from facegen.renderers.resumable import render_fingerprint, write_resumable
from facegen.rig import Rig, default_head, load_rig

__all__ = [
    "Camera",
    "Renderer",
    "camera_for",
    "check_channel",
    "clip_writer",
    "make_background",
    "read_camera",
    "render_file",
]


LONG_S, PART_S = 120.0, 60.0
"""A longer video is drawn in parts of so many seconds, so that a render that was stopped can go on."""


class Renderer(Protocol):
    """Something that draws a rig's head in motion."""

    def frames(
        self,
        rig: Rig,
        animation: Animation,
        camera: Camera,
        size: tuple[int, int],
        background: np.ndarray | None = None,
        fine: bool = False,
    ) -> Iterator[np.ndarray]:
        """Each frame as [H, W, 3] uint8 over ``background`` [H, W, 3]; without one [H, W, 4], straight alpha.

        ``fine`` asks for the smoothest edges, whatever the time.
        """
        ...


def render_file(
    animation: Animation,
    path: str | PathLike,
    config: RenderConfig | None = None,
    progress: Progress | None = None,
    *,
    audio_start: float = 0.0,
) -> None:
    """Draw ``animation`` to ``path``: a video, a GIF, a PNG of the first frame, or a folder of PNGs.

    ``audio_start`` is the second of ``config.audio`` at which the animation begins; ``progress`` is called with
    "render" and the seconds drawn. Raises UsageError for settings that name nothing, AudioError and ImageError
    for broken input, MissingExtraError and MissingSystemError where drawing is not possible here.
    """
    config = config or RenderConfig()
    check_channel(config.show)
    writer = clip_writer(path)
    if config.alpha and config.show != "color":
        raise UsageError(f"--show {config.show} has no transparency", remedy="leave --alpha out")
    if config.alpha and not writer.alpha:
        raise UsageError(
            f"{writer.suffix} has no transparency",
            remedy="write .png, .mov or a folder, or leave --alpha out",
        )
    if not len(animation):
        raise AnimationFileError("the animation has no frames", remedy="give at least one")
    rig = default_head(load_rig(config.rig))
    if animation.controls and not set(animation.controls) & set(rig.control_names):
        raise UsageError(
            f"the rig {rig.name} has none of the animation's controls ({animation.controls[0]} …)",
            remedy=f"retarget it first: facegen retarget ANIM --to {rig.name} -o OUT",
        )
    if not isinstance(writer, PngFolder):
        check_writable(path)
    size = config.pixels
    camera = camera_for(rig, config.camera, size)
    background = None if config.alpha else make_background(config.background, size)
    still = writer.suffix == ".png"
    shown = animation.slice(0.0, float(1 / animation.fps)) if still else animation
    renderer = _renderer(config)
    clip = Clip(animation.fps, size, len(shown), config.audio, audio_start, config.alpha, progress)
    if shown.seconds > LONG_S and hasattr(writer, "join") and _in_parts(config, camera):

        def part(first: int, last: int) -> Iterator[np.ndarray]:
            rows = shown.head[first:last] if shown.head is not None else None
            piece = Animation(shown.fps, shown.controls, shown.values[first:last], rows)
            return renderer.frames(rig, piece, camera, size, background, fine=False)

        key = render_fingerprint(
            shown.values, shown.head, shown.controls, shown.fps, replace(config, resume=False), audio_start
        )
        write_resumable(path, writer, clip, part, key, config.resume, {}, PART_S)
        return
    if config.show == "color":
        frames = renderer.frames(rig, shown, camera, size, background, fine=still)
    elif config.show == "depth":
        frames = depths(renderer, rig, shown, camera, size, deep=isinstance(writer, Png | PngFolder))
    else:
        frames = masks(renderer, rig, shown, camera, size)
    writer.write(path, frames, clip)


def _renderer(config: RenderConfig) -> Renderer:
    renderer = Registry("renderers").get(config.renderer)
    light = read_surroundings(config.light)
    if light is None:
        return renderer()  # type: ignore[no-any-return]
    if not getattr(renderer, "takes_surroundings", False):
        raise UsageError(f"{config.renderer} has the studio's light only", remedy="use --renderer raster")
    return renderer(light)  # type: ignore[no-any-return]


def _in_parts(config: RenderConfig, camera: Camera) -> bool:
    """Whether a part of the video can be drawn by itself: opaque, in colour, by a camera that stands still."""
    return config.show == "color" and not config.alpha and type(camera) is Camera


def clip_writer(path: str | PathLike) -> ClipWriter:
    """The writer for ``path``: by its suffix, or the one for folders. Raises UsageError for other suffixes."""
    name, videos = fspath(path), Registry("videos")
    suffix = suffix_of(name, videos.names())
    if name.endswith(("/", "\\")) or (not suffix and (Path(name).is_dir() or not Path(name).suffix)):
        return PngFolder()
    if not suffix:
        known = ", ".join([*videos.names(), "folder/"])
        raise UsageError(
            f"no video or picture format ends in {Path(name).suffix!r}", remedy=f"use one of {known}"
        )
    return videos.get(suffix)()
