"""Lids and gaze: blink, eyeWide and eyeLook controls from the lids' opening and the iris."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from facegen.core.units import EYE_DEGREES_SIDE, EYE_DEGREES_UP
from facegen.rig import Rig
from facegen.tracking.head_pose import smoothed


@dataclass(frozen=True)
class Eye:
    """Landmarks of one eye: lids in pairs above and below, outer and inner corner, iris."""

    side: str
    upper: tuple[int, ...]
    lower: tuple[int, ...]
    outer: int
    inner: int
    iris: int


EYES = (
    Eye("Left", (386, 385, 387), (374, 380, 373), 263, 362, 473),
    Eye("Right", (159, 158, 160), (145, 153, 144), 33, 133, 468),
)
LANDMARKS = [p for eye in EYES for p in (*eye.upper, *eye.lower, eye.outer, eye.inner, eye.iris)]

OPEN_SHARE = 0.7
"""Lids count as open above this share of the 90th percentile of their opening."""
LEAST_OPEN = 0.02
DIP_SHARE = 0.5
"""A clip in which they come below this share of open shows how far shut is."""
SHUT_LEAST, SHUT_USUAL, SHUT_MOST = 0.12, 0.25, 0.4
"""Opening of shut lids as the tracker sees it, as a share of open: bounds, and what is taken where no blink is seen."""
SHUT_MARGIN = 1.15
REST = 0.12
"""Lids that close or widen by less than this share of open are at rest."""
WIDE_AT_ONE = 0.27
"""Widening at eyeWide 1, as a share of open."""
IRIS_RADIUS = 0.11
"""From the centre of an eyeball to its iris, as a share of the distance of the outer eye corners (about 10 of 90 mm)."""
RAISED = 0.06
"""How far an iris that looks ahead lies above the line of its eye's corners, as a share of their distance."""
MOST_OFFSET = np.radians(8.0)
"""The gaze that the clip shows most counts as straight ahead, where it is no further off than this."""
SIDE_AT_ONE, UP_AT_ONE = np.radians(EYE_DEGREES_SIDE), np.radians(EYE_DEGREES_UP)
COVERED = 0.5
"""Lids closed further than this hide where the eye looks."""
MOST_DIFFERENCE, WINK = 0.1, 0.2
GAZE_S = 0.02


def openings(still: dict[int, np.ndarray], eye: Eye) -> np.ndarray:
    """The gap between the lids [T] over the eye's usual width; ``still``: landmark to places [T, 3] without pose."""
    gaps = [still[up] - still[low] for up, low in zip(eye.upper, eye.lower, strict=True)]
    width = np.median(np.linalg.norm((still[eye.outer] - still[eye.inner])[:, :2], axis=1))
    return np.mean([gap[:, 1] for gap in gaps], axis=0) / max(float(width), 1e-6)


def lids(opening: np.ndarray, down: np.ndarray, droop: float) -> tuple[np.ndarray, np.ndarray]:
    """Blink and widening [T], each in 0..1, of an eye's ``opening`` [T].

    Open is what the clip shows most, shut the depth of its blinks; a lid that follows a gaze ``down`` [T] (control
    values; at 1 the opening shrinks by the share ``droop``) does not blink.
    """
    top = max(float(np.percentile(opening, 90)), LEAST_OPEN)
    wide_open = float(
        np.median(np.maximum(opening[opening >= min(OPEN_SHARE * top, opening.max())], LEAST_OPEN))
    )
    shut = _shut(opening, wide_open)
    expected = wide_open * (1 - droop * down)
    start = expected - REST * wide_open
    blink = np.clip((start - opening) / np.maximum(start - shut, 1e-6), 0, 1)
    wide = np.clip((opening / wide_open - 1 - REST) / WIDE_AT_ONE, 0, 1)
    return blink, wide


