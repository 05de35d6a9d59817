"""Train the emotion encoder and export it.

    FACEGEN_DATA=DATA python -m tools.training.train_emotion_encoder --cache CACHE --out facegen/models/emotion.onnx

What is heard of each corpus is cached in CACHE, a file a corpus, so that a run which was stopped goes on from there. The
figures for the card come from models that never heard the talkers that they judge; the one that is written heard all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from facegen.emotion.curves import SOUNDS
from facegen.emotion.voice_statistics import STATISTICS
from tools.training.emotion_encoder import (
    held_out_scores,
    linear_models,
    window_statistics,
)
from tools.training.emotion_encoder.corpora import Corpora
from tools.training.emotion_encoder.export import Fitted, onnx_model

AMOUNTS = (2.0, 8.0)
"""How far what means nothing is ignored, a member of the ensemble each."""
ELSEWHERE_SHARE = 0.3  # of training in which a clip is moved to a talker of another corpus
STRENGTH, SOUND_STRENGTH = 5e-3, 1e-3
BORED = (0.6, 0.4)  # of neutral and sad in boredom, which is neither's own category
KNOWN_SHARE = 0.3  # of training in which the talker has been heard before
RESYNTHESIZED_SHARE, READ_SHARE = 0.3, 0.05
"""Of the weight: of read speech said again with emotions, and of read speech as it is, which is neutral."""
UNACTED = 3.0  # times that which was not acted at all counts in it: surprise and contempt
KEPT = ~np.isin(STATISTICS, ("phone_rate", "vowel_share", "pause_share"))
"""Which statistics tell emotions: the phone encoder knows Emo-DB's sentences too well, and how a corpus was cut tells its
pauses."""
Sounds = tuple[linear_models.Space, linear_models.Linear]
SILENT_WEIGHT = 4.0  # of what is no such sound beside each sound: false laughs are worse than missed ones


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--card", type=Path, help="model card whose table of figures is written anew")
    parser.add_argument("--leave", nargs="*", default=[], help="talkers to leave out of what is written")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--version", default="1.0")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    corpora = Corpora(options.cache, options.seed)
    talkers = list(np.unique(corpora.acted.speaker))
    parts = [held_out_scores.answers(corpora, fitted(corpora, [s]), [s]) for s in talkers]
    heat = held_out_scores.best_heat(parts)
    x, kind, speaker = corpora.near
    trained = np.array([not held_out_scores.kept_out(name) for name in speaker])
    trial = sound_model(x[trained], kind[trained])
    sounds = held_out_scores.sound_table(trial, x[~trained], kind[~trained])
    model = fitted(corpora, options.leave, sound_model(x, kind))._replace(heat=heat)
    content = onnx_model(model, options.seed, options.version).SerializeToString()
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content) / 1e3:.0f} kB, heat {heat:.2f}")
    others = (
        f"{held_out_scores.abroad(corpora, model)}\n{resynthesized_row(corpora)}\n{unacted_rows(corpora)}"
    )
    table = f"{held_out_scores.table(parts, heat)}\n{others}\n\n{sounds}"
    print(table)
    if options.card:
        held_out_scores.write_card(options.card, table)


def fitted(corpora: Corpora, without: list[str], sounds: Sounds | None = None) -> Fitted:
    """The models, fitted on all talkers but those ``without``; ``sounds`` are taken as they are."""
    rows = corpora.acted.take(~np.isin(corpora.acted.speaker, without))
    rng = np.random.default_rng(corpora.seed)
    x = window_statistics.with_baseline(rows, corpora.usual, rng, KNOWN_SHARE)
    resynthesized = corpora.resynthesized.take(~np.isin(corpora.resynthesized.speaker, without))
    again = window_statistics.with_baseline(resynthesized, corpora.usual, rng, KNOWN_SHARE)
    read = [(window_statistics.with_baseline(part, corpora.usual, rng, 0.0), part) for part in corpora.read]
    moved = rng.random(len(x)) < ELSEWHERE_SHARE
    x = np.where(moved[:, None], window_statistics.elsewhere(x, rows, read, rng), x)
    idle = window_statistics.nuisance(corpora.neutral(without), [corpora.other], x.std(axis=0) + 1e-6)
    plain = [table[~np.isin(part.speaker, without)] for table, part in read]
    both = np.concatenate([x, again, *plain])
    label = np.concatenate([rows.label, resynthesized.label, np.full(sum(map(len, plain)), "neutral")])
    weights = [
        (1 - RESYNTHESIZED_SHARE - READ_SHARE) * linear_models.balanced(rows.label),
        RESYNTHESIZED_SHARE * resynthesized_weight(resynthesized, rows),
        *(np.full(len(table), READ_SHARE / len(plain) / len(table)) for table in plain),
    ]
    weight = np.concatenate(weights)
    members = []
    for amount in AMOUNTS:
        space = linear_models.space(x, idle, amount, KEPT)
        members.append(
            (
                space,
                linear_models.classifier(
                    space(both), window_statistics.goals(label, BORED), weight, STRENGTH
                ),
            )
        )
    place = linear_models.regression(members[0][0](both), held_out_scores.places(label), weight, STRENGTH)
    return Fitted(members, place, sounds, 1.0, corpora.usual)


def resynthesized_weight(resynthesized: window_statistics.Rows, acted: window_statistics.Rows) -> np.ndarray:
    """Weights [N] of read speech said again, UNACTED times higher for what no actor did."""
    both = np.isin(resynthesized.label, acted.label)
    weight = linear_models.balanced(resynthesized.label) * np.where(both, 1.0, UNACTED)
    return weight / weight.sum()


def resynthesized_row(corpora: Corpora) -> str:
    """A row of the card: read speech said again by talkers who were left out."""
    kept = [name for name in np.unique(corpora.resynthesized.speaker) if held_out_scores.kept_out(name)]
    rows = corpora.resynthesized.take(np.isin(corpora.resynthesized.speaker, kept))
    name = "read speech said again, eight emotions, a fifth of the talkers held out"
    return held_out_scores.heard(name, held_out_scores.whole(rows), fitted(corpora, kept), corpora.usual)


def unacted_rows(corpora: Corpora) -> str:
    """Rows of the card: Emo-DB, told by models that heard nothing acted, only read speech said again."""
    rows, resynthesized = held_out_scores.whole(corpora.acted), corpora.resynthesized
    lines = []
    for name, about in (
        ("each clip alone", None),
        ("each talker's mean removed", window_statistics.about_talkers),
    ):
        x, goal = (about(part) if about else part.x for part in (resynthesized, rows))
        idle = window_statistics.nuisance(corpora.read, [], x.std(axis=0) + 1e-6)
        space = linear_models.space(x, 0 * idle if about else idle, AMOUNTS[0], KEPT)
        model = linear_models.classifier(
            space(x),
            window_statistics.goals(resynthesized.label, BORED),
            linear_models.balanced(resynthesized.label),
            STRENGTH,
        )
        place = linear_models.regression(
            space(x),
            held_out_scores.places(resynthesized.label),
            linear_models.balanced(resynthesized.label),
            STRENGTH,
        )
        arousal = place(space(goal))[:, 1]
        chance = linear_models.softmax(model(space(goal)))
        lines.append(
            held_out_scores.row(
                f"Emo-DB, learned from read speech said again alone, {name}", rows.label, chance, arousal
            )
        )
    return "\n".join(lines)


def sound_model(x: np.ndarray, kind: np.ndarray) -> Sounds:
    """What tells sounds without words, of windows ``x`` [N, S] that are ``kind`` [N] (0 none, else 1 + SOUNDS)."""
    space = linear_models.space(x, np.zeros((x.shape[1],) * 2), 0.0)
    weight = linear_models.balanced(kind) * np.where(kind == 0, SILENT_WEIGHT, 1.0)
    return space, linear_models.classifier(space(x), np.eye(1 + len(SOUNDS))[kind], weight, SOUND_STRENGTH)


if __name__ == "__main__":
    main()
