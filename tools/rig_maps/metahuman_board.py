"""The MetaHuman face board: its sliders, the expression curves behind them, and our weights from ARKit's controls."""

from __future__ import annotations

import re

# Sliders of the middle (C or none) and of both sides, with their axes. Axes in capitals go both ways (-1..1).
_MIDDLE = """C_eye:X,Y C_eye_parallelLook:y C_jaw:X,y C_jaw_fwdBack:Y C_jaw_openExtreme:y C_mouth:X,Y
C_mouth_lipShiftD:Y C_mouth_lipShiftU:Y C_mouth_stickyD:y C_mouth_stickyU:y C_neck_swallow:y C_teethD:X,Y
C_teethU:X,Y C_teeth_fwdBackD:Y C_teeth_fwdBackU:Y C_tongue:X,Y C_tongue_inOut:Y C_tongue_narrowWide:Y
C_tongue_press:y C_tongue_tip:X,Y"""
_SIDED = """brow_down:y brow_lateral:y brow_raiseIn:y brow_raiseOut:y ear_up:y eye:X,Y eye_blink:Y eye_cheekRaise:y
eye_eyelidD:Y eye_eyelidU:Y eye_faceScrunch:y eye_lidPress:y eye_pupil:Y eye_squintInner:y eyelashes_tweakerIn:Y
eyelashes_tweakerOut:Y jaw_ChinRaiseD:y jaw_ChinRaiseU:y jaw_chinCompress:y jaw_clench:y mouth_corner:X,Y
mouth_cornerDepress:y mouth_cornerPull:y mouth_cornerSharpnessD:Y mouth_cornerSharpnessU:Y mouth_dimple:y
mouth_funnelD:y mouth_funnelU:y mouth_lipBiteD:y mouth_lipBiteU:y mouth_lipSticky:y mouth_lipsBlow:y
mouth_lipsPressU:y mouth_lipsRollD:Y mouth_lipsRollU:Y mouth_lipsTogetherD:y mouth_lipsTogetherU:y
mouth_lipsTowardsTeethD:y mouth_lipsTowardsTeethU:y mouth_lowerLipDepress:y mouth_pressD:y mouth_pressU:y
mouth_purseD:y mouth_purseU:y mouth_pushPullD:Y mouth_pushPullU:Y mouth_sharpCornerPull:y mouth_stickyInnerD:y
mouth_stickyInnerU:y mouth_stickyOuterD:y mouth_stickyOuterU:y mouth_stretch:y mouth_stretchLipsClose:y
mouth_suckBlow:Y mouth_thicknessD:Y mouth_thicknessU:Y mouth_tightenD:y mouth_tightenU:y mouth_towardsD:y
mouth_towardsU:y mouth_upperLipRaise:y neck_mastoidContract:y neck_stretch:y nose:X,Y nose_nasolabialDeepen:y
nose_wrinkleUpper:y"""
_LOOSE = """lookAtSwitch:y neckCorrectivesMultiplyerD:y neckCorrectivesMultiplyerM:y neckCorrectivesMultiplyerU:y
neck_digastricUpDown:Y neck_throatExhaleInhale:Y neck_throatUpDown:Y"""


def _channels(text: str, prefix: str) -> list[tuple[str, float]]:
    found = []
    for item in text.split():
        name, _, axes = item.partition(":")
        for axis in axes.split(","):
            found.append((f"CTRL_{prefix}{name}-translate{axis.upper()}", -1.0 if axis.isupper() else 0.0))
    return found


BOARD = [
    *_channels(_MIDDLE, ""),
    *_channels(_SIDED, "L_"),
    *_channels(_SIDED, "R_"),
    *_channels(_LOOSE, ""),
]
"""Each channel and its least value; the greatest is 1."""


def _sides(stem: str, weight: float = 1.0, halves: str = "") -> dict[str, float]:
    """A slider of both sides, and of the upper and lower lip where ``halves`` is UD."""
    return {f"CTRL_{s}_{stem}{half}-translateY": weight for s in "LR" for half in halves or ("",)}


