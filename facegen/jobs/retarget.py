"""An animation, or a sequence of vertices, on the controls of another rig: the job of ``facegen retarget``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from facegen.config import RetargetConfig
from facegen.core.errors import blame
from facegen.core.progress import Progress
from facegen.core.units import as_fps
from facegen.jobs.job import JobResult
from facegen.jobs.outputs import check_outputs
from facegen.jobs.settings import need, pick

if TYPE_CHECKING:
    from facegen.core.animation import Animation
    from facegen.rig import Rig
    from facegen.rig.retarget_report import RetargetReport

VERTICES = ".npy"
LISTED = 8
"""How many controls a list of the report shows to people."""


class RetargetJob:
    sources: ClassVar[tuple[str, ...]] = ("animation",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = ((RetargetConfig, None),)
    kinds: ClassVar[tuple[str, ...]] = ("curves",)
    target: Rig

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        (self.animation,) = sources
        self.config = pick(RetargetConfig, values)
        self.places = check_outputs(outputs, (self.animation, self.config.rig_map), self.kinds)

    def check(self) -> None:
        from facegen.rig import load_rig

        with blame("--to"):
            self.target = load_rig(self.config.to)

    def run(self, progress: Progress) -> JobResult:
        from facegen.formats import save
        from facegen.rig.retarget import find_mapping, source_rig
        from facegen.rig.retarget_report import measure_retargeting

        config = self.config
        curves, facts, lines = self._read()
        with blame("--from"):
            own = source_rig(curves, config.source)
        with blame("--to"):
            mapping, back = find_mapping(own, self.target, config.rig_map)
        moved = mapping.apply(curves)
        if config.report:
            report = measure_retargeting(curves, mapping, back, own, self.target)
            facts = {**facts, "report": report.plain()}
            lines = [*lines, *report_lines(report)]
        for place in self.places:
            save(moved, place.path, rig=config.to)
        return JobResult(moved, facts=facts, lines=tuple(lines))

    def _read(self) -> tuple[Animation, dict[str, Any], list[str]]:
        """The animation in the file, or the one solved for its vertices, and what there is to say of it."""
        from facegen.formats import load_animation
        from facegen.rig import load_rig
        from facegen.rig.solve_from_vertices import fit_mesh, read_vertices

        path, config = self.animation, self.config
        if not path.lower().endswith(VERTICES):
            for name in ("fps", "neutral"):
                need(getattr(config, name) is None, f"--{name}", "is only for vertices", "leave it out")
            return load_animation(path), {}, []
        need(config.source is not None, "--from", "is missing", "name the rig whose vertices these are")
        with blame("--fps"):
            rate = as_fps(config.fps or "30")
        with blame("--from"):
            rig = load_rig(str(config.source))
        vertices = read_vertices(path)
        with blame(path):
            fit = fit_mesh(rig, vertices, rate, neutral=config.neutral)
        mean, frame = float(fit.residual.mean()), float(fit.residual.max())
        line = (
            f"{path}: {mean:.3f} mm of its motion left (root mean square; {frame:.3f} mm in the worst frame, "
            f"{fit.worst:.2f} mm at the worst vertex)"
        )
        found = {"mean_mm": mean, "worst_frame_mm": frame, "worst_vertex_mm": fit.worst}
        return fit.animation, {"fit": {name: round(value, 4) for name, value in found.items()}}, [line]


def report_lines(found: RetargetReport) -> Iterator[str]:
    """The report for people."""
    yield f"{found.source} to {found.target}, {found.frames} frames"
    yield "residual there and back, by region (root mean square: mean over the frames, worst frame)"
    for region in found.regions:
        yield f"  {region.name:10} {region.mean:8.3f} {region.worst:8.3f} {region.unit}"
    yield f"error there and back  {found.mean_round_trip:.4f} a control"
    yield from _listed("  ", [(name, f"{error:.4f}") for name, error in found.round_trip if error > 1e-3])
    yield f"clipped controls      {len(found.clipped) or 'none'}"
    yield from _listed(
        "  ", [(n, f"{100 * share:.1f} % of the frames, by up to {by:.2f}") for n, share, by in found.clipped]
    )
    yield f"unmapped controls     {len(found.unmapped) or 'none'}"
    yield from _listed("  ", [(name, f"peak {peak:.2f}") for name, peak in found.unmapped])
    yield f"controls not driven   {len(found.idle) or 'none'}"


def _listed(indent: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    for name, text in rows[:LISTED]:
        yield f"{indent}{name:34} {text}"
    if len(rows) > LISTED:
        yield f"{indent}… and {len(rows) - LISTED} more"
