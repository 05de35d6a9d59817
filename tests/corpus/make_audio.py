"""Makes the sound files of the broken-file corpus, and odd files that must be read."""

import struct
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import soundfile

from tests.corpus.case import Case

AV_CODECS = {
    "mp3": "libmp3lame",
    "m4a": "aac",
    "mp4": "aac",
    "mov": "aac",
    "aac": "aac",
    "mkv": "aac",
    "mka": "libmp3lame",
    "webm": "libopus",
    "opus": "libopus",
}
AV_FORMATS = {"m4a": "ipod", "mkv": "matroska", "mka": "matroska", "aac": "adts", "opus": "ogg"}


class Good(NamedTuple):
    """A file that must be read; ``seconds`` long within ``slack``."""

    name: str
    path: Path
    seconds: Fraction
    slack: float = 0.0


def hum(rate: int, seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    """Something like a voice [n, channels] float64: harmonics of 120 Hz, swelling three times a second."""
    t = np.arange(round(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 9))
    return np.stack([0.2 * tone * np.sin(3 * np.pi * t) ** 2] * channels, axis=1)


def clicks(rate: int, seconds: float, at: tuple[float, ...], channels: int = 1) -> np.ndarray:
    """Short bursts of 1 kHz [n, channels] float64 that start at the given times."""
    samples = np.zeros(round(seconds * rate))
    t = np.arange(round(0.02 * rate)) / rate
    burst = 0.7 * np.hanning(len(t)) * np.sin(2 * np.pi * 1000 * t)
    for place in at:
        start = round(place * rate)
        samples[start : start + len(burst)] += burst
    return np.stack([samples] * channels, axis=1)


def encode(
    path: Path, samples: np.ndarray | None, rate: int, *, kind: str = "", video: bool = False, seconds: int = 1
) -> Path:
    """Write ``samples`` [n, channels] (None: no sound) as ``kind`` (the suffix, if not given)."""
    kind = kind or path.suffix[1:]
    with av.open(str(path), "w", format=AV_FORMATS.get(kind, kind)) as out:
        picture = out.add_stream("libvpx" if kind == "webm" else "mpeg4", rate=25) if video else None
        if picture is not None:
            picture.width = picture.height = 64
            picture.pix_fmt = "yuv420p"
            picture.codec_context.thread_count = 1
            picture.options = {"deadline": "realtime", "cpu-used": "8"} if kind == "webm" else {}
        sound = None
        if samples is not None:
            layout = "mono" if samples.shape[1] == 1 else "stereo"
            sound = out.add_stream(AV_CODECS[kind], rate=rate, layout=layout)
        if picture is not None:
            for _ in range(25 * seconds):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), "rgb24")
                out.mux(picture.encode(frame.reformat(format="yuv420p")))
            out.mux(picture.encode(None))
        if sound is not None:
            packed = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.pts = rate, 0
            out.mux(sound.encode(frame))
            out.mux(sound.encode(None))
    return path


def wav(rate: int, channels: int, data: bytes, *, bits: int = 16, tag: int = 1, claims: int | None = None) -> bytes:
    """A WAV file's bytes with any header, true or not."""
    block = channels * bits // 8
    shape = struct.pack("<HHIIHH", tag, channels, rate, min(rate * block, 2**32 - 1), block, bits)
    size = len(data) if claims is None else claims
    return (
        b"RIFF"
        + struct.pack("<I", min(36 + size, 2**32 - 2))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + shape
        + b"data"
        + struct.pack("<I", size)
        + data
    )


def flac_bomb(total: int) -> bytes:
    """16 KB of FLAC whose header claims ``total`` frames of 8 channels of 32 bits."""
    packed = (48_000 << 44) | (7 << 41) | (31 << 36) | total
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info + bytes(16_384 - 42)


def png() -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    shape = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", shape) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    )


