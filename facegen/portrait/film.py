"""A portrait written to a file: in parts that are kept when a render is stopped, then joined with the sound."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike

from facegen.animation import Animation
from facegen.config import PortraitConfig
from facegen.files import check_writable
from facegen.portrait.picture import DRAFT_LONGEST, read_photo
from facegen.portrait.scene import make_scene
from facegen.portrait.vision import opencv
from facegen.renderers import clip_writer
from facegen.renderers.clip import Clip
from facegen.renderers.images import PngFolder

Progress = Callable[[str, float], None]


def check_portrait(config: PortraitConfig) -> None:
    """What the settings ask for is here: found out before the work. Raises MissingExtraError and MissingSystemError."""
    from facegen.track.mesh import face_finder

    opencv()
    face_finder().close()


def portrait_file(
    animation: Animation,
    image: str | PathLike,
    path: str | PathLike,
    config: PortraitConfig | None = None,
    progress: Progress | None = None,
    *,
    audio: str | None = None,
    audio_start: float = 0.0,
) -> None:
    """Let the face in ``image`` show ``animation`` in the video ``path``, with the sound of the file ``audio`` from
    ``audio_start`` s on.

    Raises ImageError for a picture without a usable face, MissingExtraError and MissingSystemError where this machine
    lacks what is needed.
    """
    config = config or PortraitConfig()
    writer = clip_writer(path)
    if not isinstance(writer, PngFolder):
        check_writable(path)
    size = config.size or (DRAFT_LONGEST if config.draft else None)
    scene = make_scene(read_photo(image, size, config.face), str(image))
    frames = scene.frames(animation, config.draft)
    clip = Clip(animation.fps, scene.size, len(animation), audio, audio_start, False, progress)
    writer.write(path, frames, clip)
