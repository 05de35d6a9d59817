"""``facegen stream`` as a program: real time, pipes, interruption, faults."""

import json
import os
import signal
import subprocess
import sys
import time
import types

import numpy as np
import pytest
import soundfile

from facegen.cli.app import run
from facegen.core.errors import InputError, MissingExtraError, MissingSystemError
from facegen.live.sources import open_live_source
from tests.helpers.processes import INTERRUPTIBLE
from tests.helpers.receivers import Datagrams, read_live_link

ROOT = __file__.rsplit("/tests/", 1)[0]


def program(*words, **more):
    environment = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.Popen(
        [sys.executable, "-m", "facegen", "stream", *map(str, words)], env=environment, **more
    )


@pytest.fixture(scope="module")
def short(sample, tmp_path_factory):
    samples, rate = soundfile.read(sample, dtype="float32")
    path = tmp_path_factory.mktemp("sound") / "short.wav"
    soundfile.write(path, samples[: 2 * rate], rate)
    return path


def test_a_file_comes_out_as_lines(short, capsys):
    assert run(["stream", str(short), "--to", "jsonl:-", "--fps", "29.97"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["frame"] for row in rows] == list(range(60))
    assert rows[30]["time"] == pytest.approx(30 * 1001 / 30000, abs=1e-6)
    assert max(row["controls"]["jawOpen"] for row in rows) > 0.2


def best_of_three(attempt):
    """The times of a machine that others use too are judged by the best of three."""
    for left in (2, 1, 0):
        try:
            return attempt()
        except AssertionError:
            if not left:
                raise


def test_live_link_comes_in_real_time_without_jitter_or_gap(short):
    def attempt():
        with Datagrams() as receiver:
            child = program(short, "--to", f"livelink://127.0.0.1:{receiver.port}", "--fps", "50", "--quiet")
            receiver.socket.settimeout(0.5)
            packets, times = [], []
            while child.poll() is None or len(packets) == 0:
                try:
                    packets.append(read_live_link(receiver.get()))
                    times.append(time.monotonic())
                except TimeoutError:
                    if child.poll() is not None:
                        break
        assert child.returncode == 0
        frames = [p.frame for p in packets]
        assert frames == sorted(set(frames)) and packets[0].rate == (50, 1)
        assert max(p.values["JawOpen"] for p in packets) > 0.2
        assert frames == list(range(100))
        late = np.array(times) - np.arange(100) / 50
        late -= np.median(late)
        assert np.percentile(np.abs(late), 75) < 0.02 and late.max() < 0.25

    best_of_three(attempt)


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_stream_eases_to_rest_and_ends_soon(sample, way):
    def attempt():
        child = program(
            sample,
            "--to",
            "jsonl:-",
            "--realtime",
            "--emotion",
            "happy",
            stdout=-1,
            stderr=-1,
            preexec_fn=INTERRUPTIBLE,
        )
        for _ in range(25):
            last = child.stdout.readline()
        began = time.monotonic()
        child.send_signal(way)
        rest = child.stdout.read().splitlines()
        code = child.wait(30)
        took = time.monotonic() - began
        assert code == 130 and child.stderr.read() == b"facegen: interrupted\n"
        peak = [max(json.loads(row)["controls"].values()) for row in [last, *rest]]
        assert peak[0] > 0.2 and peak[-1] < 1e-6 and max(-np.diff(peak)) < 0.6 * peak[0]
        assert took < 0.6  # 0.17 s on a machine that has nothing else to do

    best_of_three(attempt)


def test_a_pipe_that_stalls_does_not_stop_the_face(sample):
    samples, _ = soundfile.read(sample, dtype="int16")

    def attempt():
        child = program("-", "--to", "jsonl:-", "--realtime", stdin=-1, stdout=-1)
        child.stdin.write(samples[:16000].tobytes())
        child.stdin.flush()
        rows = [json.loads(child.stdout.readline()) for _ in range(55)]  # 1.8 s of one second of sound
        child.stdin.close()
        rest = child.stdout.read().splitlines()
        assert child.wait(30) == 0
        eyes = [tuple(v for k, v in row["controls"].items() if k.startswith("eye")) for row in rows[40:]]
        assert len(set(eyes)) > 5
        assert [row["frame"] for row in rows] == list(range(55)) and len(rest) < 30

    best_of_three(attempt)


def test_a_pipe_without_sound_is_named():
    child = program("-", "--to", "jsonl:-", stdin=-1, stdout=-1, stderr=-1)
    out, fault = child.communicate(b"RIFFnonsense")
    assert (
        child.returncode == 3 and out == b"" and fault.startswith(b"facegen: -: ") and fault.count(b"\n") == 1
    )


class NoMicrophone:
    PortAudioError = RuntimeError

    @staticmethod
    def query_devices(*_):
        raise ValueError("No input device matching 'x'")


def test_a_missing_microphone_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", NoMicrophone)
    with pytest.raises(InputError, match="no microphone") as caught:
        open_live_source("mic", 16000, None)
    assert caught.value.exit_code == 3
    with pytest.raises(InputError, match="called 'x'"):
        open_live_source("mic", 16000, "x")
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtraError, match=r"sounddevice") as caught:
        open_live_source("mic", 16000, None)
    assert caught.value.exit_code == 6 and "facegen[stream]" in caught.value.remedy


def test_a_missing_portaudio_is_named(monkeypatch):
    real = __import__

    def without(name, *more):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real(name, *more)

    monkeypatch.setattr("builtins.__import__", without)
    with pytest.raises(MissingSystemError, match="PortAudio") as caught:
        open_live_source("mic", 16000, None)
    assert caught.value.exit_code == 6 and "libportaudio2" in caught.value.remedy


def test_a_microphone_is_heard(monkeypatch):
    """With a card of 48 kHz that is played by a thread."""
    made = []

    class InputStream:
        def __init__(self, rate, size, device, channels, kind, latency, callback):
            assert (rate, channels, kind) == (48000, 1, "float32")
            self.give = lambda block: callback(block[:, None], len(block), None, None)
            made.append(self)

        start = abort = close = lambda self: None

    fake = types.SimpleNamespace(
        InputStream=InputStream,
        PortAudioError=RuntimeError,
        query_devices=lambda *_: {"default_samplerate": 48000.0},
    )
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    source = open_live_source("mic", 16000, None)
    tone = np.sin(2 * np.pi * 200 * np.arange(48000) / 48000).astype(np.float32)
    for block in np.split(tone[: 960 * 40], 40):
        made[0].give(block)
    heard = source.buffer.take(10_000)
    assert source.live and len(heard) == 10_000
    assert 0.6 < np.sqrt(np.mean(heard[2000:] ** 2)) < 0.8
    source.close()
