"""Put a batch of thousands of short clips to the test: once undisturbed, once killed at random moments and taken up
again, with broken files among them; then compare.

    python -m tools.benchmarks.batch_soak --data ../shared/data --folder /tmp/soak --clips 2000 --broken 40 --kills 3

Clips are cut from the recordings under --data (any sound files) and written as 16-bit WAV; the broken ones are made
from clips in several ways. Prints one JSON object: counts of both runs, kills, and whether all outputs are bit-equal.
Nothing is removed, so that the folder can be looked at.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def cut_clips(
    data: Path, folder: Path, count: int, broken: int, seconds: float, chance: random.Random
) -> None:
    """``count`` clips in ``folder``, ``broken`` of them broken."""
    import soundfile

    from facegen.core.errors import FacegenError
    from facegen.speech.audio import read_audio

    folder.mkdir(parents=True)
    sources = sorted(p for p in data.rglob("*") if p.suffix in (".opus", ".wav", ".flac", ".ogg"))
    chance.shuffle(sources)
    made = 0
    for source in sources:
        try:
            sound = read_audio(source)
        except FacegenError:
            continue
        size = int(seconds * sound.rate)
        for start in range(0, len(sound.samples) - size + 1, size):
            if made < count:
                piece = sound.samples[start : start + size]
                soundfile.write(folder / f"clip{made:05}.wav", piece, sound.rate, "PCM_16")
                made += 1
        if made == count:
            break
    assert made == count, f"only {made} clips in {data}"
    for number, name in enumerate(sorted(chance.sample(sorted(p.name for p in folder.iterdir()), broken))):
        damage(folder / name, number % 4)


def damage(path: Path, way: int) -> None:
    raw = path.read_bytes()
    path.write_bytes((b"", b"no sound at all\n" * 50, raw[:30], raw[:44])[way])


def command(source: Path, out: Path, workers: int, *more: str) -> list[str]:
    line = [sys.executable, "-m", "facegen", "batch", str(source), "-o", str(out), "--quiet", "--no-check"]
    return [*line, "--workers", str(workers), *more]


def run(line: list[str]) -> int:
    return subprocess.run(line, cwd=ROOT, stderr=subprocess.DEVNULL).returncode


def killed_run(line: list[str], out: Path, at: int) -> None:
    """Start the batch and kill it once ``at`` outputs are there, or let it end before."""
    process = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.DEVNULL)
    while process.poll() is None and sum(1 for _ in out.glob("*.csv")) < at:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()


def ends(out: Path) -> dict[str, int]:
    """How often the journal of ``out`` says that a job was done."""
    counts: dict[str, int] = {}
    for line in (out / ".facegen" / "journal.jsonl").read_bytes().splitlines():
        try:
            entry = json.loads(line.partition(b" ")[2])
        except ValueError:
            continue
        if entry.get("event") == "end" and entry["result"]["state"] == "done":
            counts[entry["name"]] = counts.get(entry["name"], 0) + 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    for name, default in (("clips", 2000), ("broken", 40), ("kills", 3), ("workers", 2), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=1.5)
    said = parser.parse_args()
    chance = random.Random(said.seed)
    source, plain, killed = (said.folder / name for name in ("in", "plain", "killed"))
    cut_clips(said.data, source, said.clips, said.broken, said.seconds, chance)

    began = time.monotonic()
    code = run(command(source, plain, said.workers))
    plain_seconds = time.monotonic() - began
    moments = sorted(chance.sample(range(1, said.clips - said.broken), said.kills))
    for number, at in enumerate(moments):
        killed_run(command(source, killed, said.workers, *(["--resume"] if number else [])), killed, at)
    code_again = run(command(source, killed, said.workers, "--resume"))
    summaries = [json.loads((out / "summary.json").read_text()) for out in (plain, killed)]
    wanted = {p.name: p.read_bytes() for p in plain.glob("clip*")}
    found = {p.name: p.read_bytes() for p in killed.glob("clip*")}
    counts = ends(killed)
    print(
        json.dumps(
            {
                "exit_codes": [code, code_again],
                "undisturbed": {k: summaries[0][k] for k in ("total", "done", "kept", "failed")},
                "undisturbed_s": round(plain_seconds, 1),
                "killed_when_done": moments,
                "last_resume": {k: summaries[1][k] for k in ("total", "done", "kept", "failed")},
                "done_once": sum(n == 1 for n in counts.values()),
                "done_more_often": sum(n > 1 for n in counts.values()),
                "failed_named": sorted(j["name"] for j in summaries[1]["jobs"] if j["state"] == "failed")
                == sorted(j["name"] for j in summaries[0]["jobs"] if j["state"] == "failed"),
                "outputs": len(found),
                "bit_equal": found == wanted,
            }
        )
    )


if __name__ == "__main__":
    main()
