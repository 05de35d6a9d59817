"""Files of a conversation: one a speaker and format, who speaks when, and all heads side by side in one video."""

from __future__ import annotations

import io
import json
import math
import os
import re
import tempfile
import wave
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from facegen.config import RenderConfig
from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.core.files import make_folder, write_atomic
from facegen.core.progress import Progress
from facegen.core.registry import Registry
from facegen.formats import needs_layers, save
from facegen.pipeline.animate import animate
from facegen.pipeline.conversation.solve import Conversation
from facegen.renderers import camera_for, clip_writer, make_background, render_file
from facegen.renderers.clip import Clip
from facegen.rig import default_head, load_rig
from facegen.speech.audio import read_audio

SOUND_HZ = 48_000
LIST, FILM = "conversation.json", "conversation"
MOST_TOGETHER = 4


def file_names(speakers: Sequence[str]) -> dict[str, str]:
    """A plain file name, without suffix, for each speaker."""
    names: dict[str, str] = {}
    for speaker in speakers:
        plain = re.sub(r"[^\w.-]+", "_", speaker, flags=re.ASCII).strip("._") or "speaker"
        taken, name, number = {n.lower() for n in names.values()} | {FILM}, plain, 2
        while name.lower() in taken:
            name, number = f"{plain}{number}", number + 1
        names[speaker] = name
    return names


def write_conversation(
    talk: Conversation,
    folder: str,
    formats: Sequence[str],
    look: RenderConfig,
    rig: str,
    progress: Progress | None = None,
) -> list[str]:
    """Write ``talk`` into ``folder``, ``formats`` being suffixes without their dot; returns the paths."""
    make_folder(folder)
    names = file_names(list(talk.takes))
    curves = {speaker: animate(take, rig) for speaker, take in talk.takes.items()}
    videos = [f".{f}" for f in formats if f".{f}" in Registry("videos")]
    written = []
    for speaker, take in talk.takes.items():
        for suffix in (f".{f}" for f in formats if f".{f}" not in videos):
            path = os.path.join(folder, names[speaker] + suffix)
            save(take if needs_layers(suffix) else curves[speaker], path, rig=rig)
            written.append(path)
    if videos:
        with tempfile.TemporaryDirectory(prefix="facegen") as scratch:
            look = replace(look, audio=_sound(talk, scratch))
            for suffix in videos:
                written += _draw(curves, names, os.path.join(folder, ""), suffix, look, progress)
    path = os.path.join(folder, LIST)
    write_atomic(path, (json.dumps(_listing(talk, names), indent=1, ensure_ascii=False) + "\n").encode())
    return [*written, path]


def _listing(talk: Conversation, names: dict[str, str]) -> dict[str, Any]:
    rows = []
    for voice in talk.voices:
        for span in voice.spans:
            row: dict[str, Any] = {
                "turn": span.turn + 1,
                "speaker": voice.speaker,
                "start": round(span.start, 3),
                "end": round(span.end, 3),
            }
            if span.turn < len(talk.turns):
                turn = talk.turns[span.turn]
                row["audio"] = os.path.basename(turn.audio)
                if turn.text is not None:
                    row["text"] = turn.text
                if turn.reply_to is not None:
                    row["reply_to"] = turn.reply_to + 1
            rows.append(row)
    rows.sort(key=lambda row: row["turn"])
    return {"seconds": float(talk.seconds), "speakers": names, "turns": rows}


def _draw(
    curves: dict[str, Animation],
    names: dict[str, str],
    folder: str,
    suffix: str,
    look: RenderConfig,
    progress: Progress | None,
) -> list[str]:
    """Each speaker alone, and all of them beside one another."""
    written = []
    for speaker, animation in curves.items():
        path = f"{folder}{names[speaker]}{suffix}"
        render_file(animation, path, look, progress)
        written.append(path)
    if 2 <= len(curves) <= MOST_TOGETHER and suffix != ".png":
        path = f"{folder}{FILM}{suffix}"
        _draw_together(list(curves.values()), path, look, progress)
        written.append(path)
    return written


def _draw_together(
    curves: Sequence[Animation], path: str, look: RenderConfig, progress: Progress | None
) -> None:
    rig = default_head(load_rig(look.rig))
    width, height = look.pixels
    size = max(16, width // len(curves) // 2 * 2), height
    view, back = camera_for(rig, look.camera, size), make_background(look.background, size)
    draw = Registry("renderers").get(look.renderer)
    rows = [draw().frames(rig, animation, view, size, back) for animation in curves]
    count, fps = len(curves[0]), curves[0].fps
    clip = Clip(fps, (size[0] * len(curves), height), count, look.audio, 0.0, False, progress)
    clip_writer(path).write(path, _beside(rows), clip)


def _beside(rows: Sequence[Iterator[np.ndarray]]) -> Iterator[np.ndarray]:
    for pictures in zip(*rows, strict=True):
        yield np.concatenate([np.ascontiguousarray(p[..., :3]) for p in pictures], axis=1)


def _sound(talk: Conversation, folder: str) -> str:
    """A file with all that is said: the call itself, or the turns mixed at their times."""
    if not talk.turns:
        return talk.source
    mixed = np.zeros(math.ceil(talk.seconds * SOUND_HZ), np.float32)
    for voice in talk.voices:
        for span in voice.spans:
            samples = read_audio(talk.turns[span.turn].audio, SOUND_HZ).samples
            first = round(span.start * SOUND_HZ)
            room = mixed[first : first + len(samples)]
            room += samples[: len(room)]
    raw = io.BytesIO()
    with wave.open(raw, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SOUND_HZ)
        out.writeframes((np.clip(mixed, -1, 1) * 32767).astype("<i2").tobytes())
    path = os.path.join(folder, "conversation.wav")
    write_atomic(path, raw.getvalue())
    return path


def check_formats(formats: Sequence[str]) -> None:
    """Raises UsageError for a format that is neither written nor drawn."""
    from facegen.core.errors import nearest

    known = [s[1:] for s in (*Registry("exporters").names(), *Registry("videos").names()) if s[-1] != "/"]
    if not formats:
        raise UsageError("no format is named", remedy="use e.g. take,csv")
    for name in formats:
        if name not in known:
            raise UsageError(f"no format is called {name!r}", remedy=nearest(name, known))
