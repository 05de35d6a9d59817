"""Make the sample recording that ships with the project: ``examples/hello.flac``.

    python -m tools.build_sample

Spoken by flite's voice slt (CMU Arctic, free for any use); needs the program ``flite`` (Debian package flite).
The sentences hold every lip shape that a viewer looks for: closed for p, b, m, teeth on lip for f, v,
rounded for w, oo, open for ah, and a pause in which the mouth must rest.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

SENTENCES = (
    "Hello! My name is Aria.",
    "Five brave wolves move from the pool to the farm, and papa bought me a warm coat.",
)
PAUSE_S = 0.8
OUT = Path(__file__).resolve().parents[1] / "examples" / "hello.flac"


def speak(text: str, rate: int = 16_000) -> np.ndarray:
    """Samples [N] float32 of ``text`` at ``rate`` Hz."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(wav)], check=True)
        samples, sample_rate = soundfile.read(wav, dtype="float32")
    if sample_rate != rate:
        raise SystemExit(f"flite spoke at {sample_rate} Hz, expected {rate}")
    return samples


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    rate = 16_000
    pause = np.zeros(int(PAUSE_S * rate), np.float32)
    pieces = [pause[: rate // 4]]
    for sentence in SENTENCES:
        pieces += [speak(sentence), pause]
    sound = np.concatenate(pieces)
    soundfile.write(OUT, 0.8 * sound / np.abs(sound).max(), rate, subtype="PCM_16")
    print(f"{OUT.name}: {len(sound) / rate:.2f} s")


if __name__ == "__main__":
    main()
