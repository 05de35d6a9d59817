"""Batches: what is done, kept and done again, and what the workers do when jobs misbehave."""

from __future__ import annotations

import csv
import json
import os
import signal
import time

import pytest

from facegen.cli.app import run
from facegen.core.errors import OutputError
from facegen.core.files import locked
from facegen.jobs.batch.journal import Journal
from facegen.jobs.batch.local_workers import LocalEngine
from facegen.jobs.batch.task import DONE, Result, Task, TaskError
from tests.helpers.inline_batch import contents, run_inline, short_sounds


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    return short_sounds(tmp_path_factory.mktemp("sounds"), 3)


def states(tally) -> list[str]:
    return [tally.results[task.row].state for task in tally.tasks]


def test_resuming_does_only_what_is_missing_or_changed(tmp_path, monkeypatch):
    source, out = short_sounds(tmp_path / "in", 4), tmp_path / "out"
    assert states(run_inline(monkeypatch, source, out)) == ["done"] * 4
    before = contents(out)
    assert states(run_inline(monkeypatch, source, out, resume=True)) == ["kept"] * 4
    (out / "clip001.csv").unlink()
    (out / "clip002.csv").write_text("edited")
    short_sounds(tmp_path / "other", 1, seconds=0.4)
    (source / "clip003.wav").write_bytes((tmp_path / "other" / "clip000.wav").read_bytes())
    assert states(run_inline(monkeypatch, source, out, resume=True)) == ["kept", "done", "done", "done"]
    after = contents(out)
    assert [name for name in before if before[name] != after[name]] == ["clip003.csv"]
    changed = run_inline(monkeypatch, source, out, given={"emotion": "happy"}, resume=True)
    assert states(changed) == ["done"] * 4


def test_an_edited_manifest_redoes_the_edited_rows(tmp_path, monkeypatch):
    source = short_sounds(tmp_path / "in", 2)
    (source / "m.csv").write_text("audio,emotion\nclip000.wav,happy\nclip001.wav,sad\n")
    run_inline(monkeypatch, source / "m.csv", tmp_path / "out")
    (source / "m.csv").write_text("audio,emotion\nclip001.wav,angry\nclip000.wav,happy\n")
    assert states(run_inline(monkeypatch, source / "m.csv", tmp_path / "out", resume=True)) == [
        "done",
        "kept",
    ]


def test_without_resume_all_is_done_again(tmp_path, sounds, monkeypatch):
    run_inline(monkeypatch, sounds, tmp_path / "out")
    assert states(run_inline(monkeypatch, sounds, tmp_path / "out")) == ["done"] * 3
    assert states(run_inline(monkeypatch, sounds, tmp_path / "out", resume=True)) == ["kept"] * 3


