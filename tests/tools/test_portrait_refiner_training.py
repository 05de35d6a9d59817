"""The refiner's training side: what it sees is what the product makes, pairs travel small, training goes on."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch (extra: train)")
pytest.importorskip("diffusers", reason="the refiner's network is built on diffusers (extra: portrait)")
pytest.importorskip("cv2", reason="portraits need OpenCV, which mediapipe brings (extra: portrait)")
import torch

from facegen.portrait.crops import SIDE
from facegen.portrait.refiner import EYES, MOUTH, PARTS, kept, stacked
from facegen.rig import load_rig
from tools.training import train_portrait_refiner
from tools.training.portrait_refiner import discriminator, packed_pairs, training_pairs
from tools.training.portrait_refiner.compositing import composed
from tools.training.portrait_refiner.export import onnx_model, weights_of
from tools.training.portrait_refiner.network import refiner_net
from tools.training.portrait_refiner.pair_bank import Bank, person


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


@pytest.mark.parametrize("part", [MOUTH, EYES])
def test_training_sees_what_the_product_composes(part):
    zone = PARTS[part].zone
    file = pairs("grid-s1-a")
    condition = stacked(*(file[k][2] for k in ("warped", "source", "map", "before")))
    clean = np.random.default_rng(1).uniform(-1, 1, (3, SIDE, SIDE)).astype(np.float32)
    product = file["warped"][2] + 127.5 * kept(clean - condition[:3], condition, zone).transpose(1, 2, 0)
    made = composed(torch.from_numpy(clean)[None], torch.from_numpy(condition)[None], zone)[0].permute(
        1, 2, 0
    )
    np.testing.assert_allclose((made.numpy() + 1) * 127.5, product, atol=0.6)
    far = file["map"][2][..., 0] == 0
    far[10:-10, 5:-5] = False
    np.testing.assert_allclose(product[far], file["warped"][2][far], atol=1.0)


def test_pairs_travel_small(tmp_path):
    from safetensors.numpy import save_file

    for n, name in enumerate(("grid-s1-a", "grid-multi-s2_b", "head-ict3-0")):
        file = pairs(name, seed=n)
        if name == "head-ict3-0":  # eyes: two photos by turns
            file["source"][1] = 255 - file["source"][1]
        save_file({k: v for k, v in file.items() if k != "name"}, tmp_path / f"{name}.safetensors")
    assert packed_pairs.pack(tmp_path, tmp_path / "pairs.npz", 10**6) == 3
    for file in packed_pairs.unpack(tmp_path / "pairs.npz"):
        seed = ("grid-s1-a", "grid-multi-s2_b", "head-ict3-0").index(str(file["name"]))
        for key, value in pairs(str(file["name"]), seed=seed).items():
            if key == "source" and seed == 2:
                value[1] = 255 - value[1]
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

    def train(steps: int, folder: str) -> train_portrait_refiner.Trainer:
        options = argparse.Namespace(
            seed=1,
            rate=1e-4,
            steps=4,
            batch=2,
            minutes=None,
            checkpoint=tmp_path / folder,
            start=None,
            reading=2,
            part=MOUTH,
            alone=0.15,
        )
        trainer = train_portrait_refiner.Trainer(options)
        trainer.progress = lambda: trainer.done / 4 if trainer.done < steps else 1.0
        trainer.run(bank)
        return trainer

    whole, _ = train(4, "whole"), train(2, "parts")
    parts = train(4, "parts")
    for a, b in zip(whole.mean.parameters(), parts.mean.parameters(), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("part", [MOUTH, EYES])
def test_training_goes_on_from_a_file(part):
    torch.manual_seed(3)
    net = refiner_net(part)
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    found = weights_of(onnx_model(net, 1, 0), part)
    assert set(found) == set(net.state_dict())
    for name, value in net.state_dict().items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-4, msg=name)


def test_the_reader_tells_emotions_apart_and_only_where_one_is_told():
    torch.manual_seed(0)
    tokens = torch.zeros(6, 2, 16)
    for row, emotion in enumerate((1, 1, 2, 2)):
        tokens[row, 0, emotion] = 0.8
    tokens[4, 0, 0], tokens[5, 0, 3] = 1.0, 0.1  # neutral, and too little of another
    rows, which = discriminator.told_emotions(tokens)
    assert rows.tolist() == [0, 1, 2, 3] and which.tolist() == [1, 1, 2, 2]
    bright = torch.tensor([0.5, 0.5, -0.5, -0.5, 0.0, 0.0])[:, None, None, None].expand(6, 3, 128, 128)
    reader = discriminator.EmotionReader()
    best = torch.optim.Adam(reader.parameters(), 1e-3)
    first = discriminator.emotion_loss(reader, bright, tokens).item()
    for _ in range(30):
        best.zero_grad()
        loss = discriminator.emotion_loss(reader, bright, tokens)
        loss.backward()
        best.step()
    assert loss.item() < 0.2 * first
    assert discriminator.emotion_loss(reader, bright, tokens[4:].repeat(3, 1, 1)).item() == 0
    turned = bright.clone().requires_grad_()
    discriminator.emotion_loss(reader, turned, tokens[[2, 2, 0, 0, 4, 4]]).backward()
    assert turned.grad[:4].abs().sum() > 0 and turned.grad[4:].abs().sum() == 0


@pytest.mark.slow
def test_a_head_that_feels_is_told_and_shown(data_folder):
    pytest.importorskip("mediapipe")
    rig = training_pairs.painted(load_rig("aria"), np.random.default_rng(0))
    assert rig.materials["skin"]["tint"] != [1.0, 1.0, 1.0]
    made = list(training_pairs.rendered_pairs(rig, np.random.default_rng(1), 8))
    told = np.stack([p["tokens"] for p in made])[:, 0, 1:8].max(axis=1)
    assert 1 <= (told > 0.3).sum() <= 7 and all(p["true"].shape == (128, 128, 3) for p in made)
