"""Measure speed and memory, each in a fresh process, as ratios within one run.

    python -m tools.benchmarks.bench                     all of them
    python -m tools.benchmarks.bench curves hour         only these
    python -m tools.benchmarks.bench --json out.json     and all figures as one JSON object
    python -m tools.benchmarks.bench --against HEAD~5    start-up, speech and export by that commit and this tree, turn about
    python -m tools.benchmarks.bench --peers             networks of peers' sizes beside ours (needs torch and transformers)

Prints one table row a figure: what, measured, goal. The sound is the sample recording repeated, written as
16-bit WAV into a temporary folder; nothing is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "hello.flac"

# Runs one command in a child of its own and reports wall seconds and the peak memory of that child.
CHILD = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
wall = time.perf_counter() - start
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": code, "wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}))
"""


def timed(*command: str, at: Path = ROOT) -> dict[str, float]:
    """Wall seconds, processor seconds and peak memory (MB) of one command; SystemExit where it fails."""
    tree = {**os.environ, "PYTHONPATH": str(at)}
    child = [sys.executable, "-c", CHILD, *command]
    done = subprocess.run(child, capture_output=True, text=True, check=True, cwd=at, env=tree)
    result = json.loads(done.stdout)
    if result["code"] != 0:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return result


def best(runs: int, *command: str) -> dict[str, float]:
    """The quickest of several runs."""
    return min((timed(*command) for _ in range(runs)), key=lambda r: r["wall"])


def facegen(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "facegen", *words)


def sound(folder: Path, seconds: float) -> Path:
    """A WAV file of the sample recording repeated to ``seconds``."""
    import numpy as np
    import soundfile

    path = folder / f"speech-{seconds:g}.wav"
    if not path.exists():
        samples, rate = soundfile.read(SAMPLE, dtype="int16")
        with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as out:
            left = int(seconds * rate)
            while left > 0:
                out.write(samples[:left])
                left -= min(left, len(samples))
        assert np.isclose(soundfile.info(path).duration, seconds)
    return path


def start_up(folder: Path) -> None:
    nothing = best(5, sys.executable, "-c", "pass")["wall"]
    imported = best(5, sys.executable, "-c", "import facegen")["wall"]
    row("`import facegen`, above bare Python", f"{imported - nothing:.2f} s", "< 0.3 s")
    row("`facegen --help`", f"{best(5, *facegen('--help'))['wall']:.2f} s", "< 0.6 s")
    clip = sound(folder, 5)
    row("5 s clip to curves, start-up included", f"{animate(clip, folder)['wall']:.2f} s", "< 1.5 s")


def curves(folder: Path) -> None:
    """Speed from the second minute on: the time that nine minutes more take."""
    short, long = (animate(sound(folder, s), folder)["wall"] for s in (60, 600))
    row("speech to curves, from the second minute", f"{540 / (long - short):.0f} x real time", ">= 50 x")


def hour(folder: Path) -> None:
    for name, seconds in (("an hour", 3600), ("two hours", 7200)):
        result = animate(sound(folder, seconds), folder, runs=1)
        row(f"{name} of sound: peak memory", f"{result['peak_mb']:.0f} MB", "< 400 MB")
        row(f"{name} of sound: speed", f"{seconds / result['wall']:.0f} x real time", ">= 50 x")


def video(folder: Path) -> None:
    short, long = (
        best(2, *facegen("animate", str(sound(folder, s)), "--quiet", "-o", str(folder / "v.mp4")))["wall"]
        for s in (5, 20)
    )
    row("speech to 720p video at 30 fps", f"{15 / (long - short):.2f} x real time", ">= 1 x")


def retargeting(folder: Path) -> None:
    """Seconds in the process, without start-up and files."""
    import numpy as np

    from facegen.core.animation import Animation
    from facegen.rig import ARKIT, evaluate, load_rig
    from facegen.rig.retarget import find_mapping
    from facegen.rig.solve_from_vertices import fit_mesh

    animate(sound(folder, 60), folder, runs=1)
    minute = Animation(
        Fraction(60), ARKIT, np.loadtxt(folder / "c.csv", delimiter=",", skiprows=1, usecols=range(2, 54))
    )
    hours = Animation(Fraction(60), ARKIT, np.resize(minute.values, (216000, 52)))
    for name in ("metahuman", "oculus"):
        forth, back = find_mapping(load_rig("arkit"), load_rig(name))
        there, seconds = clocked(lambda way=forth: way.apply(hours))  # type: ignore[misc]
        row(f"an hour of 60 fps curves, arkit to {name}", f"{seconds:.1f} s", "< 5 s")
        _, seconds = clocked(lambda way=back, given=there: way.apply(given))  # type: ignore[misc]
        row(f"an hour of 60 fps curves, {name} to arkit", f"{seconds:.1f} s", "< 5 s")
    aria = load_rig("aria")
    vertices = np.stack(list(evaluate(aria, hours.slice(0, 1000 / 60).select(aria.control_names))))
    _, seconds = clocked(lambda: fit_mesh(aria, vertices, 60))
    share = 10_000 / vertices.shape[1]
    row("1,000 frames of 10,000 vertices to controls", f"{seconds * share:.1f} s", "< 20 s")


