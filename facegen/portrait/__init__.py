"""Talking portraits: the face in one photo shows a take, in a video with its sound.

The rig's head is laid over the photo's landmarks (``head``), the photo becomes its skin (``skin``), eyes (``eyes``) and
a sheet of hair, neck and shoulders over the background (``sheet``); controls and pose move them (``puppet``), OpenGL
draws them (``stage``).
"""

from facegen.portrait.video import PortraitAudio, check_portrait, write_portrait

__all__ = ["PortraitAudio", "check_portrait", "write_portrait"]
