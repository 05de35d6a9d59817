"""Train what parts the lips before an utterance: facegen/models/parting.safetensors.

    python -m tools.training.train_lip_opening --pieces PIECES --out facegen/models/parting.safetensors
    python -m tools.training.train_lip_opening --pieces PIECES --leave s2 --out without_s2.safetensors

PIECES is what tools/training/cache_lips.py gather wrote: GRID's and FACEGOOD's sound beside tracked and captured lips.
With --judge, prints how well the lips of each speaker before the first word are told by networks that never saw the
speaker, beside the mean of the others at the same time before the word. Seconds a network.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

from facegen.motion.lipsync.gestures import LEARNED_CONTROLS
from facegen.motion.passes import lip_opening_network
from facegen.rig import ARKIT
from facegen.speech.logmel import broad
from facegen.speech.phones import BILABIALS, LABELS
from tools.evaluation.lip_heads import aria_head
from tools.training.lip_decoder.losses import LipHead
from tools.training.lip_decoder.windows import MEL_LOW, MEL_STEP, VIDEO_FRAMES, Ear

MEMBERS, HIDDEN, STEPS, RATE = 4, 64, 1000, 4e-3
SPLITS = Path(__file__).resolve().parents[2] / "datasets"
ROOMS, SEED = 8, 1  # versions of each utterance, and the seed of their noise
NOISY = 0.7  # of the versions
EACH, MOST = 8, {"s1": 24}  # utterances of each speaker in a step; more of whom there are most
DEAF = 0.15  # of the clips are told without their sound
SHIFT = 4  # frames by which the start of the first word is unsure
NOISE = 2.0  # of log-mel, by which the floor may rise
PAUSE = 35  # frames of a pause at least
CLEAR = 8  # frames of speech that must follow it
CLOSING = 25  # frames at its start in which lips still close
LEAST = 3  # frames of video before the first word, and clips of a speaker to learn from


class Clips:
    """Utterances after a pause: bands, lips as a part of the speaker's wide opening, where the pause and the first word
    begin, and whether with closed lips."""

    def __init__(self, folder: Path) -> None:
        self.speaker: list[str] = []
        self.bands: list[np.ndarray] = []
        self.gap: list[np.ndarray] = []
        self.low: list[int] = []
        self.at: list[int] = []
        self.shut: list[bool] = []
        self.middles = 4 * np.arange(VIDEO_FRAMES) + 2  # of the video's frames, in frames of the bands
        self._films(folder / "grid.npz")
        self._captures(folder / "facegood.npz")
        usable = [n for n in range(len(self.at)) if len(self.seen(n)) >= LEAST]
        self.of = {s: [n for n in usable if self.speaker[n] == s] for s in sorted(set(self.speaker))}
        rng = np.random.default_rng(SEED)
        self.rooms = {n: [self.pair(n, rng) for _ in range(ROOMS)] for n in usable}

    def _films(self, path: Path) -> None:
        """GRID's clips, which begin with a pause; none that is held out."""
        held = json.loads((SPLITS / "grid" / "splits.json").read_text())["test"]["clips"]
        with np.load(path, allow_pickle=False) as file:
            mel, gap, phones, speaker, clip = (file[k] for k in ("mel", "gap", "phones", "speaker", "clip"))
        for name in np.unique(speaker):
            rows = np.flatnonzero((speaker == name) & ~np.isin(clip, held))
            parts = opened(gap[rows])
            for row, part in zip(rows, parts, strict=True):
                at = int(np.argmax(phones[row] > 0))
                self._add(str(name), mel[row], part, 0, at, int(phones[row, at]))

    def _captures(self, path: Path) -> None:
        """FACEGOOD's words after the pauses between them, but for the takes that are held out."""
        held = json.loads((SPLITS / "facegood" / "splits.json").read_text())["test"]["takes"]
        with np.load(path, allow_pickle=False) as file:
            sounds = [file[k] for k in ("mel", "loud", "hz")]
            controls, take = file["controls"], file["take"]
        columns = [ARKIT.index(name) for name in LEARNED_CONTROLS]
        head = LipHead(aria_head())
        gap = head(torch.from_numpy(controls[:, :, columns].astype(np.float32)))[..., 0].numpy()
        parts, ear = opened(gap), Ear(0, 1)
        for row in np.flatnonzero(~np.isin(take, held)):
            heard = ear.hear(row, *(sound[row] for sound in sounds)).heard[0, :, : len(LABELS)]
            for low, at in pauses(heard[:, 0] < 0.5):
                first = 1 + int(heard[at : at + CLEAR, 1:].sum(axis=0).argmax())
                self._add("facegood", sounds[0][row], parts[row], low, at, first)

    def _add(self, speaker: str, mel: np.ndarray, gap: np.ndarray, low: int, at: int, first: int) -> None:
        self.speaker.append(speaker)
        self.bands.append(broad(mel * np.float32(MEL_STEP) + np.float32(MEL_LOW)).astype(np.float16))
        self.gap.append(gap)
        self.low.append(low)
        self.at.append(at)
        self.shut.append(LABELS[first] in BILABIALS)

    def seen(self, number: int) -> np.ndarray:
        """The video's frames before the first word, those aside in which lips still close after a word before."""
        at, low = self.at[number], self.low[number]
        first = max(at - lip_opening_network.REACH_FRAMES, low + CLOSING if low else 0)
        return np.flatnonzero((self.middles < at) & (self.middles >= first))

    def pair(self, number: int, rng: np.random.Generator | None = None, deaf: bool = False) -> tuple:
        """Inputs [N, I] and how far the lips are parted [N]; with ``rng``, in another room."""
        at, low, seen, bands = self.at[number], self.low[number], self.seen(number), self.bands[number]
        if rng is not None:
            deaf = rng.random() < DEAF
            bands = in_another_room(bands, low, at, rng)
            at = int(
                np.clip(at + rng.integers(-SHIFT, SHIFT + 1), self.middles[seen[-1]] + 1, len(bands) - 1)
            )
        inputs = lip_opening_network.lip_opening_inputs(None if deaf else bands, low, at, self.shut[number])
        rows = self.middles[seen] - max(low, at - lip_opening_network.REACH_FRAMES)
        return inputs[rows[rows >= 0]], self.gap[number][seen[rows >= 0]]


