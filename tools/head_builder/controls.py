"""The 52 controls (Apple ARKit's blend shape names) and those beyond them, their side and region."""

from __future__ import annotations

from typing import Any

CONTROLS = tuple(
    """
    eyeBlinkLeft eyeLookDownLeft eyeLookInLeft eyeLookOutLeft eyeLookUpLeft eyeSquintLeft eyeWideLeft
    eyeBlinkRight eyeLookDownRight eyeLookInRight eyeLookOutRight eyeLookUpRight eyeSquintRight eyeWideRight
    jawForward jawRight jawLeft jawOpen mouthClose mouthFunnel mouthPucker mouthRight mouthLeft
    mouthSmileLeft mouthSmileRight mouthFrownLeft mouthFrownRight mouthDimpleLeft mouthDimpleRight
    mouthStretchLeft mouthStretchRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper
    mouthPressLeft mouthPressRight mouthLowerDownLeft mouthLowerDownRight mouthUpperUpLeft mouthUpperUpRight
    browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft
    cheekSquintRight noseSneerLeft noseSneerRight tongueOut
    """.split()
)
EXTRA = tuple(
    """
    tongueUp tongueDown tongueLeft tongueRight tongueRoll tongueIn cheekRaiseLeft cheekRaiseRight
    mouthStickyLeft mouthStickyRight eyePupilWideLeft eyePupilWideRight
    """.split()
)
"""Controls that ARKit lacks; pupils narrow at -1."""
COMBINATIONS = (
    *(
        f"eyeBlink{side}*{name}{side}"
        for side in ("Left", "Right")
        for name in ("eyeWide", "eyeLookUp", "eyeLookDown", "eyeSquint")
    ),
    "mouthPucker*mouthSmileLeft",
    "mouthPucker*mouthSmileRight",
    "jawOpen*mouthClose",
)
"""Shapes that correct the sum of two controls, driven by their product."""
REGIONS = {"eye": "eyes", "brow": "brows", "nose": "nose", "cheek": "cheeks", "jaw": "jaw", "mouth": "mouth"}


def control_rows() -> list[dict[str, Any]]:
    rows = []
    for name in (*CONTROLS, *EXTRA):
        side = "left" if name.endswith("Left") else "right" if name.endswith("Right") else "middle"
        region = next((r for prefix, r in REGIONS.items() if name.startswith(prefix)), "tongue")
        low = -1.0 if name.startswith("eyePupil") else 0.0
        rows.append({"name": name, "low": low, "high": 1.0, "neutral": 0.0, "side": side, "region": region})
    return rows
