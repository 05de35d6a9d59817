"""Train the learned decoder and export it.

    python -m tools.training.train_lip_decoder --cache CACHE --data ../shared/data --out facegen/models/lips.onnx

The cache is made by tools/training/cache_lips.py. Each member is a network of its own seed; the exported decoder is their
mean. Finished members, the state of the one in work and a plot of the losses are kept in --checkpoint, so training
goes on where it ended. A GPU is used if there is one. ``--leave s31`` leaves a GRID speaker out and reports on that
speaker: leave-one-speaker-out.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from tools.training.lip_decoder import batches, export, losses, time_stretch
from tools.training.lip_decoder.batches import AFTER, BEFORE
from tools.training.lip_decoder.network import LipNet, controls

SPLITS = Path(__file__).resolve().parents[2] / "datasets"
SHARES = {"s1": 0.55, "facegood": 0.14, "nobody": 0.05}
"""Of a batch; the other speakers share the rest evenly."""
KNOWN_SPEAKER = (
    0.5  # how often a piece comes with its speaker's place; without, the network learns the mean of all
)
WARM_UP = 0.15
EMA = 0.97


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder with ict-facekit")
    parser.add_argument("--out", type=Path, help="the ONNX file")
    parser.add_argument(
        "--checkpoint", type=Path, help="folder for finished members and the state of training"
    )
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument(
        "--only", type=int, help="train this member alone, for several processes with one --checkpoint"
    )
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--until", type=int, help="stop each member after so many of its steps")
    parser.add_argument("--batch", type=int, default=32, help="pieces of 3 s")
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--dropout", type=float, default=0.15)
    parser.add_argument("--leave", nargs="*", default=[], help="GRID speakers to leave out")
    parser.add_argument(
        "--all-takes", action="store_true", help="learn from the FACEGOOD takes of the test split too"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--version", default="1")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    corpus = Corpus(options)
    models = []
    for number in range(options.members) if options.only is None else [options.only]:
        trainer = Trainer(options, corpus, number)
        trainer.run()
        models.append(trainer.averaged.eval())
        report(f"mean of {number + 1}", models, corpus)
    if options.out:
        speakers = {s: batches.places()[i].round(4).tolist() for i, s in enumerate(batches.SPEAKERS)}
        content = export.onnx_model([m.net.cpu() for m in models], speakers, options.seed, options.version)
        options.out.write_bytes(content.SerializeToString())
        print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB", flush=True)


class Corpus:
    """All pieces, and who trains and who tests."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.pieces = batches.join(
            [f(options.cache) for f in (batches.grid, batches.facegood, batches.readers)]
        )
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.bank = batches.Bank(self.pieces, self.device)
        self.lips = tuple(head.to(self.device) for head in losses.heads(options.data))
        held_clips = json.loads((SPLITS / "grid" / "splits.json").read_text())["test"]["clips"]
        held_takes = held_out_takes()
        p = self.pieces
        speaker = np.array([*batches.SPEAKERS, "nobody"])[p.who]
        self.tests = {
            "s1's other clips": (speaker == "s1") & np.isin(p.name, held_clips),
            "facegood's other takes": (speaker == "facegood") & np.isin(p.name, held_takes),
            **{name: speaker == name for name in options.leave},
        }
        learned = [m for n, m in self.tests.items() if not (options.all_takes and n.startswith("facegood"))]
        train = ~np.logical_or.reduce(learned)
        groups = {s: np.flatnonzero(train & (speaker == s)) for s in np.unique(speaker[train])}
        self.groups = dict(sorted(groups.items(), key=lambda item: p.kind[item[1][0]]))
        self.chances = {
            s: evenly(p.name[rows] if s == "facegood" else rows) for s, rows in self.groups.items()
        }
        others = [s for s in self.groups if s not in SHARES]
        left = (1 - sum(SHARES.values())) / max(1, len(others))
        shares = np.array([SHARES.get(s, left) for s in self.groups])
        self.shares = shares / shares.sum()

    def draw(self, rng: np.random.Generator, size: int) -> batches.Batch:
        """So many of each speaker as their share of ``size`` makes, the last ones by chance."""
        whole = np.floor(self.shares * size).astype(int)
        rest = self.shares * size - whole
        for n in rng.choice(len(rest), size - whole.sum(), replace=False, p=rest / rest.sum()):
            whole[n] += 1
        rows = np.concatenate(
            [
                rng.choice(self.groups[name], count, p=self.chances[name])
                for name, count in zip(self.groups, whole, strict=True)
            ]
        )
        return self.bank.batch(rows, rng.integers(0, self.pieces.heard.shape[1], size))


