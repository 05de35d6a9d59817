"""How near the portrait's refiner comes to what is true, of people and heads that it was never trained on.

    python -m tools.evaluation.evaluate_portrait_refiner --cache CACHE [--part eyes] [--model refiner.onnx] \\
        [--steps 1 2 4] [--sheet sheet.png]

CACHE is a folder of tools/training/cache_portraits.py or what tools/training/train_portrait_refiner.py --pack wrote.
Prints a table for the warped and the refined pictures; the sheet has a row a clip: the photo's part, warped, refined,
true. Needs the `portrait` extra.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from facegen.portrait.refiner import MOUTH, PARTS, load_sampler
from tools.training.portrait_refiner.held_out_scores import compared, emotions_read, sheet
from tools.training.portrait_refiner.packed_pairs import read
from tools.training.portrait_refiner.pair_bank import HELD

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--part", choices=sorted(PARTS), default=MOUTH)
    parser.add_argument("--model", help="an ONNX file; else what ships")
    parser.add_argument("--steps", type=int, nargs="+", help="else those of the product")
    parser.add_argument("--emotion", action="store_true", help="whether mouths show emotions (needs torch)")
    parser.add_argument("--sheet", type=Path, help="PNG of some pairs, with the first number of steps")
    options = parser.parse_args()
    files = read(options.cache)
    held = [file for file in files if str(file["name"]).startswith(HELD)]
    part = PARTS[options.part]
    model = options.model or str(ROOT / "facegen" / "models" / part.weights)
    samplers = {n: load_sampler(model, options.part, n) for n in options.steps or [part.steps]}
    for steps, sampler in samplers.items():
        print(f"{steps} steps\n" + "\n".join(compared(sampler, held, part.zone)), flush=True)
    first = next(iter(samplers.values()))
    if options.emotion:
        print(emotions_read(first, files))
    if options.sheet:
        sheet(first, held, part.zone, options.sheet)


if __name__ == "__main__":
    main()
