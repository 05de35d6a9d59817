"""Rigs: named controls, the mesh they move, and maps from one rig's controls to another's."""

from facegen.rig.load import ARKIT, built_in_rigs, default_head, load_rig
from facegen.rig.map import RigMap
from facegen.rig.model import Control, Rig, RigPart, evaluate, head_matrices, head_poses

__all__ = [
    "ARKIT",
    "Control",
    "RigPart",
    "Rig",
    "RigMap",
    "built_in_rigs",
    "default_head",
    "evaluate",
    "head_matrices",
    "head_poses",
    "load_rig",
]
