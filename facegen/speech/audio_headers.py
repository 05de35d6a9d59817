"""What a sound file's header claims, held against the file's size before anything is decoded.

Nothing here allocates by a claimed number. Every function raises AudioError without a path; callers add it.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from os import PathLike
from typing import BinaryIO

from facegen.core.errors import AudioError

MIN_RATE, MAX_RATE = 8_000, 192_000
MAX_CHANNELS = 64
MAX_SECONDS = 24 * 3600

_MAX_CHUNKS = 4096
_SLACK_SECONDS = 0.01  # writers that miscount by a few bytes are forgiven
_FLAC_MIN_FRAME = 10  # bytes of the smallest FLAC frame: header, one constant subframe, checksum

# Sizes that programs leave in a header when they write to a pipe and can't come back to fill them in.
_PIPED_SIZES = (0xFFFFFFFF, 0x7FFFF000, 0)

_OTHER_KINDS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"MThd", "a MIDI score"),
    (b"glTF", "a glTF model"),
)
_NOT_SOUND = "give a WAV, FLAC, OGG, MP3, M4A, AIFF, MP4, MOV, MKV or WEBM file"


def open_checked(path: str | PathLike) -> BinaryIO:
    """The file at ``path``, opened; AudioError where it is missing, a folder, no plain file or empty."""
    try:
        state = os.stat(path)
        if stat.S_ISDIR(state.st_mode):
            raise AudioError("is a folder, not a file", path=path, remedy="give a sound file")
        if not stat.S_ISREG(state.st_mode):
            raise AudioError("is not a plain file", path=path, remedy="copy the sound to a file first")
        if state.st_size == 0:
            raise AudioError("is empty (0 bytes)", path=path, remedy="export or copy the sound again")
        return open(path, "rb")
    except FileNotFoundError as fault:
        raise AudioError("no such file", path=path, remedy="check the name and the folder") from fault
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise AudioError(
            f"can't be read ({reason.lower()})", path=path, remedy="check the name and its permissions"
        ) from fault


def check_shape(rate: float, channels: int) -> None:
    """Raise AudioError for a sample rate or a number of channels that no recording has."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(
            f"has a sample rate of {rate:g} Hz, outside {MIN_RATE}..{MAX_RATE}",
            remedy="export it at 16 to 48 kHz",
        )
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(
            f"has {channels} channels, expected 1..{MAX_CHANNELS}", remedy="mix it down to one channel"
        )


def check_seconds(seconds: float) -> None:
    """Raise AudioError for a length that is not to be read in one go."""
    if seconds > MAX_SECONDS:
        raise AudioError(
            f"lasts {seconds / 3600:.1f} hours, more than {MAX_SECONDS // 3600}",
            remedy="split it, or choose a span by start and duration",
        )


def truncated(holds: float, claims: float, unit: str = "s") -> AudioError:
    """The error for a file that ends before its header says so."""
    digits = ".0f" if unit == "bytes" else ".2f"
    return AudioError(
        f"is truncated: holds {holds:{digits}} of {claims:{digits}} {unit}",
        remedy="copy or export it again",
    )


def check_claims(file: BinaryIO) -> str:
    """The container's name (``wav``, ``flac``, ``mp4`` …, or ``""`` for one not told by its first bytes).

    Raises AudioError where the header contradicts itself or the file's size, or is no sound's.
    """
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    head = file.read(64)
    for magic, words in _OTHER_KINDS:
        if head.startswith(magic):
            raise AudioError(f"is {words}, not sound", remedy=_NOT_SOUND)
    for name, test, check in _CONTAINERS:
        if test(head):
            if check:
                check(file, head, size)
            return name
    if _is_text(head):
        raise AudioError("is text, not sound", remedy=_NOT_SOUND)
    return ""


def not_sound() -> AudioError:
    return AudioError("is not a sound file that can be read", remedy=_NOT_SOUND)


def _is_text(head: bytes) -> bool:
    try:
        text = head[:60].decode("utf-8", errors="strict" if len(head) < 60 else "ignore")
    except UnicodeDecodeError:
        return False
    return len(text) >= 0.9 * min(len(head), 60) and all(c.isprintable() or c.isspace() for c in text)


