"""Settings out of range or naming nothing, each given beside a good sound or animation."""

from pathlib import Path

from tests.corpus.case import Case
from tests.corpus.tone import write_tone

SETTINGS: dict[str, tuple[tuple[str, ...], str]] = {
    "fps-zero": (("--fps", "0"), "--fps"),
    "fps-negative": (("--fps", "-30"), "--fps"),
    "fps-huge": (("--fps", "1e9"), "--fps"),
    "fps-nan": (("--fps", "nan"), "--fps"),
    "fps-fraction": (("--fps", "30/0"), "--fps"),
    "seed-negative": (("--seed", "-1"), "--seed"),
    "seed-huge": (("--seed", "99999999999999999999999"), "--seed"),
    "seed-fraction": (("--seed", "1.5"), "--seed"),
    "intensity-infinite": (("--intensity", "inf"), "--intensity"),
    "mouth-negative": (("--mouth", "-0.1"), "--mouth"),
    "upper-face-word": (("--upper-face", "much"), "--upper-face"),
    "start-negative": (("--start", "-1"), "--start"),
    "start-nan": (("--start", "nan"), "--start"),
    "duration-zero": (("--duration", "0"), "--duration"),
    "duration-negative": (("--duration", "-2"), "--duration"),
    "look-at-four": (("--look-at", "1,2,3,4"), "--look-at"),
    "look-at-infinite": (("--look-at", "inf,0,0"), "--look-at"),
    "look-at-empty": (("--look-at", ""), "--look-at"),
    "emotion-empty": (("--emotion", ""), "--emotion"),
    "emotion-twice": (("--emotion", "happy+happy"), "--emotion"),
    "emotion-nan": (("--emotion", "happy:nan"), "--emotion"),
    "emotion-vad-out": (("--emotion", "vad:2,0,0"), "--emotion"),
    "emotion-vad-two": (("--emotion", "vad:0,0"), "--emotion"),
    "emotion-long": (("--emotion", "happy+" * 5000), "--emotion"),
    "passes-unknown": (("--passes", "blink,wink"), "--passes"),
    "rig-unknown": (("--rig", "nobody"), "--rig"),
    "encoder-unknown": (("--encoder", "nothing"), "--encoder"),
    "decoder-unknown": (("--decoder", "nothing"), "--decoder"),
    "emotion-encoder-unknown": (("--emotion-encoder", "nothing"), "--emotion-encoder"),
    "switch-with-value": (("--no-blink=maybe",), "--no-blink"),
}
LOOKS: dict[str, tuple[tuple[str, ...], str]] = {
    "size-word": (("--size", "big"), "--size"),
    "size-zero": (("--size", "0x0"), "--size"),
    "size-odd": (("--size", "101x101"), "--size"),
    "size-huge": (("--size", "100000x100000"), "--size"),
    "camera-unknown": (("--camera", "above"), "--camera"),
    "renderer-unknown": (("--renderer", "pencil"), "--renderer"),
    "background-unknown": (("--background", "#zzz"), "--background"),
}


def build(folder: Path) -> list[Case]:
    sound = write_tone(folder / "tone.wav")
    cases = [Case(name, sound, options, 2, says) for name, (options, says) in SETTINGS.items()]
    video = ("-o", str(folder / "out.mp4"))
    cases += [Case(name, sound, (*options, *video), 2, says) for name, (options, says) in LOOKS.items()]
    empty = folder / "no-rig"
    empty.mkdir()
    cases.append(Case("rig-folder-empty", sound, ("--rig", str(empty)), 3, "rig.json"))
    return cases
