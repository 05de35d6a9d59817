"""How near the portrait's refiner comes to true mouths, of people and heads that it was never trained on.

    python tools/evaluate_refiner.py --cache CACHE [--model refiner.onnx] [--steps 1 2 4] [--sheet sheet.png]

CACHE is a folder of tools/cache_portraits.py or what tools/train_refiner.py --pack wrote. Prints a table for the warped and
the refined pictures; the sheet has a row a clip: the photo's mouth, warped, refined, true. Needs the `portrait` extra.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from facegen.portrait.refine import BUILT_IN, STEPS, load_sampler  # noqa: E402
from tools.refiner.bank import HELD  # noqa: E402
from tools.refiner.judge import compared, emotions_read, sheet  # noqa: E402
from tools.refiner.packed import read  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default=BUILT_IN, help="an ONNX file; else what ships")
    parser.add_argument("--steps", type=int, nargs="+", default=[STEPS])
    parser.add_argument("--emotion", action="store_true", help="whether emotions are seen (needs torch)")
    parser.add_argument("--sheet", type=Path, help="PNG of some pairs, with the first number of steps")
    options = parser.parse_args()
    files = read(options.cache)
    held = [file for file in files if str(file["name"]).startswith(HELD)]
    for steps in options.steps:
        print(
            f"{steps} steps\n" + "\n".join(compared(load_sampler(options.model, steps, 0), held)), flush=True
        )
    if options.emotion:
        print(emotions_read(load_sampler(options.model, options.steps[0], 0), files))
    if options.sheet:
        sheet(load_sampler(options.model, options.steps[0], 0), held, options.sheet)


if __name__ == "__main__":
    main()
