"""Draw a labelled sheet of a head with each of its controls at full strength, to be looked at.

python -m tools.evaluation.render_controls RIG OUT.png [--camera front] [--tile 240x280] [--only mouth]
"""

from __future__ import annotations

import argparse
import sys

from facegen.core.errors import FacegenError
from facegen.core.files import write_atomic
from facegen.renderers.contact_sheet import all_controls, contact_sheet
from facegen.renderers.images import png_bytes
from facegen.rig import default_head, load_rig


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rig", help="name or folder of a rig")
    parser.add_argument("out", help="PNG to write")
    parser.add_argument("--camera", default="front", help="front, threequarter, side or a camera file")
    parser.add_argument("--tile", default="240x280", help="width x height of one picture")
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--only", default="", help="only controls whose name holds this")
    options = parser.parse_args()
    width, height = (int(n) for n in options.tile.split("x"))
    try:
        rig = default_head(load_rig(options.rig))
        poses = {n: p for n, p in all_controls(rig).items() if options.only.lower() in n.lower()}
        sheet = contact_sheet(rig, poses, options.camera, (width, height), options.columns)
        write_atomic(options.out, png_bytes(sheet))
    except FacegenError as error:
        print(f"render_sheet: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
