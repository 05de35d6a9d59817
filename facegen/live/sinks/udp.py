"""Datagrams to one receiver, which may come and go."""

from __future__ import annotations

import errno
import socket

from facegen.core.errors import OutputError
from facegen.live.sinks import Address

_ABSENT = (errno.ECONNREFUSED, errno.ECONNRESET)
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EACCES, errno.EADDRNOTAVAIL)


class Datagrams:
    """Sends to ``address``. A receiver that is not there is nothing to stop for: it gets the next frames when it
    comes. Raises OutputError for a host without address or way."""

    def __init__(self, address: Address, port: int) -> None:
        self._address, self.port = address, address.port or port
        host = address.host or "127.0.0.1"
        try:
            kind, _, _, _, place = socket.getaddrinfo(host, self.port, type=socket.SOCK_DGRAM)[0]
        except (OSError, UnicodeError) as error:
            raise OutputError(
                f"the host {host!r} is not known",
                path=address.text,
                remedy="check its name, or use its number",
            ) from error
        self._socket = socket.socket(kind, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._place = place
        self.sent = self.refused = self.failed = 0
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            self._socket.connect(place)
        except OSError as error:
            self._socket.close()
            raise self._unreachable(error) from error

    def _unreachable(self, error: OSError) -> OutputError:
        reason = (error.strerror or str(error)).lower()
        return OutputError(
            f"can't be reached ({reason})", path=self._address.text, remedy="check the host and the network"
        )

    def send(self, packet: bytes) -> None:
        for again in (True, False):  # the first failure may tell of the packet before
            try:
                self._socket.send(packet)
                self.sent += 1
                return
            except BlockingIOError:
                self.failed += 1
                return
            except OSError as error:
                if error.errno in _ABSENT:
                    self.refused += 1
                elif error.errno in _NO_WAY and not self.sent:
                    raise self._unreachable(error) from error
                else:
                    self.failed += 1
                    return
            if not again:
                return

    def notes(self) -> list[str]:
        notes = []
        if self.refused and self.refused > self.sent // 2:
            notes.append(f"{self._address.text}: nobody was listening there most of the time")
        if self.failed:
            notes.append(f"{self._address.text}: {self.failed} packets could not be sent")
        return notes

    def close(self) -> None:
        self._socket.close()