def draw_curve(path: Path, curve: list[tuple[int, dict[str, float]]]) -> None:
    """The terms of the loss by step, each over its first value, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(9, 5))
    for name, first in curve[0][1].items():
        axis.plot(
            [step for step, _ in curve], [terms[name] / max(first, 1e-9) for _, terms in curve], label=name
        )
    axis.set(xlabel="step", ylabel="loss over its first value", yscale="log")
    axis.legend(ncol=3, fontsize=8)
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def evenly(names: np.ndarray) -> np.ndarray:
    """Chances [N] by which each of the different ``names`` [N] is drawn as often as the others."""
    _, which, counts = np.unique(names, return_inverse=True, return_counts=True)
    return 1 / counts[which] / len(counts)


def held_out_takes() -> list[str]:
    """FACEGOOD takes of the test split."""
    return json.loads((SPLITS / "facegood" / "splits.json").read_text())["test"]["takes"]


class Placed(torch.nn.Module):
    """The network with the places of the speakers in the space of styles; nobody's place is the middle."""

    places: torch.Tensor

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.net = LipNet(channels, dropout)
        self.register_buffer("places", torch.from_numpy(batches.places()))

    def forward(self, batch: batches.Batch, who: torch.Tensor, articulation: torch.Tensor) -> torch.Tensor:
        style = torch.cat([articulation[:, None], self.places[who]], dim=1)
        with torch.autocast(batch.posteriors.device.type, torch.bfloat16, enabled=self.training):
            made = self.net(batch.posteriors, batch.prosody, style)
        made = made.float()
        return made[:, BEFORE : made.shape[1] - AFTER] * batch.gate[..., None]


