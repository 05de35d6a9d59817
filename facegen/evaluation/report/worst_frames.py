"""Pictures of a head at the worst places of an animation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import MissingExtraError, MissingSystemError
from facegen.core.registry import Registry
from facegen.core.units import frame_at
from facegen.evaluation.report.check_report import CheckReport
from facegen.evaluation.report.thresholds import FAIL, WARN
from facegen.rig import load_rig

COUNT, SIZE = 6, (320, 320)
HEAD, BACKGROUND = "aria", "#2b2f36"
VISIBLE_GROUPS = ("lips", "curves")
"""Groups of lines whose faults can be seen in a face."""
log = logging.getLogger("facegen")


class FramePicture(NamedTuple):
    """The face at ``at`` s as a PNG file's bytes, and what is wrong there."""

    at: float
    text: str
    png: bytes


def worst_frame_pictures(report: CheckReport, count: int = COUNT) -> tuple[FramePicture, ...]:
    """The face at up to ``count`` of the worst flagged places, in time order; none where nothing can be drawn here."""
    animation: Animation | None = report.drawing.get("animation")
    places = _places(report, count)
    if animation is None or not places:
        return ()
    try:
        return _draw(animation, places)
    except (MissingExtraError, MissingSystemError) as error:
        log.warning("the page has no pictures of the face: %s", error)
        return ()


def _places(report: CheckReport, count: int) -> list[tuple[float, str]]:
    """The middles of the first spans of each line in turn, failures before warnings."""
    lines = [
        line
        for v in (FAIL, WARN)
        for line in report.lines
        if line.verdict == v and line.group in VISIBLE_GROUPS
    ]
    turns = max((len(line.spans) for line in lines), default=0)
    spans = [line.spans[i] for i in range(turns) for line in lines if i < len(line.spans)]
    chosen: dict[float, str] = {}
    for span in spans:
        chosen.setdefault(round((span.start + span.end) / 2, 2), span.text)
        if len(chosen) == count:
            break
    return sorted(chosen.items())


def _draw(animation: Animation, places: Sequence[tuple[float, str]]) -> tuple[FramePicture, ...]:
    from facegen.renderers import camera_for, make_background
    from facegen.renderers.images import png_bytes

    rows = [min(len(animation) - 1, frame_at(at, animation.fps)) for at, _ in places]
    head = None if animation.head is None else animation.head[rows]
    still = replace(animation, values=np.clip(animation.values[rows], 0, 1), head=head)
    rig = load_rig(HEAD)
    frames = (
        Registry("renderers")
        .get("raster")()
        .frames(
            rig, still, camera_for(rig, "front", SIZE), SIZE, make_background(BACKGROUND, SIZE), fine=True
        )
    )
    return tuple(
        FramePicture(at, text, png_bytes(pixels)) for (at, text), pixels in zip(places, frames, strict=True)
    )
