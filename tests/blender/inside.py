"""Run by Blender, or a Python with bpy: installs the add-on's zip as its user does, and works with it.

Arguments: the zip, the Python that has facegen, a sound, a folder to work in. Prints ``CHECK {"name", "fault"}`` for
each function that is called ``check_…``; ``fault`` is empty where all went well.
"""

import csv
import json
import os
import stat
import sys
import traceback
from pathlib import Path

import bpy

ZIP, PYTHON, SOUND, FOLDER = sys.argv[-4:]
FOLDER = Path(FOLDER)
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


def check_every_frame_is_the_csv():
    head, eyes = character("Head", NAMES), character("Eyes", [n for n in NAMES if n.startswith("eye")])
    before = set(bpy.data.actions)
    done = bpy.ops.facegen.animate(filepath=SOUND, targets="Head,Eyes", emotion="happy:0.6", seed=0)
    assert done == {"FINISHED"}
    columns = table(written(emotion="happy:0.6", seed=0, fps=30))
    for thing in (head, eyes):
        assert thing.data.shape_keys.animation_data.action not in before
        assert differs(thing, columns) < 1e-5, differs(thing, columns)
    groups = {c.group.name for c in shape_curves(head).values()}
    assert {"Mouth", "Jaw", "Eyes", "Brows"} <= groups, groups


def check_a_second_emotion_is_mixed_in():
    head = character("Head", NAMES)
    path = written(emotion="happy:0.5+surprised:0.4", seed=3, fps=30)
    bpy.ops.facegen.animate(
        filepath=SOUND, targets="Head", emotion="happy:0.5", mix="surprised", mix_share=0.4, seed=3
    )
    assert differs(head, table(path)) < 1e-5


def check_few_keys_stay_within_the_bound():
    head = character("Head", NAMES)
    bpy.ops.facegen.animate(filepath=SOUND, targets="Head", reduce=0.004, **REGISTERED)
    columns = table(written(fps=30, **REGISTERED))
    assert differs(head, columns) < 0.004 + 1e-5
    keys = sum(len(c.keyframe_points) for c in shape_curves(head).values())
    assert keys < sum(map(len, columns.values())) / 5, keys


def check_a_csv_is_loaded_and_other_names_are_found():
    path = written(emotion="happy:0.6", seed=0, fps=30)
    columns = table(path)
    character("Arkit", NAMES)
    maya = {f"head_geo.{n}".replace("Left", "_L").replace("Right", "_R"): n for n in NAMES}
    character("Maya", list(maya))
    cc4 = {
        "A25_Jaw_Open": "jawOpen",
        "A14_Eye_Blink_Left": "eyeBlinkLeft",
        "A38_Mouth_Smile_Left": "mouthSmileLeft",
    }
    character("Cc4", list(cc4))
    assert bpy.ops.facegen.load(filepath=str(path)) == {"FINISHED"}
    for name, names in (("Arkit", None), ("Maya", maya), ("Cc4", cc4)):
        assert differs(bpy.data.objects[name], columns, names=names) < 1e-5, name
    character("Vrm", ["aa", "ih", "ou", "ee", "oh", "blink", "blinkLeft", "blinkRight"])
    assert bpy.ops.facegen.load(filepath=str(path), targets="Vrm", preset="vrm1") == {"FINISHED"}
    vrm = shape_curves(bpy.data.objects["Vrm"])
    peaks = {n: max(c.evaluate(1 + i) for i in range(len(columns["jawOpen"]))) for n, c in vrm.items()}
    assert max(peaks[vowel] for vowel in ("aa", "ih", "ou", "ee", "oh")) > 0.3, peaks
    assert max(peaks["blink"], peaks["blinkLeft"]) > 0.5, peaks


