"""What is in the scene: characters, their bones, sounds and markers; and what can't be worked on."""

from __future__ import annotations

import os

import bpy

from .core.trouble import Trouble
from .settings import CHOICES

BONES, AUTO = "facegen_bones", "auto"
"""Custom property of an armature: its bone map as text; and what stands for that of a rig which facegen knows."""


def find_targets(names: str) -> tuple[list[bpy.types.Object], bool]:
    """The meshes and armatures called ``names`` (separated by commas), else the meshes with shape keys, else the
    armatures with bones of the face: those selected, or all; and whether they were named. Raises Trouble for those that
    can't be keyed."""
    if names.strip():
        found = [_called(name.strip()) for name in names.split(",") if name.strip()]
        for thing in found:
            if not (has_keys(thing) or thing.type == "ARMATURE"):
                raise Trouble(
                    f"{thing.name} has no shape keys", "add shape keys, or leave it out of the targets"
                )
    else:
        every = bpy.context.scene.objects
        able = [o for o in every if has_keys(o)] or [o for o in every if _has_face_bones(o)]
        found = [o for o in able if o.select_get()] or able
        if not found:
            raise Trouble("no mesh of the scene has shape keys", "add a character, or import a head below")
    once = {block_of(thing): thing for thing in found}
    for block, thing in once.items():
        check(block, thing.name)
    return list(once.values()), bool(names.strip())


def block_of(thing: bpy.types.Object) -> bpy.types.ID:
    """The data that is animated for an object: a mesh's shape keys, else the object itself."""
    return thing.data.shape_keys if has_keys(thing) else thing


def _called(name: str) -> bpy.types.Object:
    thing = bpy.context.scene.objects.get(name)
    if thing is None:
        raise Trouble(f"no object of the scene is called {name!r}", "check the targets")
    return thing


def has_keys(thing: bpy.types.Object) -> bool:
    keys = thing.type == "MESH" and thing.data.shape_keys
    return bool(keys) and len(keys.key_blocks) > 1


def _has_face_bones(thing: bpy.types.Object) -> bool:
    return thing.type == "ARMATURE" and any(
        bone in thing.pose.bones for bone in CHOICES["bone_maps"].values()
    )


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
    """The bone map and the bones of each object that it may move. ``map_file`` may be the name of a map that comes with
    facegen; without one the armatures of the targets are asked for theirs, and targets with bones alone are known by
    those."""
    rigs = list(dict.fromkeys(filter(None, (_armature(t) for t in targets))))
    maps = {t: (AUTO, t.name) for t in targets if t.type == "ARMATURE"}
    maps |= {rig: (rig[BONES], rig.name) for rig in rigs if BONES in rig}
    if map_file in CHOICES["bone_maps"]:
        maps = {rig: (map_file, map_file) for rig in rigs[:1]}
        if not maps:
            raise Trouble("the targets have no armature", "leave Bones empty")
    elif map_file:
        try:
            with open(bpy.path.abspath(map_file), encoding="utf-8-sig") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise Trouble(f"{map_file}: can't be read ({error})", "choose a CSV file") from error
        named = [
            o for o in bpy.context.scene.objects if o.name in text and o not in targets and o.type != "MESH"
        ]
        maps = {thing: (text, map_file) for thing in dict.fromkeys([*rigs[:1], *named])}
        if not maps:
            raise Trouble(f"{map_file}: the targets have no armature", "name the object in the bone map")
    for thing in maps:
        check(thing, thing.name)
    return [
        {
            "name": thing.name,
            "bone_map": text,
            "map_name": name,
            "owner": thing in rigs,
            "bones": _bones(thing),
        }
        for thing, (text, name) in maps.items()
    ]


def _armature(thing: bpy.types.Object):
    if thing.type == "ARMATURE":
        return thing
    return thing.find_armature() or (
        thing.parent if thing.parent and thing.parent.type == "ARMATURE" else None
    )


def _bones(thing: bpy.types.Object) -> dict[str, dict]:
    """What the curves of each bone are called, and how its axes lie."""
    found = {}
    for bone in thing.pose.bones if thing.type == "ARMATURE" else ():
        turn = "rotation_quaternion" if bone.rotation_mode == "QUATERNION" else "rotation_euler"
        path = f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"]'
        rest = bone.bone.matrix_local.to_3x3().normalized()
        # Blender's Z is up and a character looks along -Y; facegen has Y up and looks along +Z.
        basis = [list(rest[0]), list(rest[2]), [-x for x in rest[1]]]
        names = {"path": path, "turn": f"{path}.{turn}", "shift": f"{path}.location"}
        at = list(bone.bone.head_local)
        found[bone.name] = {**names, "order": bone.rotation_mode, "basis": basis, "at": at}
    return found


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
