"""Draws the pictures that the documentation shows: each control, each named emotion, and the talking heads."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import facegen

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
SAMPLE = ROOT / "examples" / "hello.flac"
SIDE, OVERSAMPLING = 176, 3
"""Pixels of a committed picture, and how many times as large it is drawn."""
QUALITY = 80
CAMERA = {"position": [20.0, 3.5, 92.0], "target": [0.2, 0.2, 2.0]}
"""Of single faces, cm: 12 degrees to the character's left and close enough that an open jaw still fits."""
HEAD = 6  # columns of a head pose
JAW_WITH = {"mouthClose": 1.0, "mouthSticky": 0.35, "tongue": 0.4}
"""Controls that show only with an open jaw: the beginning of their names, and how far it opens."""
PASSES = ("expression", "head", "limit")
SILENCE_S, SILENCE_HZ = 8, 16_000
"""Sound for an emotion's picture: the mean of the curves over it is the emotion without its fluctuation."""
TALKERS = (("aria", "happy:0.6"), ("bruno", "angry:0.5"), ("edith", "surprised:0.4"))
TALK_S, TALK_FPS = 4.6, 20
TALK_SIZE = (256, 320)
TALK_QUALITY = 75


def listed(*words: str) -> list[dict[str, Any]]:
    """The JSON objects that ``facegen WORDS --json`` prints, one a line."""
    command = [sys.executable, "-m", "facegen", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return [json.loads(line) for line in done.stdout.splitlines()]


def jaw_of(control: str) -> float:
    """How far the jaw opens in the picture of ``control``."""
    return next((jaw for name, jaw in JAW_WITH.items() if control.startswith(name)), 0.0)


def draw_controls() -> None:
    """A picture a control of the rig aria, at the upper end of its range."""
    rows = listed("rig", "show", "aria")[0]["controls"]
    names = [row["name"] for row in rows]
    values = np.diag([row["high"] for row in rows]).astype(np.float32)
    jaw = names.index("jawOpen")
    for number, name in enumerate(names):
        values[number, jaw] = max(values[number, jaw], jaw_of(name))
    draw(facegen.Animation(30, tuple(names), values), ["neutral", *names], IMAGES / "controls")


def draw_emotions() -> None:
    """A picture a named emotion, at strength 1, of a face that says nothing."""
    names = [row["name"] for row in listed("emotions")]
    rows, poses = [], []
    for name in names:
        silence = np.zeros(SILENCE_S * SILENCE_HZ, np.float32)
        curves = facegen.animate(silence, rate=SILENCE_HZ, emotion=name, blink=False, passes=PASSES)
        rows.append(curves.values.mean(axis=0))
        poses.append(np.zeros(HEAD) if curves.head is None else curves.head.mean(axis=0))
    still = facegen.Animation(30, curves.controls, np.array(rows), np.array(poses))
    draw(still, ["", *(file_name(name) for name in names)], IMAGES / "emotions")


def file_name(emotion: str) -> str:
    """The name of an emotion's picture, without its suffix."""
    return emotion.replace(" ", "_")


def draw(animation: facegen.Animation, names: list[str], folder: Path) -> None:
    """A WebP a frame of ``animation`` in ``folder``, called ``names[1:]``; ``names[0]``, if any, is the rest pose."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    first = 0 if names[0] else 1
    rest = facegen.Animation(animation.fps, animation.controls, np.zeros((1, len(animation.controls))))
    shown = rest.concat(animation) if not first else animation
    large = SIDE * OVERSAMPLING
    with tempfile.TemporaryDirectory() as frames:
        camera = Path(frames) / "camera.json"
        camera.write_text(json.dumps(CAMERA))
        facegen.render(shown, f"{frames}/", rig="aria", size=f"{large}x{large}", camera=str(camera))
        for name, path in zip(names[first:], sorted(Path(frames).glob("*.png")), strict=True):
            with Image.open(path) as picture:
                small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            small.save(folder / f"{name}.webp", quality=QUALITY, method=6)
    print(f"{folder}: {len(names) - first} pictures")


def draw_talking() -> None:
    """The moving picture of the README: the three built-in heads say the beginning of the sample."""
    from PIL import Image

    width, height = TALK_SIZE
    columns = []
    for rig, emotion in TALKERS:
        take = facegen.animate(SAMPLE, emotion=emotion, fps=TALK_FPS, duration=TALK_S, seed=2)
        with tempfile.TemporaryDirectory() as frames:
            facegen.render(take, f"{frames}/", rig=rig, size=f"{width * 2}x{height * 2}")
            paths = sorted(Path(frames).glob("*.png"))
            columns.append([Image.open(path).convert("RGB").resize(TALK_SIZE) for path in paths])
    pictures = []
    for row in zip(*columns, strict=True):
        picture = Image.new("RGB", (width * len(row), height))
        for number, part in enumerate(row):
            picture.paste(part, (width * number, 0))
        pictures.append(picture)
    path = IMAGES / "talking.webp"
    pictures[0].save(
        path,
        save_all=True,
        append_images=pictures[1:],
        duration=round(1000 / TALK_FPS),
        loop=0,
        quality=TALK_QUALITY,
        method=6,
    )
    print(f"{path}: {len(pictures)} frames, {path.stat().st_size / 1e6:.2f} MB")


def draw_all() -> None:
    draw_talking()
    draw_controls()
    draw_emotions()
