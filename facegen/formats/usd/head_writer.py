"""A rig's head as USD prims: a mesh a part, its shapes as ``BlendShape`` prims, a skeleton of a base and a head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facegen.core.mesh import normals, to_linear
from facegen.formats.gltf.head_writer import is_textured, linear_color, moving, part_shape
from facegen.rig import Rig, RigPart

JOINTS = ("base", "base/head")
HEAD_JOINT = JOINTS[1]


def add_head(stage: Any, root: str, animation: str, rig: Rig, textured: bool = False) -> None:
    """Add the head of ``rig`` in cm below the prim ``root``, driven by the animation at the path ``animation``;
    ``textured`` with the rig's textures, which lie beside the stage."""
    from pxr import Tf, UsdSkel

    mesh = rig.mesh
    assert mesh is not None
    skeleton = _add_skeleton(stage, root, rig)
    UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets([animation])
    unit_normals = normals(mesh.vertices, mesh.faces)
    shapes = [moving(*rig.shape(number)) for number in range(len(rig.shape_names))]
    parts = rig.parts or (RigPart(rig.name, "", (0, len(mesh.vertices)), (0, len(mesh.faces))),)
    taken = {"Skeleton", "Animation", "Materials"}
    for part in parts:
        if part.faces[0] == part.faces[1]:
            continue
        name = _free(Tf.MakeValidIdentifier(part.name), taken)
        prim = _add_part(stage, f"{root}/{name}", rig, part, shapes, unit_normals)
        binding = UsdSkel.BindingAPI(prim)
        binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
        _bind_material(stage, root, prim, part, rig, textured and is_textured(rig, part.material))


def _free(name: str, taken: set[str]) -> str:
    """``name``, numbered where it is taken."""
    number, free = 1, name
    while free in taken:
        number, free = number + 1, f"{name}_{number}"
    taken.add(free)
    return free


def _add_skeleton(stage: Any, root: str, rig: Rig) -> Any:
    from pxr import Gf, UsdSkel

    pivot = [float(x) for x in rig.pivots.get("head", (0.0, 0.0, 0.0))]
    places = [Gf.Matrix4d(1), Gf.Matrix4d(1).SetTranslate(Gf.Vec3d(*pivot))]
    skeleton = UsdSkel.Skeleton.Define(stage, f"{root}/Skeleton")
    skeleton.CreateJointsAttr(list(JOINTS))
    skeleton.CreateBindTransformsAttr(places)
    skeleton.CreateRestTransformsAttr(places)
    return skeleton


def _add_part(
    stage: Any,
    path: str,
    rig: Rig,
    part: RigPart,
    shapes: list[tuple[np.ndarray, np.ndarray]],
    unit: np.ndarray,
) -> Any:
    from pxr import Gf, Sdf, UsdGeom, UsdSkel, Vt

    mesh = rig.mesh
    assert mesh is not None
    used, flat = np.unique(mesh.faces[slice(*part.faces)], return_inverse=True)
    prim = UsdGeom.Mesh.Define(stage, path)
    points = mesh.vertices[used]
    prim.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    prim.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(flat.reshape(-1, 3)), 3, np.int32)))
    prim.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(flat.reshape(-1).astype(np.int32)))
    prim.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(unit[used])))
    prim.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    prim.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    prim.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack([points.min(axis=0), points.max(axis=0)])))
    variables = UsdGeom.PrimvarsAPI(prim)
    if mesh.uvs is not None:
        uvs = np.ascontiguousarray(np.asarray(mesh.uvs, np.float32)[used])
        kind = Sdf.ValueTypeNames.TexCoord2fArray
        variables.CreatePrimvar("st", kind, UsdGeom.Tokens.vertex).Set(Vt.Vec2fArray.FromNumpy(uvs))
    if mesh.colors is not None:
        colors = to_linear(mesh.colors[used, :3] / 255.0).astype(np.float32)
        prim.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex).Set(Vt.Vec3fArray.FromNumpy(colors))
    else:
        color = linear_color(rig.materials.get(part.material, {}))
        prim.CreateDisplayColorPrimvar(UsdGeom.Tokens.constant).Set(Vt.Vec3fArray([Gf.Vec3f(*color)]))
    binding = UsdSkel.BindingAPI.Apply(prim.GetPrim())
    follow = np.ones(len(used)) if rig.head_weight is None else np.clip(rig.head_weight[used], 0, 1)
    share = np.stack([1 - follow, follow], axis=1).astype(np.float32)
    joints = np.tile(np.array([0, 1], np.int32), len(used))
    binding.CreateJointIndicesPrimvar(False, 2).Set(Vt.IntArray.FromNumpy(joints))
    binding.CreateJointWeightsPrimvar(False, 2).Set(Vt.FloatArray.FromNumpy(share.reshape(-1)))
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1))
    _add_shapes(stage, path, binding, rig, [part_shape(used, *shape) for shape in shapes])
    return prim.GetPrim()


