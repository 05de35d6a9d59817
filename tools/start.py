"""Set facegen up in a virtual environment of its own and run the demo or the tests; needs only Python.

    python3 tools/start.py demo      install, then animate the sample recording into out/
    python3 tools/start.py test      install what the tests need, then run them all

Running it again installs nothing that is already there. FACEGEN_VENV names another environment folder.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = Path(os.environ.get("FACEGEN_VENV", ROOT / ".venv"))
SAMPLE = Path("examples/hello.flac")
EXTRAS = {"demo": "render", "test": "render,pyrender,train,track,usd,portrait,batch,stream,serve,docs,dev"}
# Debian's names of what the tests and the renderer take from the system, by the program or library they give.
LIBRARIES = {"libEGL.so.1": "libegl1", "libGL.so.1": "libgl1", "dri": "libgl1-mesa-dri"}
FOR_TESTS = {
    "ffprobe": "ffmpeg",
    "node": "nodejs",
    "npm": "npm",
    "libespeak-ng.so.1": "libespeak-ng1",
    "chromium": "chromium",
    "blender": "blender",
    "xvfb-run": "xvfb",
    "/usr/lib/python3/dist-packages/numpy": "python3-numpy",  # Debian's Blender takes it from there
}
# Blenders without a window for the tests, each in an environment of its own: wheels for one version of Python only.
BPY = ("4.5.15", "4.2.23", "5.0.1")
# What the tests take from npm: Khronos' validator, and three.js to play models in a browser.
NODE_PACKAGES = {"gltf-validator": "2.0.0-dev.3.10", "three": "0.187.0"}


def main() -> int:
    task = sys.argv[1] if len(sys.argv) == 2 else ""
    if task not in EXTRAS:
        print(__doc__)
        return 2
    os.chdir(ROOT)
    python = environment()
    blenders = start_blenders() if task == "test" else {}
    install(python, task)
    system_packages(LIBRARIES if task == "demo" else {**LIBRARIES, **FOR_TESTS})
    return demo(python) if task == "demo" else test(python, finish_blenders(blenders))


def environment() -> Path:
    """The Python of the virtual environment, made where it is missing."""
    if sys.version_info < (3, 10):  # noqa: UP036 (this script runs before any check of the version)
        raise SystemExit(f"facegen needs Python 3.10 or newer; this is {sys.version.split()[0]}")
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"making the environment {VENV}", flush=True)
        run(sys.executable, "-m", "venv", str(VENV))
    return python


def install(python: Path, task: str) -> None:
    """Install the package with the task's extras, unless the same was done before."""
    lock = ROOT / "requirements-lock.txt"
    described = (ROOT / "pyproject.toml").read_bytes() + lock.read_bytes()
    stamp = VENV / f"installed-{task}-{hashlib.sha256(described).hexdigest()[:16]}"
    if stamp.exists():
        return
    pip = (str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
    locked = ("--constraint", str(lock)) if locked_here() else ()
    if "train" in EXTRAS[task]:
        # First, and by its version: a bare "torch" takes a build of several GB.
        run(*pip, "torch==2.13.0")
    print("installing facegen and what it needs", flush=True)
    run(*pip, *locked, "--editable", f".[{EXTRAS[task]}]")
    stamp.touch()


def locked_here() -> bool:
    """Whether the lock fits: it was made for one version of Python on Linux; elsewhere the lower bounds hold."""
    return sys.platform == "linux" and sys.version_info[:2] == (3, 11)


def system_packages(wanted: dict[str, str]) -> None:
    """Install missing system libraries and programs where apt-get may; else name them."""
    missing = sorted({package for what, package in wanted.items() if not present(what)})
    if not missing or sys.platform != "linux":
        return
    command = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print(f"installing {' '.join(missing)}", flush=True)
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        subprocess.run(["apt-get", "update"], check=False, stdout=subprocess.DEVNULL)
        if subprocess.run(command.split(), check=False, stdout=subprocess.DEVNULL).returncode == 0:
            return
    print(f"missing on this machine: {', '.join(missing)}; install with: sudo {command}", flush=True)


def present(what: str) -> bool:
    """Whether a program or shared library can be found on this machine."""
    if what.startswith("/"):
        return Path(what).exists()
    if what == "dri":
        return any(Path("/usr/lib").glob("*/dri/swrast_dri.so")) or any(
            Path("/usr/lib").glob("*/dri/*_dri.so")
        )
    if ".so" in what:
        import ctypes

        try:
            ctypes.CDLL(what)
        except OSError:
            return False
        return True
    return shutil.which(what) is not None


def start_blenders() -> dict[str, subprocess.Popen]:
    """Begin to install the Blenders that are missing, all at once, beside everything else: version to the process."""
    if not locked_here():
        return {}
    started = {}
    for version in BPY:
        folder = VENV / f"bpy-{version}"
        if not (folder / "installed").exists():
            print(f"installing Blender {version} for the tests", flush=True)
            there = shlex.quote(str(folder))
            pip = f"{there}/bin/python -m pip install --disable-pip-version-check --quiet bpy=={version} 'numpy<2'"
            command = f"{shlex.quote(sys.executable)} -m venv {there} && {pip} && touch {there}/installed"
            started[version] = subprocess.Popen(["sh", "-c", command])
    return started


def finish_blenders(started: dict[str, subprocess.Popen]) -> list[str]:
    """Wait for the Blenders; the Pythons of those that work, for FACEGEN_BLENDER_PYTHONS."""
    for version, process in started.items():
        if process.wait() != 0:
            print(f"Blender {version} can't be installed; its tests are skipped", flush=True)
    folders = [VENV / f"bpy-{version}" for version in BPY]
    return [str(folder / "bin/python") for folder in folders if (folder / "installed").exists()]


def demo(python: Path) -> int:
    """Animate the sample recording to Live Link Face curves, a glTF head and a video."""
    out = Path("out")
    out.mkdir(exist_ok=True)
    outputs = [str(out / f"hello{suffix}") for suffix in (".csv", ".glb", ".mp4")]
    flags = [word for path in outputs for word in ("-o", path)]
    code = subprocess.run(
        [str(python), "-m", "facegen", "animate", str(SAMPLE), *flags], check=False
    ).returncode
    if code == 0:
        print("made " + ", ".join(outputs))
    return code


def test(python: Path, blenders: list[str]) -> int:
    """Style, types, layers, then all tests, the slow ones too; among them those that build the docs and run the examples."""
    if blenders:
        os.environ.setdefault("FACEGEN_BLENDER_PYTHONS", os.pathsep.join(blenders))
        os.environ.setdefault("FACEGEN_BLENDER_PYTHON", blenders[0])
        os.environ.setdefault("FACEGEN_BLENDER", blenders[0])
    if shutil.which("npm") and not all((ROOT / "node_modules" / name).exists() for name in NODE_PACKAGES):
        npm = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--silent"]
        subprocess.run([*npm, *(f"{n}@{version}" for n, version in NODE_PACKAGES.items())], check=False)
    tool = VENV / ("Scripts" if os.name == "nt" else "bin")
    checks = [
        [str(tool / "ruff"), "check", "."],
        [str(tool / "ruff"), "format", "--check", "."],
        [str(tool / "mypy")],
        [str(tool / "lint-imports")],
        [str(python), "-m", "pytest", "-m", "", "-rs"],
    ]
    failed = [" ".join(c[:3]) for c in checks if subprocess.run(c, check=False).returncode != 0]
    if failed:
        print("failed: " + "; ".join(failed))
    return 1 if failed else 0


def run(*command: str) -> None:
    """Run a command; stop with its exit code where it fails."""
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        raise SystemExit(code)


if __name__ == "__main__":
    raise SystemExit(main())
