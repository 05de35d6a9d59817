"""From a source through the engine to sinks: at once, or at the pace of the sound until it ends or is interrupted."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from facegen.core.errors import FacegenError
from facegen.core.progress import Progress
from facegen.core.units import SAMPLE_RATE_HZ
from facegen.live.clock import Clock
from facegen.live.engine import Engine
from facegen.live.sinks import Frame
from facegen.live.sources import LiveSource, SoundBuffer

TICK_S = 0.02
EASE_S = 0.15
"""In which the face goes to rest when the stream is interrupted."""
SKIP_S = 0.25
"""A frame that is later than this is left out, so that a slow machine catches up."""
WAITING = 240
"""Frames that may wait to be sent: beyond it the engine waits."""
log = logging.getLogger("facegen")


def play(source: LiveSource, engine: Engine, sinks: Sequence[Any], paced: bool, progress: Progress) -> int:
    """Send all frames of ``source`` to ``sinks``; the number of frames. On KeyboardInterrupt the face is eased to rest
    within EASE_S before it is raised again."""
    shown = Playback(engine, sinks)
    try:
        if paced:
            _play_paced(source, engine, shown, progress)
        else:
            _play_at_once(source, engine, shown, progress)
    except KeyboardInterrupt:
        source.close()
        shown.ease()
        raise
    finally:
        source.close()
        for sink in sinks:
            sink.close()
    if source.buffer.lost:
        log.warning("%.1f s of sound came too fast and were left out", source.buffer.lost / SAMPLE_RATE_HZ)
    if shown.skipped:
        log.warning("%d frames were too late and were left out", shown.skipped)
    for sink in sinks:
        for note in sink.notes():
            log.warning("%s", note)
    return shown.count


class Playback:
    """Sends frames to all sinks, hears what they ask for, and keeps count."""

    def __init__(self, engine: Engine, sinks: Sequence[Any]) -> None:
        self._engine, self._sinks = engine, sinks
        self._last: Frame | None = None
        self.count = self.skipped = 0

    def send(self, frame: Frame) -> None:
        for sink in self._sinks:
            sink.send(frame)
            for wish in sink.messages():
                self._grant(sink, wish)
        self._last = frame
        self.count += 1

    def _grant(self, sink: Any, wish: dict[str, Any]) -> None:
        try:
            self._engine.change(**wish)
        except FacegenError as error:
            sink.answer(str(error))

    def ease(self) -> None:
        """Frames from the last one to rest, at their pace."""
        if self._last is None:
            return
        last, began = self._last, time.monotonic()
        count = max(2, int(EASE_S * last.fps))
        for step in range(1, count + 1):
            part = step / count
            left = 1 - part * part * (3 - 2 * part)
            index = last.index + step
            head = None if last.head is None else last.head * np.float32(left)
            rest = self._engine.rest
            values = rest + (last.values - rest) * np.float32(left)
            frame = replace(last, index=index, time=float(index / last.fps), values=values, head=head)
            time.sleep(max(0.0, began + step * EASE_S / count - time.monotonic()))
            for sink in self._sinks:
                sink.send(frame)


def _play_at_once(source: LiveSource, engine: Engine, shown: Playback, progress: Progress) -> None:
    size = round(TICK_S * SAMPLE_RATE_HZ)
    while True:
        source.buffer.wait(size, 0.1)
        block = source.buffer.take(size)
        frames = engine.push(block) if len(block) else []
        ended = not len(block) and source.buffer.ended
        for frame in [*frames, *(engine.close() if ended else [])]:
            shown.send(frame)
            progress("stream", frame.time, None)
        if ended:
            return


def _play_paced(source: LiveSource, engine: Engine, shown: Playback, progress: Progress) -> None:
    clock = Clock()
    waiting: queue.Queue[Frame | BaseException | None] = queue.Queue(WAITING)
    stop = threading.Event()
    worker = threading.Thread(
        target=_work, args=(source, engine, clock, waiting, stop), name="facegen-live", daemon=True
    )
    worker.start()
    latency = engine.live.latency / 1000
    try:
        while True:
            try:
                frame = waiting.get(timeout=0.1)
            except queue.Empty:
                continue
            if frame is None:
                return
            if isinstance(frame, BaseException):
                raise frame
            late = clock.late(frame.time + latency)
            if late > SKIP_S:
                shown.skipped += not clock.catching_up
                continue
            if late < 0:
                time.sleep(-late)
            shown.send(frame)
            progress("stream", frame.time, None)
    finally:
        stop.set()


def _work(
    source: LiveSource,
    engine: Engine,
    clock: Clock,
    waiting: queue.Queue[Frame | BaseException | None],
    stop: threading.Event,
) -> None:
    """Feed the engine at the pace of the clock; silence where a live source has run dry."""
    size = round(TICK_S * SAMPLE_RATE_HZ)
    fed = 0

    def hand_over(frames: list[Frame]) -> None:
        for frame in frames:
            while not stop.is_set():
                try:
                    waiting.put(frame, timeout=0.1)
                    break
                except queue.Full:
                    continue

    try:
        while not source.buffer.wait(size, 0.1) and not stop.is_set():
            continue
        clock.start()
        while not stop.is_set():
            early = -clock.late((fed + size) / SAMPLE_RATE_HZ)
            if early > 0:
                stop.wait(early)
            if source.live:
                _follow(source.buffer, clock)
            elif not source.buffer.wait(size, 0.1):
                continue
            block = source.buffer.take(size)
            if not len(block):
                if source.buffer.ended:
                    hand_over(engine.close())
                    waiting.put(None)
                    return
                block = np.zeros(size, np.float32)
            fed += len(block)
            hand_over(engine.push(block))
    except BaseException as error:  # handed to the thread that sends
        waiting.put(error)


def _follow(buffer: SoundBuffer, clock: Clock) -> None:
    """Keep to the pace of what writes into ``buffer``, unless that writes as fast as it is let."""
    if buffer.full:
        buffer.full = False
        clock.forget()
    else:
        clock.observe(buffer.level / SAMPLE_RATE_HZ, buffer.reserve / SAMPLE_RATE_HZ)
