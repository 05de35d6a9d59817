"""What the checks inside Blender share: the add-on installed, characters made up, curves read back."""

import csv
import sys
from pathlib import Path

import bpy

ZIP, PYTHON, SOUND = sys.argv[-4:-1]
FOLDER = Path(sys.argv[-1])
NAMES: list[str] = []
LEGACY = bpy.app.version < (4, 2)
ADDON = "facegen_addon" if LEGACY else "bl_ext.user_default.facegen"
REGISTERED = {"emotion": "happy:0.6", "seed": 3}


def install():
    if LEGACY:
        bpy.ops.preferences.addon_install(filepath=ZIP)
        bpy.ops.preferences.addon_enable(module=ADDON)
    else:
        bpy.ops.extensions.package_install_files(filepath=ZIP, repo="user_default", enable_on_install=True)
    preferences().python = PYTHON
    NAMES.extend(part("settings").CHOICES["controls"])


def preferences():
    return bpy.context.preferences.addons[ADDON].preferences


def part(name):
    return sys.modules[f"{ADDON}.{name}"]


def empty():
    """A scene without anything, the add-on still on."""
    for kind in (
        bpy.data.objects,
        bpy.data.meshes,
        bpy.data.armatures,
        bpy.data.actions,
        bpy.data.collections,
    ):
        for block in list(kind):
            kind.remove(block)
    scene = bpy.context.scene
    scene.sequence_editor_clear()
    scene.timeline_markers.clear()
    scene.render.fps, scene.render.fps_base, scene.use_preview_range = 30, 1.0, False
    preferences().python, preferences().folder = PYTHON, str(FOLDER / "takes")


def character(name, shapes):
    """A grid with a shape key for each name, each of which lifts a vertex of its own."""
    mesh = bpy.data.meshes.new(name)
    side = 9
    points = [(x / side - 0.5, 0, z / side - 0.5) for x in range(side) for z in range(side)]
    faces = [(i, i + 1, i + side + 1, i + side) for i in range(side * (side - 1)) if (i + 1) % side]
    mesh.from_pydata(points, [], faces)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    thing.shape_key_add(name="Basis")
    for number, shape in enumerate(shapes):
        key = thing.shape_key_add(name=shape)
        key.value = 0
        key.data[number].co.z += 0.3
    return thing


def armature(name, bones, order="QUATERNION"):
    data = bpy.data.armatures.new(name)
    thing = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, (head, tail) in bones.items():
        new = data.edit_bones.new(bone)
        new.head, new.tail = head, tail
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in thing.pose.bones:
        bone.rotation_mode = order
    return thing


def curves(block):
    """F-curves by data path and index of what is animated."""
    data = block.animation_data
    return {(c.data_path, c.array_index): c for c in part("scene").fcurves(data.action, data)}


def shape_curves(thing):
    return {path.split('"')[1]: c for (path, _), c in curves(thing.data.shape_keys).items()}


def table(path):
    """Columns of a Live Link CSV by control."""
    with open(path, encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return {n[0].lower() + n[1:]: [float(r[i]) for r in rows[1:]] for i, n in enumerate(rows[0]) if i > 1}


def written(suffix=".csv", **flags):
    """What facegen itself writes for the sound with these flags."""
    path = (
        FOLDER
        / f"{'_'.join([*flags.keys(), *map(str, flags.values())]).replace(':', '').replace('/', '') or 'plain'}{suffix}"
    )
    if not path.exists():
        command = part("core.client").facegen(
            PYTHON,
            "animate",
            SOUND,
            "-o",
            str(path),
            *(w for k, v in flags.items() for w in (f"--{k}", str(v))),
        )
        for _ in command:
            pass
    return path


def differs(thing, columns, first=1, names=None):
    """The largest difference between F-curves and columns, by frame."""
    found = shape_curves(thing)
    assert found, "no F-curves"
    names = names or {n: n for n in found}
    worst = 0.0
    for shape, control in names.items():
        worst = max(
            worst, *(abs(found[shape].evaluate(first + i) - v) for i, v in enumerate(columns[control]))
        )
    return worst


def refused(call, *words):
    """The call fails with one sentence that has these words, and leaves everything as it was."""
    before = state()
    try:
        call()
    except RuntimeError as error:
        text = str(error).strip()
        assert "Traceback" not in text and len(text.splitlines()) == 1, text
        for word in words:
            assert word.lower() in text.lower(), (word, text)
        assert bpy.context.scene.facegen.failed and bpy.context.scene.facegen.message
    else:
        raise AssertionError("nothing was refused")
    assert state() == before


def state():
    """What is in the file and what moves: compared before and after what must change nothing."""
    moves = {}
    for thing in bpy.data.objects:
        for block in (thing, getattr(thing.data, "shape_keys", None)):
            data = block.animation_data if block else None
            if data:
                moves[thing.name, type(block).__name__] = (data.action, [t.name for t in data.nla_tracks])
    takes = sorted(FOLDER.glob("takes/*"))
    return sorted(a.name for a in bpy.data.actions), sorted(o.name for o in bpy.data.objects), moves, takes


def evaluated(thing, shape, frame):
    bpy.context.scene.frame_set(frame)
    seen = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return seen.data.shape_keys.key_blocks[shape].value