class Trainer:
    """One member: the network, its running average, and the state that a checkpoint holds."""

    def __init__(self, options: argparse.Namespace, corpus: Corpus, number: int) -> None:
        self.options, self.corpus, self.number = options, corpus, number
        self.seed = options.seed * 1000 + number
        torch.manual_seed(self.seed)
        self.model = Placed(options.channels, options.dropout).to(corpus.device)
        self.averaged = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=options.rate, weight_decay=0.02)
        self.step = 0
        folder = options.checkpoint
        self.path = None if folder is None else folder / f"member{number}.safetensors"
        if self.path is not None and self.path.is_file():
            self.resume()

    def run(self) -> None:
        start, recent = time.monotonic(), []
        curve: list[tuple[int, dict[str, float]]] = []
        for step in range(self.step, self.options.until or self.options.steps):
            rng = np.random.default_rng((self.seed, step))
            torch.manual_seed(self.seed * 100_003 + step)
            batch = self.corpus.draw(rng, self.options.batch)
            batch = time_stretch.said_again(batch, *time_stretch.drawn(rng, batch))
            recent.append(self.learn(batch, rng, step))
            if step % 50 == 49:
                terms = {k: float(np.mean([s[k].item() for s in recent if k in s])) for k in losses.WEIGHTS}
                text = " ".join(f"{k} {v:.3f}" for k, v in terms.items())
                print(
                    f"member {self.number} step {step + 1} {time.monotonic() - start:.0f} s  {text}",
                    flush=True,
                )
                recent = []
                curve.append((step + 1, terms))
                self.save(step + 1)
        self.save(self.options.until or self.options.steps)
        if curve and self.path is not None:
            draw_curve(self.path.with_suffix(".png"), curve)

    def learn(self, batch: batches.Batch, rng: np.random.Generator, step: int) -> dict[str, torch.Tensor]:
        """One step; gives the terms of the loss, on the device."""
        done = step / self.options.steps
        rate = self.options.rate * min(1.0, (done + 0.005) / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * done))
        for group in self.optimizer.param_groups:
            group["lr"] = max(rate, 1e-5)
        self.model.train()
        known = torch.from_numpy(rng.random(len(batch)) < KNOWN_SPEAKER).to(self.corpus.device)
        who = torch.where(known, batch.who, torch.full_like(batch.who, batches.NOBODY))
        drawn = rng.uniform(-1, 1, len(batch)) * (rng.random(len(batch)) < 0.4)
        articulation = torch.from_numpy(drawn.astype(np.float32)).to(self.corpus.device)
        terms = losses.losses(batch, self.model(batch, who, articulation), articulation, self.corpus.lips)
        loss = sum(losses.WEIGHTS[k] * v for k, v in terms.items())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[union-attr]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        keep = min(EMA, (1 + step) / (10 + step))
        with torch.no_grad():
            for mine, new in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
                mine.mul_(keep).add_(new, alpha=1 - keep)
        return {k: v.detach() for k, v in terms.items()}

    def save(self, step: int) -> None:
        if self.path is None:
            return
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"averaged.{k}": v for k, v in self.averaged.state_dict().items()}
        for key, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{key}.{k}": v for k, v in state.items()}
        tensors["step"] = torch.tensor(step)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, temporary)
        temporary.replace(self.path)

    def resume(self) -> None:
        assert self.path is not None
        tensors = load_file(self.path)
        for name, model in (("model.", self.model), ("averaged.", self.averaged)):
            model.load_state_dict({k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)})
        state: dict[int, dict] = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, number, name = key.split(".", 2)
                state.setdefault(int(number), {})[name] = value
        whole = self.optimizer.state_dict()
        self.optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
        self.step = int(tensors["step"])
        print(f"member {self.number}: going on from step {self.step}", flush=True)


@torch.no_grad()
def report(title: str, models: list[Placed], corpus: Corpus) -> None:
    """Medians over pieces of the correlation of aperture and width on the first head, or of the captured jaw."""
    for name, mask in corpus.tests.items():
        rows = np.flatnonzero(mask)
        batch = corpus.bank.batch(rows, np.zeros(len(rows), int))
        nobody, zero = (
            torch.full_like(batch.who, batches.NOBODY),
            torch.zeros(len(rows), device=corpus.device),
        )
        made = controls(torch.stack([m(batch, nobody, zero) for m in models]).mean(dim=0))
        at25 = losses.at_video(made)
        gap, width = corpus.lips[0](at25).unbind(dim=-1)
        if batch.filmed:
            aperture, across = (
                losses.alike(a, b).median() for a, b in ((gap, batch.gap), (width, batch.width))
            )
            near = (losses.at_video(batch.gate[..., None])[..., 0] > 0.5).float()
            spoken = losses.alike(gap, batch.gap, near).median()
            high, real = torch.quantile(gap, 0.95), torch.quantile(batch.gap, 0.95)
            print(
                f"{title}: {name}: aperture {aperture:.3f} ({spoken:.3f} near speech) width {across:.3f} "
                f"95th percentile of the gap {high:.3f} ({real:.3f})",
                flush=True,
            )
        else:
            jaw = losses.alike(at25[..., 0].reshape(1, -1), batch.curves[..., 0].reshape(1, -1))
            print(f"{title}: {name}: jaw {float(jaw):.3f}", flush=True)


if __name__ == "__main__":
    main()
