"""Files that fuzzing found to be answered badly, boiled down, and what is to be said of them now."""

from __future__ import annotations

import json
from pathlib import Path

from tests.corpus.case import Case
from tests.corpus.tone import write_tone

DEEP = "[" * 30_000
HUGE = "1" + "0" * 400
EBML = b"\x1a\x45\xdf\xa3"


def build(folder: Path) -> list[Case]:
    """Write the files into ``folder``; each is named with the command that reads it."""
    sound = folder / "tone.wav"
    write_tone(sound)
    style, camera = folder / "deep-style.json", folder / "deep-camera.json"
    style.write_text(DEEP)
    camera.write_text(DEEP)
    huge_camera, huge_phones = folder / "huge-camera.json", folder / "huge-phones.json"
    huge_camera.write_text(f'{{"position": [0, 0, {HUGE}], "target": [0, 0, 0]}}')
    huge_phones.write_text(f'{{"phones": [[0, {HUGE}, "AA"]]}}')
    far = folder / "far.webm"
    far.write_bytes(EBML + b"\x01" + b"\xff" * 50)
    deep, leaving = folder / "deep-rig" / "rig.json", folder / "leaving-rig" / "rig.json"
    for path in (deep, leaving):
        path.parent.mkdir()
    deep.write_text(DEEP)
    leaving.write_text(json.dumps({"format": 1, "name": "x", "mesh": "../../x.safetensors", "controls": []}))
    return [
        Case("style nested deeply", sound, ("--style", str(style)), 3, "nested too deeply"),
        Case("rig nested deeply", sound, ("--rig", str(deep.parent)), 3, "nested too deeply"),
        Case("mesh outside its rig", sound, ("--rig", str(leaving.parent)), 3, "leaves its folder"),
        Case("camera beyond all floats", sound, ("-o", "out.mp4", "--camera", str(huge_camera)), 3, "camera"),
        Case("phone beyond all floats", sound, ("--alignment", str(huge_phones)), 3, "phone"),
        Case("header beyond the file", far, (), 3, "truncated"),
        Case("camera nested deeply", sound, ("-o", "out.mp4", "--camera", str(camera)), 3, "nested too deeply"),
    ]
