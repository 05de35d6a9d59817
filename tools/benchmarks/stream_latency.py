"""Measure a live stream as its receiver does: from the block of sound to the packet, for as long as wanted.

    python -m tools.benchmarks.stream_latency --minutes 60 --latency 200
    python -m tools.benchmarks.stream_latency --minutes 2 --latency 100 --fps 60 --json out.json

A pipe gets the sample recording, over and over, in blocks of 20 ms at its own pace; `facegen stream`, held to one core,
sends Live Link packets to a socket. A frame's time runs from the moment at which the last sample that it covers was
written to the moment at which its packet has come; what is over `--latency` is the stream's own. Prints percentiles, a
histogram, drift (the last minute's median against the first's), frames lost, memory and processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "hello.flac"
BLOCK_S = 0.02
SETTLE_S = 5.0
"""Of the beginning that are left out: the process starts in them, and catches up with what was written meanwhile."""
WIDEST_BAR = 50


def write_sound(pipe, samples: bytes, rate: int, seconds: float, written: list[float]) -> None:
    """Blocks into ``pipe`` at their pace; when each was in goes to ``written``."""
    size = 2 * round(BLOCK_S * rate)
    looped = samples + samples[:size]
    began, at = time.monotonic(), 0
    for number in range(round(seconds / BLOCK_S)):
        time.sleep(max(0.0, began + (number + 1) * BLOCK_S - time.monotonic()))
        pipe.write(looped[at : at + size])
        pipe.flush()
        written.append(time.monotonic())
        at = (at + size) % len(samples)
    pipe.close()


def resident_mb(process: int) -> float:
    """What a process holds in memory; 0 once it has gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    line = next((x for x in status.splitlines() if x.startswith("VmRSS")), "VmRSS 0 kB")
    return int(line.split()[1]) / 1024


def frame_number(packet: bytes) -> int:
    """Of a Live Link packet: behind the version, the device and the subject, each with its length."""
    at = 1
    for _ in range(2):
        at += 4 + struct.unpack_from(">i", packet, at)[0]
    return struct.unpack_from(">i", packet, at)[0]


def one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def measure(options: argparse.Namespace) -> dict:
    sound, rate = soundfile.read(SAMPLE, dtype="int16")
    seconds = 60 * options.minutes
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    listener.settimeout(5)
    command = [sys.executable, "-m", "facegen", "stream", "-", "--rate", str(rate), "--fps", str(options.fps)]
    command += [
        "--latency",
        str(options.latency),
        "--to",
        f"livelink://127.0.0.1:{listener.getsockname()[1]}",
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, preexec_fn=one_core)
    written: list[float] = []
    writer = threading.Thread(
        target=write_sound, args=(process.stdin, sound.tobytes(), rate, seconds, written), daemon=True
    )
    writer.start()
    came, memory, due = [], [], 0.0
    while True:
        try:
            packet = listener.recv(4096)
        except TimeoutError:
            if process.poll() is not None:
                break
            continue
        now = time.monotonic()
        came.append((frame_number(packet), now))
        if now >= due:
            memory.append(resident_mb(process.pid))
            due = now + 10
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return summary(came, written, memory, options, seconds, usage.ru_utime + usage.ru_stime)


def summary(came, written, memory, options, seconds: float, cpu_s: float) -> dict:
    frames = np.array([frame for frame, _ in came])
    moments = np.array([moment for _, moment in came])
    blocks = np.ceil((frames + 1) / options.fps / BLOCK_S - 1e-9).astype(int) - 1
    known = (blocks < len(written)) & (frames / options.fps >= SETTLE_S)
    own = 1000 * (moments[known] - np.array(written)[blocks[known]]) - options.latency
    minute = min(round(60 * options.fps), len(own) // 2)
    drift = float(np.median(own[-minute:]) - np.median(own[:minute]))
    return {
        "minutes": options.minutes,
        "latency_ms": options.latency,
        "fps": options.fps,
        "frames": len(frames),
        "lost": round((seconds - SETTLE_S) * options.fps) - int((frames / options.fps >= SETTLE_S).sum()),
        **{f"p{p}_ms": round(float(np.percentile(own, p)), 1) for p in (1, 50, 95, 99, 99.9)},
        "max_ms": round(float(own.max()), 1),
        "drift_ms": round(drift, 2),
        "memory_mb": {
            "first": round(memory[min(3, len(memory) - 1)]),
            "median": round(statistics.median(memory)),
            "most": round(max(memory)),
        },
        "cpu_s_per_s": round(cpu_s / seconds, 3),
        "histogram": histogram(own),
    }


def histogram(own: np.ndarray, step: int = 5) -> dict[str, int]:
    """How many frames were in each ``step`` ms beyond the latency."""
    places, counts = np.unique(np.floor(own / step).astype(int), return_counts=True)
    return {f"{step * p}..{step * (p + 1)}": int(n) for p, n in zip(places, counts, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--latency", type=float, default=300.0, help="ms, as of facegen stream")
    parser.add_argument("--fps", type=int, default=60)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    result = measure(options)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    for name, value in result.items():
        if name != "histogram":
            print(f"{name:12} {value}")
    most = max(result["histogram"].values())
    for span, count in result["histogram"].items():
        print(f"{span + ' ms':>14} {count:7} {'#' * round(WIDEST_BAR * count / most)}")


if __name__ == "__main__":
    main()
