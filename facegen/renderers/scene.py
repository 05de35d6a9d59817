"""What of a rig stays the same from frame to frame: colours, surfaces, draw order, welded seams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from facegen.core.errors import RigError
from facegen.renderers.colors import material_color
from facegen.renderers.textures import at_uvs, smaller, texture_pixels
from facegen.rig import Rig, RigPart

PATCH = 4
"""Texels a side whose mean is the colour of a vertex where textures are not drawn."""
SURFACE = {"roughness": 0.5, "specular": 0.04, "subsurface": 0.0, "opacity": 1.0, "strands": 0.0}
"""Material values in 0..1 and what they are where a material does not say; ``specular`` is the reflectance
seen from straight above, ``strands`` how much a surface is streaked as hair, along the uvs (cm across the strands,
cm from the hair's edge)."""
MAX_MATERIALS = 256
THIN_SHARE = 0.1
"""A part with more than this share of open edges, such as lashes, is seen from both sides."""


@dataclass(frozen=True)
class Textured:
    """The texture of the material ``number``, its ``tint`` sRGB [3] uint8, and the alpha below which nothing is drawn."""

    number: int
    texture: str
    tint: np.ndarray
    cutoff: float


@dataclass(frozen=True)
class RenderScene:
    """What of a rig never moves.

    ``colors`` [V, 4] uint8: sRGB and the number of the vertex's material; ``materials`` [M, 4] float32:
    roughness, specular, subsurface, opacity, and ``strands`` [M]; faces to draw [n, 3] int32: ``solid`` ones seen
    from outside only, ``thin`` ones seen from both sides, ``hair`` likewise but streaked, ``clear`` ones that lend
    their shine to what lies under them; and which materials are ``textured``, whose ``colors`` are their texture's
    under the vertices.
    """

    colors: np.ndarray
    materials: np.ndarray
    strands: np.ndarray
    solid: np.ndarray
    thin: np.ndarray
    hair: np.ndarray
    clear: np.ndarray
    textured: tuple[Textured, ...]


def make_render_scene(rig: Rig) -> RenderScene:
    """The scene of a rig with a mesh. Raises RigError for material values that are none."""
    mesh = rig.mesh
    assert mesh is not None
    count = len(mesh.vertices)
    parts = rig.parts or (RigPart("head", "skin", (0, count), (0, len(mesh.faces))),)
    colors = np.full((count, 4), 255, np.uint8)
    if mesh.colors is not None:
        colors[:, :3] = mesh.colors[:, :3]  # these hold the whole colour; a material's own is a stand-in
    names = sorted({part.material for part in parts})[:MAX_MATERIALS]
    values = [[_share(rig.materials.get(n, {}), name) for name in SURFACE] for n in names]
    faces: dict[str, list[np.ndarray]] = {"solid": [], "thin": [], "hair": [], "clear": []}
    textured: dict[int, Textured] = {}
    for part in parts:
        material, rows = rig.materials.get(part.material, {}), slice(*part.vertices)
        if mesh.colors is None:
            colors[rows, :3] = material_color(material)
        number = names.index(part.material) if part.material in names else len(names) - 1
        colors[rows, 3] = number
        if mesh.uvs is not None and "texture" in material:
            textured[number] = _textured(number, material)
            colors[rows, :3] = _under(rig, textured[number], mesh.uvs[rows])
        own = mesh.faces[slice(*part.faces)]
        opacity, strands = values[number][3:]
        if opacity < 1:
            faces["clear"].append(own)
        elif strands and mesh.uvs is not None:
            faces["hair"].append(own)
        else:
            faces["thin" if _is_thin(own) else "solid"].append(own)
    drawn = {k: np.concatenate([*v, np.zeros((0, 3), np.int32)]) for k, v in faces.items()}
    table = np.array(values, np.float32)
    return RenderScene(colors, table[:, :4], table[:, 4], **drawn, textured=tuple(textured.values()))


def _textured(number: int, material: Mapping[str, Any]) -> Textured:
    tint = material_color(material, "tint")
    return Textured(number, str(material["texture"]), tint, _share(material, "cutoff"))


def _under(rig: Rig, own: Textured, uvs: np.ndarray) -> np.ndarray:
    """The colour [n, 3] uint8 of a texture about ``uvs`` [n, 2]."""
    pixels = texture_pixels(rig, own.texture)
    return np.round(at_uvs(smaller(pixels, PATCH), uvs)[:, :3] * (own.tint / 255.0)).astype(np.uint8)


def over(pixels: np.ndarray, background: np.ndarray) -> np.ndarray:
    """``pixels`` [H, W, 4] with straight alpha over ``background`` [H, W, 3], uint8."""
    share = pixels[..., 3:].astype(np.float32) / 255
    return np.round(pixels[..., :3] * share + background * (1 - share)).astype(np.uint8)


def _is_thin(faces: np.ndarray) -> bool:
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).astype(np.int64), axis=1)
    _, uses = np.unique(edges[:, 0] << 32 | edges[:, 1], return_counts=True)
    return len(uses) > 0 and (uses == 1).mean() > THIN_SHARE


def _share(material: Mapping[str, Any], name: str) -> float:
    value = material.get(name, SURFACE.get(name, 0.0))
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise RigError(f"the material's {name} {value!r} is not in 0..1", remedy="use a number in 0..1")
    return float(value)


def weld_seams(rig: Rig) -> tuple[np.ndarray, np.ndarray | None]:
    """Group of each vertex: vertices at one place that every control moves alike share one.

    The second value is the same array, or None where no two vertices share a group.
    """
    mesh = rig.mesh
    assert mesh is not None
    # A random mixture of all shapes tells apart what touches at rest, such as the lips.
    mixture = np.random.default_rng(0).uniform(0.5, 1.5, len(rig.controls)).astype(np.float32)
    moved = np.zeros_like(mesh.vertices)
    for weight, name in zip(mixture, rig.control_names, strict=True):
        index, value = rig.delta(name)
        np.add.at(moved, index, weight * value)
    key = np.round(np.concatenate([mesh.vertices, moved], axis=1) * 1e4).astype(np.int64)
    _, group = np.unique(key, axis=0, return_inverse=True)
    group = group.reshape(-1)
    if group.max() + 1 == len(group):
        return np.arange(len(group)), None
    return group, group
