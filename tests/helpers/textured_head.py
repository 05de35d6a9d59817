"""The tiny head with a texture, and the picture on it."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("PIL", reason="needs Pillow (the render extra)")
from PIL import Image

from facegen.core.mesh import Mesh
from tests.helpers.tiny_rig import tiny_rig


def picture(pixels, kind="PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(out, kind)
    return out.getvalue()


def halves() -> np.ndarray:
    """Red on the left, blue on the right, both lighter towards the top; clear in the lowest quarter."""
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[:, :32, 0] = np.linspace(250, 150, 64)[:, None]
    pixels[:, 32:, 2] = np.linspace(250, 150, 64)[:, None]
    pixels[48:, :, 3] = 0
    return pixels


def textured(raw=None, **about):
    """The tiny head with a picture projected onto its skin from the front."""
    rig = tiny_rig()
    uvs = rig.mesh.vertices[:, :2] / 18 + 0.5
    look = {"texture": "skin.png", **about}
    return replace(
        rig,
        mesh=Mesh(rig.mesh.vertices, rig.mesh.faces, uvs, rig.mesh.colors),
        materials={**rig.materials, "skin": {**rig.materials["skin"], **look}},
        textures={"skin.png": picture(halves()) if raw is None else raw},
    )
