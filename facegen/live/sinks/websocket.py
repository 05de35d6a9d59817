"""``ws://HOST:PORT``: a WebSocket server that sends each frame as JSON to every page or program that connects."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from typing import Any

from facegen.core.errors import MissingExtraError
from facegen.live.sinks import Address, Frame, in_use
from facegen.live.sinks.jsonl import frame_json

PORT = 8765
MAX_CLIENTS = 64
MAX_WAITING_BYTES = 2**18
"""A client with more than this unsent misses frames until it has caught up."""
MAX_MESSAGE_BYTES = 4096
MAX_MESSAGES = 64
SETTINGS = ("emotion", "intensity")
"""What a client may set, such as {"emotion": "happy:0.6"}."""


class WebSocketServer:
    """Frames as ``frame_json``. A client may send {"emotion": …} or {"intensity": …}; what is no such object is
    answered with {"error": …}."""

    paced = True
    options = ()

    def __init__(self, address: Address) -> None:
        try:
            import websockets.asyncio.server  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("websockets", "stream", "a WebSocket stream") from error
        self._address = address
        self._host, self.port = address.host or "127.0.0.1", address.port or PORT
        self._clients: set[Any] = set()
        self._asked: deque[dict[str, Any]] = deque(maxlen=MAX_MESSAGES)
        self.met = self.missed = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="facegen-ws", daemon=True)
        self._thread.start()
        try:
            self._server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        except OSError as error:
            self._end_loop()
            raise in_use(error, address, self.port) from error

    async def _serve(self) -> Any:
        from websockets.asyncio.server import serve

        server = await serve(
            self._meet,
            self._host,
            self.port,
            max_size=MAX_MESSAGE_BYTES,
            compression=None,
            close_timeout=0.05,
        )
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _meet(self, client: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        if len(self._clients) >= MAX_CLIENTS:
            await client.close(1013, "too many clients")
            return
        self._clients.add(client)
        self.met += 1
        try:
            async for message in client:
                fault = self._take(message)
                if fault:
                    await client.send(json.dumps({"error": fault}))
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)

    def _take(self, message: str | bytes) -> str:
        """Note what a client asks for; what is wrong with it, or nothing."""
        try:
            wish = json.loads(message)
        except (ValueError, RecursionError):
            return "that is no JSON"
        if not isinstance(wish, dict) or not wish or not set(wish) <= set(SETTINGS):
            return f"expected an object with {' or '.join(SETTINGS)}"
        self._asked.append(wish)
        return ""

    def send(self, frame: Frame) -> None:
        if self._clients:
            self._loop.call_soon_threadsafe(self._spread, frame_json(frame))

    def answer(self, text: str) -> None:
        """Tell all clients of a fault."""
        self._loop.call_soon_threadsafe(self._spread, json.dumps({"error": text}))

    def _spread(self, text: str) -> None:
        from websockets.asyncio.server import broadcast

        ready = {c for c in self._clients if c.transport.get_write_buffer_size() < MAX_WAITING_BYTES}
        self.missed += len(self._clients) - len(ready)
        broadcast(ready, text)

    def messages(self) -> list[dict[str, Any]]:
        found = []
        while self._asked:
            found.append(self._asked.popleft())
        return found

    def notes(self) -> list[str]:
        notes = [] if self.met else [f"{self._address.text}: nobody connected"]
        if self.missed:
            notes.append(f"{self._address.text}: {self.missed} frames were left out for slow clients")
        return notes

    def close(self) -> None:
        async def end() -> None:
            self._server.close(close_connections=True)
            await asyncio.wait_for(self._server.wait_closed(), 0.1)

        try:
            asyncio.run_coroutine_threadsafe(end(), self._loop).result(0.15)
        except (TimeoutError, asyncio.TimeoutError):
            pass
        self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(0.1)
