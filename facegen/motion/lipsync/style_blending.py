"""Lips by several styles of speaking: where a span of the timeline names its own, they are decoded by that one too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.emotion.style import STYLE_FADE_S, load_style, style_share
from facegen.motion.context import Context
from facegen.motion.lipsync import Decoder


def decode_with_styles(decoder: Decoder, context: Context) -> Animation:
    """The ``lips`` layer, [context.frames, C]: the decoder's by the clip's style, and within spans by theirs, as they fade
    in and out."""
    whole = decoder.decode(context)
    usual = load_style(context.config.style)
    spans = [s for s in context.emotion.spans if s.style and not load_style(s.style).speaks_as(usual)]
    count = len(context.features)
    if not spans or not count:
        return whole
    values = whole.values.copy()
    places, times = context.places(count), (np.arange(context.frames) + 0.5) / float(context.fps)
    for span in spans:
        first, last = np.searchsorted(times, [span.start - STYLE_FADE_S, span.end + STYLE_FADE_S])
        if first == last:
            continue
        start = int(places[first]) // 2 * 2
        stop = min(count, int(places[last - 1]) + 2)
        low, high = max(0, start - decoder.before - decoder.before % 2), min(count, stop + decoder.ahead + 2)
        config = replace(context.config, style=span.style)
        rows = decoder.rows(context.features.part(low, high), config, slice(start - low, stop - low))
        share = style_share(span.start, span.end, times[first:last])[:, None].astype(np.float32)
        own = context.read(rows[start - low : stop - low], start, places[first:last])
        values[first:last] += share * (own - values[first:last])
    return Animation(context.fps, whole.controls, owned(values))
