"""Lips: how far they part and how wide they are on a head, contacts at phones, and how both follow real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from facegen.core.animation import Animation
from facegen.evaluation.metrics.curves import agreement, best_shift
from facegen.evaluation.metrics.inputs import Metric, MetricInputs, NotApplicable
from facegen.rig import ARKIT, Rig
from facegen.speech.phones import BILABIALS, LABIODENTALS, OPEN_VOWELS, Phone, PhoneTrack

SHUT = 0.02  # gap over the distance of the outer eye corners at which lips count as closed
AROUND_S = 0.03  # a contact counts so far outside its phone
TEETH = 0.02  # gap of lower lip and upper teeth, in the same measure, at which they count as meeting
LEAST_LAG_R = 0.2  # curves that agree less have no lag to speak of

POINTS = (
    "lipUpperInner",
    "lipLowerInner",
    "mouthCornerRight",
    "mouthCornerLeft",
    "eyeOuterRight",
    "eyeOuterLeft",
)
"""Landmarks of a head by which lips are measured: inner lips at the middle, mouth corners, outer eye corners."""
MOUTH = tuple(name for name in ARKIT if name.startswith(("jaw", "mouth")))


@dataclass(frozen=True)
class LipHead:
    """Six landmarks of a blendshape head: ``rest`` [6, 3] cm of POINTS and ``deltas`` [S, 6, 3] of the rig's shapes."""

    rig: Rig
    rest: np.ndarray
    deltas: np.ndarray

    def aperture_and_width(self, animation: Animation) -> tuple[np.ndarray, np.ndarray]:
        """Signed gap between the inner lips and distance of the mouth's corners, both over the distance of the
        outer eye corners, [T] and [T]."""
        values = self.rig.shape_weights(animation).astype(np.float64)
        points = self.rest + np.einsum("tc,cpx->tpx", values, self.deltas)
        upper, lower, right, left = (points[:, i] for i in range(4))
        eyes = np.linalg.norm(points[:, 4] - points[:, 5], axis=1)
        return (upper - lower)[:, 1] / eyes, np.linalg.norm(right - left, axis=1) / eyes


def lip_head(rig: Rig) -> LipHead:
    """The six points of a rig with a mesh. NotApplicable where the rig names no such landmarks."""
    missing = [name for name in POINTS if name not in rig.landmarks]
    if rig.mesh is None or missing:
        what = "has no mesh" if rig.mesh is None else "names no landmark " + ", ".join(missing)
        raise NotApplicable(f"the rig {rig.name} {what}")
    places = np.array([rig.landmarks[name] for name in POINTS])
    deltas = np.zeros((len(rig.controls) + len(rig.combinations), len(places), 3))
    for row in range(len(deltas)):
        index, value = rig.shape(row)
        for column, place in enumerate(places):
            deltas[row, column] = value[index == place].sum(axis=0)
    return LipHead(rig, rig.mesh.vertices[places].astype(np.float64), deltas)


@dataclass(frozen=True)
class Contact:
    """One phone at which lips should meet (or stay apart), the least (or greatest) ``gap`` there, and whether it ``hit``."""

    phone: Phone
    gap: float
    hit: bool


def contacts(
    gap: np.ndarray, fps: float, phones: PhoneTrack, labels: tuple[str, ...] = BILABIALS, shut: float = SHUT
) -> tuple[Contact, ...]:
    """Each phone of ``labels`` with the least ``gap`` [T] in a frame whose middle lies within it or AROUND_S of it."""
    middle = (np.arange(len(gap)) + 0.5) / fps
    found = []
    for phone in phones:
        near = gap[(middle >= phone.start - AROUND_S) & (middle <= phone.end + AROUND_S)]
        if phone.label in labels and len(near):
            found.append(Contact(phone, float(near.min()), bool(near.min() <= shut)))
    return tuple(found)


def openings(gap: np.ndarray, fps: float, phones: PhoneTrack) -> tuple[Contact, ...]:
    """Each open vowel with its greatest ``gap``; ``hit`` where the lips part at all within it."""
    middle = (np.arange(len(gap)) + 0.5) / fps
    found = []
    for phone in phones:
        inside = gap[(middle >= phone.start) & (middle <= phone.end)]
        if phone.label in OPEN_VOWELS and len(inside):
            found.append(Contact(phone, float(inside.max()), bool(inside.max() > SHUT)))
    return tuple(found)


