"""A rig's head as glTF nodes: a mesh a part, its shapes as morph targets, and a skin of joints: base, head and, for
eyeballs that are parts of their own, one each, to pose by hand or to look at things in an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pygltflib as gltf

from facegen.core.errors import RigError
from facegen.core.mesh import normals, to_linear
from facegen.core.units import METRES_PER_CM
from facegen.formats.gltf.animation_reader import HEAD_NODE
from facegen.formats.gltf.buffers import Buffer
from facegen.rig import Rig, RigPart

BASE_NODE = "base"
EYE_NODES = {"eyeLeft": "eye_L", "eyeRight": "eye_R"}
"""The joint of each eyeball, by its part and pivot; editors take such names for two sides of one thing."""
ALONE = np.array([0xFFFF, 0, 0, 0], np.uint16)
STILL_CM = 5e-4
"""Displacements below this, a tenth of a hair's width, are left out."""
SHEET_SHARE = 0.1
LEAST_COLOR = 1e-3


def add_head(buffer: Buffer, rig: Rig) -> list[int]:
    """Add the head of ``rig`` to the document; the numbers of the nodes whose meshes have morph targets.

    Raises RigError for materials that are none.
    """
    mesh = rig.mesh
    assert mesh is not None
    document = buffer.document
    parts = rig.parts or (RigPart(rig.name, "", (0, len(mesh.vertices)), (0, len(mesh.faces))),)
    eyes = [name for name in EYE_NODES if name in rig.pivots and name in {part.name for part in parts}]
    skin = _add_skeleton(buffer, rig, eyes)
    first = len(document.nodes)
    unit_normals = normals(mesh.vertices, mesh.faces)
    shapes = [moving(*rig.shape(number)) for number in range(len(rig.shape_names))]
    materials: dict[tuple[str, bool], int] = {}
    textures: dict[str, int] = {}
    morphed = []
    for part in parts:
        joint = 2 + eyes.index(part.name) if part.name in eyes else None
        mesh_number = _add_part(buffer, rig, part, shapes, unit_normals, joint)
        if mesh_number is None:
            continue
        primitive = document.meshes[mesh_number].primitives[0]
        look = part.material, _is_sheet(mesh.faces[slice(*part.faces)])
        if look not in materials:
            materials[look] = len(document.materials)
            document.materials.append(_material(*look, rig, _texture(buffer, rig, part.material, textures)))
        primitive.material = materials[look]
        document.nodes.append(gltf.Node(name=part.name, mesh=mesh_number, skin=skin))
        if primitive.targets:
            morphed.append(len(document.nodes) - 1)
    roots = [0, *range(first, len(document.nodes))]
    document.scenes = [gltf.Scene(name=rig.name, nodes=roots)]
    document.scene = 0
    return morphed


def _add_skeleton(buffer: Buffer, rig: Rig, eyes: list[str]) -> int:
    """Node 0, the still base, with node 1, the head, at the head's pivot, and in that each of ``eyes`` at its own; the
    skin over all."""
    places = [rig.pivots.get(name, (0.0, 0.0, 0.0)) for name in ("head", *eyes)]
    pivots = np.asarray(places, np.float64) * METRES_PER_CM
    document, joints = buffer.document, list(range(2 + len(eyes)))
    document.nodes += [
        gltf.Node(name=BASE_NODE, children=[1]),
        gltf.Node(name=HEAD_NODE, translation=pivots[0].tolist(), children=joints[2:] or None),
    ]
    for name, place in zip(eyes, pivots[1:], strict=True):
        document.nodes.append(gltf.Node(name=EYE_NODES[name], translation=(place - pivots[0]).tolist()))
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    inverse[1:, 3, :3] = -pivots  # column-major: the fourth column is the shift
    matrices = buffer.add(inverse.reshape(-1, 16), "MAT4")
    document.skins.append(gltf.Skin(joints=joints, skeleton=0, inverseBindMatrices=matrices))
    return 0