def opened(gap: np.ndarray) -> np.ndarray:
    """A speaker's aperture [N, 75] as a part of the wide opening."""
    rest, high = np.percentile(gap, (10, 95))
    part: np.ndarray = np.clip((gap - rest) / (high - rest), 0, 1.2)
    return part.astype(np.float32)


def pauses(speech: np.ndarray) -> list[tuple[int, int]]:
    """Where pauses of PAUSE frames and more begin and end between frames of ``speech`` [T]."""
    spoken = np.flatnonzero(speech)
    found = zip(spoken[:-1] + 1, spoken[1:], strict=True)
    return [(int(a), int(b)) for a, b in found if b - a >= PAUSE and speech[b : b + CLEAR].mean() > 0.8]


def in_another_room(bands: np.ndarray, low: int, at: int, rng: np.random.Generator) -> np.ndarray:
    """Mostly with a higher floor."""
    if rng.random() > NOISY:
        return bands
    quiet = bands[low : max(at, lip_opening_network.FLOOR_FRAMES)]
    floor = np.percentile(quiet, lip_opening_network.FLOOR_PERCENTILE, axis=0)
    rise = rng.uniform(0, NOISE) * rng.random() + rng.normal(0, 0.3, bands.shape[1])
    return np.logaddexp(bands, floor + np.maximum(rise, 0))


def train(clips: Clips, speakers: list[str], seed: int, deaf: bool = False) -> nn.Sequential:
    """One network that has seen ``speakers``, each as often as the others."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    width = clips.pair(clips.of[speakers[0]][0])[0].shape[1]
    net = nn.Sequential(
        nn.Dropout(0.3), nn.Linear(width, HIDDEN), nn.ReLU(), nn.Dropout(0.3), nn.Linear(HIDDEN, 1)
    )
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=0.1)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, 1.5 * (1 - step / STEPS))
        numbers = [n for s in speakers for n in rng.choice(clips.of[s], MOST.get(s, EACH))]
        rows = [clips.pair(n, None, True) if deaf else clips.rooms[n][rng.integers(ROOMS)] for n in numbers]
        inputs, wanted = (torch.from_numpy(np.concatenate(part)) for part in zip(*rows, strict=True))
        loss = nn.functional.mse_loss(net(inputs)[:, 0], wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


def stacked(nets: list[nn.Sequential]) -> dict[str, np.ndarray]:
    """The members as facegen.motion.passes.lip_opening_network reads them."""
    layers = {
        "first": (1, "weight"),
        "first_bias": (1, "bias"),
        "second": (4, "weight"),
        "second_bias": (4, "bias"),
    }
    arrays = {
        name: np.stack([getattr(net[i], part).detach().numpy() for net in nets])
        for name, (i, part) in layers.items()
    }
    arrays["first"] = arrays["first"].transpose(0, 2, 1)
    arrays["second"], arrays["second_bias"] = arrays["second"][:, 0], arrays["second_bias"][:, 0]
    return {k: np.ascontiguousarray(v) for k, v in arrays.items()}


def judged(clips: Clips, speaker: str, model: dict[str, np.ndarray], deaf: bool = False) -> str:
    """Mean squared error, correlation over all frames, and of the clips' means."""
    pairs = [clips.pair(n, None, deaf) for n in clips.of[speaker]]
    made = [lip_opening_network.predict_lip_opening(x, model) for x, _ in pairs]
    true = [y for _, y in pairs]
    a, b = np.concatenate(made), np.concatenate(true)
    means = np.corrcoef([m.mean() for m in made], [t.mean() for t in true])[0, 1]
    return f"{np.mean((a - b) ** 2):.3f} {np.corrcoef(a, b)[0, 1]:6.2f} {means:6.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pieces", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--leave", nargs="*", default=[], help="speakers to leave out of --out")
    parser.add_argument("--judge", action="store_true", help="print the table of speakers left out in turn")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips = Clips(options.pieces)
    usable = [s for s, rows in clips.of.items() if len(rows) >= LEAST]
    if options.judge:
        print("left out  clips | error, r, r of means by the sound | by the time alone")
        for left in usable:
            rest = [s for s in usable if s != left]
            tables = []
            for deaf in (False, True):
                model = stacked([train(clips, rest, options.seed + k, deaf) for k in range(MEMBERS)])
                tables.append(judged(clips, left, model, deaf))
            print(f"{left:8} {len(clips.of[left]):6} | {tables[0]} | {tables[1]}", flush=True)
    if options.out:
        speakers = [s for s in usable if s not in options.leave]
        save_file(stacked([train(clips, speakers, options.seed + k) for k in range(MEMBERS)]), options.out)
        print(f"{options.out}: {options.out.stat().st_size / 1e3:.0f} kB, of {', '.join(speakers)}")


if __name__ == "__main__":
    main()