def _shut(opening: np.ndarray, wide_open: float) -> float:
    """The opening of shut lids: the middle depth of the dips."""
    low = opening < DIP_SHARE * wide_open
    edges = np.flatnonzero(np.diff(np.r_[0, low.astype(int), 0]))
    depths = [opening[a:b].min() for a, b in edges.reshape(-1, 2)]
    depth = SHUT_MARGIN * float(np.median(depths)) if depths else SHUT_USUAL * wide_open
    return float(np.clip(depth, SHUT_LEAST * wide_open, SHUT_MOST * wide_open))


def gaze(still: dict[int, np.ndarray], span: float, seen: np.ndarray, fps: float) -> np.ndarray:
    """Where the eyes look, radians [T, 2]: to the character's left, and up, of both eyes together.

    ``span`` cm is the distance of the outer eye corners; frames that are not ``seen`` [T] (lids shut) are bridged.
    """
    turned = []
    for eye in EYES:
        across = still[eye.outer] - still[eye.inner]
        width = float(np.median(np.linalg.norm(across[:, :2], axis=1)))
        offset = still[eye.iris] - (still[eye.outer] + still[eye.inner]) / 2
        offset = offset[:, :2] - (0.0, RAISED * width)
        turned.append(np.arcsin(np.clip(offset / (IRIS_RADIUS * span), -0.9, 0.9)))
    look = np.mean(turned, axis=0)
    if not seen.any():
        return np.zeros_like(look)
    look -= np.clip(np.median(look[seen], axis=0), -MOST_OFFSET, MOST_OFFSET)
    places = np.arange(len(look))
    for axis in range(2):
        look[:, axis] = np.interp(places, places[seen], look[seen, axis])
    return smoothed(median_filter(look, size=(3, 1), mode="nearest"), GAZE_S * fps)


def eye_controls(still: dict[int, np.ndarray], rig: Rig, span: float, fps: float) -> dict[str, np.ndarray]:
    """The controls of lids and gaze, [T] each."""
    raw = {eye.side: openings(still, eye) for eye in EYES}
    rough = {side: lids(opening, np.zeros(len(opening)), 0.0)[0] for side, opening in raw.items()}
    seen = np.mean(list(rough.values()), axis=0) < COVERED
    look = gaze(still, span, seen, fps)
    left, up = look[:, 0] / SIDE_AT_ONE, look[:, 1] / UP_AT_ONE
    found = {}
    for eye in EYES:
        out = left if eye.side == "Left" else -left
        down = np.clip(-up, 0, 1)
        blink, wide = lids(raw[eye.side], down, _droop(rig, eye.side))
        parts = {"LookOut": out, "LookIn": -out, "LookUp": up, "LookDown": -up, "Blink": blink, "Wide": wide}
        found.update({f"eye{part}{eye.side}": np.clip(curve, 0, 1) for part, curve in parts.items()})
    found.update(_together(found))
    return found


def _together(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Both lids, no further apart than MOST_DIFFERENCE: eyes close together, unless one stays open (a wink)."""
    one, other = found["eyeBlinkLeft"], found["eyeBlinkRight"]
    wink = np.minimum(one, other) < WINK
    least = np.where(wink, 0.0, np.maximum(one, other) - MOST_DIFFERENCE)
    return {"eyeBlinkLeft": np.maximum(one, least), "eyeBlinkRight": np.maximum(other, least)}


def _droop(rig: Rig, side: str) -> float:
    """How far the lids of the rig close with eyeLookDown at 1, as a share of open."""
    names = (f"lidUpper{side}", f"lidLower{side}")
    if not all(name in rig.landmarks for name in names) or f"eyeLookDown{side}" not in rig.control_names:
        return 0.0
    places = [rig.landmarks[name] for name in names]
    index, value = rig.delta(f"eyeLookDown{side}")
    moved = [float(value[index == place, 1].sum()) for place in places]
    rest = float(rig.mesh.vertices[places[0], 1] - rig.mesh.vertices[places[1], 1])  # type: ignore[union-attr]
    return float(np.clip((moved[1] - moved[0]) / max(rest, 1e-6), 0, 0.8))
