"""The longer works as generators: solve a sound, key a take on a character, take up what was changed by hand."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

import bpy

from . import actions, scene
from .core.client import Steps, facegen
from .core.keyfile import read_keys
from .core.request import animate_flags, marker_timeline, scene_rate, write_request
from .core.trouble import Trouble
from .settings import DEFAULTS, python, takes_folder

MAPPING = ("preset", "map", "bones")
"""The options that say which control goes where: an action remembers its own."""


def new_take(folder: str, name: str) -> str:
    """A file name in ``folder`` that is free."""
    stem = os.path.splitext(os.path.basename(name))[0]
    number = 1
    while os.path.exists(path := os.path.join(folder, f"{stem}-{number}.take")):
        number += 1
    return path


def animate(options: dict) -> Steps:
    """Solve a sound and key it on the targets."""
    program, now = python(), bpy.context.scene
    requests = ask(options)
    audio, part, at = scene.find_sound(options)
    rate = scene_rate(now.render.fps, now.render.fps_base)
    take = new_take(takes_folder(), audio)
    first = at if at is not None else (options["frame"] or now.frame_start)
    kept = False
    try:
        with TemporaryDirectory() as folder:
            timeline = _timeline(options, folder, first, float(rate))
            wanted = {**options, **part, "timeline": timeline, "fps": str(rate)}
            flags = animate_flags(wanted, DEFAULTS)
            yield from facegen(program, "animate", audio, "-o", take, *flags)
            said = yield from show(take, requests, options, first)
        if options["add_sound"] and at is None:
            said += scene.add_sound(audio, first)
        kept = True
    finally:
        if not kept and os.path.exists(take):
            os.remove(take)
    return said


def _timeline(options: dict, folder: str, first: int, rate: float) -> str | None:
    if not options["markers"]:
        return bpy.path.abspath(options["timeline"]) or None
    now = bpy.context.scene
    at = [(m.name, (m.frame - first) / rate) for m in now.timeline_markers]
    path = os.path.join(folder, "timeline.csv")
    with open(path, "w", encoding="utf-8") as file:
        file.write(marker_timeline(at, 1e5))
    return path


def ask(options: dict) -> list[dict]:
    """What facegen is asked to key: the targets' shapes, and bones."""
    return requests_of(*scene.find_targets(options["targets"]), options)


def requests_of(targets: list, named: bool, options: dict) -> list[dict]:
    shapes = [scene.shape_request(t, options, named) for t in targets if scene.has_keys(t)]
    return shapes + scene.bone_requests(targets, options["bones"])


def show(take: str, requests: list[dict], options: dict, first: float) -> Steps:
    """Key a take on what ``requests`` name, its start at the frame ``first``; nothing changes before the end."""
    now = bpy.context.scene
    with TemporaryDirectory() as folder:
        asked, answer = os.path.join(folder, "targets.json"), os.path.join(folder, "take.keys")
        write_request(asked, requests)
        flags = ["--reduce", f"{options['reduce']:.6g}", *(["--layers"] if options["layers"] else [])]
        yield from facegen(python(), "keys", take, "--targets", asked, "-o", answer, *flags)
        found = read_keys(answer)
    scale = float(scene_rate(now.render.fps, now.render.fps_base) / found.fps)
    kept = bpy.path.relpath(take) if bpy.data.filepath and not take.startswith("//") else take
    asked = {name: options[name] for name in MAPPING}
    written = actions.Written(kept, float(first), scale, asked)
    shown = False
    try:
        names = list(dict.fromkeys(c.target for c in found.curves))
        for number, name in enumerate(names):
            block = scene.block_of(now.objects[name])
            for _ in written.write(block, name, found):
                yield "keying", (number + 0.5) / len(names)
        written.show()
        shown = True
    finally:
        if not shown:
            written.drop()
    end = int(first + scale * (found.frames - 1)) + 1
    keys = sum(len(c.frames) for c in found.curves)
    return (
        f"{keys} keys in {len(found.curves)} curves on {', '.join(names)}, frames {int(first)} to {end - 1}"
    )


def shown_take(names: str) -> tuple[str, list[bpy.types.Object], dict]:
    """The take that the targets show, those of them that show it, and the stamp of one of their actions."""
    targets, _ = scene.find_targets(names)
    stamps = {t: actions.stamped(scene.block_of(t)) for t in targets}
    first = next((s[0] for s in stamps.values() if s), None)
    if first is None:
        raise Trouble("the targets show no take of facegen", "animate them, or import a take, first")
    path = bpy.path.abspath(first["take"])
    if not os.path.isfile(path):
        raise Trouble(f"{path}: the take is missing", "put it back, or animate again")
    return path, [t for t, s in stamps.items() if s and s[0]["take"] == first["take"]], first


def remembered(options: dict, stamp: dict) -> dict:
    """The mapping that an action was made with, but for what ``options`` say anew."""
    return {n: stamp.get(n, "") if options.get(n) in (None, "", "auto") else options[n] for n in MAPPING}


def by_hand(take: str, targets: list, options: dict, folder: str) -> Steps:
    """The take's curves as they were changed by hand, in a file; None where nothing was changed."""
    requests = []
    for target in filter(scene.has_keys, targets):
        request = {**scene.shape_request(target, options, True), "edits": {}}
        for found in actions.edits(target.data.shape_keys):
            if found:
                layer, shape, values = found
                request["edits"].setdefault(layer, {})[shape] = values
            yield "reading changes", 0.1
        requests.append(request)
    if not any(r["edits"] for r in requests):
        return None
    asked, hand = os.path.join(folder, "edits.json"), os.path.join(folder, "hand.json")
    write_request(asked, requests)
    yield from facegen(python(), "keys", take, "--targets", asked, "--hand", hand)
    return hand


def again(options: dict, changes: list[str]) -> Steps:
    """Take up what was changed by hand, solve a span again where ``changes`` say so, and key the result."""
    take, targets, stamp = shown_take(options["targets"])
    options = {**options, **remembered(options, stamp), "layers": bool(stamp["layer"])}
    result, kept = new_take(takes_folder(), take.rpartition("-")[0] or take), False
    try:
        with TemporaryDirectory() as folder:
            hand = yield from by_hand(take, targets, options, folder)
            flags = [*changes, *(["--hand", hand] if hand else [])]
            if flags:
                yield from facegen(python(), "edit", take, *flags, "-o", result)
            requests = requests_of(targets, True, options)
            said = yield from show(result if flags else take, requests, options, stamp["start"])
        kept = True
    finally:
        if not kept and os.path.exists(result):
            os.remove(result)
    return said
