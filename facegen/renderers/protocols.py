"""The protocols of drawing: what a renderer and a writer of pictures or videos need.

A renderer turns curves into frames, a clip writer turns frames into a file; ``facegen.renderers.render_file`` joins the
two. Either is registered by name in ``facegen/core/registry.py`` or, from another package, by an entry point in the
group ``facegen.renderers`` or ``facegen.videos`` (there the name is the suffix):

.. code-block:: toml

    [project.entry-points."facegen.renderers"]
    flat = "my_package:FlatRenderer"

A complete renderer that draws nothing but the background:

.. code-block:: python

    class FlatRenderer:
        def frames(self, rig, animation, camera, size, background=None, fine=False):
            width, height = size
            for _ in range(len(animation)):
                if background is None:
                    yield np.zeros((height, width, 4), np.uint8)
                else:
                    yield background.copy()
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facegen.core.animation import Animation
from facegen.renderers.camera import Camera
from facegen.renderers.clip import Clip
from facegen.rig import Rig


class Renderer(Protocol):
    """Something that draws a rig's head in motion.

    It is made without arguments, or with an ``Environment`` (light from an image) where its class says
    ``takes_surroundings = True``.
    """

    def frames(
        self,
        rig: Rig,
        animation: Animation,
        camera: Camera,
        size: tuple[int, int],
        background: NDArray[np.uint8] | None = None,
        fine: bool = False,
    ) -> Iterator[NDArray[np.uint8]]:
        """Draw each frame of ``animation``.

        Parameters
        ----------
        rig : Rig
            A rig with a mesh.
        animation : Animation
            Curves for the rig's controls; controls that the rig lacks are ignored.
        camera : Camera
            Where the picture is taken from, cm.
        size : tuple of int
            Width and height W, H in pixels.
        background : (H, W, 3) uint8, optional
            The picture behind the head, top row first.
        fine : bool
            Ask for the smoothest edges, whatever the time.

        Yields
        ------
        (H, W, 3) uint8
            One frame, sRGB, top row first; (H, W, 4) with straight alpha where there is no background. Each frame
            is an array of its own: the encoder's queue still holds earlier ones.
        """
        ...


class ClipWriter(Protocol):
    """A file format for frames.

    Attributes
    ----------
    suffix : str
        The suffix that selects the format, with its dot.
    alpha : bool
        Whether the format keeps transparency.
    sound : bool
        Whether the format holds the clip's sound.
    """

    suffix: str
    alpha: bool
    sound: bool

    def write(self, path: str | PathLike[str], frames: Iterator[NDArray[np.uint8]], clip: Clip) -> None:
        """Write ``frames`` to ``path``, whole or not at all.

        Parameters
        ----------
        path : str or PathLike
            The output file.
        frames : iterator of (H, W, 3 or 4) uint8
            ``clip.count`` frames of ``clip.size``; the writer closes the iterator.
        clip : Clip
            Frame rate, size, length and sound. ``clip.report`` is called with the number of frames written so far.

        Raises
        ------
        OutputError
            Where ``path`` cannot be written.
        AudioError
            For sound that cannot be read.
        """
        ...