def check_a_map_file_of_ones_own():
    shapes = FOLDER / "map.csv"
    shapes.write_text(
        "source,target,weight\njawOpen,Mund auf,0.5\nmouthSmileLeft,Lächeln,1\n", encoding="utf-8"
    )
    head = character("Kopf", ["Mund auf", "Lächeln", "Ohren"])
    path = written(emotion="happy:0.6", seed=0, fps=30)
    bpy.ops.facegen.load(filepath=str(path), targets="Kopf", preset="custom", map=str(shapes))
    columns = table(path)
    halves = {**columns, "half": [v / 2 for v in columns["jawOpen"]]}
    names = {"Mund auf": "half", "Lächeln": "mouthSmileLeft"}
    assert differs(head, halves, names=names) < 1e-5
    assert bpy.ops.facegen.simplify(targets="Kopf", reduce=0.01) == {"FINISHED"}  # the map is remembered
    assert differs(head, halves, names=names) < 0.01 + 1e-5


def check_layers_are_strips_that_add_up():
    head = character("Head", NAMES)
    bpy.ops.facegen.animate(filepath=SOUND, targets="Head", layers=True, **REGISTERED)
    data = head.data.shape_keys.animation_data
    tracks = [t.name for t in data.nla_tracks]
    assert tracks[0] == "lips" and {"expression", "blink", "gaze"} <= set(tracks), tracks
    assert data.action is not None and data.action_blend_type == "ADD"
    columns = table(written(fps=30, **REGISTERED))
    for frame in range(1, 180, 13):
        for name in ("jawOpen", "mouthSmileLeft", "eyeBlinkLeft", "eyeLookDownLeft", "mouthPressLeft"):
            assert abs(evaluated(head, name, frame) - columns[name][frame - 1]) < 1e-4, (frame, name)
    smile = max(range(1, 180), key=lambda f: columns["mouthSmileLeft"][f - 1])
    before = evaluated(head, "mouthSmileLeft", smile)
    data.nla_tracks["expression"].mute = True
    assert evaluated(head, "mouthSmileLeft", smile) < before - 0.1


def check_a_range_is_solved_again_and_changes_by_hand_stay():
    for layers in (False, True):
        empty()
        head = character("Head", NAMES)
        bpy.ops.facegen.animate(filepath=SOUND, targets="Head", emotion="neutral", layers=layers)
        data = head.data.shape_keys.animation_data
        strip = data.nla_tracks[0].strips[0] if layers else data
        lips = part("scene").fcurves(strip.action, strip)
        pucker = next(c for c in lips if '"mouthPucker"' in c.data_path)
        for key in pucker.keyframe_points:
            if 40 <= key.co[0] <= 50:
                for point in (key.co, key.handle_left, key.handle_right):
                    point[1] += 0.4
        asked = [(n, f) for n in ("mouthPucker", "mouthSmileLeft", "jawOpen") for f in (20, 45, 70, 110, 150)]
        before = {each: evaluated(head, *each) for each in asked}
        assert before["mouthPucker", 45] > 0.35
        done = bpy.ops.facegen.resolve(targets="Head", first=90, last=130, emotion="happy:1")
        assert done == {"FINISHED"}
        for each in asked:
            after = evaluated(head, *each)
            if each == ("mouthSmileLeft", 110):
                assert after > before[each] + 0.1
            elif each[1] != 110:
                assert abs(after - before[each]) < 1e-4, (each, before[each], after)
        assert bpy.ops.facegen.simplify(targets="Head", reduce=0.01) == {"FINISHED"}
        assert abs(evaluated(head, "mouthPucker", 45) - before["mouthPucker", 45]) < 0.03
        out = FOLDER / f"hand{layers}.csv"
        assert bpy.ops.facegen.export(targets="Head", filepath=str(out)) == {"FINISHED"}
        assert abs(table(out)["mouthPucker"][44] - before["mouthPucker", 45]) < 0.03


