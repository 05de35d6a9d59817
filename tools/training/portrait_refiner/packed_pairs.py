"""Training pairs of the refiner in one small file, pictures as WebP, for a machine with a GPU."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from facegen.portrait.segmentation import opencv

PICTURES = ("warped", "true", "map", "before")
QUALITY = {"warped": 90, "true": 93, "map": 80, "before": 85}


def pack(folder: Path, path: Path, limit: int) -> int:
    """Write the cached clips and heads of ``folder``, by name, until they have ``limit`` bytes; how many there are."""
    from safetensors.numpy import load_file

    columns: dict[str, list] = {"name": [], "sizes": [], "bytes": [], "tokens": []}
    columns |= {"pairs": [], "sources": []}
    total = 0
    for file in sorted(folder.glob("*.safetensors"), key=lambda p: zlib.crc32(p.stem.encode())):
        arrays = load_file(file)
        sources = arrays["source"][: _sources(arrays["source"])]
        blobs = [_encoded(p, QUALITY["true"]) for p in sources]
        blobs += [_encoded(p, QUALITY[key]) for key in PICTURES for p in arrays[key]]
        size = sum(map(len, blobs))
        if total + size > limit:
            break
        total += size
        columns["name"].append(file.stem)
        columns["pairs"].append(len(arrays["true"]))
        columns["sources"].append(len(sources))
        columns["sizes"] += [len(b) for b in blobs]
        columns["bytes"] += blobs
        columns["tokens"].append(arrays["tokens"])
    np.savez(
        path,
        name=np.array(columns["name"]),
        pairs=np.array(columns["pairs"]),
        sources=np.array(columns["sources"]),
        sizes=np.array(columns["sizes"]),
        bytes=np.frombuffer(b"".join(columns["bytes"]), np.uint8),
        tokens=np.concatenate(columns["tokens"]).astype(np.float16),
    )
    return len(columns["name"])


def read(path: Path) -> list[dict[str, np.ndarray]]:
    """Cached pairs, of a folder or a packed file."""
    from safetensors.numpy import load_file

    if path.is_file():
        return unpack(path)
    return [{**load_file(p), "name": np.array(p.stem)} for p in sorted(path.glob("*.safetensors"))]


def unpack(path: Path) -> list[dict[str, np.ndarray]]:
    """Files as the cache has them."""
    with np.load(path, allow_pickle=False) as file:
        names, pairs, sources = (file[k] for k in ("name", "pairs", "sources"))
        sizes, blob, tokens = (file[k] for k in ("sizes", "bytes", "tokens"))
    ends = np.cumsum(sizes)
    pictures = iter([_decoded(blob[end - size : end]) for end, size in zip(ends, sizes, strict=True)])
    rows, at = [], 0
    for name, count, own in zip(names, pairs, sources, strict=True):
        source = np.stack([next(pictures) for _ in range(own)])
        file = {key: np.stack([next(pictures) for _ in range(count)]) for key in PICTURES}
        file["source"] = source[np.arange(count) % own]
        file |= {"tokens": tokens[at : at + count].astype(np.float32), "name": name}
        rows.append(file)
        at += count
    return rows


def _sources(pictures: np.ndarray) -> int:
    """How many pictures of the photo there are before they repeat: one of a mouth, two of eyes, by turns."""
    return 2 if len(pictures) > 1 and (pictures[0] != pictures[1]).any() else 1


def _encoded(picture: np.ndarray, quality: int) -> bytes:
    cv2 = opencv()
    return cv2.imencode(
        ".webp", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_WEBP_QUALITY, quality]
    )[1].tobytes()


def _decoded(blob: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(opencv().imdecode(blob, 1)[..., ::-1])
