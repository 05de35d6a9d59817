"""Checks of files, cancelling, faults, strips of sound, and the environment."""

import os
import stat
from pathlib import Path

import bpy

from tests.blender.world import (
    FOLDER,
    LEGACY,
    NAMES,
    PYTHON,
    REGISTERED,
    SOUND,
    character,
    curves,
    differs,
    empty,
    part,
    preferences,
    refused,
    shape_curves,
    state,
    table,
    written,
)


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
