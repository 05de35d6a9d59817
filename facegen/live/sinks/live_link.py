"""``livelink://HOST:PORT``: the UDP packets of Apple's Live Link Face app (version 6), for Unreal's Live Link."""

from __future__ import annotations

import struct
import uuid
from typing import Any

import numpy as np

from facegen.core.errors import UsageError
from facegen.live.sinks import Address, Frame
from facegen.live.sinks.udp import Datagrams
from facegen.rig import ARKIT
from facegen.rig.head_pose import ARKIT_LEFT_FIRST, eye_angles

PORT = 11111
VERSION = 6
VALUES = 61
MAX_NAME_BYTES = 200
ANGLES = {"radians": 1.0, "half-turns": 1 / np.pi}
"""Scale of the nine angles of head and eyes: as the app's CSV has them, or Unreal's own ARKit source, degrees / 180."""
_ORDER = np.array([ARKIT.index(name) for name in ARKIT_LEFT_FIRST])


class LiveLinkSink:
    """One packet a frame. Options: ``subject`` (its name in Unreal), ``angles`` (radians or half-turns)."""

    paced = True
    options = ("subject", "angles")

    def __init__(self, address: Address) -> None:
        subject = address.option("subject", "facegen")
        if not subject or len(subject.encode()) > MAX_NAME_BYTES:
            raise UsageError("the subject is empty or too long", path=address.text, remedy="use a short name")
        self._scale = ANGLES[address.option("angles", "radians", tuple(ANGLES))]
        self._head = packet_head(subject)
        self._out = Datagrams(address, PORT)
        self.port = self._out.port

    def send(self, frame: Frame) -> None:
        self._out.send(packet(self._head, frame, self._scale))

    def messages(self) -> list[dict[str, Any]]:
        return []

    def notes(self) -> list[str]:
        return self._out.notes()

    def close(self) -> None:
        self._out.close()


def packet_head(subject: str) -> bytes:
    """Version, device (36 characters, the same for the same subject) and subject."""
    device = str(uuid.uuid5(uuid.NAMESPACE_URL, f"facegen:{subject}")).upper().encode()
    name = subject.encode()
    return struct.pack(">Bi36si", VERSION, len(device), device, len(name)) + name


def packet(head: bytes, frame: Frame, scale: float = 1.0) -> bytes:
    """The datagram of one frame; all of it is big-endian."""
    values = frame.select(ARKIT)
    angles = np.zeros(9)
    if frame.head is not None:
        angles[:3] = frame.head[:3]
    angles[3:] = eye_angles(values[None])[0]
    numbers = np.concatenate([values[_ORDER], scale * angles]).astype(">f4")
    rate = frame.fps
    when = struct.pack(">ifiiB", frame.index, 0.0, rate.numerator, rate.denominator, VALUES)
    return head + when + numbers.tobytes()
