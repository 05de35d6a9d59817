"""Train the portrait's refiner and export it.

    python -m tools.training.cache_portraits --data ../shared/data --cache CACHE --clips 110 --rounds 6
    python -m tools.training.train_portrait_refiner --cache CACHE --pack pairs.npz
    python -m tools.training.train_portrait_refiner --cache pairs.npz --checkpoint STATE --out refiner.onnx
    python -m tools.evaluation.evaluate_portrait_refiner --cache CACHE --model refiner.onnx

The second writes the pairs small, for a machine with a GPU, which is used where there is one. Speakers and heads of
tools/training/portrait_refiner/pair_bank.py's HELD are never trained on, but judged by. The state is kept in
--checkpoint, so training goes on where it ended.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from facegen.portrait.refiner import MOUTH, PARTS, START
from tools.training.portrait_refiner import discriminator, packed_pairs
from tools.training.portrait_refiner.compositing import composed, painted
from tools.training.portrait_refiner.export import onnx_model, weights_of
from tools.training.portrait_refiner.network import refiner_net
from tools.training.portrait_refiner.pair_bank import Bank

EMA = 0.999
WARM_UP = 50
"""Steps in which the rate rises."""
COLOURS, EDGES, FEATURES, TRUTH, EMOTION = 6.0, 2.0, 2.0, 0.15, 0.1
BARS = 40  # lines of progress
SHOWN = ("loss", "critic", "untrue", "unlike", "reader", "unfelt")


def picture_loss(made: torch.Tensor, true: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Differences of colours and of edges where ``weight`` [N, 1, S, S] is."""
    loss = COLOURS * (weight * (made - true).abs()).sum() / weight.sum() / 3
    for step in (1, 2, 4):
        for dim in (2, 3):
            a, b = (x - torch.roll(x, step, dim) for x in (made, true))
            loss = loss + EDGES * (weight * (a - b).abs()).sum() / weight.sum() / 3
    return loss


