"""Train the portrait's refiner and export it.

    python tools/cache_portraits.py --data ../shared/data --cache CACHE
    python tools/train_refiner.py --cache CACHE --checkpoint STATE --out refiner.onnx

Speakers and heads of HELD are never trained on; the table compares the refined with the warped picture on them. The
state is kept in --checkpoint, so training goes on where it ended; with more steps it goes on from there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from facegen.portrait.refine import START, stacked  # noqa: E402
from tools.refiner.export import onnx_model  # noqa: E402
from tools.refiner.judge import compared  # noqa: E402
from tools.refiner.net import RefinerNet  # noqa: E402

HELD = ("grid-multi-s30", "grid-multi-s33", "head-ict24", "head-ict25", "head-ict26", "head-ict27",
        "head-ict28", "head-ict29", "head-ict30", "head-ict31", "head-edith")  # fmt: skip
GRID_SHARE = 0.65
"""Of a batch; rendered heads are the rest."""
EMA = 0.995
KEEP_EVERY = 100


class Pairs:
    """Cached pairs: those to train on, real and rendered, and those held out."""

    def __init__(self, folder: Path) -> None:
        self.kinds: dict[str, list[dict[str, np.ndarray]]] = {"grid": [], "head": [], "held": []}
        from safetensors.numpy import load_file as load

        for path in sorted(folder.glob("*.safetensors")):
            kind = "held" if path.name.startswith(HELD) else path.name.split("-")[0]
            self.kinds[kind].append({**load(path), "name": np.array(path.stem)})

    def batch(self, size: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        rows = []
        for _ in range(size):
            files = self.kinds["grid" if rng.random() < GRID_SHARE else "head"] or self.kinds["grid"]
            file = files[int(rng.integers(len(files)))]
            rows.append(varied(pair_of(file, int(rng.integers(len(file["true"])))), rng))
        return {key: torch.from_numpy(np.stack([row[key] for row in rows])) for key in rows[0]}


def pair_of(file: dict[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
    """One pair as the network takes it."""
    pictures = (file[key][number] for key in ("warped", "source", "map", "before"))
    true = file["true"][number].astype(np.float32).transpose(2, 0, 1) / 127.5 - 1
    return {"condition": stacked(*pictures), "true": true, "tokens": file["tokens"][number]}


def varied(pair: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The pair mirrored or not, in other light: the same for all its pictures."""
    condition, true = pair["condition"].copy(), pair["true"].copy()
    if rng.random() < 0.5:
        condition, true = condition[..., ::-1], true[..., ::-1]
    gain = (rng.uniform(0.6, 1.15) * rng.uniform(0.85, 1.15, 3)).astype(np.float32)[:, None, None]
    shown = condition.copy()
    for first in (0, 3, 9):
        shown[first : first + 3] = (condition[first : first + 3] + 1) * gain - 1
    lit = np.minimum((true + 1) * gain - 1, 1.0)
    return {**pair, "condition": np.minimum(shown, 1.0).astype(np.float32), "true": lit.astype(np.float32)}


