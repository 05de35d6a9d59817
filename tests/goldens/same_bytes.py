"""Whether this tree's commands still write what those of an earlier commit write, byte for byte.

    python tests/goldens/same_bytes.py
    python tests/goldens/same_bytes.py --against v0.1.0 --keep out/same

Runs each command of ``same_bytes_commands.py`` in both trees, with the same Python, environment and relative paths, and
compares all files written and what is printed. Says by how much numbers differ where bytes do. facegen's own version and
the seconds that a run took are left aside.

Exit code 0: all are the same, or closer than 1e-5; 1: something differs; 2: nothing could be compared.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from same_bytes_commands import COMMANDS, LEFT_OUT, SAMPLE, Command, write_inputs
from same_bytes_compare import SAME, Outcome, Side, compare, compare_listing, compare_text, last_json

ROOT = Path(__file__).resolve().parents[2]
BASE = "d7071e417c12d2f373169506def1f517139e7669"
NEEDED = ("facegen", "rigs", SAMPLE)  # of the base commit
MISSING_EXTRA = 6  # facegen's exit code
LIMIT_S = 300
ASIDE = (".facegen",)  # a batch's journal: process ids, times and fingerprints of this very run


class Tree(NamedTuple):
    """A checkout at ``root`` whose commands run in ``folder``."""

    root: Path
    folder: Path
    environment: dict[str, str]
    version: str

    @property
    def side(self) -> Side:
        """What may differ from the other tree."""
        return Side(str(self.folder), self.version)


class Ran(NamedTuple):
    """A command's exit code, what it printed, and the files that it wrote, by their relative path."""

    code: int
    printed: str
    complaint: str
    files: dict[str, Path]


class Row(NamedTuple):
    """A line of the result: how many ``files`` were compared, and the worst ``outcome`` of each that differs."""

    command: Command
    files: int
    outcomes: tuple[Outcome, ...] = ()
    skipped: str = ""

    @property
    def worst(self) -> Outcome:
        """The outcome that differs most."""
        return max(self.outcomes, key=lambda outcome: outcome.rank, default=SAME)


def prepare(root: Path, folder: Path) -> Tree:
    """A tree ready to run in the new ``folder``. Raises SystemExit where Python would import another facegen."""
    root, folder = root.resolve(), folder.resolve()
    folder.mkdir(parents=True)
    before = os.environ.get("PYTHONPATH", "")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), before]).rstrip(os.pathsep)}
    program = [sys.executable, "-c", "import facegen; print(facegen.__file__); print(facegen.__version__)"]
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"same_bytes: {root}: facegen can't be imported: {done.stderr.strip()[-300:]}")
    path, version = done.stdout.split("\n")[:2]
    if not Path(path).resolve().is_relative_to(root):
        raise SystemExit(f"same_bytes: Python imports {path}, not the facegen of {root}")
    return Tree(root, folder, environment, version)


def start(tree: Tree, command: Command) -> subprocess.Popen[bytes]:
    """The command, running in the tree's folder; its output goes to files, so that no pipe fills up."""
    with (tree.folder / "stdout").open("wb") as out, (tree.folder / "stderr").open("wb") as complaints:
        return subprocess.Popen(
            [sys.executable, "-m", "facegen", *command.arguments],
            cwd=tree.folder,
            env=tree.environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=complaints,
        )


def files_of(folder: Path) -> dict[str, Path]:
    """All files below ``folder`` by relative path, but for those in a folder that is left aside."""
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name.as_posix(): path for name, path in found.items() if not set(ASIDE) & set(name.parts)}


def run_both(trees: Sequence[Tree], command: Command) -> list[Ran]:
    """The command in each of the trees, side by side."""
    known = [set(files_of(tree.folder)) | {"stdout", "stderr"} for tree in trees]
    running = [start(tree, command) for tree in trees]
    try:
        codes = [process.wait(LIMIT_S) for process in running]
    except subprocess.TimeoutExpired:
        raise SystemExit(f"same_bytes: {command.name}: not done after {LIMIT_S} s") from None
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
    return [
        Ran(
            code,
            (tree.folder / "stdout").read_text(encoding="utf-8"),
            (tree.folder / "stderr").read_text(encoding="utf-8").strip(),
            {name: path for name, path in files_of(tree.folder).items() if name not in before},
        )
        for tree, code, before in zip(trees, codes, known, strict=True)
    ]


def compare_command(trees: tuple[Tree, Tree], command: Command) -> Row:
    """Run the command in both trees and compare all that came of it."""
    missing = [name for name in command.needs if find_spec(name) is None]
    if missing:
        return Row(command, 0, skipped=f"not installed: {', '.join(missing)}")
    base, here = run_both(trees, command)
    if base.code or here.code:
        if command.needs and base.code == here.code == MISSING_EXTRA:
            return Row(command, 0, skipped=here.complaint or f"exit code {MISSING_EXTRA}")
        ended = f"exit codes {base.code} and {here.code}; {(here.complaint or base.complaint)[-200:]}"
        return Row(command, 0, (Outcome("differs", float("inf"), ended),))
    outcomes = [
        Outcome("differs", float("inf"), f"{name}: written by one tree alone")
        for name in sorted(base.files.keys() ^ here.files.keys())
    ]
    sides = trees[0].side, trees[1].side
    both = [name for name in base.files if name in here.files]
    for name in both:
        outcomes.append(compare(name, base.files[name].read_bytes(), here.files[name].read_bytes(), sides))
    if command.printed:
        outcomes.append(compare_printed(command, base.printed, here.printed, sides))
    elif not both and not outcomes:
        outcomes.append(Outcome("differs", float("inf"), "the command wrote nothing"))
    return Row(command, len(both), tuple(outcome for outcome in outcomes if outcome != SAME))