def _add_part(
    buffer: Buffer,
    rig: Rig,
    part: RigPart,
    shapes: list[tuple[np.ndarray, np.ndarray]],
    unit_normals: np.ndarray,
    joint: int | None,
) -> int | None:
    """The number of the mesh of one part, which follows ``joint`` alone where one is given; None for a part without
    faces."""
    mesh = rig.mesh
    assert mesh is not None
    faces = mesh.faces[slice(*part.faces)]
    if len(faces) == 0:
        return None
    used, flat = np.unique(faces, return_inverse=True)
    attributes = gltf.Attributes(
        POSITION=buffer.add(
            mesh.vertices[used] * np.float32(METRES_PER_CM), "VEC3", target=gltf.ARRAY_BUFFER, limits=True
        ),
        NORMAL=buffer.add(unit_normals[used], "VEC3", target=gltf.ARRAY_BUFFER),
    )
    if mesh.uvs is not None:
        uvs = np.asarray(mesh.uvs, np.float32)[used] * np.array((1, -1), np.float32) + np.array(
            (0, 1), np.float32
        )
        attributes.TEXCOORD_0 = buffer.add(uvs, "VEC2", target=gltf.ARRAY_BUFFER)
    if mesh.colors is not None and not is_textured(rig, part.material):
        attributes.COLOR_0 = buffer.add(
            _shares(mesh.colors[used], lightest(rig, part.material)),
            "VEC4",
            target=gltf.ARRAY_BUFFER,
            normalized=True,
        )
    joints, weights = _joints(rig, used, joint)
    attributes.JOINTS_0 = buffer.add(joints, "VEC4", target=gltf.ARRAY_BUFFER)
    attributes.WEIGHTS_0 = buffer.add(weights, "VEC4", target=gltf.ARRAY_BUFFER, normalized=True)
    corners = flat.reshape(-1).astype(np.uint16 if len(used) <= 0xFFFF else np.uint32)
    indices = buffer.add(corners, "SCALAR", target=gltf.ELEMENT_ARRAY_BUFFER)
    primitive = gltf.Primitive(attributes=attributes, indices=indices)
    result = gltf.Mesh(name=part.name, primitives=[primitive])
    moved = [part_shape(used, *shape) for shape in shapes]
    if any(len(index) for index, _ in moved):
        numbers = buffer.add_shapes(moved, len(used))
        primitive.targets = [gltf.Attributes(POSITION=n) for n in numbers]
        names = list(rig.shape_names)
        primitive.extras, result.extras = {"targetNames": names}, {"targetNames": names}
        result.weights = [c.neutral for c in rig.controls] + [0.0] * len(rig.combinations)
    buffer.document.meshes.append(result)
    return len(buffer.document.meshes) - 1


def moving(index: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    keep = np.abs(value).max(axis=1, initial=0) > STILL_CM
    return index[keep], value[keep]


def _is_sheet(faces: np.ndarray) -> bool:
    """Whether many of the edges have one face only, as in cards of hair, which are seen from both sides."""
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).astype(np.int64), axis=1)
    _, uses = np.unique(edges[:, 0] << 32 | edges[:, 1], return_counts=True)
    return bool((uses == 1).mean() > SHEET_SHARE)


