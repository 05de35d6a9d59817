"""Puts the parts together and writes the rig's two files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as to_bytes

from tools.head_builder import atlas, brows, cloth, eyes, hair, jaw, mouth, skin_paint, texture
from tools.head_builder.controls import COMBINATIONS, CONTROLS, EXTRA, control_rows
from tools.head_builder.parameters import Parameters
from tools.head_builder.part import Part, mirror_part
from tools.head_builder.skin import Skin

CREDIT = (
    "Topology, surface and shapes by tools/head_builder/build_head.py; its parameters were fitted to measurements of "
    "ICT-FaceKit (MIT, USC Institute for Creative Technologies)"
)
SMALLEST = 1.2e-3  # cm; displacements below are none
MATERIALS = {
    "skin": {
        "color": [0.71, 0.40, 0.29],
        "roughness": 0.58,
        "specular": 0.04,
        "subsurface": 0.6,
        "texture": texture.FILE,
    },
    "mouth": {
        "color": [0.10, 0.02, 0.02],
        "roughness": 0.5,
        "specular": 0.04,
        "subsurface": 0.2,
        "texture": texture.FILE,
    },
    "eye": {
        "color": [0.80, 0.75, 0.70],
        "roughness": 0.08,
        "specular": 0.05,
        "subsurface": 0.1,
        "texture": texture.FILE,
    },
    "teeth": {
        "color": [0.78, 0.71, 0.58],
        "roughness": 0.25,
        "specular": 0.05,
        "subsurface": 0.3,
        "texture": texture.FILE,
    },
    "gums": {
        "color": [0.50, 0.13, 0.13],
        "roughness": 0.3,
        "specular": 0.05,
        "subsurface": 0.5,
        "texture": texture.FILE,
    },
    "tongue": {
        "color": [0.53, 0.14, 0.14],
        "roughness": 0.45,
        "specular": 0.05,
        "subsurface": 0.6,
        "texture": texture.FILE,
    },
    "hair": {
        "color": [0.033, 0.014, 0.008],
        "roughness": 0.58,
        "specular": 0.028,
        "subsurface": 0.0,
        "strands": 0.6,
    },
    "brow": {"color": [0.04, 0.018, 0.011], "roughness": 0.9, "specular": 0.01, "subsurface": 0.0},
    "cloth": {"color": [0.03, 0.05, 0.09], "roughness": 0.8, "specular": 0.03, "subsurface": 0.0},
    "lashes": {"color": [0.005, 0.004, 0.003], "roughness": 0.9, "specular": 0.01, "subsurface": 0.0},
}


def build(p: Parameters) -> tuple[dict[str, Any], dict[str, np.ndarray], texture.Canvas]:
    """The rig as JSON-ready values and as arrays, and what its texture is painted on."""
    skin = Skin(p)
    parts = _parts(p, skin)
    index, lips = parts.pop("index"), parts.pop("lips")
    ordered: list[Part] = list(parts.values())
    arrays = _arrays(skin, ordered)
    rows, v, f = [], 0, 0
    for part in ordered:
        rows.append(
            {
                "name": part.name,
                "material": part.material,
                "vertices": [v, v + len(part.vertices)],
                "faces": [f, f + len(part.faces)],
            }
        )
        v, f = v + len(part.vertices), f + len(part.faces)
    rig: dict[str, Any] = {
        "format": 1,
        "name": "aria",
        "licence": "Apache-2.0",
        "credit": CREDIT,
        "units": "cm",
        "mesh": "mesh.safetensors",
        "controls": control_rows(),
        "combinations": [of.split("*") for of in COMBINATIONS],
        "parts": rows,
        "materials": MATERIALS,
        "landmarks": _landmarks(p, skin, index),
        "pivots": _pivots(p),
    }
    return rig, arrays, _canvas(arrays, rows, lips, np.array(rig["pivots"]["eyeLeft"]))


def _canvas(
    arrays: dict[str, np.ndarray], parts: list[dict[str, Any]], lips: np.ndarray, eye: np.ndarray
) -> texture.Canvas:
    """The texels of TEXTURED; both eyes have the left one's."""
    about = np.zeros((len(arrays["vertices"]), 3))  # skin, eye, lips
    faces = []
    for row in parts:
        at = slice(*row["vertices"])
        about[at, 0], about[at, 1] = row["name"] == "skin", row["name"] == "eyeLeft"
        if row["name"] in atlas.TEXTURED and row["name"] != "eyeRight":
            faces.append(arrays["faces"][slice(*row["faces"])])
    about[: len(lips), 2] = lips
    found = atlas.texels(arrays["uvs"], np.vstack(faces))
    skin, ball, red = found.spread(about).T
    places = found.spread(arrays["vertices"].astype(float))
    return texture.Canvas(found, places, skin > 0.5, ball > 0.5, red, eye)


def _from_skin(
    skin: Skin, faces: np.ndarray, name: str, material: str, colors: np.ndarray
) -> tuple[Part, np.ndarray]:
    used = np.unique(faces)
    number = np.full(skin.count, -1)
    number[used] = np.arange(len(used))
    deltas = {k: d[used] for k, d in skin.deltas.items()}
    return Part(name, material, skin.vertices[used], number[faces], colors[used], deltas), number


