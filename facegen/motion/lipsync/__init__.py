"""Lip sync: phone features to mouth shapes. Derive from ``Decoder`` to write your own.

A decoder needs the names of its controls and one method, ``decode``; ``rows`` comes with it and may be replaced by a
quicker one. A package offers its decoder to ``--decoder NAME`` by an entry point of the group ``facegen.decoders`` that
names the class; it is called without arguments.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from os import PathLike, fspath
from pathlib import PurePath
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.registry import Registry
from facegen.core.units import FEATURE_HZ
from facegen.emotion import EmotionTrack
from facegen.motion.context import Context
from facegen.speech.phones import Features, PhoneTrack


@runtime_checkable
class Decoder(Protocol):
    """A lip-sync decoder: what ``--decoder`` chooses.

    Attributes
    ----------
    controls : tuple of str
        The ARKit controls of jaw, mouth and tongue that it moves, in the order of its columns.
    before, ahead : int
        Feature frames (of 10 ms) before and after a frame on which that frame may depend. Live lips wait for ``ahead`` of
        them, or take those that are missing to be like the last.
    """

    controls: tuple[str, ...]
    before: int = 600
    ahead: int = 20

    def decode(self, context: Context) -> Animation:
        """The ``lips`` layer of a whole clip.

        Parameters
        ----------
        context : Context
            ``context.features`` holds the phones at 100 Hz; ``context.at_frames`` reads rows of that rate at the
            animation's frames.

        Returns
        -------
        Animation
            ``context.frames`` frames of ``controls`` in 0..1 at ``context.fps``.

        Raises
        ------
        UsageError
            For a style that it does not know.
        ModelError
            For a model that fails to run.
        """
        ...

    def rows(self, features: Features, config: Config, span: slice = slice(0, None)) -> NDArray[np.float32]:
        """The controls of each feature frame, by ``config.style``.

        Parameters
        ----------
        features : Features
            F frames at 100 Hz, the first of which has an even number in its sound.
        config : Config
            Settings such as ``style`` and ``mouth``.
        span : slice
            The frames that are wanted; its start is even. Others need not be computed.

        Returns
        -------
        ndarray of float32, shape (F, C)
            By default what ``decode`` gives at 100 frames a second.
        """
        context = Context(config, Fraction(FEATURE_HZ), len(features), features, PhoneTrack(), EmotionTrack())
        return np.asarray(self.decode(context).values, np.float32)


def load_decoder(name: str | PathLike) -> Decoder:
    """The decoder called ``name``, or the learned one with the network in the ONNX file ``name``.

    Parameters
    ----------
    name : str or path
        A name of the registry ``decoders`` (``learned``, ``rules``, or what an installed package adds), or a file
        ``*.onnx``.

    Returns
    -------
    Decoder
        One that is called by its name is loaded once and shared.

    Raises
    ------
    UsageError
        For an unknown name.
    ModelError
        For a file that is no decoder.
    """
    decoders, text = Registry("decoders"), fspath(name)
    if text not in decoders and PurePath(text).suffix == ".onnx":
        return decoders.get("learned")(text)
    return _shared(text)


@lru_cache(maxsize=4)
def _shared(name: str) -> Decoder:
    return Registry("decoders").get(name)()
