"""Run by a Python that has ``bpy``: imports the files named and prints a JSON line a mesh: its shape keys and curves.

A file that ends with .py is run in the scene of the file before it.
"""

import json
import runpy
import sys

import bpy


def curves_of(keys):
    """The curves of these shape keys: from 4.4 on an action holds those of several things, each in a slot."""
    slot = getattr(keys.animation_data, "action_slot", None)
    if slot is None:
        return list(keys.animation_data.action.fcurves)
    strips = [strip for layer in keys.animation_data.action.layers for strip in layer.strips]
    bags = [bag for strip in strips for bag in strip.channelbags if bag.slot_handle == slot.handle]
    return [curve for bag in bags for curve in bag.fcurves]


for path in sys.argv[1:]:
    if path.endswith(".py"):
        runpy.run_path(path)
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        if ".usd" in path:
            bpy.ops.wm.usd_import(filepath=path)
        elif path.endswith(".fbx"):
            bpy.ops.import_scene.fbx(filepath=path)
        else:
            bpy.ops.import_scene.gltf(filepath=path)
    scene = bpy.context.scene
    for thing in bpy.data.objects:
        keys = thing.type == "MESH" and thing.data.shape_keys
        if keys:
            found = {c.data_path.split('"')[1]: c for c in curves_of(keys) if '"' in c.data_path}
            frames = range(scene.frame_start, scene.frame_end + 1)
            row = {
                "file": path,
                "mesh": thing.name,
                "shapes": [k.name for k in keys.key_blocks][1:],
                "curves": {name: [k.co[1] for k in c.keyframe_points] for name, c in found.items()},
                "shown": {name: [c.evaluate(f) for f in frames] for name, c in found.items()},
            }
            print("KEYS " + json.dumps(row))
