"""A take as few keys on a character's own shapes: the job of ``facegen keys``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from facegen.config import KeysConfig
from facegen.core.errors import UsageError, blame
from facegen.core.progress import Progress
from facegen.core.registry import Registry, suffix_of
from facegen.jobs.job import JobResult
from facegen.jobs.settings import pick

if TYPE_CHECKING:
    from facegen.formats.keyframes import KeyframeCurve, ShapeMatch, Target

MAX_REQUEST = 2**28


class KeysJob:
    """An output with an animation's suffix gets the curves as the targets' edits change them, any other the keys."""

    sources: ClassVar[tuple[str, ...]] = ("animation",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = ((KeysConfig, None),)
    kinds: ClassVar[tuple[str, ...]] = (".keys", "curves")

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        (self.animation,), self.outputs = sources, tuple(outputs)
        self.config = pick(KeysConfig, values)

    def check(self) -> None:
        self.targets = _targets(self.config.targets)

    def run(self, progress: Progress) -> JobResult:
        from facegen.core.files import write_atomic
        from facegen.formats import keyframes as keying
        from facegen.formats import load_take, save
        from facegen.formats.take import flatten

        take, config = load_take(self.animation), self.config
        with blame(config.targets):
            targets = keying.known(self.targets)
            found = keying.matches(targets)
            for path in self.outputs:
                if suffix_of(path, Registry("exporters").names()):
                    save(keying.edited(take, targets), path)
                    continue
                curves = keying.keyed(take, targets, config.reduce, config.layers)
                write_atomic(path, _packed(curves, found, str(take.fps), take.frames))
        lines = []
        for match in found:
            driven = sum(bool(c) for c in match.shapes.values())
            lines.append(f"{match.target}: {driven} of {len(match.shapes)} shapes driven ({match.preset})")
        facts = {"matches": [match._asdict() for match in found]}
        return JobResult(flatten(take), take, facts=facts, lines=tuple(lines))


def _targets(path: str) -> tuple[Target, ...]:
    from facegen.core.files import read_text
    from facegen.formats.keyframes import read_request

    text = read_text(path, limit=MAX_REQUEST)
    with blame(path):
        try:
            data = json.loads(text)
        except ValueError as error:
            raise UsageError(f"is not JSON ({error})", remedy="write it again") from error
        return read_request(data)


def _packed(curves: list[KeyframeCurve], found: list[ShapeMatch], fps: str, frames: int) -> bytes:
    import numpy as np

    from facegen.formats.safetensors import pack_safetensors, plain_json

    empty = np.zeros(0, np.float32)
    tensors = {
        name: np.concatenate([empty, *(getattr(c.keys, name) for c in curves)])
        for name in ("frames", "values", "arriving", "leaving")
    }
    metadata = {
        "format": "facegen keys",
        "version": "1",
        "fps": fps,
        "frames": str(frames),
        "curves": plain_json([[c.target, c.layer, c.name, len(c.keys)] for c in curves]),
        "matches": plain_json([m._asdict() for m in found]),
    }
    return b"".join(pack_safetensors(tensors, metadata))
