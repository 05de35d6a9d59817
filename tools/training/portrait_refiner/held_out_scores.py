"""How near the refined part of a face comes to the true one, beside the warped one alone."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter

from facegen.portrait.crops import Region
from facegen.portrait.image_metrics import likeness, sharpness, ssim
from facegen.portrait.refiner import MOUTH, PARTS, Sampler, stacked

SHOWN = 3  # pairs of each clip or head that a sheet shows


def compared(sampler: Sampler, files: list[dict[str, np.ndarray]], zone: Region) -> list[str]:
    """A table: the measures of the warped and the refined picture by corpus."""
    rows: dict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)
    for file in files:
        corpus = str(file["name"]).split("-")[0]
        for number in range(len(file["true"])):
            warped, true = file["warped"][number], file["true"][number]
            refined = refined_of(sampler, file, number, zone)
            place = maximum_filter(file["map"][number][..., 0] > 0, 2 * min(zone.reach, 7) + 1)
            for name, picture in (("warped", warped), ("refined", refined)):
                rows[corpus, name].append(judged(picture.astype(np.float64), true.astype(np.float64), place))
    lines = [f"{'':16} {'pairs':>6} {'L1':>7} {'SSIM':>7} {'unlike':>7} {'sharp':>7}"]
    for (corpus, name), found in sorted(rows.items()):
        mean = np.mean(found, axis=0)
        lines.append(f"{corpus + ' ' + name:16} {len(found):6} " + " ".join(f"{v:7.4f}" for v in mean))
    return lines


def emotions_read(sampler: Sampler, files: list[dict[str, np.ndarray]], steps: int = 1200) -> str:
    """How often a reader that learned from true mouths of heads to train on tells the emotion of held-out heads' mouths:
    true ones, warped ones, refined ones; chance is one in seven."""
    import torch

    from tools.training.portrait_refiner.discriminator import EmotionReader, emotion_loss, told_emotions
    from tools.training.portrait_refiner.pair_bank import HELD, Bank

    torch.manual_seed(101)
    bank, reader, rng = Bank(files, torch.device("cpu")), EmotionReader(), np.random.default_rng(101)
    best = torch.optim.AdamW(reader.parameters(), 5e-4, weight_decay=1e-3)
    for _ in range(steps):
        batch = bank.batch(32, rng, grid_share=0.0)
        best.zero_grad()
        emotion_loss(reader, batch["true"], batch["tokens"]).backward()
        best.step()
    right: dict[str, list[bool]] = defaultdict(list)
    for file in (f for f in files if str(f["name"]).startswith(HELD)):
        rows, which = told_emotions(torch.from_numpy(file["tokens"]))
        for number, wanted in zip(rows.tolist(), which.tolist(), strict=True):
            shown = {"true": file["true"][number], "warped": file["warped"][number]}
            for name, picture in {
                **shown,
                "refined": refined_of(sampler, file, number, PARTS[MOUTH].zone),
            }.items():
                pixels = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
                right[name].append(int(reader(pixels).argmax()) == wanted)
    shares = ", ".join(f"{name} {np.mean(found):.2f}" for name, found in right.items())
    return f"emotion read in {len(right['true'])} mouths of held-out heads: {shares}"


def refined_of(sampler: Sampler, file: dict[str, np.ndarray], number: int, zone: Region) -> np.ndarray:
    """The refined picture [S, S, 3] of one pair, 0..255."""
    condition = stacked(*(file[key][number] for key in ("warped", "source", "map", "before")))
    change = sampler.sample(condition, file["tokens"][number], zone)
    refined: np.ndarray = np.clip(file["warped"][number] + change, 0, 255)
    return refined


def sheet(sampler: Sampler, files: list[dict[str, np.ndarray]], zone: Region, path: Path) -> None:
    """A PNG of pairs: the photo's part, warped, refined, true."""
    from PIL import Image

    rows = []
    for file in files[:24]:
        cells = []
        for number in np.linspace(0, len(file["true"]) - 1, SHOWN).astype(int):
            refined = refined_of(sampler, file, number, zone)
            cells += [file["source"][number], file["warped"][number], refined.round().astype(np.uint8)]
            cells.append(file["true"][number])
        rows.append(np.concatenate(cells, axis=1))
    Image.fromarray(np.concatenate(rows)).save(path)


def judged(picture: np.ndarray, true: np.ndarray, place: np.ndarray) -> tuple[float, ...]:
    """Within ``place``: mean difference (0..255), SSIM, unlikeness of edges, sharpness over the true one's."""
    return (
        float(np.abs(picture - true)[place].mean()),
        ssim(picture, true, place),
        likeness(picture, true, place),
        sharpness(picture, place) / max(sharpness(true, place), 1e-6),
    )
