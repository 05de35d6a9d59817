"""The same bits with any number of threads, and how batches and the command line see to it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from facegen.core.threads import MOST, run_parallel, thread_count

SOLVE = """
import hashlib, sys, facegen
print(hashlib.sha256(facegen.animate(sys.argv[1], duration=21).values.tobytes()).hexdigest())
"""


@pytest.mark.parametrize(
    ("text", "count"), [("", 2), ("1", 1), ("3", 3), ("0", 1), ("x", 2), ("99999", MOST)]
)
def test_count(monkeypatch, text, count):
    monkeypatch.setenv("FACEGEN_THREADS", text)
    assert thread_count() == count


def test_order_and_errors(monkeypatch):
    monkeypatch.setenv("FACEGEN_THREADS", "3")
    assert run_parallel(lambda n: n * n, range(20)) == [n * n for n in range(20)]
    with pytest.raises(ZeroDivisionError):
        run_parallel(lambda n: 1 / n, [1, 0, 2])


def test_a_solve_has_the_same_bits_with_any_number_of_threads(tmp_path):
    import soundfile

    from tests.helpers.inline_batch import short_sounds

    clip = short_sounds(tmp_path, 1, seconds=3.0) / "clip000.wav"
    samples, rate = soundfile.read(clip)
    soundfile.write(tmp_path / "long.wav", np.resize(samples, 22 * rate), rate)
    marks = set()
    for threads in ("1", "3"):
        environment = {**os.environ, "FACEGEN_THREADS": threads, "OPENBLAS_NUM_THREADS": "1"}
        line = [sys.executable, "-c", SOLVE, str(tmp_path / "long.wav")]
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
        marks.add(done.stdout)
    assert len(marks) == 1 and len(hashlib.sha256().hexdigest()) + 1 == len(marks.pop())
