"""Faces as the judge of portraits sees them, for tools/training/train_face_emotion.py: against a photo, by landmarks of
a tracker.

A tracker sees some facial actions weakly and takes others for their neighbours, and a photo may show a mouth that is open.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from facegen import api
from facegen.core.animation import Animation
from facegen.evaluation.metrics.face_emotion import ACTIONS
from facegen.evaluation.portrait import PortraitInputs, expressed
from facegen.portrait.photo import Photo
from facegen.portrait.scene import make_portrait_scene
from facegen.rig import ARKIT
from facegen.tracking.mediapipe_landmarks import face_finder
from facegen.tracking.video_frames import Video
from tools.evaluation.lip_tracking import EYES, LOWER_LIP, UPPER_LIP

SHOWN, HELD = 0.7, 14  # how strongly each action is shown in turn, and for how many frames
CLEAR = slice(4, HELD - 4)  # of those frames: the action is whole
RATE = Fraction(25)


def watched(clip: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """The pictures of a clip in which a face is found, and its landmarks [T, 478, 3]."""
    pictures, rows = [], []
    with closing(face_finder(faces=1)) as finder:
        for picture in Video(clip).pictures():
            found = finder.find(picture.pixels, round(picture.time * 1000))
            if found:
                pictures.append(picture.pixels)
                rows.append(found[0])
    return pictures, np.array(rows)


def still(rows: np.ndarray, opened: bool) -> int:
    """The frame with the widest or the smallest gap between the lips."""
    gap = np.linalg.norm(rows[:, UPPER_LIP, :2] - rows[:, LOWER_LIP, :2], axis=1)
    gap /= np.linalg.norm(rows[:, EYES[0], :2] - rows[:, EYES[1], :2], axis=1)
    return int(gap.argmax() if opened else gap.argmin())


def against_photos(clip: Path) -> list[Animation]:
    """The clip's face as change from its frame with the mouth shut, and from that with the mouth open."""
    pictures, rows = watched(clip)
    found = []
    for opened in (False, True):
        at = still(rows, opened)
        scene = make_portrait_scene(Photo(pictures[at], rows[at], False), str(clip))
        take = Animation(RATE, ARKIT, np.zeros((len(rows), len(ARKIT))))
        found.append(expressed(PortraitInputs(scene, take, RATE, rows, np.zeros(0), [])))
    return found


def actions_seen(clip: Path, folder: Path) -> np.ndarray:
    """How much of each of ACTIONS is seen where one of them is shown in a portrait of the person in ``clip`` [16, 16]:
    row shown, column seen. Files are written into ``folder``."""
    pictures, rows = watched(clip)
    at = still(rows, False)
    photo, take, video = (folder / f"{clip.stem}{end}" for end in (".png", ".json", ".mp4"))
    Image.fromarray(pictures[at]).save(photo)
    _each_action().save(take)
    command = ["-m", "facegen", "portrait", str(take), str(photo), "--fps", str(RATE), "-o", str(video)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    _, seen = watched(video)
    scene = make_portrait_scene(Photo(pictures[at], rows[at], False), str(clip))
    curves = expressed(PortraitInputs(scene, api.load(take), RATE, seen, np.zeros(0), []))
    both = np.stack([curves.select(names).values.mean(axis=1) for names in ACTIONS.values()], axis=1)
    return np.stack([part[CLEAR].mean(axis=0) for part in both.reshape(-1, HELD, len(ACTIONS))[1:]]) / SHOWN


def _each_action() -> Animation:
    """The face at rest, then each of ACTIONS, each HELD frames."""
    values = np.zeros((HELD * (1 + len(ACTIONS)), len(ARKIT)), np.float32)
    count = np.arange(HELD)
    course = SHOWN * np.clip(np.minimum(count, HELD - 1 - count) / CLEAR.start, 0, 1)
    for number, names in enumerate(ACTIONS.values(), 1):
        for name in names:
            values[number * HELD : (number + 1) * HELD, ARKIT.index(name)] = course
    return Animation(RATE, ARKIT, values)
