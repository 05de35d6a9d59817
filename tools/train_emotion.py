"""Train the emotion encoder and export it.

    FACEGEN_DATA=DATA python tools/train_emotion.py --cache CACHE --out facegen/models/emotion.onnx

What is heard of each corpus is cached in CACHE, a file a corpus, so that a run which was stopped goes on from there. The
figures for the card come from models that never heard the talkers that they judge; the one that is written heard all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from facegen.emotion.heard import SOUNDS  # noqa: E402
from facegen.encoders.manner import STATISTICS  # noqa: E402
from tools.emotion import data, fit, judge  # noqa: E402
from tools.emotion.cache import Clips, build  # noqa: E402
from tools.emotion.export import Fitted, onnx_model  # noqa: E402

AMOUNTS = (2.0, 8.0)
"""How far what means nothing is ignored, a member of the ensemble each."""
ELSEWHERE_SHARE = 0.3  # of training in which a clip is moved to a talker of another corpus
STRENGTH, SOUND_STRENGTH = 5e-3, 1e-3
BORED = (0.6, 0.4)  # of neutral and sad in boredom, which is neither's own category
KNOWN_SHARE = 0.3  # of training in which the talker has been heard before
KEPT = ~np.isin(STATISTICS, ("phone_rate", "vowel_share", "pause_share"))
"""Which statistics tell emotions: the phone encoder knows Emo-DB's sentences too well, and how a corpus was cut tells its
pauses."""
Sounds = tuple[fit.Space, fit.Linear]
SILENT_WEIGHT = 4.0  # of what is no such sound beside each sound: false laughs are worse than missed ones


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--card", type=Path, help="model card whose table of figures is written anew")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--version", default="1.0")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    corpora = Corpora(options.cache, options.seed)
    talkers = list(np.unique(corpora.acted.speaker))
    parts = [judge.answers(corpora, fitted(corpora, [s]), [s]) for s in talkers]
    heat = judge.best_heat(parts)
    x, kind, speaker = corpora.near
    heard = np.array([not judge.kept_out(name) for name in speaker])
    trial = sound_model(x[heard], kind[heard])
    sounds = judge.sound_table(trial, x[~heard], kind[~heard])
    model = fitted(corpora, [], sound_model(x, kind))._replace(heat=heat)
    content = onnx_model(model, options.seed, options.version).SerializeToString()
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content) / 1e3:.0f} kB, heat {heat:.2f}")
    table = f"{judge.table(parts, heat)}\n{judge.abroad(corpora, model)}\n\n{sounds}"
    print(table)
    if options.card:
        judge.write_card(options.card, table)


class Corpora:
    """Windows of every corpus."""

    def __init__(self, cache: Path, seed: int) -> None:
        rng = np.random.default_rng(seed)
        clips = {
            name: Clips(build(name, cache, seed))
            for name in ("emodb", "thorsten-emotional", "speechocean762", "grid", "emogator", "noise")
        }
        self.clips, self.seed = clips, seed
        self.acted = data.windows(clips["emodb"], data.EMODB, rng, 1)
        self.read = [data.windows(clips[name], None, rng, 0) for name in ("speechocean762", "grid")]
        self.other = data.windows(clips["thorsten-emotional"], None, rng, 0)
        self.usual = data.usual_means([self.acted, *self.read])
        self.near = self._near()

    def neutral(self, without: Sequence[str] = ()) -> list[data.Rows]:
        """Neutral voices of each corpus, acted ones without those talkers."""
        acted = self.acted.take((self.acted.label == "neutral") & ~np.isin(self.acted.speaker, without))
        return [acted, *self.read]

    def _near(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = [
            data.near_windows(self.clips["emogator"], data.SOUND_OF, False),
            data.near_windows(self.clips["noise"], data.SOUND_OF, True),
            *(data.near_windows(self.clips[name], {}, True) for name in ("emodb", "speechocean762", "grid")),
        ]
        return tuple(np.concatenate(column) for column in zip(*found, strict=True))  # type: ignore[return-value]


def fitted(corpora: Corpora, without: list[str], sounds: Sounds | None = None) -> Fitted:
    """The models, fitted on all talkers but those ``without``; ``sounds`` are taken as they are."""
    rows = corpora.acted.take(~np.isin(corpora.acted.speaker, without))
    rng = np.random.default_rng(corpora.seed)
    x = data.with_baseline(rows, corpora.usual, rng, KNOWN_SHARE)
    read = [(data.with_baseline(part, corpora.usual, rng, 0.0), part) for part in corpora.read]
    moved = rng.random(len(x)) < ELSEWHERE_SHARE
    x = np.where(moved[:, None], data.elsewhere(x, rows, read, rng), x)
    weight = fit.balanced(rows.label)
    idle = data.nuisance(corpora.neutral(without), [corpora.other], x.std(axis=0) + 1e-6)
    members = []
    for amount in AMOUNTS:
        space = fit.space(x, idle, amount, KEPT)
        members.append((space, fit.classifier(space(x), data.goals(rows.label, BORED), weight, STRENGTH)))
    places = np.array([data.PLACES[label] for label in rows.label])
    place = fit.regression(members[0][0](x), places, weight, STRENGTH)
    return Fitted(members, place, sounds, 1.0, corpora.usual)


def sound_model(x: np.ndarray, kind: np.ndarray) -> Sounds:
    """What tells sounds without words, of windows ``x`` [N, S] that are ``kind`` [N] (0 none, else 1 + SOUNDS)."""
    space = fit.space(x, np.zeros((x.shape[1],) * 2), 0.0)
    weight = fit.balanced(kind) * np.where(kind == 0, SILENT_WEIGHT, 1.0)
    return space, fit.classifier(space(x), np.eye(1 + len(SOUNDS))[kind], weight, SOUND_STRENGTH)


if __name__ == "__main__":
    main()