def part_shape(used: np.ndarray, index: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What one shape moves of the vertices ``used``: their numbers in the part, ascending, and metres [n, 3]."""
    place = np.minimum(np.searchsorted(used, index), len(used) - 1)
    inside = used[place] == index
    place, first = np.unique(place[inside], return_index=True)
    return place, (value[inside][first] * METRES_PER_CM).astype(np.float32)


def _joints(rig: Rig, used: np.ndarray, joint: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Joint numbers [N, 4] uint8 and their weights [N, 4] uint16 shares of 65535: head first, then base; or ``joint``
    alone."""
    if joint is not None:
        shape = (len(used), 1)
        return np.tile(np.array([joint, 0, 0, 0], np.uint8), shape), np.tile(ALONE, shape)
    follow = np.ones(len(used)) if rig.head_weight is None else np.clip(rig.head_weight[used], 0, 1)
    weights = np.zeros((len(used), 4), np.uint16)
    weights[:, 0] = np.round(follow * 0xFFFF)
    weights[:, 1] = 0xFFFF - weights[:, 0]
    joints = np.zeros((len(used), 4), np.uint8)
    joints[:, 0] = weights[:, 0] > 0
    return joints, weights


def is_textured(rig: Rig, material: str) -> bool:
    """Whether a texture holds the colour of a material, which vertex colours then only stand in for."""
    return "texture" in rig.materials.get(material, {}) and rig.mesh is not None and rig.mesh.uvs is not None


def _texture(buffer: Buffer, rig: Rig, material: str, done: dict[str, int]) -> int | None:
    """The number of a material's texture, added where it is not among those ``done``."""
    if not is_textured(rig, material):
        return None
    name = rig.materials[material]["texture"]
    if name not in done:
        done[name] = buffer.add_texture(name, rig.textures[name])
    return done[name]


def _material(name: str, both_sides: bool, rig: Rig, texture: int | None) -> gltf.Material:
    """The material called ``name``; where the vertices have colours, which glTF multiplies with it, the lightest of them,
    so that programs which pass over vertex colours show something near."""
    about = rig.materials.get(name, {})
    opacity, cutoff = float(about.get("opacity", 1.0)), float(about.get("cutoff", 0.0))
    colored = rig.mesh is not None and rig.mesh.colors is not None
    color = lightest(rig, name).tolist() if colored else linear_color(about)
    surface = gltf.PbrMetallicRoughness(
        baseColorFactor=[*color, opacity],
        metallicFactor=0.0,
        roughnessFactor=float(about.get("roughness", 0.5)),
    )
    result = gltf.Material(
        name=name or rig.name,
        pbrMetallicRoughness=surface,
        alphaMode=gltf.BLEND if opacity < 1 else gltf.OPAQUE,
        doubleSided=both_sides,
    )
    if texture is not None:
        surface.baseColorFactor = [*linear_color(about, "tint"), opacity]
        surface.baseColorTexture = gltf.TextureInfo(index=texture)
        if cutoff:
            result.alphaMode, result.alphaCutoff = gltf.MASK, cutoff
    return result


def lightest(rig: Rig, material: str) -> np.ndarray:
    """The most that the vertices of a material have of each linear colour [3], and a little at least."""
    colors = rig.mesh.colors  # type: ignore[union-attr]
    assert colors is not None
    rows = [colors[slice(*part.vertices)] for part in rig.parts if part.material == material] or [colors]
    most = np.max([part[:, :3].max(axis=0, initial=0) for part in rows], axis=0)
    return np.maximum(to_linear(most / 255.0), LEAST_COLOR)


def _shares(colors: np.ndarray, of: np.ndarray) -> np.ndarray:
    """sRGB bytes [N, 3] as shares of the linear colour ``of`` [3], RGBA of 65535 [N, 4] uint16."""
    linear = np.round(to_linear(colors[:, :3] / 255.0) / of * 0xFFFF)
    return np.hstack([linear, np.full((len(linear), 1), 0xFFFF)]).astype(np.uint16)


def linear_color(material: Mapping[str, Any], key: str = "color") -> list[float]:
    """A material's colour (or ``tint``) as three linear shares of 1: three such numbers, or sRGB ``#rrggbb``; white by
    default."""
    given = material.get(key, (1.0, 1.0, 1.0))
    try:
        if isinstance(given, str):
            return to_linear(np.array(list(bytes.fromhex(given.lstrip("#")[:6]))) / 255.0)[[0, 1, 2]].tolist()
        color = [float(given[i]) for i in range(3)]
        if not all(0 <= share <= 1 for share in color):
            raise ValueError
    except (TypeError, ValueError, OverflowError, LookupError) as error:
        raise RigError(
            f"the material's {key} {given!r} is no colour", remedy="use #rrggbb or three numbers in 0..1"
        ) from error
    return color
