r"""The protocols of file formats: what a class needs so that facegen can write or read a format.

A format is one class, usually with both halves in one file. It is registered by its suffix, either in
``facegen/core/registry.py`` or, from another package, by an entry point in the group ``facegen.exporters`` or
``facegen.importers``:

.. code-block:: toml

    [project.entry-points."facegen.exporters"]
    ".jaw" = "my_package:JawCsv"

A complete exporter and importer of one curve as text:

.. code-block:: python

    class JawCsv:
        suffix = ".jaw"

        def files(self, animation, rig, options):
            rows = "\n".join(f"{value:.4f}" for value in animation.channel("jawOpen"))
            return {"": rows.encode()}

        def read(self, path):
            values = np.loadtxt(path, dtype=np.float32, ndmin=1)
            return Animation(Fraction(30), ("jawOpen",), values[:, None])
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Protocol

from facegen.core.animation import Animation
from facegen.core.files import Content
from facegen.rig import Rig


class Exporter(Protocol):
    """A format that can be written.

    An exporter never opens a file: it returns contents, and ``facegen.formats.save`` writes each of them whole or not
    at all. One instance writes one animation; it is made without arguments.

    Attributes
    ----------
    suffix : str
        The suffix that selects the format, with its dot (``.csv``). One that ends with ``/`` is that of a folder.
    needs_layers : bool, optional
        True where the format stores layers or phones: ``files`` then receives the ``Take`` itself where there is one.
        All other formats receive the take flattened to one animation.
    reduces : bool, optional
        True where the format has curves between keys, so that it understands the option ``reduce``.
    """

    suffix: str

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, Content]:
        """Return the contents of the file or files.

        Parameters
        ----------
        animation : Animation
            Curves ``values`` (T, C) float32, mostly 0 to 1, at ``fps`` frames per second, with at least one frame and
            one control; ``head`` (T, 6) float32 or None: yaw, pitch and roll in radians, x, y and z in cm.
        rig : Rig or None
            The rig that the user named, for formats with a mesh.
        options : Mapping
            ``name`` (the file's name without its suffix) and those of ``facegen.formats.OPTIONS`` that were given.

        Returns
        -------
        dict of str to Content
            Bytes, or an iterable of bytes that is consumed once, by file name. ``""`` is the output itself, other
            names lie beside it (in it, for a folder). Contents are consumed in order, ``""`` last.

        Raises
        ------
        UsageError
            For an animation that the format cannot hold.
        """
        ...


class Importer(Protocol):
    """A format that can be read."""

    def read(self, path: str | PathLike[str]) -> Animation:
        """Read the file ``path``.

        Parameters
        ----------
        path : str or PathLike
            An existing file; it may hold anything.

        Returns
        -------
        Animation
            The curves of the file under their own names, ARKit controls in ARKit's spelling.

        Raises
        ------
        AnimationFileError
            For a broken file. ValueError, KeyError and the like are turned into it by the caller.
        """
        ...
