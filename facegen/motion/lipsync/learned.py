"""The learned decoder: phone probabilities, prosody and a style to gestures by a network trained on real faces, with
the rule decoder's mouth as a steadying part.

A frame depends on LEFT frames before it at most and AHEAD frames after it, so decoding in pieces gives what decoding
whole gives. Where nobody speaks the mouth is held at rest, as by the rule decoder.
"""

from __future__ import annotations

import json
from importlib import resources
from os import PathLike

import numpy as np

from facegen.config import Config
from facegen.core.animation import Animation, owned
from facegen.core.errors import ModelError, UsageError, nearest
from facegen.core.onnx_model import OnnxModel
from facegen.core.threads import run_parallel
from facegen.emotion.style import Style, load_style
from facegen.motion.context import Context
from facegen.motion.lipsync.coarticulation import BEFORE, mouth
from facegen.motion.lipsync.gestures import LEARNED_CONTROLS, controls
from facegen.motion.lipsync.speech_level import GATE_REACH, LEVEL_BEHIND, level_and_gate, windowed
from facegen.speech.phones import LABELS, Features

GESTURES = (
    "jaw", "lower", "upper", "seal", "press", "roll_lower", "roll_upper", "funnel", "pucker", "stretch", "tongue",
    "smile", "shrug", "brow",
)  # fmt: skip
"""The network's outputs, in 0..1."""
SPEAKER_DIMENSIONS = 4
SHARE = 0.85
"""Of the network in the mouth's controls; the rest is the rule decoder's, whose tables hold for voices and habits unlike
those of the few speakers that the network has seen. A style that names a speaker is the network's alone."""
AHEAD = 20  # frames of coming speech that a frame may see
BLOCK = 4096  # frames decoded at a time, an even number
PIECE = 8 * BLOCK  # frames of a clip that are held in all steps at once
GATE_BEHIND = 60  # frames after speech in which the mouth may still move
GATE_AHEAD = AHEAD - GATE_REACH  # frames before speech in which it may move already
GATE_FULL = 2  # frames of speech near by from which it may move freely
QUIETEST, LOUDEST = -3.0, 1.0  # in 20 dB about the talker's level
USUAL_PITCH_HZ = 150.0
MAX_MODEL_BYTES = 32 * 2**20
_REST = 0.02  # an output below counts as none
_REMEDY = "use a model made by tools/training/train_lip_decoder.py, or --decoder rules"


