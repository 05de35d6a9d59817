"""How good a portrait is: the video's tracked face against the take that drove it and the photo that it was made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike

import numpy as np
from scipy.ndimage import binary_dilation

from facegen.core.animation import Animation
from facegen.emotion.lexicon import CATEGORIES
from facegen.evaluation.metrics.curves import best_shift
from facegen.evaluation.metrics.eyes import blinks
from facegen.evaluation.metrics.face_emotion import face_emotion
from facegen.evaluation.metrics.inputs import Metric, MetricResult, NotApplicable
from facegen.evaluation.metrics.lips import lip_head
from facegen.portrait.image_metrics import grey, sharpness, ssim
from facegen.portrait.photo import read_photo
from facegen.portrait.scene import PortraitScene, make_portrait_scene
from facegen.portrait.watermark import watermark_score
from facegen.rig import ARKIT, load_rig
from facegen.tracking.control_solver import Solver, eye_span, lip_rows
from facegen.tracking.eyelids_gaze import EYES, REST, WIDE_AT_ONE
from facegen.tracking.head_pose import align, camera_axes, unposed
from facegen.tracking.landmarks_to_curves import bridged, solve_landmarks
from facegen.tracking.mediapipe_landmarks import face_finder
from facegen.tracking.rig_landmarks import load_rig_landmarks
from facegen.tracking.video_frames import Video

LATE_S = 0.4
SHAPE = tuple(range(0, 468, 3))
MARGIN = 0.12
"""What lies further than this from the person, in widths of the face, is background."""
STEADY = (1, 6, 168, 197, 195, 33, 133, 362, 263, 127, 356, 10, 151)
EVERY = 5
MARKED = 25


@dataclass(frozen=True, eq=False)
class PortraitInputs:
    """What the measures look at. ``rows`` [T, 478, 3] landmarks of the video; ``changes`` [T] mean second difference of
    the face's brightness; ``samples``: every EVERY-th frame."""

    scene: PortraitScene
    take: Animation
    fps: Fraction
    rows: np.ndarray
    changes: np.ndarray
    samples: list[np.ndarray]


def evaluate_portrait(
    video: str | PathLike,
    take: Animation,
    image: str | PathLike,
    progress: Callable[[str, float, float | None], None] | None = None,
) -> list[MetricResult]:
    """Findings on the portrait ``video`` of ``image`` that ``take`` drove.

    Raises VideoError for what is no video, ImageError for a frame without a face.
    """
    inputs = _track_video(video, take, image, progress)
    return [_compute(row, inputs) for row in ROWS]


def _compute(row: tuple[Metric, Callable[[PortraitInputs], float]], inputs: PortraitInputs) -> MetricResult:
    measure, run = row
    try:
        return MetricResult(measure, float(run(inputs)))
    except NotApplicable as reason:
        return MetricResult(measure, None, str(reason))


def _track_video(
    video: str | PathLike,
    take: Animation,
    image: str | PathLike,
    progress: Callable[[str, float, float | None], None] | None,
) -> PortraitInputs:
    recording = Video(video)
    scene = make_portrait_scene(read_photo(image, max(recording.size)), str(image))
    rows: list[np.ndarray] = []
    changes: list[float] = []
    samples: list[np.ndarray] = []
    low, high = (scene.puppet.head.outline.min(axis=0), scene.puppet.head.outline.max(axis=0))
    face = np.s_[int(max(low[1], 0)) : int(high[1]), int(max(low[0], 0)) : int(high[0])]
    last: list[np.ndarray] = []
    with closing(face_finder(faces=1)) as finder:
        for number, frame in enumerate(recording.pictures()):
            found = finder.find(frame.pixels, round(frame.time * 1000))
            rows.append(found[0] if found else np.full((478, 3), np.nan, np.float32))
            last = [*last[-2:], grey(frame.pixels[face])]
            if len(last) == 3:
                changes.append(float(np.abs(last[0] - 2 * last[1] + last[2]).mean()) / 2)
            if number % EVERY == 0 and len(samples) < 200:
                samples.append(frame.pixels)
            if progress is not None:
                progress("watch", float(frame.time), recording.seconds)
    fps = recording.timing()[0]
    return PortraitInputs(scene, take, fps, np.stack(rows), np.array(changes), samples)


