"""Figures of the emotion encoder on talkers that it never heard, beside a plain baseline, for the card."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr

from facegen.emotion.curves import SOUNDS
from tools.training.emotion_encoder import linear_models, window_statistics
from tools.training.emotion_encoder.corpora import Corpora
from tools.training.emotion_encoder.export import Fitted
from tools.training.emotion_encoder.window_statistics import CLASSES

BINS = 10
MARKS = "<!-- emotion: begin -->", "<!-- emotion: end -->"
THORSTEN = {
    "angry": "angry",
    "disgusted": "disgusted",
    "neutral": "neutral",
    "amused": "happy",
    "sleepy": "bored",
}


class Answers(NamedTuple):
    """Scores [N, 8] of each member, arousal [N], the truth [N] and how each was heard [N] (of CASES); ``plain`` [N, 8] are
    the baseline's scores."""

    scores: list[np.ndarray]
    arousal: np.ndarray
    truth: np.ndarray
    case: np.ndarray
    plain: np.ndarray


CASES = {
    "Emo-DB, each speaker in turn": "plain",
    "the same in other rooms, channels, codecs, voices": "disturbed",
    "the same, all statistics moved at random by as much as corpora differ (simulated)": "moved",
}
MOVES = 4  # random moves of each recording


def answers(corpora: Corpora, fitted: Fitted, speakers: list[str]) -> Answers:
    """What models say of whole clips of ``speakers``, each heard alone; boredom is left out."""
    rows = corpora.acted
    whole = np.zeros(len(rows.x), bool)
    whole[list(window_statistics.first_places(rows).values())] = True
    chosen = rows.take(whole & np.isin(rows.speaker, speakers) & (rows.label != "bored"))
    rng = np.random.default_rng(0)
    x = window_statistics.with_baseline(chosen, corpora.usual, rng, 0.0)
    plain = np.flatnonzero(chosen.copy == 0).repeat(MOVES)
    moves = rng.normal(0, 1, (len(plain), x.shape[1])) * window_statistics.apart(
        [*corpora.neutral(), corpora.other]
    )
    case = np.concatenate([np.where(chosen.copy == 0, "plain", "disturbed"), np.full(len(plain), "moved")])
    own = np.concatenate([chosen.x, chosen.x[plain] + moves])
    x = np.concatenate([x, x[plain] + moves])
    scores = [model(space(x)) for space, model in fitted.members]
    arousal = fitted.place(fitted.members[0][0](x))[:, 1]
    truth = np.array([CLASSES.index(label) for label in chosen.label])
    truth = np.concatenate([truth, truth[plain]])
    return Answers(scores, arousal, truth, case, _baseline(corpora, speakers, own))


def _baseline(corpora: Corpora, without: list[str], x: np.ndarray) -> np.ndarray:
    """Softmax regression on the statistics as they are, of the recordings as they are."""
    rows = corpora.acted
    rows = rows.take(~np.isin(rows.speaker, without) & (rows.copy == 0) & (rows.label != "bored"))
    space = linear_models.space(rows.x, np.zeros((rows.x.shape[1],) * 2), 0.0)
    model = linear_models.classifier(
        space(rows.x), window_statistics.goals(rows.label, (1, 0)), linear_models.balanced(rows.label), 1e-2
    )
    return model(space(x))


def chances(scores: list[np.ndarray], heat: float) -> np.ndarray:
    return np.mean([linear_models.softmax(part / heat) for part in scores], axis=0)


def best_heat(parts: list[Answers]) -> float:
    """The temperature under which the truth is likeliest, over all CASES alike (Guo et al. 2017)."""
    heats = np.exp(np.linspace(-1, 1.2, 45))
    return float(min(heats, key=lambda heat: _surprise(parts, heat)))


def _surprise(parts: list[Answers], heat: float) -> float:
    likely = [chances(p.scores, heat)[np.arange(len(p.truth)), p.truth] for p in parts]
    return float(-np.log(np.concatenate(likely) + 1e-9).mean())


