"""Drawing animations on heads: renderers make frames, clip writers put them into videos and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen.config import RenderConfig
from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, UsageError
from facegen.core.files import check_writable
from facegen.core.progress import Progress
from facegen.core.registry import Registry, suffix_of
from facegen.renderers.camera import Camera, Turntable, camera_for, read_camera
from facegen.renderers.clip import Clip
from facegen.renderers.images import Png, PngFolder, make_background
from facegen.renderers.lights import read_surroundings
from facegen.renderers.output_passes import check_channel, depths, masks
from facegen.renderers.protocols import ClipWriter, Renderer
from facegen.renderers.resumable import render_fingerprint, write_resumable
from facegen.rig import Rig, default_head, load_rig

__all__ = [
    "Camera",
    "ClipWriter",
    "Renderer",
    "camera_for",
    "check_channel",
    "clip_writer",
    "make_background",
    "read_camera",
    "render_file",
]


LONG_S, PART_S = 120.0, 60.0
"""Seconds: a video longer than LONG_S is drawn in parts of PART_S, so that an interrupted render can be
resumed. Chosen by trial."""


def render_file(
    animation: Animation,
    path: str | PathLike,
    config: RenderConfig | None = None,
    progress: Progress | None = None,
    *,
    audio_start: float = 0.0,
) -> None:
    """Draw ``animation`` to a video, a GIF, a PNG of the first frame, or a folder of PNGs.

    Parameters
    ----------
    animation : Animation
        Curves for controls of the rig ``config.rig``.
    path : str or PathLike
        The output; its suffix selects the writer, a trailing ``/`` a folder of PNGs.
    config : RenderConfig, optional
        Rig, renderer, camera, size, light, background and sound.
    progress : callable, optional
        Called with "render" and the seconds drawn.
    audio_start : float
        Second of ``config.audio`` at which the animation begins.

    Raises
    ------
    UsageError
        For unknown names of cameras, renderers, formats and the like.
    AnimationFileError
        For an animation without frames.
    AudioError, ImageError
        For broken input files.
    MissingExtraError, MissingSystemError
        Where drawing is not possible on this machine.
    """
    config = config or RenderConfig()
    writer = _checked_writer(path, config)
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
    camera = camera_for(rig, config.camera, config.pixels)
    still = writer.suffix == ".png"
    visible = animation.slice(0.0, float(1 / animation.fps)) if still else animation
    clip = Clip(animation.fps, config.pixels, len(visible), config.audio, audio_start, config.alpha, progress)
    _write(path, writer, clip, rig, visible, config, camera)


def _checked_writer(path: str | PathLike, config: RenderConfig) -> ClipWriter:
    """The writer of ``path``. Raises UsageError where it can't hold what ``config`` asks for."""
    check_channel(config.show)
    writer = clip_writer(path)
    if config.alpha and config.show != "color":
        raise UsageError(f"--show {config.show} has no transparency", remedy="leave --alpha out")
    if config.alpha and not writer.alpha:
        raise UsageError(
            f"{writer.suffix} has no transparency",
            remedy="write .png, .mov or a folder, or leave --alpha out",
        )
    return writer


def _write(
    path: str | PathLike,
    writer: ClipWriter,
    clip: Clip,
    rig: Rig,
    visible: Animation,
    config: RenderConfig,
    camera: Camera | Turntable,
) -> None:
    """Draw ``visible`` and write it, a long video in parts."""
    background = None if config.alpha else make_background(config.background, clip.size)
    renderer = _renderer(config)
    if visible.seconds > LONG_S and hasattr(writer, "join") and _in_parts(config, camera):

        def part(first: int, last: int) -> Iterator[NDArray[np.uint8]]:
            rows = visible.head[first:last] if visible.head is not None else None
            piece = Animation(visible.fps, visible.controls, visible.values[first:last], rows)
            return renderer.frames(rig, piece, camera, clip.size, background, fine=False)

        settings = replace(config, resume=False)
        curves = (visible.values, visible.head, visible.controls, visible.fps)
        key = render_fingerprint(*curves, settings, clip.audio_start)
        write_resumable(path, writer, clip, part, key, config.resume, {}, PART_S)
        return
    if config.show == "color":
        still = writer.suffix == ".png"
        frames = renderer.frames(rig, visible, camera, clip.size, background, fine=still)
    elif config.show == "depth":
        frames = depths(renderer, rig, visible, camera, clip.size, deep=isinstance(writer, Png | PngFolder))
    else:
        frames = masks(renderer, rig, visible, camera, clip.size)
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
    """Return the writer for ``path``: by its suffix, or the one for folders of PNGs.

    Raises
    ------
    UsageError
        For a suffix that no writer has.
    """
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
