"""Small copies of public corpora in their published layouts: a second of sound, a few vertices, a few frames."""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import soundfile

TALK = "FaceTalk_170725_00137_TA"
STAGE = "m--20180227--0000--6795937--GHS"
POINTS = np.arange(12, dtype=np.float32).reshape(4, 3) / 10
GRID = """File type = "ooTextFile"
Object class = "TextGrid"
0
1
<exists>
2
"IntervalTier"
"words"
0
1
2
0 0.4 "hello"
0.4 1 ""
"IntervalTier"
"phones"
0
1
3
0 0.1 "HH"
0.1 0.4 "OW1"
0.4 1 ""
"""


def sound(path: Path, kind: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.3 * np.sin(np.arange(16000) / 9)
    soundfile.write(path, wave, 16000, format=kind)
    return path


def put(path: Path, content: bytes | str = b"film") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def npy(path: Path, array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


def ply(points: np.ndarray) -> bytes:
    head = (
        "ply\nformat binary_little_endian 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
        "property float z\nproperty uchar red\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = b"".join(struct.pack("<3fB", *point, 7) for point in points.tolist())
    return head.encode() + rows + struct.pack("<B3i", 3, 0, 1, 2)


def vl(points: np.ndarray) -> bytes:
    return struct.pack("<i", len(points)) + points.astype("<f4").tobytes()


def ravdess(root: Path) -> None:
    sound(root / "Actor_02" / "03-01-05-02-01-01-02.wav")
    sound(root / "Actor_01" / "03-01-01-01-02-01-01.wav")
    put(root / "Video_Speech_Actor_02" / "Actor_02" / "01-01-08-01-01-01-02.mp4")
    put(root / "Video_Speech_Actor_02" / "Actor_02" / "02-01-08-01-01-01-02.mp4")
    sound(root / "Actor_02" / "03-02-05-02-01-01-02.wav")


def cremad(root: Path) -> None:
    put(
        root / "VideoDemographics.csv", "ActorID,Age,Sex,Race\n1001,51,Male,Caucasian\n1002,21,Female,Asian\n"
    )
    sound(root / "AudioWAV" / "1001_IEO_ANG_HI.wav")
    sound(root / "AudioWAV" / "1002_DFA_NEU_XX.wav")
    put(root / "VideoFlash" / "1001_IEO_ANG_HI.flv")


def mead(root: Path) -> None:
    sound(root / "W015" / "audio" / "happy" / "level_2" / "007.wav")
    put(root / "W015" / "video" / "left_30" / "happy" / "level_2" / "007.mp4")
    put(root / "W015" / "video" / "front" / "neutral" / "level_1" / "001.mp4")


def hdtf(root: Path) -> None:
    for name in (
        "RD_Radio11_000",
        "Radio12_0",
        "AmyKlobuchar0_0",
        "WDA_AmyKlobuchar1_001",
        "LucilleRoybal-Allard_0",
    ):
        put(root / "clips" / f"{name}.mp4")


def vocaset(root: Path) -> None:
    sound(root / "audio" / TALK / "sentence01.wav")
    sound(root / "audio" / TALK / "sentence02.wav")
    for frame in (1, 2, 3):
        put(
            root / "unposedcleaneddata" / TALK / "sentence01" / f"sentence01.{frame:06d}.ply",
            ply(POINTS + frame),
        )


def biwi(root: Path) -> None:
    for frame in (1, 2, 3):
        raw = vl(POINTS + frame)
        put(
            root / "faces" / "F1" / "e01" / f"frame_{frame:03d}.vl", gzip.compress(raw) if frame == 2 else raw
        )
        put(root / "faces" / "M2" / "07" / f"frame_{frame:03d}.vl", raw)
    put(root / "faces" / "F1" / "e01.tgz")
    sound(root / "wav" / "F1_e01.wav")
    sound(root / "audio" / "M2" / "07_cut.wav")


def multiface(root: Path) -> None:
    sound(root / STAGE / "audio" / "SEN_a_good_morrow_to_you_my_boy.wav")
    for frame in (102, 105, 108):
        at = root / STAGE / "tracked_mesh" / "SEN_a_good_morrow_to_you_my_boy" / f"{frame:06d}.bin"
        put(at, (POINTS + (frame - 99) // 3).astype("<f4").tobytes())


def beat(root: Path) -> None:
    at = root / "beat_english_v0.2.1" / "1"
    sound(at / "1_wayne_0_73_73.wav")
    put(at / "1_wayne_0_73_73.TextGrid", GRID)
    frames = [{"weights": [0.1 * i, 0.2], "time": i / 60, "rotation": []} for i in range(3)]
    put(at / "1_wayne_0_73_73.json", json.dumps({"names": ["jawOpen", "browInnerUp"], "frames": frames}))
    sound(at / "1_wayne_1_3_3.wav")


def beat2(root: Path) -> None:
    at = root / "beat_english_v2.0.0"
    sound(at / "wave16k" / "2_scott_0_1_1.wav")
    put(at / "textgrid" / "2_scott_0_1_1.TextGrid", GRID)
    poses = np.zeros((3, 165))
    poses[:, 66] = (0.0, 0.1, 0.2)
    (at / "smplxflame_30").mkdir()
    np.savez(
        at / "smplxflame_30" / "2_scott_0_1_1.npz",
        expressions=np.ones((3, 100)),
        poses=poses,
        model="smplx2020",
    )


TREES = {
    "beat": beat, "beat2": beat2, "biwi": biwi, "crema-d": cremad, "hdtf": hdtf, "mead": mead,
    "multiface": multiface, "ravdess": ravdess, "vocaset": vocaset,
}  # fmt: skip
