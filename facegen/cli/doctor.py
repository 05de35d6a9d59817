"""``facegen doctor``: what works on this machine, and what to install for the rest."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import click

from facegen import __version__
from facegen.cli.options import example
from facegen.cli.report import json_line

GL_SECONDS = 30
CORE = (
    "numpy",
    "scipy",
    "onnxruntime",
    "soundfile",
    "soxr",
    "av",
    "safetensors",
    "pygltflib",
    "click",
    "rich",
)
EXTRAS = {
    "render": ("moderngl", "pillow", "matplotlib"),
    "track": ("mediapipe",),
    "torch": ("torch",),
    "usd": ("usd-core",),
    "batch": ("ray",),
    "stream": ("sounddevice", "python-osc", "websockets"),
}
_GL_PROBE = """
from facegen.renderers.opengl import open_context
info = open_context().info
print(info["GL_RENDERER"] + ", OpenGL " + info["GL_VERSION"].split()[0])
"""


class DoctorFinding(NamedTuple):
    """One thing looked at: ``state`` is ok, missing or off; ``remedy`` what installs it."""

    name: str
    state: str
    detail: str
    remedy: str = ""


@click.command(
    help="What works on this machine, and what to install for the rest. The exit code is 0 either way.",
    epilog=example("facegen doctor"),
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def doctor(as_json: bool) -> None:
    findings = []
    for look in CHECKS:
        findings += _guarded(look)
    if as_json:
        json_line({"facegen": __version__, "findings": [finding._asdict() for finding in findings]})
        return
    for name, state, detail, remedy in findings:
        click.echo(f"{state:8} {name:24} {detail}".rstrip())
        if remedy:
            click.echo(f"{'':8} {'':24} {remedy}")


def _guarded(look: Callable[[], list[DoctorFinding]]) -> list[DoctorFinding]:
    try:
        return look()
    except Exception as error:
        return [
            DoctorFinding(
                look.__name__.strip("_"), "missing", f"{type(error).__name__}: {error}", _core_remedy()
            )
        ]


def _core_remedy() -> str:
    return "pip install --force-reinstall facegen"


def _system() -> list[DoctorFinding]:
    version = platform.python_version()
    state = "ok" if sys.version_info >= (3, 10) else "missing"
    return [
        DoctorFinding("facegen", "ok", __version__),
        DoctorFinding("python", state, version, "" if state == "ok" else "install Python 3.10 or later"),
        DoctorFinding("system", "ok", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"),
    ]


def _packages() -> list[DoctorFinding]:
    rows = [_package(name, _core_remedy()) for name in CORE]
    for extra, names in EXTRAS.items():
        rows += [_package(name, f'pip install "facegen[{extra}]"') for name in names]
    return rows


def _package(name: str, remedy: str) -> DoctorFinding:
    try:
        return DoctorFinding(name, "ok", metadata.version(name))
    except metadata.PackageNotFoundError:
        return DoctorFinding(name, "missing", "", remedy)


def _encoder() -> list[DoctorFinding]:
    import onnxruntime

    providers = ", ".join(p.removesuffix("ExecutionProvider") for p in onnxruntime.get_available_providers())
    from facegen.config import Config
    from facegen.core.registry import Registry

    Registry("encoders").get(Config().encoder)()
    return [
        DoctorFinding("onnxruntime providers", "ok", providers),
        DoctorFinding("speech encoder", "ok", "the shipped weights load"),
    ]


def _sound() -> list[DoctorFinding]:
    import av
    import soundfile

    own = ", ".join(sorted(set(soundfile.available_formats()) & {"WAV", "FLAC", "OGG", "MP3", "AIFF"}))
    wanted = ("aac", "mp3", "opus", "vorbis", "flac", "alac")
    found = [name for name in wanted if name in av.codecs_available]
    rest = "" if len(found) == len(wanted) else _core_remedy()
    return [
        DoctorFinding("sound files", "ok", own),
        DoctorFinding("sound codecs", "missing" if rest else "ok", ", ".join(found), rest),
    ]


def _video() -> list[DoctorFinding]:
    import av

    for name in ("libx264", "h264_videotoolbox", "h264_mf", "libopenh264", "h264_nvenc"):
        try:
            av.Codec(name, "w")
            return [DoctorFinding("H.264 encoder", "ok", name)]
        except (av.error.FFmpegError, ValueError):
            continue
    return [DoctorFinding("H.264 encoder", "missing", "", "pip install --force-reinstall --no-cache-dir av")]


def _opengl() -> list[DoctorFinding]:
    """An off-screen context, made in a process of its own: a broken driver may hang or crash."""
    try:
        import moderngl  # noqa: F401
    except ImportError:
        return [DoctorFinding("OpenGL", "missing", "", 'pip install "facegen[render]"')]
    remedy = gl_remedy(platform.system())
    path = os.pathsep.join([str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")])
    try:
        done = subprocess.run(
            [sys.executable, "-c", _GL_PROBE],
            capture_output=True,
            text=True,
            timeout=GL_SECONDS,
            check=False,
            env={**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)},
        )
    except subprocess.TimeoutExpired:
        return [DoctorFinding("OpenGL", "missing", f"no answer in {GL_SECONDS} s", remedy)]
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return [
            DoctorFinding(
                "OpenGL", "missing", lines[-1][:200] if lines else f"code {done.returncode}", remedy
            )
        ]
    return [DoctorFinding("OpenGL", "ok", done.stdout.strip())]


def gl_remedy(system: str) -> str:
    """The line that installs OpenGL on an operating system."""
    if system == "Linux":
        return "sudo apt-get install libegl1 libgl1-mesa-dri   (or your system's Mesa packages)"
    return "update the graphics driver"


def _blender() -> list[DoctorFinding]:
    found = shutil.which("blender")
    if found:
        return [DoctorFinding("blender", "ok", found)]
    return [
        DoctorFinding("blender", "missing", "only for rendering with it", "https://www.blender.org/download")
    ]


CHECKS = (_system, _packages, _encoder, _sound, _video, _opengl, _blender)