def cut(path: Path, share: float = 0.6) -> Path:
    """Cut a file short."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def _plain(folder: Path) -> list[tuple[str, str]]:
    """Files that are no sound at all."""
    rng = np.random.default_rng(1)
    (folder / "folder.wav").mkdir(exist_ok=True)
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("This is a letter, not a recording.\n" * 20)
    (folder / "playlist.mp3").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/hostname\n")
    (folder / "picture.mp3").write_bytes(png())
    (folder / "random.wav").write_bytes(rng.bytes(100_000))
    (folder / "zeros.mp3").write_bytes(bytes(100_000))
    with zipfile.ZipFile(folder / "archive.flac", "w") as archive:
        archive.writestr("speech.txt", "words")
    return [
        ("missing.wav", "no such file"),
        ("folder.wav", "folder"),
        ("empty.wav", "empty"),
        ("text.wav", "is text"),
        ("playlist.mp3", "is text"),
        ("picture.mp3", "PNG"),
        ("random.wav", "not a sound file"),
        ("zeros.mp3", "not a sound file"),
        ("archive.flac", "zip"),
    ]


def _headers(folder: Path) -> list[tuple[str, str]]:
    """Headers that claim what can't be."""
    voice = (hum(16_000) * 32_767).astype("<i2").tobytes()
    files = {
        "no_samples.wav": (wav(16_000, 1, b""), "no samples"),
        "half_header.wav": (wav(16_000, 1, voice)[:30], "truncated"),
        "no_data.wav": (wav(16_000, 1, voice)[:36], "truncated"),
        "rate_0.wav": (wav(0, 1, voice), "sample rate of 0 Hz"),
        "rate_1.wav": (wav(1, 1, voice), "sample rate of 1 Hz"),
        "rate_4000.wav": (wav(4_000, 1, voice), "sample rate of 4000 Hz"),
        "rate_10M.wav": (wav(10_000_000, 1, voice), "sample rate"),
        "channels_0.wav": (wav(16_000, 0, voice), "0 channels"),
        "channels_65.wav": (wav(16_000, 65, voice), "65 channels"),
        "bomb.wav": (wav(48_000, 2, voice[:16_000], claims=4_000_000_000), "truncated"),
        "bomb.flac": (flac_bomb(2**33), "more than its"),
        "bomb_most.flac": (flac_bomb(2**36 - 1), "more than its"),
    }
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content)
    return [(name, says) for name, (_, says) in files.items()]


def _cut_short(folder: Path) -> list[tuple[str, str]]:
    """Files that end too early, and one whose middle is spoilt."""
    voice = hum(16_000, 3.0)
    uncut = ("truncated.wav", "truncated.aiff", "truncated.flac", "spoilt.flac", "truncated.caf", "truncated.ogg")
    for name in uncut:
        soundfile.write(folder / name, voice, 16_000)
    for name in ("truncated.mp3", "truncated.m4a", "truncated.opus", "truncated.mkv"):
        encode(folder / name, hum(48_000, 3.0), 48_000)
    spoilt = bytearray((folder / "spoilt.flac").read_bytes())
    half = len(spoilt) // 2
    spoilt[half : half + 20_000] = bytes(20_000)
    (folder / "spoilt.flac").write_bytes(spoilt)
    names = ["wav", "aiff", "flac", "caf", "mp3", "m4a", "ogg", "opus", "mkv"]
    for kind in names:
        cut(folder / f"truncated.{kind}")
    return [(f"truncated.{kind}", "truncated") for kind in names] + [("spoilt.flac", "damaged")]


