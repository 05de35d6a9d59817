"""Spoilt files of every kind that is read: each is read, or refused by an error of ours that names it.
``tools/benchmarks/fuzz_readers.py`` does the same for as long as one likes."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegen.core.files import read_bytes
from tests.helpers.fuzzing import READERS, answer, spoil
from tests.helpers.inline_batch import short_sounds


@pytest.fixture(scope="module", params=READERS)
def good(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    reader = READERS[request.param]
    path = folder / f"good.{reader.suffix}"
    reader.seed(path)
    assert answer(reader, path) == ""
    return reader, path.read_bytes(), folder / f"case.{reader.suffix}"


def test_spoilt_files(good):
    reader, raw, path = good

    @settings(max_examples=12, database=None)
    @given(st.integers(0, 2**32))
    def holds(seed):
        path.write_bytes(spoil(raw, random.Random(seed)))
        fault = answer(reader, path)
        assert not fault, f"{fault}: spoil(seed, random.Random({seed}))"

    holds()


@given(st.binary(max_size=400))
@settings(max_examples=10)
def test_any_bytes(tmp_path_factory, raw):
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("wav", "livelink", "take", "glb", "map", "textgrid", "manifest jsonl", "journal"):
        path = folder / f"case.{READERS[name].suffix}"
        path.write_bytes(raw)
        assert not answer(READERS[name], path), name


def test_a_small_file_takes_little_memory_however_much_it_might_hold(tmp_path):
    (tmp_path / "small").write_bytes(b"x" * 1000)
    tracemalloc.start()
    read_bytes(tmp_path / "small", limit=4 << 30)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


DENIED = """
import socket, sys

def refuse(*_, **__):
    raise AssertionError("the network is used")

for name in ("connect", "connect_ex", "bind", "sendto", "listen"):
    try:
        setattr(socket.socket, name, refuse)
    except TypeError:
        pass
socket.create_connection = socket.getaddrinfo = socket.gethostbyname = refuse
sys.addaudithook(lambda event, _: refuse() if event in ("socket.connect", "socket.bind", "socket.sendto") else None)
from facegen.cli.app import run
for line in sys.argv[1].split("|"):
    code = run(line.split())
    if code not in (0, 1):
        sys.exit(f"{line}: {code}")
"""


def test_nothing_reaches_for_the_network(tmp_path):
    """The main jobs, in a process whose sockets refuse."""
    clip = short_sounds(tmp_path / "in", 1) / "clip000.wav"
    lines = (
        f"animate {clip} -o {tmp_path}/a.take -o {tmp_path}/a.glb --text hello --emotion happy",
        f"convert {tmp_path}/a.take -o {tmp_path}/a.csv",
        f"retarget {tmp_path}/a.csv --to metahuman -o {tmp_path}/b.json",
        f"check {tmp_path}/a.take --audio {clip}",
        f"inspect {clip}",
        f"evaluate {tmp_path}/a.csv {tmp_path}/a.csv",
        f"render {tmp_path}/a.csv -o {tmp_path}/a.png --size 64x64",
        "rig list|emotions|formats|models|licenses",
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", DENIED, "|".join(lines)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert socket.socket.connect  # those of this process are as they were
