"""Colours as texts and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facegen.core.errors import RigError
from facegen.core.mesh import to_srgb


def parse_color(text: str) -> tuple[int, int, int] | None:
    """The sRGB bytes of ``#rrggbb`` or ``#rgb``; None for any other text."""
    digits = text[1:] if text.startswith("#") else ""
    if len(digits) == 3:
        digits = "".join(2 * d for d in digits)
    if len(digits) != 6 or any(d not in "0123456789abcdefABCDEF" for d in digits):
        return None
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def material_color(material: Mapping[str, Any], key: str = "color") -> np.ndarray:
    """A material's colour (or ``tint``) as sRGB [3] uint8, from ``#rrggbb`` or three linear numbers in 0..1; white by
    default."""
    given = material.get(key, (1.0, 1.0, 1.0))
    if isinstance(given, str) and (bytes_ := parse_color(given)) is not None:
        return np.array(bytes_, np.uint8)
    try:
        linear = np.array(given, np.float64)[:3]
    except (TypeError, ValueError, OverflowError, IndexError):
        linear = np.zeros(0)
    if linear.shape != (3,) or not ((linear >= 0) & (linear <= 1)).all():
        raise RigError(
            f"the material's {key} {given!r} is no colour", remedy="use #rrggbb or three numbers in 0..1"
        )
    return np.round(255 * to_srgb(linear)).astype(np.uint8)
