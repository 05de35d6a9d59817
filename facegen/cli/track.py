"""``facegen track``: the face in a video to curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from facegen.cli.options import Numbers, blame, example, outputs_option, report_options
from facegen.cli.report import Reporter
from facegen.jobs.outputs import check_outputs

if TYPE_CHECKING:
    from facegen.core.animation import Animation


@click.command(
    help="The face in a video to the 52 ARKit controls and the pose of the head. Of several faces the largest is "
    "followed, unless --face or --box names another.",
    epilog=example("facegen track actor.mp4 -o take.csv"),
)
@click.argument("video", metavar="VIDEO")
@click.option("--face", type=Numbers(), metavar="X,Y", help="a place on the face to follow, in pixels")
@click.option(
    "--box",
    type=Numbers(),
    metavar="X,Y,W,H",
    help="look for the face only within this part of the picture, in pixels",
)
@click.option("--rig", default="aria", metavar="RIG", help="head whose shapes are fitted  [default: aria]")
@click.option("--model", metavar="FILE.task", help="FaceLandmarker model, for a mediapipe that brings none")
def track(
    video: str,
    outputs: tuple[str, ...],
    face: tuple[float, ...] | None,
    box: tuple[float, ...] | None,
    rig: str,
    model: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    from facegen.formats import save
    from facegen.tracking import FaceSelector
    from facegen.tracking import track as track_video
    from facegen.tracking.rig_landmarks import load_rig_landmarks

    choice = FaceSelector(face, box)  # type: ignore[arg-type]
    places = check_outputs(outputs, (video, model), ("curves",))
    with blame("--rig"):
        load_rig_landmarks(rig)
    with Reporter(as_json=as_json, quiet=quiet) as report:
        curves = track_video(video, rig=rig, model=model, choice=choice, progress=report.progress)
        for place in places:
            save(curves, place.path)
        facts = curves.meta["tracking"]
        report.written([place.path for place in places], curves, _notes(curves, facts), {"tracking": facts})


for _add in (outputs_option, report_options):
    track = _add(track)


def _notes(curves: Animation, facts: dict[str, Any]) -> list[str]:
    """What a user should look at: where the face was lost or hidden."""
    kinds = {"lost": "the face is lost", "doubtful": "the face may be covered"}
    notes = []
    for kind, text in kinds.items():
        found = facts[kind]
        if found:
            share = sum(end - start for start, end in found) / max(curves.seconds, 1e-9)
            first = ", ".join(f"{start:.2f}-{end:.2f} s" for start, end in found[:5])
            more = f" and {len(found) - 5} more spans" if len(found) > 5 else ""
            notes.append(f"{text} for {100 * share:.1f} % ({first}{more}); bridged")
    return notes
