"""Every command of tools runs from the checkout and is named as it is called."""

from __future__ import annotations

import os
import pkgutil
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUARD = 'if __name__ == "__main__":'
COMMANDS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "tools").rglob("*.py")
    if GUARD in path.read_text(encoding="utf-8")
)
PACKAGES_NEEDED = ("torch", "onnx", "mediapipe", "matplotlib", "PIL", "moderngl")
NAMES_A_MODULE = re.compile(r"python3? -m (tools(?:\.\w+)+)")
NAMES_A_PATH = re.compile(r"(?<![\w./-])tools(?:/\w+)+(?:\.py)?")
ELSEWHERE = {
    "CHANGELOG.md",
    "README.md",
}  # the one names paths as they were, the other is held by tests of the docs


def written_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.py", "*.md"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("needs a git checkout")
    return [
        ROOT / name
        for name in listed.stdout.split()
        if name not in ELSEWHERE and not name.startswith("docs/") and (ROOT / name).is_file()
    ]


def missing_names(text: str) -> list[str]:
    """Modules of ``python -m tools.…`` and paths ``tools/…`` of ``text`` that do not exist."""
    modules = [name.rstrip(".").replace(".", "/") for name in NAMES_A_MODULE.findall(text)]
    missing = [
        m for m in modules if not any((ROOT / f"{m}{end}").is_file() for end in (".py", "/__main__.py"))
    ]
    return missing + [p for p in NAMES_A_PATH.findall(text) if not (ROOT / p).exists()]


def test_readers_that_cards_name_exist():
    cards = list((ROOT / "datasets").glob("*/card.md"))
    named = [name for card in cards for name in re.findall(r"`(\w+(?:\.\w+)+)`", card.read_text("utf-8"))]
    readers = [name for name in named if name.startswith(("facegen.", "tools."))]
    assert len(readers) > 12
    for name in readers:
        assert pkgutil.resolve_name(name)


def test_commands_are_found():
    assert len(COMMANDS) > 30 and "tools.training.train_lip_decoder" in COMMANDS


@pytest.mark.parametrize("package", sorted((ROOT / "tools").rglob("*.py")), ids=lambda p: p.stem)
def test_no_tool_changes_the_search_path(package):
    own = package.name == "peer_networks.py"  # passes the path on to a child that measures itself
    assert own or "sys.path." not in package.read_text(encoding="utf-8")


def test_what_is_missing_is_noticed():
    assert missing_names("run `python -m tools.training.train_ears` as tools/ears.py says") == [
        "tools/training/train_ears",
        "tools/ears.py",
    ]
    assert not missing_names("run `python -m tools.training.train_lip_decoder`, see tools/start.py")


def test_commands_and_paths_that_are_named_exist():
    found = {}
    for path in written_files():
        if path != Path(__file__) and (missing := missing_names(path.read_text(encoding="utf-8"))):
            found[str(path.relative_to(ROOT))] = missing
    assert not found


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in COMMANDS if n != "tools.start"])
def test_help_is_printed(name):
    run = subprocess.run(
        [sys.executable, "-m", name, "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    lacking = re.search(r"No module named '(\w+)", run.stderr)
    if lacking and lacking[1] in PACKAGES_NEEDED and find_spec(lacking[1]) is None:
        pytest.skip(f"needs {lacking[1]}")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("usage:") and not run.stderr
