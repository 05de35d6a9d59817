"""Passes: what the face does besides lip sync, one layer each. ``PASSES`` lists them in order; each has a file here.

To write a pass, write a ``PassFunction`` and give it a row in ``PASSES``. It reads the clip (features, phones, emotion,
settings) from the context and the layers below from the take, and returns its layer or None. Random numbers come from
``context.rng(name)``, so that one pass never changes another.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from facegen.config import Config
from facegen.core.errors import UsageError, nearest
from facegen.motion.context import Context
from facegen.motion.passes.asymmetry import asymmetry
from facegen.motion.passes.blink import blink
from facegen.motion.passes.breathing import breathing
from facegen.motion.passes.expression import expression
from facegen.motion.passes.gaze import gaze
from facegen.motion.passes.head_motion import head_motion
from facegen.motion.passes.lip_closure import lip_closure
from facegen.motion.passes.micro_expressions import micro_expressions
from facegen.motion.passes.nonverbal import nonverbal
from facegen.motion.passes.preparatory_opening import preparatory_opening
from facegen.motion.passes.reference_face import reference_face
from facegen.motion.passes.vocal_effort import vocal_effort_pass
from facegen.motion.take import Layer, Take


class PassFunction(Protocol):
    """The work of a pass."""

    def __call__(self, take: Take, context: Context) -> Layer | None:
        """The layer of the pass.

        Parameters
        ----------
        take : Take
            The layers below, lips first.
        context : Context
            The clip's features, phones and emotion, and the settings.

        Returns
        -------
        Layer or None
            Controls of shape (context.frames, C), a head pose of shape (context.frames, 6) in radians and cm, or both,
            under the name by which ``--passes`` knows the pass; None where there is nothing to add.
        """
        ...


class Pass(NamedTuple):
    """A row of ``PASSES``.

    Attributes
    ----------
    name : str
        What ``--passes`` and the layer call it.
    run : PassFunction
        What it does.
    help : str
        One line for the list of passes.
    flag : str
        The field of ``Config`` that turns it off, if it has one.
    """

    name: str
    run: PassFunction
    help: str
    flag: str = ""


PASSES: tuple[Pass, ...] = (
    Pass("expression", expression, "the emotion's action units, and brows that rise with stress"),
    Pass("borrow", reference_face, "the upper face of --emotion-from, where that is a face"),
    Pass("micro", micro_expressions, "flashes of what is felt, most of all when it is held back"),
    Pass("effort", vocal_effort_pass, "brows, lids, jaw and head that rise with a raised voice"),
    Pass("asymmetry", asymmetry, "slight differences between left and right"),
    Pass("nonverbal", nonverbal, "laughs, sighs, gasps, cries and groans that are heard"),
    Pass("prepare", preparatory_opening, "lips that part for breath before an utterance"),
    Pass("lip_closure", lip_closure, "lips shut at p b m and meet the teeth at f v, whatever lies below"),
    Pass("head", head_motion, "head drift, and nods with stress", "head"),
    Pass("breath", breathing, "the head's rise and fall with breath", "head"),
    Pass("gaze", gaze, "saccades, eyes that hold their point while the head turns, lids that follow", "gaze"),
    Pass("blink", blink, "blinks, most of them in pauses", "blink"),
)
"""In the order in which they are laid. Each draws from a generator of its own, so one that is turned off leaves
the others as they were; only gaze looks at another pass's layer (it counters the head's motion)."""

FINISHING: dict[str, str] = {
    "smooth": "Savitzky-Golay filter over the sum, at 60 frames a second and more",
    "limit": "values held to 0..1",
}
"""Steps on the composed curves, done by ``facegen.motion.take.compose``."""


def enabled(config: Config) -> list[Pass]:
    """The rows that ``config`` asks for, in order. Raises UsageError for a name that is no pass."""
    chosen = _chosen(config)
    return [row for row in PASSES if row.name in chosen and (not row.flag or getattr(config, row.flag))]


def finishing(config: Config) -> tuple[str, ...]:
    """Which of ``smooth`` and ``limit`` ``config`` asks for. Raises UsageError for a name that is no pass."""
    return tuple(name for name in FINISHING if name in _chosen(config))


def _chosen(config: Config) -> tuple[str, ...]:
    known = [row.name for row in PASSES] + list(FINISHING)
    if config.passes is None:
        return tuple(known)
    for name in config.passes:
        if name not in known:
            raise UsageError(f"no pass is called {name!r}", remedy=nearest(name, known))
    return config.passes
