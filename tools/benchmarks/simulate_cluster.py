"""What a million minutes of sound cost on 1, 10 and 1,000 nodes, and where the bottleneck is: a simulation of
``facegen batch --engine ray`` from service times that are measured on this machine first.

    python -m tools.benchmarks.simulate_cluster                     measure, then simulate
    python -m tools.benchmarks.simulate_cluster --minutes 1e6 --clip 60 --nodes 1,10,1000 --cores 16 --disk 500

Each node has so many cores; a clip goes from the shared store (so many MB/s in all) to a core, is solved there, and its
outputs go back; then the one driver writes the journal's line. Cores and nodes fail at random and are replaced. The
driver's queue, the store and the cores are simulated event by event over a sample of clips and scaled to all.
"""

from __future__ import annotations

import argparse
import heapq
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_CLIPS = 200_000


@dataclass
class Service:
    """Measured seconds: of one clip's work on a core, of the driver for one clip, of a worker's start; megabytes
    read and written for one clip."""

    work: float
    driver: float
    start: float
    megabytes: float


def measure(clip_seconds: float) -> Service:
    """Service times of a clip of so many seconds on this machine, in processor time."""
    import numpy as np
    import soundfile

    from facegen.config import BatchConfig
    from facegen.jobs.batch.journal import Journal
    from facegen.jobs.batch.run import plan
    from facegen.jobs.batch.run_task import run_task
    from facegen.jobs.batch.storage import FolderStorage

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples, rate = soundfile.read(ROOT / "examples" / "hello.flac", dtype="int16")
        (folder / "in").mkdir()
        for number in range(4):
            long = np.resize(np.roll(samples, number * 1000), int(rate * clip_seconds))
            soundfile.write(folder / "in" / f"{number}.wav", long, rate)
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import facegen.pipeline.animate"], check=True, cwd=ROOT)
        start = time.perf_counter() - began
        out = folder / "out"
        out.mkdir()
        tasks = plan(str(folder / "in"), str(out), BatchConfig())
        results = [run_task(tasks[0], FolderStorage(str(out)), check=False)]
        began = time.process_time()
        results += [run_task(task, FolderStorage(str(out)), check=False) for task in tasks[1:]]
        work = (time.process_time() - began) / 3
        journal, began = Journal(folder / "j"), time.perf_counter()
        for number in range(300):
            journal.begin(f"{number}")
            journal.end(f"{number}", results[0])
        driver = (time.perf_counter() - began) / 300
        sizes = [p.stat().st_size for p in (folder / "in" / "0.wav", out / "0.csv")]
    return Service(work, driver, start, sum(sizes) / 2**20)


@dataclass
class Outcome:
    seconds: float
    busy: float
    store: float
    driver: float
    lost: int


def simulate(service: Service, clips: int, nodes: int, said: argparse.Namespace) -> Outcome:
    """The makespan of ``clips`` clips, and the shares of time that cores, store and driver are busy."""
    chance = random.Random(0)
    count = min(clips, max(SAMPLE_CLIPS, 20 * nodes * said.cores))
    cores = [(service.start * chance.uniform(1, 2), number) for number in range(nodes * said.cores)]
    heapq.heapify(cores)
    carry = service.megabytes / said.disk  # seconds that the store needs for a clip
    store_free = driver_free = 0.0
    busy, lost, last, done = 0.0, 0, 0.0, 0
    failing = said.hours_between_failures * 3600
    while done < count:
        free, number = heapq.heappop(cores)
        store_free = max(store_free, free) + carry
        work = service.work * chance.lognormvariate(0, 0.2)
        ends = max(free, store_free) + work
        if chance.random() < work / failing:
            lost += 1
            heapq.heappush(cores, (ends + service.start, number))
            continue
        driver_free = max(driver_free, ends) + service.driver
        busy, done, last = busy + work, done + 1, max(last, driver_free)
        # The driver keeps two tasks a core in flight, so that a core waits for it only when it lags by one clip.
        heapq.heappush(cores, (max(ends, driver_free - service.work), number))
    scale = clips / count
    return Outcome(
        last * scale, busy / (last * nodes * said.cores), count * carry / last, count * service.driver / last,
        round(lost * scale),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--clip", type=float, default=60.0, help="seconds of a clip")
    parser.add_argument("--nodes", default="1,10,1000")
    parser.add_argument("--cores", type=int, default=16)
    parser.add_argument("--disk", type=float, default=500.0, help="MB/s of the shared store in all")
    parser.add_argument("--hours-between-failures", type=float, default=1000.0, help="of one core")
    said = parser.parse_args()
    service = measure(said.clip)
    clips = round(said.minutes * 60 / said.clip)
    print(
        f"measured for a clip of {said.clip:g} s: {service.work:.3f} s of one core, {1000 * service.driver:.2f} ms of the "
        f"driver, {service.megabytes:.2f} MB moved; a worker starts in {service.start:.1f} s"
    )
    print("| nodes | cores | hours | core hours | cores busy | store busy | driver busy | clips redone |")
    print("|---|---|---|---|---|---|---|---|")
    for nodes in (int(text) for text in said.nodes.split(",")):
        out = simulate(service, clips, nodes, said)
        hours = out.seconds / 3600
        total = hours * nodes * said.cores
        print(
            f"| {nodes:,} | {nodes * said.cores:,} | {hours:.2f} | {total:,.0f} | {out.busy:.0%} | {out.store:.0%} | "
            f"{out.driver:.0%} | {out.lost:,} |"
        )


if __name__ == "__main__":
    main()
