"""Files that end or hold up the library that reads them: the process that asked goes on, with an error that names them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import facegen
from facegen.core import sandbox as apart
from facegen.core.errors import ModelError, RigError
from facegen.core.sandbox import try_in_sandbox
from facegen.motion.lipsync.learned import LearnedDecoder
from facegen.rig.importing import import_rig


def dies(path: Path) -> None:
    os.abort()


def stumbles(path: Path) -> None:
    raise RuntimeError("accessed what is not there")


def hangs(path: Path) -> None:
    time.sleep(60)


def fills(path: Path) -> None:
    bytearray(apart.MEGABYTES << 20)


def refuses(path: Path) -> None:
    raise RigError("has no shapes", path=path)


def reads(path: Path) -> None:
    assert path.read_text() == "x"


@pytest.mark.parametrize(
    ("reader", "reason"),
    [(dies, "broken"), (stumbles, "broken"), (hangs, "longer than 1 s"), (fills, "broken")],
)
def test_a_reader_that_does_not_come_back(reader, reason, tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "SECONDS", 1.0 if reader is hangs else 60.0)
    (tmp_path / "a.usd").write_text("x")
    with pytest.raises(RigError, match=f"a.usd: .*{reason}"):
        try_in_sandbox(f"{__name__}:{reader.__name__}", tmp_path / "a.usd", RigError, "export it again")


@pytest.mark.parametrize("reader", [refuses, reads])
def test_a_reader_that_does(reader, tmp_path):
    (tmp_path / "a.usd").write_text("x")
    try_in_sandbox(f"{__name__}:{reader.__name__}", tmp_path / "a.usd", RigError, "export it again")


def test_within_another_program_nothing_is_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(apart.sys, "executable", "/opt/editor/bin/editor")
    monkeypatch.setattr(apart.subprocess, "run", lambda *_, **__: pytest.fail("started the editor again"))
    try_in_sandbox(f"{__name__}:dies", tmp_path / "a.usd", RigError, "export it again")


def test_usd_that_its_library_stumbles_over(tmp_path):
    """A face bound to a shape whose name no prim can have: found by ``tools/benchmarks/fuzz_readers.py``."""
    pytest.importorskip("pxr", reason="usd-core is not installed")
    from facegen.formats import save
    from tests.helpers.fuzzing import curves
    from tests.helpers.tiny_rig import tiny_rig

    save(curves(), tmp_path / "good.usda", rig=tiny_rig())
    text = (tmp_path / "good.usda").read_text()
    assert 'def BlendShape "jawOpen"' in text
    (tmp_path / "bad.usda").write_text(text.replace('def BlendShape "jawOpen"', 'def BlendShape "jaw"'))
    with pytest.raises(RigError, match="bad.usda"):
        import_rig(tmp_path / "bad.usda")


def test_a_model_whose_notes_are_no_text(tmp_path):
    raw = (Path(facegen.__file__).parent / "models" / "lips.onnx").read_bytes()
    at = raw.index(b"left_context") + len(b"left_context") + 2
    (tmp_path / "lips.onnx").write_bytes(raw[:at] + b"\xf2" + raw[at + 1 :])
    with pytest.raises(ModelError, match=r"lips\.onnx: is not a lip decoder"):
        LearnedDecoder(tmp_path / "lips.onnx")