def compare_printed(command: Command, base: str, here: str, sides: tuple[Side, Side]) -> Outcome:
    """How what the command printed differs, by the form that the table says it has."""
    base, here = (
        side.neutral_path(text.encode()).decode() for side, text in zip(sides, (base, here), strict=True)
    )
    if not base.strip():
        return Outcome("differs", float("inf"), "standard output: empty")
    if command.printed == "json":
        try:
            base, here = last_json(base), last_json(here)
        except (ValueError, IndexError, AttributeError):
            return Outcome("differs", float("inf"), "standard output: its last line is no JSON object")
    how = compare_listing if command.printed == "listing" else compare_text
    return how("standard output", base, here, sides)


@contextmanager
def base_tree(commit: str, folder: Path | None, space: Path) -> Iterator[Path]:
    """The checkout to compare with: ``folder``, or what git has of ``commit``, unpacked below ``space``."""
    if folder is not None:
        yield folder
        return
    command = ["git", "-C", str(ROOT), "archive", "--format=zip", commit, "--", *NEEDED]
    try:
        packed = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        raise SystemExit("same_bytes: git is not installed; give the earlier checkout with --base") from None
    if packed.returncode != 0:
        raise SystemExit(
            f"same_bytes: git has no {commit}: {packed.stderr.decode(errors='replace').strip()}; "
            "fetch the whole history, or give the earlier checkout with --base"
        )
    with zipfile.ZipFile(io.BytesIO(packed.stdout)) as package:
        package.extractall(space / "checkout")
    yield space / "checkout"


def compare_trees(
    base: Path, here: Path, space: Path, commands: Sequence[Command], sample: Path
) -> Iterator[Row]:
    """The rows of all ``commands``, each as soon as it is done; both trees run below ``space``."""
    trees = prepare(base, space / "base"), prepare(here, space / "here")
    for tree in trees:
        write_inputs(tree.folder, sample)
    for command in commands:
        yield compare_command(trees, command)


def described(row: Row) -> str:
    """A row as a line of the table, with a line more for each output that isn't the same."""
    worst = row.worst
    result = worst.kind
    if row.skipped:
        result = f"skipped: {row.skipped}"
    elif worst.kind == "close" or 0 < worst.largest < float("inf"):
        result += f" {worst.largest:.2g}"
    lines = [f"{row.command.name:<42} {row.files:>4}  {result}"]
    for outcome in row.outcomes:
        size = (
            f" by {outcome.largest:.3g}"
            if outcome.largest < float("inf") and outcome.kind != "wording"
            else ""
        )
        lines.append(f"    {outcome.kind}{size}: {outcome.where}")
    return "\n".join(lines)


def summary(rows: Sequence[Row], seconds: float) -> str:
    """The last lines: how many are same, and the largest rounding."""
    kinds = [row.worst.kind for row in rows if not row.skipped]
    count = {kind: kinds.count(kind) for kind in ("same", "wording", "close", "differs")}
    told = ", ".join(f"{number} {kind}" for kind, number in count.items() if number or kind == "same")
    skipped = len(rows) - len(kinds)
    files = sum(row.files for row in rows)
    lines = [
        f"{len(rows)} commands, {files} files, {seconds:.0f} s: {told}"
        + (f", {skipped} skipped" if skipped else "")
    ]
    rounded = [outcome.largest for row in rows for outcome in row.outcomes if outcome.kind == "close"]
    if rounded:
        lines.append(f"largest difference that counts as rounding: {max(rounded):.3g}")
    return "\n".join(lines)


def options(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--against", metavar="COMMIT", default=BASE, help="the earlier commit (default: %(default).7s)"
    )
    parser.add_argument("--base", metavar="FOLDER", type=Path, help="a checkout of it, instead of git's copy")
    parser.add_argument(
        "--tree", metavar="FOLDER", type=Path, default=ROOT, help="the tree to compare (default: this)"
    )
    parser.add_argument("--keep", metavar="DIR", type=Path, help="new folder for what both trees write")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Compare, print the table, and return the exit code."""
    chosen = options(words)
    if chosen.keep and chosen.keep.exists():
        raise SystemExit(f"same_bytes: {chosen.keep} is there already; name a new folder")
    began, rows = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="same-bytes-") as name:
        space = Path(name)
        kept = chosen.keep or space
        with base_tree(chosen.against, chosen.base, space) as base:
            for row in compare_trees(base, chosen.tree, kept, COMMANDS, base / SAMPLE):
                rows.append(row)
                print(described(row), flush=True)
    print(summary(rows, time.monotonic() - began))
    print("formats left out: " + "; ".join(f"{suffix} ({why})" for suffix, why in LEFT_OUT.items()))
    return 1 if any(row.worst.kind == "differs" for row in rows) else 0


if __name__ == "__main__":
    try:
        code = main()
    except SystemExit as refusal:
        if isinstance(refusal.code, str):
            print(refusal.code, file=sys.stderr)
            code = 2
        else:
            raise
    raise SystemExit(code)
