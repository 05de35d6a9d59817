"""How work reports how far it is: one callback for every package."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float, float | None], None]
"""Called as ``progress(step, done, total)``: the step's name, and how much of it is done of how much there is, in
seconds of sound or video (None where the length is not known yet)."""