_WITHOUT_SIDES: dict[str, dict[str, float]] = {
    "jawForward": {"CTRL_C_jaw_fwdBack-translateY": -1},
    "jawRight": {"CTRL_C_jaw-translateX": 1},
    "jawLeft": {"CTRL_C_jaw-translateX": -1},
    "jawOpen": {"CTRL_C_jaw-translateY": 1},
    "mouthClose": _sides("mouth_lipsTogether", 1, "UD"),
    "mouthFunnel": _sides("mouth_funnel", 1, "UD"),
    "mouthPucker": _sides("mouth_purse", 1, "UD")
    | _sides("mouth_towards", 0.5, "UD")
    | _sides("mouth_pushPull", 0.3, "UD"),
    "mouthRight": {"CTRL_C_mouth-translateX": -1},
    "mouthLeft": {"CTRL_C_mouth-translateX": 1},
    "mouthRollLower": _sides("mouth_lipsRollD"),
    "mouthRollUpper": _sides("mouth_lipsRollU"),
    "mouthShrugLower": _sides("jaw_ChinRaiseD"),
    "mouthShrugUpper": _sides("jaw_ChinRaiseU"),
    "browInnerUp": _sides("brow_raiseIn"),
    "cheekPuff": _sides("mouth_suckBlow") | _sides("mouth_lipsBlow", 0.3),
    "tongueOut": {"CTRL_C_tongue_inOut-translateY": -1, "CTRL_C_tongue-translateY": -0.3},
}
_WITH_SIDES: dict[str, dict[str, float]] = {
    "eyeBlink": {"eye_blink": 1},
    "eyeWide": {"eye_blink": -1, "eye_eyelidU": -0.4},
    "eyeSquint": {"eye_squintInner": 1},
    "eyeLookUp": {"eye": 1},
    "eyeLookDown": {"eye": -1},
    "mouthSmile": {"mouth_cornerPull": 1},
    "mouthFrown": {"mouth_cornerDepress": 1},
    "mouthDimple": {"mouth_dimple": 1},
    "mouthStretch": {"mouth_stretch": 1},
    "mouthPress": {"mouth_pressU": 1, "mouth_pressD": 1},
    "mouthLowerDown": {"mouth_lowerLipDepress": 1},
    "mouthUpperUp": {"mouth_upperLipRaise": 1},
    "browDown": {"brow_down": 1, "brow_lateral": 0.3},
    "browOuterUp": {"brow_raiseOut": 1, "brow_raiseIn": 0.25},
    "cheekSquint": {"eye_cheekRaise": 1},
    "noseSneer": {"nose": 1, "nose_nasolabialDeepen": 0.3, "nose_wrinkleUpper": 0.2},
}
# The left eye looks in by turning to the character's right.
_LOOKS: dict[str, dict[str, float]] = {
    "eyeLookInLeft": {"CTRL_L_eye-translateX": -1},
    "eyeLookOutLeft": {"CTRL_L_eye-translateX": 1},
    "eyeLookInRight": {"CTRL_R_eye-translateX": 1},
    "eyeLookOutRight": {"CTRL_R_eye-translateX": -1},
}
BOARD_FROM_ARKIT: dict[str, dict[str, float]] = {
    **_WITHOUT_SIDES,
    **_LOOKS,
    **{
        stem + side: {f"CTRL_{side[0]}_{name}-translateY": weight for name, weight in row.items()}
        for stem, row in _WITH_SIDES.items()
        for side in ("Left", "Right")
    },
}
"""How far each board channel moves for an ARKit control at 1."""

