"""``facegen retarget``: an animation, or a sequence of vertices, on the controls of another rig."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.options import blame, example, need, outputs_option, report_options
from facegen.cli.report import Reporter
from facegen.core.units import as_fps
from facegen.jobs.outputs import check_outputs

if TYPE_CHECKING:
    from facegen.core.animation import Animation
    from facegen.rig.retarget_report import RetargetReport

VERTICES = ".npy"
LISTED = 8
"""How many controls a list of the report shows to people."""


@click.command(
    help="An animation on the controls of another rig. ANIM may also be a sequence of vertices of the rig --from "
    "(.npy, [frames, vertices, 3] cm), which is solved for its controls.",
    epilog=example("facegen retarget take.csv --to metahuman -o take.json --report"),
)
@click.argument("animation", metavar="ANIM")
@click.option(
    "--to", "target", required=True, metavar="RIG", help="rig to move: a name (facegen rig list) or a folder"
)
@click.option("--from", "source", metavar="RIG", help="rig that ANIM moves  [default: found by its controls]")
@click.option(
    "--map", "rig_map", metavar="FILE.csv", help="weights between the two  [default: the shipped maps]"
)
@click.option("--fps", default=None, help="frames a second of vertices  [default: 30]")
@click.option(
    "--neutral",
    type=int,
    metavar="FRAME",
    help="frame of vertices in which a face other than the rig's is at rest, counted from 0",
)
@click.option(
    "--report",
    "wants_report",
    is_flag=True,
    help="say what is kept and lost: residual by region, clipped and unmapped controls, the error there and back",
)
def retarget(
    animation: str,
    target: str,
    outputs: tuple[str, ...],
    wants_report: bool,
    quiet: bool,
    as_json: bool,
    **given: Any,
) -> None:
    from facegen.formats import save
    from facegen.rig import load_rig
    from facegen.rig.retarget import find_mapping, source_rig
    from facegen.rig.retarget_report import measure_retargeting

    with blame("--to"):
        wanted = load_rig(target)
    places = check_outputs(outputs, (animation, given["rig_map"]), ("curves",))
    with Reporter(as_json=as_json, quiet=quiet) as report:
        curves, facts = _read(animation, given, report)
        with blame("--from"):
            own = source_rig(curves, given["source"])
        with blame("--to"):
            forth, back = find_mapping(own, wanted, given["rig_map"])
        moved = forth.apply(curves)
        if wants_report:
            found = measure_retargeting(curves, forth, back, own, wanted)
            facts = {**facts, "report": found.plain()}
            for line in report_lines(found):
                report.line(line)
        for place in places:
            save(moved, place.path, rig=target)
        report.written([place.path for place in places], moved, facts=facts)


for _add in (outputs_option, report_options):
    retarget = _add(retarget)


def _read(path: str, given: dict[str, Any], report: Reporter) -> tuple[Animation, dict[str, Any]]:
    """The animation in a file, or the one solved for its vertices, and what there is to say of it."""
    from facegen.formats import load_animation
    from facegen.rig import load_rig
    from facegen.rig.solve_from_vertices import fit_mesh, read_vertices

    if not path.lower().endswith(VERTICES):
        for name in ("fps", "neutral"):
            need(given[name] is None, f"--{name}", "is only for vertices", "leave it out")
        return load_animation(path), {}
    need(given["source"] is not None, "--from", "is missing", "name the rig whose vertices these are")
    with blame("--fps"):
        rate = as_fps(given["fps"] or "30")
    with blame("--from"):
        rig = load_rig(given["source"])
    vertices = read_vertices(path)
    with blame(path):
        fit = fit_mesh(rig, vertices, rate, neutral=given["neutral"])
    mean, frame = float(fit.residual.mean()), float(fit.residual.max())
    report.line(
        f"{path}: {mean:.3f} mm of its motion left (root mean square; {frame:.3f} mm in the worst frame, "
        f"{fit.worst:.2f} mm at the worst vertex)"
    )
    found = {"mean_mm": mean, "worst_frame_mm": frame, "worst_vertex_mm": fit.worst}
    return fit.animation, {"fit": {name: round(value, 4) for name, value in found.items()}}


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
