"""What is in the scene: characters, their bones, sounds and markers; and what can't be worked on."""

from __future__ import annotations

import os

import bpy

from .core.request import AXES, bone_rows
from .core.trouble import Trouble

BONES = "facegen_bones"
"""Custom property of an armature: its bone map as text."""


def find_targets(names: str) -> tuple[list[bpy.types.Object], bool]:
    """The meshes called ``names`` (separated by commas), else those selected, else all that have shape keys; and
    whether they were named. Raises Trouble for those that can't be keyed."""
    if names.strip():
        found = [_called(name.strip()) for name in names.split(",") if name.strip()]
        for thing in found:
            if not _has_keys(thing):
                raise Trouble(
                    f"{thing.name} has no shape keys", "add shape keys, or leave it out of the targets"
                )
    else:
        meshes = [o for o in bpy.context.scene.objects if _has_keys(o)]
        found = [o for o in meshes if o.select_get()] or meshes
        if not found:
            raise Trouble("no mesh of the scene has shape keys", "add a character, or import a head below")
    once = {thing.data.shape_keys: thing for thing in found}
    for keys, thing in once.items():
        check(keys, thing.name)
    return list(once.values()), bool(names.strip())


def _called(name: str) -> bpy.types.Object:
    thing = bpy.context.scene.objects.get(name)
    if thing is None:
        raise Trouble(f"no object of the scene is called {name!r}", "check the targets")
    return thing


def _has_keys(thing: bpy.types.Object) -> bool:
    keys = thing.type == "MESH" and thing.data.shape_keys
    return bool(keys) and len(keys.key_blocks) > 1


def check(block: bpy.types.ID, name: str) -> None:
    """Raise Trouble for data whose animation can't be changed."""
    if block.library is not None:
        raise Trouble(
            f"{name} is linked from {block.library.filepath}", "make it local, or a library override"
        )
    data = block.animation_data
    if data is None:
        return
    if data.use_tweak_mode:
        raise Trouble(f"an NLA strip of {name} is being edited", "leave tweak mode (Tab in the NLA editor)")
    locked = [c for c in fcurves(data.action, data) if c.lock or (c.group and c.group.lock)]
    if locked or (data.action is not None and data.action.library is not None):
        raise Trouble(
            f"the action {data.action.name} of {name} is locked", "unlock its channels, or unlink it"
        )


def fcurves(action, data=None) -> list:
    """The F-curves of an action; in Blender 4.4 and later of the slot that ``data`` uses, or of its first."""
    if action is None:
        return []
    if not hasattr(action, "slots"):
        return list(action.fcurves)
    slot = getattr(data, "action_slot", None) or (action.slots[0] if action.slots else None)
    found = []
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot) if slot else None
            found += list(bag.fcurves) if bag else []
    return found


def shape_request(thing: bpy.types.Object, options: dict, named: bool) -> dict:
    """The shapes of one mesh as facegen is asked for them."""
    shapes = [key.name for key in thing.data.shape_keys.key_blocks[1:]]
    map_file = bpy.path.abspath(options["map"]) or None
    return {
        "name": thing.name,
        "shapes": shapes,
        "preset": options["preset"],
        "map": map_file,
        "optional": not named,
    }


def bone_requests(targets: list, map_file: str) -> list[dict]:
    """What the bone map asks for, an entry for each object that it moves. Without a map file the armatures of the
    targets are asked for theirs."""
    rigs = list(dict.fromkeys(filter(None, (armature_of(t) for t in targets))))
    if map_file:
        try:
            with open(bpy.path.abspath(map_file), encoding="utf-8-sig") as file:
                rows = bone_rows(file.read(), map_file)
        except (OSError, UnicodeDecodeError) as error:
            raise Trouble(f"{map_file}: can't be read ({error})", "choose a CSV file") from error
        if not rigs and not all(row["object"] for row in rows):
            raise Trouble("the targets have no armature", "name the object in the bone map")
        owned = [(_called(r["object"]) if r["object"] else rigs[0], r) for r in rows]
    else:
        owned = [(rig, r) for rig in rigs if BONES in rig for r in bone_rows(rig[BONES], rig.name)]
    things = dict.fromkeys(thing for thing, _ in owned)
    for thing in things:
        check(thing, thing.name)
    return [_bones_of(thing, [r for t, r in owned if t == thing]) for thing in things]


