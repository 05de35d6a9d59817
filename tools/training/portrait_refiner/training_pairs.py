"""Training pairs of the refiner: a warped mouth (or eye), and the true one that it should look like.

GRID: a still of a clip is made to show the clip's other frames by the curves that ``facegen track`` finds in them.
Rendered heads: a picture of a head at rest is made to show controls, which the renderer shows truly; some show an emotion,
of which the network is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path

import numpy as np

from facegen.core.animation import HEAD_CHANNELS, Animation
from facegen.core.mesh import Mesh
from facegen.core.registry import Registry
from facegen.emotion import Emotion, EmotionTrack, named_emotions
from facegen.emotion.action_units import action_unit_table
from facegen.emotion.lexicon import CATEGORIES
from facegen.portrait.conditioning import conditioning_vectors
from facegen.portrait.crops import Crop
from facegen.portrait.opengl import GLRenderer
from facegen.portrait.photo import Photo
from facegen.portrait.refiner import EYES, MOUTH, PARTS
from facegen.portrait.scene import PortraitScene, make_portrait_scene
from facegen.renderers import camera_for, make_background
from facegen.renderers.opengl import open_context
from facegen.rig import Rig, load_rig
from facegen.tracking.landmarks_to_curves import solve_landmarks
from facegen.tracking.mediapipe_landmarks import face_finder
from facegen.tracking.video_frames import Video

STEADY = (1, 168, 6, 197, 195, 5, 4, 33, 133, 362, 263, 127, 356, 234, 454, 10, 151, 9)
"""Landmarks that talking leaves in place: what frames are laid over one another by."""
SPOKEN = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthSmile*", "mouthLowerDown*", "mouthUpperUp*",
          "mouthStretch*", "mouthRollLower", "mouthRollUpper", "mouthFrown*", "mouthPress*", "mouthShrug*")  # fmt: skip
LOOKED = ("eyeBlink*", "eyeSquint*", "eyeWide*", "eyeLookDown*", "eyeLookUp*", "browDown*", "browInnerUp*",
          "browOuterUp*", "cheekSquint*", "mouthSmile*")  # fmt: skip
MOVED = {MOUTH: SPOKEN, EYES: LOOKED}
GAPS = {MOUTH: ((13, 14),), EYES: ((159, 145), (386, 374))}
"""Landmarks between which there is a gap that opens and shuts."""
MOST_SHUT = {"ict": 0.6}
"""Rigs whose lids, shut further, show what is behind them."""
RENDERED = 320
EMOTIONAL = 0.5  # of the pictures of rendered heads


def grid_pairs(
    path: Path, rng: np.random.Generator, count: int, part: str = MOUTH
) -> Iterator[dict[str, np.ndarray]]:
    """Pairs of one clip."""
    frames = [picture.pixels for picture in Video(path).pictures()]
    with closing(face_finder(faces=1)) as finder:
        found = [finder.find(pixels, 40 * n) for n, pixels in enumerate(frames)]
    if not all(found):
        return
    rows = np.stack([faces[0] for faces in found])
    tokens = conditioning_vectors(len(rows), Fraction(25), None, str(path))
    curves = _blinking_together(solve_landmarks(rows, 25)) if part == EYES else solve_landmarks(rows, 25)
    gap = _gap(rows, part)
    calm = int(np.argmax(gap) if part == EYES else np.argmin(gap))
    still = calm if rng.random() < 0.6 else int(rng.integers(len(rows)))
    photo = Photo(frames[still], rows[still], False)
    scene = make_portrait_scene(photo, str(path))
    assert curves.head is not None
    head = curves.head - curves.head[still]
    values = np.array(curves.values)
    seen = curves.values[still] - _as_arkit(scene, curves)
    changed = np.abs(gap - gap[calm])
    # Open mouths and shut eyes are what there is to learn.
    likely = 0.15 + changed / max(float(changed.max()), 1e-6)
    chosen = np.sort(rng.choice(len(rows), min(count, len(rows)), replace=False, p=likely / likely.sum()))
    for number, square, pair, steady in _warped(scene, curves.controls, values - seen, head, chosen, part):
        matrix = _similarity(rows[number, list(STEADY), :2].astype(np.float64), steady)
        pair["true"] = _moved(square, matrix).cut(frames[number])
        pair["tokens"] = tokens[number]
        yield pair


def _as_arkit(scene: PortraitScene, curves: Animation) -> np.ndarray:
    """What the scene holds for the photo's expression, on the curves' controls."""
    head = scene.puppet.head
    return np.array(
        [head.at_rest[head.controls.index(n)] if n in head.controls else 0.0 for n in curves.controls]
    )


def _gap(rows: np.ndarray, part: str) -> np.ndarray:
    """How far mouth or eyes are open in each frame, over the distance of the eyes [T]."""
    between = [np.linalg.norm(rows[:, a, :2] - rows[:, b, :2], axis=1) for a, b in GAPS[part]]
    return np.mean(between, axis=0) / np.linalg.norm(rows[:, 33, :2] - rows[:, 263, :2], axis=1)


def _blinking_together(curves: Animation) -> Animation:
    """Both eyes blink as they do on average: a blink is one, and small eyes are tracked loosely."""
    values = np.array(curves.values)
    both = [curves.controls.index(n) for n in ("eyeBlinkLeft", "eyeBlinkRight")]
    values[:, both] = values[:, both].mean(axis=1, keepdims=True)
    return replace(curves, values=values)


def _similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """[2, 3] of the similarity that takes the places ``target`` [n, 2] nearest to ``source`` [n, 2]."""
    a, b = target, source
    ca, cb = a - a.mean(axis=0), b - b.mean(axis=0)
    z = ((ca[:, 0] + 1j * ca[:, 1]).conj() @ (cb[:, 0] + 1j * cb[:, 1])) / (np.abs(ca) ** 2).sum()
    turn = np.array([[z.real, -z.imag], [z.imag, z.real]])
    return np.column_stack([turn, b.mean(axis=0) - turn @ a.mean(axis=0)])


def _moved(square: Crop, matrix: np.ndarray) -> Crop:
    corner = np.array(square.corner) + square.side / 2
    size = square.side * float(np.sqrt(np.linalg.det(matrix[:, :2])))
    middle = matrix[:, :2] @ corner + matrix[:, 2]
    return Crop(tuple((middle - size / 2).tolist()), size)


def _warped(
    scene: PortraitScene,
    controls: tuple[str, ...],
    values: np.ndarray,
    head: np.ndarray,
    chosen: np.ndarray,
    part: str,
) -> Iterator[tuple[int, Crop, dict[str, np.ndarray], np.ndarray]]:
    puppet = scene.puppet
    maps = PARTS[part].maps(puppet)
    before = np.maximum(chosen - 1, 0)
    order = np.stack([before, chosen], axis=1).ravel()
    steady = [puppet.vertex_at(n) for n in STEADY]
    take = Animation(Fraction(25), controls, values[order].clip(-1, 1).astype(np.float32), head[order])
    rows, poses = puppet.rows(take)
    context = open_context()
    try:
        stage = GLRenderer(context, scene.photo.pixels, puppet, scene.skin, scene.eyes)
        rest = puppet.at(0 * rows[0], 0 * poses[0])
        sources = [places.square(rest).cut(scene.photo.pixels) for places in maps]
        for first in range(0, len(order), 2):
            last, now = (puppet.at(rows[n], poses[n]) for n in (first, first + 1))
            drawn = [stage.draw(instant) for instant in (last, now)]
            for places, source in zip(maps, sources, strict=True):
                square = places.square(now)
                pair = {
                    "warped": square.cut(drawn[1], stage.box[:2]),
                    "source": source,
                    "map": places.map(now, square),
                    "before": places.square(last).cut(drawn[0], stage.box[:2]),
                }
                yield int(chosen[first // 2]), square, pair, now.skin[steady, :2] * (1.0, -1.0)
    finally:
        context.release()


def heads(data: Path) -> list[Rig]:
    """ICT-FaceKit's identities, and ours."""
    ict = load_rig(data / "ict-facekit")
    deltas = np.load(data / "ict-facekit" / "identities.npz")["identity_deltas"].astype(np.float32)
    mesh = ict.mesh
    assert mesh is not None
    grown = [
        replace(ict, name=f"ict{n}", mesh=Mesh(mesh.vertices + d, mesh.faces, mesh.uvs, mesh.colors))
        for n, d in enumerate(deltas)
        if d.shape == mesh.vertices.shape
    ]
    return [*grown, *(load_rig(name) for name in ("aria", "bruno", "edith"))]


