"""Builds facegen/data/lexicon_en.txt.xz and letters_en.txt.xz from the dictionary of the pocketsphinx wheel.

    python -m tools.training.build_lexicon [--dictionary cmudict-en-us.dict] [--folder facegen/data] [--report]

The lexicon holds every plain word with its pronunciations. The letter table gives words it lacks a
pronunciation: a decision tree over the letters around a letter (Daelemans & van den Bosch, IGTree, 1997), learnt
from letters aligned to phones by expectation maximisation. ``--report`` holds out every twentieth word and
prints how well the table does on those. Needs pocketsphinx (extra: train). The same dictionary gives the same bytes.
"""

from __future__ import annotations

import argparse
import importlib.util
import lzma
import math
import re
import string
from collections import Counter, defaultdict
from pathlib import Path

from facegen.core.files import write_atomic
from facegen.speech.g2p import CONTEXT, context_key, spell
from facegen.speech.phones import ARPABET

CODES = dict(zip(ARPABET, string.ascii_letters, strict=False))
HEADER = " ".join(f"{code}={phone}" for phone, code in CODES.items())
MOST_PRONUNCIATIONS = 3
MOST_PHONES = 2  # that one letter stands for
ROUNDS = 6
LEAST_GAIN = 2  # words that a rule must set right


def read_dictionary(path: Path) -> dict[str, list[str]]:
    """Word to pronunciations in code letters."""
    words: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *phones = line.split()
        word = re.sub(r"\(\d+\)$", "", word)
        if re.fullmatch(r"[a-z']+", word) and all(p in CODES for p in phones):
            said = "".join(CODES[p] for p in phones)
            if said not in words[word] and len(words[word]) < MOST_PRONUNCIATIONS:
                words[word].append(said)
    return dict(sorted(words.items()))


def lexicon_text(words: dict[str, list[str]]) -> str:
    """Lines of shared-prefix length (a digit), rest of the word, pronunciations; sorted by word."""
    lines, before = [HEADER], ""
    for word, said in words.items():
        shared = 0
        while shared < min(9, len(word), len(before)) and word[shared] == before[shared]:
            shared += 1
        lines.append(f"{shared}{word[shared:]} {' '.join(said)}")
        before = word
    return "\n".join(lines) + "\n"


def align(words: dict[str, str]) -> list[tuple[str, list[str]]]:
    """Words with the phones (none, one or two) of each letter, by Viterbi training."""
    costs: dict[tuple[str, str], float] = {}
    aligned: list[tuple[str, list[str]]] = []
    for _ in range(ROUNDS):
        aligned = [(word, cut) for word, said in words.items() if (cut := _best_cut(word, said, costs))]
        counts = Counter(
            (letter, part) for word, cut in aligned for letter, part in zip(word, cut, strict=True)
        )
        letters = Counter(letter for word, _ in aligned for letter in word)
        costs = {(l, p): math.log((letters[l] + 50) / n) for (l, p), n in counts.items()}
    return aligned


def _best_cut(word: str, said: str, costs: dict[tuple[str, str], float]) -> list[str] | None:
    """The cheapest way to share ``said`` out among the letters of ``word``, or None."""
    reach = [{0: (0.0, 0)}]
    for letter in word:
        best: dict[int, tuple[float, int]] = {}
        for at, (cost, _) in reach[-1].items():
            for size in range(min(MOST_PHONES, len(said) - at) + 1):
                part = said[at : at + size]
                total = cost + costs.get((letter, part), (0.0, 0.5, 2.0)[size] if not costs else 12.0)
                if at + size not in best or total < best[at + size][0]:
                    best[at + size] = (total, at)
        reach.append(best)
    if len(said) not in reach[-1]:
        return None
    cut, end = [], len(said)
    for place in range(len(word), 0, -1):
        start = reach[place][end][1]
        cut.append(said[start:end])
        end = start
    return cut[::-1]


def letter_rules(aligned: list[tuple[str, list[str]]]) -> dict[str, str]:
    """Context to phones: a longer context stands in the table only where it says something else than a shorter."""
    nodes: dict[str, Counter] = defaultdict(Counter)
    for word, cut in aligned:
        for at, part in enumerate(cut):
            key = context_key(word, at)
            for depth in range(1, CONTEXT + 1):
                nodes[key[:depth]][part] += 1
    rules: dict[str, str] = {}
    said: dict[str, str] = {"": ""}
    for key in sorted(nodes, key=lambda k: (len(k), k)):
        inherited = said[key[:-1]]
        best = min(nodes[key], key=lambda part: (-nodes[key][part], part))
        if len(key) == 1 or nodes[key][best] - nodes[key][inherited] >= LEAST_GAIN:
            rules[key] = best
        said[key] = rules.get(key, inherited)
    return dict(sorted(rules.items()))


def rules_text(rules: dict[str, str]) -> str:
    return "\n".join([HEADER, *(f"{key} {part}" for key, part in rules.items())]) + "\n"


def report(words: dict[str, list[str]]) -> str:
    """Accuracy of the letter table on words held out of it (one in twenty)."""
    names = [w for w in words if len(w) > 1]
    rules = letter_rules(align({w: words[w][0] for i, w in enumerate(names) if i % 20}))
    errors = phones = right = 0
    held = names[::20]
    for word in held:
        distance = min((_distance(spell(word, rules), said), len(said)) for said in words[word])
        errors += distance[0]
        phones += distance[1]
        right += distance[0] == 0
    return (
        f"{len(held)} held-out words: phones {1 - errors / phones:.1%}, words {right / len(held):.1%} right"
    )


def _distance(a: str, b: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def _dictionary() -> Path:
    found = importlib.util.find_spec("pocketsphinx")
    if found is None or found.origin is None:
        raise SystemExit('pocketsphinx is missing; pip install "facegen[train]" or give --dictionary')
    return Path(found.origin).parent / "model" / "en-us" / "cmudict-en-us.dict"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dictionary", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("facegen/data"))
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    words = read_dictionary(options.dictionary or _dictionary())
    if options.report:
        print(report(words))
    rules = letter_rules(align({word: said[0] for word, said in words.items() if len(word) > 1}))
    for name, text in (("lexicon_en", lexicon_text(words)), ("letters_en", rules_text(rules))):
        packed = lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
        write_atomic(options.folder / f"{name}.txt.xz", packed)
        print(f"{name}: {text.count(chr(10)) - 1} rows, {len(packed)} bytes")


if __name__ == "__main__":
    main()
