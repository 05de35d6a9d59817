"""The operators ``bpy.ops.facegen.animate``, ``load``, ``resolve``, ``simplify``, ``export``, ``import_rig`` and others."""

import os
from tempfile import TemporaryDirectory

import bpy
from bpy.props import IntProperty, StringProperty

from . import rigs, scene, takes
from .core import environment
from .core.client import Steps, facegen
from .core.request import animate_flags, neutral, scene_rate, write_request
from .core.trouble import Trouble
from .settings import CHOICES, DEFAULTS, SKIP, Options, options, preferences, python, user_folder
from .work import Working, running

FILE = {"subtype": "FILE_PATH", **SKIP}


class FACEGEN_OT_animate(Working, Options, bpy.types.Operator):
    """Animate the targets from the sound"""

    bl_idname, bl_label = "facegen.animate", "Animate"

    def work(self, context) -> Steps:
        return takes.animate(options(self))


class FACEGEN_OT_load(Working, Options, bpy.types.Operator):
    """Key a take, or an animation file such as a Live Link Face CSV, on the targets"""

    bl_idname, bl_label = "facegen.load", "Import Take"

    def work(self, context) -> Steps:
        path = bpy.path.abspath(self.filepath)
        if not os.path.isfile(path):
            raise Trouble(f"{path or 'the take'}: no such file", "choose a .take, .csv or another animation")
        first = self.frame or context.scene.frame_start
        return (yield from takes.show(path, takes.ask(options(self)), options(self), first))

    def invoke(self, context, event):
        if self.filepath:
            return Working.invoke(self, context, event)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class FACEGEN_OT_resolve(Working, Options, bpy.types.Operator):
    """Solve the preview range (or the frames given) again; all other frames, and changes by hand, stay"""

    bl_idname, bl_label = "facegen.resolve", "Re-solve Range"

    first: IntProperty(name="First frame", description="0: that of the preview range", **SKIP)
    last: IntProperty(name="Last frame", description="0: that of the preview range", **SKIP)

    def work(self, context) -> Steps:
        now = context.scene
        if not self.last and not now.use_preview_range:
            raise Trouble("no range is chosen", "set a preview range (P in the timeline), or give frames")
        first = self.first if self.last else now.frame_preview_start
        last = self.last or now.frame_preview_end
        stamp = takes.shown_take(self.targets)[2]
        rate = float(scene_rate(now.render.fps, now.render.fps_base))
        span = [max(0.0, (first - stamp["start"]) / rate), (last + 1 - stamp["start"]) / rate]
        if span[1] <= span[0]:
            raise Trouble(f"the frames {first} to {last} are not in the take", "choose others")
        given = {k: v for k, v in options(self).items() if k in CHOICES["changes"] and k != "timeline"}
        changes = ["--span", f"{span[0]:.6f}:{span[1]:.6f}", *animate_flags(given, DEFAULTS)]
        return (yield from takes.again(options(self), changes))


class FACEGEN_OT_simplify(Working, Options, bpy.types.Operator):
    """Key the take again with another error bound (0 bakes every frame); changes by hand stay"""

    bl_idname, bl_label = "facegen.simplify", "Bake / Simplify"

    def work(self, context) -> Steps:
        return (yield from takes.again(options(self), []))


class FACEGEN_OT_export(Working, bpy.types.Operator):
    """Write the take that the targets show, with what was changed by hand, in the format of the file's suffix"""

    bl_idname, bl_label, bl_options = "facegen.export", "Export", {"REGISTER"}

    filepath: StringProperty(name="File", description="A format of facegen: .csv .json .take …", **FILE)
    targets: StringProperty(name="Targets", **SKIP)

    def work(self, context) -> Steps:
        path = bpy.path.abspath(self.filepath)
        if not path:
            raise Trouble("no file is given", "name one, such as take.csv")
        take, targets, stamp = takes.shown_take(self.targets)
        with TemporaryDirectory() as folder:
            hand = yield from takes.by_hand(take, targets, takes.remembered({}, stamp), folder)
            command = ["edit", take, "--hand", hand] if hand else ["convert", take]
            yield from facegen(python(), *command, "-o", path)
        return f"wrote {path}"

    def invoke(self, context, event):
        if self.filepath:
            return Working.invoke(self, context, event)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class FACEGEN_OT_match(Working, bpy.types.Operator):
    """List which shape keys of the targets will be driven, and by what"""

    bl_idname, bl_label, bl_options = "facegen.match", "Show Matches", {"REGISTER"}

    def work(self, context) -> Steps:
        state = context.scene.facegen
        asked = takes.ask({**options(state), "bones": ""})
        with TemporaryDirectory() as folder:
            face, targets = os.path.join(folder, "neutral.json"), os.path.join(folder, "targets.json")
            with open(face, "w", encoding="utf-8") as file:
                file.write(neutral(CHOICES["controls"]))
            write_request(targets, asked)
            answer = yield from facegen(python(), "keys", face, "--targets", targets)
        state.rows.clear()
        for match in answer["matches"]:
            for shape, controls in match["shapes"].items():
                row = state.rows.add()
                row.name, row.target, row.controls = shape, match["target"], ", ".join(controls)
        driven = sum(bool(row.controls) for row in state.rows)
        return f"{driven} of {len(state.rows)} shape keys matched"


