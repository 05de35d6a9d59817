"""What several formats note or draw: the sound's name, the head that shows the curves, its vertices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PureWindowsPath
from typing import Any

from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.motion.take import Take
from facegen.rig import Rig, default_head, load_rig


def audio_name(thing: Animation | Take, options: Mapping[str, Any]) -> str:
    """The file name of the sound, without folders."""
    about = thing.audio if isinstance(thing, Take) else thing.meta.get("audio", {})
    named = options.get("audio") or (about.get("name") if isinstance(about, Mapping) else about)
    return PureWindowsPath(str(named)).name if named else ""


def head_rig_for(animation: Animation, rig: Rig | None) -> Rig:
    """The rig with a mesh that shows ``animation``. Raises UsageError where the two share no control."""
    head = default_head(rig or load_rig("arkit"))
    if not set(animation.controls) & set(head.control_names):
        raise UsageError(
            f"the animation shares no control with the rig {head.name}",
            remedy=f"retarget it to {head.name} first",
        )
    return head