def check_bones_and_properties_move():
    head = character("Head", NAMES)
    bones = {"head": ((0, 0, 0), (0, 0, 0.2)), "jaw": ((0, 0, 0.05), (0, -0.1, 0))}
    for order in ("QUATERNION", "XYZ"):
        rig = armature(f"Rig{order}", bones, order)
        head.parent = rig
        rig["mouth"] = 0.0
        rows = FOLDER / "bones.csv"
        rows.write_text(
            'bone,channel,source,scale\njaw,pitch,jawOpen,20\nhead,yaw,head.yaw,1\n,["mouth"],jawOpen,2\n'
        )
        path = written(".json", seed=3, fps=30)
        bpy.ops.facegen.load(filepath=str(path), targets="Head", bones=str(rows))
        take = json.loads(path.read_text())
        jaw = [row[take["controls"].index("jawOpen")] for row in take["values"]]
        frame = max(range(len(jaw)), key=jaw.__getitem__)
        bpy.context.scene.frame_set(1 + frame)
        turned = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        rest = rig.data.bones["jaw"].matrix_local.to_3x3()
        turn = turned["jaw"].matrix.to_3x3() @ rest.inverted()
        # The head's own turn comes first in neither: the jaw has no parent here. Pitch is about X, chin down.
        axis, angle = turn.to_quaternion().to_axis_angle()
        assert abs(abs(angle) * 57.29578 - 20 * jaw[frame]) < 0.05, (angle, jaw[frame])
        ahead = turn @ type(axis)((0, -1, 0))
        assert ahead.z < 0, "the jaw opens upwards"
        yaw = take["head"][frame][0]
        look = (
            turned["head"].matrix.to_3x3() @ rig.data.bones["head"].matrix_local.to_3x3().inverted()
        ) @ type(axis)((0, -1, 0))
        assert abs(look.x - __import__("math").sin(yaw)) < 1e-3, (look.x, yaw)
        found = curves(rig)
        assert abs(found['["mouth"]', 0].evaluate(1 + frame) - 2 * jaw[frame]) < 1e-5


def rigify():
    """A rig that Blender's own Rigify makes of its human meta-rig."""
    import addon_utils

    addon_utils.enable("rigify", default_set=True)
    from rigify import generate
    from rigify.metarigs import human

    plan = bpy.data.objects.new("plan", bpy.data.armatures.new("plan"))
    bpy.context.scene.collection.objects.link(plan)
    bpy.context.view_layer.objects.active = plan
    plan.select_set(True)
    human.create(plan)
    bpy.ops.object.mode_set(mode="OBJECT")
    generate.generate_rig(bpy.context, plan)
    return next(o for o in bpy.data.objects if o.type == "ARMATURE" and o is not plan)


FACES = [{}, {"jawOpen": 1}, {"jawOpen": 0.4, "mouthClose": 0.4}, {"mouthSmileLeft": 1}, {"mouthPucker": 1},
         {"eyeBlinkLeft": 1}, {"browInnerUp": 1}, {"eyeLookOutLeft": 1, "eyeLookInRight": 1}]  # fmt: skip


def check_a_rigify_face_moves_as_its_controls_say():
    rig = rigify()
    path = FOLDER / "faces.json"
    values = [[float(face.get(name, 0)) for name in NAMES] for face in FACES]
    path.write_text(
        json.dumps({"version": 1, "fps": "30", "controls": NAMES, "values": values, "head": None})
    )
    assert bpy.ops.facegen.load(filepath=str(path), targets=rig.name) == {"FINISHED"}
    unit = (rig.data.bones["master_eye.L"].head_local - rig.data.bones["master_eye.R"].head_local).length
    found = []
    for frame in range(len(FACES)):
        bpy.context.scene.frame_set(1 + frame)
        bones = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        spots = {name: bones[name].head / unit for name in
                 ("DEF-lip.T.L", "DEF-lip.B.L", "DEF-lid.T.L.002", "DEF-lid.B.L.002", "DEF-lid.T.R.002",
                  "DEF-brow.T.L.003", "DEF-brow.T.R.001", "DEF-chin")}  # fmt: skip
        spots |= {"corner": bones["lips.L"].head / unit, "other": bones["lips.R"].head / unit}
        spots |= {"gaze": bones["MCH-eye.L"].tail / unit - bones["MCH-eye.L"].head / unit}
        found.append(spots)
    rest, jaw, shut, smile, pucker, blink, brows, look = found

    def gap(spots, kind):
        return (spots[f"DEF-{kind[0]}"] - spots[f"DEF-{kind[1]}"]).length

    lips, lids = ("lip.T.L", "lip.B.L"), ("lid.T.L.002", "lid.B.L.002")
    assert gap(jaw, lips) > gap(rest, lips) + 0.2, (gap(jaw, lips), gap(rest, lips))
    assert gap(shut, lips) < gap(rest, lips) + 0.06, (gap(shut, lips), gap(rest, lips))
    assert shut["DEF-chin"].z < rest["DEF-chin"].z - 0.05
    assert smile["corner"].z > rest["corner"].z + 0.08 and smile["corner"].x > rest["corner"].x + 0.05
    assert (smile["other"] - rest["other"]).length < 0.02
    assert pucker["corner"].x < rest["corner"].x - 0.08 and pucker["other"].x > rest["other"].x + 0.08
    assert gap(blink, lids) < 0.45 * gap(rest, lids), (gap(blink, lids), gap(rest, lids))
    assert (blink["DEF-lid.T.R.002"] - rest["DEF-lid.T.R.002"]).length < 1e-4
    assert brows["DEF-brow.T.L.003"].z > rest["DEF-brow.T.L.003"].z + 0.03
    assert look["gaze"].x > rest["gaze"].x + 0.1, (look["gaze"], rest["gaze"])
    bpy.ops.facegen.animate(filepath=SOUND, seed=0)  # no mesh has shape keys: the rig is found by its bones
    assert 'pose.bones["jaw_master"].rotation_quaternion' in {path for path, _ in curves(rig)}