class LearnedDecoder:
    """Phones to mouth as people do it, by the network shipped with the package or the ONNX file ``model``.

    Raises ModelError for a file that is no decoder.
    """

    controls = LEARNED_CONTROLS
    ahead = AHEAD

    def __init__(self, model: str | PathLike | None = None) -> None:
        self.path = str(model or resources.files("facegen") / "models" / "lips.onnx")
        self._session = OnnxModel(self.path, MAX_MODEL_BYTES, "lip decoder", _REMEDY)
        self.left, self.right, self.speakers = self._contract()
        self.before = max(LEVEL_BEHIND + max(self.left, GATE_REACH + GATE_BEHIND), BEFORE)

    def decode(self, context: Context) -> Animation:
        """The ``lips`` layer on LEARNED_CONTROLS, [context.frames, 21], in 0..1."""
        features, count = context.features, len(context.features)
        values = np.zeros((context.frames, len(LEARNED_CONTROLS)), np.float32)
        places = context.places(count)
        last, done = np.zeros((0, len(LEARNED_CONTROLS)), np.float32), 0
        for start in range(0, count, PIECE):  # an hour's steps on the way are big
            low, stop = max(0, start - self.before - self.before % 2), min(count, start + PIECE)
            part = features.part(low, min(count, stop + AHEAD + 2))
            fresh = self.rows(part, context.config, slice(start - low, stop - low))[start - low : stop - low]
            rows = np.concatenate([last, fresh])
            upto = len(places) if stop == count else int(np.searchsorted(places, stop - 1))
            values[done:upto] = context.read(rows, stop - len(rows), places[done:upto])
            last, done = rows[-1:], upto
        return Animation(context.fps, LEARNED_CONTROLS, owned(values))

    def rows(self, features: Features, config: Config, span: slice = slice(0, None)) -> np.ndarray:
        """LEARNED_CONTROLS [F, 21] in 0..1 of each feature frame; only those of ``span``, which begins with an even
        one, are worked out."""
        style = load_style(config.style)
        heard = features.posteriors, features.energy
        gestures = self.gestures(*heard, features.pitch, self.style_vector(style), span)
        rows = _controls(gestures, config.mouth, config.upper_face)
        if not style.speaker:
            ruled = mouth(*heard, config.mouth * style.strength, span)
            rows[:, : ruled.shape[1]] *= SHARE
            rows[:, : ruled.shape[1]] += (1 - SHARE) * ruled
        return rows

    def gestures(
        self,
        posteriors: np.ndarray,
        energy: np.ndarray,
        pitch: np.ndarray,
        style: np.ndarray,
        span: slice = slice(0, None),
    ) -> np.ndarray:
        """GESTURES [F, 14] of posteriors [F, 40], energy [F] dB, pitch [F] Hz and a style vector [5]; 0 outside
        ``span``."""
        count = len(energy)
        if not count:
            return np.zeros((0, len(GESTURES)), np.float32)
        prosody = prosody_of(posteriors, energy, pitch)
        rows = np.zeros((count, len(GESTURES)), np.float32)
        end = count if span.stop is None else span.stop

        def decode(start: int) -> None:
            stop = min(end, start + BLOCK)
            even = stop + (stop - start) % 2
            low, high = max(0, start - self.left), min(count, even + self.right)
            ends = self.left - (start - low), even + self.right - high
            window = network_input(posteriors[low:high], prosody[low:high], *ends)
            rows[start:stop] = self._run(window, style)[self.left : self.left + stop - start]

        run_parallel(decode, range(span.start, end, BLOCK))
        return rows * speech_gate(posteriors, energy)[:, None]

    def style_vector(self, style: Style) -> np.ndarray:
        """Articulation and the speaker's place, [5]. Raises UsageError for a speaker that the model does not know."""
        if style.speaker and style.speaker not in self.speakers:
            raise UsageError(
                f"the decoder knows no speaker {style.speaker!r}",
                remedy=nearest(style.speaker, list(self.speakers)),
            )
        place = self.speakers[style.speaker] if style.speaker else [0.0] * SPEAKER_DIMENSIONS
        return np.array([style.articulation, *place], np.float32)

    def _run(self, window: np.ndarray, style: np.ndarray) -> np.ndarray:
        feed = {
            "posteriors": np.ascontiguousarray(window[None, :, : len(LABELS)]),
            "prosody": np.ascontiguousarray(window[None, :, len(LABELS) :]),
            "style": style[None],
        }
        try:
            return np.maximum(self._session.run(["gestures"], feed)[0][0] - _REST, 0) / (1 - _REST)
        except Exception as fault:  # ONNX Runtime has no public base class of its errors
            raise ModelError(f"fails to run ({fault})", path=self.path, remedy=_REMEDY) from fault

    def _contract(self) -> tuple[int, int, dict[str, list[float]]]:
        """Frames of context before and after, and the places of the speakers, from the file's metadata."""
        meta, names = self._session.metadata, set(self._session.inputs)
        try:
            left, right = int(meta["left_context"]), int(meta["right_context"])
            speakers = {k: [float(x) for x in v] for k, v in json.loads(meta["speakers"]).items()}
            ours = (
                tuple(json.loads(meta["gestures"])) == GESTURES
                and tuple(json.loads(meta["labels"])) == LABELS
            )
        except (KeyError, ValueError, OverflowError, AttributeError, TypeError) as error:
            raise ModelError(f"is no lip decoder ({error})", path=self.path, remedy=_REMEDY) from error
        fits = all(len(v) == SPEAKER_DIMENSIONS for v in speakers.values())
        if not (
            ours
            and fits
            and names == {"posteriors", "prosody", "style"}
            and 0 <= left
            and 0 <= right <= AHEAD
        ):
            raise ModelError("is no lip decoder of this version", path=self.path, remedy=_REMEDY)
        return left + left % 2, right + right % 2, speakers


def network_input(posteriors: np.ndarray, prosody: np.ndarray, before: int, after: int) -> np.ndarray:
    """Posteriors [F, 40] and prosody [F, 3] side by side, with frames of silence around them."""
    rows = np.zeros((before + len(prosody) + after, posteriors.shape[1] + prosody.shape[1]), np.float32)
    rows[:, 0], rows[:, len(LABELS)] = 1.0, QUIETEST
    rows[before : before + len(prosody)] = np.concatenate([posteriors, prosody], axis=1)
    return rows


def prosody_of(posteriors: np.ndarray, energy: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Loudness about the talker's level, voicing and pitch as the network takes them, [F, 3] float32."""
    level, _ = level_and_gate(posteriors, energy, ahead=0)
    loud = np.where(level == 0, QUIETEST, (energy - level) / 20).clip(QUIETEST, LOUDEST)
    voiced = pitch > 0
    height = np.where(voiced, np.log(np.maximum(pitch, 1.0) / USUAL_PITCH_HZ), 0.0)
    return np.stack([loud, voiced, height], axis=1).astype(np.float32)


def speech_gate(posteriors: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """How freely the mouth may move, [F] in 0..1: 1 near speech, 0 far from it."""
    _, gate = level_and_gate(posteriors, energy, ahead=0)
    near = np.clip(windowed(gate, GATE_BEHIND, GATE_AHEAD) / GATE_FULL, 0, 1)
    return (near * near * (3 - 2 * near)).astype(np.float32)


def _controls(gestures: np.ndarray, strength: float, upper_face: float) -> np.ndarray:
    """LEARNED_CONTROLS [F, 21] of gestures [F, 14] and the strengths of mouth and upper face."""
    named = dict(zip(GESTURES, gestures.T, strict=True))
    shrug, brow = named["shrug"] * strength, named["brow"] * upper_face
    more = np.stack([shrug, brow, brow, brow], axis=1)
    return np.concatenate([controls(named, 1.0, strength), np.clip(more, 0, 1)], axis=1).astype(np.float32)
