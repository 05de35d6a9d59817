"""Keys into actions and out of them: slotted or not, one action or an NLA strip a layer."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import bpy
import numpy as np

from .core.keyfile import Curve, KeyFile
from .core.trouble import Trouble
from .scene import fcurves

STAMP = "facegen"
"""Custom property of an action: which take, target and layer it shows, and a sum of each curve as it was written."""
BEZIER, FREE, ALIGNED = 2, 0, 3
HAND = "hand"
REGIONS = (("brow", "Brows"), ("eye", "Eyes"), ("blink", "Eyes"), ("look", "Eyes"), ("jaw", "Jaw"),
           ("cheek", "Cheeks"), ("nose", "Nose"), ("tongue", "Tongue"))  # fmt: skip


def region(name: str, controls: Sequence[str]) -> str:
    """The group of a curve: that of the control which drives it most."""
    words = (controls[0] if controls else name).lower()
    return next((group for word, group in REGIONS if word in words), "Mouth")


class Written:
    """Actions that are made but move nothing yet: ``show`` puts them in use, ``drop`` takes them away."""

    def __init__(self, take: str, start: float, scale: float, asked: dict) -> None:
        self.take, self.start, self.scale, self.asked = take, start, scale, asked
        self.made: list[tuple[bpy.types.ID, str, bpy.types.Action, Any]] = []

    def write(self, block: bpy.types.ID, target: str, found: KeyFile) -> Iterator[None]:
        """Make the actions of one target's data, an instant's work at a time."""
        mine = [c for c in found.curves if c.target == target]
        controls = found.matches.get(target, {}).get("shapes", {})
        for layer in dict.fromkeys(c.layer for c in mine):
            action = bpy.data.actions.new(" ".join(filter(None, (_stem(self.take), target, layer))))
            bag, slot = _bag(action, block, target)
            self.made.append((block, layer, action, slot))
            sums = {}
            for curve in (c for c in mine if c.layer == layer):
                path, index = _place(block, curve.name)
                try:
                    block.path_resolve(path)
                except ValueError as error:
                    raise Trouble(f"{target} has no property {path}", "check the bone map") from error
                group = region(curve.name, controls.get(curve.name, ())) if _is_key(block) else _bone(path)
                line = _new_fcurve(bag, path, index, group)
                self._fill(line, curve)
                sums[f"{path}#{index}"] = _sum(line)
                yield
            stamp = {**self.asked, "take": self.take, "target": target, "layer": layer, "start": self.start,
                     "scale": self.scale, "frames": found.frames, "sums": sums}  # fmt: skip
            action[STAMP] = json.dumps(stamp)

    def _fill(self, line: bpy.types.FCurve, curve: Curve) -> None:
        keys, left, right, corner = curve.points(self.start, self.scale)
        points = line.keyframe_points
        points.add(len(keys))
        kinds = np.where(corner, FREE, ALIGNED).astype(np.int32)
        points.foreach_set("co", keys.ravel())
        points.foreach_set("interpolation", np.full(len(keys), BEZIER, np.int32))
        if bpy.app.version >= (4, 2):
            points.foreach_set("handle_left_type", kinds)
            points.foreach_set("handle_right_type", kinds)
        else:  # Blender 3 takes no handle types all at once, and does not say so
            for key, free in zip(points, corner, strict=True):
                key.handle_left_type = key.handle_right_type = "FREE" if free else "ALIGNED"
        points.foreach_set("handle_left", left.ravel())
        points.foreach_set("handle_right", right.ravel())
        line.update()

    def show(self) -> None:
        """Put the actions in use. An action that was there before, and is not facegen's, is kept."""
        for block in dict.fromkeys(b for b, *_ in self.made):
            data = block.animation_data or block.animation_data_create()
            if data.action is not None and STAMP not in data.action:
                data.action.use_fake_user = True
            for track in [t for t in data.nla_tracks if any(_stamped(s.action) for s in t.strips)]:
                data.nla_tracks.remove(track)
            parts = [(layer, action, slot) for b, layer, action, slot in self.made if b == block]
            layered = any(layer for layer, *_ in parts)
            data.action_blend_type = "ADD" if layered else "REPLACE"
            if layered:
                data.action = None
                self._strips(block, data, parts)
            else:
                _assign(data, parts[0][1], parts[0][2])

    def _strips(self, block: bpy.types.ID, data: bpy.types.AnimData, parts: list) -> None:
        for number, (layer, action, slot) in enumerate(p for p in parts if p[0] != HAND):
            track = data.nla_tracks.new()
            track.name = layer
            strip = track.strips.new(layer, round(self.start), action)
            if slot is not None:
                strip.action_slot = slot
            strip.frame_start = action.frame_range[0]
            strip.blend_type = "ADD" if number else "REPLACE"
            strip.extrapolation = "NOTHING" if number else "HOLD"
        hand = next(((a, s) for layer, a, s in parts if layer == HAND), None) or self._empty_hand(block)
        _assign(data, *hand)

    def _empty_hand(self, block: bpy.types.ID) -> tuple[bpy.types.Action, Any]:
        """The action over the strips that takes the animator's own keys."""
        other = next(a for b, _, a, _ in self.made if b == block)
        stamp = {**json.loads(other[STAMP]), "layer": HAND, "sums": {}}
        action = bpy.data.actions.new(f"{_stem(self.take)} {stamp['target']} {HAND}")
        _, slot = _bag(action, block, stamp["target"])
        action[STAMP] = json.dumps(stamp)
        return action, slot

    def drop(self) -> None:
        """Remove the actions again."""
        for _, _, action, _ in self.made:
            bpy.data.actions.remove(action)
        self.made = []


