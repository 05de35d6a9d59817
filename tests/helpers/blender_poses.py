"""Run by a Python that has ``bpy``: imports the FBX files named and prints a JSON line each: where every object and bone
is, and the values of all shape keys, in some frames."""

import json
import sys

import bpy

FRAMES = (1, 2, 9, 20)

for path in sys.argv[1:]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=path)
    rows = {}
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        for thing in bpy.data.objects:
            places = {"": thing.matrix_world}
            if thing.type == "ARMATURE":
                places.update({b.name: thing.matrix_world @ b.matrix for b in thing.pose.bones})
            for name, matrix in places.items():
                rows[f"{frame} {thing.name} {name}"] = [x for row in matrix for x in row]
            keys = thing.type == "MESH" and thing.data.shape_keys
            if keys:
                rows[f"{frame} {thing.name} shapes"] = [k.value for k in keys.key_blocks]
    print("POSES " + json.dumps(rows))
