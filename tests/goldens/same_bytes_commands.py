"""The fixed list of commands whose results stay the same, and the small files that they start from.

Every command runs in a folder of its tree that holds the files of ``write_inputs`` and what the commands before it wrote.
"""

from __future__ import annotations

import array
import json
import math
import shlex
import sys
import wave
from pathlib import Path
from typing import NamedTuple

SAMPLE = "examples/hello.flac"
"""The recording that the commands start from, by its path within a tree."""

LEFT_OUT = {
    ".fbx": "written by Blender, which stamps it with the time",
    ".mp4": "its frames are compared as .png; the codec is another project's",
    ".mov": "as .mp4",
    ".webm": "as .mp4",
    ".gif": "as .mp4",
}
"""Formats that no command writes, and why."""


class Command(NamedTuple):
    """``line`` is what stands after ``facegen``. ``printed`` says how its standard output is compared: as a text, its last
    line as json, as a listing (first words and figures), or not at all (""). ``needs`` are modules of extras."""

    name: str
    line: str
    printed: str = ""
    needs: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """The line's words."""
        return shlex.split(self.line)


TABLES = (
    "take csv json safetensors a2f.json mh.json mh.csv unreal.py blender.py maya.py bvh head.csv ifm.txt anim vrma "
    "TextGrid tsv xml rhubarb.json dat oculus.json sapi.json srt vtt"
).split()
PART = "--start 0.3 --duration 2"
USD = ("pxr",)
GL = ("moderngl", "PIL")
PLOT = ("matplotlib",)


def out(stem: str, *suffixes: str) -> str:
    """An ``-o`` for each suffix."""
    return " ".join(f"-o {stem}.{suffix}" for suffix in suffixes)


