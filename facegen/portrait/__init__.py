"""Talking portraits: one photo is animated by a take and written as a video with its sound.

``photo`` reads the picture and its landmarks. ``head_fitting`` fits the rig's head to them; the photo becomes its skin
texture (``skin_texture``), its eyes (``eyeballs``) and a mesh of hair, neck and shoulders over the background
(``background_warp``, after ``segmentation``). ``warp`` moves all of them by controls and head pose, ``opengl`` draws
them, and ``scene`` holds the whole. ``refiner``, or a diffusion model by ``diffusers_backbone``, repaints mouth and eyes
in ``crops`` (``eyelid_crops``), guided by ``conditioning``. ``watermark`` marks the frames, ``video`` writes them.
"""

from facegen.portrait.video import PortraitAudio, check_portrait, write_portrait

__all__ = ["PortraitAudio", "check_portrait", "write_portrait"]
