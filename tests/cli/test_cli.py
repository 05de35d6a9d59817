"""The command line as a program: events, exit codes, streams, and that failures leave nothing behind."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

from facegen.cli import app, main
from facegen.cli.app import COMMANDS, run
from facegen.cli.report import Reporter, own_streams
from facegen.core.errors import OutputError
from facegen.core.registry import load_object
from tests.helpers.processes import INTERRUPTIBLE

ROOT = Path(__file__).resolve().parents[2]


def leaves(command: click.Command, name: str):
    if isinstance(command, click.Group):
        for inner, child in command.commands.items():
            yield from leaves(child, f"{name} {inner}")
    else:
        yield name, command


ALL = [leaf for name, (target, _) in COMMANDS.items() for leaf in leaves(load_object(target), name)]


def program(*arguments: str, **settings) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "facegen", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        check=False,
        **settings,
    )


@pytest.mark.parametrize("name, command", ALL, ids=[name for name, _ in ALL])
def test_help_has_one_example(name, command, capsys):
    assert run([*name.split(), "--help"]) == 0
    said = capsys.readouterr()
    assert said.out.count("Example: facegen ") == 1 and f"Example: facegen {name}" in said.out
    assert not said.err
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_table_of_commands_holds_no_stale_text():
    for _, (target, text) in COMMANDS.items():
        assert load_object(target).help and text.endswith(".")


def test_module_and_program_are_the_same(capsys):
    done = program("--version")
    assert (done.returncode, done.stderr) == (0, "")
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == done.stdout


def test_animate_writes_every_output(clip, tmp_path, capsys):
    outputs = [str(tmp_path / f"out.{suffix}") for suffix in ("csv", "json", "take", "safetensors")]
    assert run(["animate", str(clip), *(part for o in outputs for part in ("-o", o))]) == 0
    said = capsys.readouterr()
    assert not said.err and [line.split(": ")[0] for line in said.out.splitlines()] == outputs
    from facegen import load

    animations = [load(output) for output in outputs]
    assert {len(animation) for animation in animations} == {30}
    for other in animations[1:]:
        assert np.allclose(animations[0].values, other.select(animations[0].controls).values, atol=1e-5)


def test_python_and_command_line_agree(clip, tmp_path):
    import facegen

    run(
        ["animate", str(clip), "--emotion", "happy:0.6", "--fps", "60", "-o", str(tmp_path / "a.safetensors")]
    )
    assert facegen.load(tmp_path / "a.safetensors") == facegen.animate(str(clip), emotion="happy:0.6", fps=60)


def test_same_call_same_bytes(clip, tmp_path):
    for name in ("a", "b"):
        assert run(["animate", str(clip), "--quiet", "-o", str(tmp_path / f"{name}.take")]) == 0
    assert (tmp_path / "a.take").read_bytes() == (tmp_path / "b.take").read_bytes()


def test_json_events(clip, tmp_path, capsys):
    output = str(tmp_path / "a.csv")
    assert run(["animate", str(clip), "--json", "-o", output]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {e["event"] for e in events[:-1]} == {"progress"}
    assert all({"step", "done", "total"} <= set(e) for e in events[:-1])
    assert events[-1]["event"] == "done" and events[-1]["outputs"] == [output]
    assert events[-1]["frames"] == 30 and events[-1]["seconds"] == 1.0


def test_json_error_event(tmp_path, capsys):
    assert run(["animate", "none.wav", "--json", "-o", str(tmp_path / "a.csv")]) == 3
    said = capsys.readouterr()
    event = json.loads(said.out)
    assert event["event"] == "error" and event["exit_code"] == 3 and event["path"] == "none.wav"
    assert event["reason"] in said.err and event["remedy"] in said.err


def test_quiet_prints_nothing(clip, tmp_path, capsys):
    assert run(["animate", str(clip), "--quiet", "-o", str(tmp_path / "a.csv")]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_odd_names(clip, tmp_path, capsys):
    folder = tmp_path / "with space 😀"
    folder.mkdir()
    odd = folder / "großer Tag 🎤.wav"
    odd.write_bytes(clip.read_bytes())
    assert run(["animate", str(odd), "-o", str(folder / "ä b.csv")]) == 0
    assert (folder / "ä b.csv").is_file()


def test_control_characters_stay_on_one_line(tmp_path, capsys):
    assert run(["animate", "a\nb\x1b[31m.wav", "-o", str(tmp_path / "a.csv")]) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "\x1b" not in said and r"a\nb" in said


def test_checks_come_before_the_work(clip, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "facegen.pipeline.animate.solve", lambda *a, **k: pytest.fail("worked before the checks")
    )
    good = str(tmp_path / "a.csv")
    for arguments, code in (
        (["-o", good, "-o", str(tmp_path / "none" / "b.csv")], 4),
        (["-o", good, "-o", str(tmp_path / "b.xyz")], 2),
        (["-o", good, "--rig", "nobody"], 2),
        (["-o", good, "--emotion", "nothing"], 2),
        (["-o", good, "--passes", "nothing"], 2),
        (["-o", good, "--alignment", "none.TextGrid"], 3),
        (["-o", good, "--text", "none.txt"], 3),
    ):
        assert run(["animate", str(clip), *arguments]) == code
    assert list(tmp_path.iterdir()) == [clip]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_read_only_folder(clip, tmp_path, capsys):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert run(["animate", str(clip), "-o", str(locked / "a.csv")]) == 4
    assert "locked" in capsys.readouterr().err


def test_failing_output_leaves_no_half_file(clip, tmp_path, monkeypatch, capsys):
    def fail(self, animation, rig, options):
        yield_some = iter([b"half"])

        def chunks():
            yield from yield_some
            raise OSError(errno.ENOSPC, "No space left on device")

        return {"": chunks()}

    monkeypatch.setattr("facegen.formats.facegen_json.FacegenJson.files", fail)
    assert run(["animate", str(clip), "-o", str(tmp_path / "a.csv"), "-o", str(tmp_path / "b.json")]) == 4
    assert "b.json: can't be written (no space left on device)" in capsys.readouterr().err
    assert {p.name for p in tmp_path.iterdir()} == {"clip.wav", "a.csv"}


@pytest.mark.parametrize(
    "error, code, says",
    [
        (KeyboardInterrupt(), 130, "facegen: interrupted"),
        (MemoryError(), 3, "the memory is not enough; use a shorter --duration"),
        (RuntimeError("odd\nthing"), 5, "internal error (RuntimeError: odd thing); please report it"),
        (OutputError("is full", path="a.csv", remedy="make room"), 4, "facegen: a.csv: is full; make room"),
    ],
    ids=["interrupt", "memory", "bug", "ours"],
)
def test_any_failure_is_one_line(error, code, says, monkeypatch, capsys):
    def fail(*_, **__):
        raise error

    monkeypatch.delenv("FACEGEN_DEBUG", raising=False)
    monkeypatch.setattr(app.app, "invoke", fail)
    assert run(["emotions"]) == code
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1


def test_debug_shows_the_traceback(monkeypatch, capsys):
    def fail(*_, **__):
        raise RuntimeError("odd")

    monkeypatch.setenv("FACEGEN_DEBUG", "1")
    monkeypatch.setattr(app.app, "invoke", fail)
    assert run(["emotions"]) == 5
    assert "Traceback" in capsys.readouterr().err


def test_libraries_do_not_reach_stderr():
    code = (
        "import os, sys, warnings\nfrom facegen.cli.report import own_streams, warn_line\n"
        "import logging\n"
        "with own_streams():\n os.write(2, b'noise')\n warnings.warn('noise')\n warn_line('ours')\n"
        " logging.getLogger('noise').error('noise')\n"
        "os.write(2, b'after')"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "FACEGEN_DEBUG": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stderr == "ours\nafter"


def test_streams_of_a_host_are_left_alone(capsys):
    before = sys.stderr
    with own_streams():
        assert sys.stderr is before


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell's pipe")
def test_closed_pipe_is_no_failure():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "facegen", "formats"],
        stdout=writer,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_no_temporary_file(number, tmp_path):
    code = (
        "import time, sys\nfrom facegen.core.files import atomic_path\n"
        "from facegen.cli import app, main\n"
        f"def hang(*_):\n with atomic_path({str(tmp_path / 'a.csv')!r}):\n"
        "  print('working', flush=True)\n  time.sleep(30)\n"
        "app.app.invoke = hang\nmain(['emotions'])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        preexec_fn=INTERRUPTIBLE,
    )
    assert child.stdout.readline() == "working\n"
    child.send_signal(number)
    _, said = child.communicate(timeout=20)
    assert child.returncode == 130 and said == "facegen: interrupted\n"
    assert not list(tmp_path.iterdir())


def test_progress_bar_only_on_a_terminal_and_after_a_second(monkeypatch):
    import io

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, waits, shows in (
        (Terminal(), True, True),
        (Terminal(), False, False),
        (io.StringIO(), True, False),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        with Reporter() as report:
            if waits:
                report.started -= 2
            report.progress("encode", 1.0, 4.0)
            report.progress("encode", 2.0, 4.0)
        assert bool(stream.getvalue()) == shows


def test_json_progress_is_thinned(capsys):
    with Reporter(as_json=True) as report:
        for second in range(1000):
            report.progress("encode", float(second), 999.0)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert 2 <= len(events) < 50 and events[0]["done"] == 0.0 and events[-1]["done"] == 999.0