def _parts(p: Parameters, skin: Skin) -> dict[str, Any]:
    outside, inside = skin.split()
    colours = skin_paint.skin_colours(skin, p.landmarks)
    out: dict[str, Any] = {}
    out["skin"], out["index"] = _from_skin(skin, outside, "skin", "skin", colours)
    out["lips"] = skin_paint.lips(skin)[np.unique(outside)]
    dark = skin_paint.bag_colours(skin)
    out["mouth"], _ = _from_skin(skin, inside, "mouth", "mouth", dark)
    left = eyes.left_eye(skin.eye_centre, skin.eye_radius)
    out["eyeLeft"], out["eyeRight"] = left, mirror_part(left, "eyeRight")
    out["teethUpper"], out["gumUpper"] = mouth.teeth_row(p.teeth, True)
    out["teethLower"], out["gumLower"] = mouth.teeth_row(p.teeth, False)
    out["tongue"] = mouth.tongue()
    brow, lashes = brows.left_brow(skin, p.landmarks, colours), brows.left_lashes(skin)
    out["browLeft"], out["browRight"] = brow, mirror_part(brow, "browRight")
    out["lashesLeft"], out["lashesRight"] = lashes, mirror_part(lashes, "lashesRight")
    out["hair"] = hair.hair(p)
    out["shirt"] = cloth.shirt(p)
    return out


def _arrays(skin: Skin, parts: list[Part]) -> dict[str, np.ndarray]:
    starts = np.cumsum([0] + [len(q.vertices) for q in parts])
    vertices = np.round(np.vstack([q.vertices for q in parts]), 5)
    faces = np.vstack([q.faces + s for q, s in zip(parts, starts, strict=False)])
    offsets, index, value = [0], [], []
    for control in (*CONTROLS, *EXTRA, *COMBINATIONS):
        for part, start in zip(parts, starts, strict=False):
            delta = part.deltas.get(control)
            if delta is None:
                continue
            moved = np.flatnonzero(np.linalg.norm(delta, axis=1) > SMALLEST)
            index.append(moved + start)
            value.append(np.round(delta[moved], 5))
        offsets.append(sum(len(i) for i in index))
    uvs = np.zeros((len(vertices), 2))
    eye = np.zeros((0, 2))
    for part, start in zip(parts, starts, strict=False):
        rows = slice(start, start + len(part.vertices))
        if part.name == "eyeRight":
            uvs[rows] = eye
        elif part.name in atlas.TEXTURED:
            uvs[rows] = atlas.place(part)
            eye = uvs[rows] if part.name == "eyeLeft" else eye
        elif part.strands is not None:
            uvs[rows] = part.strands
    return {
        "vertices": vertices.astype(np.float32),
        "faces": faces.astype(np.int32),
        "uvs": uvs.astype(np.float32),
        "colors": np.round(np.vstack([q.colors for q in parts]) * 255).astype(np.uint8),
        "delta_offsets": np.array(offsets, np.int32),
        "delta_index": np.concatenate(index).astype(np.int32),
        "delta_value": np.concatenate(value).astype(np.float32),
        "head_weight": skin.head_weight(vertices).astype(np.float32),
    }


def _landmarks(p: Parameters, skin: Skin, number: np.ndarray) -> dict[str, int]:
    margin = skin.lids[3]
    half = len(margin) // 2
    at = {
        "lipUpperInner": skin.upper_lip[0],
        "lipLowerInner": skin.lower_lip[0],
        "mouthCornerLeft": skin.contact[len(skin.contact) // 2],
        "eyeOuterLeft": margin[0],
        "eyeInnerLeft": margin[half],
        "lidUpperLeft": margin[half // 2],
        "lidLowerLeft": margin[half + half // 2],
    }
    at |= {k.replace("Left", "Right"): skin.mirror[v] for k, v in at.items() if k.endswith("Left")}
    for name, row in (
        ("noseTip", 1),
        ("noseBase", 2),
        ("chin", 3),
        ("lipUpperOuter", 11),
        ("lipLowerOuter", 12),
    ):
        middle = np.flatnonzero((np.abs(skin.vertices[:, 0]) < 1e-6) & skin.is_skin)
        away = np.linalg.norm(skin.vertices[middle] - p.landmarks[row], axis=1)
        at[name] = middle[np.argmin(away)]
    return {k: int(number[v]) for k, v in at.items()}


def _pivots(p: Parameters) -> dict[str, list[float]]:
    centre = [round(float(x), 4) for x in p.eye_sphere[:3]]
    return {
        "head": [0.0, -3.0, -1.0],
        "eyeLeft": centre,
        "eyeRight": [-centre[0], *centre[1:]],
        "jaw": [float(x) for x in jaw.HINGE],
    }


def write(rig: dict[str, Any], arrays: dict[str, np.ndarray], picture: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / texture.FILE).write_bytes(picture)
    (folder / "mesh.safetensors").write_bytes(to_bytes(arrays))
    (folder / "rig.json").write_text(json.dumps(rig, indent=1) + "\n", encoding="utf-8")
