"""The control sets that maps ship for: names, ranges and our own weights to or from ARKit's controls."""

from __future__ import annotations

import re
from typing import Any

from facegen.rig import ARKIT, Control
from tools.rig_maps.metahuman_board import BOARD, BOARD_FROM_ARKIT, raw_of

SIDES = (("Left", "L"), ("Right", "R"))


def side_of(name: str) -> str:
    """The character's side that a name tells."""
    if re.search(r"(Left|_L|_l)$|CTRL_L_", name):
        return "left"
    return "right" if re.search(r"(Right|_R|_r)$|CTRL_R_", name) else "middle"


REGIONS = (
    ("brow", "brows"),
    ("eyelash|eye|blink|look|pupil", "eyes"),
    ("nose|nostril|nasal|nasolabial", "nose"),
    ("cheek", "cheeks"),
    ("tongue", "tongue"),
    ("teeth", "mouth"),
    ("neck|throat", "neck"),
    ("jaw|chin", "jaw"),
    ("ear_|ear[A-Z]", "ears"),
)


def region_of(name: str) -> str:
    """The part of the face that a name tells; the mouth where it tells none."""
    return next((r for pattern, r in REGIONS if re.search(pattern, name, re.I)), "mouth")


def control(name: str, low: float = 0.0) -> Control:
    return Control(name, low, side=side_of(name), region=region_of(name))


