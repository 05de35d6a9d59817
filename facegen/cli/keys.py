"""``facegen keys``: a take as few Bézier keys on the shapes and bones of a character in an editor."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from facegen.cli.options import example, need, report_options
from facegen.cli.report import Reporter
from facegen.core.errors import UsageError, blame

if TYPE_CHECKING:
    from facegen.formats.keyframes import KeyframeCurve, ShapeMatch, Target

MAX_REQUEST = 2**28


@click.command(
    help="A take or animation as Bézier keys for an editor. FILE lists the character: "
    '{"targets": [{"name", "shapes": [...], "preset", "map"}]}; the answer (safetensors) holds frames, values and '
    "slopes of the keys, and in its metadata which curve has which.",
    epilog=example("facegen keys take.take --targets character.json --reduce 0.005 -o character.keys"),
)
@click.argument("animation", metavar="ANIM")
@click.option("--targets", required=True, metavar="FILE.json", help="the shapes and bones to key")
@click.option("--reduce", "bound", type=float, default=0.0, show_default=True,
              help="how far a key's curve may be from the take at a frame; 0 keeps every frame")  # fmt: skip
@click.option("--layers", is_flag=True, help="each layer apart; they add up to the whole")
@click.option("-o", "--output", metavar="OUT.keys", help="file to write the keys to")
@click.option("--hand", metavar="OUT.json", help="write the take's curves as the targets' edits change them")
def keys(
    animation: str,
    targets: str,
    bound: float,
    layers: bool,
    output: str | None,
    hand: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    from facegen.core.files import write_atomic
    from facegen.formats import keyframes as keying
    from facegen.formats import load_take, save
    from facegen.formats.take import flatten

    need(0 <= bound < 1, "--reduce", f"{bound} is not in 0..1", "use for example 0.005")
    wanted = _targets(targets)
    with Reporter(as_json=as_json, quiet=quiet) as report:
        take = load_take(animation)
        with blame(targets):
            wanted = keying.known(wanted)
            found = keying.matches(wanted)
            if hand:
                save(keying.edited(take, wanted), hand)
            if output:
                curves = keying.keyed(take, wanted, bound, layers)
                write_atomic(output, _packed(curves, found, str(take.fps), take.frames))
        for match in found:
            driven = sum(bool(c) for c in match.shapes.values())
            report.line(f"{match.target}: {driven} of {len(match.shapes)} shapes driven ({match.preset})")
        facts = {"matches": [m._asdict() for m in found]}
        report.written([p for p in (output, hand) if p], flatten(take), facts=facts)


keys = report_options(keys)


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
