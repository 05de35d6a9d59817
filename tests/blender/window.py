"""Run by a Blender with a window: draws the panel, animates from its button, takes screenshots, times the steps.

Arguments after ``--``: the add-on's zip, the Python that has facegen, a sound, a folder for what is found.
"""

import json
import sys
import time
from pathlib import Path

import bpy
import numpy

ZIP, PYTHON, SOUND, OUT = sys.argv[sys.argv.index("--") + 1 :]
found = {"steps": [], "errors": []}
state = {"stage": 0, "since": time.time()}


def set_up():
    numpy.bool = bool  # Debian's numpy is too new for the glTF importer of its Blender
    bpy.context.preferences.view.ui_scale = 1.2
    bpy.ops.preferences.addon_install(filepath=ZIP)
    bpy.ops.preferences.addon_enable(module="facegen_addon")
    preferences = bpy.context.preferences
    preferences.addons["facegen_addon"].preferences.python = PYTHON
    # Blender before 4.0 can't be told which tab to show: the others go.
    for kind in list(bpy.types.Panel.__subclasses__()):
        if getattr(kind, "bl_region_type", "") == "UI" and getattr(kind, "bl_space_type", "") == "VIEW_3D":
            if getattr(kind, "bl_category", "") != "facegen" and kind.is_registered:
                try:
                    bpy.utils.unregister_class(kind)
                except RuntimeError:
                    pass
    for kind in sys.modules["facegen_addon.panel"].CLASSES:
        bpy.utils.unregister_class(kind)
    for kind in sys.modules["facegen_addon.panel"].CLASSES:
        if getattr(kind, "bl_options", None) and hasattr(kind, "bl_parent_id"):
            kind.bl_options = set()
        bpy.utils.register_class(kind)
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.ops.facegen.import_rig(name="aria")
    bpy.context.view_layer.objects.active = None  # then Blender's own tab, Item, is empty and goes, too
    settings = bpy.context.scene.facegen
    settings.filepath, settings.targets, settings.emotion = SOUND, "aria", "happy:0.6"
    work = sys.modules["facegen_addon.work"].Working
    plain = work._step

    def timed(self, context, seconds):
        start = time.perf_counter()
        try:
            return plain(self, context, seconds)
        finally:
            found["steps"].append(time.perf_counter() - start)

    work._step = timed


def area():
    return next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == "VIEW_3D")


def call(operator, **options):
    window, space = bpy.context.window_manager.windows[0], area()
    region = next(r for r in space.regions if r.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=space, region=region):
        return operator("INVOKE_DEFAULT", **options)


def picture(name):
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window, area=area()):
        bpy.ops.screen.screenshot(filepath=str(Path(OUT) / name))


def facegen():
    return bpy.context.scene.facegen


def start():
    space = area().spaces[0]
    space.show_region_ui, space.overlay.show_overlays, space.shading.type = True, False, "SOLID"
    space.shading.color_type, space.shading.light = "VERTEX", "STUDIO"
    space.region_3d.view_rotation = (0.7071, 0.7071, 0, 0)
    space.region_3d.view_location, space.region_3d.view_distance = (0, 0, 0.0), 0.7
    facegen()["row"] = 0
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area()):
        bpy.ops.ed.undo_push(message="set up")
    call(bpy.ops.facegen.match)


def animate():
    assert facegen().rows, "no matches"
    found["steps"].clear()
    call(bpy.ops.facegen.animate, **options())


def options():
    names = sys.modules["facegen_addon.settings"].Options.__annotations__
    return {n: getattr(facegen(), n) for n in names if n != "passes"}


def busy():
    picture("busy.png")


def done():
    found["animate_steps"] = found.pop("steps")
    found["steps"] = []
    keys = bpy.data.objects["aria"].data.shape_keys
    found["curves"] = len(keys.animation_data.action.fcurves)
    found["message"] = facegen().message
    bpy.context.scene.frame_set(37)
    picture("done.png")


def begin_again():
    found["actions"] = len(bpy.data.actions)
    call(bpy.ops.facegen.animate, **options())


def cancel():
    bpy.ops.facegen.cancel()


def cancelled():
    found["cancelled"] = facegen().message
    found["actions_after"] = len(bpy.data.actions)


def shown():
    """The number of curves that aria's shape keys and bones show."""
    blocks = (bpy.data.objects["aria"].data.shape_keys, bpy.data.objects["aria_bones"])
    actions = [b.animation_data.action for b in blocks if b.animation_data and b.animation_data.action]
    return sum(len(action.fcurves) for action in actions)


def undo():
    found["shown"] = shown()
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area()):
        bpy.ops.ed.undo()


def redo():
    found["shown_undone"] = shown()
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area()):
        bpy.ops.ed.redo()


def redone():
    found["shown_redone"] = shown()


STAGES = [(start, 1.5), (None, 0), (animate, 0.5), (busy, 0.1), (None, 0), (done, 0.3), (begin_again, 0.2), (cancel, 0.5),
          (None, 0), (cancelled, 0.1), (undo, 0.5), (redo, 0.5), (redone, 0.1)]  # fmt: skip
"""What to do and how long to wait after it; None waits until nothing runs."""


def turn():
    try:
        if state["stage"] >= len(STAGES):
            finish()
            return None
        what, wait = STAGES[state["stage"]]
        if what is None:
            if sys.modules["facegen_addon.work"].running and time.time() - state["since"] < 120:
                return 0.1
        else:
            what()
        state["stage"] += 1
        state["since"] = time.time()
        return wait or 0.1
    except Exception as error:
        found["errors"].append(f"{type(error).__name__}: {error}")
        finish()
        return None


def finish():
    (Path(OUT) / "found.json").write_text(json.dumps(found))
    bpy.ops.wm.quit_blender()


bpy.context.preferences.view.show_splash = False
STAGES.insert(0, (set_up, 1.0))
bpy.app.timers.register(turn, first_interval=1.0)