def painted(rig: Rig, rng: np.random.Generator) -> Rig:
    """``rig`` with another skin: darker or lighter, more or less red."""
    mesh = rig.mesh
    assert mesh is not None
    gain = rng.uniform(0.35, 1.15) * np.array((1.0, rng.uniform(0.88, 1.05), rng.uniform(0.82, 1.08)))
    skins = {p.material for p in rig.parts if p.material.lower().split()[0] in ("skin", "face", "head")}
    if any("texture" in rig.materials.get(name, {}) for name in skins):
        tint = {"tint": np.clip(gain**2.2, 0, 1).tolist()}
        return replace(
            rig, materials={k: {**m, **(tint if k in skins else {})} for k, m in rig.materials.items()}
        )
    assert mesh.colors is not None
    colors = mesh.colors[:, :3].astype(np.float32)
    bright = np.zeros(len(colors), bool)
    for part in rig.parts:
        if part.material in skins:
            bright[slice(*part.vertices)] = True
    colors[bright] = colors[bright] * gain
    own = Mesh(mesh.vertices, mesh.faces, mesh.uvs, np.clip(colors, 0, 255).astype(np.uint8))
    return replace(rig, mesh=own)


def rendered_pairs(
    rig: Rig, rng: np.random.Generator, count: int, part: str = MOUTH
) -> Iterator[dict[str, np.ndarray]]:
    """Pairs of one head."""
    rig = painted(rig, rng)
    values = _moves(rig, rng, count, part)
    tokens = np.repeat(conditioning_vectors(1, Fraction(25), None, None), count + 1, axis=0)
    for row in np.flatnonzero(rng.random(count) < EMOTIONAL) + 1:
        _feel(rig, values[row], tokens[row], rng)
    frames = _drawn(rig, values, rng)
    with closing(face_finder(faces=1)) as finder:
        found = finder.find(np.ascontiguousarray(frames[0]), 0)
    if not found:
        return
    scene = make_portrait_scene(Photo(frames[0], found[0], False), rig.name)
    chosen = np.arange(1, count + 1)
    none = np.zeros((count + 1, 6))
    for number, square, pair, _ in _warped(scene, rig.control_names, values, none, chosen, part):
        pair["true"] = square.cut(frames[number])
        pair["tokens"] = tokens[number]
        yield pair