def stamped(block: bpy.types.ID) -> list[dict[str, Any]]:
    """What facegen wrote on this data, as stamps with their ``action`` and ``slot``."""
    data = block.animation_data
    if data is None:
        return []
    pairs = [(data.action, data)]
    pairs += [(s.action, s) for t in data.nla_tracks for s in t.strips]
    return [{**json.loads(a[STAMP]), "action": a, "user": user} for a, user in pairs if _stamped(a)]


def edits(block: bpy.types.ID) -> Iterator[tuple[str, str, list[float]] | None]:
    """Curves of shapes that were changed since facegen wrote them: layer, shape, values at the take's frames."""
    for stamp in stamped(block):
        frames = [stamp["start"] + stamp["scale"] * i for i in range(stamp["frames"])]
        for line in fcurves(stamp["action"], stamp["user"]):
            known = stamp["sums"].get(f"{line.data_path}#{line.array_index}")
            if known != _sum(line) and line.data_path.startswith('key_blocks["'):
                shape = line.data_path[12:].rpartition('"]')[0]
                yield stamp["layer"], shape, [line.evaluate(f) for f in frames]
            yield None


def _stamped(action) -> bool:
    return action is not None and STAMP in action


def _stem(take: str) -> str:
    return take.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]


def _is_key(block: bpy.types.ID) -> bool:
    return isinstance(block, bpy.types.Key)


def _place(block: bpy.types.ID, name: str) -> tuple[str, int]:
    if _is_key(block):
        return f'key_blocks["{bpy.utils.escape_identifier(name)}"].value', 0
    path, mark, index = name.rpartition("#")
    return (path, int(index)) if mark else (name, 0)


def _bone(path: str) -> str:
    return path.split('"')[1] if '"' in path else path


def _bag(action: bpy.types.Action, block: bpy.types.ID, name: str) -> tuple[Any, Any]:
    """Where the F-curves of an action for this data live, and its slot (None before Blender 4.4)."""
    if not hasattr(action, "slots"):
        kind = "KEY" if _is_key(block) else "OBJECT"
        action.id_root = getattr(block, "id_type", kind)
        return action, None
    slot = action.slots.new(id_type=block.id_type, name=name)
    strip = action.layers.new("facegen").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True), slot


def _new_fcurve(bag: Any, path: str, index: int, group: str) -> bpy.types.FCurve:
    line = bag.fcurves.new(path, index=index)
    line.group = bag.groups.get(group) or bag.groups.new(group)
    return line


def _assign(data: bpy.types.AnimData, action: bpy.types.Action, slot: Any) -> None:
    data.action = action
    if slot is not None:
        data.action_slot = slot


def _sum(line: bpy.types.FCurve) -> int:
    """A sum over the keys and handles of a curve, to see whether they were changed."""
    points = line.keyframe_points
    total = 0
    for part in ("co", "handle_left", "handle_right"):
        rows = np.zeros(2 * len(points), np.float32)
        points.foreach_get(part, rows)
        total = zlib.crc32(np.round(rows, 4).tobytes(), total)
    return total
