"""Make the training cache: python -m tools.training.cache_speech SOURCE --data DIR --alignments DIR --cache DIR."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tools.training.corpora import data_folder, speechocean
from tools.training.phone_encoder import cache, synthesis

SOURCES = ("speechocean762", "grid", "emodb", "flite", "espeak", "noise", "noise-test")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+", choices=SOURCES)
    parser.add_argument("--data", help="folder of the corpora (FACEGEN_DATA)")
    parser.add_argument("--alignments", type=Path, required=True, help="folder of align_corpora.py's output")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--word-lists", type=Path, default=Path("/usr/share/dict"))
    parser.add_argument("--hours", type=float, default=2.0, help="of each kind of synthetic speech")
    parser.add_argument("--copies", type=int, default=3, help="disturbed copies of each recording")
    parser.add_argument("--seed", type=int, default=90)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    for source in options.sources:
        start = time.monotonic()
        copies = 0 if source.startswith("noise") else options.copies
        cache.build(recordings(source, options), options.cache / f"{source}.npz", copies, options.seed)
        print(f"{source}: {time.monotonic() - start:.0f} s", flush=True)


def recordings(source: str, options: argparse.Namespace):
    if source.startswith("noise"):
        test = source == "noise-test"
        return cache.not_speech(12 if test else 90, options.seed + test, test)
    if source in ("flite", "espeak"):
        prompts = [
            s.text
            for s in speechocean.samples(options.data)
            if s.text is not None and s.speaker not in cache.held_out("speechocean762")[0]
        ]
        if source == "flite":
            return cache.synthetic(synthesis.flite(options.hours, options.seed, english_words(), prompts))
        spoken = synthesis.espeak(options.hours, options.seed, english_words(), prompts, options.word_lists)
        return cache.synthetic(spoken)
    folder = data_folder(options.data)
    if source == "emodb":
        return cache.hand_labelled(folder)
    name = {"speechocean762": "speechocean", "grid": "grid"}[source]
    return cache.aligned(source, folder, options.alignments / f"{name}.jsonl")


def english_words() -> list[str]:
    """The words of the dictionary that comes with pocketsphinx."""
    from pocketsphinx import get_model_path

    lines = Path(get_model_path("en-us"), "cmudict-en-us.dict").read_text().splitlines()
    return [word for word in (line.split()[0] for line in lines) if word.isalpha()]


if __name__ == "__main__":
    main()
