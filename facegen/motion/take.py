"""``Take``: layers of motion over one another with what they were made from, and how they compose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from facegen.core.animation import Animation, frozen, owned, same
from facegen.core.errors import AnimationFileError, UsageError, nearest
from facegen.core.units import as_fps
from facegen.emotion import EmotionTrack
from facegen.rig import ARKIT
from facegen.speech.phones import PhoneTrack

MODES = ("add", "max", "multiply", "replace")
HAND = "hand"
"""The layer of an animator's own changes: it lies on top, is never smoothed and survives a new solve."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a take.

    Parameters
    ----------
    name : str
        Such as ``lips``, ``blink`` or ``hand``; once in a take.
    mode : str
        How it lies over those below: ``add``, ``max``, ``multiply`` or ``replace``.
    animation : Animation
        Its motion, on its own controls.
    mask : ndarray of float32, shape (T,), or None
        In 0..1, fades the layer in and out frame by frame.

    Raises
    ------
    AnimationFileError
        For an unknown mode, or a mask that is not one value in 0..1 a frame.
    """

    name: str
    mode: str
    animation: Animation
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise AnimationFileError(
                f"the layer {self.name!r} has mode {self.mode!r}", remedy=nearest(self.mode, MODES)
            )
        if self.mask is not None:
            object.__setattr__(self, "mask", frozen(self.mask, "mask", 1))
            if len(self.mask) != len(self.animation) or (self.mask < 0).any() or (self.mask > 1).any():  # type: ignore
                raise AnimationFileError(f"the mask of layer {self.name!r} is not [T] values in 0..1")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Layer):
            return NotImplemented
        named = (self.name, self.mode) == (other.name, other.mode)
        return named and same(self.mask, other.mask) and self.animation == other.animation

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Take:
    """Everything one solve gives: layers of equal length and rate, the phones and the emotion behind them.

    Parameters
    ----------
    fps : Fraction or what ``as_fps`` reads
        Frames a second.
    frames : int
        Length of all layers.
    audio : mapping
        The sound's ``name``, its exact length in ``seconds`` and, for a file, its ``path``.
    phones : PhoneTrack
        What is said.
    emotion : EmotionTrack
        What is felt.
    layers : tuple of Layer
        From the lowest up.
    config : mapping
        The settings as plain values.

    Raises
    ------
    AnimationFileError
        For layers that disagree in length or rate, or share a name.
    """

    fps: Fraction
    frames: int
    audio: Mapping[str, Any] = field(default_factory=dict)
    phones: PhoneTrack = PhoneTrack()
    emotion: EmotionTrack = EmotionTrack()
    layers: tuple[Layer, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "fps", as_fps(self.fps))
        put(self, "layers", tuple(self.layers))
        put(self, "audio", MappingProxyType(dict(self.audio)))
        put(self, "config", MappingProxyType(dict(self.config)))
        for layer in self.layers:
            if len(layer.animation) != self.frames or layer.animation.fps != self.fps:
                raise AnimationFileError(
                    f"the layer {layer.name!r} has {len(layer.animation)} frames at {layer.animation.fps} fps, "
                    f"the take {self.frames} at {self.fps}"
                )
        names = [layer.name for layer in self.layers]
        if len(set(names)) != len(names):
            raise AnimationFileError(f"two layers share a name: {', '.join(names)}", remedy="rename one")

    def layer(self, name: str) -> Layer:
        """The layer called ``name``. Raises UsageError, with the nearest names, where there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise UsageError(f"no layer is called {name!r}", remedy=nearest(name, [x.name for x in self.layers]))

    def with_layer(self, layer: Layer) -> Take:
        """The take with ``layer`` on top, or in the place of the one of that name."""
        names = [x.name for x in self.layers]
        if layer.name in names:
            at = names.index(layer.name)
            return replace(self, layers=(*self.layers[:at], layer, *self.layers[at + 1 :]))
        return replace(self, layers=(*self.layers, layer))

    def without(self, *names: str) -> Take:
        """The take without the layers of these names."""
        return replace(self, layers=tuple(x for x in self.layers if x.name not in names))


def compose(take: Take, controls: Sequence[str] = ARKIT) -> Animation:
    """All layers as one animation.

    The solved layers are laid in order and smoothed, then the animator's ``hand`` layer, then all is limited to 0..1.

    Parameters
    ----------
    take : Take
        Its ``config["passes"]`` says which of ``smooth`` and ``limit`` run; both where it is silent.
    controls : sequence of str
        The controls of the result; what layers do to others is left out.

    Returns
    -------
    Animation
        ``take.frames`` frames, with a head pose if any layer has one.
    """
    passes = take.config.get("passes", ("smooth", "limit"))
    values = np.zeros((take.frames, len(controls)), np.float32)
    head = np.zeros((take.frames, 6), np.float32)
    for layer in take.layers:
        if layer.name != HAND:
            _lay(values, head, controls, layer)
    if "smooth" in passes:
        values = smooth(values, take.fps)
    for layer in take.layers:
        if layer.name == HAND:
            _lay(values, head, controls, layer)
    if "limit" in passes:
        np.clip(values, 0.0, 1.0, out=values)
    moves = any(layer.animation.head is not None for layer in take.layers)
    about = {name: value for name, value in take.audio.items() if name != "path"}
    meta = {"audio": about} if about else {}
    return Animation(take.fps, tuple(controls), owned(values), owned(head) if moves else None, meta)


def _lay(values: np.ndarray, head: np.ndarray, controls: Sequence[str], layer: Layer) -> None:
    """Lay one layer over ``values`` [T, C] and ``head`` [T, 6], in place."""
    mask = None if layer.mask is None else layer.mask
    for column, name in enumerate(layer.animation.controls):
        if name in controls:
            at = controls.index(name)
            values[:, at] = _blend(values[:, at], layer.animation.values[:, column], layer.mode, mask)
    if layer.animation.head is not None:
        mode = layer.mode if layer.mode in ("add", "replace") else "add"
        for column in range(6):
            head[:, column] = _blend(head[:, column], layer.animation.head[:, column], mode, mask)


def _blend(below: np.ndarray, above: np.ndarray, mode: str, mask: np.ndarray | None) -> np.ndarray:
    if mode == "add":
        result = below + above
    elif mode == "max":
        result = np.maximum(below, above)
    elif mode == "multiply":
        result = below * above
    else:
        result = above
    return result if mask is None else below + mask * (result - below)


SMOOTH_SECONDS = 0.085
"""Span of the smoothing window: short enough to keep a bilabial's closure (about 80 ms)."""


def smooth(values: np.ndarray, fps: Fraction) -> np.ndarray:
    """Curves under a cubic Savitzky-Golay filter over SMOOTH_SECONDS.

    Parameters
    ----------
    values : ndarray of float32, shape (T, C)
    fps : Fraction
        Frames a second. Below 60 the window would hold fewer than five frames, and nothing changes.

    References
    ----------
    Savitzky and Golay 1964, "Smoothing and differentiation of data by simplified least squares procedures".
    """
    window = int(SMOOTH_SECONDS * fps) // 2 * 2 + 1
    if window < 5 or len(values) < window:
        return values
    places = np.arange(window) - window // 2
    kernel = np.linalg.pinv(np.vander(places, 4, increasing=True))[0].astype(np.float32)
    padded = np.pad(values, ((window // 2, window // 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(sliding_window_view(padded, window, axis=0) @ kernel)
