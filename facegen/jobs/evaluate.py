"""The measures of an animation against a reference: the job of ``facegen evaluate``."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from facegen.config import Config, EvaluateConfig
from facegen.core.errors import AnimationFileError, RigError, UsageError, blame
from facegen.core.progress import Progress
from facegen.jobs.job import JobResult
from facegen.jobs.reports import REPORT, check_reports, write_report
from facegen.jobs.settings import need, pick
from facegen.jobs.warnings import collect_warnings

if TYPE_CHECKING:
    from facegen.core.animation import Animation
    from facegen.evaluation.metrics import MetricInputs, MetricResult
    from facegen.rig import Rig
    from facegen.speech.phones import Features, PhoneTrack

log = logging.getLogger(__name__)

SPEECH = ("text", "alignment")
BETTER = {"low": "low is better", "high": "high is better", "range": ""}


class EvaluateJob:
    """What is odd about the files is logged, so that it stands among the warnings of those who read them."""

    sources: ClassVar[tuple[str, ...]] = ("pred", "reference")
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = (
        (EvaluateConfig, None),
        (Config, SPEECH),
    )
    kinds: ClassVar[tuple[str, ...]] = (REPORT,)
    head: Rig

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        self.pred, self.reference = sources
        self.config = pick(EvaluateConfig, values)
        self.speech = {name: values.get(name) for name in (*values, *SPEECH) if name in SPEECH}
        for name, value in self.speech.items():
            has_sound = self.config.audio is not None or value is None
            need(has_sound, f"--{name}", "belongs to a sound", "give --audio too")
        need(None in self.speech.values(), "--text", "excludes --alignment", "give one of them")
        self.read = (*sources, self.config.audio, self.config.image, *self.config.other)
        self.reports, _ = check_reports(outputs, self.read, self.kinds)

    def check(self) -> None:
        from facegen.rig import default_head, load_rig

        with blame("--rig"):
            self.head = default_head(load_rig(self.config.rig))

    def run(self, progress: Progress) -> JobResult:
        with collect_warnings([]) as notes:
            facts, lines = self._run(progress)
        tail = {"emotion": facts.pop("emotion")} if "emotion" in facts else {}
        facts |= {"notes": notes, **tail}
        for path in self.reports:
            write_report(path, facts, [file for file in self.read if file])
        return JobResult(None, facts=facts, lines=tuple(lines))

    def _run(self, progress: Progress) -> tuple[dict[str, Any], list[str]]:
        return self._animation(progress) if self.config.image is None else self._portrait(progress)

    def _animation(self, progress: Progress) -> tuple[dict[str, Any], list[str]]:
        head, config = self.head, self.config
        ours = _load(self.pred, head)
        theirs = _at_rate(_load(self.reference, head), self.reference, ours)
        more = [_at_rate(_load(other, head), other, ours) for other in config.other]
        _note_length(ours, theirs)
        features, phones = (
            _recognize(config.audio, self.speech, progress) if config.audio is not None else (None, None)
        )
        found = _measure(progress, _evidence(ours, theirs, head, features, phones, more))
        base = _measure(progress, _evidence(theirs, None, head, features, phones, []))
        shown = _shown(ours, theirs) if config.emotion else {}
        facts = _facts(ours, theirs, found, base) | ({"emotion": shown} if config.emotion else {})
        return facts, [*_table(found, base), *_emotion_lines(shown)]

    def _portrait(self, progress: Progress) -> tuple[dict[str, Any], list[str]]:
        from facegen.emotion.lexicon import CATEGORIES
        from facegen.evaluation.portrait import evaluate_portrait

        take = _load(self.reference, self.head)
        found = evaluate_portrait(self.pred, take, self.config.image, progress)
        shown = {
            f.measure.name: CATEGORIES[round(f.value)]
            for f in found
            if f.measure.unit == "category" and f.value is not None
        }
        lines = []
        for f in found:
            value = shown.get(f.measure.name) or _number(f.value) or "-"
            tail = (
                f"{f.measure.unit:14} {BETTER[f.measure.better]}" if f.value is not None else f"({f.reason})"
            )
            lines.append(f"{f.measure.name.replace('_', ' '):22} {value:>10} {tail}".rstrip())
        facts = {
            "event": "done",
            "measures": {**_values(found), **shown},
            "units": {f.measure.name: f.measure.unit for f in found},
            "reasons": {f.measure.name: f.reason for f in found if f.value is None},
        }
        return facts, lines


def _load(path: str, head: Rig) -> Animation:
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
    log.warning("%s has no control of %s; it is retargeted to arkit", path, head.name)
    return animation


def _at_rate(animation: Animation, path: str, like: Animation) -> Animation:
    if animation.fps == like.fps:
        return animation
    rates = f"{float(animation.fps):.6g} to {float(like.fps):.6g}"
    log.warning("%s is resampled from %s frames a second", path, rates)
    return animation.resample(like.fps)


def _note_length(ours: Animation, theirs: Animation) -> None:
    if len(ours) != len(theirs):
        count = min(len(ours), len(theirs))
        log.warning("of %d and %d frames the first %d are compared", len(ours), len(theirs), count)


def _recognize(audio: str, speech: Mapping[str, Any], progress: Progress) -> tuple[Features, PhoneTrack]:
    """Features and phones of the sound, refined by the ``text`` or ``alignment`` of ``speech``."""
    from facegen.emotion.transcript import Transcript
    from facegen.speech.alignment_files import read_alignment
    from facegen.speech.audio import open_audio
    from facegen.speech.load import load_encoder
    from facegen.speech.phone_timing import refine_alignment

    sound = open_audio(audio)
    encoder = load_encoder(Config().encoder)
    features = encoder.encode(sound, progress)
    for note in sound.notes:
        log.warning("%s", note)
    spans = None if speech["alignment"] is None else read_alignment(speech["alignment"])
    words = () if speech["text"] is None else Transcript.load(speech["text"]).words
    return refine_alignment(features, words, spans)[:2]


def _shown(ours: Animation, theirs: Animation) -> dict[str, dict[str, float] | None]:
    """Probabilities of the emotions that each face shows; None where it can't be told."""
    from facegen.evaluation.metrics.face_emotion import face_emotion
    from facegen.evaluation.metrics.inputs import NotApplicable

    found: dict[str, dict[str, float] | None] = {}
    for name, animation in (("pred", ours), ("reference", theirs)):
        try:
            found[name] = {key: round(share, 4) for key, share in face_emotion(animation).items()}
        except NotApplicable as reason:
            log.warning("no emotion is told of %s: %s", name.upper(), reason)
            found[name] = None
    return found


def _emotion_lines(shown: dict[str, dict[str, float] | None]) -> list[str]:
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


def _measure(progress: Progress, evidence: MetricInputs) -> list[MetricResult]:
    """Every measure whose needs are met, one after the other, so that progress can be told."""
    from facegen.evaluation.metrics import MEASURES, metric_results

    found: list[MetricResult] = []
    for number, row in enumerate(MEASURES):
        progress("measures", number, len(MEASURES))
        found += metric_results(evidence, [row.name])
    return found


def _values(found: Sequence[MetricResult]) -> dict[str, float | None]:
    return {f.measure.name: None if f.value is None else float(f"{f.value:.6g}") for f in found}


def _facts(
    ours: Animation,
    theirs: Animation,
    found: Sequence[MetricResult],
    base: Sequence[MetricResult],
) -> dict[str, Any]:
    return {
        "event": "done",
        "measures": _values(found),
        "reference": _values(base),
        "units": {f.measure.name: f.measure.unit for f in found},
        "reasons": {f.measure.name: f.reason for f in found if f.value is None},
        "frames": min(len(ours), len(theirs)),
        "fps": str(ours.fps),
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