ANIMATE = (
    Command("animate to every table", f"animate hello.flac {out('hello', *TABLES)}"),
    Command(
        "animate happy at 60 fps",
        f"animate hello.flac {PART} --fps 60 --emotion happy:0.7 --style lively --seed 3 --reduce 0.005 "
        f"--object Body/Face --names 'blendShape1.{{name}}' {out('happy', *TABLES)}",
    ),
    Command(
        "animate a mixture at 29.97 fps",
        f"animate hello.flac {PART} --fps 29.97 --emotion happy:0.5+surprised:0.3 --style theatrical --intensity 1.4 "
        f"--mouth 0.8 --upper-face 1.3 {out('mixture', 'take', 'csv', 'json', 'bvh', 'srt')}",
    ),
    Command(
        "animate by valence, looking at a point",
        f"animate hello.flac {PART} --fps 24 --emotion vad:0.4,0.7,0.1 --look-at 20,-5,60 {out('look', 'take', 'csv')}",
    ),
    Command(
        "animate by a prompt, lips alone",
        f"animate hello.flac {PART} --emotion 'quietly amused' --style mumbled --no-blink --no-gaze --no-head "
        f"{out('prompt', 'take', 'csv')}",
    ),
    Command(
        "animate against an emotion, own style",
        f"animate hello.flac {PART} --emotion -angry --style style.json --seed 7 {out('own', 'take', 'csv')}",
    ),
    Command(
        "animate by rules, few passes",
        f"animate hello.flac {PART} --decoder rules --emotion neutral --passes lip_closure,blink,smooth,limit --fps 120 "
        f"{out('rules', 'take', 'csv')}",
    ),
    Command(
        "animate with a transcript",
        f"animate hello.flac --text transcript.txt {out('text', 'take', 'csv', 'TextGrid', 'srt', 'oculus.json')}",
    ),
    Command(
        "animate with stage directions",
        f"animate hello.flac --text '[whispering] Hello! My name is Aria. [angrily] Five brave wolves move from the pool "
        f"to the farm, [laughs] and papa bought me a warm coat.' {out('directed', 'take', 'csv')}",
    ),
    Command(
        "animate with given phones",
        f"animate hello.flac --alignment hello.TextGrid --style clear {out('phones', 'take', 'csv')}",
    ),
    Command(
        "animate with given words",
        f"animate hello.flac --duration 2.4 --alignment words.json {out('words', 'take', 'TextGrid')}",
    ),
    Command(
        "animate along a timeline",
        f"animate hello.flac --timeline timeline.csv {out('along', 'take', 'csv', 'json')}",
    ),
    Command(
        "animate along a timeline of JSON",
        f"animate hello.flac {PART} --timeline timeline.json {out('along2', 'take', 'csv')}",
    ),
    Command(
        "animate with a voice's emotion",
        f"animate tone.wav --emotion-from hello.flac {out('voice', 'take', 'csv')}",
    ),
    Command(
        "animate with a face's emotion",
        f"animate hello.flac {PART} --emotion-from happy.csv {out('face', 'take', 'csv')}",
    ),
    Command(
        "animate silence",
        f"animate silence.wav --seed 11 --emotion contentment {out('silence', 'take', 'csv')}",
    ),
    Command("animate stereo at 44.1 kHz", f"animate tone.wav {out('tone', 'take', 'csv', 'json')}"),
)
HEADS = (
    Command(
        "animate to heads and vertices",
        f"animate hello.flac --start 0.4 --duration 0.4 {out('head', 'glb', 'gltf', 'npy', 'pc2', 'mdd')}",
    ),
    Command(
        "animate to USD",
        f"animate hello.flac --start 0.4 --duration 0.2 {out('stage', 'usda', 'usdc', 'usdz')}",
        needs=USD,
    ),
    Command("animate to OBJ files", "animate hello.flac --start 0.6 --duration 0.05 -o frames.obj/"),
    Command(
        "animate another head",
        "animate hello.flac --start 0.4 --duration 0.4 --rig bruno --emotion sad -o bruno.glb",
    ),
    Command(
        "animate controls of MetaHuman",
        f"animate hello.flac {PART} --rig metahuman {out('board', 'json', 'mh.json')}",
    ),
    Command("animate a model", "animate hello.flac --duration 0.4 --rig head.glb -o avatar.vrm -o model.glb"),
)
CHANGES = (
    Command(
        "retarget to metahuman",
        f"retarget hello.take --to metahuman --report {out('mh', 'json', 'mh.csv')}",
        "listing",
    ),
    Command(
        "retarget back", f"retarget mh.json --to arkit --report {out('mh_back', 'csv', 'json')}", "listing"
    ),
    Command("retarget to vrm1", "retarget happy.csv --to vrm1 -o vrm1.json"),
    Command("retarget from vrm1", "retarget vrm1.json --to arkit -o vrm1_back.csv"),
    Command("retarget to oculus", "retarget hello.json --from arkit --to oculus -o visemes.json"),
    Command(
        "retarget vertices", "retarget head.npy --from aria --to arkit -o solved.csv --report", "listing"
    ),
    Command(
        "edit a span", f"edit hello.take --span 1:2.5 --emotion angry:0.8 {out('edited', 'take', 'csv')}"
    ),
    Command(
        "edit a span's words",
        "edit edited.take --span 3:5 --text 'Five brave wolves move' --style clear --intensity 1.5 -o edited2.take",
    ),
    Command("edit by hand", f"edit hello.take --hand edited.csv {out('hand', 'take', 'csv')}"),
    Command("edit beneath the hand", "edit hand.take --span 4:6 --emotion happy --seed 5 -o hand2.take"),
    Command(
        "convert a table",
        f"convert hello.csv --fps 60 {out('from_csv', 'json', 'safetensors', 'a2f.json', 'vrma', 'bvh', 'ifm.txt')}",
    ),
    Command(
        "convert a take",
        f"convert happy.take --fps 25 --reduce 0.01 {out('from_take', 'csv', 'blender.py', 'anim')}",
    ),
    Command("convert A2F JSON", "convert hello.a2f.json -o from_a2f.csv"),
    Command("convert safetensors", "convert hello.safetensors -o from_safetensors.csv"),
    Command("convert VRM animation", "convert hello.vrma -o from_vrma.csv"),
    Command("convert a head", "convert head.glb -o from_glb.csv -o from_glb.json"),
    Command("convert USD", "convert stage.usda -o from_usda.csv", needs=USD),
    Command("convert to a head", "convert mixture.json --rig edith --fps 12 -o edith.glb"),
    Command("keys", "keys hello.take --targets character.json --reduce 0.005 --layers -o hello.keys"),
    Command("keys of few shapes", "keys happy.csv --targets character.json -o happy.keys"),
)
MANY = (
    Command("converse", "converse turns.csv --apart 20 --format take,csv -o talk", "listing"),
    Command("batch of three", "batch lines.csv -o lines --workers 2"),
    Command("stream", "stream hello.flac --to jsonl:stream.jsonl"),
    Command(
        "stream at 60 fps, to standard output too",
        "stream tone.wav --to jsonl:stream60.jsonl --to jsonl:- --fps 60 --emotion happy --latency 100 --seed 2 --quiet",
        "text",
    ),
)
PICTURES = (
    Command("render a frame", "render happy.take --size 640x480 -o happy.png", needs=GL),
    Command(
        "render another head, transparently",
        "render from_glb.csv --rig bruno --camera closeup --alpha --size 320x240 -o bruno.png",
        needs=GL,
    ),
    Command(
        "render depth of frames",
        "render from_glb.csv --show depth --camera threequarter --size 160x120 -o depth/",
        needs=GL,
    ),
)
REPORTS = (
    Command("check a take", "check hello.take --audio hello.flac --html check.html --json", "json"),
    Command("check curves", "check happy.csv --text 'Hello! My name is Aria.'", "text"),
    Command("check a sound", "check tone.wav --json", "json"),
    Command("emotion of a sound", "emotion hello.flac", "text"),
    Command("emotion of a sound as JSON", "emotion hello.flac --json", "json"),
    Command(
        "emotion of a text", "emotion 'I am so happy to see you! But this news is terrible.' --json", "json"
    ),
    Command("emotion of a text file", "emotion transcript.txt", "text"),
    Command("inspect a take", "inspect hello.take --json", "json"),
    Command("inspect a sound", "inspect tone.wav --json", "json"),
    Command("inspect speech", "inspect hello.flac", "text"),
    Command("inspect a head", "inspect head.glb --json", "json"),
    Command("inspect a plot", "inspect hello.take --audio hello.flac --plot plot.png", needs=PLOT),
    Command("evaluate", "evaluate mixture.csv look.csv --json", "json"),
    Command("evaluate with sound", "evaluate edited.take hello.csv --audio hello.flac --json", "json"),
)
LISTINGS = (
    Command("rig import", "rig import head.glb -o imported --name mine", "listing"),
    Command("rig import OBJ files", "rig import obj_rig -o imported_obj --json", "json"),
    Command("rig list", "rig list", "listing"),
    Command("rig maps", "rig maps", "listing"),
    Command("rig show", "rig show aria --json", "json"),
    Command("rig check", "rig check aria", "listing"),
    Command("emotions", "emotions", "listing"),
    Command("styles", "styles", "listing"),
    Command("formats", "formats", "listing"),
    Command("models", "models", "listing"),
    Command("licenses", "licenses", "listing"),
)
COMMANDS = ANIMATE + HEADS + CHANGES + MANY + PICTURES + REPORTS + LISTINGS

