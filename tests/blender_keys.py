"""Run by a Python that has ``bpy``: imports the files named and prints a JSON line a mesh: its shape keys and curves."""

import json
import sys

import bpy

for path in sys.argv[1:]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    usd = ".usd" in path
    (bpy.ops.wm.usd_import if usd else bpy.ops.import_scene.gltf)(filepath=path)
    for thing in bpy.data.objects:
        keys = thing.type == "MESH" and thing.data.shape_keys
        if keys:
            curves = {
                c.data_path.split('"')[1]: [k.co[1] for k in c.keyframe_points]
                for c in keys.animation_data.action.fcurves
            }
            row = {
                "file": path,
                "mesh": thing.name,
                "shapes": [k.name for k in keys.key_blocks][1:],
                "curves": curves,
            }
            print("KEYS " + json.dumps(row))
