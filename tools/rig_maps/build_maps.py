"""Write the control-only rigs and the maps that ship: ``rigs/<name>/rig.json`` and ``rigs/maps/<from>-<to>.csv``.

    python -m tools.rig_maps.build_maps

Names and weights are the tables of ``tools/rig_maps/control_sets.py``; the poses of visemes and expressions are those of the
rule decoder and of the emotion tables, so that a change there asks for a new run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from facegen.core.files import make_folder, write_atomic
from facegen.core.units import FEATURE_HZ
from facegen.emotion import CATEGORIES
from facegen.emotion.action_units import action_table
from facegen.motion.lipsync.coarticulation import CONTROLS, mouth
from facegen.rig import ARKIT, Control, Rig, RigMap, load_rig
from facegen.rig.map_csv import write_map
from facegen.speech.phones import LABELS
from tools.rig_maps import control_sets

ROOT = Path(__file__).resolve().parents[2]

LEAST = 0.005
"""Smaller weights of a pose are left out."""


def viseme_pose(phones: str, strength: float = 1.0) -> dict[str, float]:
    """ARKit values of the mean of some phones, each held for a while as the rule decoder says it."""
    poses = [held(phone) for phone in phones.split()]
    mean = np.mean(poses, axis=0) * strength
    return {name: round(float(v), 3) for name, v in zip(CONTROLS, mean, strict=True) if v >= LEAST}


def held(phone: str) -> np.ndarray:
    """Controls [17] in the middle of ``phone`` held for two seconds of a level voice."""
    posteriors = np.zeros((int(2 * FEATURE_HZ), len(LABELS)), np.float32)
    posteriors[:, LABELS.index(phone)] = 1.0
    if phone == "SIL":
        return np.zeros(len(CONTROLS))
    return mouth(posteriors, np.full(len(posteriors), -20.0, np.float32))[len(posteriors) // 2]


def expression_pose(name: str) -> dict[str, float]:
    """ARKit values of an emotion at full strength."""
    names, values, _ = action_table()
    row = values[CATEGORIES.index(name)]
    return {n: round(float(v), 3) for n, v in zip(names, row, strict=True) if v >= LEAST}


def poses_of(rows: Mapping[str, tuple]) -> dict[str, dict[str, float]]:
    """The ARKit pose of each control of a table: ``("phones", text, strength)``, ``("emotion", name)`` or
    ``("controls", {name: value})``."""
    kinds = {"phones": viseme_pose, "emotion": expression_pose, "controls": dict}
    return {name: kinds[row[0]](*row[1:]) for name, row in rows.items()}  # type: ignore[operator]


def rig_json(name: str, about: Mapping, controls: Iterable[Control]) -> bytes:
    lines = [
        json.dumps(
            {
                "name": c.name,
                "low": c.low,
                "high": c.high,
                "neutral": c.neutral,
                "side": c.side,
                "region": c.region,
            }
        )
        for c in controls
    ]
    head = {"format": 1, "name": name, "licence": "Apache-2.0", "credit": about["credit"]}
    text = json.dumps(head, indent=1)[:-2]
    return (text + ',\n "controls": [\n  ' + ",\n  ".join(lines) + "\n ]\n}\n").encode()


def save_rig(name: str, about: Mapping, controls: tuple[Control, ...]) -> Rig:
    write_atomic(make_folder(ROOT / "rigs" / name) / "rig.json", rig_json(name, about, controls))
    return Rig(name, controls)


def save_map(source: Rig, target: Rig, rows: Mapping[str, Mapping[str, float]], comment: str) -> None:
    """Write the map that turns each source control into the given values of target controls."""
    weights = np.zeros((len(source.controls), len(target.controls)))
    for name, pose in rows.items():
        for to, value in pose.items():
            weights[source.control_names.index(name), target.control_names.index(to)] = value
    low, high = (np.array([getattr(c, end) for c in target.controls]) for end in ("low", "high"))
    path = make_folder(ROOT / "rigs" / "maps") / f"{source.name}-{target.name}.csv"
    write_map(RigMap(source.control_names, target.control_names, weights, low, high), path, comment)


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    arkit = load_rig("arkit")
    assert arkit.control_names == ARKIT
    for name, about in control_sets.FROM_ARKIT.items():
        rig = save_rig(name, about, about["controls"])
        save_map(arkit, rig, about["rows"], about["note"])
    for name, about in control_sets.TO_ARKIT.items():
        poses = poses_of(about["rows"])
        controls = tuple(
            Control(
                control, neutral=1.0 if control == about.get("rest") else 0.0, region=about["region"](control)
            )
            for control in poses
        )
        save_map(save_rig(name, about, controls), arkit, poses, about["note"])
    raw, board = control_sets.RAW, load_rig("metahuman")
    rig = save_rig("metahuman_raw", raw, raw["controls"])
    save_map(board, rig, raw["forth"], raw["note"])
    save_map(rig, board, raw["back"], raw["note"])


if __name__ == "__main__":
    main()