def _apertures(inputs: PortraitInputs) -> tuple[np.ndarray, np.ndarray]:
    """The tracked and the driving gap of the lips over the distance of the outer eye corners, of the shared frames."""
    rows = inputs.rows
    eyes = np.linalg.norm(rows[:, 33] - rows[:, 263], axis=1)
    seen = (rows[:, 14, 1] - rows[:, 13, 1]) / eyes
    driven = lip_head(load_rig("aria")).aperture_and_width(_as(inputs))[0]
    count = min(len(seen), len(driven))
    seen, driven = seen[:count], np.maximum(driven[:count], 0.0)
    good = np.isfinite(seen)
    if good.sum() < 5 or np.ptp(driven) < 1e-4:
        raise NotApplicable("the mouth hardly moves or the face is lost")
    return np.interp(np.arange(count), np.flatnonzero(good), seen[good]), driven


def _as(inputs: PortraitInputs) -> Animation:
    return inputs.take.resample(inputs.fps)


def aperture_agreement(inputs: PortraitInputs) -> float:
    return best_shift(*_apertures(inputs), float(inputs.fps), LATE_S)[1]


def aperture_lag(inputs: PortraitInputs) -> float:
    shift, _ = best_shift(*_apertures(inputs), float(inputs.fps), LATE_S)
    return shift / 1000 * float(inputs.fps)


def background(inputs: PortraitInputs) -> float:
    scene = inputs.scene
    sheet = scene.puppet.sheet
    person = np.zeros(scene.photo.pixels.shape[:2], bool)
    left, top, right, bottom = sheet.box
    person[top:bottom, left:right] = sheet.alpha > 12
    reach = max(1, round(MARGIN * scene.puppet.head.face_size[0]))
    free = ~binary_dilation(person, iterations=reach)
    if not sheet.segmented or free.sum() < 200:
        raise NotApplicable("the photo shows no background that can be told from the person")
    return float(np.mean([ssim(frame, scene.photo.pixels, free) for frame in _same_size(inputs)]))


def _same_size(inputs: PortraitInputs) -> Iterator[np.ndarray]:
    shape = inputs.scene.photo.pixels.shape
    for frame in inputs.samples:
        if frame.shape == shape:
            yield frame
        else:
            raise NotApplicable("photo and video have unlike sizes")


def _still(inputs: PortraitInputs) -> tuple[np.ndarray, np.ndarray]:
    """The face's shape without pose in the photo [N, 2] and as it mostly is in the video [N, 2], in eye distances."""
    good = inputs.rows[np.isfinite(inputs.rows).all(axis=(1, 2))]
    if not len(good):
        raise NotApplicable("the face is lost")
    own = camera_axes(inputs.scene.photo.landmarks[None, :468])
    weight = np.zeros(468)
    weight[list(STEADY)] = 1.0
    rows = camera_axes(good[:, :468])
    still = np.median(unposed(rows, *align(rows, own[0], weight)), axis=0)
    span = float(np.linalg.norm(own[0, 33] - own[0, 263]))
    return own[0, :, :2] / span, still[:, :2] / span


def identity_shape(inputs: PortraitInputs) -> float:
    """RMS distance of the upper face's landmarks, which speech leaves in place, from the photo's."""
    own, still = _still(inputs)
    steady = own[:, 1] > own[2, 1]  # above the nose's base
    return float(np.sqrt(((own - still)[steady] ** 2).sum(axis=1).mean()))


def identity_texture(inputs: PortraitInputs) -> float:
    """Cosine of the colours at the landmarks in the photo and in the video, less their mean."""
    pixels = inputs.scene.photo.pixels

    def at(frame: np.ndarray, row: np.ndarray) -> np.ndarray:
        places = row[list(SHAPE), :2].round().astype(int)
        places = np.clip(places, 0, np.array(frame.shape[1::-1]) - 1)
        values = frame[places[:, 1], places[:, 0]].astype(np.float64)
        return (values - values.mean(axis=0)).ravel()

    own = at(pixels, inputs.scene.photo.landmarks)
    found = []
    for frame, row in zip(inputs.samples, inputs.rows[::EVERY], strict=False):
        if np.isfinite(row).all():
            other = at(frame, row)
            found.append(own @ other / max(np.linalg.norm(own) * np.linalg.norm(other), 1e-9))
    if not found:
        raise NotApplicable("the face is lost")
    return float(np.mean(found))


def flicker(inputs: PortraitInputs) -> float:
    if not len(inputs.changes):
        raise NotApplicable("fewer than three frames")
    return float(np.median(inputs.changes))


