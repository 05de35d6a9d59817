"""Rings of cage points around mouth, eye and nostril, traced over the measured surface."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from tools.head_builder.measurements import Measurements

MOUTH_SPOKES = 15  # half of the mouth, midline to midline
EYE_SPOKES = 20
LIP_FRACTIONS = (0.0, 0.18, 0.5, 0.82, 1.0)  # of the vermilion's width
# Width of the vermilion in cm by spoke, from the upper midline over the corner to the lower midline.
LIP_WIDTHS = (1.26, 1.24, 1.22, 1.10, 0.93, 0.72, 0.50, 0.30, 0.80, 0.95, 1.10, 1.25, 1.34, 1.38, 1.34)
LIP_OUTER = (0.25, 0.6, 1.1)  # cm beyond the vermilion
NOSTRIL_SPOKES = 14
NOSTRIL_RINGS = (-0.85, -0.45, -0.2, 0.0, 0.17, 0.40)  # cm from the rim
EYE_RINGS = (0.0, 0.15, 0.30, 0.40, 0.52, 0.72, 1.0, 1.4)  # cm from the measured border


def _ray(m: Measurements, centre: np.ndarray, angle: float, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Domain points along a ray from the skin's inner border, and their arc length in cm."""
    direction = np.array([np.cos(angle), np.sin(angle)])
    uv = centre + np.linspace(0, reach, 1500)[:, None] * direction
    if centre[0] == 0 and abs(direction[0]) < 1e-6:
        uv[:, 0] = 0
    _, _, skin = m.at(uv)
    uv = uv[np.argmax(skin) :]
    points = m.position(uv)
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    return uv, length


def _along(uv: np.ndarray, length: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(wanted, length, uv[:, k]) for k in range(2)], axis=1)


def _polar(m: Measurements, centre: np.ndarray, numbers: list[int]) -> tuple[np.ndarray, np.ndarray]:
    d = np.array([m.landmark_uv(n) for n in numbers]) - centre
    return np.arctan2(d[:, 1], d[:, 0]), np.hypot(d[:, 0], d[:, 1])


def mouth_rings(m: Measurements) -> np.ndarray:
    """Domain points [rings, MOUTH_SPOKES, 2], inner border first; spoke 0 is the upper midline."""
    centre = m.uv[m.mouth_centre]
    corner = _polar(m, centre, [64])[0][0]
    dense = np.linspace(-np.pi / 2, np.pi / 2, 181)
    found = []
    for angle in dense:
        uv, length = _ray(m, centre, angle, 0.1)
        y = m.position(uv)[:, 1] * np.sign(angle - corner)
        near = length < 1.1
        found.append(length[near][np.argmin(y[near])] if abs(angle - corner) > 0.45 else np.nan)
    contact = np.array(found)
    known = np.isfinite(contact)
    knots = np.r_[dense[known], corner]
    values = np.r_[contact[known], 0.33]
    order = np.argsort(knots)
    contact = PchipInterpolator(knots[order], values[order])(dense)
    contact = np.convolve(
        np.pad(contact, 7, mode="reflect"), np.hanning(17)[1:-1] / np.hanning(17).sum(), "valid"
    )
    curve = []
    for angle, s in zip(dense, contact, strict=True):
        curve.append(_along(*_ray(m, centre, angle, 0.1), np.array([s]))[0])
    points = m.position(np.array(curve))
    arc = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    turn = np.interp(corner, dense, arc)
    half = MOUTH_SPOKES // 2
    stops = np.r_[np.linspace(arc[-1], turn, half + 1), np.linspace(turn, 0, half + 1)[1:]]
    angles = np.interp(stops, arc, dense)
    angles[0], angles[-1] = np.pi / 2, -np.pi / 2
    rings = []
    for angle, width in zip(angles, LIP_WIDTHS, strict=True):
        uv, length = _ray(m, centre, angle, 0.3)
        s = np.interp(angle, dense, contact)
        wanted = np.r_[0, 0.5 * s, s + width * np.array(LIP_FRACTIONS), s + width + np.array(LIP_OUTER)]
        rings.append(_along(uv, length, wanted))
    return np.array(rings).transpose(1, 0, 2)


def eye_rings(m: Measurements) -> np.ndarray:
    """Domain points [rings, EYE_SPOKES, 2]; spoke 0 is the outer corner, running over the upper lid."""
    centre = m.uv[m.eye_centre]
    dense = np.linspace(-np.pi, np.pi, 361)[:-1]
    curve = np.array([_along(*_ray(m, centre, a, 0.05), np.array([0.35]))[0] for a in dense])
    points = m.position(curve)
    outer, inner = int(np.argmax(points[:, 0])), int(np.argmin(points[:, 0]))
    angles = []
    for start, end in ((outer, inner), (inner, outer)):
        index = np.arange(start, end + (360 if end < start else 0) + 1) % 360
        arc = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points[index], axis=0), axis=1))]
        stops = np.linspace(0, arc[-1], EYE_SPOKES // 2 + 1)[:-1]
        angles += list(np.interp(stops, arc, np.unwrap(dense[index])))
    rings = [_along(*_ray(m, centre, a, 0.3), np.array(EYE_RINGS)) for a in angles]
    return np.array(rings).transpose(1, 0, 2)


def nostril_rings(m: Measurements) -> tuple[np.ndarray, np.ndarray]:
    """Domain points [rings, NOSTRIL_SPOKES, 2], deepest first, and the point at the nostril's end [2].

    The rim is where the wall, that falls steeply from the nostril's end, levels out.
    """
    close = np.linalg.norm(m.uv[: m.count] - (0.03, 0.648), axis=1) < 0.02
    inside = np.flatnonzero(close)
    centre = m.uv[inside[np.argmax(m.points[inside, 1])]]
    dense = np.linspace(-np.pi, np.pi, 73)[:-1]
    rays = [_ray(m, centre, a, 0.09) for a in dense]
    found = []
    for uv, length in rays:
        s = np.arange(0, min(length[-1], 2.6), 0.05)
        y = np.interp(s, length, m.position(uv)[:, 1])
        slope = np.convolve(np.gradient(y, 0.05), np.ones(5) / 5, "same")
        level = np.flatnonzero((s > 1.0) & (slope > -0.6))
        found.append(s[level[0]] if len(level) else 1.5)
    padded = np.concatenate([found[-8:], found, found[:8]])
    rim = np.array([np.median(padded[k : k + 17]) for k in range(len(dense))])
    rim = np.convolve(
        np.concatenate([rim[-4:], rim, rim[:4]]), np.hanning(11)[1:-1] / np.hanning(11).sum(), "valid"
    )
    points = m.position(np.array([_along(*r, np.array([s]))[0] for r, s in zip(rays, rim, strict=True)]))
    arc = np.r_[0, np.cumsum(np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1))]
    stops = np.linspace(0, arc[-1], NOSTRIL_SPOKES + 1)[:-1]
    angles = np.interp(stops, arc, np.append(dense, np.pi))
    out = []
    for a in angles:
        s = np.interp(a, np.append(dense, np.pi), np.append(rim, rim[0]))
        out.append(_along(*_ray(m, centre, a, 0.09), s + np.array(NOSTRIL_RINGS)))
    return np.array(out).transpose(1, 0, 2), centre
