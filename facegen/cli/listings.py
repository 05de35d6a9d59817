"""``facegen formats``, ``models``, ``licenses``, ``emotions`` and ``styles``: what can be named, one a line."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from facegen.cli.options import example
from facegen.cli.report import json_line
from facegen.core.registry import Registry

_JSON = click.option("--json", "as_json", is_flag=True, help="print one JSON object a line")


@click.command(help="The emotions that --emotion can name, one a line.", epilog=example("facegen emotions"))
@_JSON
def emotions(as_json: bool) -> None:
    from facegen.emotion import named_emotions

    for row in named_emotions().values():
        if as_json:
            json_line(
                dict(zip(("name", "valence", "arousal", "dominance"), (row.name, *row.vad), strict=True))
                | {"kind": row.kind, "categories": dict(row.categories), "synonyms": list(row.synonyms)}
                | {"units": [{"side": s, "unit": u, "strength": a} for s, u, a in row.units]}
                | {"onset": row.onset, "offset": row.offset, "source": row.source}
            )
        else:
            numbers = "  ".join(
                f"{axis} {value:+.2f}"
                for axis, value in zip(("valence", "arousal", "dominance"), row.vad, strict=True)
            )
            click.echo(f"{row.name:21} {numbers}  {row.kind:8}  {', '.join(row.synonyms)}".rstrip())


@click.command(help="The styles that --style can name, one a line.", epilog=example("facegen styles"))
@_JSON
def styles(as_json: bool) -> None:
    from facegen.emotion.style import styles as known

    for name, style in known().items():
        if as_json:
            json_line({"name": name, **asdict(style)})
        else:
            click.echo(f"{name:18} articulation {style.articulation:+.1f}  {style.note}")


@click.command(help="Every suffix that is read or written, one a line.", epilog=example("facegen formats"))
@_JSON
def formats(as_json: bool) -> None:
    for row in format_rows():
        if as_json:
            json_line(row)
        else:
            ways = "/".join(way for way in ("read", "write") if row[way])
            click.echo(f"{row['suffix']:13} {ways:11} {row['what']}")


def format_rows() -> list[dict[str, Any]]:
    """Suffix, what it is, and whether it is read or written: sounds first, then animations, pictures and
    rigs; ``DIR/name`` is a folder that holds such a file."""
    texts: dict[str, dict[str, str]] = json.loads(data_text("formats.json"))
    readers, writers = Registry("importers").names(), Registry("exporters").names()
    rows = [{"suffix": s, "read": True, "write": False, "what": what} for s, what in texts["sounds"].items()]
    for suffix in sorted({*readers, *writers}):
        what = texts["animations"].get(suffix) or _doc_of(
            suffix, "exporters" if suffix in writers else "importers"
        )
        rows.append({"suffix": suffix, "read": suffix in readers, "write": suffix in writers, "what": what})
    for suffix in (*Registry("videos").names(), "/"):
        what = texts["pictures"].get(suffix) or _doc_of(suffix, "videos")
        rows.append({"suffix": suffix, "read": False, "write": True, "what": what})
    for name in Registry("rig_importers").names():
        what = texts["rigs"].get(name) or _doc_of(name, "rig_importers")
        shown = f"DIR{name}" if name.startswith("/") else name
        rows.append({"suffix": shown, "read": True, "write": False, "what": what})
    return rows


def _doc_of(suffix: str, kind: str) -> str:
    """The first line of the docstring of what another package registered for ``suffix``."""
    return first_line(Registry(kind).get(suffix))


def first_line(thing: object) -> str:
    """The first line of a docstring, without its marks."""
    return (thing.__doc__ or "").strip().split("\n")[0].replace("``", "")


def data_text(name: str) -> str:
    return (files("facegen") / "data" / name).read_text(encoding="utf-8")


@click.command(
    help="The speech encoders, decoders and the weights that ship with facegen.",
    epilog=example("facegen models"),
)
@_JSON
def models(as_json: bool) -> None:
    for row in model_rows():
        if as_json:
            json_line(row)
        else:
            size = f"  {row['bytes'] / 2**20:.1f} MB" if row["bytes"] else ""
            click.echo(f"{row['kind']:15} {row['name']:20} {row['what']}{size}")


def model_rows() -> list[dict[str, Any]]:
    """Kind, name, what it is, and for weights their size in bytes."""
    rows: list[dict[str, Any]] = []
    for kind in ("encoders", "emotion_encoders", "decoders"):
        for name in Registry(kind).names():
            doc = first_line(Registry(kind).get(name))
            rows.append(
                {"kind": kind.rstrip("s").replace("_", " "), "name": name, "what": doc, "bytes": None}
            )
    known = {row["file"]: row for row in json.loads(data_text("licenses.json")) if row["kind"] == "weights"}
    for path in shipped_weights():
        what = known.get(path.name, {}).get("what", "")
        rows.append({"kind": "weights", "name": path.name, "what": what, "bytes": path.stat().st_size})
    return rows


def shipped_weights() -> list[Path]:
    folder = Path(str(files("facegen"))) / "models"
    return sorted(p for p in folder.glob("*") if p.suffix in (".onnx", ".safetensors"))


@click.command(
    help="Licence, training data and commercial use of each shipped weight and rig.",
    epilog=example("facegen licenses"),
)
@_JSON
def licenses(as_json: bool) -> None:
    for row in json.loads(data_text("licenses.json")):
        if as_json:
            json_line(row)
            continue
        click.echo(f"{row['name']} ({row['kind']}: {row['what']})")
        click.echo(f"  licence          {row['licence']}")
        click.echo(f"  made from        {row['data'][0]}")
        for line in row["data"][1:]:
            click.echo(f"                   {line}")
        click.echo(f"  may be sold      {row['commercial']}")