WORDS = (("hello", 0.25, 0.75), ("my", 0.85, 1.0), ("name", 1.0, 1.3), ("is", 1.3, 1.45), ("aria", 1.45, 2.1))
SHAPES = (
    "jawOpen",
    "Mouth_Smile_L",
    "mouthSmile_R",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "BrowInnerUp",
    "Fatter",
)
TEXTS = {
    "transcript.txt": "Hello! My name is Aria. Five brave wolves move from the pool to the farm, "
    "and papa bought me a warm coat.\n",
    "timeline.csv": "start,end,emotion,fade,style\n0,2.5,happy:0.8,0.3,\n2.5,5,sad:0.6,0.5,tired\n5,8,angry,0.2,shouting\n",
    "timeline.json": json.dumps(
        [{"start": 0, "end": 1, "emotion": "surprised"}, {"start": 1, "end": 2, "emotion": "calm"}]
    ),
    "words.json": json.dumps({"words": [{"word": w, "start": s, "end": e} for w, s, e in WORDS]}),
    "style.json": json.dumps(
        {"articulation": 0.4, "emotion": 1.2, "head": 1.5, "tempo": 0.8, "blink": 1.4, "lids": 0.1}
    ),
    "lines.csv": "audio,name,emotion,style,fps,format,duration\nhello.flac,one,happy:0.7,lively,30,csv,2\n"
    'hello.flac,two,sad,tired,60,"take,json",2\ntone.wav,three,auto,neutral,25,glb,0.5\n',
    "turns.csv": "speaker,audio,start,text,emotion,reply_to\nAnna,hello.flac,0,,happy,\nBen,tone.wav,,,sad,1\n",
    "character.json": json.dumps({"targets": [{"name": "Face", "shapes": SHAPES}]}),
}


