"""Broken rigs of other programs, one fault each, given to ``facegen rig import``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from tests.helpers.avatars import change_json, write_avatar
from tests.corpus.case import Case
from tests.helpers.tiny_rig import tiny_rig

DEEP = 100_000


def gltf_cases(folder: Path, add: Callable[[Path, str], None]) -> None:
    """Changes to a sound avatar; its first mesh is the face."""
    good = write_avatar(folder / "good.glb", tiny_rig())

    def broken(name: str, says: str, change: Callable[[dict], Any]) -> None:
        path = folder / f"{name}.glb"
        shutil.copy(good, path)
        add(change_json(path, change), says)

    def position(data: dict) -> dict:
        return data["accessors"][data["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]

    def target(data: dict) -> dict:
        return data["accessors"][data["meshes"][0]["primitives"][0]["targets"][17]["POSITION"]]

    def uri(text: str) -> Callable[[dict], None]:
        return lambda data: data["buffers"][0].update(uri=text)

    def nan_matrix(data: dict) -> None:
        data["nodes"][2]["translation"] = [0, float("nan"), 0]

    def rename(data: dict) -> None:
        data["meshes"][0]["extras"]["targetNames"][3] = "jawOpen"

    def no_shapes(data: dict) -> None:
        for mesh in data["meshes"]:
            mesh["primitives"][0].pop("targets", None)

    def draco(data: dict) -> None:
        data["extensionsRequired"] = ["KHR_draco_mesh_compression"]

    def claims(data: dict) -> None:
        position(data).pop("bufferView")
        position(data)["count"] = 10**9

    def sparse_claims(data: dict) -> None:
        target(data)["sparse"]["count"] = 10**9

    def many_nodes(data: dict) -> None:
        data["nodes"] += [{"mesh": 0}] * 30_000
        data["scenes"][0]["nodes"] += list(range(len(data["nodes"]) - 30_000, len(data["nodes"])))

    broken("count", "outside 1..", lambda d: position(d).update(count=10**9))
    broken("count-unbacked", "outside 1..", claims)
    broken("count-sparse", "too many values", sparse_claims)
    broken("count-negative", "outside 1..", lambda d: position(d).update(count=-5))
    broken("past-the-end", "past the end", lambda d: position(d).update(count=100_000))
    broken("accessor", "which it lacks", lambda d: d["meshes"][0]["primitives"][0]["attributes"].update(POSITION=999))
    broken("view", "is broken", lambda d: position(d).update(bufferView=999))
    broken("cycle", "cyclic", lambda d: d["nodes"][2].update(children=[1]))
    broken("two-parents", "cyclic", lambda d: d["nodes"][0].update(children=[1, 2]))
    broken("node", "which it lacks", lambda d: d["scenes"][0]["nodes"].append(999))
    broken("many-nodes", "meshes", many_nodes)
    broken("place-nan", "not finite", nan_matrix)
    broken("buffer-missing", "no such file", uri("gone.bin"))
    broken("buffer-climbs", "leaves its folder", uri("../secret.bin"))
    broken("buffer-root", "leaves its folder", uri("/etc/passwd"))
    broken("buffer-uri", "not base64", uri("data:application/octet-stream;base64,@@@"))
    broken("buffer-uri-plain", "not base64", uri("data:text/plain,hello"))
    broken("buffer-short", "cut short", uri("data:application/octet-stream;base64,AAAA"))
    broken("joint", "follows joint", lambda d: d["skins"][0].update(joints=[1]))
    broken("draco", "Draco", draco)
    broken("no-shapes", "holds no shapes", no_shapes)
    broken("shape-twice", "twice", rename)
    broken("shape-count", "does not fit", lambda d: target(d).update(count=7, sparse=None) or target(d).pop("sparse"))
    broken("no-mesh", "holds no mesh", lambda d: [n.pop("mesh", None) for n in d["nodes"]])
    broken("not-a-list", "is broken", lambda d: d.update(nodes=7))
    for name, row in (("vertex-nan", 0), ("shape-nan", None)):
        path = folder / f"{name}.glb"
        shutil.copy(good, path)
        add(_poisoned(path, row), "not finite")
    cut = folder / "cut.glb"
    cut.write_bytes(good.read_bytes()[:-200])
    add(cut, "cut short")
    deep = folder / "deep.gltf"
    deep.write_text('{"nodes": ' + "[" * DEEP + "]" * DEEP + "}")
    add(deep, "not JSON")
    other = folder / "other.vrm"
    other.write_bytes(b"PK\x03\x04 no avatar")
    add(other, "no glTF file")


def _poisoned(path: Path, row: int | None) -> Path:
    """A NaN put into the first vertex, or into the first displacement of a shape."""
    raw = bytearray(path.read_bytes())
    size = int.from_bytes(raw[12:16], "little")
    data = json.loads(raw[20 : 20 + size])
    primitive = data["meshes"][0]["primitives"][0]
    if row is None:
        view = data["accessors"][primitive["targets"][0]["POSITION"]]["sparse"]["values"]["bufferView"]
    else:
        view = data["accessors"][primitive["attributes"]["POSITION"]]["bufferView"]
    start = 20 + size + 8 + data["bufferViews"][view].get("byteOffset", 0)
    raw[start : start + 4] = np.float32(np.nan).tobytes()
    path.write_bytes(raw)
    return path


SQUARE = "v 0 0 0\nv 20 0 0\nv 20 20 0\nv 0 20 0\nf 1 2 3 4\n"


def obj_cases(folder: Path, add: Callable[[Path, str], None]) -> None:
    def files(name: str, says: str, **texts: str) -> None:
        place = folder / name
        place.mkdir()
        for stem, text in texts.items():
            (place / f"{stem}.obj").write_text(text)
        add(place, says)

    moved = SQUARE.replace("v 0 0 0", "v 0 -1 0")
    files("no-neutral", "no neutral", jawOpen=moved, jawLeft=moved)
    files("only-neutral", "holds no shapes", neutral=SQUARE)
    files("still", "moves no vertex", neutral=SQUARE, jawOpen=SQUARE)
    files("other-count", "the neutral has 4", neutral=SQUARE, jawOpen=moved + "v 1 1 1\n")
    files("obj-nan", "not finite", neutral=SQUARE, jawOpen=moved.replace("20 20", "nan 20"))
    files("obj-word", "no 3 numbers", neutral=SQUARE.replace("20 20", "x 20"), jawOpen=moved)
    files("obj-face", "points outside", neutral=SQUARE.replace("3 4", "3 9"), jawOpen=moved)
    files("obj-face-word", "a face that is none", neutral=SQUARE.replace("3 4", "3 x"), jawOpen=moved)
    files("obj-empty", "no vertices", neutral="# nothing\n", jawOpen=moved)
    alone = folder / "alone.obj"
    alone.write_text(SQUARE)
    add(alone, "--transfer")


def array_cases(folder: Path, add: Callable[[Path, str], None]) -> None:
    vertices, faces = np.random.default_rng(0).random((10, 3)).astype(np.float32), np.array([[0, 1, 2]])
    basis = np.ones((10, 3, 2), np.float32)

    def flame(name: str, says: str, **arrays: np.ndarray) -> None:
        path = folder / f"{name}.safetensors"
        path.write_bytes(save({k: np.ascontiguousarray(v) for k, v in arrays.items()}))
        add(path, says)

    flame("flame-nothing", "no vertices and faces", shapedirs=basis)
    flame("flame-basis", "for 10 vertices", vertices=vertices, faces=faces, expression_basis=basis[:5])
    flame("flame-nan", "not finite", vertices=vertices, faces=faces, expression_basis=basis * np.nan)
    flame("flame-no-shapes", "holds no shapes", vertices=vertices, faces=faces)
    flame("flame-face", "points outside", vertices=vertices, faces=faces + 20, expression_basis=basis)
    cut = folder / "cut.safetensors"
    cut.write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    add(cut, "not a safetensors file")
    ict = folder / "ict"
    ict.mkdir()
    (ict / "ict_facekit.npz").write_bytes(b"PK no archive")
    add(ict, "no file of arrays")
    pickled = folder / "ict-pickled"
    pickled.mkdir()
    np.savez(pickled / "ict_facekit.npz", vertices=np.array([{"a": 1}], dtype=object))
    add(pickled, "no file of arrays")


def build(folder: Path) -> list[Case]:
    """Write the files into ``folder``; each makes ``facegen rig import`` exit with 3, say why and write nothing."""
    cases: list[Case] = []

    def add(path: Path, says: str) -> None:
        cases.append(Case(path.name, path, ("-o", str(folder / "out")), 3, says, command="rig import"))

    gltf_cases(folder, add)
    obj_cases(folder, add)
    array_cases(folder, add)
    empty = folder / "empty"
    empty.mkdir()
    add(empty, "no known layout")
    add(folder / "gone.glb", "no such file")
    return cases