def _add_shapes(
    stage: Any, path: str, binding: Any, rig: Rig, shapes: list[tuple[np.ndarray, np.ndarray]]
) -> None:
    """``BlendShape`` prims of the shapes (vertices, metres) that move the part, sparse, in cm."""
    from pxr import Tf, UsdSkel, Vt

    names, targets, taken = [], [], set[str]()
    for name, (index, metres) in zip(rig.shape_names, shapes, strict=True):
        if len(index) == 0:
            continue
        shape = UsdSkel.BlendShape.Define(stage, f"{path}/{_free(Tf.MakeValidIdentifier(name), taken)}")
        shape.CreateOffsetsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(metres * np.float32(100))))
        shape.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(index.astype(np.int32)))
        names.append(name)
        targets.append(shape.GetPath())
    if names:
        binding.CreateBlendShapesAttr(names)
        binding.CreateBlendShapeTargetsRel().SetTargets(targets)


def _bind_material(stage: Any, root: str, prim: Any, part: RigPart, rig: Rig, textured: bool) -> None:
    """A preview surface by the part's material: its texture, or vertex colours where the mesh has them."""
    from pxr import Gf, Sdf, Tf, UsdShade

    about = rig.materials.get(part.material, {})
    name = Tf.MakeValidIdentifier(part.material or rig.name)
    path = f"{root}/Materials/{name}"
    material = UsdShade.Material.Get(stage, path)
    if not material:
        stage.DefinePrim(f"{root}/Materials", "Scope")
        material = UsdShade.Material.Define(stage, path)
        surface = UsdShade.Shader.Define(stage, f"{path}/Surface")
        surface.CreateIdAttr("UsdPreviewSurface")
        surface.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(float(about.get("roughness", 0.5)))
        surface.CreateInput("opacity", Sdf.ValueTypeNames.Float).Set(float(about.get("opacity", 1.0)))
        diffuse = surface.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f)
        if textured:
            _add_texture(stage, path, surface, diffuse, about)
        elif rig.mesh is not None and rig.mesh.colors is not None:
            reader = UsdShade.Shader.Define(stage, f"{path}/Colors")
            reader.CreateIdAttr("UsdPrimvarReader_float3")
            reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set("displayColor")
            result = reader.CreateOutput("result", Sdf.ValueTypeNames.Float3)
            diffuse.ConnectToSource(result)
        else:
            diffuse.Set(Gf.Vec3f(*linear_color(about)))
        out = surface.CreateOutput("surface", Sdf.ValueTypeNames.Token)
        material.CreateSurfaceOutput().ConnectToSource(out)
    UsdShade.MaterialBindingAPI.Apply(prim).Bind(material)


def _add_texture(stage: Any, path: str, surface: Any, diffuse: Any, about: Mapping[str, Any]) -> None:
    """The texture that the material ``about`` names, read at ``st``, repeated, as the surface's colour."""
    from pxr import Gf, Sdf, UsdShade

    kinds = Sdf.ValueTypeNames
    reader = UsdShade.Shader.Define(stage, f"{path}/Places")
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    reader.CreateInput("varname", kinds.String).Set("st")
    picture = UsdShade.Shader.Define(stage, f"{path}/Texture")
    picture.CreateIdAttr("UsdUVTexture")
    picture.CreateInput("file", kinds.Asset).Set(str(about["texture"]))
    picture.CreateInput("sourceColorSpace", kinds.Token).Set("sRGB")
    for axis in ("wrapS", "wrapT"):
        picture.CreateInput(axis, kinds.Token).Set("repeat")
    picture.CreateInput("scale", kinds.Float4).Set(Gf.Vec4f(*linear_color(about, "tint"), 1.0))
    picture.CreateInput("st", kinds.Float2).ConnectToSource(reader.CreateOutput("result", kinds.Float2))
    diffuse.ConnectToSource(picture.CreateOutput("rgb", kinds.Float3))
    if about.get("cutoff"):
        surface.CreateInput("opacityThreshold", kinds.Float).Set(float(about["cutoff"]))
        surface.GetInput("opacity").ConnectToSource(picture.CreateOutput("a", kinds.Float))
