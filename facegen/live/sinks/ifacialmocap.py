"""``ifacialmocap://HOST:PORT``: behaves as the iPhone app iFacialMocap, which waits to be asked and then sends text."""

from __future__ import annotations

import socket
from typing import Any

from facegen.live.sinks import Address, Frame, in_use
from facegen.rig import ARKIT
from facegen.rig.head_pose import HELLO, ifacialmocap_texts

PORT = 49983
MAX_RECEIVERS = 8
_VERSION_2 = "sendDataVersion=v2"


class IFacialMocapSink:
    """Listens at HOST:PORT for receivers' hello; each is sent a datagram of text a frame, to where it asked from."""

    paced = True
    options = ()

    def __init__(self, address: Address) -> None:
        self._address, self.port = address, address.port or PORT
        host = address.host or "0.0.0.0"
        self._receivers: dict[Any, str] = {}
        try:
            family, _, _, _, place = socket.getaddrinfo(host, self.port, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.bind(place)
        except OSError as error:
            raise in_use(error, address, self.port) from error
        self._socket.setblocking(False)
        self.met = 0

    def send(self, frame: Frame) -> None:
        self._listen()
        for separator in set(self._receivers.values()):
            head = None if frame.head is None else frame.head[None]
            text = ifacialmocap_texts(frame.select(ARKIT)[None], head, separator)[0].encode()
            for place, wanted in list(self._receivers.items()):
                if wanted == separator:
                    self._tell(text, place)

    def _listen(self) -> None:
        """Take in hellos; what is none is ignored."""
        for _ in range(4 * MAX_RECEIVERS):
            try:
                data, place = self._socket.recvfrom(2048)
            except (BlockingIOError, ConnectionError):
                return
            if data.startswith(HELLO.encode()):
                self.met += place not in self._receivers
                self._receivers.pop(place, None)
                self._receivers[place] = "&" if _VERSION_2.encode() in data else "-"
                if len(self._receivers) > MAX_RECEIVERS:
                    del self._receivers[next(iter(self._receivers))]

    def _tell(self, text: bytes, place: Any) -> None:
        try:
            self._socket.sendto(text, place)
        except BlockingIOError:
            pass
        except OSError:
            self._receivers.pop(place, None)

    def messages(self) -> list[dict[str, Any]]:
        return []

    def notes(self) -> list[str]:
        return [] if self.met else [f"{self._address.text}: no receiver asked for the face"]

    def close(self) -> None:
        self._socket.close()
