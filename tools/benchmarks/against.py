"""Speed and memory of this tree beside those of another commit, run turn about on the same machine.

Each task runs in a fresh process, once by the one tree and once by the other, so that whatever else the machine does
falls on both. The commit is checked out by ``git worktree`` into the temporary folder and removed again.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

RUNS = 5
"""Runs of each task by each tree; the median of them is compared. Odd, so that a median is a run that took place."""
MEASURES = {"wall": ("wall", "s"), "cpu": ("user+sys", "s"), "peak_mb": ("peak memory", "MB")}
"""What is compared, by the key of a measured run: its name and its unit."""

Run = dict[str, float]
Timed = Callable[..., Run]


@contextmanager
def checkout(commit: str, folder: Path, root: Path) -> Iterator[Path]:
    """A detached worktree of ``commit`` in ``folder``, removed afterwards."""
    place = folder / "other"
    add = ["git", "worktree", "add", "--detach", "-q", str(place), commit]
    done = subprocess.run(add, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(
            f"{commit}: can't be checked out ({done.stderr.strip()}); name a commit of this repository"
        )
    try:
        yield place
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(place)], check=True, cwd=root)


def tasks(clips: dict[int, Path], folder: Path) -> dict[str, Callable[[str], tuple[str, ...]]]:
    """Command lines by what they do; each is given the name of the tree, so that the outputs lie apart.

    Parameters
    ----------
    clips
        Sounds by their seconds: 5, 60 and 600.
    folder
        Where the outputs go.
    """

    def program(*words: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "facegen", *words)

    def animate(seconds: int, suffix: str) -> Callable[[str], tuple[str, ...]]:
        return lambda tree: program(
            "animate", str(clips[seconds]), "--quiet", "-o", str(folder / f"{tree}-{seconds}{suffix}")
        )

    def convert(suffix: str) -> Callable[[str], tuple[str, ...]]:
        return lambda tree: program(
            "convert", str(folder / f"{tree}-600.take"), "--quiet", "-o", str(folder / f"{tree}{suffix}")
        )

    return {
        "import facegen": lambda tree: (sys.executable, "-c", "import facegen"),
        "facegen --help": lambda tree: program("--help"),
        "5 s of speech to .csv": animate(5, ".csv"),
        "a minute of speech to .take": animate(60, ".take"),
        "ten minutes of speech to .take": animate(600, ".take"),
        "ten minutes of a take to .csv": convert(".csv"),
        "ten minutes of a take to .glb": convert(".glb"),
    }


def turn_about(
    command: Callable[[str], tuple[str, ...]], trees: dict[str, Path], timed: Timed, runs: int = RUNS
) -> dict[str, Run]:
    """The medians of each measure by tree; which tree begins changes from turn to turn."""
    found: dict[str, list[Run]] = {name: [] for name in trees}
    for turn in range(runs):
        order = list(trees) if turn % 2 == 0 else list(reversed(trees))
        for name in order:
            found[name].append(timed(*command(name), at=trees[name]))
    return {
        name: {key: statistics.median(run[key] for run in seen) for key in MEASURES}
        for name, seen in found.items()
    }


def against(
    commit: str,
    clips: dict[int, Path],
    folder: Path,
    timed: Timed,
    row: Callable[[str, str, str], None],
    root: Path,
    runs: int = RUNS,
) -> None:
    """Measure every task by ``commit`` and by the tree at ``root``, and print a row for each measure.

    Parameters
    ----------
    commit
        What git names a commit by.
    clips
        Sounds by their seconds: 5, 60 and 600.
    folder
        For the checkout and the outputs.
    timed
        Runs a command with the tree ``at`` and gives wall and processor seconds and peak memory in MB.
    row
        Prints what was measured, the figures, and the goal.
    root
        This tree.
    runs
        Of each task by each tree.
    """
    with checkout(commit, folder, root) as other:
        trees = {"other": other, "this": root}
        for what, command in tasks(clips, folder).items():
            found = turn_about(command, trees, timed, runs)
            for key, (name, unit) in MEASURES.items():
                before, now = found["other"][key], found["this"][key]
                figures = (
                    f"{now / before:.3f} x ({before:.2f} {unit} by {commit}, {now:.2f} {unit} by this tree)"
                )
                row(f"{what}: {name}", figures, GOAL)


GOAL = "<= 1.03 x"
"""A change of less is lost in what repeated runs of one tree differ by on a machine that does nothing else."""


def is_quiet() -> bool:
    """Whether the load of the last minute leaves room for runs that are compared."""
    return not hasattr(os, "getloadavg") or os.getloadavg()[0] < 0.5 * (os.cpu_count() or 1)