class FACEGEN_OT_wiggle(Working, bpy.types.Operator):
    """Move one shape key to its end and back"""

    bl_idname, bl_label, bl_options = "facegen.wiggle", "Wiggle", {"INTERNAL"}

    target: StringProperty(**SKIP)
    shape: StringProperty(**SKIP)

    def work(self, context) -> Steps:
        thing = context.scene.objects.get(self.target)
        keys = getattr(getattr(thing, "data", None), "shape_keys", None)
        key = keys.key_blocks.get(self.shape) if keys else None
        if key is None:
            raise Trouble(f"{self.target} has no shape key {self.shape!r}", "show the matches again")
        before = key.value
        try:
            for step in range(21):
                key.value = key.slider_max * (1 - abs(step - 10) / 10)
                yield "", 0.0
        finally:
            key.value = before
        return f"{self.shape} moved"


class FACEGEN_OT_use_selected(bpy.types.Operator):
    """Make the selected meshes with shape keys the targets"""

    bl_idname, bl_label = "facegen.use_selected", "Use Selected"

    def execute(self, context):
        try:
            found, _ = scene.find_targets(
                ",".join(o.name for o in context.selected_objects if o.type == "MESH")
            )
        except Trouble as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.scene.facegen.targets = ", ".join(t.name for t in found)
        return {"FINISHED"}


class FACEGEN_OT_cancel(bpy.types.Operator):
    """Stop what facegen is doing; nothing is changed"""

    bl_idname, bl_label = "facegen.cancel", "Cancel"

    def execute(self, context):
        for operator in running:
            operator.stop = True
        return {"FINISHED"} if running else {"CANCELLED"}


class FACEGEN_OT_make_environment(Working, bpy.types.Operator):
    """Install facegen into an environment of its own in your user folder; Blender's Python stays as it is"""

    bl_idname, bl_label, bl_options = "facegen.make_environment", "Make Environment", {"REGISTER"}

    folder: StringProperty(name="Folder", subtype="DIR_PATH", **SKIP)

    def work(self, context) -> Steps:
        chosen = preferences()
        folder = self.folder or os.path.join(user_folder(), "environment")
        wheels = bpy.path.abspath(chosen.wheels)
        made = yield from environment.make(bpy.path.abspath(folder), wheels, chosen.package)
        chosen.python = made
        return f"facegen is installed: {made}"


class FACEGEN_OT_import_rig(Working, bpy.types.Operator):
    """Bring in a head with shape keys, materials and bones: a head of facegen, or a rig file"""

    bl_idname, bl_label = "facegen.import_rig", "Import Head"

    name: StringProperty(
        name="Rig", description="aria, another head of facegen, or a rig file", default="aria", **SKIP
    )

    def work(self, context) -> Steps:
        return rigs.import_head(self.name)


CLASSES = (
    FACEGEN_OT_animate,
    FACEGEN_OT_load,
    FACEGEN_OT_resolve,
    FACEGEN_OT_simplify,
    FACEGEN_OT_export,
    FACEGEN_OT_match,
    FACEGEN_OT_wiggle,
    FACEGEN_OT_use_selected,
    FACEGEN_OT_cancel,
    FACEGEN_OT_make_environment,
    FACEGEN_OT_import_rig,
)


def register() -> None:
    for each in CLASSES:
        bpy.utils.register_class(each)


def unregister() -> None:
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
