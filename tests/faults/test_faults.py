"""Batches on disks that fill up, vanish or refuse, in processes that are killed: no half file gets a final name, the
journal and the folder agree, and a further run completes to the same bytes."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from facegen.cli.app import run
from facegen.core.errors import OutputError
from facegen.core.files import Log
from facegen.core.threads import REPRODUCIBLE_ENVIRONMENT
from facegen.jobs.batch.journal import Journal
from tests.helpers.inline_batch import contents, run_inline, short_sounds
from tests.helpers.processes import INTERRUPTIBLE

CLIPS = 4
ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    return short_sounds(tmp_path_factory.mktemp("sounds"), CLIPS)


@pytest.fixture
def wanted(sounds, tmp_path, monkeypatch):
    """The bytes of a run that nothing disturbs."""
    with monkeypatch.context() as patch:
        run_inline(patch, sounds, tmp_path / "undisturbed", format="csv,json")
    return contents(tmp_path / "undisturbed")


def agrees(out: Path) -> None:
    """Every job that the journal calls done has its files, as they were written; every file is whole."""
    journal = out / ".facegen" / "journal.jsonl"
    if not journal.exists():
        assert not contents(out)
        return
    with TemporaryDirectory() as elsewhere:  # the disk may be full
        copy = Path(elsewhere) / "journal.jsonl"
        copy.write_bytes(journal.read_bytes())
        known = Journal(copy)
        known.close()
    for name in known.known:
        found = known.earlier(name)
        for path, (mark, size) in (found or {"outputs": {}})["outputs"].items():
            raw = (out / path).read_bytes()
            assert len(raw) == size and sha256(raw).hexdigest() == mark, path


def completes(monkeypatch, sounds, out: Path, wanted: dict[str, bytes]) -> None:
    tally = run_inline(monkeypatch, sounds, out, format="csv,json", resume=True)
    assert tally.count("failed") == 0 and contents(out) == wanted
    agrees(out)
    assert not list((out / ".facegen").glob("parts/*")) and not list(out.glob(".*-*"))


def no_half_file(out: Path, wanted: dict[str, bytes]) -> None:
    for name, raw in contents(out).items():
        assert wanted[name] == raw, f"{name} is not whole"


# the disk


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes, where this machine lets us mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if not AS_ROOT or subprocess.run(line, capture_output=True).returncode:
        pytest.skip("no right to mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_stops_the_batch_and_a_resume_completes_it(small_disk, sounds, wanted, monkeypatch):
    ballast = small_disk / "ballast"
    room = sum(map(len, wanted.values())) // 2 + 16_000  # for about half of the outputs
    ballast.write_bytes(bytes(2 * 2**20 - room))
    out = small_disk / "out"
    try:
        tally = run_inline(monkeypatch, sounds, out, format="csv,json")
        assert tally.halted and "no space" in tally.halted.reason
        assert len(tally.results) < CLIPS
    except OutputError as error:  # the journal itself had no room
        assert "no space" in error.reason
    no_half_file(out, wanted)
    agrees(out)
    ballast.unlink()
    completes(monkeypatch, sounds, out, wanted)


@pytest.mark.parametrize("call", ["replace", "fsync", "mkdir"])
@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO, errno.ENOSPC])
def test_a_disk_that_turns_bad(sounds, wanted, tmp_path, monkeypatch, call, number):
    out = tmp_path / "out"
    broken = pytest.MonkeyPatch()

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    def turn(task):
        if task.name == "clip002.csv":
            broken.setattr(os, call, refuse)

    try:
        tally = run_inline(monkeypatch, sounds, out, format="csv,json", before=turn)
        assert tally.halted and os.strerror(number).lower() in tally.halted.reason
    except OutputError as error:
        assert os.strerror(number).lower() in error.reason
    finally:
        broken.undo()
    no_half_file(out, wanted)
    agrees(out)
    completes(monkeypatch, sounds, out, wanted)


def test_a_folder_that_vanishes(sounds, wanted, tmp_path, monkeypatch):
    out = tmp_path / "out"

    def vanish(task):
        if task.name == "clip001.csv":
            out.rename(tmp_path / "moved")

    try:
        tally = run_inline(monkeypatch, sounds, out, format="csv,json", before=vanish)
        assert tally.halted and "gone" in tally.halted.reason
    except OutputError as error:
        assert str(out) in str(error)
    assert not out.exists() or not contents(out)
    (tmp_path / "moved").rename(out) if not out.exists() else None
    completes(monkeypatch, sounds, out, wanted)


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(sounds, tmp_path, capsys):
    (tmp_path / "out").mkdir(mode=0o500)
    assert run(["batch", str(sounds), "-o", str(tmp_path / "out")]) == 4


def test_files_over_the_limit_on_size(tmp_path):
    """As quotas do: the write fails halfway, and nothing is left."""
    code = """
import resource, signal, sys
from facegen.core.files import write_atomic
from facegen.core.errors import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    write_atomic(sys.argv[1], bytes(9000))
except OutputError as error:
    print(error)
