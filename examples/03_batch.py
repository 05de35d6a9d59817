"""Many clips in one run that can be taken up again after it was stopped.

    python examples/03_batch.py

Cuts the sample into three clips, writes a manifest with options of their own, and runs it twice: the second run finds
everything done. The same is a command line: facegen batch lines.csv -o out/batch --format csv,glb --resume
"""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

SAMPLE = Path(__file__).with_name("hello.flac")
OUT = Path("out")
LINES = (  # seconds of the sample, emotion, style
    (0.0, 2.5, "happy:0.6", "lively"),
    (2.5, 5.0, "angry:0.5", "theatrical"),
    (5.0, 8.0, "auto", "calm"),
)


def main() -> int:
    clips = OUT / "clips"
    clips.mkdir(parents=True, exist_ok=True)
    samples, rate = soundfile.read(SAMPLE)
    with open(clips / "lines.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("audio", "name", "emotion", "style"))
        for number, (start, end, emotion, style) in enumerate(LINES):
            piece = np.asarray(samples[int(start * rate) : int(end * rate)])
            soundfile.write(clips / f"line{number}.wav", piece, rate)
            rows.writerow((f"line{number}.wav", f"line{number}", emotion, style))

    command = [sys.executable, "-m", "facegen", "batch", str(clips / "lines.csv"), "-o", str(OUT / "batch")]
    command += ["--format", "csv,glb", "--workers", "2", "--resume"]
    for _ in range(2):  # the second time nothing is left to do
        done = subprocess.run(command)
        if done.returncode:
            return done.returncode
    print("wrote", ", ".join(sorted(p.name for p in (OUT / "batch").iterdir() if p.is_file())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
