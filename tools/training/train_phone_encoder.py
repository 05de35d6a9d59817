"""Train the phone encoder and export it.

    python -m tools.training.train_phone_encoder --cache CACHE --out facegen/models/phones.onnx --minutes 40

The cache is made by tools/training/align_corpora.py and tools/training/cache_speech.py. Training goes on from its
checkpoint if there is one; a GPU is used where torch finds one.
"""

from __future__ import annotations

import argparse
import math
import queue
import threading
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from tools.training.phone_encoder import batches, export, viseme_classes
from tools.training.phone_encoder.network import PhoneNet

_WARM_UP = 200  # steps
_EMA = 0.998
_SAVE_EVERY_S = 120


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument(
        "--out", type=Path, required=True, help="the ONNX file; the checkpoint lies beside the log"
    )
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument(
        "--start",
        type=Path,
        nargs="+",
        help="an exported network to go on from, or the mean of several, its normalisations as they are",
    )
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument(
        "--steps", type=int, help="train so many steps instead: then the same seed gives the same weights"
    )
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--batch", type=int, default=32, help="crops of 4 s")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--version", default="1")
    options = parser.parse_args()
    trainer = Trainer(options)
    trainer.run()
    write(trainer.averaged, options)


def write(model: PhoneNet, options: argparse.Namespace) -> None:
    """Export a network."""
    content = export.onnx_model(model.eval(), options.seed, options.version).SerializeToString()
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content) / 1e6:.2f} MB", flush=True)


def mean_of(paths: list[Path], model: PhoneNet) -> dict[str, torch.Tensor]:
    """The mean weights of exported networks, each of which is read into ``model``."""
    states = []
    for path in paths:
        export.load(path, model)
        states.append({k: v.detach().clone() for k, v in model.state_dict().items()})
    return {k: sum(s[k] for s in states) / len(states) for k in states[0]}


class Trainer:
    """The network, its running average, and the state that a checkpoint holds."""

    def __init__(self, options: argparse.Namespace) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.supply = batches.Batches(options.cache, options.seed, options.batch)
        self.model = PhoneNet(options.channels, options.dropout)
        if options.start:
            self.model.load_state_dict(mean_of(options.start, self.model))
        else:
            mean, deviation = self.supply.statistics()
            self.model.mean.copy_(torch.from_numpy(mean))
            self.model.scale.copy_(torch.from_numpy(1 / deviation))
        self.model.to(self.device)
        self.averaged = PhoneNet(options.channels, options.dropout).to(self.device)
        self.averaged.load_state_dict(self.model.state_dict())
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=options.rate, weight_decay=0.01)
        self.classes = torch.from_numpy(viseme_classes.membership()).to(self.device)
        self.step, self.spent = 0, 0.0
        if options.checkpoint.is_file():
            self.resume()

    def run(self) -> None:
        """Train until the steps, or else the minutes, are over."""
        total, start, saved, shown = (
            self.options.minutes * 60,
            time.monotonic() - self.spent,
            time.monotonic(),
            [],
        )
        for mel, labels in _ahead(self.supply):
            self.spent = time.monotonic() - start
            done = self.step / self.options.steps if self.options.steps else self.spent / total
            if done >= 1:
                break
            shown.append(self.learn(mel.to(self.device), labels.to(self.device), done))
            if self.step % 50 == 0:
                loss, hits, visemes = np.mean(shown, axis=0)
                print(
                    f"step {self.step}  {self.spent / 60:.1f}/{self.options.minutes:g} min  loss {loss:.3f}  "
                    f"phones {hits:.3f}  visemes {visemes:.3f}",
                    flush=True,
                )
                shown = []
            if time.monotonic() - saved > _SAVE_EVERY_S:
                self.save()
                saved = time.monotonic()
        self.save()

    def learn(self, mel: torch.Tensor, labels: torch.Tensor, done: float) -> tuple[float, float, float]:
        """One step; gives loss, phone and viseme accuracy of the batch."""
        rate = (
            self.options.rate * min(1.0, (self.step + 1) / _WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * done))
        )
        for group in self.optimizer.param_groups:
            group["lr"] = max(rate, 1e-5)
        self.model.train()
        if self.options.start:
            for part in self.model.modules():
                if isinstance(part, torch.nn.BatchNorm1d):
                    part.eval()
        with torch.autocast(self.device.type, torch.bfloat16):
            scores, _ = self.model(mel)
        known = labels >= 0
        scores, labels = scores.float()[known], labels[known]
        groups = torch.log(scores.exp() @ self.classes.T + 1e-8)  # N V
        truth = self.classes.argmax(dim=0)[labels]
        loss = F.cross_entropy(scores, labels, label_smoothing=0.08) + 0.4 * F.nll_loss(groups, truth)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        self.optimizer.step()
        self.step += 1
        self.average()
        with torch.no_grad():
            hits = (scores.argmax(-1) == labels).float().mean().item()
            return loss.item(), hits, (groups.argmax(-1) == truth).float().mean().item()

    @torch.no_grad()
    def average(self) -> None:
        """Move the running average of the weights towards the weights."""
        keep = min(_EMA, (1 + self.step) / (10 + self.step))
        for mine, new in zip(
            self.averaged.state_dict().values(), self.model.state_dict().values(), strict=True
        ):
            if mine.dtype.is_floating_point:
                mine.mul_(keep).add_(new, alpha=1 - keep)
            else:
                mine.copy_(new)

    def save(self) -> None:
        """Write the checkpoint."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"averaged.{k}": v for k, v in self.averaged.state_dict().items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{k}": v for k, v in state.items()}
        tensors["progress"] = torch.tensor([self.step, self.spent], dtype=torch.float64)
        tensors = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
        temporary = self.options.checkpoint.with_suffix(".tmp")
        save_file(tensors, temporary)
        temporary.replace(self.options.checkpoint)

    def resume(self) -> None:
        """Go on from the checkpoint."""
        tensors = load_file(self.options.checkpoint)
        self.model.load_state_dict(_under(tensors, "model."))
        self.averaged.load_state_dict(_under(tensors, "averaged."))
        state: dict[int, dict] = {}
        for key, value in _under(tensors, "optimizer.").items():
            number, name = key.split(".", 1)
            state.setdefault(int(number), {})[name] = value
        whole = self.optimizer.state_dict()
        self.optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
        self.step, self.spent = int(tensors["progress"][0]), float(tensors["progress"][1])
        self.supply = batches.Batches(self.options.cache, self.options.seed + self.step, self.options.batch)
        print(f"going on from step {self.step}", flush=True)


def _under(tensors: dict, prefix: str) -> dict:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _ahead(supply: batches.Batches):
    """Batches as tensors, two of them made ahead in a thread."""
    ready: queue.Queue = queue.Queue(maxsize=2)

    def fill() -> None:
        for mel, labels in supply:
            ready.put((torch.from_numpy(mel), torch.from_numpy(labels)))

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield ready.get()


if __name__ == "__main__":
    main()
