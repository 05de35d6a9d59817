"""Curves drawn over the waveform and the phones, as a picture."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import MissingExtraError
from facegen.core.files import atomic_path
from facegen.core.units import SAMPLE_RATE_HZ
from facegen.speech.audio import AudioStream
from facegen.speech.phones import BILABIALS, LABIODENTALS, PhoneTrack

DPI = 100
CONTACTS = (*BILABIALS, *LABIODENTALS)
LABEL_INCHES = 0.09
LEFT_INCHES, RIGHT_INCHES = 1.1, 0.3
ENVELOPE_SAMPLES, ENVELOPE_POINTS = 32, 4000
GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "mouth",
        (
            ("jawOpen", "jawOpen", "#c0392b"),
            ("mouthClose", "mouthClose", "#2c3e50"),
            ("mouthFunnel", "mouthFunnel", "#8e44ad"),
            ("mouthPucker", "mouthPucker", "#2980b9"),
        ),
    ),
    (
        "lips",
        (
            ("mouthSmile", "mouthSmileLeft", "#d35400"),
            ("mouthStretch", "mouthStretchLeft", "#16a085"),
            ("mouthPress", "mouthPressLeft", "#2c3e50"),
            ("lowerDown", "mouthLowerDownLeft", "#7f8c8d"),
        ),
    ),
    (
        "eyes, brows",
        (
            ("eyeBlink", "eyeBlinkLeft", "#27ae60"),
            ("browInnerUp", "browInnerUp", "#f39c12"),
            ("browDown", "browDownLeft", "#c0392b"),
        ),
    ),
)
"""Panels from the top: label and (legend, control, colour) of each curve."""


def draw(
    path: str | PathLike, animation: Animation, phones: PhoneTrack, sound: AudioStream | None, title: str
) -> None:
    """Draw to ``path`` (.png, .svg or .pdf): waveform and phones where they are known, then the main curves
    and the head's turns. Raises MissingExtraError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "render", "--plot") from error
    seconds = max(animation.seconds, 0.5)
    groups = [(label, [row for row in rows if row[1] in animation.controls]) for label, rows in GROUPS]
    groups = [(label, rows) for label, rows in groups if rows]
    panels = (sound is not None) + len(groups) + (animation.head is not None)
    width, height = float(np.clip(3.0 * seconds, 12.0, 80.0)), 1.1 + 1.5 * panels
    figure = Figure(figsize=(width, height), dpi=DPI)
    axes = list(np.atleast_1d(figure.subplots(panels, 1, sharex=True)))
    figure.subplots_adjust(
        left=LEFT_INCHES / width,
        right=1 - RIGHT_INCHES / width,
        top=1 - 0.45 / height,
        bottom=0.55 / height,
        hspace=0.12,
    )
    rest = list(axes)
    if sound is not None:
        _waveform(rest.pop(0), sound)
    for label, rows in groups:
        _curves(rest.pop(0), animation, label, rows)
    if animation.head is not None:
        _head(rest.pop(0), animation)
    for axis in axes:
        _phones(axis, phones, labelled=axis is axes[0], inches_a_second=(width - 1.4) / seconds)
        axis.set_xlim(0, seconds)
        axis.margins(x=0)
    axes[-1].set_xlabel("seconds")
    axes[0].set_title(title, loc="left", fontsize=10, pad=16 if len(phones) else 6)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=fspath(path).rsplit(".", 1)[-1].lower())


def _waveform(axis: Any, sound: AudioStream) -> None:
    low, high = (np.concatenate(parts) for parts in zip(*map(_envelope, sound.blocks()), strict=True))
    step = max(1, len(low) // ENVELOPE_POINTS)
    pad = (0, -len(low) % step)
    low = np.pad(low, pad).reshape(-1, step).min(axis=1)
    high = np.pad(high, pad).reshape(-1, step).max(axis=1)
    times = np.arange(len(low)) * step * ENVELOPE_SAMPLES / SAMPLE_RATE_HZ
    axis.fill_between(times, low, high, color="#34495e", linewidth=0.3)
    peak = max(0.05, -float(low.min()), float(high.max()))
    axis.set_ylim(-1.05 * peak, 1.05 * peak)
    axis.set_ylabel("sound")


def _envelope(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest of every ENVELOPE_SAMPLES samples."""
    rows = np.pad(block, (0, -len(block) % ENVELOPE_SAMPLES)).reshape(-1, ENVELOPE_SAMPLES)
    return rows.min(axis=1), rows.max(axis=1)


def _curves(axis: Any, animation: Animation, label: str, rows: list[tuple[str, str, str]]) -> None:
    middle = animation.times + 0.5 / float(animation.fps)
    top = 0.0
    for name, control, colour in rows:
        curve = animation.channel(control)
        top = max(top, float(curve.max(initial=0.0)))
        axis.plot(middle, curve, color=colour, linewidth=1.2, label=name)
    axis.set_ylim(-0.03, max(0.3, 1.3 * top))
    axis.set_ylabel(label)
    axis.legend(loc="upper right", fontsize=7, ncols=len(rows), framealpha=0.7)


def _head(axis: Any, animation: Animation) -> None:
    middle = animation.times + 0.5 / float(animation.fps)
    for column, (name, colour) in enumerate((("yaw", "#c0392b"), ("pitch", "#2980b9"), ("roll", "#27ae60"))):
        axis.plot(middle, np.degrees(animation.head[:, column]), color=colour, linewidth=1.2, label=name)  # type: ignore[index]
    axis.set_ylabel("head, degrees")
    axis.legend(loc="upper right", fontsize=7, ncols=3, framealpha=0.7)


def _phones(axis: Any, phones: PhoneTrack, labelled: bool, inches_a_second: float) -> None:
    """Phones as spans behind the curves, lip contacts red; their names above the first panel where they fit."""
    whole = {"transform": axis.get_xaxis_transform(), "zorder": 0.4}
    for contact, colour, alpha in ((True, "#e74c3c", 0.22), (False, "#95a5a6", 0.12)):
        spans = [(p.start, p.end - p.start) for p in phones if (p.label in CONTACTS) == contact]
        axis.broken_barh(spans, (0, 1), color=colour, alpha=alpha, linewidth=0, **whole)
    axis.vlines([p.start for p in phones], 0, 1, color="white", linewidth=0.8, **whole)
    if not labelled:
        return
    for phone in phones:
        if (phone.end - phone.start) * inches_a_second > LABEL_INCHES:
            place = ((phone.start + phone.end) / 2, 1.02)
            axis.annotate(
                phone.label, place, xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=7
            )
