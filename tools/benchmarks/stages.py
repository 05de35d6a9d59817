"""How long each stage from sound to files takes, in this process, on one core."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def stage_times(clip: Path, folder: Path) -> dict[str, float]:
    """Processor seconds of each stage for ``clip``, the better of two runs, everything loaded."""
    os.environ["FACEGEN_THREADS"] = "1"
    best: dict[str, float] = {}
    for _ in range(2):
        for name, seconds in _once(clip, folder).items():
            best[name] = min(seconds, best.get(name, seconds))
    return best


def _once(clip: Path, folder: Path) -> dict[str, float]:
    import numpy as np

    from facegen.config import Config
    from facegen.formats import save
    from facegen.motion.lipsync import load_decoder
    from facegen.pipeline.animate import animate, solve
    from facegen.speech.audio import open_audio
    from facegen.speech.logmel import logmel
    from facegen.speech.phone_encoder import PhoneEncoder
    from facegen.speech.phone_timing import refine_alignment
    from facegen.speech.prosody import energy, pitch

    times: dict[str, float] = {}

    def clocked(name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        done = work()
        times[name] = time.process_time() - began
        return done

    encoder = PhoneEncoder()
    samples = clocked("read the sound", lambda: np.concatenate(list(open_audio(clip).blocks())))
    mel = clocked("log-mel", lambda: logmel(samples))
    clocked("pitch and loudness", lambda: (pitch(samples), energy(samples)))
    clocked(
        "phone network", lambda: [encoder.network.run(mel[i : i + 1024]) for i in range(0, len(mel), 1024)]
    )
    heard = encoder.encode(open_audio(clip))
    clocked("phone times", lambda: refine_alignment(heard))
    load_decoder("learned")
    take = clocked("sound to take, all of it", lambda: solve(clip, Config()))
    motion = clocked("compose", lambda: animate(take))
    for suffix in (".csv", ".take", ".json", ".glb", ".mh.csv"):
        clocked(
            f"write {suffix}",
            lambda s=suffix: save(take if s == ".take" else motion, folder / f"out{s}"),  # type: ignore[misc]
        )
    return times
