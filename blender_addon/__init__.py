"""facegen in Blender: speech to keys on a character's shapes and bones."""

bl_info = {
    "name": "facegen",
    "author": "facegen contributors",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "3D View > Sidebar > facegen",
    "description": "Speech to facial animation on your character's shape keys",
    "category": "Animation",
}


def register() -> None:
    from . import operators, panel, settings

    for module in (settings, operators, panel):
        module.register()


def unregister() -> None:
    from . import operators, panel, settings

    for module in (panel, operators, settings):
        module.unregister()
