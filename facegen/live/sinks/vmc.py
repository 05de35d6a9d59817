"""``vmc://HOST:PORT``: VMC protocol, OSC over UDP, for VSeeFace, Warudo, VMC apps and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import MissingExtraError
from facegen.core.units import METRES_PER_CM
from facegen.live.sinks import Address, Frame
from facegen.live.sinks.udp import Datagrams
from facegen.rig import ARKIT, load_rig
from facegen.rig.head_pose import eye_angles, pascal, quaternions
from facegen.rig.retarget import find_map

PORT = 39540
"""Where a performer listens to an assistant; a marionette listens at 39539."""
MAX_BUNDLE_BYTES = 1472
"""1500 bytes of one Ethernet frame less the headers of IP and UDP."""
VRM_PRESETS = ("vrm0", "vrm1")


class VmcSink:
    """Bundles of at most MAX_BUNDLE_BYTES: every shape, then the bones of head and eyes, then Apply.

    Options: ``shapes``, perfectsync (the 52 as JawOpen), camel (jawOpen) or the presets of vrm0 or vrm1; ``bones``,
    on or off.
    """

    paced = True
    options = ("shapes", "bones")

    def __init__(self, address: Address) -> None:
        try:
            import pythonosc.osc_message_builder  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("python-osc", "stream", "a VMC stream") from error
        shapes = address.option("shapes", "perfectsync", ("perfectsync", "camel", *VRM_PRESETS))
        self._map = find_map(load_rig("arkit"), load_rig(shapes)) if shapes in VRM_PRESETS else None
        self._spell: Callable[[str], str] = pascal if shapes in ("perfectsync", "vrm0") else str
        self._bones = address.option("bones", "on", ("on", "off")) == "on"
        self._out = Datagrams(address, PORT)
        self.port = self._out.port

    def send(self, frame: Frame) -> None:
        for packet in bundles(self._messages(frame)):
            self._out.send(packet)

    def _messages(self, frame: Frame) -> Iterator[tuple[str, tuple]]:
        names: tuple[str, ...] = ARKIT
        values = frame.select(ARKIT)
        look = eye_angles(values[None])[0]
        if self._map is not None:
            shown = self._map.apply(Animation(frame.fps, ARKIT, values[None]))
            names, values = shown.controls, shown.values[0]
        yield "/VMC/Ext/OK", (1,)
        yield "/VMC/Ext/T", (float(frame.time),)
        for name, value in zip(names, values.tolist(), strict=True):
            yield "/VMC/Ext/Blend/Val", (self._spell(name), float(value))
        if self._bones:
            head = np.zeros(6) if frame.head is None else frame.head.astype(np.float64)
            yield bone("Head", head)
            # Eyes turn towards the character's right where the head turns to its left.
            for eye, (yaw, pitch, roll) in (("LeftEye", look[:3]), ("RightEye", look[3:])):
                yield bone(eye, np.array([-yaw, pitch, roll, 0, 0, 0]))
        yield "/VMC/Ext/Blend/Apply", ()

    def messages(self) -> list[dict[str, Any]]:
        return []

    def notes(self) -> list[str]:
        return self._out.notes()

    def close(self) -> None:
        self._out.close()


def bone(name: str, pose: np.ndarray) -> tuple[str, tuple]:
    """Local pose of a bone in Unity's axes, which are left-handed: x is mirrored."""
    x, y, z, w = quaternions(pose[None])[0].tolist()
    right, up, forward = (METRES_PER_CM * pose[3:]).tolist()
    return "/VMC/Ext/Bone/Pos", (name, -right + 0.0, up, forward, x, -y + 0.0, -z + 0.0, w)


def bundles(messages: Iterator[tuple[str, tuple]]) -> Iterator[bytes]:
    """Messages in order, as many to a bundle as MAX_BUNDLE_BYTES hold."""
    from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder

    builder, size = OscBundleBuilder(IMMEDIATELY), 16
    for address, values in messages:
        content = _message(address, values)
        if size + 4 + content.size > MAX_BUNDLE_BYTES:
            yield builder.build().dgram
            builder, size = OscBundleBuilder(IMMEDIATELY), 16
        builder.add_content(content)
        size += 4 + content.size
    yield builder.build().dgram


def _message(address: str, values: tuple) -> Any:
    from pythonosc.osc_message_builder import OscMessageBuilder

    kinds = {str: "s", float: "f", int: "i"}
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value, kinds[type(value)])
    return builder.build()