# The curves behind a slider: of its positive and, where it goes both ways, of its negative half. {S} is the side.
_RAW = {
    "C_eye_parallelLook-translateY": "eyeParallelLookDirection",
    "C_jaw-translateX": "jawRight jawLeft",
    "C_jaw-translateY": "jawOpen",
    "C_jaw_fwdBack-translateY": "jawBack jawFwd",
    "C_jaw_openExtreme-translateY": "jawOpenExtreme",
    "C_mouth-translateX": "mouthLeft mouthRight",
    "C_mouth-translateY": "mouthUp mouthDown",
    "C_mouth_lipShiftU-translateY": "mouthUpperLipShiftLeft mouthUpperLipShiftRight",
    "C_mouth_lipShiftD-translateY": "mouthLowerLipShiftLeft mouthLowerLipShiftRight",
    "C_mouth_stickyU-translateY": "mouthStickyUC",
    "C_mouth_stickyD-translateY": "mouthStickyDC",
    "C_teethU-translateX": "teethLeftU teethRightU",
    "C_teethU-translateY": "teethUpU teethDownU",
    "C_teethD-translateX": "teethLeftD teethRightD",
    "C_teethD-translateY": "teethUpD teethDownD",
    "C_teeth_fwdBackU-translateY": "teethBackU teethFwdU",
    "C_teeth_fwdBackD-translateY": "teethBackD teethFwdD",
    "C_tongue-translateX": "tongueLeft tongueRight",
    "C_tongue-translateY": "tongueUp tongueDown",
    "C_tongue_inOut-translateY": "tongueIn tongueOut",
    "C_tongue_narrowWide-translateY": "tongueWide tongueNarrow",
    "C_tongue_press-translateY": "tonguePress",
    "C_tongue_tip-translateX": "tongueTipLeft tongueTipRight",
    "C_tongue_tip-translateY": "tongueTipUp tongueTipDown",
    "neck_digastricUpDown-translateY": "neckDigastricUp neckDigastricDown",
    "neck_throatExhaleInhale-translateY": "neckThroatInhale neckThroatExhale",
    "neck_throatUpDown-translateY": "neckThroatUp neckThroatDown",
    "brow_raiseOut-translateY": "browRaiseOuter{S}",
    "eye-translateX": "eyeLookLeft{S} eyeLookRight{S}",
    "eye-translateY": "eyeLookUp{S} eyeLookDown{S}",
    "eye_blink-translateY": "eyeBlink{S} eyeWiden{S}",
    "eye_eyelidD-translateY": "eyeLowerLidUp{S} eyeLowerLidDown{S}",
    "eye_eyelidU-translateY": "eyeRelax{S} eyeUpperLidUp{S}",
    "eye_pupil-translateY": "eyePupilWide{S} eyePupilNarrow{S}",
    "eyelashes_tweakerIn-translateY": "eyelashesDownIN{S} eyelashesUpIN{S}",
    "eyelashes_tweakerOut-translateY": "eyelashesDownOUT{S} eyelashesUpOUT{S}",
    "mouth_corner-translateX": "mouthCornerWide{S} mouthCornerNarrow{S}",
    "mouth_corner-translateY": "mouthCornerUp{S} mouthCornerDown{S}",
    "mouth_cornerSharpnessU-translateY": "mouthCornerSharpenU{S} mouthCornerRounderU{S}",
    "mouth_cornerSharpnessD-translateY": "mouthCornerSharpenD{S} mouthCornerRounderD{S}",
    "mouth_lipBiteU-translateY": "mouthUpperLipBite{S}",
    "mouth_lipBiteD-translateY": "mouthLowerLipBite{S}",
    "mouth_lipsPressU-translateY": "mouthLipsPress{S}",
    "mouth_lipsRollU-translateY": "mouthUpperLipRollIn{S} mouthUpperLipRollOut{S}",
    "mouth_lipsRollD-translateY": "mouthLowerLipRollIn{S} mouthLowerLipRollOut{S}",
    "mouth_lipsTowardsTeethU-translateY": "mouthUpperLipTowardsTeeth{S}",
    "mouth_lipsTowardsTeethD-translateY": "mouthLowerLipTowardsTeeth{S}",
    "mouth_purseU-translateY": "mouthLipsPurseU{S}",
    "mouth_purseD-translateY": "mouthLipsPurseD{S}",
    "mouth_pushPullU-translateY": "mouthLipsPushU{S} mouthLipsPullU{S}",
    "mouth_pushPullD-translateY": "mouthLipsPushD{S} mouthLipsPullD{S}",
    "mouth_stickyInnerU-translateY": "mouthStickyUIN{S}",
    "mouth_stickyInnerD-translateY": "mouthStickyDIN{S}",
    "mouth_stickyOuterU-translateY": "mouthStickyUOUT{S}",
    "mouth_stickyOuterD-translateY": "mouthStickyDOUT{S}",
    "mouth_suckBlow-translateY": "mouthCheekBlow{S} mouthCheekSuck{S}",
    "mouth_thicknessU-translateY": "mouthLipsThinU{S} mouthLipsThickU{S}",
    "mouth_thicknessD-translateY": "mouthLipsThinD{S} mouthLipsThickD{S}",
    "mouth_tightenU-translateY": "mouthLipsTightenU{S}",
    "mouth_tightenD-translateY": "mouthLipsTightenD{S}",
    "mouth_towardsU-translateY": "mouthLipsTowardsU{S}",
    "mouth_towardsD-translateY": "mouthLipsTowardsD{S}",
    "nose-translateX": "noseNostrilDilate{S} noseNostrilCompress{S}",
    "nose-translateY": "noseWrinkle{S} noseNostrilDepress{S}",
}
_NO_CURVE = re.compile("C_eye-|lipSticky|swallow|lookAtSwitch|Multiplyer")


def raw_of(channel: str) -> dict[str, float]:
    """The expression curves of one board channel: +1 for its positive half, -1 for its negative one."""
    if _NO_CURVE.search(channel):
        return {}
    side = re.match(r"CTRL_([LR])_", channel)
    key = channel.removeprefix("CTRL_")
    key = key[2:] if side else key
    usual = re.sub(r"_(\w)", lambda m: m[1].upper(), key.split("-")[0]) + ("{S}" if side else "")
    names = _RAW.get(key, usual).replace("{S}", side[1] if side else "").split()
    return {f"CTRL_expressions_{name}": sign for name, sign in zip(names, (1.0, -1.0), strict=False)}
