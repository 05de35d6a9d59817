"""Run by Blender, or a Python with bpy: installs the add-on's zip as its user does, and works with it.

Arguments: the zip, the Python that has facegen, a sound, a folder to work in. Prints ``CHECK {"name", "fault"}`` for
each function that is called ``check_…``; ``fault`` is empty where all went well.
"""

import json
import os
import sys
import traceback
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parents[2]))  # Blender's own Python heeds no PYTHONPATH
from tests.blender import checks_motion, checks_scene  # noqa: E402
from tests.blender.world import empty, install  # noqa: E402


def main():
    install()
    print("BLENDER " + bpy.app.version_string, flush=True)
    wanted = os.environ.get("FACEGEN_CHECK", "")
    checks = {**vars(checks_motion), **vars(checks_scene)}
    for name, check in checks.items():
        if not name.startswith("check_") or wanted not in name:
            continue
        fault = ""
        try:
            empty()
            check()
        except Exception:
            fault = traceback.format_exc()
        print("CHECK " + json.dumps({"name": name, "fault": fault}), flush=True)
    os._exit(0)  # what Blender then says of its memory takes minutes


main()
