"""``facegen evaluate``: the measures of an animation against a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.options import blame, config_options, example, need, report_options
from facegen.cli.report import Reporter, json_line
from facegen.config import Config
from facegen.core.errors import AnimationFileError, RigError, UsageError

if TYPE_CHECKING:
    from facegen.core.animation import Animation
    from facegen.evaluation.metrics import MetricInputs, MetricResult
    from facegen.rig import Rig
    from facegen.speech.phones import Features, PhoneTrack

BETTER = {"low": "low is better", "high": "high is better", "range": ""}


@click.command(
    help="How PRED compares with REFERENCE: measures by name, each with its unit. With --audio, also those of lips "
    "and head against the sound.",
    epilog=example("facegen evaluate take.csv captured.csv --audio speech.wav"),
)
@click.argument("pred", metavar="PRED")
@click.argument("reference", metavar="REFERENCE")
@click.option("--audio", default=None, metavar="AUDIO", help="the sound that both belong to")
@click.option("--rig", default="aria", help="head on which lips are measured  [default: aria]")
@click.option(
    "--other", "others", multiple=True, metavar="ANIM", help="the same clip by another seed; repeatable"
)
@click.option(
    "--image", default=None, metavar="IMAGE", help="PRED is a portrait of this picture, driven by REFERENCE"
)
@click.option(
    "--emotion", is_flag=True, help="which emotion each of the faces shows, as a classifier sees it"
)
def evaluate(
    pred: str,
    reference: str,
    image: str | None,
    audio: str | None,
    rig: str,
    others: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    **said: Any,
) -> None:
    from facegen.rig import default_head, load_rig

    judge = bool(said.pop("emotion"))
    for name, value in said.items():
        need(audio is not None or value is None, f"--{name}", "belongs to a sound", "give --audio too")
    need(None in said.values(), "--text", "excludes --alignment", "give one of them")
    with Reporter(as_json=as_json, quiet=quiet) as report:
        with blame("--rig"):
            head = default_head(load_rig(rig))
        if image is not None:
            _judge_portrait(pred, _load(reference, head, report.notes), image, report)
            return
        ours = _load(pred, head, report.notes)
        theirs = _at_rate(_load(reference, head, report.notes), reference, ours, report.notes)
        more = [_at_rate(_load(other, head, report.notes), other, ours, report.notes) for other in others]
        _note_length(ours, theirs, report.notes)
        features, phones = _hear(audio, said, report) if audio is not None else (None, None)
        found = _measure(report, _evidence(ours, theirs, head, features, phones, more))
        base = _measure(report, _evidence(theirs, None, head, features, phones, []))
        shown = _shown(ours, theirs, report.notes) if judge else {}
        if as_json:
            json_line(_facts(ours, theirs, found, base, report) | ({"emotion": shown} if judge else {}))
        else:
            for line in [*_table(found, base), *_felt(shown), *(f"note: {note}" for note in report.notes)]:
                report.line(line)


for _add in (config_options(Config, ("text", "alignment")), report_options):
    evaluate = _add(evaluate)


def _judge_portrait(video: str, take: Animation, image: str, report: Reporter) -> None:
    from facegen.emotion.lexicon import CATEGORIES
    from facegen.evaluation.portrait import evaluate_portrait

    found = evaluate_portrait(video, take, image, report.progress)
    shown = {
        f.measure.name: CATEGORIES[round(f.value)]
        for f in found
        if f.measure.unit == "category" and f.value is not None
    }
    if report.as_json:
        units = {f.measure.name: f.measure.unit for f in found}
        reasons = {f.measure.name: f.reason for f in found if f.value is None}
        values = {**_values(found), **shown}
        json_line(
            {"event": "done", "measures": values, "units": units, "reasons": reasons, "notes": report.notes}
        )
        return
    for f in found:
        value = shown.get(f.measure.name) or _number(f.value) or "-"
        tail = f"{f.measure.unit:14} {BETTER[f.measure.better]}" if f.value is not None else f"({f.reason})"
        report.line(f"{f.measure.name.replace('_', ' '):22} {value:>10} {tail}".rstrip())
    for note in report.notes:
        report.line(f"note: {note}")


def _load(path: str, head: Rig, notes: list[str]) -> Animation:
    """The animation in ``path``, brought to ARKit's controls where it has none of the ``head``'s own."""
    from facegen.formats import load_animation
    from facegen.pipeline.animate import retarget

    animation = load_animation(path)
    if len(animation) == 0:
        raise AnimationFileError("the animation has no frames", path=path, remedy="give one that has")
    if set(animation.controls) & set(head.control_names):
        return animation
    try:
        animation = retarget(animation, "arkit")
    except (RigError, UsageError) as error:
        remedy = "bring it to arkit with facegen retarget --map first"
        raise AnimationFileError("has no control of a known face", path=path, remedy=remedy) from error
    notes.append(f"{path} has no control of {head.name}; it is retargeted to arkit")
    return animation


def _at_rate(animation: Animation, path: str, like: Animation, notes: list[str]) -> Animation:
    if animation.fps == like.fps:
        return animation
    rates = f"{float(animation.fps):.6g} to {float(like.fps):.6g}"
    notes.append(f"{path} is resampled from {rates} frames a second")
    return animation.resample(like.fps)


def _note_length(ours: Animation, theirs: Animation, notes: list[str]) -> None:
    if len(ours) != len(theirs):
        count = min(len(ours), len(theirs))
        notes.append(f"of {len(ours)} and {len(theirs)} frames the first {count} are compared")


def _hear(audio: str, said: dict[str, Any], report: Reporter) -> tuple[Features, PhoneTrack]:
    """What the encoder hears in the sound, and its phones, refined by ``text`` or ``alignment``."""
    from facegen.emotion.transcript import Transcript
    from facegen.speech.alignment_files import read_alignment
    from facegen.speech.audio import open_audio
    from facegen.speech.load import load_encoder
    from facegen.speech.phone_timing import refine_alignment

    sound = open_audio(audio)
    encoder = load_encoder(Config().encoder)
    heard = encoder.encode(sound, report.progress)
    report.notes.extend(sound.notes)
    spans = None if said["alignment"] is None else read_alignment(said["alignment"])
    words = () if said["text"] is None else Transcript.load(said["text"]).words
    return refine_alignment(heard, words, spans)[:2]


def _shown(ours: Animation, theirs: Animation, notes: list[str]) -> dict[str, dict[str, float] | None]:
    """Probabilities of the emotions that each face shows; None where it can't be told."""
    from facegen.evaluation.metrics.face_emotion import face_emotion
    from facegen.evaluation.metrics.inputs import NotApplicable

    found: dict[str, dict[str, float] | None] = {}
    for name, animation in (("pred", ours), ("reference", theirs)):
        try:
            found[name] = {key: round(share, 4) for key, share in face_emotion(animation).items()}
        except NotApplicable as reason:
            notes.append(f"no emotion is told of {name.upper()}: {reason}")
            found[name] = None
    return found


