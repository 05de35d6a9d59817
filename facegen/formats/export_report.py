"""What becomes of each control when an animation is written for a model: lacking, mapped, clipped, dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.formats.gltf.vrm import driven_targets, model_path
from facegen.formats.head_mesh import head_rig_for
from facegen.rig import Rig, load_rig

MOVES = 1e-3
"""A control that reaches no more than this is one that does not move."""
LISTED = 8


@dataclass(frozen=True)
class ExportReport:
    """``lacking``: controls of the animation that the model has not, moving or not; ``dropped``: those of them that
    move, with their peaks; ``mapped``: controls with the targets of other names that show them; ``clipped``: controls
    with the share of frames in which they leave what the model shows, and by how much at most."""

    model: str
    lacking: tuple[str, ...]
    mapped: dict[str, tuple[str, ...]]
    clipped: dict[str, tuple[float, float]]
    dropped: dict[str, float]

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "model": self.model,
            "lacking": list(self.lacking),
            "mapped": {name: list(targets) for name, targets in self.mapped.items()},
            "clipped": {n: {"share": round(s, 6), "by": round(b, 6)} for n, (s, b) in self.clipped.items()},
            "dropped": {name: round(peak, 6) for name, peak in self.dropped.items()},
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.model} lacks {len(self.lacking) or 'none'} of the controls"
        yield from _listed("mapped", [f"{name} to {' '.join(t)}" for name, t in self.mapped.items()])
        yield from _listed(
            "clipped",
            [
                f"{n} in {100 * share:.1f} % of the frames, by up to {by:.2f}"
                for n, (share, by) in self.clipped.items()
            ],
        )
        yield from _listed(
            "dropped", [f"{name}, which reaches {peak:.2f}" for name, peak in self.dropped.items()]
        )


def export_report(animation: Animation, rig: Rig | str | PathLike | None) -> ExportReport:
    """What ``animation`` loses on ``rig``: a model's file into which it is written, a rig, or the head that is shown
    without one. Raises as ``save`` does for a rig that can't be read."""
    path = model_path(rig)
    if path is not None:
        shows, model = driven_targets(path, animation.controls), path.name
        low, high = np.zeros(len(animation.controls)), np.ones(len(animation.controls))
    else:
        target = rig if isinstance(rig, Rig) else load_rig(rig or "arkit")
        target = target if target.mesh is not None else head_rig_for(animation, target)
        known = {control.name: control for control in target.controls}
        shows = {name: (name,) if name in known else () for name in animation.controls}
        model = target.name
        limits = [(known[n].low, known[n].high) if n in known else (0.0, 1.0) for n in animation.controls]
        low, high = np.array(limits, np.float64).reshape(-1, 2).T
    peaks = np.abs(animation.values).max(axis=0, initial=0.0)
    beyond = np.maximum(animation.values - high, low - animation.values).clip(0)
    lacking = tuple(name for name, targets in shows.items() if not targets)
    clipped = {
        name: (float((away > 1e-6).mean()), float(away.max()))
        for name, away in zip(animation.controls, beyond.T, strict=True)
        if shows[name] and away.max(initial=0.0) > 1e-6
    }
    return ExportReport(
        model,
        lacking,
        {name: targets for name, targets in shows.items() if targets and set(targets) != {name}},
        clipped,
        {n: float(p) for n, p in zip(animation.controls, peaks, strict=True) if n in lacking and p > MOVES},
    )


def _listed(what: str, rows: list[str]) -> Iterator[str]:
    for row in rows[:LISTED]:
        yield f"{what}: {row}"
    if len(rows) > LISTED:
        yield f"{what}: … and {len(rows) - LISTED} more"
