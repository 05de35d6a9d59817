"""A video of an actor beside our head saying the same, with phones and both lip apertures under a moving cursor.

    python -m tools.evaluation.side_by_side clip.mp4 out.mp4 --text "bin blue at f three soon" --frames strips/

The head is animated from the clip's sound (or given as ``--animation``) at the video's frame times. ``--frames`` also
writes a picture of both mouths around each p b m f v w: the frame before, the middle one and the one after. The actor's
lips are tracked by mediapipe (the `track` extra), kept in ``--cache``; drawing needs the `render` extra and matplotlib.
All frames are held at once: for clips of seconds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from facegen import api
from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.errors import FacegenError
from facegen.core.files import write_atomic
from facegen.core.registry import Registry
from facegen.evaluation.metrics.curves import correlation
from facegen.evaluation.metrics.lips import POINTS, SHUT, lip_head
from facegen.pipeline.animate import animate
from facegen.renderers import camera_for, clip_writer, make_background
from facegen.renderers.clip import Clip
from facegen.renderers.images import pillow, png_bytes
from facegen.rig import Rig, load_rig
from facegen.speech.phones import Phone, PhoneTrack
from tools.evaluation.evaluate_lips import given_phones
from tools.evaluation.lip_tracking import EYES, LEFT_CORNER, RIGHT_CORNER, aperture_and_width, track

FACE = 360  # pixels a side of either face
DRAWN = 2 * FACE  # a side of our head as it is drawn, from which mouths are cut
CHART = 160  # height of the curves
MOUTH = 240  # pixels a side of a mouth in a strip
MOUTH_SIDE = 1.1  # of the distance of the outer eye corners
LOOKED_AT = ("P", "B", "M", "F", "V", "W")
PAPER, CURSOR = "#2b2f36", (255, 210, 90)


@dataclass(frozen=True)
class Shot:
    """One clip: the actor's frames [T, H, W, 3] and landmarks [T, 478, 3], our animation and what is said."""

    fps: Fraction
    actor: np.ndarray
    points: np.ndarray
    animation: Animation
    phones: PhoneTrack

    @property
    def count(self) -> int:
        return min(len(self.actor), len(self.points), len(self.animation))