def mouth_sharpness(inputs: PortraitInputs) -> float:
    """Sharpness of the mouth region over that of the photo's face."""
    head = inputs.scene.puppet.head
    low, high = head.outline.min(axis=0).astype(int), head.outline.max(axis=0).astype(int)
    face = inputs.scene.photo.pixels[max(low[1], 0) : high[1], max(low[0], 0) : high[0]]
    found = []
    for frame, row in zip(inputs.samples, inputs.rows[::EVERY], strict=False):
        if np.isfinite(row).all():
            x, y = row[[61, 291, 0, 17], :2].T
            reach = 0.15 * (x.max() - x.min())
            top, bottom, left, right = y.min() - reach, y.max() + reach, x.min() - reach, x.max() + reach
            found.append(sharpness(frame[int(max(top, 0)) : int(bottom), int(max(left, 0)) : int(right)]))
    if not found:
        raise NotApplicable("the face is lost")
    return float(np.mean(found) / max(sharpness(face), 1e-6))


def expressed(inputs: PortraitInputs) -> Animation:
    """The controls that lead from the photo's face to the video's: what was put into it, whatever the photo shows."""
    face = load_rig_landmarks("aria")
    solver = Solver.of(face)
    good = np.isfinite(inputs.rows).all(axis=(1, 2))
    if not good.any():
        raise NotApplicable("the face is lost")
    photo = camera_axes(inputs.scene.photo.landmarks[None]) @ inputs.scene.puppet.head.rotation
    unit = float(eye_span(face, face.rest)) / float(np.linalg.norm(photo[0, 33] - photo[0, 263]))
    own = unit * photo[0]
    weight = np.zeros(len(own))
    weight[list(STEADY)] = 1.0
    rows = camera_axes(bridged(inputs.rows, good))
    still = unposed(rows, *align(rows, own, weight))
    placed, rest = still[:, face.landmarks], own[face.landmarks]
    lips = lip_rows(placed, face) - lip_rows(rest, face)
    found = solver.solve(placed - rest, lips, float(inputs.fps))
    values = np.zeros((len(found), len(ARKIT)))
    for name, curve in zip(solver.names, found.T, strict=True):
        if name in ARKIT:
            values[:, ARKIT.index(name)] = curve
    for eye in EYES:
        opened = [(r[list(eye.upper), 1] - r[list(eye.lower), 1]).mean() for r in (*still, own)]
        more = np.array(opened[:-1]) / max(opened[-1], 1e-6) - 1
        values[:, ARKIT.index("eyeWide" + eye.side)] = np.clip((more - REST) / WIDE_AT_ONE, 0, 1)
        values[:, ARKIT.index("eyeBlink" + eye.side)] = np.clip(-(more + REST) / (1 - REST), 0, 1)
    return Animation(inputs.fps, ARKIT, values.clip(0, 1))


def emotion_shares(inputs: PortraitInputs) -> np.ndarray:
    """How likely the face shows each of CATEGORIES, [8]."""
    shares = face_emotion(expressed(inputs))
    return np.array([shares[name] for name in CATEGORIES])


def emotion_shown(inputs: PortraitInputs) -> float:
    return float(np.argmax(emotion_shares(inputs)))


def blink_difference(inputs: PortraitInputs) -> float:
    curves = solve_landmarks(inputs.rows, inputs.fps)
    return float(len(blinks(curves)) - len(blinks(_as(inputs))))


def mark(inputs: PortraitInputs) -> float:
    return watermark_score(inputs.samples[:MARKED])


def _row(name: str, unit: str, better: str, formula: str, run: Callable[[PortraitInputs], float]) -> tuple:
    return Metric(name, "portrait", unit, better, (), "", formula, lambda _: None), run


ROWS: tuple[tuple[Metric, Callable[[PortraitInputs], float]], ...] = (
    _row("aperture_agreement", "r", "high", "correlation of tracked and driving lip gap", aperture_agreement),
    _row("aperture_lag", "frames", "range", "shift at which they agree best", aperture_lag),
    _row("background_ssim", "", "high", "SSIM with the photo away from the person", background),
    _row(
        "identity_shape", "eye distances", "low", "RMS change of the upper face's landmarks", identity_shape
    ),
    _row(
        "identity_texture", "cosine", "high", "colours at the landmarks beside the photo's", identity_texture
    ),
    _row("flicker", "of 255", "low", "median second difference of the face's brightness", flicker),
    _row("mouth_sharpness", "ratio", "high", "spread of LoG, mouth over the photo's face", mouth_sharpness),
    _row("emotion_shown", "category", "range", "what face_emotion names by the face's change", emotion_shown),
    _row("blinks_more", "blinks", "range", "blinks tracked less blinks driven", blink_difference),
    _row("mark_score", "sd", "high", "how clearly the pixels bear the invisible mark", mark),
)
