"""Readers of files that nobody vouches for, good files to begin from, and ways to spoil them."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import FacegenError
from facegen.formats import load_animation, load_take, save
from facegen.rig import ARKIT
from tests.helpers.inline_batch import short_sounds

TOKENS = (
    b"", b"0", b"-1", b"1e999", b"nan", b"4294967295", b"18446744073709551615", b"99999999999999999999", b"null",
    b"[]", b"{}", b'""', b"\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f", b"../../x", b"[" * 3000,
    b"\n", b",", b'"', b"true", b"9" * 400,
)  # fmt: skip


class Reader(NamedTuple):
    """``read`` is given a file's path; ``seed`` writes a good file to a path."""

    suffix: str
    read: Callable[[Path], Any]
    seed: Callable[[Path], None]


def spoil(raw: bytes, chance: random.Random) -> bytes:
    """``raw`` with one to four faults: bytes changed, cut, doubled, moved, or replaced by what readers stumble over."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        size = chance.choice((1, 1, 2, 4, 8, 64, 1024))
        way = chance.randrange(7)
        if way == 0 and data:
            data[min(at, len(data) - 1)] ^= 1 << chance.randrange(8)
        elif way == 1:
            data[at : at + size] = bytes(chance.randrange(256) for _ in range(size))
        elif way == 2:
            del data[at : at + size]
        elif way == 3:
            data[at:at] = data[at : at + size] * chance.choice((1, 2, 50))
        elif way == 4:
            data[at : at + chance.choice((0, 1, 4, 8))] = chance.choice(TOKENS)
        elif way == 5:
            del data[at:]
        else:
            _spoil_number(data, chance)
    return bytes(data)


def _spoil_number(data: bytearray, chance: random.Random) -> None:
    """Put something else in the place of a number that is written in digits."""
    digits = [i for i in range(min(len(data), 4000)) if 48 <= data[i] <= 57]
    if digits:
        first = last = chance.choice(digits)
        while last < len(data) and data[last] in b"0123456789.eE-+":
            last += 1
        data[first:last] = chance.choice(TOKENS)


def answer(reader: Reader, path: Path) -> str:
    """What is wrong with how the file is read: "" where it is read or refused by an error of ours."""
    try:
        reader.read(path)
    except FacegenError as error:
        return "" if str(error) and error.exit_code in (2, 3, 4) else f"bad error: {error!r}"
    except MemoryError:
        return "asks for more memory than there is"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return ""


def curves() -> Animation:
    rng = np.random.default_rng(0)
    return Animation(30, ARKIT, rng.random((3, 52)).astype(np.float32), np.zeros((3, 6), np.float32))


def _written(suffix: str, **options: Any) -> Callable[[Path], None]:
    def seed(path: Path) -> None:
        save(curves(), path, **options)

    return seed


def _sound(kind: str) -> Callable[[Path], None]:
    def seed(path: Path) -> None:
        import soundfile

        samples, rate = soundfile.read(short_sounds(path.parent / "s", 1, 0.2) / "clip000.wav")
        soundfile.write(path, samples, rate, kind)

    return seed


def _text(content: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(content, encoding="utf-8") and None


def _head(suffix: str) -> Callable[[Path], None]:
    from tests.helpers.tiny_rig import tiny_rig

    return _written(suffix, rig=tiny_rig())


def _audio(path: Path) -> Any:
    from facegen.speech.audio import read_audio

    return read_audio(path)


def _rig(path: Path) -> Any:
    from facegen.rig import load_rig

    return load_rig(path)


def _map(path: Path) -> Any:
    from facegen.rig.map_csv import read_map

    return read_map(path)


def _timeline(path: Path) -> Any:
    from facegen.emotion.timeline import read_timeline

    return read_timeline(path)


def _alignment(path: Path) -> Any:
    from facegen.speech.alignment_files import read_alignment

    return read_alignment(path)


def _manifest(path: Path) -> Any:
    from facegen.config import BatchConfig
    from facegen.jobs.batch.run import plan

    tasks = plan(str(path), str(path.parent / "out"), BatchConfig())
    assert all(task.fault is None or str(task.fault) for task in tasks)


def _journal(path: Path) -> Any:
    from facegen.jobs.batch.journal import Journal

    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    Journal(copy).close()


def _journal_seed(path: Path) -> None:
    from facegen.jobs.batch.journal import Journal
    from facegen.jobs.batch.task import DONE, Result, TaskError

    journal = Journal(path)
    journal.begin("a")
    journal.end("a", Result(DONE, "x", {"a.csv": ["0" * 64, 1]}))
    journal.end("b", Result.failed(TaskError("bad")))
    journal.close()


def _style(path: Path) -> Any:
    from facegen.emotion.style import load_style

    return load_style(str(path))


def _camera(path: Path) -> Any:
    from facegen.renderers.camera import read_camera

    return read_camera(path)


def _folder_rig(path: Path) -> Any:
    """A rig folder whose rig.json is the file."""
    from facegen.rig import load_rig

    folder = path.parent / "rig"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / "rig.json")
    return load_rig(folder)


def _folder_rig_seed(path: Path) -> None:
    from facegen.rig.load import rigs_folder

    shutil.copy(rigs_folder() / "oculus" / "rig.json", path)


OBJ = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n"
TEXTGRID = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 1\ntiers? <exists>\nsize = 1\nitem []:\n'
    '    item [1]:\n        class = "IntervalTier"\n        name = "phones"\n        xmin = 0\n        xmax = 1\n'
    "        intervals: size = 1\n        intervals [1]:\n            xmin = 0\n            xmax = 1\n"
    '            text = "AA1"\n'
)
MAP = "source,target,weight\njawOpen,jaaOpen,1\njawOpen,x,0.5\nmouthClose,y,0.25\n"
MANIFEST = "audio,emotion,fps,_scene\na.wav,happy:0.5,30,x\nb.wav,,60,y\n"
LINES = '{"audio": "a.wav", "emotion": "happy", "fps": 60}\n{"audio": "b.wav", "passes": ["blink"]}\n'
SPANS = {"spans": [{"start": 0, "end": 1, "emotion": "happy"}]}
PHONES = {"phones": [[0, 0.5, "AA"], [0.5, 1, "M"]]}
VIEW = {"position": [0, 0, 60], "target": [0, 0, 0], "fov": 25}

READERS: dict[str, Reader] = {
    "wav": Reader("wav", _audio, _sound("PCM_16")),
    "wav24": Reader("wav", _audio, _sound("PCM_24")),
    "wavf": Reader("wav", _audio, _sound("FLOAT")),
    "flac": Reader("flac", _audio, _sound("PCM_16")),
    "ogg": Reader("ogg", _audio, _sound("VORBIS")),
    "aiff": Reader("aiff", _audio, _sound("PCM_16")),
    "livelink": Reader("csv", load_animation, _written(".csv")),
    "json": Reader("json", load_animation, _written(".json")),
    "a2f": Reader("a2f.json", load_animation, _written(".a2f.json")),
    "metahuman": Reader(
        "mh.json", load_animation, _text('{"version":1,"fps":30,"controls":["a"],"values":[[0]]}')
    ),
    "take": Reader("take", load_take, _written(".take")),
    "arrays": Reader("safetensors", load_animation, _written(".safetensors")),
    "glb": Reader("glb", load_animation, _head(".glb")),
    "gltf": Reader("gltf", load_animation, _head(".gltf")),
    "vrma": Reader("vrma", load_animation, _written(".vrma")),
    "rig glb": Reader("glb", _rig, _head(".glb")),
    "rig gltf": Reader("gltf", _rig, _head(".gltf")),
    "rig obj": Reader("obj", _rig, _text(OBJ)),
    "rig json": Reader("json", _folder_rig, _folder_rig_seed),
    "map": Reader("csv", _map, _text(MAP)),
    "timeline csv": Reader("csv", _timeline, _text("start,end,emotion\n0,1,happy\n1,2,sad:0.5\n")),
    "timeline json": Reader("json", _timeline, _text(json.dumps(SPANS["spans"]))),
    "textgrid": Reader("TextGrid", _alignment, _text(TEXTGRID)),
    "alignment json": Reader("json", _alignment, _text(json.dumps(PHONES))),
    "align": Reader("align", _alignment, _text("0 10000 sil\n10000 20000 bin\n")),
    "manifest csv": Reader("csv", _manifest, _text(MANIFEST)),
    "manifest jsonl": Reader("jsonl", _manifest, _text(LINES)),
    "journal": Reader("jsonl", _journal, _journal_seed),
    "style": Reader("json", _style, _text('{"articulation": 0.5, "speaker": "s1"}')),
    "camera": Reader("json", _camera, _text(json.dumps(VIEW))),
}


def _coded(kind: str, video: bool = False) -> Callable[[Path], None]:
    def seed(path: Path) -> None:
        from tests.corpus.make_audio import clicks, encode

        encode(path, clicks(48_000, 0.5, (0.1, 0.3)), 48_000, kind=kind, video=video)

    return seed


def _avatar(version: int) -> Callable[[Path], None]:
    def seed(path: Path) -> None:
        from tests.helpers.avatars import write_avatar
        from tests.helpers.tiny_rig import tiny_rig

        write_avatar(path, tiny_rig(), version)

    return seed


def _flame_seed(path: Path) -> None:
    from safetensors.numpy import save_file

    rng = np.random.default_rng(0)
    shapes = {"v_template": (40, 3), "exp_basis": (40, 3, 4), "joints": (5, 3), "lbs_weights": (40, 5)}
    rows = {name: rng.random(shape).astype(np.float32) for name, shape in shapes.items()}
    save_file({**rows, "faces": rng.integers(0, 40, (60, 3)).astype(np.int64)}, path)


def _video(path: Path) -> Any:
    from facegen.tracking.video_frames import Video

    return sum(1 for _ in Video(path).pictures())


def _picture(path: Path) -> Any:
    from facegen.renderers.images import make_background

    return make_background(str(path), (64, 64))


def _picture_seed(path: Path) -> None:
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    Image.fromarray(noise).save(path)


def _phone_model(path: Path) -> Any:
    from facegen.speech.phone_network import PhoneNetwork

    network = PhoneNetwork(path)
    return network.run(np.zeros((network.stride * 8, 80), np.float32))


def _decoder_model(path: Path) -> Any:
    from facegen.motion.lipsync.learned import LearnedDecoder

    decoder, rows = LearnedDecoder(path), np.full((64, 40), 1 / 40, np.float32)
    return decoder.gestures(rows, np.full(64, -20.0), np.full(64, 120.0), np.zeros(5, np.float32))


def _shipped(name: str) -> Callable[[Path], None]:
    return lambda path: shutil.copy(Path(__file__).parents[2] / "facegen" / "models" / name, path) and None


IN_LIBRARIES: dict[str, Reader] = {
    "mp3": Reader("mp3", _audio, _coded("mp3")),
    "opus": Reader("opus", _audio, _coded("opus")),
    "m4a": Reader("m4a", _audio, _coded("m4a")),
    "sound of mp4": Reader("mp4", _audio, _coded("mp4", video=True)),
    "sound of webm": Reader("webm", _audio, _coded("webm", video=True)),
    "video mp4": Reader("mp4", _video, _coded("mp4", video=True)),
    "video mkv": Reader("mkv", _video, _coded("mkv", video=True)),
    "usda": Reader("usda", load_animation, _head(".usda")),
    "usdc": Reader("usdc", load_animation, _head(".usdc")),
    "usdz": Reader("usdz", load_animation, _head(".usdz")),
    "rig usda": Reader("usda", _rig, _head(".usda")),
    "rig usdc": Reader("usdc", _rig, _head(".usdc")),
    "rig vrm0": Reader("vrm", _rig, _avatar(0)),
    "rig vrm1": Reader("vrm", _rig, _avatar(1)),
    "rig flame": Reader("safetensors", _rig, _flame_seed),
    "png": Reader("png", _picture, _picture_seed),
    "jpeg": Reader("jpg", _picture, _picture_seed),
    "phone model": Reader("onnx", _phone_model, _shipped("phones.onnx")),
    "decoder model": Reader("onnx", _decoder_model, _shipped("lips.onnx")),
}
"""Files that other people's libraries read, which ``tools/benchmarks/fuzz_readers.py`` does in processes of their own."""
