"""The refiner's training side: what it sees is what the product makes, pairs travel small, training goes on."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch (extra: train)")
pytest.importorskip("diffusers", reason="the refiner's network is built on diffusers (extra: portrait)")
pytest.importorskip("cv2", reason="portraits need OpenCV, which mediapipe brings (extra: portrait)")
import torch

from facegen.portrait.crop import SIDE
from facegen.portrait.refine import kept, stacked
from tools import train_refiner
from tools.refiner import packed
from tools.refiner.bank import Bank, person
from tools.refiner.compose import composed


def pairs(name: str, count: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    """Smooth pictures of a mouth-like blob, as the cache holds them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    places = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    for n in range(count):
        places[n, ..., 0] = 255 * ((x / 0.3) ** 2 + (y / 0.2) ** 2 < 1)
        places[n, ..., 1] = 255 * ((x / 0.2) ** 2 + (y / (0.04 + 0.05 * n)) ** 2 < 1)
    skin = rng.uniform(90, 200, 3) + 40 * np.sin(6 * x + seed)[..., None]
    true = np.clip(skin - 0.5 * places[..., 1:2], 0, 255).astype(np.uint8)
    warped = np.clip(true.astype(int) + 12 * (places[..., :1] > 0), 0, 255).astype(np.uint8)
    source = np.repeat(true[:1], count, axis=0)
    tokens = rng.random((count, 2, 16)).astype(np.float32)
    return {"true": true, "warped": warped, "before": warped, "source": source, "map": places, "tokens": tokens,
            "name": np.array(name)}  # fmt: skip


def test_training_sees_what_the_product_composes():
    file = pairs("grid-s1-a")
    condition = stacked(*(file[k][2] for k in ("warped", "source", "map", "before")))
    clean = np.random.default_rng(1).uniform(-1, 1, (3, SIDE, SIDE)).astype(np.float32)
    product = file["warped"][2] + 127.5 * kept(clean - condition[:3], condition).transpose(1, 2, 0)
    made = composed(torch.from_numpy(clean)[None], torch.from_numpy(condition)[None])[0].permute(1, 2, 0)
    np.testing.assert_allclose((made.numpy() + 1) * 127.5, product, atol=0.6)
    far = file["map"][2][..., 0] == 0
    far[10:-10, 5:-5] = False
    np.testing.assert_allclose(product[far], file["warped"][2][far], atol=1.0)


def test_pairs_travel_small(tmp_path):
    from safetensors.numpy import save_file

    for n, name in enumerate(("grid-s1-a", "grid-multi-s2_b", "head-ict3-0")):
        file = pairs(name, seed=n)
        save_file({k: v for k, v in file.items() if k != "name"}, tmp_path / f"{name}.safetensors")
    assert packed.pack(tmp_path, tmp_path / "pairs.npz", 10**6) == 3
    for file in packed.unpack(tmp_path / "pairs.npz"):
        seed = ("grid-s1-a", "grid-multi-s2_b", "head-ict3-0").index(str(file["name"]))
        for key, value in pairs(str(file["name"]), seed=seed).items():
            if key not in ("name", "tokens"):
                assert np.abs(file[key].astype(int) - value).mean() < 3, key


def test_each_person_is_drawn_as_often_and_held_ones_never():
    names = ["grid-s1-a", "grid-s1-b", "grid-multi-s2_a", "grid-multi-s30_a", "head-ict3-0", "head-ict24-1"]
    assert [person(n) for n in names] == [
        "grid-s1", "grid-s1", "grid-multi-s2", "grid-multi-s30", "head-ict3", "head-ict24"]  # fmt: skip
    bank = Bank([pairs(n, seed=i) for i, n in enumerate(names)], torch.device("cpu"))
    assert [str(f["name"]) for f in bank.held] == ["grid-multi-s30_a", "head-ict24-1"]
    assert [len(r) for r in bank.rows["grid"]] == [3, 6] and [len(r) for r in bank.rows["head"]] == [3]
    batch = bank.batch(8, np.random.default_rng(0))
    assert batch["condition"].shape == (8, 12, SIDE, SIDE) and batch["true"].shape == (8, 3, SIDE, SIDE)
    assert batch["condition"].abs().max() <= 1.2 and torch.isfinite(batch["true"]).all()


@pytest.mark.slow
def test_training_goes_on_where_it_ended(tmp_path):
    bank = Bank([pairs("grid-s1-a"), pairs("head-ict3-0", seed=1)], torch.device("cpu"))

    def train(steps: int, folder: str) -> train_refiner.Trainer:
        options = argparse.Namespace(
            seed=1, rate=1e-4, steps=4, batch=2, minutes=None, checkpoint=tmp_path / folder
        )
        trainer = train_refiner.Trainer(options)
        trainer.progress = lambda: trainer.done / 4 if trainer.done < steps else 1.0
        trainer.run(bank)
        return trainer

    whole, _ = train(4, "whole"), train(2, "parts")
    parts = train(4, "parts")
    for a, b in zip(whole.mean.parameters(), parts.mean.parameters(), strict=True):
        torch.testing.assert_close(a, b)
