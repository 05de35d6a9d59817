"""Results are those of the base commit, and the comparison sees what differs."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from same_bytes import BASE, ROOT, compare_trees, main
from same_bytes_commands import COMMANDS, LEFT_OUT, Command
from same_bytes_compare import CLOSE, Side, compare, compare_listing, compare_text, last_json

SIDES = Side("/run/base", "0.1.0"), Side("/run/here", "0.12.0")


def has_base() -> bool:
    """Whether git is here and knows the base commit (a shallow clone or an unpacked archive doesn't)."""
    if shutil.which("git") is None:
        return False
    command = ["git", "-C", str(ROOT), "cat-file", "-e", f"{BASE}^{{commit}}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not has_base(), reason=f"no git, or no commit {BASE[:7]} in its history: fetch all of it")
def test_results_are_those_of_the_base_commit():
    script = Path(__file__).with_name("same_bytes.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_written_format_is_compared():
    done = subprocess.run(
        [sys.executable, "-m", "facegen", "formats"], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    written = {row[0] for row in rows if "write" in row[1]}
    outputs = [word for command in COMMANDS for word in command.arguments]
    absent = {
        suffix for suffix in written - set(LEFT_OUT) if not any(word.endswith(suffix) for word in outputs)
    }
    assert len(written) > 30 and not absent


def npy(values, dtype=np.float32):
    out = io.BytesIO()
    np.save(out, np.asarray(values, dtype))
    return out.getvalue()


def safetensors(values, **metadata):
    data = np.asarray(values, np.float32)
    entry = {"dtype": "F32", "shape": data.shape, "data_offsets": [0, data.nbytes]}
    header = json.dumps({"__metadata__": metadata, "values": entry}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data.tobytes()


def glb(values, version="0.1.0", tail=b"\0\1\2\3"):
    data = np.asarray(values, np.float32).tobytes() + tail
    document = {
        "asset": {"generator": f"facegen {version}"},
        "buffers": [{"byteLength": len(data)}],
        "bufferViews": [{"buffer": 0, "byteLength": len(data)}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": len(values), "type": "SCALAR"}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def png(value):
    image = pytest.importorskip("PIL.Image")
    out = io.BytesIO()
    image.fromarray(np.full((4, 4), value, np.uint8)).save(out, "png")
    return out.getvalue()


MAKERS = {
    "a.npy": npy,
    "a.safetensors": safetensors,
    "a.glb": glb,
    "a.pc2": lambda values: bytes(32) + np.asarray(values, "<f4").tobytes(),
    "a.mdd": lambda values: bytes(8) + np.asarray(values, ">f4").tobytes(),
    "a.csv": lambda values: b"head,0.5\n" + b",".join(b"%.9f" % value for value in values),
}


@pytest.mark.parametrize("name", MAKERS)
def test_numbers_are_measured(name):
    make = MAKERS[name]
    base = make([0.25, 0.5, 1.0])
    assert compare(name, base, make([0.25, 0.5, 1.0]), SIDES).kind == "same"
    close = compare(name, base, make([0.25, 0.500004, 1.0]), SIDES)
    assert close.kind == "close" and close.largest == pytest.approx(4e-6, rel=0.02)
    far = compare(name, base, make([0.25, 0.5, 1.0 + 2 * CLOSE]), SIDES)
    assert far.kind == "differs" and far.largest == pytest.approx(2 * CLOSE, rel=0.02)
    assert compare(name, base, make([0.25, 0.5]), SIDES).kind == "differs"
    if name != "a.csv":
        assert compare(name, base, make([0.25, 0.5, np.nan]), SIDES).kind == "differs"


def test_bytes_that_are_no_numbers_differ():
    assert compare("a.glb", glb([1.0]), glb([1.0], tail=b"\0\1\2\4"), SIDES).kind == "differs"
    assert compare("a.bin", b"\xff\0", b"\xff\1", SIDES).kind == "differs"
    assert (
        compare("a.take", safetensors([1.0], style="calm"), safetensors([1.0], style="tired"), SIDES).kind
        == "differs"
    )
    assert compare("a.npy", npy([1.0]), npy([1.0], np.float64), SIDES).kind == "differs"
    assert compare("a.npy", npy([1.0]), b"no array", SIDES).kind == "differs"
    assert compare("a.png", png(7), png(8), SIDES).kind == "differs"


def test_versions_and_folders_are_aside():
    assert compare("a.glb", glb([1.0]), glb([1.0], version="0.12.0"), SIDES).kind == "same"
    assert compare("a.glb", glb([1.0]), glb([2.0], version="0.12.0"), SIDES).largest == 1
    assert compare("a.glb", glb([1.0]), glb([1.0], version="0.13.0"), SIDES).kind == "differs"
    texts = [
        json.dumps({"facegen": side.version, "source": f"{side.folder}/a.wav"}).encode() for side in SIDES
    ]
    assert compare("a.json", *texts, SIDES).kind == "same"
    assert compare("a.take", *(safetensors([1.0], path=f"{s.folder}/a") for s in SIDES), SIDES).kind == "same"
    assert compare("rig.json", b'"version": "0.1.0"', b'"version": "0.12.0"', SIDES).kind == "differs"


def test_seconds_of_a_batch_are_aside():
    rows = "1,a.csv,done,animate,a.wav,lines.csv:2,a.csv,2.0,{frames},{elapsed},1,pass,,,0,\n"
    texts = [rows.format(frames=60, elapsed=elapsed).encode() for elapsed in (1.25, 10.5)]
    assert compare("out/summary.csv", *texts, SIDES).kind == "same"
    assert compare("out/other.csv", *texts, SIDES).kind == "differs"
    other = rows.format(frames=61, elapsed=1.25).encode()
    assert compare("out/summary.csv", texts[0], other, SIDES).largest == 1
    text = b'{"seconds": 2.0, "elapsed": %s}'
    assert compare("out/summary.json", text % b"1.5", text % b"0.25", SIDES).kind == "same"
    pages = [b"<p>1 min in %s s, %s times real time</p>" % pair for pair in ((b"4.3", b"1"), (b"0.9", b"12"))]
    assert compare("out/summary.html", *pages, SIDES).kind == "same"


def test_other_packing_of_the_same_content_is_said():
    outcome = compare("a.html", b"<p>one  two</p>\n<b>3</b>", b"<p>one two</p><b>3</b>", SIDES)
    assert outcome.kind == "close" and outcome.largest == 0 and "packed" in outcome.where
    assert compare("a.html", b"<p class='a'>one</p>", b"<p class='b'>one</p>", SIDES).kind == "differs"


def test_printed_texts():
    assert compare_text("", "facegen 0.1.0: 5 done", "facegen 0.12.0: 5 done", SIDES).kind == "same"
    worded = "happy  0.5  joyful\n", "happy  0.5  full of joy\n"
    assert compare_text("", *worded, SIDES).kind == "differs"
    assert compare_listing("", *worded, SIDES).kind == "wording"
    assert compare_listing("", "happy  0.5  joyful", "happy  0.6  full of joy", SIDES).kind == "differs"
    assert compare_listing("", "happy  0.5", "glad  0.5", SIDES).kind == "differs"
    assert compare_text("", "-0.0 nan", "0.0 nan", SIDES) == ("close", 0.0, ", line 1: -0 and 0")
    printed = '{{"event": "progress"}}\n{{"value": {}, "elapsed": {}}}\n'
    lines = [last_json(printed.format(value, elapsed)) for value, elapsed in ((1, 2), (1, 3), (2, 2))]
    assert lines[0] == lines[1] != lines[2]


PROGRAM = """
import pathlib, sys
what = sys.argv[1]
if what == "write":
    pathlib.Path("out").mkdir()
    pathlib.Path("out/a.csv").write_text(f"{VALUE}")
    pathlib.Path("out/" + NAME).write_text("x")
    print('{"event": "done", "value": %r}' % PRINTED)
elif what == "fail":
    sys.exit("facegen: broken")
elif what == "lack":
    sys.exit(6)  # as where an extra is missing
"""
WRITE = Command("write", "write", "json")
OTHERS = (
    Command("silent", "silent", "text"),
    Command("idle", "idle"),
    Command("fail", "fail"),
    Command("lack", "lack", needs=("json",)),
    Command("absent", "write", needs=("no_such_module",)),
)


def write_tree(folder, value=0.5, printed=0.5, name="b.txt"):
    package = folder / "facegen"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "1.2.3"\n')
    values = f"VALUE, PRINTED, NAME = {value!r}, {printed!r}, {name!r}"
    (package / "__main__.py").write_text(f"{values}\n{PROGRAM}")
    return folder


@pytest.mark.parametrize(
    "changed, kind, where",
    [
        ({}, "same", ""),
        ({"value": 0.75}, "differs", "out/a.csv, line 1: 0.5 and 0.75"),
        ({"value": 0.500001}, "close", "out/a.csv"),
        ({"printed": 0.75}, "differs", "standard output"),
        ({"name": "c.txt"}, "differs", "out/b.txt: written by one tree alone"),
    ],
)
def test_trees_are_told_apart(tmp_path, sample, changed, kind, where):
    base, here = write_tree(tmp_path / "one"), write_tree(tmp_path / "two", **changed)
    (row,) = compare_trees(base, here, tmp_path / "run", [WRITE], sample)
    assert row.worst.kind == kind and where in row.worst.where
    assert row.files == (1 if "name" in changed else 2)


def test_commands_without_a_result_do_not_pass(tmp_path, sample):
    trees = write_tree(tmp_path / "one"), write_tree(tmp_path / "two")
    rows = {row.command.name: row for row in compare_trees(*trees, tmp_path / "run", OTHERS, sample)}
    assert "empty" in rows["silent"].worst.where and "wrote nothing" in rows["idle"].worst.where
    assert "facegen: broken" in rows["fail"].worst.where
    assert rows["lack"].skipped == "exit code 6" and rows["absent"].skipped == "not installed: no_such_module"


def test_what_hinders_the_comparison_is_said(tmp_path, sample):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="not the facegen of"):
        list(compare_trees(tmp_path / "empty", ROOT, tmp_path / "run", [WRITE], sample))
    with pytest.raises(SystemExit, match="git"):
        main(["--against", "no-such-commit"])
    with pytest.raises(SystemExit, match="there already"):
        main(["--keep", str(tmp_path)])
