"""Heads into the scene: by glTF, then made one mesh with its bones, in a collection of its own."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

import bpy

from .core.client import Steps, facegen
from .core.request import neutral
from .core.trouble import Trouble
from .scene import BONES
from .settings import CHOICES, python

HEAD_MAP = "bone,channel,source,scale\n" + "".join(
    f"head,{axis},head.{axis},1\n" for axis in ("yaw", "pitch", "roll", "x", "y", "z")
)
"""The imported head's bone map: its bone moves as the take's head does."""


def import_head(name: str) -> Steps:
    """Import the head of a rig; returns what to say of it."""
    if not hasattr(bpy.ops.import_scene, "gltf") or "io_scene_gltf2" not in bpy.context.preferences.addons:
        raise Trouble(
            "Blender's glTF importer is off", "turn on the add-on glTF 2.0 format in the preferences"
        )
    title = os.path.splitext(os.path.basename(name.rstrip("/\\")))[0] or "head"
    with TemporaryDirectory() as folder:
        face, model = os.path.join(folder, "neutral.json"), os.path.join(folder, f"{title}.glb")
        with open(face, "w", encoding="utf-8") as file:
            file.write(neutral(CHOICES["controls"]))
        given = name if name in CHOICES["heads"] else bpy.path.abspath(name)
        yield from facegen(python(), "retarget", face, "--to", given, "-o", model)
        yield "importing", 0.9
        mesh = _import(model, title)
    count = len(mesh.data.shape_keys.key_blocks) - 1
    return f"imported {mesh.name}: {count} shape keys, {len(mesh.data.vertices)} vertices"


def _import(model: str, title: str) -> bpy.types.Object:
    kinds = (bpy.data.objects, bpy.data.actions, bpy.data.collections)
    before = [set(kind) for kind in kinds]
    if bpy.context.object and bpy.context.object.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    plain = {"disable_bone_shape": True} if bpy.app.version >= (4, 2) else {}
    try:
        bpy.ops.import_scene.gltf(filepath=model, **plain)
    except RuntimeError as error:
        said = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Location")]
        raise Trouble(f"Blender's glTF importer failed ({said[-1][:200]})", "update Blender") from error
    objects, actions, collections = (set(kind) - old for kind, old in zip(kinds, before, strict=True))
    for thing in objects:
        for block in (thing, getattr(thing.data, "shape_keys", None)):
            if block is not None and block.animation_data:
                block.animation_data_clear()
    for action in actions:
        bpy.data.actions.remove(action)
    rig = next((o for o in objects if o.type == "ARMATURE"), None)
    parts = [o for o in objects if o.type == "MESH" and o.vertex_groups or o.type == "MESH" and rig is None]
    mesh = _joined(parts)
    for thing in set(bpy.data.objects) - before[0] - {mesh, rig}:
        bpy.data.objects.remove(thing)
    into = bpy.data.collections.new(title)
    bpy.context.scene.collection.children.link(into)
    for thing in filter(None, (mesh, rig)):
        for old in list(thing.users_collection):
            old.objects.unlink(thing)
        into.objects.link(thing)
    for left in collections:
        bpy.data.collections.remove(left)
    mesh.name = mesh.data.name = title
    if rig is not None:
        rig.name = rig.data.name = f"{title}_bones"
        rig.show_in_front = True
        if "head" in rig.pose.bones:
            rig[BONES] = HEAD_MAP
    for thing in bpy.context.selected_objects:
        thing.select_set(False)
    bpy.context.view_layer.objects.active = mesh
    mesh.select_set(True)
    return mesh


def _joined(parts: list) -> bpy.types.Object:
    """The parts as one mesh; the one with most shape keys takes up the others."""
    keyed = [p for p in parts if p.data.shape_keys]
    if not keyed:
        raise Trouble("the rig has no shapes", "choose one that has, such as aria")
    main = max(keyed, key=lambda p: (len(p.data.shape_keys.key_blocks), len(p.data.vertices)))
    for thing in bpy.context.selected_objects:
        thing.select_set(False)
    for part in parts:
        part.select_set(True)
    bpy.context.view_layer.objects.active = main
    if len(parts) > 1:
        bpy.ops.object.join()
    return main