def test_rows_of_another_command_and_the_summary(tmp_path, sounds, monkeypatch):
    run_inline(monkeypatch, sounds, sounds / "takes")
    rows = [
        {"audio": "clip000.wav", "name": "<b>&", "no_blink": True},
        {
            "command": "render",
            "animation": "takes/clip001.csv",
            "format": "png",
            "size": "64x64",
            "name": "face",
        },
        {"command": "dance", "audio": "clip000.wav"},
        {"audio": "gone.wav", "name": "gone"},
        {"audio": "clip001.wav", "style": "nobody"},
    ]
    (sounds / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    tally = run_inline(monkeypatch, sounds / "m.jsonl", tmp_path / "out")
    assert states(tally) == ["done", "done", "failed", "failed", "failed"]
    assert (tmp_path / "out" / "face.png").read_bytes()[:4] == b"\x89PNG"
    with open(tmp_path / "out" / "summary.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["state"] for row in table] == states(tally)
    assert "dance" in table[2]["error"] and "gone.wav" in table[3]["error"] and "nobody" in table[4]["error"]
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["failed"] == 3
    page = (tmp_path / "out" / "summary.html").read_text()
    assert "<b>&" not in page and "gone.wav" in page and "<script" not in page


def test_failed_jobs_leave_nothing(tmp_path, sounds, monkeypatch):
    (sounds / "m.csv").write_text("audio,output\nclip000.wav,a.csv;a.nonsense\nclip001.wav,b.csv\n")
    tally = run_inline(monkeypatch, sounds / "m.csv", tmp_path / "out")
    assert states(tally) == ["failed", "done"] and list(contents(tmp_path / "out")) == ["b.csv"]
    assert not list((tmp_path / "out" / ".facegen").glob("parts/*"))


def test_fail_fast_stops(tmp_path, sounds, monkeypatch):
    (sounds / "m.csv").write_text("audio\ngone.wav\nclip001.wav\n")
    tally = run_inline(monkeypatch, sounds / "m.csv", tmp_path / "out", fail_fast=True)
    assert len(tally.results) == 1 and not contents(tmp_path / "out")


def test_two_batches_do_not_share_a_folder(tmp_path, sounds, monkeypatch):
    (tmp_path / "out" / ".facegen").mkdir(parents=True)
    with locked(tmp_path / "out" / ".facegen" / "lock", "a batch (process 7)", tmp_path / "out"):
        with pytest.raises(OutputError, match="process 7") as caught:
            run_inline(monkeypatch, sounds, tmp_path / "out")
    assert str(tmp_path / "out") in str(caught.value) and not contents(tmp_path / "out")


# the journal


def result(mark: str) -> Result:
    return Result(DONE, mark, {"a.csv": ["0" * 64, 3]}, 1.0, 30)


def test_the_journal_outlives_a_torn_or_damaged_line(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    for name in ("a", "b", "c"):
        journal.begin(name)
        journal.end(name, result(name))
    journal.close()
    raw = path.read_bytes()
    for cut in range(len(raw) - 1, raw.rfind(b"\n", 0, -1), -7):  # within the last line
        path.write_bytes(raw[:cut])
        again = Journal(path)
        assert [again.earlier(n) is not None for n in "abc"] == [True, True, False] and again.damaged <= 1
        again.end("c", result("c"))
        again.close()
        assert Journal(path).earlier("c")["fingerprint"] == "c"
    place = raw.index(b'"fingerprint":"b"') + 15
    path.write_bytes(raw[:place] + b"X" + raw[place + 1 :])
    again = Journal(path)
    assert again.damaged == 1 and again.earlier("b") is None and again.earlier("c")


def test_what_is_begun_again_is_not_done(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.end("a", result("1"))
    journal.begin("a")
    journal.end("b", Result.failed(TaskError("bad", "x")))
    journal.close()
    again = Journal(tmp_path / "j")
    assert again.earlier("a") is None and again.earlier("b") is None
    assert Result.from_plain(again.known["b"]).fault == TaskError("bad", "x")
    assert not Journal(tmp_path / "j", fresh=True).known and not Journal(tmp_path / "j").known


# workers


def misbehave(task: Task) -> Result:
    what, _, mark = task.command.partition(" ")
    if what == "die" or (what == "die-once" and not os.path.exists(mark)):
        if mark:
            open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "sleep":
        time.sleep(60)
    if what == "eat":
        held = bytearray(2 << 30)
        return Result(DONE, str(len(held)))
    return Result(DONE, str(os.getpid()))


def outcomes(engine: LocalEngine, commands: list[str]) -> dict[str, Result]:
    try:
        waiting, done = [Task(n, "", c, c) for n, c in enumerate(commands)], {}
        while len(done) < len(commands):
            while waiting and engine.free:
                engine.submit(waiting.pop(0))
            done |= {task.command: result for task, result in engine.wait(1.0)}
        return done
    finally:
        engine.stop()


def test_workers_that_die_or_hang_are_replaced():
    started = time.monotonic()
    done = outcomes(LocalEngine(misbehave, 1, timeout=3), ["ok 1", "ok 2", "die", "ok 3", "sleep", "ok 4"])
    assert done["ok 1"].fingerprint == done["ok 2"].fingerprint != done["ok 3"].fingerprint
    assert done["ok 4"].state == DONE and time.monotonic() - started < 40
    assert "signal 9" in done["die"].fault.reason and done["die"].fault.again
    assert "longer than 3 s" in done["sleep"].fault.reason


def test_memory_is_bounded():
    died = outcomes(LocalEngine(perform_in_little, 1, memory=500), ["eat", "ok"])
    assert "memory" in died["eat"].fault.reason and died["ok"].state == DONE


def perform_in_little(task: Task) -> Result:
    try:
        return misbehave(task)
    except MemoryError:
        return Result.failed(TaskError("the memory is not enough"))


def test_command_line(tmp_path, sounds, capsys):
    (tmp_path / "in").mkdir()
    for name in ("clip000.wav", "clip001.wav"):
        (tmp_path / "in" / name).write_bytes((sounds / name).read_bytes())
    (tmp_path / "in" / "bad.wav").write_bytes(b"no sound at all")
    line = [
        "batch",
        str(tmp_path / "in"),
        "-o",
        str(tmp_path / "out"),
        "--format",
        "csv,json",
        "--emotion",
        "happy",
    ]
    assert run([*line, "--workers", "2", "--json"]) == 1
    said = capsys.readouterr()
    events = [json.loads(text) for text in said.out.splitlines()]
    assert sorted(e["name"] for e in events if e["event"] == "job") == [
        "bad.csv",
        "clip000.csv",
        "clip001.csv",
    ]
    assert [e for e in events if e["event"] == "done"][0]["failed"] == 1 and events[-1]["event"] == "error"
    assert said.err.count("\n") == 1 and "1 of 3 jobs failed" in said.err
    whole = contents(tmp_path / "out")
    assert len(whole) == 4
    (tmp_path / "in" / "bad.wav").unlink()
    assert run([*line, "--workers", "1", "--resume"]) == 0
    assert "2 kept of 2" in capsys.readouterr().out and contents(tmp_path / "out") == whole


def test_memory_that_ends_inside_a_library_is_called_that(tmp_path, monkeypatch, sounds):
    from facegen.core.errors import ModelError
    from facegen.jobs.batch import run_task as module

    class Starved:
        def __init__(self, *_):
            raise ModelError(
                "fails to run ([ONNXRuntimeError] : 1 : FAIL : std::bad_alloc)", path="lips.onnx"
            )

    monkeypatch.setattr(module, "load_job", lambda command: Starved)
    monkeypatch.setattr(module, "task_fingerprint", lambda task: "x")
    tally = run_inline(monkeypatch, sounds, tmp_path / "out", retries=0)
    assert {r.fault.reason for r in tally.results.values() if r.fault} == {"the memory is not enough"}
