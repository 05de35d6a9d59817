"""Spoil good files at random and read them, for as long as asked: every answer must be a value or an error of ours.

    python -m tools.benchmarks.fuzz_readers --minutes 5 [--only wav,take] [--keep /tmp/found] [--seed 0]

Each reader runs in processes of its own with bounded memory and time, so that crashes of libraries are found too.
Prints one line a reader: files read, faults; keeps each file that did harm under --keep.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MEMORY_MB, ROUND_SECONDS, SLOW_SECONDS = 2000, 20.0, 5.0


def read_spoilt(name: str, seed: int, seconds: float, folder: str, channel) -> None:
    """Spoil and read for some seconds; the file at hand stays in ``folder`` should the process die."""
    from facegen.jobs.batch.local_workers import limit_memory
    from tests.helpers.fuzzing import IN_LIBRARIES, READERS, answer, spoil

    warnings.simplefilter("ignore")
    limit_memory(MEMORY_MB)
    reader, chance, ends = {**READERS, **IN_LIBRARIES}[name], random.Random(seed), time.monotonic() + seconds
    good = Path(folder) / f"good.{reader.suffix}"
    reader.seed(good)
    raw, path = good.read_bytes(), Path(folder) / f"case.{reader.suffix}"
    while time.monotonic() < ends:
        path.write_bytes(spoil(raw, chance))
        began = time.process_time()
        fault = answer(reader, path)
        if not fault and time.process_time() - began > SLOW_SECONDS:
            fault = f"takes {time.process_time() - began:.0f} s"
        channel.send((fault, path.read_bytes() if fault else b""))
    channel.send(None)


def one_round(name: str, seed: int, seconds: float) -> tuple[int, dict[str, bytes]]:
    """Files read and the faults found with a file for each."""
    context = multiprocessing.get_context("spawn")
    found: dict[str, bytes] = {}
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=read_spoilt, args=(name, seed, seconds, folder, theirs))
        process.start()
        theirs.close()
        ends = time.monotonic() + 10 * seconds + 60
        while True:
            try:
                said = ours.recv() if ours.poll(max(0.0, ends - time.monotonic())) else "hangs"
            except EOFError:
                said = "dies"
            if said is None:
                break
            if isinstance(said, str):
                process.kill()
                process.join()
                case = next(Path(folder).glob("case.*"), None)
                found[f"{said} ({process.exitcode})"] = case.read_bytes() if case else b""
                break
            count += 1
            if said[0]:
                found.setdefault(said[0].split("(")[0][:60], said[1])
        process.join()
    return count, found


def main() -> None:
    from tests.helpers.fuzzing import IN_LIBRARIES, READERS

    readers = {**READERS, **IN_LIBRARIES}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "facegen-fuzz")
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    names = [name.strip() for name in said.only.split(",") if name.strip()] or list(readers)
    said.keep.mkdir(parents=True, exist_ok=True)
    seconds = min(ROUND_SECONDS, said.minutes * 60 / len(names))
    ends, counts, faults, seed = time.monotonic() + said.minutes * 60, dict.fromkeys(names, 0), {}, said.seed
    while time.monotonic() < ends:
        for name in names:
            count, found = one_round(name, seed, seconds)
            counts[name] += count
            for fault, raw in found.items():
                if (name, fault) not in faults:
                    faults[name, fault] = raw
                    place = said.keep / f"{name.replace(' ', '-')}-{len(faults)}.{readers[name].suffix}"
                    place.write_bytes(raw)
                    print(f"{name}: {fault} [{place}]", flush=True)
        seed += 1
    for name in names:
        print(f"| {name} | {counts[name]:,} | {sum(n == name for n, _ in faults)} |")


if __name__ == "__main__":
    main()
