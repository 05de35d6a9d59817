"""Whether two outputs are the same: to the byte, or else by the largest difference between their numbers.

A file that differs is taken apart by its format into texts and arrays (a GLB into its JSON and its accessors, say), so that
a version string of another length or a rounding in one array is told from a real change.
"""

from __future__ import annotations

import base64
import html.parser
import io
import json
import re
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

CLOSE = 1e-5
"""Largest difference between two numbers, in the file's own unit, that still counts as rounding."""

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
FLOAT = 5126  # glTF's componentType of 32-bit floats
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
TENSORS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}

RUN_DEPENDENT = (
    (r"summary\.json$", r'("elapsed": )[\d.]+', r"\1-", "seconds that the batch took"),
    (
        r"summary\.csv$",
        r"(?m)^((?:[^,\n]*,){9})[\d.]+(?=,)",
        r"\1-",
        "column elapsed: seconds that a job took",
    ),
    (r"summary\.html$", r" in [\d.]+ s(, \d+ times real time)?", " in - s", "seconds that the batch took"),
)
"""What differs between two runs of one program: name of the file, what is replaced in it, by what, and what it is."""


class Outcome(NamedTuple):
    """``kind`` is same, wording, close or differs; ``largest`` the largest difference between numbers; ``where`` it is."""

    kind: str
    largest: float = 0.0
    where: str = ""

    @property
    def rank(self) -> tuple[int, float]:
        """Orders outcomes from equal to most different."""
        return ("same", "wording", "close", "differs").index(self.kind), self.largest


SAME = Outcome("same")


class Side(NamedTuple):
    """What may differ between two trees: the ``folder`` they ran in, and the ``version`` they say they are."""

    folder: str
    version: str

    def neutral_path(self, data: bytes) -> bytes:
        """``data`` with as many dashes as the folder's name is long, so that binary headers stay true."""
        folder = self.folder.encode()
        return data.replace(folder, b"-" * len(folder))

    def neutral_text(self, text: str) -> str:
        """``text`` without facegen's own version and the folder of the tool that a head says it was built by."""
        text = re.sub(r"tools/(head_builder/)?build_head\.py", "BUILD_HEAD", text)
        return re.sub(rf"(facegen\W{{1,6}}){re.escape(self.version)}(?!\.?\d)", r"\1VERSION", text)


Part = tuple[str, "bytes | np.ndarray"]
"""A name within the file, and a text (or bytes that are none), or an array of floats."""


def compare(name: str, base: bytes, here: bytes, sides: tuple[Side, Side]) -> Outcome:
    """How the file ``name`` written by one tree differs from the other's."""
    base, here = (side.neutral_path(data) for side, data in zip(sides, (base, here), strict=True))
    if base == here:
        return SAME
    try:
        parts = [list(parts_of(name, data)) for data in (base, here)]
    except (ValueError, KeyError, IndexError, TypeError, struct.error, OSError) as error:
        return Outcome("differs", np.inf, f"{name}: can't be taken apart ({type(error).__name__}: {error})")
    if [label for label, _ in parts[0]] != [label for label, _ in parts[1]]:
        return Outcome("differs", np.inf, f"{name}: other parts")
    pairs = list(zip(*parts, strict=True))
    if all(_bytes(a) == _bytes(b) for (_, a), (_, b) in pairs):
        return Outcome("close", 0.0, f"{name}: the same content, packed otherwise")
    found = [
        _compare_part(f"{name}: {label}" if label else name, a, b, sides) for (label, a), (_, b) in pairs
    ]
    return max(found, key=lambda outcome: outcome.rank)


def compare_text(name: str, base: str, here: str, sides: tuple[Side, Side]) -> Outcome:
    """How two texts differ: by nothing, by numbers alone, or by more."""
    base, here = (
        settled(name, side.neutral_text(text)) for side, text in zip(sides, (base, here), strict=True)
    )
    if base == here:
        return SAME
    if NUMBER.split(base) != NUMBER.split(here):
        return Outcome("differs", np.inf, f"{name}, {_first_line(base, here)}")
    numbers = [np.array(NUMBER.findall(text), np.float64) for text in (base, here)]
    difference = _absolute(*numbers)
    worst = int(np.argmax(difference))
    start = [match.start() for match in NUMBER.finditer(base)][worst]
    line = base.count("\n", 0, start) + 1
    return _by_size(
        float(difference[worst]), f"{name}, line {line}: {numbers[0][worst]:g} and {numbers[1][worst]:g}"
    )