def check_a_head_is_imported_and_speaks():
    if LEGACY:
        import numpy

        numpy.bool = bool  # Debian's numpy is too new for the glTF importer of its Blender
    assert bpy.ops.facegen.import_rig(name="aria") == {"FINISHED"}
    head, rig = bpy.data.objects["aria"], bpy.data.objects["aria_bones"]
    assert len(head.data.shape_keys.key_blocks) >= 53 and len(head.data.materials) > 5
    assert not bpy.data.actions and head.users_collection[0].name == "aria"
    assert {"head", "eye_L", "eye_R"} <= set(rig.data.bones.keys())
    counts = {g.name: 0 for g in head.vertex_groups}
    for vertex in head.data.vertices:
        for group in vertex.groups:
            counts[head.vertex_groups[group.group].name] += group.weight > 0.99
    assert counts["eye_L"] == counts["eye_R"] > 50, counts
    bpy.ops.facegen.animate(filepath=SOUND, targets="aria", reduce=0.003, emotion="surprised", seed=0)
    assert len(shape_curves(head)) >= 52
    assert 'pose.bones["head"].rotation_quaternion' in {path for path, _ in curves(rig)}


def check_saved_opened_and_drawn_the_same():
    head = character("Head", NAMES)
    bpy.ops.facegen.animate(filepath=SOUND, targets="Head", **REGISTERED)
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, -2.2, 0), (1.5708, 0, 0)
    scene.collection.objects.link(camera)
    light = bpy.data.objects.new("Light", bpy.data.lights.new("Light", "SUN"))
    light.rotation_euler = (0.8, 0.4, 0)
    scene.collection.objects.link(light)
    scene.camera, scene.render.engine = camera, "CYCLES"
    scene.cycles.samples, scene.cycles.device, scene.cycles.use_denoising = 2, "CPU", False
    scene.render.resolution_x = scene.render.resolution_y = 64
    columns = table(written(fps=30, **REGISTERED))
    wide = 1 + max(range(len(columns["jawOpen"])), key=columns["jawOpen"].__getitem__)
    drawn = {frame: draw(frame, "before") for frame in (1, wide)}
    assert drawn[1] != drawn[wide], "nothing moves in the picture"
    path = str(FOLDER / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    head = bpy.data.objects["Head"]
    assert differs(head, columns) < 1e-5
    assert {frame: draw(frame, "after") for frame in (1, wide)} == drawn
    assert bpy.ops.facegen.simplify(targets="Head", reduce=0.01) == {"FINISHED"}


def draw(frame, name):
    scene = bpy.context.scene
    scene.frame_set(frame)
    scene.render.filepath = str(FOLDER / f"{name}{frame}.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    pixels = [round(p, 3) for p in image.pixels[:]]
    bpy.data.images.remove(image)
    return pixels


def check_cancelled_half_way_nothing_is_changed():
    character("Head", NAMES)
    options = {n: getattr(bpy.context.scene.facegen, n) for n in part("settings").Options.__annotations__}
    options = {**options, "passes": None, "filepath": SOUND, "targets": "Head", "layers": True}
    for take in FOLDER.glob("takes/*"):
        take.unlink()
    before = state()
    total = count_steps(part("takes").animate(options))
    bpy.data.objects["Head"].data.shape_keys.animation_data_clear()
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    for take in FOLDER.glob("takes/*"):
        take.unlink()
    assert state() == before
    for share in (0.0, 0.3, 0.9, 0.99):
        steps = part("takes").animate(options)
        for _ in range(1 + int(share * total)):
            next(steps, None)
        steps.close()
        assert state() == before, share


def count_steps(steps):
    """How many steps of keying there are, after waiting for the programs."""
    return sum(1 for what, _ in steps if what == "keying") + 1


def check_bad_input_is_refused_in_a_sentence():
    head = character("Head", NAMES)
    ops = bpy.ops.facegen
    refused(lambda: ops.animate(targets="Head"), "no sound")
    refused(lambda: ops.animate(filepath="/no/such.wav", targets="Head"), "/no/such.wav", "no such file")
    refused(lambda: ops.animate(filepath=SOUND, targets="Nobody"), "Nobody")
    character("Bare", [])
    refused(lambda: ops.animate(filepath=SOUND, targets="Bare"), "Bare", "shape keys")
    character("Odd", ["foo", "bar"])
    refused(lambda: ops.animate(filepath=SOUND, targets="Odd"), "Odd", "preset")
    refused(lambda: ops.animate(filepath=SOUND, targets="Head", emotion="hapy"), "hapy", "happy")
    refused(lambda: ops.animate(filepath=SOUND, targets="Head", strip="Talk"), "strip", "Talk")
    refused(lambda: ops.load(filepath=str(FOLDER / "none.csv"), targets="Head"), "none.csv")
    refused(lambda: ops.resolve(targets="Head", first=1, last=5), "no take")
    refused(lambda: ops.export(targets="Head", filepath="x.csv"), "no take")
    refused(lambda: ops.animate(filepath=SOUND, targets="Head", markers=True), "marker")
    refused(lambda: ops.animate(filepath=SOUND, targets="Head", bones="/no/map.csv"), "/no/map.csv")
    preferences().python = str(FOLDER / "python")
    refused(lambda: ops.animate(filepath=SOUND, targets="Head"), "no such program", "environment")
    preferences().python = ""
    refused(lambda: ops.animate(filepath=SOUND, targets="Head"), "environment is missing")
    preferences().python = fake("import sys; sys.stderr.write('No module named facegen\\n'); sys.exit(1)")
    refused(lambda: ops.animate(filepath=SOUND, targets="Head"), "has no facegen")
    preferences().python = fake("import os; os.kill(os.getpid(), 9)")
    refused(lambda: ops.animate(filepath=SOUND, targets="Head"), "signal 9", "try again")
    preferences().python = PYTHON
    (FOLDER / "file").write_text("")
    preferences().folder = str(FOLDER / "file" / "takes")
    refused(lambda: ops.animate(filepath=SOUND, targets="Head"), "can't be written", "folder")
    preferences().folder = str(FOLDER / "takes")
    head.data.shape_keys.animation_data_create().action = action = bpy.data.actions.new("Mine")
    key(head, "jawOpen", 1)
    curve = next(iter(shape_curves(head).values()))
    curve.lock = True
    refused(lambda: ops.animate(filepath=SOUND, targets="Head"), "Mine", "locked")
    curve.lock = False
    assert ops.animate(filepath=SOUND, targets="Head", seed=0) == {"FINISHED"}
    assert action.use_fake_user and action.name in bpy.data.actions, "the animator's own action is gone"


def key(thing, shape, frame):
    thing.data.shape_keys.key_blocks[shape].keyframe_insert("value", frame=frame)


def fake(code):
    """A program that does ``code`` in place of facegen."""
    path = FOLDER / "fake"
    path.write_text(f"#!{os.environ.get('FACEGEN_ANY_PYTHON', PYTHON)}\n{code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def check_linked_characters_are_refused():
    character("Far", NAMES)
    library = str(FOLDER / "library.blend")
    bpy.data.libraries.write(library, {bpy.data.objects["Far"]})
    empty()
    with bpy.data.libraries.load(library, link=True) as (source, target):
        target.objects = ["Far"]
    bpy.context.scene.collection.objects.link(target.objects[0])
    refused(lambda: bpy.ops.facegen.animate(filepath=SOUND, targets="Far"), "linked", "override")
    bpy.data.libraries.remove(bpy.data.libraries[0])


def check_strips_markers_and_odd_rates():
    head = character("Head", NAMES)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    scene.timeline_markers.new("emotion: happy:1", frame=60)
    bpy.ops.facegen.animate(filepath=SOUND, targets="Head", emotion="neutral", markers=True, seed=3, frame=20)
    plain = table(written(emotion="neutral", seed=3, fps="30000/1001"))
    found = shape_curves(head)["mouthSmileLeft"]
    assert abs(found.evaluate(30) - plain["mouthSmileLeft"][10]) < 1e-4
    assert found.evaluate(150) > plain["mouthSmileLeft"][130] + 0.1
    if "Audaspace" in (made := part("scene").add_sound(SOUND, 40)):
        return
    strip = (
        next(s for s in part("scene").strips() if s.type == "SOUND")
        if not isinstance(part("scene").strips(), dict)
        else None
    )
    assert made == "" and strip is not None
    strip.frame_final_start, strip.frame_final_end = 50, 110
    bpy.ops.facegen.animate(strip=strip.name, targets="Head", emotion="neutral", seed=3)
    span = shape_curves(head)["jawOpen"].range()
    assert abs(span[0] - 50) < 1e-3 and 108 <= span[1] <= 111, tuple(span)
    strip.mute = True
    refused(lambda: bpy.ops.facegen.animate(strip=strip.name, targets="Head"), "muted")


def check_matches_and_the_wiggle():
    head = character("Head", [*NAMES[:20], "nonsense"])
    bpy.context.scene.facegen.targets = ""
    assert bpy.ops.facegen.match() == {"FINISHED"}
    rows = {r.name: r.controls for r in bpy.context.scene.facegen.rows}
    assert rows["nonsense"] == "" and all(rows[n] == n for n in NAMES[:20])
    assert bpy.ops.facegen.wiggle(target="Head", shape=NAMES[0]) == {"FINISHED"}
    assert head.data.shape_keys.key_blocks[NAMES[0]].value == 0
    head.select_set(True)
    assert bpy.ops.facegen.use_selected() == {"FINISHED"}
    assert bpy.context.scene.facegen.targets == "Head"
    bpy.context.scene.facegen.targets = ""


def check_an_environment_is_made_from_wheels():
    wheels = FOLDER / "wheels"
    preferences().package, preferences().wheels = "facegen", str(wheels)
    folder = FOLDER / "environment"
    refused(lambda: bpy.ops.facegen.make_environment(folder=str(folder)), str(wheels), "no such folder")
    wheels.mkdir()
    refused(
        lambda: bpy.ops.facegen.make_environment(folder=str(folder)), "No matching distribution", "facegen"
    )
    assert not folder.exists() and not folder.with_name("environment.new").exists()
    stub_wheel(wheels)
    assert bpy.ops.facegen.make_environment(folder=str(folder)) == {"FINISHED"}
    assert preferences().python.startswith(str(folder)) and Path(preferences().python).exists()


def stub_wheel(folder):
    """A wheel called facegen that says its version, so that none of facegen's own dependencies is needed."""
    import zipfile

    about = "facegen-9.9.dist-info"
    with zipfile.ZipFile(folder / "facegen-9.9-py3-none-any.whl", "w") as wheel:
        wheel.writestr("facegen/__init__.py", "")
        wheel.writestr("facegen/__main__.py", "print('facegen 9.9')")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: facegen\nVersion: 9.9\n")
        wheel.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{about}/RECORD", "")


def main():
    install()
    print("BLENDER " + bpy.app.version_string, flush=True)
    wanted = os.environ.get("FACEGEN_CHECK", "")
    for name, check in [(n, c) for n, c in globals().items() if n.startswith("check_") and wanted in n]:
        fault = ""
        try:
            empty()
            check()
        except Exception:
            fault = traceback.format_exc()
        print("CHECK " + json.dumps({"name": name, "fault": fault}), flush=True)
    os._exit(0)  # what Blender then says of its memory takes minutes


main()