def drawing(folder: Path) -> None:
    """Frames a second in the process, from the tenth frame on: shapes alone, then whole pictures, none encoded."""
    import numpy as np

    from facegen.core.animation import Animation
    from facegen.renderers import camera_for, make_background
    from facegen.renderers.opengl import OpenGLRenderer
    from facegen.rig import ARKIT, evaluate, load_rig

    aria, size, time_ = load_rig("aria"), (1280, 720), np.arange(2000)[:, None] / 30
    swings = np.random.default_rng(0).uniform(1, 8, (2, 52))
    curves = np.clip(0.3 * np.sin(time_ * swings[0] + swings[1]), 0, 1)
    turning = np.c_[0.2 * np.sin(time_), np.zeros((2000, 5))]
    count = f"{len(aria.mesh.vertices):,} vertices"  # type: ignore[union-attr]
    for what, head in (("", None), (" and the head's motion", turning)):
        moving = Animation(Fraction(30), ARKIT, curves, head)
        speed = max(steady(evaluate(aria, moving)) for _ in range(3))
        row(f"52 shapes on {count}{what}", f"{speed:.0f} frames/s", ">= 2,000")
    short = Animation(Fraction(30), ARKIT, curves[:100], turning[:100])
    view, behind = camera_for(aria, "front", size), make_background("#2b2f36", size)
    speed = max(steady(OpenGLRenderer().frames(aria, short, view, size, behind)) for _ in range(3))
    row("pictures of 1280x720", f"{speed:.0f} frames/s", ">= 30")


def importing(folder: Path) -> None:
    """A rig of another program's size and kind: aria as a VRM-like GLB; and ICT-FaceKit where FACEGEN_ICT names it."""
    import numpy as np

    from facegen.core.animation import Animation
    from facegen.formats import save
    from facegen.rig import ARKIT
    from facegen.rig.importing import import_rig

    save(Animation(Fraction(30), ARKIT, np.zeros((2, 52))), folder / "aria.glb", rig="aria")
    for what, path in (
        ("import of a GLB", folder / "aria.glb"),
        ("import of ICT-FaceKit", os.environ.get("FACEGEN_ICT")),
    ):
        if path:
            rig, seconds = clocked(lambda path=path: import_rig(Path(path)).rig)  # type: ignore[misc,arg-type]
            row(f"{what}, {len(rig.mesh.vertices):,} vertices", f"{seconds:.1f} s", "< 5 s")


def exporting(folder: Path) -> None:
    """Ten minutes of the sample's curves at 60 fps in every format, each in a process of its own; those that keep few
    keys with them, too. Without those that a model or a folder of meshes is needed for, and what isn't installed."""
    from facegen.core.registry import Registry

    take = folder / "curves.take"
    timed(*facegen("animate", str(sound(folder, 600)), "--fps", "60", "--quiet", "-o", str(take)))
    found = []
    for suffix in Registry("exporters").names():
        if suffix.endswith("/") or suffix in (".vrm", ".pc2", ".mdd", ".npy"):
            continue
        if suffix == ".fbx" and not which(os.environ.get("FACEGEN_BLENDER", "blender")):
            continue
        if suffix.startswith(".usd") and find_spec("pxr") is None:
            continue
        few = ("--reduce", "0.005") if suffix in (".anim", ".blender.py") else ()
        made = timed(*facegen("convert", str(take), "-o", str(folder / f"out{suffix}"), "--quiet", *few))
        found.append((made["wall"], made["peak_mb"], suffix))
    slow = ", ".join(f"{suffix} {seconds:.1f} s" for seconds, _, suffix in sorted(found)[:-4:-1])
    row(f"ten minutes at 60 fps in {len(found)} formats, the slowest, start-up included", slow, "< 3 s")
    row("the same: most memory", f"{max(found, key=lambda f: f[1])[1]:.0f} MB", "< 500 MB")


def steady(frames: Iterator[Any]) -> float:
    """Frames a second from the tenth on."""
    for _ in range(10):
        next(frames)
    began = time.perf_counter()
    return sum(1 for _ in frames) / (time.perf_counter() - began)


