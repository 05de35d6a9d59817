"""Align the phones of a corpus: python -m tools.training.align_corpora grid --data DIR --out grid.jsonl [--part 0/2]."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tools.training.corpora import Sample, emodb, grid, speechocean
from tools.training.phone_encoder.pocketsphinx_alignment import Aligner, plausible
from tools.training.phone_encoder.sound import load_sound

CORPORA = {"grid": grid, "speechocean": speechocean, "emodb": emodb}
_WORD_TOLERANCE_S = 0.15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", choices=["grid", "speechocean"])
    parser.add_argument("--data")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", default="0/1", help="which part of how many, for several processes")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    aligner, failed = Aligner(), 0
    todo = list(CORPORA[options.corpus].samples(options.data))[part::parts]
    with options.out.open("w") as out:
        for number, sample in enumerate(todo):
            try:
                spans = aligner.align(sample, load_sound(sample.audio))
            except RuntimeError:
                spans = []
            if not plausible(spans, sample.seconds) or not agrees(spans, sample):
                failed += 1
                continue
            row = {"clip": sample.audio.stem, "phones": spans, "unsure": disputed(spans, sample)}
            out.write(json.dumps(row) + "\n")
            if number % 100 == 0:
                out.flush()
                print(f"{options.corpus} {options.part}: {number}/{len(todo)}, {failed} dropped", flush=True)
    print(f"{options.corpus} {options.part}: done, {len(todo) - failed} kept, {failed} dropped", flush=True)


def agrees(spans: list, sample: Sample) -> bool:
    """Whether the words of an alignment begin and end near the times that the corpus gives, if it gives any.

    The start of the first word is left to `disputed`: GRID's own time often lies in the breath before it.
    """
    labelled = [w for w in sample.words or () if w[2] not in ("sil", "sp")]
    if not labelled or sample.canonical is None:
        return True
    first = 0
    for number, ((start, end, _), (_, phones)) in enumerate(zip(labelled, sample.canonical, strict=True)):
        last = first + len(phones)
        if number and abs(spans[first][0] - start) > _WORD_TOLERANCE_S:
            return False
        if abs(spans[last - 1][1] - end) > _WORD_TOLERANCE_S:
            return False
        first = last
    return True


def disputed(spans: list, sample: Sample) -> list[tuple[float, float]]:
    """The span between the start of the first word here and in the corpus, where they lie far apart."""
    labelled = [w for w in sample.words or () if w[2] not in ("sil", "sp")]
    if not labelled or abs(spans[0][0] - labelled[0][0]) <= _WORD_TOLERANCE_S:
        return []
    return [(min(spans[0][0], labelled[0][0]), max(spans[0][0], labelled[0][0]))]


if __name__ == "__main__":
    main()
