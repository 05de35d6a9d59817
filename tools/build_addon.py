"""Pack the Blender add-on: an extension for Blender 4.2 and later, an add-on for those before.

    python -m tools.build_addon --out DIR      writes DIR/facegen_addon-VERSION.zip

Names and defaults that the panel shows are written down from facegen itself.
"""

from __future__ import annotations

import argparse
import json
import re
import zipfile
from dataclasses import fields
from pathlib import Path

from facegen import __version__
from facegen.config import CHANGES, Config, defaults
from facegen.core.files import atomic_path, make_folder
from facegen.emotion.lexicon import named_emotions
from facegen.emotion.style import styles
from facegen.formats.keyframes import presets
from facegen.formats.keyframes.bone_map import signature_bones
from facegen.motion.passes import FINISHING, PASSES
from facegen.rig import ARKIT, built_in_rigs, load_rig

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "blender_addon"
DAY = (2020, 1, 1, 0, 0, 0)
"""The date of all files, so that equal sources give equal bytes."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", required=True, type=Path, help="folder to write the zip to")
    print(build(parser.parse_args().out))
    return 0


def build(folder: Path) -> Path:
    """Write the zip into ``folder``; returns its path."""
    path = make_folder(folder) / f"facegen_addon-{__version__}.zip"
    contents = {p.relative_to(SOURCE).as_posix(): p.read_text(encoding="utf-8") for p in sources()}
    contents = {name: versioned(name, text) for name, text in contents.items()}
    contents["core/choices.json"] = json.dumps(choices(), indent=1)
    contents["LICENSE"] = (ROOT / "LICENSE").read_text(encoding="utf-8")
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            # Blender before 4.2 wants a folder, not called as the package; later versions take the manifest from one.
            entry = zipfile.ZipInfo(f"facegen_addon/{name}", DAY)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, contents[name])
    return path


def sources() -> list[Path]:
    """The add-on's files."""
    kinds = ("*.py", "core/*.py", "core/*.csv", "*.toml")
    return sorted(p for kind in kinds for p in SOURCE.glob(kind))


def versioned(name: str, text: str) -> str:
    """The text with facegen's version in the manifest and in ``bl_info``."""
    numbers = tuple(int(n) for n in re.findall(r"\d+", __version__)[:3])
    if name == "blender_manifest.toml":
        return re.sub(r'(?m)^version = ".*"$', f'version = "{__version__}"', text)
    return re.sub(r'"version": \(.*?\)', f'"version": {numbers}', text) if name == "__init__.py" else text


def choices() -> dict[str, object]:
    """What the panel shows of facegen: its version, defaults and help, and all that can be named."""
    rows = [(row.name, row.help) for row in PASSES] + list(FINISHING.items())
    return {
        "version": __version__,
        "defaults": {k: list(v) if isinstance(v, tuple) else v for k, v in defaults(Config).items()},
        "help": {f.name: str(f.metadata["help"]).replace("`", "") for f in fields(Config)},
        "changes": list(CHANGES),
        "emotions": ["auto", *named_emotions()],
        "styles": list(styles()),
        "passes": rows,
        "presets": list(presets()),
        "heads": [name for name in built_in_rigs() if load_rig(name).mesh is not None],
        "controls": list(ARKIT),
        "bone_maps": signature_bones(),
    }


if __name__ == "__main__":
    raise SystemExit(main())