class Trainer:
    def __init__(self, options: argparse.Namespace) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.zone = PARTS[options.part].zone
        self.net, self.mean = refiner_net(options.part), refiner_net(options.part)
        self.critic = discriminator.Critic()
        self.reader = discriminator.EmotionReader()
        if options.start:
            self.net.load_state_dict(weights_of(options.start.read_bytes(), options.part))
        self.mean.load_state_dict(self.net.state_dict())
        for net in (self.net, self.mean, self.critic, self.reader):
            net.to(self.device)
        self.best = torch.optim.AdamW(self.net.parameters(), lr=options.rate, weight_decay=1e-4)
        self.best_critic = torch.optim.AdamW(self.critic.parameters(), lr=options.rate, betas=(0.5, 0.99))
        self.best_reader = torch.optim.AdamW(self.reader.parameters(), lr=options.rate, weight_decay=1e-3)
        self.done, self.spent = 0, 0.0
        self._resume()

    def _parts(self) -> dict[str, torch.nn.Module]:
        return {"net.": self.net, "mean.": self.mean, "critic.": self.critic, "reader.": self.reader}

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam.": self.best, "adam_critic.": self.best_critic, "adam_reader.": self.best_reader}

    def _resume(self) -> None:
        note = self.options.checkpoint / "state.json"
        if not note.exists():
            return
        told = json.loads(note.read_text())
        self.done, self.spent = told["steps"], told["seconds"]
        state = load_file(self.options.checkpoint / "state.safetensors")
        for name, net in self._parts().items():
            net.load_state_dict({k.removeprefix(name): v for k, v in state.items() if k.startswith(name)})
        for name, best in self._optimizers().items():
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for key, value in state.items():
                if key.startswith(name):
                    _, number, kind = key.split(".")
                    moments.setdefault(int(number), {})[kind] = value
            best.load_state_dict({"state": moments, "param_groups": best.state_dict()["param_groups"]})

    def keep(self) -> None:
        state = {f"{name}{k}": v for name, net in self._parts().items() for k, v in net.state_dict().items()}
        for name, best in self._optimizers().items():
            for number, moments in best.state_dict()["state"].items():
                state |= {f"{name}{number}.{k}": v.detach().clone() for k, v in moments.items()}
        self.options.checkpoint.mkdir(parents=True, exist_ok=True)
        save_file(
            {k: v.contiguous() for k, v in state.items()}, self.options.checkpoint / "state.safetensors"
        )
        told = {"steps": self.done, "seconds": self.spent}
        (self.options.checkpoint / "state.json").write_text(json.dumps(told))

    def progress(self) -> float:
        """How much of training is done, 0..1, by steps or by minutes."""
        by_time = self.spent / (60 * self.options.minutes) if self.options.minutes else 0.0
        return max(self.done / self.options.steps, by_time)

    def read(self, bank: Bank) -> None:
        """Teach the reader of emotions by true pictures, before painted ones are judged by it."""
        shares = []
        for number in range(self.options.reading):
            rng = np.random.default_rng([self.options.seed, 7, number])
            batch = bank.batch(self.options.batch, rng, grid_share=0.0)
            loss = discriminator.emotion_loss(self.reader, batch["true"], batch["tokens"])
            _go(self.best_reader, loss, self.reader)
            rows, which = discriminator.told_emotions(batch["tokens"])
            shares.append((self.reader(batch["true"][rows]).argmax(dim=1) == which).float().mean().item())
        if shares:
            print(f"emotions read rightly at last: {np.mean(shares[-50:]):.2f}", flush=True)

    def run(self, bank: Bank) -> None:
        if not self.done:
            self.read(bank)
        losses: list[torch.Tensor] = []
        last_saved = self.progress()
        self.net.train()
        while self.progress() < 1:
            began = time.monotonic()
            rng = np.random.default_rng([self.options.seed, self.done])
            torch.manual_seed(self.options.seed * 1_000_003 + self.done)
            rate = self.options.rate * min(1.0, (1 + self.done) / WARM_UP, 2 * (1 - self.progress()) + 1e-3)
            for best in self._optimizers().values():
                for group in best.param_groups:
                    group["lr"] = rate
            losses.append(self.step(bank.batch(self.options.batch, rng), rng))
            self.done += 1
            if self.done % 20 == 0 and self.device.type == "cuda":
                torch.cuda.synchronize()
            self.spent += time.monotonic() - began
            if self.progress() >= min(1.0, last_saved + 1 / BARS):
                last_saved = self.progress()
                self.keep()
                means = torch.stack(losses).mean(dim=0).tolist()
                text = " ".join(f"{n} {v:.3f}" for n, v in zip(SHOWN, means, strict=True))
                print(f"{self.done}: {text}, {self.spent:.0f} s", flush=True)
                losses = []

    def step(self, batch: dict[str, torch.Tensor], rng: np.random.Generator) -> torch.Tensor:
        true, condition = batch["true"], batch["condition"]
        angle = torch.from_numpy(rng.uniform(0.02, START, len(true)).astype(np.float32)).to(self.device)
        # Sampling starts from the warped picture: the noisier, the nearer to it.
        near = (angle / START)[:, None, None, None]
        turn = angle[:, None, None, None]
        noisy = torch.cos(turn) * (true * (1 - near) + condition[:, :3] * near)
        noisy = noisy + torch.sin(turn) * torch.randn_like(true)
        made = composed(self.net(noisy, condition, angle, batch["tokens"]), condition, self.zone)
        weight = painted(condition, self.zone)
        aim = condition[:, :3] + (true - condition[:, :3]) * weight
        loss = picture_loss(made, aim, weight)
        critic_weight = min(1.0, max(0.0, (self.progress() - self.options.alone) / 0.1))
        untrue = unlike = told = torch.zeros((), device=self.device)
        if self.progress() > self.options.alone / 2:
            told = discriminator.taught(self.critic, aim, made.detach(), condition)
            _go(self.best_critic, told, self.critic)
        if critic_weight:
            untrue, unlike = discriminator.judged(self.critic, aim, made, condition)
        read = discriminator.emotion_loss(self.reader, aim, batch["tokens"])
        _go(self.best_reader, read, self.reader)
        unfelt = discriminator.emotion_loss(self.reader, made, batch["tokens"])
        judged = TRUTH * untrue + FEATURES * unlike + EMOTION * unfelt
        _go(self.best, loss + critic_weight * judged, self.net)
        share = min(EMA, (1 + self.done) / (10 + self.done))
        with torch.no_grad():
            for mean, now in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(now, 1 - share)
        return torch.stack([x.detach() for x in (loss, told, untrue, torch.as_tensor(unlike), read, unfelt)])


def _go(best: torch.optim.Optimizer, loss: torch.Tensor, net: torch.nn.Module) -> None:
    best.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    best.step()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="folder of pairs, or what --pack wrote")
    parser.add_argument("--part", choices=sorted(PARTS), default=MOUTH)
    parser.add_argument("--pack", type=Path, help="write the pairs of --cache to this file and stop")
    parser.add_argument("--megabytes", type=float, default=40, help="of --pack at most")
    parser.add_argument("--checkpoint", type=Path, help="folder for the state of training")
    parser.add_argument("--out", type=Path, help="the ONNX file")
    parser.add_argument("--start", type=Path, help="begin with the weights of this ONNX file")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, help="end after so many, whatever the steps")
    parser.add_argument("--reading", type=int, default=1000, help="steps in which emotions are read at first")
    parser.add_argument(
        "--alone",
        type=float,
        default=0.15,
        help="part of training before the critic is heard; 2: it never is",
    )
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.pack:
        print(
            f"{options.pack}: {packed_pairs.pack(options.cache, options.pack, int(options.megabytes * 1e6))} files"
        )
        return
    if options.checkpoint is None:
        parser.error("--checkpoint is needed to train")
    torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    trainer = Trainer(options)
    bank = Bank(packed_pairs.read(options.cache), trainer.device)
    print({kind: [len(r) for r in rows] for kind, rows in bank.rows.items()}, len(bank.held), flush=True)
    trainer.run(bank)
    content = onnx_model(trainer.mean.eval().cpu(), options.seed, trainer.done)
    if options.out:
        options.out.write_bytes(content)
        print(f"{options.out}: {len(content) / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    main()
