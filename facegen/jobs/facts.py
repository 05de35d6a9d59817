"""The facts of a sound and of an animation, as JSON values and as lines for people."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from facegen.core.animation import HEAD_CHANNELS, Animation
from facegen.evaluation.metrics import MetricInputs, evaluate_metrics
from facegen.motion.take import Take
from facegen.speech.audio import AudioStream
from facegen.speech.phones import Features, PhoneTrack

SPEECH = 0.5
MOVING = 1e-4


def sound_facts(sound: AudioStream, features: Features, phones: PhoneTrack) -> dict[str, Any]:
    """Length, form, level and speech of a sound, as JSON values; levels are dB below full scale."""
    peak, power, count = 0.0, 0.0, 0
    for block in sound.blocks():
        peak = max(peak, float(np.abs(block).max(initial=0.0)))
        power += float(np.square(block, dtype=np.float64).sum())
        count += len(block)
    info = sound.info
    speech = float((features.speech > SPEECH).mean()) if len(features) else 0.0
    counts = Counter(phone.label for phone in phones)
    return {
        "kind": "audio",
        "seconds": float(sound.duration),
        "rate": info.rate,
        "channels": info.channels,
        "codec": info.codec,
        "container": info.container,
        "bits": info.bits,
        "peak_db": _db(peak),
        "rms_db": _db(math.sqrt(power / max(1, count))),
        "speech_share": round(speech, 4),
        "phones": {label: counts[label] for label in sorted(counts)},
        "phone_spans": [[round(p.start, 3), round(p.end, 3), p.label] for p in phones],
        "notes": list(sound.notes),
    }


def _db(level: float) -> float | None:
    """dB re full scale; None for digital silence."""
    return None if level <= 0 else round(20 * math.log10(level), 2)


def sound_lines(file: str, facts: dict[str, Any]) -> list[str]:
    channels = "mono" if facts["channels"] == 1 else f"{facts['channels']} channels"
    bits = f", {facts['bits']} bits" if facts["bits"] else ""
    level = (
        "silent"
        if facts["peak_db"] is None
        else f"peak {facts['peak_db']:.1f} dB, mean {facts['rms_db']:.1f} dB"
    )
    spans = facts["phone_spans"]
    lines = [
        f"sound     {file}",
        f"length    {facts['seconds']:.3f} s",
        f"form      {facts['container']}, {facts['codec']}, {facts['rate']} Hz, {channels}{bits}",
        f"level     {level} re full scale",
        f"speech    {facts['speech_share']:.0%} of the time, {len(spans)} phones",
    ]
    for start in range(0, min(len(spans), 120), 20):
        label = "phones" if start == 0 else ""
        lines.append(f"{label:9} " + " ".join(p[2] for p in spans[start : start + 20]))
    if len(spans) > 120:
        lines.append(f"{'':9} … {len(spans) - 120} more")
    return lines + [f"note      {note}" for note in facts["notes"]]


def animation_facts(animation: Animation, take: Take, suffix: str) -> dict[str, Any]:
    """Rate, length, moving controls, blinks and head of an animation, as JSON values."""
    moving = {}
    for name, curve in zip(animation.controls, animation.values.T, strict=True):
        if len(curve) and float(np.ptp(curve)) > MOVING:
            moving[name] = {
                "min": _round(curve.min()),
                "max": _round(curve.max()),
                "mean": _round(curve.mean(dtype=np.float64)),
            }
    return {
        "kind": "animation",
        "format": suffix,
        "fps": str(animation.fps),
        "frames": len(animation),
        "seconds": round(animation.seconds, 6),
        "controls": len(animation.controls),
        "moving": moving,
        "not_finite": int(np.count_nonzero(~np.isfinite(animation.values))),
        "outside_0_1": int(np.count_nonzero((animation.values < 0) | (animation.values > 1))),
        "blinks_a_minute": blinks_a_minute(animation),
        "head": head_facts(animation),
        "layers": [layer.name for layer in take.layers] if suffix == ".take" else None,
        "phones": len(take.phones),
    }


def _round(value: Any) -> float:
    return round(float(value), 4)


def blinks_a_minute(animation: Animation) -> float | None:
    """Blinks a minute as ``facegen evaluate`` counts them; None where the animation has no lids."""
    value = evaluate_metrics(MetricInputs(animation), ["blinks_a_minute"])["blinks_a_minute"]
    return None if value is None else round(value, 2)


def head_facts(animation: Animation) -> dict[str, list[float]] | None:
    """Least and greatest of each head channel: degrees for the turns, cm for the shifts."""
    if animation.head is None or not len(animation):
        return None
    low, high = animation.head.min(axis=0), animation.head.max(axis=0)
    unit = np.array([180 / math.pi] * 3 + [1.0] * 3)
    return {
        name: [round(float(low[i] * unit[i]), 3), round(float(high[i] * unit[i]), 3)]
        for i, name in enumerate(HEAD_CHANNELS)
    }


def animation_lines(file: str, facts: dict[str, Any]) -> list[str]:
    rate = float(np.prod([float(p) ** s for p, s in zip(facts["fps"].split("/"), (1, -1), strict=False)]))
    blinks = facts["blinks_a_minute"]
    lines = [
        f"animation {file}",
        f"length    {facts['frames']} frames at {rate:.6g} fps, {facts['seconds']:.3f} s",
        f"controls  {facts['controls']}, of which {len(facts['moving'])} move",
        f"blinks    {'no lids' if blinks is None else f'{blinks:.1f} a minute'}",
    ]
    if facts["layers"]:
        lines.append(f"layers    {', '.join(facts['layers'])}")
    if facts["head"] is None:
        lines.append("head      still (none given)")
    else:
        turns = ", ".join(f"{n} {a:+.1f}..{b:+.1f}°" for n, (a, b) in list(facts["head"].items())[:3])
        lines.append(f"head      {turns}")
    if facts["outside_0_1"]:
        lines.append(f"note      {facts['outside_0_1']} values lie outside 0..1")
    if facts["moving"]:
        lines.append(f"  {'control':24} {'min':>7} {'max':>7} {'mean':>7}")
    for name, row in facts["moving"].items():
        lines.append(f"  {name:24} {row['min']:7.3f} {row['max']:7.3f} {row['mean']:7.3f}")
    return lines