def clocked(work: Callable[[], Any]) -> tuple[Any, float]:
    """What ``work`` returns, and the seconds that it takes."""
    began = time.perf_counter()
    done = work()
    return done, time.perf_counter() - began


def stages(folder: Path) -> None:
    """Of a minute of sound, on one core, in processor time."""
    from tools.benchmarks.stages import stage_times

    for name, seconds in stage_times(sound(folder, 60), folder).items():
        row(f"a minute of sound: {name}", f"{1000 * seconds:.0f} ms", "")


def throughput(folder: Path) -> None:
    """Whole runs of the command for sounds of several lengths."""
    for seconds in (5, 60, 600):
        done = animate(sound(folder, seconds), folder, runs=2)
        speed = f"{seconds / done['wall']:.0f} x ({seconds / done['cpu']:.0f} x a core)"
        row(f"{seconds} s of sound by the command", speed, "")


def workers(folder: Path) -> None:
    """A batch of short clips with one worker and with two, by turns; the least of each."""
    import shutil

    clips = folder / "clips"
    clips.mkdir(exist_ok=True)
    for number in range(WORKERS_CLIPS):
        shutil.copy(sound(folder, 20), clips / f"{number}.wav")
    walls: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(2):
        for count, seen in walls.items():
            out = folder / f"out-{count}-{turn}"
            line = ("batch", str(clips), "-o", str(out), "--workers", str(count), "--json", "--no-check")
            seen.append(batch_seconds(*facegen(*line)))
    one, two = min(walls[1]), min(walls[2])
    row("two workers against one, from the first clip done to the last", f"{one / two:.2f} x", ">= 1.8 x")
    row("a batch with two workers", f"{20 * (WORKERS_CLIPS - 2) / two:.0f} x real time", "")


WORKERS_CLIPS = 24


def batch_seconds(*command: str) -> float:
    """Seconds that a batch takes from the second clip done, when all workers are warm, to the last."""
    times = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as run:
        for line in run.stdout or ():
            if json.loads(line)["event"] == "job":
                times.append(time.perf_counter())
    if run.returncode or len(times) != WORKERS_CLIPS:
        raise SystemExit(f"the batch failed ({run.returncode})")
    return times[-1] - times[1]


def compare(commit: str, folder: Path) -> None:
    """All tasks of ``tools.benchmarks.against`` by ``commit`` and by this tree, turn about."""
    from tools.benchmarks import against

    if not against.is_quiet():
        print("the machine is busy: only user+sys seconds can be relied on", file=sys.stderr)
    clips = {seconds: sound(folder, seconds) for seconds in (5, 60, 600)}
    against.against(commit, clips, folder, timed, row, ROOT)


def peers(folder: Path) -> None:
    """Networks of the sizes that peers use, beside ours."""
    from tools.benchmarks.peer_networks import against as run_peers

    for name, seen in run_peers(sound(folder, 10), 10).items():
        size = f", {seen['parameters'] / 1e6:.0f} M parameters" if "parameters" in seen else ""
        speed = f"{10 / seen['wall']:.1f} x real time ({10 / seen['cpu']:.1f} x a core)"
        row(f"10 s of sound: {name}{size}", f"{speed}, {seen['peak_mb']:.0f} MB", "")


def animate(clip: Path, folder: Path, runs: int = 3) -> dict[str, float]:
    return best(runs, *facegen("animate", str(clip), "--quiet", "-o", str(folder / "c.csv")))


def row(what: str, measured: str, goal: str) -> None:
    ROWS.append({"what": what, "measured": measured, "goal": goal})
    print(f"| {what} | {measured} | {goal} |", flush=True)


ROWS: list[dict[str, str]] = []


BENCHES = {
    "start": start_up,
    "curves": curves,
    "hour": hour,
    "video": video,
    "retarget": retargeting,
    "draw": drawing,
    "import": importing,
    "export": exporting,
    "stages": stages,
    "throughput": throughput,
    "workers": workers,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", nargs="*", metavar="|".join(BENCHES))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--against", metavar="COMMIT")
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    which = options.which or ([] if options.against or options.peers else list(BENCHES))
    if unknown := [name for name in which if name not in BENCHES]:
        parser.error(f"no benchmark is called {unknown[0]}")
    began = time.perf_counter()
    print("| what | measured | goal |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in which:
            BENCHES[name](Path(folder))
        if options.against:
            compare(options.against, Path(folder))
        if options.peers:
            peers(Path(folder))
    if options.json:
        options.json.write_text(
            json.dumps({"cores": os.cpu_count(), "rows": ROWS}, indent=1), encoding="utf-8"
        )
    print(f"\n{time.perf_counter() - began:.0f} s in all", file=sys.stderr)


if __name__ == "__main__":
    main()
