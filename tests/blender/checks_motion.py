"""Checks of what moves: shape keys, strips, bones and properties, a Rigify face."""

import json

import bpy

from tests.blender.world import (
    FOLDER,
    NAMES,
    REGISTERED,
    SOUND,
    armature,
    character,
    curves,
    differs,
    empty,
    evaluated,
    part,
    shape_curves,
    table,
    written,
)


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
