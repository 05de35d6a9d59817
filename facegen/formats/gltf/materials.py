"""Surfaces of a glTF file: materials with their textures, uvs and vertex colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facegen.core.errors import FacegenError
from facegen.core.mesh import to_srgb
from facegen.formats.gltf.document import Document
from facegen.rig.default_materials import look_of
from facegen.rig.load import MAX_TEXTURE_BYTES

KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg"}
"""Formats of textures by their first bytes."""
MAX_ALL_BYTES = 2**29
SEE_THROUGH = 0.3
"""Opacity of a surface whose transparency lies in a texture that can't be read."""
CUTOFF = 0.5
"""Alpha below which a surface that blends is not drawn."""


class Materials:
    """``materials`` and ``textures`` of the primitives that were asked for, as a rig has them."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.materials: dict[str, dict[str, Any]] = {}
        self.textures: dict[str, bytes] = {}
        self.notes: list[str] = []
        self._names: dict[int, str | None] = {}

    def look(
        self, node: Mapping[str, Any], primitive: Mapping[str, Any], used: np.ndarray
    ) -> tuple[str, np.ndarray | None, np.ndarray | None]:
        """The name of a primitive's material, noted by it, and of its vertices ``used`` [n] the uvs [n, 2], with (0, 0)
        the lower left corner, and the colours [n, 3] where no texture rules them."""
        if "material" not in primitive:
            return "", self._uvs(primitive, used, {}), self._colors(primitive, used)
        about = self.document.json["materials"][primitive["material"]]
        name = str(about.get("name") or f"material{primitive['material']}")
        pbr = about.get("pbrMetallicRoughness", {})
        factor = np.clip(np.array(pbr.get("baseColorFactor", (1, 1, 1, 1)), np.float64), 0, 1)
        look = look_of(name, str(node.get("name", "")))
        look["roughness"] = float(np.clip(pbr.get("roughnessFactor", 1.0), 0, 1))
        look["opacity"] = 1.0
        picture = pbr.get("baseColorTexture")
        texture = None if picture is None else self._texture(picture["index"])
        blended = about.get("alphaMode") == "BLEND"
        if texture is not None:
            look["texture"], look["tint"] = texture, factor[:3].tolist()
            if about.get("alphaMode") == "MASK":
                look["cutoff"] = float(np.clip(about.get("alphaCutoff", CUTOFF), 0, 1))
            elif blended:
                look["cutoff"] = CUTOFF
        elif picture is None:
            look["color"] = factor[:3].tolist()
        if blended and texture is None:
            look["opacity"] = float(factor[3]) if picture is None else SEE_THROUGH
        self.materials[name] = look
        colors = self._colors(primitive, used, factor[:3]) if picture is None else None
        return name, self._uvs(primitive, used, picture or {}), colors

    def _texture(self, number: int) -> str | None:
        """The name under which a texture's picture is kept; None for one that is left out."""
        image = self.document.json["textures"][number].get("source")
        if image not in self._names:
            raw = self._image(image)
            kind = next((k for first, k in KINDS.items() if raw.startswith(first)), None)
            self._names[image] = None if kind is None else f"texture{len(self.textures)}.{kind}"
            if kind is not None:
                if len(raw) > MAX_TEXTURE_BYTES or sum(map(len, self.textures.values())) > MAX_ALL_BYTES:
                    raise self.document.fault("has textures of too many bytes", "scale them down")
                self.textures[f"texture{len(self.textures)}.{kind}"] = raw
        return self._names[image]

    def _image(self, number: int | None) -> bytes:
        """An image file; nothing, with a note, for one that is missing or of another format."""
        raw, why = b"", "is neither PNG nor JPEG"
        try:
            raw = b"" if number is None else self.document.image(number)
        except FacegenError as fault:
            why = f"can't be read ({fault.reason})"
        if not raw.startswith(tuple(KINDS)):
            self.notes.append(f"a texture is left out: it {why}")
        return raw

    def _uvs(
        self, primitive: Mapping[str, Any], used: np.ndarray, picture: Mapping[str, Any]
    ) -> np.ndarray | None:
        """Moved as KHR_texture_transform says."""
        change = (picture.get("extensions") or {}).get("KHR_texture_transform", {})
        number = primitive["attributes"].get(f"TEXCOORD_{change.get('texCoord', picture.get('texCoord', 0))}")
        if number is None:
            return None
        uvs = self.document.accessor(number)[used].astype(np.float64)
        turn = float(change.get("rotation", 0.0))
        cos, sin = np.cos(turn), np.sin(turn)
        uvs = (uvs * np.array(change.get("scale", (1, 1)), np.float64)) @ np.array([[cos, -sin], [sin, cos]])
        uvs = uvs + np.array(change.get("offset", (0, 0)), np.float64)
        return np.column_stack([uvs[:, 0], 1 - uvs[:, 1]]).astype(np.float32)

    def _colors(
        self, primitive: Mapping[str, Any], used: np.ndarray, factor: np.ndarray | float = 1.0
    ) -> np.ndarray | None:
        """The vertices' colours times the material's."""
        number = primitive["attributes"].get("COLOR_0")
        if number is None:
            return None
        linear = factor * np.clip(self.document.accessor(number)[used, :3].astype(np.float64), 0, 1)
        return np.round(255 * to_srgb(linear)).astype(np.uint8)
