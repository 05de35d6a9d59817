#!/usr/bin/env python3
"""Where all 468 of mediapipe's face points lie on aria at rest, for the fit of a head to a photo.

Lips are taken from ``rigs/aria/landmarks.csv``, which tells the upper from the lower one; all others are found in a
picture of the head at rest, those of the lids moved to the lids' edges. Needs the extras render and track.

    python -m tools.head_builder.build_portrait_points       # writes facegen/data/portrait_points.csv
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from facegen.rig import load_rig
from facegen.rig.transfer.surface import NearestPoints
from facegen.tracking.head_landmarks import landmarks_of
from facegen.tracking.rig_landmarks import load_rig_landmarks

ROOT = Path(__file__).resolve().parents[2]

OUT = ROOT / "facegen/data/portrait_points.csv"


def main() -> int:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    rig = load_rig("aria")
    mesh, face = rig.mesh, load_rig_landmarks("aria", least=0.0)
    assert mesh is not None
    places, _ = landmarks_of(rig)
    skin = next(part for part in rig.parts if part.name == "skin")
    faces = mesh.faces[slice(*skin.faces)]
    front = np.tile((0.0, 0.0, 1.0), (len(places), 1))
    number, _, shares, _ = NearestPoints(mesh.vertices, faces).find(np.nan_to_num(places), front, least=-2.0)
    rows = ["landmark,region,a,b,c,share_a,share_b,share_c"]
    for landmark, region, corners, share in zip(
        face.landmarks, face.regions, face.corners, face.shares, strict=True
    ):
        if region != "lips":
            if not np.isfinite(places[landmark]).all():
                continue
            corners, share = faces[number[landmark]], shares[landmark]
        numbers = ",".join(str(int(c)) for c in corners)
        rows.append(f"{landmark},{region},{numbers}," + ",".join(f"{s:.4f}" for s in share))
    OUT.write_text("\n".join(rows) + "\n", "utf-8")
    print(f"{OUT.relative_to(ROOT)}: {len(rows) - 1} points")
    return 0


if __name__ == "__main__":
    sys.exit(main())
