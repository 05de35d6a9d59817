"""Preferences, and the options that the panel and the operators share."""

import os
import shutil

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    StringProperty,
)

from .core import environment
from .core.request import choices, mixed, option_rows
from .core.trouble import Trouble

CHOICES = choices()
DEFAULTS, PASSES = CHOICES["defaults"], [name for name, _ in CHOICES["passes"]]
HELP = CHOICES["help"]
SKIP = {"options": {"SKIP_SAVE"}}
NAMES = {"aria": "Aria", "arkit": "ARKit", "cc4": "Character Creator 4", "vrm0": "VRM 0.x", "vrm1": "VRM 1.0"}


def _search(what: str):
    return lambda self, context, text: [n for n in CHOICES[what] if text.lower() in n]


def _property(row: dict, **over):
    """The property of one row of the table; what it leaves open is as facegen has it."""
    name, kind = row["name"], row["kind"]
    more = {"name": row["label"], "description": row["text"] or HELP[name], "options": {"SKIP_SAVE"}}
    for word in row["more"].split():
        key, _, value = word.partition("=")
        if key == "search":
            more["search"] = _search(value)
            more["search_options"] = {"SUGGESTION"}
        elif key == "items":
            more[key] = [(p, NAMES.get(p, p.replace("_", " ").title()), "") for p in CHOICES[value]]
        elif value.isupper():
            more[key] = value
        else:
            more[key] = float(value) if kind == "Float" and key != "precision" else int(value)
    default = row["default"] or DEFAULTS.get(name)
    if kind == "BoolVector":
        more |= {"size": len(PASSES), "default": [True] * len(PASSES)}
    elif default is not None:
        more["default"] = {"Float": float, "Int": int}.get(kind, str)(default)
    return getattr(bpy.props, f"{kind}Property")(**more | over)


ROWS = {row["name"]: row for row in option_rows()}


class Options:
    """What an animation is made from; the fields that facegen has too have its defaults."""

    __annotations__ = {name: _property(row) for name, row in ROWS.items()}


def options(source) -> dict:
    """The options that ``source`` (a settings group or an operator) has, as plain values."""
    values = {name: getattr(source, name) for name in Options.__annotations__}
    on = [name for name, chosen in zip(PASSES, source.passes, strict=True) if chosen]
    values["passes"] = None if len(on) == len(PASSES) else on
    for name in ("intensity", "mouth", "upper_face"):
        values[name] = round(values[name], 6)  # as written: Blender's numbers are single precision
    values["emotion"] = mixed(values["emotion"], values.pop("mix"), values.pop("mix_share"))
    return values


class FACEGEN_PG_row(bpy.types.PropertyGroup):
    """A row of the table of matches: ``name`` is the shape key."""

    target: StringProperty()
    controls: StringProperty()


class FACEGEN_PG_settings(Options, bpy.types.PropertyGroup):
    """The panel's state."""

    source: EnumProperty(
        name="Source",
        items=[("FILE", "File", "A sound file"), ("STRIP", "Strip", "A strip of the sequencer")],
    )
    reduce: _property(ROWS["reduce"], default=0.005)
    rig: StringProperty(name="Rig", description="Head to import", default="aria",
                        search=_search("heads"), search_options={"SUGGESTION"})  # fmt: skip
    rows: CollectionProperty(type=FACEGEN_PG_row)
    row: IntProperty()
    message: StringProperty()
    failed: BoolProperty()
    step: StringProperty()
    share: FloatProperty(subtype="PERCENTAGE", min=0, max=100)


def _text(name: str, description: str, **more):
    return StringProperty(name=name, description=description, **more)


class FACEGEN_preferences(bpy.types.AddonPreferences):
    bl_idname = __package__

    python: _text(
        "Python", "Interpreter that has facegen; empty: the environment made here", subtype="FILE_PATH"
    )
    package: _text("Package", "What pip installs: a name, a wheel or a folder", default=environment.PACKAGE)
    wheels: _text("Wheels", "Folder of wheels, to install without a network", subtype="DIR_PATH")
    folder: _text("Takes", "Where takes are kept; empty: facegen/ beside the .blend", subtype="DIR_PATH")

    def draw(self, context):
        box = self.layout.column()
        box.prop(self, "python")
        box.prop(self, "folder")
        box.separator()
        box.prop(self, "package")
        box.prop(self, "wheels")
        box.operator("facegen.make_environment", icon="IMPORT")
        state = context.scene.facegen
        if state.step:
            box.label(text=f"{state.step} ({state.share:.0f} %)", icon="TIME")
        elif state.message:
            box.label(text=state.message, icon="ERROR" if state.failed else "CHECKMARK")


def preferences() -> FACEGEN_preferences:
    return bpy.context.preferences.addons[__package__].preferences


def user_folder() -> str:
    """The add-on's own folder among the user's files."""
    return os.path.join(bpy.utils.user_resource("DATAFILES"), "facegen")


def python() -> str:
    """The interpreter that has facegen. Raises Trouble where there is none."""
    given = bpy.path.abspath(preferences().python)
    found = given or environment.python_in(os.path.join(user_folder(), "environment"))
    if shutil.which(found) is None:
        what = f"{found}: no such program" if given else "facegen's environment is missing"
        raise Trouble(
            what, "set the Python that has facegen in the add-on's preferences, or make an environment there"
        )
    return found


def takes_folder() -> str:
    """The folder in which takes are kept, made where it is missing. Raises Trouble where it can't be written."""
    beside = bpy.path.abspath("//facegen") if bpy.data.filepath else os.path.join(user_folder(), "takes")
    folder = bpy.path.abspath(preferences().folder) or beside
    try:
        os.makedirs(folder, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "permission denied")
        probe = os.path.join(folder, ".facegen")
        with open(probe, "w"):
            pass
        os.remove(probe)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Trouble(
            f"{folder}: can't be written ({reason})", "choose a folder in the add-on's preferences"
        ) from error
    return folder


CLASSES = (FACEGEN_PG_row, FACEGEN_PG_settings, FACEGEN_preferences)


def register() -> None:
    for each in CLASSES:
        bpy.utils.register_class(each)
    bpy.types.Scene.facegen = bpy.props.PointerProperty(type=FACEGEN_PG_settings)


def unregister() -> None:
    del bpy.types.Scene.facegen
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