def lip_to_teeth(rig: Rig, animation: Animation) -> np.ndarray:
    """How far the lower lip's inner edge lies below the upper teeth's, over the distance of the outer eye corners, [T].

    Labiodental contact is near 0 or below. NotApplicable for a rig without upper teeth (a part named teethUpper).
    """
    head = lip_head(rig)
    part = next((p for p in rig.parts if p.name == "teethUpper"), None)
    if part is None:
        raise NotApplicable(f"the rig {rig.name} has no part teethUpper")
    teeth = rig.mesh.vertices[slice(*part.vertices)]  # type: ignore[union-attr]
    front = teeth[np.abs(teeth[:, 0]) < 0.15 * np.ptp(teeth[:, 0])]
    edge = float(front[:, 1].min())
    values = rig.shape_weights(animation).astype(np.float64)
    lower = head.rest[1] + values @ head.deltas[:, 1]
    return (edge - lower[:, 1]) / float(np.linalg.norm(head.rest[4] - head.rest[5]))


def share(found: tuple[Contact, ...], what: str, hit: bool = True) -> float:
    """Per cent of ``found`` that did (or did not) ``hit``. NotApplicable where there is none."""
    if not found:
        raise NotApplicable(f"nothing was said with {what}")
    return 100.0 * sum(c.hit is hit for c in found) / len(found)


def lips_of(inputs: MetricInputs, animation: Animation) -> tuple[np.ndarray, np.ndarray]:
    """Aperture and width. NotApplicable where nothing that the animation controls moves the rig's lips."""
    assert inputs.rig is not None
    head = lip_head(inputs.rig)
    names = inputs.rig.control_names
    moves = head.deltas[: len(names), :4].any(axis=(1, 2))
    movers = {name for name, moved in zip(names, moves, strict=True) if moved}
    if not movers & set(animation.controls):
        raise NotApplicable("it has no controls of the mouth")
    return head.aperture_and_width(animation)


def _curves(inputs: MetricInputs, which: int) -> tuple[np.ndarray, np.ndarray]:
    ours, theirs = (lips_of(inputs, a)[which] for a in inputs.pair())
    return ours, theirs


def _agreement(which: int) -> Callable[[MetricInputs], float]:
    return lambda inputs: agreement(*_curves(inputs, which))


def _lag(which: int) -> Callable[[MetricInputs], float]:
    def run(inputs: MetricInputs) -> float:
        ours, theirs = _curves(inputs, which)
        agreement(ours, theirs)  # or there is nothing to shift
        shift, r = best_shift(ours, theirs, float(inputs.fps))
        if r < LEAST_LAG_R:
            raise NotApplicable(f"the curves agree at no shift (correlation {r:.2f})")
        return shift

    return run


def _closed(inputs: MetricInputs) -> float:
    assert inputs.phones is not None
    return share(contacts(lips_of(inputs, inputs.pred)[0], float(inputs.fps), inputs.phones), "closed lips")


def _shut(inputs: MetricInputs) -> float:
    assert inputs.phones is not None
    found = openings(lips_of(inputs, inputs.pred)[0], float(inputs.fps), inputs.phones)
    return share(found, "an open mouth", hit=False)


def _bitten(inputs: MetricInputs) -> float:
    assert inputs.rig is not None and inputs.phones is not None
    lips_of(inputs, inputs.pred)
    gap = lip_to_teeth(inputs.rig, inputs.pred)
    found = contacts(gap, float(inputs.fps), inputs.phones, LABIODENTALS, TEETH)
    return share(found, "the lip at the teeth")


BOTH, SPOKEN = ("reference", "rig"), ("rig", "phones")
PEARSON = "Pearson correlation"
CONTACT = "0.02 of the distance of the outer eye corners, phone ± 30 ms"


def _pair_rows(name: str, which: int) -> tuple[Metric, Metric]:
    r = f"Pearson's r of the lips' {name} and the reference's"
    shift = f"shift of the best correlation of {name}, to an eighth of a frame; positive: late"
    return (
        Metric(f"{name}_correlation", "lips", "r", "high", BOTH, PEARSON, r, _agreement(which)),
        Metric(f"{name}_lag", "lips", "ms", "range", BOTH, "cross-correlation", shift, _lag(which)),
    )


ROWS = (
    *_pair_rows("aperture", 0),
    *_pair_rows("width", 1),
    Metric(
        "closure_rate",
        "lips",
        "%",
        "high",
        SPOKEN,
        CONTACT,
        "part of the phones p b m with a frame in which the inner lips' gap is at most 0.02",
        _closed,
    ),
    Metric(
        "open_vowels_shut",
        "lips",
        "%",
        "low",
        SPOKEN,
        CONTACT,
        "part of the open vowels in which no frame's gap passes 0.02",
        _shut,
    ),
    Metric(
        "labiodental_rate",
        "lips",
        "%",
        "high",
        SPOKEN,
        CONTACT,
        "part of the phones f v with a frame in which the lower lip reaches the upper teeth's edge",
        _bitten,
    ),
)