def _moves(rig: Rig, rng: np.random.Generator, count: int, part: str) -> np.ndarray:
    """Controls at rest, then ``count`` times moved as ``part`` moves, alike on both sides [count + 1, C]."""
    names = rig.control_names
    values = np.zeros((count + 1, len(names)), np.float32)
    likely = [n for n, c in enumerate(names) if any(fnmatchcase(c, pattern) for pattern in MOVED[part])]
    opened = names.index("jawOpen" if part == MOUTH else "eyeBlinkLeft")
    for row in values[1:]:
        few = rng.choice(likely, 4, replace=False)
        row[few] = rng.uniform(0, 0.6, 4)
        if rng.random() < 0.6:
            row[opened] = rng.uniform(0.05, 0.5) if part == MOUTH else 1 - rng.uniform(0, 1) ** 2
    for n, name in enumerate(names):
        if name.endswith("Right") and not name.startswith(("jaw", "mouthRight")):
            other = name[:-5] + "Left"
            if other in names:
                values[:, n] = values[:, names.index(other)]
    lids = [n for n, name in enumerate(names) if name.startswith("eyeBlink")]
    values[:, lids] *= MOST_SHUT.get(rig.name[:3], 1.0)
    return values


def _feel(rig: Rig, values: np.ndarray, tokens: np.ndarray, rng: np.random.Generator) -> None:
    """Put an emotion's mean controls over half of what is said, and tell it."""
    name, amount = CATEGORIES[int(rng.integers(1, len(CATEGORIES)))], rng.uniform(0.4, 1.0)
    table, names = action_unit_table(), tuple(named_emotions())
    shown = amount * table.mean[names.index(name)] @ table.to
    values *= 0.5
    for control, value in zip(table.controls, shown, strict=True):
        if control in rig.control_names:
            values[rig.control_names.index(control)] += value
    np.clip(values, 0, 1, out=values)
    track = EmotionTrack(base=Emotion.from_weights({name: amount}))
    tokens[:] = conditioning_vectors(1, Fraction(25), track, None)[0]


def _drawn(rig: Rig, values: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    size = (RENDERED, RENDERED)
    camera = camera_for(rig, "front", size)
    color = "#" + "".join(f"{int(c):02x}" for c in rng.integers(40, 200, 3))
    take = Animation(Fraction(25), rig.control_names, values, np.zeros((len(values), len(HEAD_CHANNELS))))
    drawn = (
        Registry("renderers")
        .get("raster")()
        .frames(rig, take, camera, size, make_background(color, size), fine=True)
    )
    gamma, gain = rng.uniform(0.8, 1.3), rng.uniform(0.7, 1.1, 3)
    return [np.clip(255 * gain * (f[..., :3] / 255.0) ** gamma, 0, 255).astype(np.uint8) for f in drawn]