def read_video(path: Path) -> tuple[Fraction, np.ndarray]:
    """Frame rate and frames [T, H, W, 3] uint8."""
    import av

    with av.open(str(path)) as container:
        rate = Fraction(container.streams.video[0].average_rate or 0)
        return rate, np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture at ``size`` (width, height)."""
    image = pillow()
    return np.asarray(image.fromarray(pixels).resize(size, image.Resampling.LANCZOS))


def fitted(pixels: np.ndarray, side: int) -> np.ndarray:
    """A picture as large as fits a square of ``side``, on black."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    small = resized(pixels, (round(width * scale), round(height * scale)))
    rest = [side - n for n in small.shape[:2]]
    return np.pad(small, [*((n // 2, n - n // 2) for n in rest), (0, 0)])


def crop(pixels: np.ndarray, centre: np.ndarray, side: float, size: int) -> np.ndarray:
    """The square of ``side`` pixels about ``centre`` (x, y), held within the picture, at ``size``."""
    height, width = pixels.shape[:2]
    side = int(np.clip(round(side), 2, min(height, width)))
    left, top = (
        int(np.clip(round(c - side / 2), 0, n - side)) for c, n in zip(centre, (width, height), strict=True)
    )
    return resized(np.ascontiguousarray(pixels[top : top + side, left : left + side]), (size, size))


def frames_around(phone: Phone, fps: float, count: int) -> tuple[int, int, int]:
    """The frame before ``phone``, its middle one and the one after, within 0..count - 1."""
    first, middle, last = (int(t * fps) for t in (phone.start, (phone.start + phone.end) / 2, phone.end))
    before, after = min(first, middle) - 1, max(last, middle + 1)
    return tuple(int(np.clip(i, 0, count - 1)) for i in (before, middle, after))  # type: ignore[return-value]


def phone_at(phones: PhoneTrack, seconds: float) -> str:
    """The label of the phone at that time, "" in a pause."""
    return next((p.label for p in phones if p.start <= seconds < p.end), "")


def mouth_of_head(rig: Rig) -> tuple[np.ndarray, float]:
    """Centre (x, y) of the head's mouth in its picture of DRAWN pixels, and the side of a square about it."""
    rest = lip_head(rig).rest
    matrix = camera_for(rig, "front", (DRAWN, DRAWN)).projection(1.0)
    clip = np.c_[rest, np.ones(len(POINTS))] @ matrix.T
    flat = (clip[:, :2] / clip[:, 3:] * (1, -1) + 1) * DRAWN / 2
    at = dict(zip(POINTS, flat, strict=True))
    centre = (at["mouthCornerLeft"] + at["mouthCornerRight"]) / 2
    return centre, MOUTH_SIDE * float(np.linalg.norm(at["eyeOuterLeft"] - at["eyeOuterRight"]))


def mouth_of_actor(points: np.ndarray) -> tuple[np.ndarray, float]:
    """The same in a video frame, from its landmarks [478, 3]."""
    flat = np.nan_to_num(points[:, :2].astype(np.float64))
    centre = (flat[LEFT_CORNER] + flat[RIGHT_CORNER]) / 2
    return centre, MOUTH_SIDE * float(np.linalg.norm(flat[EYES[0]] - flat[EYES[1]]))


def draw_heads(animation: Animation, rig: Rig) -> np.ndarray:
    """Our head, [T, DRAWN, DRAWN, 3]."""
    size = (DRAWN, DRAWN)
    raster = Registry("renderers").get("raster")()
    frames = raster.frames(rig, animation, camera_for(rig, "front", size), size, make_background(PAPER, size))
    return np.stack([np.array(f[:, :, :3]) for f in frames])


def chart(shot: Shot, rig: Rig) -> tuple[np.ndarray, tuple[float, float]]:
    """Both apertures and the phones as a picture [CHART, 2 FACE, 3], and the columns of its first and last second."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    true = aperture_and_width(shot.points)[0][: shot.count]
    ours = lip_head(rig).aperture_and_width(shot.animation)[0][: shot.count]
    middle, seconds = (np.arange(shot.count) + 0.5) / float(shot.fps), shot.count / float(shot.fps)
    with pyplot.style.context("dark_background"):
        figure, axis = pyplot.subplots(figsize=(2 * FACE / 100, CHART / 100), dpi=100)
        figure.subplots_adjust(left=0.06, right=0.99, bottom=0.14, top=0.86)
        axis.plot(middle, true, "w", label="tracked")
        axis.plot(middle, ours, "tab:orange", label=f"ours, r = {correlation(ours, true):.2f}")
        axis.axhline(SHUT, color="0.4", lw=0.7, ls=":")
        axis.set(xlim=(0, seconds))
        axis.tick_params(labelsize=6)
        axis.legend(loc="upper right", fontsize=6)
        for phone in shot.phones:
            axis.axvline(phone.start, color="0.3", lw=0.5)
            place = ((phone.start + phone.end) / 2 / seconds, 1.03)
            colour = "tab:orange" if phone.label in LOOKED_AT else "0.8"
            axis.text(*place, phone.label, transform=axis.transAxes, ha="center", fontsize=6, color=colour)
        figure.canvas.draw()
        pixels = np.array(figure.canvas.buffer_rgba())[:, :, :3]  # type: ignore[attr-defined]
        ends = axis.transData.transform([(0, 0), (seconds, 0)])[:, 0]
        pyplot.close(figure)
    return pixels, (float(ends[0]), float(ends[1]))


def caption(pixels: np.ndarray, text: str, size: int) -> np.ndarray:
    """``pixels`` with ``text`` in its upper left corner."""
    from PIL import ImageDraw, ImageFont

    image = pillow().fromarray(np.ascontiguousarray(pixels))
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text((8, 4), text, (255, 255, 255), font, stroke_width=2, stroke_fill=(0, 0, 0))
    return np.array(image)


def compose(
    shot: Shot, heads: np.ndarray, curves: np.ndarray, ends: tuple[float, float]
) -> Iterator[np.ndarray]:
    """The video's frames, [FACE + CHART, 2 FACE, 3]."""
    for number in range(shot.count):
        middle = (number + 0.5) / float(shot.fps)
        faces = np.concatenate(
            [fitted(pixels, FACE) for pixels in (shot.actor[number], heads[number])], axis=1
        )
        below = curves.copy()
        column = round(ends[0] + (ends[1] - ends[0]) * (number + 0.5) / shot.count)
        below[:, np.clip([column, column + 1], 0, below.shape[1] - 1)] = CURSOR
        yield np.concatenate([caption(faces, phone_at(shot.phones, middle), 28), below])


def strip(shot: Shot, heads: np.ndarray, phone: Phone, place: tuple[np.ndarray, float]) -> np.ndarray:
    """Both mouths, the actor's above, before, in and after ``phone``: [2 MOUTH, 3 MOUTH, 3]."""
    columns = []
    for number in frames_around(phone, float(shot.fps), shot.count):
        actor = crop(shot.actor[number], *mouth_of_actor(shot.points[number]), MOUTH)
        text = f"{number / float(shot.fps):.2f} s {phone_at(shot.phones, (number + 0.5) / float(shot.fps))}"
        columns.append(np.concatenate([caption(actor, text, 18), crop(heads[number], *place, MOUTH)]))
    return np.concatenate(columns, axis=1)


def take_shot(options: argparse.Namespace) -> Shot:
    fps, actor = read_video(options.video)
    settings = {"fps": str(fps), "decoder": options.decoder, "emotion": "neutral", "head": False}
    take = api.solve(options.video, text=options.text, **settings)
    if options.animation:
        animation = api.load(options.animation).resample(fps)
    else:  # the text says where the phones are; without --with-text the mouth is what the sound alone gives
        animation = animate(take if options.with_text else api.solve(options.video, **settings))
    phones = given_phones(options.phones).get(options.video.stem, take.phones)
    return Shot(fps, actor, track(options.video, options.cache), animation, phones)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path)
    parser.add_argument("out", type=Path, help="video to write")
    parser.add_argument("--animation", type=Path, help="curves to show, instead of those of the decoder")
    parser.add_argument("--decoder", default=Config().decoder)
    parser.add_argument("--text", help="what is said, to place the phones of captions")
    parser.add_argument("--with-text", action="store_true", help="also animate by the text")
    parser.add_argument("--phones", type=Path, help="JSON lines of the true phones of clips")
    parser.add_argument("--cache", type=Path, help="folder that keeps tracked landmarks")
    parser.add_argument("--frames", type=Path, metavar="DIR", help="folder for pictures around p b m f v w")
    options = parser.parse_args()
    try:
        shot, rig = take_shot(options), load_rig("aria")
        heads = draw_heads(shot.animation.slice(0.0, shot.count / float(shot.fps)), rig)
        curves, ends = chart(shot, rig)
        clip = Clip(shot.fps, (2 * FACE, FACE + CHART), shot.count, str(options.video))
        clip_writer(options.out).write(options.out, compose(shot, heads, curves, ends), clip)
        if options.frames:
            options.frames.mkdir(parents=True, exist_ok=True)
            place = mouth_of_head(rig)
            for number, phone in enumerate(p for p in shot.phones if p.label in LOOKED_AT):
                name = f"{options.video.stem}_{number:02d}_{phone.label}.png"
                write_atomic(options.frames / name, png_bytes(strip(shot, heads, phone, place)))
    except FacegenError as error:
        print(f"side_by_side: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