def loss_of(clean: torch.Tensor, true: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
    """Differences of colours and of edges, most about the lips."""
    lips = functional.max_pool2d((condition[:, 6:7] + 1) / 2, 9, 1, 4)
    weight = 0.3 + 2 * lips
    loss = (weight * (clean - true).abs()).mean()
    for step in (1, 2, 4):
        for dim in (2, 3):
            a, b = (x - torch.roll(x, step, dim) for x in (clean, true))
            loss = loss + 0.35 * (weight * (a - b).abs()).mean()
    return loss


class Trainer:
    def __init__(self, options: argparse.Namespace) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.net, self.mean = RefinerNet(), RefinerNet()
        self.mean.load_state_dict(self.net.state_dict())
        self.best = torch.optim.AdamW(self.net.parameters(), lr=options.rate, weight_decay=1e-4)
        self.done = 0
        self._resume()

    def _state(self) -> dict[str, torch.Tensor]:
        state = {f"net.{k}": v for k, v in self.net.state_dict().items()}
        state |= {f"mean.{k}": v for k, v in self.mean.state_dict().items()}
        for number, moments in self.best.state_dict()["state"].items():
            state |= {f"adam.{number}.{k}": v.detach().clone() for k, v in moments.items()}
        return {k: v.contiguous() for k, v in state.items()}

    def _resume(self) -> None:
        note = self.options.checkpoint / "state.json"
        if not note.exists():
            return
        self.done = json.loads(note.read_text())["steps"]
        state = load_file(self.options.checkpoint / "state.safetensors")
        for name, net in (("net.", self.net), ("mean.", self.mean)):
            net.load_state_dict({k.removeprefix(name): v for k, v in state.items() if k.startswith(name)})
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in state.items():
            if key.startswith("adam."):
                _, number, kind = key.split(".")
                moments.setdefault(int(number), {})[kind] = value
        groups = self.best.state_dict()["param_groups"]
        self.best.load_state_dict({"state": moments, "param_groups": groups})

    def keep(self) -> None:
        self.options.checkpoint.mkdir(parents=True, exist_ok=True)
        save_file(self._state(), self.options.checkpoint / "state.safetensors")
        (self.options.checkpoint / "state.json").write_text(json.dumps({"steps": self.done}))

    def run(self, pairs: Pairs) -> None:
        began, total = time.process_time(), 0.0
        self.net.train()
        while self.done < self.options.steps:
            rng = np.random.default_rng([self.options.seed, self.done])
            torch.manual_seed(self.options.seed * 1_000_003 + self.done)
            for group in self.best.param_groups:
                group["lr"] = self.options.rate * min(
                    1.0, self.done / 50, 2 * (1 - self.done / self.options.steps)
                )
            total += self.step(pairs.batch(self.options.batch, rng), rng)
            self.done += 1
            if self.done % KEEP_EVERY == 0 or self.done == self.options.steps:
                self.keep()
                spent = time.process_time() - began
                print(f"{self.done}: loss {total / KEEP_EVERY:.4f}, {spent:.0f} s of CPU", flush=True)
                total = 0.0

    def step(self, batch: dict[str, torch.Tensor], rng: np.random.Generator) -> float:
        size = len(batch["true"])
        angle = torch.from_numpy(rng.uniform(0.02, START, size).astype(np.float32))
        # Sampling starts from the warped picture: the noisier, the nearer to it.
        near = (angle / START)[:, None, None, None]
        from_picture = batch["true"] * (1 - near) + batch["condition"][:, :3] * near
        noise = torch.randn_like(batch["true"])
        turn = angle[:, None, None, None]
        noisy = torch.cos(turn) * from_picture + torch.sin(turn) * noise
        clean = self.net(noisy, batch["condition"], angle, batch["tokens"])
        loss = loss_of(clean, batch["true"], batch["condition"])
        self.best.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.best.step()
        share = min(EMA, (1 + self.done) / (10 + self.done))
        with torch.no_grad():
            for mean, now in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(now, 1 - share)
        return float(loss.detach())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder for the state of training")
    parser.add_argument("--out", type=Path, help="the ONNX file")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--judge", action="store_true", help="print the table of held-out pairs")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pairs, trainer = Pairs(options.cache), Trainer(options)
    print({kind: len(files) for kind, files in pairs.kinds.items()}, flush=True)
    trainer.run(pairs)
    content = onnx_model(trainer.mean.eval(), options.seed, trainer.done)
    if options.out:
        options.out.write_bytes(content)
        print(f"{options.out}: {len(content) / 1e6:.2f} MB", flush=True)
    if options.judge:
        print("\n".join(compared(content, pairs.kinds["held"])), flush=True)


if __name__ == "__main__":
    main()