def expand(rows: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Rows with ``*`` in their names, for both sides."""
    found: dict[str, dict[str, float]] = {}
    for name, pose in rows.items():
        for long, _ in SIDES if "*" in name else (("", ""),):
            found[name.replace("*", long)] = {to.replace("*", long): value for to, value in pose.items()}
    return found


# -- Reallusion Character Creator 4: ARKit's shapes under numbered names ----------------------------------------

_CC4_ORDER = """browInnerUp browDownLeft browDownRight browOuterUpLeft browOuterUpRight eyeLookUpLeft eyeLookUpRight
eyeLookDownLeft eyeLookDownRight eyeLookOutLeft eyeLookInLeft eyeLookInRight eyeLookOutRight eyeBlinkLeft
eyeBlinkRight eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight cheekPuff cheekSquintLeft cheekSquintRight
noseSneerLeft noseSneerRight jawOpen jawForward jawLeft jawRight mouthFunnel mouthPucker mouthLeft mouthRight
mouthRollUpper mouthRollLower mouthShrugUpper mouthShrugLower mouthClose mouthSmileLeft mouthSmileRight
mouthFrownLeft mouthFrownRight mouthDimpleLeft mouthDimpleRight mouthUpperUpLeft mouthUpperUpRight
mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthStretchLeft mouthStretchRight
tongueOut""".split()


def _cc4_name(number: int, name: str) -> str:
    words = re.sub(r"([A-Z])", r"_\1", name[0].upper() + name[1:]).lstrip("_")
    return f"A{number:02}_{words}"


_CC4 = {name: {_cc4_name(i, name): 1.0} for i, name in enumerate(_CC4_ORDER, 1)}

# -- VRChat face tracking: Unified Expressions ------------------------------------------------------------------

_UNIFIED = expand(
    {
        "eyeBlink*": {"EyeClosed*": 1},
        "eyeLookDown*": {"EyeLookDown*": 1},
        "eyeLookIn*": {"EyeLookIn*": 1},
        "eyeLookOut*": {"EyeLookOut*": 1},
        "eyeLookUp*": {"EyeLookUp*": 1},
        "eyeSquint*": {"EyeSquint*": 1},
        "eyeWide*": {"EyeWide*": 1},
        "jawForward": {"JawForward": 1},
        "jawRight": {"JawRight": 1},
        "jawLeft": {"JawLeft": 1},
        "jawOpen": {"JawOpen": 1},
        "mouthClose": {"MouthClosed": 1},
        "mouthFunnel": {f"LipFunnel{h}{s}": 1 for h in ("Upper", "Lower") for s in ("Left", "Right")},
        "mouthPucker": {f"LipPucker{h}{s}": 1 for h in ("Upper", "Lower") for s in ("Left", "Right")},
        "mouthRight": {"MouthUpperRight": 1, "MouthLowerRight": 1},
        "mouthLeft": {"MouthUpperLeft": 1, "MouthLowerLeft": 1},
        "mouthSmile*": {"MouthCornerPull*": 1, "MouthCornerSlant*": 1},
        "mouthFrown*": {"MouthFrown*": 1},
        "mouthDimple*": {"MouthDimple*": 1},
        "mouthStretch*": {"MouthStretch*": 1},
        "mouthRollLower": {"LipSuckLowerLeft": 1, "LipSuckLowerRight": 1},
        "mouthRollUpper": {"LipSuckUpperLeft": 1, "LipSuckUpperRight": 1},
        "mouthShrugLower": {"MouthRaiserLower": 1},
        "mouthShrugUpper": {"MouthRaiserUpper": 1},
        "mouthPress*": {"MouthPress*": 1},
        "mouthLowerDown*": {"MouthLowerDown*": 1},
        "mouthUpperUp*": {"MouthUpperUp*": 1, "MouthUpperDeepen*": 0.5},
        "browDown*": {"BrowLowerer*": 1, "BrowPinch*": 0.5},
        "browInnerUp": {"BrowInnerUpLeft": 1, "BrowInnerUpRight": 1},
        "browOuterUp*": {"BrowOuterUp*": 1},
        "cheekPuff": {"CheekPuffLeft": 1, "CheekPuffRight": 1},
        "cheekSquint*": {"CheekSquint*": 1},
        "noseSneer*": {"NoseSneer*": 1},
        "tongueOut": {"TongueOut": 1},
    }
)


def _targets(rows: dict[str, dict[str, float]]) -> tuple[Control, ...]:
    return tuple(control(name) for name in dict.fromkeys(to for n in ARKIT for to in rows.get(n, {})))


FROM_ARKIT: dict[str, dict[str, Any]] = {
    "metahuman": {
        "credit": "control names of the MetaHuman face board (Epic Games); ranges and weights are our own",
        "controls": tuple(control(name, low) for name, low in BOARD),
        "rows": expand(BOARD_FROM_ARKIT),
        "note": "ARKit to the controls of the MetaHuman face board, -1..1 where a slider goes both ways.\n"
        "The weights are our own. Eyes: +X is towards the character's left, +Y up.",
    },
    "cc4": {
        "credit": "control names after Reallusion Character Creator 4",
        "controls": _targets(_CC4),
        "rows": _CC4,
        "note": "ARKit to the ARKit-like shapes of Reallusion Character Creator 4.",
    },
    "unified": {
        "credit": "control names after VRCFaceTracking's Unified Expressions",
        "controls": _targets(_UNIFIED),
        "rows": _UNIFIED,
        "note": "ARKit to the Unified Expressions of VRChat face tracking.",
    },
}

# -- Few shapes: each control is a pose of ARKit's controls -----------------------------------------------------

_OCULUS = {
    "sil": "SIL",
    "PP": "P B M",
    "FF": "F V",
    "TH": "TH DH",
    "DD": "T D",
    "kk": "K G",
    "CH": "CH JH SH ZH",
    "SS": "S Z",
    "nn": "N L",
    "RR": "R ER",
    "aa": "AA",
    "E": "EH EY",
    "ih": "IH IY",
    "oh": "OW AO",
    "ou": "UW W UH",
}
_SAPI = (
    "SIL,AE AH,AA,AO,EY EH UH,ER,Y IY IH,W UW,OW,AW,OY,AY,HH,R,L,S Z,SH CH JH ZH,TH DH,F V,D T N,K G NG,P B M"
)
_PRESTON_BLAIR = {
    "rest": "SIL",
    "AI": "AA AY AE AH",
    "E": "EH EY IH IY",
    "O": "AO OW",
    "U": "UW UH",
    "etc": "T D N S Z K G NG CH JH SH ZH R Y TH DH HH",
    "L": "L",
    "WQ": "W",
    "MBP": "M B P",
    "FV": "F V",
}
_RHUBARB = {
    "X": "SIL",
    "A": "P B M",
    "B": "K S T D N Z IY",
    "C": "EH AE AH",
    "D": "AA AY",
    "E": "AO ER OY",
    "F": "UW OW W",
    "G": "F V",
    "H": "L",
}
_VOWELS = {"aa": "AA", "ih": "IH IY", "ou": "UW", "ee": "EH EY", "oh": "OW AO"}
VRM_STRENGTH = 1.4
"""A VRM vowel is the widest that the model speaks; a spoken vowel is so much less."""
_RELAXED = {"mouthSmileLeft": 0.35, "mouthSmileRight": 0.35, "eyeSquintLeft": 0.2, "eyeSquintRight": 0.2}


def _phones(table: dict[str, str], strength: float = 1.0) -> dict[str, tuple]:
    return {name: ("phones", phones, strength) for name, phones in table.items()}


def _both(stem: str) -> tuple:
    return ("controls", {f"{stem}Left": 1.0, f"{stem}Right": 1.0})


def _vrm(names: dict[str, str]) -> dict[str, tuple]:
    """The presets of VRM 1.0 under the names that ``names`` gives them, in its order."""
    rows = {
        "neutral": ("controls", {}),
        **_phones(_VOWELS, VRM_STRENGTH),
        "blink": _both("eyeBlink"),
        "blinkLeft": ("controls", {"eyeBlinkLeft": 1.0}),
        "blinkRight": ("controls", {"eyeBlinkRight": 1.0}),
        "happy": ("emotion", "happy"),
        "angry": ("emotion", "angry"),
        "sad": ("emotion", "sad"),
        "relaxed": ("controls", _RELAXED),
        "surprised": ("emotion", "surprised"),
        "lookUp": _both("eyeLookUp"),
        "lookDown": _both("eyeLookDown"),
        "lookLeft": ("controls", {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}),
        "lookRight": ("controls", {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}),
    }
    return {names[name]: row for name, row in rows.items() if name in names}


_VRM0 = {
    "neutral": "Neutral", "aa": "A", "ih": "I", "ou": "U", "ee": "E", "oh": "O", "blink": "Blink",
    "blinkLeft": "Blink_L", "blinkRight": "Blink_R", "happy": "Joy", "angry": "Angry", "sad": "Sorrow",
    "relaxed": "Fun", "lookUp": "LookUp", "lookDown": "LookDown", "lookLeft": "LookLeft", "lookRight": "LookRight",
}  # fmt: skip
_VRM1 = {name: name for name in (*_VRM0, "surprised")}


def _mouth(name: str) -> str:
    return "mouth"


def _vrm_region(name: str) -> str:
    if re.search("look|blink", name, re.I):
        return "eyes"
    return "mouth" if name.lower() in (*_VOWELS, *"aiueo") else "face"


_POSES = "Each control as a pose of ARKit's controls: "
_DECODED = "the phones that it stands for, as the rule decoder says them."
TO_ARKIT: dict[str, dict[str, Any]] = {
    "oculus": {
        "credit": "control names after the Oculus/Meta lip-sync visemes",
        "rows": _phones(_OCULUS),
        "rest": "sil",
        "region": _mouth,
        "note": _POSES + _DECODED,
    },
    "vrchat": {
        "credit": "control names after the VRChat viseme shapes",
        "rows": {f"vrc.v_{name.lower()}": row for name, row in _phones(_OCULUS).items()},
        "rest": "vrc.v_sil",
        "region": _mouth,
        "note": _POSES + _DECODED,
    },
    "sapi": {
        "credit": "control names after SPVISEMES of Microsoft's Speech API",
        "rows": _phones({f"SP_VISEME_{i}": phones for i, phones in enumerate(_SAPI.split(","))}),
        "rest": "SP_VISEME_0",
        "region": _mouth,
        "note": _POSES + _DECODED,
    },
    "preston_blair": {
        "credit": "mouth shapes after Preston Blair, Advanced Animation (1947)",
        "rows": _phones(_PRESTON_BLAIR),
        "rest": "rest",
        "region": _mouth,
        "note": _POSES + _DECODED,
    },
    "rhubarb": {
        "credit": "mouth shapes after Rhubarb Lip Sync",
        "rows": _phones(_RHUBARB),
        "rest": "X",
        "region": _mouth,
        "note": _POSES + _DECODED,
    },
    "salsa": {
        "credit": "control names after SALSA LipSync's three mouth shapes",
        "rows": _phones({"saySmall": "IH", "sayMedium": "EH", "sayLarge": "AA"}),
        "region": _mouth,
        "note": _POSES + "three sizes of opening.",
    },
    "four_shapes": {
        "credit": "our own",
        "rows": _phones({"open": "AA", "wide": "IY EY", "round": "UW W OW", "bite": "F V"}),
        "region": _mouth,
        "note": _POSES + "a mouth of four shapes, shut at rest.",
    },
    "vrm0": {
        "credit": "control names after the blend shape presets of VRM 0.x",
        "rows": _vrm(_VRM0),
        "region": _vrm_region,
        "note": _POSES + f"vowels are {VRM_STRENGTH} times those of speech.",
    },
    "vrm1": {
        "credit": "control names after the expression presets of VRM 1.0",
        "rows": _vrm(_VRM1),
        "region": _vrm_region,
        "note": _POSES + f"vowels are {VRM_STRENGTH} times those of speech.",
    },
}  # fmt: skip

_RAW_ROWS = {name: raw_of(name) for name, _ in BOARD}
RAW: dict[str, Any] = {
    "credit": "names of the MetaHuman expression curves (Epic Games); no weight of theirs is included",
    "controls": tuple(
        Control(
            to,
            side="left" if to.endswith("L") else "right" if to.endswith("R") else "middle",
            region=region_of(to),
        )
        for to in dict.fromkeys(to for row in _RAW_ROWS.values() for to in row)
    ),
    "forth": _RAW_ROWS,
    "back": {
        to: {name: row[to] for name, row in _RAW_ROWS.items() if to in row}
        for to in dict.fromkeys(to for row in _RAW_ROWS.values() for to in row)
    },
    "note": "The sliders of the MetaHuman face board and the curves CTRL_expressions_*, two for a slider that\n"
    "goes both ways.",
}
