"""Every broken file of the corpus through the command line: one line on stderr, the right code, no output."""

from __future__ import annotations

import os
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import tests.corpus
from facegen.cli.app import run
from tests.corpus.case import Case

KINDS = sorted(m.name for m in pkgutil.iter_modules(tests.corpus.__path__) if m.name.startswith("make_"))
SUFFIX = {"animate": "csv", "convert": "json", "render": "mp4"}
LEAST_CASES = 40


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, list[Case]]:
    return {
        kind: import_module(f"tests.corpus.{kind}").build(tmp_path_factory.mktemp(kind)) for kind in KINDS
    }


def command_line(case: Case, output: Path) -> list[str]:
    line = [*case.command.split(), str(case.path), *case.options]
    if case.command in SUFFIX and "-o" not in case.options:
        line += ["-o", str(output / f"out.{SUFFIX[case.command]}")]
    return line


def faults_of(case: Case, output: Path, capture) -> list[str]:
    """What the command line did otherwise than the case asks."""
    output.mkdir()
    before = set(case.path.parent.rglob("*")) if case.path.parent.is_dir() else set()
    code = run(command_line(case, output))
    said = capture.readouterr()
    lines = said.err.splitlines()
    faults = []
    if code != case.exit_code:
        faults.append(f"exit code {code} in place of {case.exit_code}")
    if len(lines) != 1 or not lines[0].startswith("facegen: "):
        faults.append(f"{len(lines)} lines on stderr")
    if case.says.lower() not in said.err.lower():
        faults.append(f"does not say {case.says!r}")
    named = {
        str(case.path.parent),
        case.path.name,
        *(os.path.basename(o.split("=")[0]) or o for o in case.options),
    } - {""}
    if not any(ascii_of(name) in said.err or name in said.err for name in named):
        faults.append("names neither the file nor an option")
    if "; " not in said.err:
        faults.append("gives no remedy")
    if "Traceback" in said.err + said.out or said.out:
        faults.append("prints to stdout or a traceback")
    if list(output.iterdir()) or (before and set(case.path.parent.rglob("*")) - before):
        faults.append("leaves an output file")
    return [f"{case.name}: {fault}: {said.err.strip()[:300]}" for fault in faults]


def ascii_of(name: str) -> str:
    return name.encode("unicode_escape").decode()


@pytest.mark.parametrize("kind", KINDS)
def test_each_broken_file_gets_its_answer(kind, built, tmp_path, capsys):
    assert built[kind]
    faults = [
        fault
        for number, case in enumerate(built[kind])
        for fault in faults_of(case, tmp_path / str(number), capsys)
    ]
    assert not faults, "\n" + "\n".join(faults)


def test_corpus_is_large_enough(built):
    names = [(kind, case.name) for kind, cases in built.items() for case in cases]
    assert len(names) >= LEAST_CASES
    assert len(set(names)) == len(names)


def test_corpus_has_every_kind():
    assert {"make_audio", "make_animation", "make_rig", "make_alignment"} <= set(KINDS)
