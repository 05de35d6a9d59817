"""Receivers of the streams' packets, written from the formats' layout tables and from nothing of facegen's."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

CSV_ORDER = """
EyeBlinkLeft EyeLookDownLeft EyeLookInLeft EyeLookOutLeft EyeLookUpLeft EyeSquintLeft EyeWideLeft EyeBlinkRight
EyeLookDownRight EyeLookInRight EyeLookOutRight EyeLookUpRight EyeSquintRight EyeWideRight JawForward JawLeft JawRight
JawOpen MouthClose MouthFunnel MouthPucker MouthLeft MouthRight MouthSmileLeft MouthSmileRight MouthFrownLeft
MouthFrownRight MouthDimpleLeft MouthDimpleRight MouthStretchLeft MouthStretchRight MouthRollLower MouthRollUpper
MouthShrugLower MouthShrugUpper MouthPressLeft MouthPressRight MouthLowerDownLeft MouthLowerDownRight MouthUpperUpLeft
MouthUpperUpRight BrowDownLeft BrowDownRight BrowInnerUp BrowOuterUpLeft BrowOuterUpRight CheekPuff CheekSquintLeft
CheekSquintRight NoseSneerLeft NoseSneerRight TongueOut HeadYaw HeadPitch HeadRoll LeftEyeYaw LeftEyePitch LeftEyeRoll
RightEyeYaw RightEyePitch RightEyeRoll
""".split()


class LiveLinkPacket(NamedTuple):
    device: str
    subject: str
    frame: int
    sub_frame: float
    rate: tuple[int, int]
    values: dict[str, float]


def read_live_link(data: bytes) -> LiveLinkPacket:
    """A Live Link Face packet of version 6: big-endian throughout, strings behind their length in bytes."""
    at = 0

    def take(layout: str) -> tuple:
        nonlocal at
        found = struct.unpack_from(">" + layout, data, at)
        at += struct.calcsize(">" + layout)
        return found

    assert take("B") == (6,)
    device = take(f"{take('i')[0]}s")[0].decode()
    subject = take(f"{take('i')[0]}s")[0].decode("utf-8")
    frame, sub_frame = take("if")
    rate = take("ii")
    assert take("B") == (61,)
    values = take("61f")
    assert at == len(data)
    return LiveLinkPacket(device, subject, frame, sub_frame, rate, dict(zip(CSV_ORDER, values, strict=True)))


def read_osc(data: bytes) -> list[tuple[str, list]]:
    """The messages of one OSC 1.0 bundle."""
    assert data[:8] == b"#bundle\0"
    at, found = 16, []
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        found.append(_osc_message(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def _osc_message(data: bytes) -> tuple[str, list]:
    address, at = _osc_string(data, 0)
    kinds, at = _osc_string(data, at)
    values: list = []
    for kind in kinds[1:]:
        if kind == "s":
            text, at = _osc_string(data, at)
            values.append(text)
        else:
            values.append(struct.unpack_from(">" + kind, data, at)[0])
            at += 4
    return address, values


def _osc_string(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 4 - end % 4


def read_ifacialmocap(text: str, separator: str = "-") -> tuple[dict[str, int], dict[str, list[float]]]:
    """Shapes in per cent, and the numbers of head and eyes."""
    shapes, _, bones = text.partition("|=")
    values = dict(part.rsplit(separator, 1) for part in shapes.split("|"))
    turns = dict(part.split("#") for part in bones.strip("|").split("|"))
    return {k: int(v) for k, v in values.items()}, {
        k: [float(x) for x in v.split(",")] for k, v in turns.items()
    }


class Datagrams:
    """A UDP socket of this machine that collects what comes."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(10)
        self.port = self.socket.getsockname()[1]

    def __enter__(self) -> Datagrams:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def get(self) -> bytes:
        return self.socket.recv(65536)

    def all(self, wait: float = 0.3) -> list[bytes]:
        self.socket.settimeout(wait)
        found = []
        while True:
            try:
                found.append(self.get())
            except TimeoutError:
                return found