def _felt(shown: dict[str, dict[str, float] | None]) -> list[str]:
    lines = ["emotion"] if shown else []
    for name, shares in shown.items():
        best = sorted(shares, key=lambda key: -shares[key])[:3] if shares else []
        text = ", ".join(f"{key} {shares[key]:.2f}" for key in best) if shares else "-"
        lines.append(f"  {name.upper():30} {text}")
    return lines


def _evidence(
    ours: Animation, theirs: Animation | None, head: Any, features: Any, phones: Any, more: list
) -> MetricInputs:
    from facegen.evaluation.metrics import MetricInputs

    return MetricInputs(ours, theirs, head, features, phones, tuple(more))


def _measure(report: Reporter, evidence: MetricInputs) -> list[MetricResult]:
    """Every measure whose needs are met, one after the other, so that progress can be told."""
    from facegen.evaluation.metrics import MEASURES, metric_results

    found: list[MetricResult] = []
    for number, row in enumerate(MEASURES):
        report.progress("measures", number, len(MEASURES))
        found += metric_results(evidence, [row.name])
    return found


def _values(found: Sequence[MetricResult]) -> dict[str, float | None]:
    return {f.measure.name: None if f.value is None else float(f"{f.value:.6g}") for f in found}


def _facts(
    ours: Animation,
    theirs: Animation,
    found: Sequence[MetricResult],
    base: Sequence[MetricResult],
    report: Reporter,
) -> dict[str, Any]:
    return {
        "event": "done",
        "measures": _values(found),
        "reference": _values(base),
        "units": {f.measure.name: f.measure.unit for f in found},
        "reasons": {f.measure.name: f.reason for f in found if f.value is None},
        "frames": min(len(ours), len(theirs)),
        "fps": str(ours.fps),
        "notes": report.notes,
        "elapsed": round(report.elapsed, 3),
    }


def _table(found: Sequence[MetricResult], base: Sequence[MetricResult]) -> list[str]:
    """A line a measure under its group: name, value, the reference's own value, unit, which way is better."""
    from facegen.evaluation.metrics import GROUPS

    theirs = {f.measure.name: f.value for f in base}
    lines = [f"{'':32} {'PRED':>10} {'REFERENCE':>10}"]
    for group in GROUPS:
        rows = [f for f in found if f.measure.group == group]
        lines += [group] if rows else []
        for f in rows:
            name = f"  {f.measure.name.replace('_', ' ')}"
            value, other = _number(f.value), _number(theirs.get(f.measure.name))
            if f.value is None:
                other, tail = other or "", f"({f.reason})"
            else:
                tail = f"{f.measure.unit:12} {BETTER[f.measure.better]}"
            lines.append(f"{name:32} {value or '-':>10} {other:>10} {tail}".rstrip())
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