def armature_of(thing: bpy.types.Object):
    return thing.find_armature() or (
        thing.parent if thing.parent and thing.parent.type == "ARMATURE" else None
    )


def _bones_of(thing: bpy.types.Object, rows: list[dict]) -> dict:
    channels: dict[str, list] = {}
    turns: dict[str, dict] = {}
    for row in rows:
        term = [row["source"], row["scale"]]
        if row["channel"] not in AXES:
            path = f'pose.bones["{row["bone"]}"]{row["channel"]}' if row["bone"] else row["channel"]
            try:
                thing.path_resolve(path)
            except ValueError as error:
                raise Trouble(f"{thing.name} has no property {path}", "check the bone map") from error
            channels.setdefault(path, []).append(term)
            continue
        turn = turns.setdefault(row["bone"], _turn(thing, row["bone"]))
        turn["terms"].setdefault(row["channel"], []).append(term)
    listed = [{"name": name, "terms": terms} for name, terms in channels.items()]
    return {"name": thing.name, "channels": listed, "turns": list(turns.values())}


def _turn(thing: bpy.types.Object, name: str) -> dict:
    bone = thing.pose.bones.get(name) if thing.type == "ARMATURE" else None
    if bone is None:
        raise Trouble(f"{thing.name} has no bone {name!r}", "check the bone map")
    order = bone.rotation_mode
    if order == "AXIS_ANGLE":
        raise Trouble(
            f"the bone {name} turns by axis and angle", "set its rotation mode to Quaternion or Euler"
        )
    turn = "rotation_quaternion" if order == "QUATERNION" else "rotation_euler"
    rest = bone.bone.matrix_local.to_3x3().normalized()
    # Blender's Z is up and a character looks along -Y; facegen has Y up and looks along +Z.
    basis = [list(rest[0]), list(rest[2]), [-x for x in rest[1]]]
    path = f'pose.bones["{name}"]'
    return {
        "turn": f"{path}.{turn}",
        "shift": f"{path}.location",
        "order": order,
        "basis": basis,
        "terms": {},
    }


def find_sound(options: dict) -> tuple[str, dict, int | None]:
    """The sound's file, what of it to use (``start``, ``duration``), and the frame where a strip begins."""
    if not options["strip"]:
        path = bpy.path.abspath(options["filepath"])
        if not path:
            raise Trouble("no sound is given", "choose a sound file, or a strip of the sequencer")
        return path, {"start": options["start"], "duration": options["duration"] or None}, None
    strip = strips().get(options["strip"])
    if strip is None:
        raise Trouble(f"the sequencer has no strip {options['strip']!r}", "choose another strip, or a file")
    if strip.type != "SOUND":
        raise Trouble(f"the strip {strip.name} is no sound", "choose a sound strip")
    if strip.mute:
        raise Trouble(f"the strip {strip.name} is muted", "unmute it, or choose another")
    path = bpy.path.abspath(strip.sound.filepath)
    if not os.path.isfile(path):
        raise Trouble(
            f"{path}: the sound of the strip {strip.name} is missing", "find it with File > External Data"
        )
    render = bpy.context.scene.render
    second = render.fps / render.fps_base
    start = max(0.0, strip.frame_offset_start) / second
    duration = strip.frame_final_duration / second
    return path, {"start": round(start, 6), "duration": round(duration, 6)}, int(strip.frame_final_start)


def strips():
    """The sequencer's strips by name; empty where there are none."""
    editor = bpy.context.scene.sequence_editor
    if editor is None:
        return {}
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def add_sound(path: str, frame: int) -> str:
    """Put a sound into the sequencer at ``frame``, on a channel that is free; what to say where that fails."""
    scene = bpy.context.scene
    editor = scene.sequence_editor or scene.sequence_editor_create()
    into = editor.strips if hasattr(editor, "strips") else editor.sequences
    if any(s.type == "SOUND" and bpy.path.abspath(s.sound.filepath) == path for s in into):
        return ""
    channel = max((s.channel for s in into), default=0) + 1
    try:
        into.new_sound(os.path.basename(path), path, channel, frame)
    except RuntimeError as error:
        return f"; the sound can't be added ({str(error).strip()})"
    return ""