def _chunks(file: BinaryIO, start: int, size: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """(id, claimed size, place of the content) of the chunks of a RIFF or AIFF file."""
    place = start
    for _ in range(_MAX_CHUNKS):
        file.seek(place)
        header = file.read(8)
        if len(header) < 8:
            return
        name, claimed = struct.unpack(order + "4sI", header)
        yield name, claimed, place + 8
        place += 8 + claimed + claimed % 2
        if place >= size:
            return


def _check_wav(file: BinaryIO, head: bytes, size: int) -> None:
    order = ">" if head[:4] == b"RIFX" else "<"
    riff_size = struct.unpack(order + "I", head[4:8])[0]
    long_size = bytes_a_second = frame_bytes = 0
    for name, claimed, place in _chunks(file, 12, size, order):
        file.seek(place)
        if name == b"ds64":
            content = file.read(16)
            long_size = struct.unpack("<QQ", content)[1] if len(content) == 16 else 0
        elif name == b"fmt ":
            content = file.read(16)
            if len(content) < 16:
                raise truncated(size, place + claimed, "bytes")
            _, channels, rate, bytes_a_second, frame_bytes, _ = struct.unpack(order + "HHIIHH", content)
            check_shape(rate, channels)
        elif name == b"data":
            if not bytes_a_second or not frame_bytes:
                raise AudioError("is damaged: its WAV header has no format", remedy="export it again")
            piped = claimed in _PIPED_SIZES and (claimed == 0 or riff_size in (claimed, claimed + 36))
            if claimed == 0xFFFFFFFF and long_size:
                claimed, piped = long_size, False
            missing = place + claimed - size
            if not piped and missing > max(frame_bytes, bytes_a_second * _SLACK_SECONDS):
                raise truncated((size - place) / bytes_a_second, claimed / bytes_a_second)
            return
    raise truncated(size, max(size + 1, riff_size + 8), "bytes")


def _check_aiff(file: BinaryIO, head: bytes, size: int) -> None:
    for name, claimed, place in _chunks(file, 12, size, ">"):
        if name == b"SSND" and place + claimed > size + 8:
            raise truncated(size - place, claimed, "bytes")
        if name == b"SSND":
            return


def _check_caf(file: BinaryIO, head: bytes, size: int) -> None:
    place = 8
    for _ in range(_MAX_CHUNKS):
        file.seek(place)
        header = file.read(12)
        if len(header) < 12:
            return
        name, claimed = struct.unpack(">4sq", header)
        if claimed < 0:  # unknown: all that follows
            return
        if place + 12 + claimed > size:
            raise truncated(size, place + 12 + claimed, "bytes")
        place += 12 + claimed


def _check_flac(file: BinaryIO, head: bytes, size: int) -> None:
    if len(head) < 42:
        raise truncated(size, 42, "bytes")
    largest = struct.unpack(">H", head[10:12])[0]
    packed = int.from_bytes(head[18:26], "big")
    rate, channels, frames = packed >> 44, (packed >> 41 & 7) + 1, packed & (2**36 - 1)
    check_shape(rate, channels)
    most = (size // _FLAC_MIN_FRAME + 1) * max(largest, 16)
    if frames > most:
        raise AudioError(
            f"claims {frames / rate / 3600:.0f} hours of sound, more than its {size} bytes can hold",
            remedy="export it again",
        )


def _check_ogg(file: BinaryIO, head: bytes, size: int) -> None:
    """The last page must be whole; a file cut anywhere ends inside one."""
    reach = min(size, 2 * 65_536)
    file.seek(size - reach)
    tail = file.read(reach)
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        raise truncated(size, size + 1, "bytes")
    count = tail[at + 26]
    table = tail[at + 27 : at + 27 + count]
    needed = at + 27 + count + sum(table)
    if len(table) < count or needed > len(tail):
        raise truncated(size, size + max(1, needed - len(tail)), "bytes")


def _check_mp4(file: BinaryIO, head: bytes, size: int) -> None:
    """Top-level boxes must fit the file, and no sample table may claim more bytes than there are."""
    place, found = 0, False
    for _ in range(_MAX_CHUNKS):
        file.seek(place)
        header = file.read(16)
        if len(header) < 8:
            break
        length, name = struct.unpack(">I4s", header[:8])
        if length == 1 and len(header) == 16:
            length = struct.unpack(">Q", header[8:])[0]
        elif length == 0:
            length = size - place
        if length < 8 or place + length > size:
            raise truncated(size, max(place + length, size + 1), "bytes")
        if name == b"moov":
            found = True
            file.seek(place)
            _check_sample_sizes(file.read(min(length, 64 * 2**20)), size)
        place += length
    if not found:
        raise AudioError("is truncated: its index (moov) is missing", remedy="copy or export it again")


def _check_sample_sizes(moov: bytes, size: int) -> None:
    at = moov.find(b"stsz")
    while at >= 0 and at + 16 <= len(moov):
        each, count = struct.unpack(">II", moov[at + 8 : at + 16])
        if (each or 4) * count > size:
            raise AudioError(
                f"claims {count} samples, more than its {size} bytes can hold", remedy="export it again"
            )
        at = moov.find(b"stsz", at + 4)


def _check_matroska(file: BinaryIO, head: bytes, size: int) -> None:
    """The segment's size is known unless it was streamed; then it must fit."""
    length, width = _vint(head[4:])
    place = 4 + width + length
    if place > size:
        raise truncated(size, place, "bytes")
    file.seek(place)
    segment = file.read(12)
    if segment[:4] != b"\x18\x53\x80\x67":
        return
    length, width = _vint(segment[4:])
    unknown = length == (1 << (7 * width)) - 1
    if not unknown and place + 4 + width + length > size:
        raise truncated(size, place + 4 + width + length, "bytes")


def _vint(raw: bytes) -> tuple[int, int]:
    """An EBML number and its width in bytes: the leading zeros of the first byte tell the width."""
    width = 9 - raw[0].bit_length() if raw and raw[0] else 8
    value = int.from_bytes(raw[:width], "big") & ((1 << (7 * width)) - 1)
    return value, width


def _check_mp3(file: BinaryIO, head: bytes, size: int) -> None:
    """A Xing or Info tag in the first frame counts the bytes that should follow."""
    start = 0
    if head[:3] == b"ID3" and len(head) >= 10:
        digits = head[6:10]
        start = 10 + (digits[0] << 21 | digits[1] << 14 | digits[2] << 7 | digits[3])
        if start >= size:
            raise truncated(size, start, "bytes")
    file.seek(start)
    first = file.read(256)
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0 or len(first) < at + 16:
        return
    flags = struct.unpack(">I", first[at + 4 : at + 8])[0]
    if flags & 2:
        place = at + 8 + (4 if flags & 1 else 0)
        claimed = struct.unpack(">I", first[place : place + 4])[0]
        if claimed > (size - start) * 1.001 + 512:
            raise truncated(size - start, claimed, "bytes")


_CONTAINERS = (
    ("wav", lambda h: h[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and h[8:12] == b"WAVE", _check_wav),
    ("w64", lambda h: h[:4] == b"riff" and h[24:28] == b"wave", None),
    ("flac", lambda h: h[:4] == b"fLaC", _check_flac),
    ("ogg", lambda h: h[:4] == b"OggS", _check_ogg),
    ("aiff", lambda h: h[:4] == b"FORM" and h[8:12] in (b"AIFF", b"AIFC"), _check_aiff),
    ("au", lambda h: h[:4] == b".snd", None),
    ("caf", lambda h: h[:4] == b"caff", _check_caf),
    ("mp4", lambda h: h[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"), _check_mp4),
    ("matroska", lambda h: h[:4] == b"\x1a\x45\xdf\xa3", _check_matroska),
    (
        "mp3",
        lambda h: h[:3] == b"ID3" or (h[:1] == b"\xff" and len(h) > 1 and h[1] & 0xE6 == 0xE2),
        _check_mp3,
    ),
)