"""
    path = tmp_path / "a.csv"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert "too large" in done.stdout and not list(tmp_path.iterdir())


def test_a_write_that_falls_short_is_taken_back(tmp_path):
    log = Log(tmp_path / "log")
    log.write(b"one\n")
    kept = log._file

    class Short:
        def write(self, line):
            return kept.write(line[:3])

        def __getattr__(self, name):
            return getattr(kept, name)

    log._file = Short()  # type: ignore[assignment]
    with pytest.raises(OutputError):
        log.write(b"second\n")
    assert (tmp_path / "log").read_bytes() == b"one\n"


# processes


COMMAND = [sys.executable, "-m", "facegen", "batch"]


def begin(sounds: Path, out: Path, *more: str) -> subprocess.Popen:
    line = [*COMMAND, str(sounds), "-o", str(out), "--format", "csv,json", "--no-check", *more]
    return subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=INTERRUPTIBLE
    )


def until_some_are_done(out: Path, count: int) -> None:
    for _ in range(600):
        if len(contents(out) if out.exists() else {}) >= count:
            return
        time.sleep(0.1)
    raise AssertionError("nothing was done in a minute")


def test_ctrl_c_ends_within_two_seconds_and_a_resume_completes(tmp_path, monkeypatch):
    sounds = short_sounds(tmp_path / "many", 10 * CLIPS)  # there is still work when the signal comes
    with monkeypatch.context() as patch:
        run_inline(patch, sounds, tmp_path / "undisturbed", format="csv,json")
    wanted = contents(tmp_path / "undisturbed")
    out = tmp_path / "out"
    process = begin(sounds, out, "--workers", "1")
    until_some_are_done(out, 2)
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and time.monotonic() - sent < 2
    assert said.count("\n") == 1 and "interrupted" in said
    no_half_file(out, wanted)
    agrees(out)
    completes(monkeypatch, sounds, out, wanted)


@pytest.mark.slow
def test_kill_at_random_moments(sounds, wanted, tmp_path, monkeypatch):
    """50 kills of the whole batch, half of them at any time, half while outputs appear; then all is there."""
    chance = random.Random(0)
    out = tmp_path / "out"
    process = begin(sounds, out, "--workers", "1")
    until_some_are_done(out, 1)
    process.kill()
    process.communicate()
    for turn in range(50):
        for name in chance.sample(sorted(wanted), 3):
            (out / name).unlink(missing_ok=True)  # so that there is always work
        process = begin(sounds, out, "--workers", "1", "--resume")
        if turn % 2:
            until_some_are_done(out, len(contents(out)) + 1)
        time.sleep(chance.uniform(0.02, 0.2 if turn % 2 else 2.5))
        process.kill()
        process.communicate()
        no_half_file(out, wanted)
    completes(monkeypatch, sounds, out, wanted)


def test_a_second_batch_on_the_folder_is_refused(sounds, tmp_path):
    out = tmp_path / "out"
    first = begin(sounds, out, "--workers", "1")
    for _ in range(300):
        if (out / ".facegen" / "journal.jsonl").exists():
            break
        time.sleep(0.05)
    second = begin(sounds, out)
    said = second.communicate(timeout=60)[1]
    first.kill()
    first.communicate()
    assert second.returncode == 4 and f"process {first.pid}" in said and said.count("\n") == 1


def test_a_corrupt_end_of_the_journal(sounds, wanted, tmp_path, monkeypatch):
    out = tmp_path / "out"
    run_inline(monkeypatch, sounds, out, format="csv,json")
    journal = out / ".facegen" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-90] + b"\x00\xff\xfe" * 40)
    completes(monkeypatch, sounds, out, wanted)


def test_a_clock_that_jumps(sounds, tmp_path, monkeypatch):
    """Wall-clock time decides nothing: files from the future or the past are as good."""
    out = tmp_path / "out"
    run_inline(monkeypatch, sounds, out, format="csv,json")
    for shift in (-(10**9), 10**9):
        for path in [*out.rglob("*"), *sounds.rglob("*")]:
            os.utime(path, (time.time() + shift,) * 2)
        monkeypatch.setattr(time, "time", lambda shift=shift: shift)
        assert run_inline(monkeypatch, sounds, out, format="csv,json", resume=True).count("kept") == CLIPS
        monkeypatch.undo()


def test_a_job_that_needs_more_memory_than_it_may_have(tmp_path):
    """An hour of sound in 320 MB of data: the job fails by name, its neighbour is done, nothing half is left."""
    import numpy as np
    import soundfile

    folder = short_sounds(tmp_path / "in", 1)
    with soundfile.SoundFile(folder / "a_long.wav", "w", 16000, 1) as file:
        for _ in range(60):
            file.write(0.1 * np.sin(np.arange(16000 * 60) / 20))
    process = begin(folder, tmp_path / "out", "--workers", "1", "--memory", "320", "--retries", "0")
    said = process.communicate(timeout=300)
    assert process.returncode == 1 and "1 of 2 jobs failed" in said[1], said
    assert "a_long" in said[0] and ("memory" in said[0] or "died" in said[0])
    assert sorted(contents(tmp_path / "out")) == ["clip000.csv", "clip000.json"]


STARVED = """
import numpy as np
from facegen.jobs.batch.local_workers import limit_memory

limit_memory(400)
a, out, held = np.ones((512, 512), np.float32), np.empty((512, 512), np.float32), []
for size in (2**20, 2**14):
    try:
        while True:
            held.append(bytearray(size))
    except MemoryError:
        pass
np.matmul(a, a, out=out)
print(out[0, 0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory")
def test_products_do_not_wait_for_memory_that_is_not_there():
    done = subprocess.run(
        [sys.executable, "-c", STARVED],
        cwd=ROOT,
        env={**os.environ, **REPRODUCIBLE_ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "512.0", done.stderr


def test_what_a_kill_left_of_the_summary_goes_with_the_next_run(sounds, wanted, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / ".summary-abc123.csv").write_text("row,")
    completes(monkeypatch, sounds, out, wanted)
