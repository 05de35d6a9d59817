"""Install the encoder package beside this file into a temporary folder, and animate with it.

python examples/06_own_encoder/run.py
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parent / "hello.flac"
OUT = Path("out")


def main() -> int:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "packages"
        shutil.copytree(HERE, source)  # pip builds in the folder of the source
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", str(target), str(source)], check=True)

        paths = [str(target), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        facegen = [sys.executable, "-m", "facegen"]
        listed = subprocess.run(
            [*facegen, "models"], env=environment, check=True, capture_output=True, text=True
        )
        print(next(line for line in listed.stdout.splitlines() if " vowels " in line))
        command = [*facegen, "animate", str(SAMPLE), "-o", str(OUT / "vowels.csv"), "--encoder", "vowels"]
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