def recall(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Unweighted average recall over the classes that occur."""
    return float(np.mean([np.mean(predicted[truth == c] == c) for c in np.unique(truth)]))


def calibration_error(chance: np.ndarray, truth: np.ndarray) -> float:
    """Expected calibration error over BINS of the highest probability (Naeini et al. 2015)."""
    top, right = chance.max(axis=1), chance.argmax(axis=1) == truth
    place = np.minimum((top * BINS).astype(int), BINS - 1)
    return float(sum(abs(top[place == b].sum() - right[place == b].sum()) for b in range(BINS)) / len(truth))


def concordance(a: np.ndarray, b: np.ndarray) -> float:
    """Concordance correlation coefficient (Lin 1989)."""
    covariance = np.mean((a - a.mean()) * (b - b.mean()))
    return float(2 * covariance / (a.var() + b.var() + (a.mean() - b.mean()) ** 2))


def table(parts: list[Answers], heat: float) -> str:
    """Rows of the card."""
    lines = [
        "| held out | clips | UAR | UAR, baseline | arousal, rank correlation | arousal, CCC | ECE |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, case in CASES.items():
        picked = [p.case == case for p in parts]
        truth = np.concatenate([p.truth[k] for p, k in zip(parts, picked, strict=True)])
        chance = np.concatenate([chances(p.scores, heat)[k] for p, k in zip(parts, picked, strict=True)])
        plain = np.concatenate([p.plain[k] for p, k in zip(parts, picked, strict=True)])
        arousal = np.concatenate([p.arousal[k] for p, k in zip(parts, picked, strict=True)])
        lines.append(row(name, np.array(CLASSES)[truth], chance, arousal, plain))
    return "\n".join(lines)


def abroad(corpora: Corpora, fitted: Fitted) -> str:
    """A row of the card: bursts of EmoGator, of which the categories' model heard none."""
    rows = window_statistics.windows(
        corpora.clips["emogator"], window_statistics.BURSTS, np.random.default_rng(0), 0
    )
    name = "EmoGator: another corpus, bursts instead of speech"
    return heard(name, rows, fitted, corpora.usual, _baseline(corpora, [], rows.x))


def heard(
    name: str,
    rows: window_statistics.Rows,
    fitted: Fitted,
    usual: np.ndarray,
    plain: np.ndarray | None = None,
) -> str:
    """A row of the card: what models say of ``rows``, each heard alone."""
    x = window_statistics.with_baseline(rows, usual, np.random.default_rng(0), 0.0)
    chance = chances([model(space(x)) for space, model in fitted.members], fitted.heat)
    return row(name, rows.label, chance, fitted.place(fitted.members[0][0](x))[:, 1], plain)


def whole(rows: window_statistics.Rows) -> window_statistics.Rows:
    """Whole recordings as they are, but bored ones."""
    chosen = np.zeros(len(rows.x), bool)
    chosen[list(window_statistics.first_places(rows).values())] = True
    return rows.take(chosen & (rows.copy == 0) & (rows.label != "bored"))


def places(labels: np.ndarray) -> np.ndarray:
    """Valence, arousal and dominance [N, 3] of labels."""
    return np.array([window_statistics.PLACES[label] for label in labels])


def row(
    name: str, labels: np.ndarray, chance: np.ndarray, arousal: np.ndarray, plain: np.ndarray | None = None
) -> str:
    """A row of the card; ``plain`` [N, 8]: what the baseline says, if it was asked."""
    truth = np.array([CLASSES.index(label) for label in labels])
    goal = places(labels)[:, 1]
    figures = [
        f"{recall(truth, chance.argmax(axis=1)):.3f}",
        "–" if plain is None else f"{recall(truth, plain.argmax(axis=1)):.3f}",
        f"{float(spearmanr(arousal, goal)[0]):.3f}",
        f"{concordance(arousal, goal):.3f}",
        f"{calibration_error(chance, truth):.3f}",
    ]
    return f"| {name} | {len(truth)} | " + " | ".join(figures) + " |"


def kept_out(speaker: str) -> bool:
    """Whether a talker judges the telling of sounds: a fifth of them, by name."""
    return zlib.crc32(speaker.encode()) % 5 == 0


def sound_table(
    model: tuple[linear_models.Space, linear_models.Linear], x: np.ndarray, kind: np.ndarray
) -> str:
    """Recall, false alarms and precision of sounds without words in windows of a second, as a table."""
    space, linear = model
    predicted = linear_models.softmax(linear(space(x))).argmax(axis=1)
    lines = ["| sound, talkers held out | windows | recall | told of what is none |", "|---|---|---|---|"]
    none = kind == 0
    for at, name in enumerate(SOUNDS, 1):
        mine = kind == at
        if mine.any():
            lines.append(
                f"| {name} | {mine.sum()} | {np.mean(predicted[mine] == at):.2f} | {np.mean(predicted[none] == at):.3f} |"
            )
    return "\n".join(lines)


def write_card(path: Path, text: str) -> None:
    """Put ``text`` between the marks of the card."""
    card = path.read_text(encoding="utf-8")
    head, rest = card.split(MARKS[0])
    path.write_text(f"{head}{MARKS[0]}\n{text}\n{MARKS[1]}{rest.split(MARKS[1])[1]}", encoding="utf-8")