def _contents(folder: Path) -> list[tuple[str, str]]:
    """Sound files whose samples are no sound."""
    voice = hum(16_000, 2.0)[:, 0]
    spoilt = {"nan.wav": np.nan, "inf.wav": -np.inf}
    for name, value in spoilt.items():
        samples = voice.copy()
        samples[20_000] = value
        soundfile.write(folder / name, samples, 16_000, subtype="FLOAT")
    soundfile.write(folder / "offset.wav", np.full(16_000, 0.25), 16_000)
    soundfile.write(folder / "clipped.wav", np.clip(40 * voice, -1, 1), 16_000)
    soundfile.write(folder / "unscaled.wav", voice * 32_768, 16_000, subtype="FLOAT")
    encode(folder / "silent_film.mp4", None, 0, video=True)
    return [
        ("nan.wav", "not finite"),
        ("inf.wav", "not finite"),
        ("offset.wav", "constant offset"),
        ("clipped.wav", "clipped"),
        ("unscaled.wav", "full scale"),
        ("silent_film.mp4", "holds no sound"),
    ]


def build(folder: Path) -> list[Case]:
    """Write the broken files into ``folder``; what must be said of each."""
    rows = _plain(folder) + _headers(folder) + _cut_short(folder) + _contents(folder)
    cases = [Case(name, folder / name, (), 3, says) for name, says in rows]
    soundfile.write(folder / "short.wav", hum(16_000), 16_000)
    beyond = Case("beyond the end", folder / "short.wav", ("--start", "99"), 3, "beyond its end")
    return [*cases, beyond]


def build_good(folder: Path) -> list[Good]:
    """Write odd files that must be read into ``folder``."""
    made = []

    def keep(name: str, rate: int, samples: np.ndarray, slack: float = 0.0, **how: str) -> None:
        soundfile.write(folder / name, samples, rate, **how)
        made.append(Good(name, folder / name, Fraction(len(samples), rate), slack))

    keep("8 kHz.wav", 8_000, hum(8_000))
    keep("192 kHz.wav", 192_000, hum(192_000))
    keep("11025.wav", 11_025, hum(11_025))
    keep("24 bit.wav", 44_100, hum(44_100), subtype="PCM_24")
    keep("8 bit.wav", 16_000, hum(16_000), subtype="PCM_U8")
    keep("double.wav", 16_000, hum(16_000), subtype="DOUBLE")
    keep("ulaw.wav", 8_000, hum(8_000), subtype="ULAW")
    keep("alaw.wav", 8_000, hum(8_000), subtype="ALAW")
    keep("extensible.wav", 48_000, hum(48_000, 1.0, 2), format="WAVEX")
    keep("rf64.wav", 48_000, hum(48_000), format="RF64")
    keep("sony.w64", 48_000, hum(48_000), format="W64")
    keep("seven.wav", 48_000, hum(48_000, 1.0, 7))
    keep("one sample.wav", 48_000, np.array([0.5]))
    keep("silence.flac", 44_100, np.zeros(44_100))
    keep("half silent.wav", 44_100, hum(44_100, 1.0, 2) * [1, 0])
    keep("-dash.wav", 16_000, hum(16_000))
    keep("spaces and 🎙️ ünïcode.aiff", 22_050, hum(22_050))
    keep("really a flac.wav", 16_000, hum(16_000), format="FLAC")
    keep("vorbis.ogg", 44_100, hum(44_100), format="OGG", subtype="VORBIS")
    voice = hum(48_000, 2.0, 2)
    for kind in ("mp3", "m4a", "mp4", "mov", "mkv", "webm", "opus", "aac"):
        path = encode(folder / f"sound.{kind}", voice, 48_000, video=kind in ("mp4", "mov", "webm"), seconds=2)
        made.append(Good(path.name, path, Fraction(2), 0.03))
    path = encode(folder / "really an mp3.wav", voice, 48_000, kind="mp3")
    made.append(Good(path.name, path, Fraction(2), 0.03))
    (folder / "piped.wav").write_bytes(_piped())
    return [*made, Good("piped.wav", folder / "piped.wav", Fraction(1))]


def _piped() -> bytes:
    """A WAV as programs write it to a pipe: its sizes say no more than 'unknown'."""
    content = wav(16_000, 1, (hum(16_000) * 32_767).astype("<i2").tobytes(), claims=0xFFFFFFFF)
    return content[:4] + b"\xff\xff\xff\xff" + content[8:]
