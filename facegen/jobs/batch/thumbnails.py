"""What the summary shows of a finished job: the checks of its take, and a picture of its face."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np

from facegen.jobs import JobResult

SIZE = (160, 160)


def card_of(done: JobResult) -> dict[str, Any] | None:
    """The verdict of the checks and the lines that are not passed: those of a check, or of the motion of a take; None
    without either."""
    card = done.card
    if card is None and done.take is not None:
        from facegen.evaluation.report import check

        card = check(done.take)
    if card is None:
        return None
    lines = [
        [line.label, line.formatted, line.verdict] for line in card.lines if line.verdict in ("warn", "fail")
    ]
    return {"verdict": card.verdict, "lines": lines}


def picture_of(done: JobResult) -> str:
    """The face where the mouth is widest open, as the data URI of a JPEG; aria shows curves of any rig that it can."""
    from PIL import Image

    from facegen.renderers import camera_for, make_background
    from facegen.renderers.opengl import OpenGLRenderer
    from facegen.rig import load_rig

    rig, curves = load_rig("aria"), done.animation
    assert curves is not None
    if done.take is not None:
        from facegen.formats.take import flatten

        curves = flatten(done.take)
    jaw = curves.select(("jawOpen",)).values[:, 0]
    widest = int(np.argmax(jaw)) / curves.fps
    shown = curves.slice(float(widest), float(widest + 1 / curves.fps))
    camera, background = camera_for(rig, "front", SIZE), make_background("#2b2f36", SIZE)
    pixels = next(OpenGLRenderer().frames(rig, shown, camera, SIZE, background))
    out = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")