def compare_listing(name: str, base: str, here: str, sides: tuple[Side, Side]) -> Outcome:
    """As ``compare_text``, but the words after the first of a line may be put otherwise."""
    outcome = compare_text(name, base, here, sides)
    if outcome.kind != "differs":
        return outcome
    heads, figures = [], []
    for side, text in zip(sides, (base, here), strict=True):
        text = side.neutral_text(text)
        heads.append([line.split()[0] for line in text.splitlines() if line.strip()])
        figures.append(NUMBER.findall(text))
    return (
        Outcome("wording", 0.0, outcome.where)
        if heads[0] == heads[1] and figures[0] == figures[1]
        else outcome
    )


def last_json(printed: str) -> str:
    """The last line of ``printed``, a JSON object, a value a line and without the seconds that the command took."""
    result = json.loads(printed.splitlines()[-1])
    result.pop("elapsed", None)
    return json.dumps(result, indent=0)


def settled(name: str, text: str) -> str:
    """``text`` of the file ``name`` without what differs between two runs of one program."""
    for pattern, what, by, _ in RUN_DEPENDENT:
        if re.search(pattern, name):
            text = re.sub(what, by, text)
    return text


def parts_of(name: str, data: bytes) -> Iterator[Part]:
    """The file's texts and arrays by the format that its name says; a text or unknown bytes are one part."""
    reader = READERS.get(Path(name).suffix.lower())
    yield from reader(data) if reader else [("", data)]


def _compare_part(
    name: str, base: bytes | np.ndarray, here: bytes | np.ndarray, sides: tuple[Side, Side]
) -> Outcome:
    if isinstance(base, np.ndarray) and isinstance(here, np.ndarray):
        if base.dtype != here.dtype or base.shape != here.shape:
            what = f"{base.dtype} {base.shape} and {here.dtype} {here.shape}"
            return Outcome("differs", np.inf, f"{name}: {what}")
        if _bytes(base) == _bytes(here):
            return SAME
        difference = _absolute(base.astype(np.float64), here.astype(np.float64))
        place = np.unravel_index(int(np.argmax(difference)), difference.shape)
        return _by_size(float(difference[place]), f"{name}, [{', '.join(map(str, place))}]")
    if isinstance(base, np.ndarray) or isinstance(here, np.ndarray):
        return Outcome("differs", np.inf, f"{name}: another type")
    if base == here:
        return SAME
    try:
        texts = base.decode("utf-8"), here.decode("utf-8")
    except UnicodeDecodeError:
        return Outcome("differs", np.inf, f"{name}: other bytes ({len(base)} and {len(here)})")
    return compare_text(name, *texts, sides)


def _bytes(part: bytes | np.ndarray) -> bytes:
    """What a part holds, with an array's type and shape."""
    return part if isinstance(part, bytes) else f"{part.dtype} {part.shape} ".encode() + part.tobytes()


def _by_size(difference: float, where: str) -> Outcome:
    return Outcome("close" if difference < CLOSE else "differs", difference, where)


def _absolute(base: np.ndarray, here: np.ndarray) -> np.ndarray:
    """|base - here|; 0 where both are the same infinity or no number, infinite where one alone is."""
    alike = (base == here) | (np.isnan(base) & np.isnan(here))
    with np.errstate(invalid="ignore"):
        difference = np.abs(base - here)
    return np.where(alike, 0.0, np.nan_to_num(difference, nan=np.inf, posinf=np.inf))


