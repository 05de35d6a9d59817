"""The panel in the sidebar of the 3D view."""

import textwrap

import bpy

from .settings import PASSES, Options


class Panel:
    bl_space_type, bl_region_type, bl_category = "VIEW_3D", "UI", "facegen"


def button(layout, context, name: str, **looks):
    """An operator's button that is given what the panel says."""
    op, state = layout.operator(name, **looks), context.scene.facegen
    for each in Options.__annotations__:
        if hasattr(op, each):
            setattr(op, each, getattr(state, each))
    return op


class FACEGEN_PT_main(Panel, bpy.types.Panel):
    bl_label = "facegen"

    def draw(self, context):
        state, layout = context.scene.facegen, self.layout
        column = layout.column(align=True)
        column.row(align=True).prop(state, "source", expand=True)
        if state.source == "FILE":
            column.prop(state, "filepath", text="")
        elif context.scene.sequence_editor:
            editor = context.scene.sequence_editor
            kind = "strips_all" if hasattr(editor, "strips_all") else "sequences_all"
            column.prop_search(state, "strip", editor, kind, text="")
        else:
            column.label(text="The sequencer has no strips", icon="INFO")
        row = layout.row(align=True)
        row.prop(state, "targets", text="", icon="MESH_DATA")
        row.operator("facegen.use_selected", text="", icon="RESTRICT_SELECT_OFF")
        column = layout.column(align=True)
        column.prop(state, "emotion", text="", icon="LIGHT")
        row = column.row(align=True)
        row.prop(state, "mix", text="", icon="ADD")
        row.prop(state, "mix_share", text="", slider=True)
        column.prop(state, "intensity", slider=True)
        column = layout.column()
        column.scale_y = 1.4
        column.enabled = not state.step
        op = button(column, context, "facegen.animate", icon="PLAY")
        op.strip = state.strip if state.source == "STRIP" else ""
        column = layout.column(align=True)
        column.enabled = not state.step
        button(column, context, "facegen.resolve", icon="FILE_REFRESH")
        button(column, context, "facegen.simplify", icon="IPO_BEZIER")
        row = column.row(align=True)
        op = button(row, context, "facegen.load", icon="IMPORT", text="Import")
        op.filepath = ""
        op = row.operator("facegen.export", icon="EXPORT", text="Export")
        op.targets = state.targets
        self.report(layout, state)

    @staticmethod
    def report(layout, state):
        if state.step:
            row = layout.row(align=True)
            if hasattr(layout, "progress"):
                row.progress(text=state.step, factor=state.share / 100)
            else:
                row.prop(state, "share", text=state.step, slider=True)
            row.operator("facegen.cancel", text="", icon="CANCEL")
        elif state.message:
            box = layout.box().column(align=True)
            icon = "ERROR" if state.failed else "CHECKMARK"
            for number, line in enumerate(textwrap.wrap(state.message, 30)):
                box.label(text=line, icon=icon if number == 0 else "BLANK1")


class FACEGEN_PT_style(Panel, bpy.types.Panel):
    bl_label, bl_parent_id, bl_options = "Style and Passes", "FACEGEN_PT_main", {"DEFAULT_CLOSED"}

    def draw(self, context):
        state, layout = context.scene.facegen, self.layout
        layout.use_property_split = True
        for name in ("style", "mouth", "upper_face", "text", "timeline", "markers", "seed"):
            layout.prop(state, name)
        grid = layout.grid_flow(columns=2, align=True)
        grid.use_property_split = False
        for number, name in enumerate(PASSES):
            grid.prop(state, "passes", index=number, text=name.replace("_", " ").capitalize())


class FACEGEN_PT_keys(Panel, bpy.types.Panel):
    bl_label, bl_parent_id, bl_options = "Keys", "FACEGEN_PT_main", {"DEFAULT_CLOSED"}

    def draw(self, context):
        self.layout.use_property_split = True
        for name in ("frame", "start", "duration", "reduce", "layers", "add_sound"):
            self.layout.prop(context.scene.facegen, name)


class FACEGEN_UL_rows(bpy.types.UIList):
    def draw_item(self, context, layout, data, item, icon, active, active_name, index):
        row = layout.row()
        row.label(text=item.name, icon="CHECKMARK" if item.controls else "X")
        row.label(text=item.controls or "at rest")


class FACEGEN_PT_mapping(Panel, bpy.types.Panel):
    bl_label, bl_parent_id, bl_options = "Mapping", "FACEGEN_PT_main", {"DEFAULT_CLOSED"}

    def draw(self, context):
        state, layout = context.scene.facegen, self.layout
        layout.prop(state, "preset")
        if state.preset in ("auto", "custom"):
            layout.prop(state, "map")
        layout.prop(state, "bones")
        layout.operator("facegen.match", icon="VIEWZOOM")
        if state.rows:
            layout.template_list("FACEGEN_UL_rows", "", state, "rows", state, "row", rows=6)
            chosen = state.rows[min(state.row, len(state.rows) - 1)]
            op = layout.operator("facegen.wiggle", icon="DRIVER_DISTANCE", text=f"Wiggle {chosen.name}")
            op.target, op.shape = chosen.target, chosen.name


class FACEGEN_PT_head(Panel, bpy.types.Panel):
    bl_label, bl_parent_id, bl_options = "Heads", "FACEGEN_PT_main", {"DEFAULT_CLOSED"}

    def draw(self, context):
        row = self.layout.row(align=True)
        row.prop(context.scene.facegen, "rig", text="")
        row.operator("facegen.import_rig", icon="IMPORT").name = context.scene.facegen.rig


CLASSES = (
    FACEGEN_PT_main,
    FACEGEN_PT_style,
    FACEGEN_PT_keys,
    FACEGEN_UL_rows,
    FACEGEN_PT_mapping,
    FACEGEN_PT_head,
)


def register() -> None:
    for each in CLASSES:
        bpy.utils.register_class(each)


def unregister() -> None:
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