def write_inputs(folder: Path, sample: Path) -> None:
    """Write to ``folder`` what the commands start from: the recording ``sample``, tables, two sounds, an OBJ rig."""
    (folder / "hello.flac").write_bytes(sample.read_bytes())
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    _write_tone(folder / "tone.wav")
    _write_wav(folder / "silence.wav", array.array("h", bytes(2 * 16_000 * 25)), 1, 16_000)
    _write_obj_rig(folder / "obj_rig")


def _write_tone(path: Path, seconds: float = 1.5, rate: int = 44_100) -> None:
    """A buzz with a pitch that falls, in syllables, a little weaker on the right."""
    samples = array.array("h")
    phase = 0.0
    for i in range(int(seconds * rate)):
        time = i / rate
        phase += 2 * math.pi * (180 - 30 * time) / rate
        buzz = sum(math.sin(k * phase) / k for k in range(1, 9))
        value = 8000 * buzz * max(0.0, math.sin(2 * math.pi * 3 * time))
        samples.extend((round(value), round(0.7 * value)))
    _write_wav(path, samples, 2, rate)


def _write_wav(path: Path, samples: array.array[int], channels: int, rate: int) -> None:
    if sys.byteorder == "big":
        samples.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def _write_obj_rig(folder: Path, rings: int = 8, segments: int = 12) -> None:
    """A ball of 9 cm with two shapes: one that lowers its lower front half, one that widens it."""
    folder.mkdir()
    polar = [math.pi * (0.05 + 0.9 * i / (rings - 1)) for i in range(rings)]
    around = [2 * math.pi * j / segments for j in range(segments)]
    points = [
        (9 * math.sin(p) * math.sin(a), 9 * math.cos(p), 9 * math.sin(p) * math.cos(a))
        for p in polar
        for a in around
    ]
    faces = [
        (i * segments + j + 1, (i + 1) * segments + j + 1, (i + 1) * segments + (j + 1) % segments + 1,
         i * segments + (j + 1) % segments + 1)
        for i in range(rings - 1)
        for j in range(segments)
    ]  # fmt: skip
    lowered = [(x, y - 1.5 if y < 0 < z else y, z) for x, y, z in points]
    widened = [(1.1 * x if y < 0 < z else x, y, z) for x, y, z in points]
    for name, shape in (("neutral", points), ("jawOpen", lowered), ("mouthStretchLeft", widened)):
        rows = ["v " + " ".join(f"{value:.6f}" for value in point) for point in shape]
        rows += ["f " + " ".join(map(str, face)) for face in faces]
        (folder / f"{name}.obj").write_text("\n".join(rows) + "\n")