def _first_line(base: str, here: str) -> str:
    """Where the texts part, with both lines cut short."""
    rows = base.splitlines(), here.splitlines()
    for number, (a, b) in enumerate(zip(*rows, strict=False), 1):
        if a != b:
            start = next(
                (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
            )
            cut = slice(max(0, start - 20), start + 40)
            return f"line {number}: {a[cut]!r} and {b[cut]!r}"
    return f"{len(rows[0])} and {len(rows[1])} lines"


def _glb(data: bytes) -> Iterator[Part]:
    magic, _, _, length, _ = struct.unpack_from("<4sIIII", data)
    if magic != b"glTF":
        raise ValueError("no GLB")
    text = data[20 : 20 + length]
    yield "JSON", text.rstrip(b" ")
    rest = data[20 + length :]
    if rest:
        yield from _buffer(json.loads(text), 0, rest[8:])


def _gltf(data: bytes) -> Iterator[Part]:
    document = json.loads(data)
    yield "JSON", re.sub(rb'"data:[^"]*"', b'"data:"', data)
    for kind in ("buffers", "images"):
        for number, thing in enumerate(document.get(kind, [])):
            held = base64.b64decode(str(thing.get("uri", "")).partition(",")[2])
            if kind == "buffers":
                yield from _buffer(document, number, held)
            else:
                yield f"image {number}", held


def _buffer(document: dict, number: int, data: bytes) -> Iterator[Part]:
    """The float accessors of a buffer as arrays, then all its other bytes."""
    rest = bytearray(data)
    views = document.get("bufferViews", [])
    for index, accessor in enumerate(document.get("accessors", [])):
        sparse = accessor.get("sparse")
        spans = [(accessor, accessor["count"])] if "bufferView" in accessor else []
        spans += [(sparse["values"], sparse["count"])] if sparse else []
        for place, count in spans:
            view = views[place["bufferView"]]
            if accessor["componentType"] != FLOAT or "byteStride" in view or view.get("buffer", 0) != number:
                continue
            start = view.get("byteOffset", 0) + place.get("byteOffset", 0)
            values = np.frombuffer(data, "<f4", count * WIDTHS[accessor["type"]], start)
            yield f"accessor {index}", values
            rest[start : start + values.nbytes] = bytes(values.nbytes)
    yield "other bytes of the buffer", bytes(rest)


def _safetensors(data: bytes) -> Iterator[Part]:
    (length,) = struct.unpack_from("<Q", data)
    header = data[8 : 8 + length].rstrip(b" ")
    yield "header", header
    for name, entry in json.loads(header).items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            held = data[start:end]
            floats = TENSORS.get(entry["dtype"])
            yield name, np.frombuffer(held, floats).reshape(entry["shape"]) if floats else held


def _npy(data: bytes) -> Iterator[Part]:
    yield "array", np.load(io.BytesIO(data), allow_pickle=False)


def _pc2(data: bytes) -> Iterator[Part]:
    yield "header", data[:32]
    yield "vertices", np.frombuffer(data, "<f4", offset=32)


def _mdd(data: bytes) -> Iterator[Part]:
    yield "header", data[:8]
    yield "times and vertices", np.frombuffer(data, ">f4", offset=8)


def _usdc(data: bytes) -> Iterator[Part]:
    from pxr import Sdf

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.usdc"
        path.write_bytes(data)
        yield "as text", Sdf.Layer.FindOrOpen(str(path)).ExportToString().encode()


def _usdz(data: bytes) -> Iterator[Part]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for member in package.namelist():
            for label, part in parts_of(member, package.read(member)):
                yield f"{member} {label}", part


def _png(data: bytes) -> Iterator[Part]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        yield "mode", picture.mode.encode()
        pixels = np.asarray(picture)
    yield "pixels", pixels / np.float64(255 if pixels.dtype == np.uint8 else 65535)


class _Page(html.parser.HTMLParser):
    """A page's tags and texts, a line each; white space between words, and between tags, has no meaning."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.lines.append(" ".join([tag, *(f"{key}={value}" for key, value in attrs)]))

    def handle_endtag(self, tag: str) -> None:
        self.lines.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.lines += [" ".join(data.split())] if data.strip() else []


def _html(data: bytes) -> Iterator[Part]:
    page = _Page()
    page.feed(data.decode("utf-8"))
    page.close()
    yield "", "\n".join(page.lines).encode()


READERS: dict[str, Callable[[bytes], Iterator[Part]]] = {
    ".glb": _glb, ".vrm": _glb, ".vrma": _glb, ".gltf": _gltf, ".take": _safetensors, ".safetensors": _safetensors,
    ".keys": _safetensors, ".npy": _npy, ".pc2": _pc2, ".mdd": _mdd, ".usdc": _usdc, ".usdz": _usdz, ".png": _png,
    ".html": _html,
}  # fmt: skip
