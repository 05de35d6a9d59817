"""An environment of facegen's own, beside Blender's Python, which stays as it is."""

from __future__ import annotations

import os
import shutil
import sys

from .client import Lines, Steps
from .trouble import Trouble

PACKAGE = "facegen[render]"


def python_in(folder: str) -> str:
    """The interpreter of the environment in ``folder``."""
    return os.path.join(folder, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))


def make(folder: str, wheels: str = "", package: str = PACKAGE) -> Steps:
    """Make the environment and install ``package``, from the folder ``wheels`` alone where one is given; returns its
    interpreter. What was there before is kept until the new one works."""
    if wheels and not os.path.isdir(wheels):
        raise Trouble(
            f"{wheels}: no such folder of wheels", "choose the folder that holds facegen's .whl files"
        )
    fresh = folder.rstrip("/\\") + ".new"
    done = False
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            os.makedirs(os.path.dirname(fresh) or ".", exist_ok=True)
        except OSError as error:
            raise Trouble(f"{folder} can't be made ({error.strerror})", "choose another folder") from error
        yield from _step("making the environment", 0.05, [sys.executable, "-I", "-m", "venv", fresh])
        pip = [
            python_in(fresh),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
        ]
        source = ["--no-index", "--find-links", wheels] if wheels else []
        yield from _step("installing facegen", 0.2, [*pip, *source, package])
        yield from _step("trying it", 0.95, [python_in(fresh), "-I", "-m", "facegen", "--version"])
        done = True
    finally:
        if not done:
            shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(fresh, folder)
    return python_in(folder)


def _step(what: str, share: float, command: list[str]) -> Steps:
    lines = Lines(command)
    said: list[str] = []
    try:
        for line in lines:
            if line:
                said.append(line)
            yield what, min(0.9, share + 0.01 * len(said))
    finally:
        lines.close()
    if lines.code != 0:
        text = [x for x in (lines.errors.splitlines() or said) if x.strip()]
        errors = [x for x in text if "error" in x.lower()] or text[-1:] or [f"code {lines.code}"]
        raise Trouble(f"{what} failed: {' '.join(errors)[:600]}", "see the message, then try again")
