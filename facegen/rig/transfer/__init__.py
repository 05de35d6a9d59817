"""Shapes for a mesh without: those of `aria`, by landmarks, non-rigid registration and deformation transfer."""

from facegen.rig.transfer.transfer_shapes import transfer_shapes

__all__ = ["transfer_shapes"]
