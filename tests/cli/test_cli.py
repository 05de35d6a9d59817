"""The command line as a program: events, exit codes, streams, and that failures leave nothing behind."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
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


@pytest.fixture
def clip(tmp_path) -> Path:
    """A second of the recording that ships with the project."""
    import soundfile

    samples, rate = soundfile.read(ROOT / "examples" / "hello.flac")
    soundfile.write(tmp_path / "clip.wav", samples[:rate], rate)
    return tmp_path / "clip.wav"


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


def test_doctor_tells_state_and_remedy(capsys):
    assert run(["doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    names = {finding["name"] for finding in findings}
    assert {"python", "numpy", "onnxruntime", "H.264 encoder", "OpenGL", "sound codecs"} <= names
    for finding in findings:
        assert finding["state"] in ("ok", "missing")
        assert finding["state"] == "ok" or finding["remedy"]


def test_doctor_survives_a_broken_part(monkeypatch, capsys):
    def broken():
        raise ImportError("no such library")

    monkeypatch.setattr("facegen.cli.doctor.CHECKS", (broken,))
    assert run(["doctor"]) == 0
    assert "no such library" in capsys.readouterr().out


def test_inspect_knows_what_it_sees(clip, tmp_path, capsys):
    output = str(tmp_path / "a.take")
    run(["animate", str(clip), "--quiet", "-o", output])
    kinds = []
    for name in (str(clip), output, "arkit"):
        assert run(["inspect", name, "--json"]) == 0
        kinds.append(json.loads(capsys.readouterr().out))
    assert [facts["kind"] for facts in kinds] == ["audio", "animation", "rig"]
    assert kinds[0]["seconds"] == 1.0 and kinds[0]["channels"] == 1
    assert kinds[1]["frames"] == 30 and "jawOpen" in kinds[1]["moving"] and kinds[1]["not_finite"] == 0
    assert len(kinds[2]["controls"]) == 52


def test_inspect_plots(clip, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "a.png"
    started = time.perf_counter()
    assert run(["inspect", str(clip), "--plot", str(picture)]) == 0
    assert picture.read_bytes()[:4] == b"\x89PNG" and picture.stat().st_size > 20_000
    assert time.perf_counter() - started < 30


def test_convert_resamples_and_keeps_layers(clip, tmp_path, capsys):
    from facegen import load
    from facegen.formats import load_take

    take, copy, fast = (str(tmp_path / name) for name in ("a.take", "b.take", "c.csv"))
    run(["animate", str(clip), "--quiet", "-o", take])
    assert run(["convert", take, "-o", copy]) == 0
    assert load_take(copy) == load_take(take)
    assert run(["convert", take, "--fps", "60", "-o", fast]) == 0
    assert (load(fast).fps, len(load(fast))) == (60, 60)


def test_every_shipped_weight_and_rig_has_its_licence(capsys):
    from facegen.cli.listings import shipped_weights
    from facegen.rig import built_in_rigs

    assert run(["licenses", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["file"] for row in rows if row["kind"] == "weights"} >= {p.name for p in shipped_weights()}
    assert {row["name"] for row in rows if row["kind"] == "rig"} == set(built_in_rigs())
    assert all(row["licence"] and row["data"] and row["commercial"] for row in rows)


def test_models_lists_the_shipped_weights(capsys):
    assert run(["models", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"encoder", "decoder", "weights"} <= {row["kind"] for row in rows}
    assert all(row["bytes"] > 1000 for row in rows if row["kind"] == "weights")
    assert all(row["what"] for row in rows)


def test_formats_lists_every_suffix(capsys):
    from facegen.core.registry import Registry

    assert run(["formats", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(row["what"] for row in rows)
    for kind, way in (("importers", "read"), ("exporters", "write"), ("videos", "write")):
        assert set(Registry(kind).names()) <= {row["suffix"] for row in rows if row[way]}


def test_rig_check_tells_faults_by_its_exit_code(tmp_path, monkeypatch, capsys):
    from facegen.rig.validation import RigFinding

    assert run(["rig", "check", "arkit"]) == 0
    assert capsys.readouterr().out.endswith("arkit: no faults\n")
    faults = [RigFinding("error", "jawOpen", "moves nothing"), RigFinding("note", "", "is plain")]
    monkeypatch.setattr("facegen.rig.validation.check_rig", lambda rig: faults)
    assert run(["rig", "check", "arkit"]) == 3
    said = capsys.readouterr()
    assert (
        "jawOpen: moves nothing" in said.out
        and said.err == "facegen: arkit: has 1 fault; mend those listed\n"
    )


@pytest.mark.slow
def test_render_draws_pictures(clip, tmp_path, capsys):
    pytest.importorskip("moderngl")
    from facegen.core.errors import FacegenError
    from facegen.renderers.opengl import open_context

    try:
        open_context().release()
    except FacegenError as error:
        pytest.skip(str(error))
    curves, picture, film = (str(tmp_path / name) for name in ("a.csv", "a.png", "a.mp4"))
    look = ["--size", "160x90"]
    assert run(["animate", str(clip), "--duration", "0.2", *look, "-o", curves, "-o", film]) == 0
    assert run(["render", curves, *look, "-o", picture, "-o", f"{tmp_path}/frames/"]) == 0
    assert Path(picture).read_bytes()[:4] == b"\x89PNG" and Path(film).stat().st_size > 1000
    assert len(list((tmp_path / "frames").glob("*.png"))) == 6


def test_warnings_that_facegen_logs_are_notes(clip, tmp_path, capsys):
    said = "completely different words that nobody spoke in this very short recording of a single second"
    assert run(["animate", str(clip), "--json", "--text", said, "-o", str(tmp_path / "a.csv")]) == 0
    done = capsys.readouterr()
    notes = json.loads(done.out.splitlines()[-1])["notes"]
    assert any("transcript" in note for note in notes) and not done.err


@pytest.mark.parametrize(
    "missing, arguments",
    [
        ("moderngl", ["animate", "clip.wav", "-o", "a.mp4"]),
        ("matplotlib", ["inspect", "clip.wav", "--plot", "a.png"]),
    ],
)
def test_missing_extra_gives_the_line_that_installs_it(missing, arguments, clip, monkeypatch, capsys):
    monkeypatch.chdir(clip.parent)
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert run(arguments) == 6
    said = capsys.readouterr().err
    assert 'pip install "facegen[render]"' in said and said.count("\n") == 1
    assert list(clip.parent.iterdir()) == [clip]
