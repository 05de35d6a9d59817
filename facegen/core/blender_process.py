"""Another program: a Blender, or a Python with the bpy wheel, that runs scripts of ours on files in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from facegen.core.errors import FacegenError, MissingSystemError
from facegen.core.files import Content, write_files

VARIABLE = "FACEGEN_BLENDER"
"""Environment variable: a Blender, or a Python in which ``import bpy`` works."""


def find_blender() -> list[str]:
    """The words that start a Python script in Blender. Raises MissingSystemError where there is none."""
    named = os.environ.get(VARIABLE)
    found = shutil.which(named or "blender")
    if found is None:
        fault = f"{VARIABLE} names no program ({named})" if named else "no Blender is on the PATH"
        raise MissingSystemError(
            fault,
            remedy="install Blender 4 or later, or in a Python 3.11 of its own: pip install bpy==4.5.15; then "
            f"export {VARIABLE}=/path/to/that/bin/python",
        )
    if Path(found).name.lower().startswith("python"):
        return [found]
    return [found, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]


def run_blender(
    command: list[str], script: str, folder: str, files: Mapping[str, Content], made: str, remedy: str
) -> list[Path]:
    """Write ``files`` and the packaged ``script`` into ``folder``, run it there, and give the files that match ``made``.

    Raises MissingSystemError where there is no bpy, FacegenError with ``remedy`` where it fails.
    """
    source = resources.files("facegen").joinpath("data", "scripts", f"{script}.txt")
    write_files(folder, {script: source.read_bytes(), **files})
    words = [*command, str(Path(folder) / script), *(["--"] if len(command) > 1 else []), folder]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    found = sorted(Path(folder).glob(made))
    if done.returncode or not found:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        if "bpy" in said:
            raise MissingSystemError(
                f"{command[0]} has no bpy", remedy=f"{command[0]} -m pip install bpy==4.5.15"
            )
        raise FacegenError(f"Blender failed ({said})", path=command[0], remedy=remedy)
    return found
