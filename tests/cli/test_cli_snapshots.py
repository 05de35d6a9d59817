"""The exact text of failures and listings. FACEGEN_REGENERATE=1 writes the snapshots anew; read the diff.

Not covered: figures that depend on the machine (doctor) or on the weights (models), help texts.
"""

from __future__ import annotations

import json
import os
import wave
from pathlib import Path

import pytest

from facegen.cli.app import run

STORE = Path(__file__).with_name("cli_snapshots.json")
OUT = ["-o", "out.csv"]
CASES: dict[str, list[str]] = {
    "nothing": [],
    "unknown command": ["animat"],
    "unknown option": ["animate", "good.wav", "--emotoin", "happy", *OUT],
    "unknown short option": ["animate", "good.wav", "-x", *OUT],
    "later option": ["animate", "good.wav", "--style", "shy", *OUT],
    "audio missing": ["animate", *OUT],
    "output missing": ["animate", "good.wav"],
    "two audios": ["animate", "good.wav", "more.wav", *OUT],
    "value missing": ["animate", "good.wav", "--fps"],
    "seed no number": ["animate", "good.wav", "--seed", "many", *OUT],
    "seed negative": ["animate", "good.wav", "--seed", "-1", *OUT],
    "fps no number": ["animate", "good.wav", "--fps", "fast", *OUT],
    "fps zero": ["animate", "good.wav", "--fps", "0", *OUT],
    "intensity too high": ["animate", "good.wav", "--intensity", "3", *OUT],
    "mouth not finite": ["animate", "good.wav", "--mouth", "nan", *OUT],
    "look-at of two": ["animate", "good.wav", "--look-at", "1,2", *OUT],
    "look-at of words": ["animate", "good.wav", "--look-at", "a,b,c", *OUT],
    "text and alignment": ["animate", "good.wav", "--text", "a", "--alignment", "a.json", *OUT],
    "unknown emotion": ["animate", "good.wav", "--emotion", "hapy", *OUT],
    "emotion too strong": ["animate", "good.wav", "--emotion", "happy:2", *OUT],
    "timeline missing": ["animate", "good.wav", "--timeline", "none.csv", *OUT],
    "alignment missing": ["animate", "good.wav", "--alignment", "none.TextGrid", *OUT],
    "transcript missing": ["animate", "good.wav", "--text", "none.txt", *OUT],
    "transcript without words": ["animate", "good.wav", "--text", "...", *OUT],
    "unknown rig": ["animate", "good.wav", "--rig", "arkt", *OUT],
    "unknown encoder": ["animate", "good.wav", "--encoder", "phonse", *OUT],
    "encoder file missing": ["animate", "good.wav", "--encoder", "none.onnx", *OUT],
    "unknown decoder": ["animate", "good.wav", "--decoder", "rule", *OUT],
    "unknown pass": ["animate", "good.wav", "--passes", "blnk", *OUT],
    "size odd": ["animate", "good.wav", "--size", "101x100", "-o", "out.mp4"],
    "size no size": ["animate", "good.wav", "--size", "big", "-o", "out.mp4"],
    "unknown renderer": ["animate", "good.wav", "--renderer", "rastr", "-o", "out.mp4"],
    "unknown suffix": ["animate", "good.wav", "-o", "out.cvs"],
    "no suffix": ["animate", "good.wav", "-o", "out"],
    "stream to nothing": ["stream", "good.wav"],
    "stream to no address": ["stream", "good.wav", "--to", "127.0.0.1:11111"],
    "stream to unknown scheme": ["stream", "good.wav", "--to", "livelnk://127.0.0.1"],
    "stream to port that is none": ["stream", "good.wav", "--to", "vmc://127.0.0.1:70000"],
    "stream to unknown option": ["stream", "good.wav", "--to", "livelink://127.0.0.1?subjct=a"],
    "stream to unknown shapes": ["stream", "good.wav", "--to", "vmc://127.0.0.1?shapes=vrm"],
    "stream to unknown host": ["stream", "good.wav", "--to", "livelink://no.such.host.invalid:11111"],
    "stream to missing folder": ["stream", "good.wav", "--to", "jsonl:none/out.jsonl"],
    "stream latency too small": ["stream", "good.wav", "--to", "jsonl:-", "--latency", "5"],
    "stream rate too low": ["stream", "-", "--to", "jsonl:-", "--rate", "100"],
    "stream no such sound": ["stream", "none.wav", "--to", "jsonl:-"],
    "stream text as sound": ["stream", "text.wav", "--to", "jsonl:-"],
    "same output twice": ["animate", "good.wav", *OUT, "-o", "./out.csv"],
    "output is input": ["convert", "good.csv", "-o", "good.csv"],
    "output folder missing": ["animate", "good.wav", "-o", "none/out.csv"],
    "output is a folder": ["animate", "good.wav", "-o", "folder.csv"],
    "no such sound": ["animate", "none.wav", *OUT],
    "empty sound": ["animate", "empty.wav", *OUT],
    "text as sound": ["animate", "text.wav", *OUT],
    "folder as sound": ["animate", "folder.csv", *OUT],
    "start beyond the end": ["animate", "good.wav", "--start", "99", *OUT],
    "failure as JSON": ["animate", "none.wav", "--json", *OUT],
    "usage as JSON": ["animate", "none.wav", "--json", "--fsp", "3"],
    "quiet failure": ["animate", "none.wav", "--quiet", *OUT],
    "no such animation": ["convert", "none.csv", "-o", "out.json"],
    "broken animation": ["convert", "broken.json", "-o", "out.csv"],
    "animation of unknown kind": ["convert", "text.txt", "-o", "out.csv"],
    "convert to video": ["convert", "good.csv", "-o", "out.mp4"],
    "render to curves": ["render", "good.csv", "-o", "out.csv"],
    "inspect folder": ["inspect", "folder.csv"],
    "inspect plot of no kind": ["inspect", "good.wav", "--plot", "plot.txt"],
    "evaluate one": ["evaluate", "good.csv"],
    "evaluate broken animation": ["evaluate", "good.csv", "none.csv"],
    "evaluate text without sound": ["evaluate", "a.csv", "b.csv", "--text", "a"],
    "evaluate on no rig": ["evaluate", "a.csv", "b.csv", "--rig", "ara"],
    "check nothing": ["check"],
    "check no such file": ["check", "none.take"],
    "check sound with sound": ["check", "good.wav", "--audio", "good.wav"],
    "check page of no kind": ["check", "good.wav", "--html", "page.txt"],
    "check folder": ["check", "folder.csv"],
    "rig unknown": ["rig", "show", "ara"],
    "rig command unknown": ["rig", "lst"],
    "rig without command": ["rig"],
    "version": ["--version"],
    "emotions": ["emotions"],
    "emotions as JSON": ["emotions", "--json"],
    "formats": ["formats"],
    "licenses": ["licenses"],
}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working folder of small files, so that the texts hold no path of this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FACEGEN_DEBUG", raising=False)
    with wave.open("good.wav", "wb") as sound:
        sound.setparams((1, 2, 16000, 0, "NONE", ""))
        sound.writeframes(b"\x00\x01\x00\xff" * 4000)
    Path("empty.wav").touch()
    Path("text.wav").write_text("no sound\n" * 20)
    Path("text.txt").write_text("no animation\n")
    Path("broken.json").write_text('{"version": 1, "fps": 30')
    Path("good.csv").write_text("Timecode,BlendShapeCount\n")
    Path("folder.csv").mkdir()
    return tmp_path


def answer(arguments: list[str], capture) -> dict:
    code = run(arguments)
    said = capture.readouterr()
    shown = "(help)" if said.out.startswith("Usage: ") else said.out
    return {"arguments": arguments, "exit": code, "stdout": shown, "stderr": said.err}


@pytest.fixture(scope="module")
def store() -> dict:
    if os.environ.get("FACEGEN_REGENERATE"):
        return {}
    return json.loads(STORE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("label", CASES)
def test_snapshot(label, folder, store, capsys):
    before = sorted(folder.iterdir())
    got = answer(CASES[label], capsys)
    assert sorted(folder.iterdir()) == before, "a failure left a file"
    assert got["stderr"].count("\n") == (got["exit"] != 0)
    if os.environ.get("FACEGEN_REGENERATE"):
        known = json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {}
        known = {name: known[name] for name in CASES if name in known and name != label} | {label: got}
        STORE.write_text(
            json.dumps({n: known[n] for n in CASES if n in known}, indent=1, ensure_ascii=False) + "\n",
            "utf-8",
        )
        return
    assert got == store[label]


def test_every_snapshot_has_its_case(store):
    assert list(store) == [label for label in CASES if label in store]
