"""Builds the head `aria`: `rig.json`, `mesh.safetensors` and `head.jpg` in `rigs/aria`, and beside it other people's.

`python -m tools.head_builder.build_head` needs NumPy, SciPy, Pillow and safetensors and uses the stored parameters.
`python -m tools.head_builder.build_head --fit FOLDER` first fits the parameters again to ICT-FaceKit's measurements (MIT,
USC Institute for Creative Technologies) in FOLDER.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tools.head_builder import assemble, identities, parameters, texture

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--fit", type=Path, metavar="FOLDER", help="fit the parameters to the data in FOLDER first"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "rigs" / "aria",
        help="folder to write aria to, beside which the others go",
    )
    options = parser.parse_args()
    if options.fit:
        from tools.head_builder import fit_cage

        parameters.save(fit_cage.run(options.fit, np.array(parameters.IDENTITY)))
    rig, arrays, canvas = assemble.build(parameters.Parameters.load())
    picture = canvas.paint(arrays["colors"] / 255.0, texture.LOOKS["aria"])
    assemble.write(rig, arrays, picture, options.out)
    for name in identities.IDENTITIES:
        assemble.write(*identities.build(name, rig, arrays, canvas), options.out.parent / name)


if __name__ == "__main__":
    main()
