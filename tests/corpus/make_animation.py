"""Broken animation files, one fault each."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from facegen.core.animation import Animation
from facegen.formats import save
from facegen.rig import ARKIT
from tests.corpus.case import Case
from tests.helpers.tiny_rig import tiny_rig

HEADER = "Timecode,BlendshapeCount," + ",".join(n[0].upper() + n[1:] for n in ARKIT)


def build(folder: Path) -> list[Case]:
    """Write the files into ``folder``; each makes ``facegen convert`` exit with 3 and say why in one line."""
    cases: list[Case] = []

    def add(name: str, content: str | bytes, says: str) -> None:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        cases.append(Case(path.name, path, (), 3, says, command="convert"))

    for makers in (_csv, _json, _arrays, _takes, _glb):
        makers(folder, add)
    return cases


def _line(frame: int, cells: list[str] | None = None) -> str:
    return f"00:00:00:{frame:02d}.000,61," + ",".join(cells or ["0.5"] * 52)


def _csv(folder: Path, add) -> None:
    good = "\n".join([HEADER, _line(0), _line(1)])
    add("row-short.csv", good + "\n" + _line(2, ["0.5"] * 51), "has 53 cells in line 4, expected 54")
    add("row-long.csv", good + "\n" + _line(2, ["0.5"] * 60), "has 62 cells in line 4")
    add("cell-nan.csv", good + "\n" + _line(2, ["0.5"] * 17 + ["nan"] + ["0.5"] * 34), "'nan' in line 4, column JawOpen")
    add("cell-text.csv", good + "\n" + _line(2, ["wide"] + ["0.5"] * 51), "'wide' in line 4, column EyeBlinkLeft")
    add("cell-infinite.csv", good + "\n" + _line(2, ["0.5"] * 51 + ["1e999"]), "'1e999' in line 4, column TongueOut")
    add("cell-empty.csv", good + "\n" + _line(2, [""] + ["0.5"] * 51), "'' in line 4")
    add("timecode.csv", good + "\nsoon,61," + ",".join(["0.5"] * 52), "'soon' in line 4, column Timecode")
    add("no-header.csv", _line(0) + "\n" + _line(1), "has no Live Link header")
    add("empty.csv", "", "is empty")
    add("header-only.csv", HEADER + "\n", "has a header but no rows")
    add("one-huge-line.csv", HEADER + "\n" + "9" * 3_000_000, "has 1 cells in line 2")
    add("columns-twice.csv", f"{HEADER},JawOpen\n{_line(0)},0.1", "jawOpen")
    add("other-columns.csv", "name,age\nann,5\n", "has no Live Link header")
    add("binary.csv", bytes(range(256)) * 8, "is not text")


def _json(folder: Path, add) -> None:
    def text(**changes: object) -> str:
        data = {"version": 1, "fps": 30, "controls": ["jawOpen", "mouthClose"], "values": [[0, 0.1], [1, 0.2]], "head": None}
        data.update(changes)
        return json.dumps({k: v for k, v in data.items() if v != "gone"})

    add("no-json.json", "jawOpen = 1", "is not JSON")
    add("cut.json", text()[:-20], "is not JSON")
    add("list.json", "[1, 2, 3]", "is JSON but no object")
    add("version.json", text(version=99), "has version '99'")
    add("nan.json", text(values=[[0, 0.1], [1, float("nan")]]), "'nan' in row 1 of values, column mouthClose")
    add("infinite.json", text().replace("0.2", "1e999"), "'inf' in row 1 of values")
    add("text-cell.json", text(values=[[0, 0.1], ["wide", 0.2]]), "'wide' in row 1 of values, column jawOpen")
    add("huge-number.json", text(values=[[0, 10**400]]), "in row 0 of values")
    add("ragged.json", text(values=[[0, 0.1], [1]]), "has 1 numbers in row 1 of values, expected 2")
    add("flat.json", text(values=[0, 1]), "has no list in row 0 of values")
    add("controls-twice.json", text(controls=["jawOpen", "jawOpen"]), "'jawOpen' occurs twice")
    add("fps-zero.json", text(fps=0), "the frame rate 0")
    add("fps-text.json", text(fps="often"), "the frame rate 'often'")
    add("fps-missing.json", text(fps="gone"), "lacks 'fps'")
    add("values-missing.json", text(values="gone"), "lacks 'values'")
    add("head-short.json", text(head=[[0] * 6]), "head has shape (1, 6), expected (2, 6)")
    add("deep.json", "[" * 200_000, "nested too deeply")


def _raw_arrays(header: dict | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _arrays(folder: Path, add) -> None:
    save(Animation(30, ARKIT, np.full((20, 52), 0.5)), folder / "whole.safetensors")
    whole = (folder / "whole.safetensors").read_bytes()
    (folder / "whole.safetensors").unlink()
    about = {"fps": "30", "controls": '["jawOpen"]'}
    row = {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}
    add("cut.safetensors", whole[:-100], "is not a whole safetensors file")
    add("header-bomb.safetensors", struct.pack("<Q", 2**60) + b"{}", "is not a whole safetensors file")
    add("empty.safetensors", b"", "is not a whole safetensors file")
    add("no-values.safetensors", _raw_arrays({"__metadata__": about}), "lacks the array 'values'")
    doubles = {"__metadata__": about, "values": {"dtype": "F64", "shape": [1, 1], "data_offsets": [0, 8]}}
    add("doubles.safetensors", _raw_arrays(doubles, bytes(8)), "holds 'values' as float64")
    add("no-names.safetensors", _raw_arrays({"values": row}, bytes(8)), "lacks 'fps'")
    add("nan.safetensors", _raw_arrays({"__metadata__": about, "values": row}, b"\xff" * 8), "not finite at [0, 0]")
    bomb = {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 8]}
    add("shape-bomb.safetensors", _raw_arrays({"__metadata__": about, "values": bomb}, bytes(8)), "is not a whole")


def _takes(folder: Path, add) -> None:
    def text(**changes: str) -> bytes:
        about = {
            "version": "1", "fps": "30", "frames": "2", "audio": "{}", "phones": "[]", "config": "{}",
            "emotion": '{"base": {"valence": 0, "arousal": 0, "dominance": 0, "categories": {}}, "spans": []}',
            "layers": '[{"name": "lips", "mode": "add", "controls": ["jawOpen"]}]',
        }  # fmt: skip
        about.update(changes)
        row = {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}
        return _raw_arrays({"__metadata__": about, "0.values": row}, bytes(8))

    add("plain-arrays.take", _raw_arrays({}), "lacks 'version'")
    add("version.take", text(version="7"), "has version '7'")
    add("layers-cut.take", text(layers='[{"name": '), "has layers that are not JSON")
    add("layers-kind.take", text(layers='{"lips": 1}'), "has layers of the wrong kind")
    add("layer-missing.take", text(layers='[{"name": "lips"}]'), "lacks 'mode'")
    add("mode.take", text(layers='[{"name": "lips", "mode": "glow", "controls": ["jawOpen"]}]'), "has mode 'glow'")
    add("frames.take", text(frames="9"), "has 2 frames at 30 fps")
    add("phone.take", text(phones='[[0, 1, "QQ"]]'), "'QQ' is not an ARPAbet phone")
    add("fps.take", text(fps="1/0"), "can't be understood")
    add("emotion.take", text(emotion='{"base": {"valence": 5}, "spans": []}'), "lacks 'arousal'")


def _glb(folder: Path, add) -> None:
    path = folder / "whole.glb"
    save(Animation(30, ARKIT, np.full((20, 52), 0.5)), path, rig=tiny_rig())
    whole = path.read_bytes()
    path.unlink()
    size = struct.unpack_from("<I", whole, 12)[0]
    document, binary = json.loads(whole[20 : 20 + size]), whole[28 + size :]

    def pack(change, data: bytes = binary) -> bytes:
        copy = json.loads(json.dumps(document))
        change(copy)
        text = json.dumps(copy).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
        return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks

    times = document["animations"][0]["samplers"][0]["input"]
    weights = document["animations"][0]["samplers"][0]["output"]
    view = document["accessors"][weights]["bufferView"]
    start = document["bufferViews"][view]["byteOffset"]
    add("cut.glb", whole[:-500], "it is cut short")
    add("stub.glb", whole[:15], "is cut short")
    add("magic.glb", b"GLTF" + whole[4:], "is no glTF file")
    add("version.glb", whole[:4] + struct.pack("<I", 1) + whole[8:], "is glTF version 1")
    add("header.glb", whole[:20] + b"]" * size + whole[20 + size :], "has a header that is not JSON")
    add("nan.glb", pack(lambda d: None, binary[:start] + b"\xff" * 8 + binary[start + 8 :]), "not finite")
    add("accessor.glb", pack(lambda d: d["animations"][0]["samplers"][0].update(output=10**6)), "points to the accessor 1000000")
    add("buffer.glb", pack(lambda d: None, b""), "bytes of its buffer")
    add("count.glb", pack(lambda d: d["accessors"][weights].update(count=10**9)), "1000000000 values")
    add("past-end.glb", pack(lambda d: d["accessors"][weights].update(byteOffset=4)), "reaches past the end")
    add("keys.glb", pack(lambda d: d["accessors"][times].update(count=3)), "for 3 keys of 52 morph targets")
    add("still.glb", pack(lambda d: d.pop("animations")), "holds no animation of morph targets")
    add("outside.gltf", pack_gltf(document, "../../secret.bin"), "leaves its folder")
    add("lost-buffer.gltf", pack_gltf(document, "lost.bin"), "no such file")


def pack_gltf(document: dict, uri: str) -> str:
    """The document as JSON text whose buffer is the file ``uri``."""
    return json.dumps({**document, "buffers": [{"uri": uri, "byteLength": 4}]})
