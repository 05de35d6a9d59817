"""Where live frames go: Live Link, VMC, iFacialMocap, WebSocket and JSON lines, each a sink with an address."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol, runtime_checkable
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from numpy.typing import NDArray

from facegen.core.errors import OutputError, UsageError, nearest
from facegen.core.registry import Registry


@dataclass(frozen=True, eq=False)
class Frame:
    """One instant of the face.

    Attributes
    ----------
    index : int
        Number of the frame from the start of the sound.
    time : float
        Seconds from the start of the sound to that of the frame.
    fps : Fraction
        Frames a second.
    controls : tuple of str
        Names of the rig's controls.
    values : ndarray of float32, shape (C,)
        The controls' values.
    head : ndarray of float32, shape (6,), or None
        ``HEAD_CHANNELS``: yaw, pitch and roll in radians, x, y and z in cm.
    """

    index: int
    time: float
    fps: Fraction
    controls: tuple[str, ...]
    values: NDArray[np.float32]
    head: NDArray[np.float32] | None = None

    def named(self) -> dict[str, float]:
        """Control to value."""
        return dict(zip(self.controls, self.values.tolist(), strict=True))

    def select(self, controls: tuple[str, ...]) -> NDArray[np.float32]:
        """Values of shape (C,) of ``controls``; 0 for those that the frame lacks."""
        if controls == self.controls:
            return self.values
        named = self.named()
        return np.array([named.get(name, 0.0) for name in controls], np.float32)


@dataclass(frozen=True)
class Address:
    """``scheme://host:port?option=value``, or ``scheme:path``."""

    text: str
    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""
    options: dict[str, str] = field(default_factory=dict)

    def option(self, name: str, default: str, known: tuple[str, ...] = ()) -> str:
        """One of the options behind ``?``. Raises UsageError where it is none of ``known``."""
        value = self.options.get(name, default)
        if known and value not in known:
            raise UsageError(f"{name}={value} is unknown", path=self.text, remedy=nearest(value, known))
        return value


@runtime_checkable
class Sink(Protocol):
    """A receiver of live frames: what ``--to`` chooses by the scheme of its address.

    A package offers its sink by an entry point of the group ``facegen.streams`` whose name is the scheme; the class is
    called with the ``Address``, makes ready to send, and raises OutputError where that address can't be used.

    Attributes
    ----------
    paced : bool
        Whether frames must come in real time.
    options : tuple of str
        The names that its address may have behind ``?``.
    port : int
        Where it sends or listens; 0 for a file.
    """

    paced: bool
    options: tuple[str, ...]
    port: int

    def __init__(self, address: Address) -> None: ...

    def send(self, frame: Frame) -> None:
        """Send one frame, without waiting for a receiver that plays live. Raises OutputError where that is over."""
        ...

    def messages(self) -> list[dict[str, Any]]:
        """What receivers have asked for since the last call, such as ``{"emotion": "happy:0.6"}``."""
        ...

    def notes(self) -> list[str]:
        """What went wrong on the way, one sentence each; shown when the stream ends."""
        ...

    def close(self) -> None:
        """Send what remains and release the address."""
        ...


def open_sink(text: str) -> Sink:
    """The sink at an address.

    Parameters
    ----------
    text : str
        Such as ``livelink://127.0.0.1:11111`` or ``jsonl:-``.

    Raises
    ------
    UsageError
        For what is no such address.
    OutputError
        Where nothing can be sent there.
    MissingExtraError
        Where the ``stream`` extra is not installed.
    """
    address = parse_address(text)
    kind = Registry("streams").get(address.scheme)
    for name in address.options:
        if name not in kind.options:
            raise UsageError(f"has no option {name!r}", path=text, remedy=nearest(name, kind.options))
    return kind(address)


def parse_address(text: str) -> Address:
    """Raises UsageError for an unknown scheme or a port that is none."""
    known = Registry("streams").names()
    scheme, colon, _ = text.partition(":")
    if not colon or scheme.lower() not in known:
        raise UsageError(
            f"{text!r} names no stream", remedy="use one of " + " ".join(f"{name}:" for name in known)
        )
    try:
        parts = urlsplit(text)
        port = parts.port or 0
    except ValueError as error:
        raise UsageError(f"has no port in 1..65535 ({error})", path=text, remedy="use HOST:PORT") from error
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Address(text, scheme.lower(), parts.hostname or "", port, parts.path, options)


def in_use(error: OSError, address: Address, port: int) -> OutputError:
    """What to say where a port can't be listened at."""
    if error.errno == errno.EADDRINUSE:
        return OutputError(
            f"port {port} is in use",
            path=address.text,
            remedy="choose another port or end what listens there",
        )
    if error.errno == errno.EACCES:
        return OutputError(
            f"port {port} needs a privilege", path=address.text, remedy="choose a port above 1023"
        )
    return OutputError(
        f"can't listen there ({(error.strerror or str(error)).lower()})",
        path=address.text,
        remedy="use an address of this machine, such as 127.0.0.1",
    )
