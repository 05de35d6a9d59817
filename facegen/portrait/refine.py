"""The diffusion refiner: a small conditional U-Net that paints the mouth of each warped frame, in a few steps.

It predicts the clean picture as the warped one plus a change; sampling starts from the warped picture with some noise
(SDEdit: Meng et al. 2022) and goes down by deterministic steps (DDIM: Song et al. 2021). The noise is the same in every
frame, so that it does not flicker; the low frequencies around the mouth stay those of the warped picture.
"""

from __future__ import annotations

from os import PathLike

import numpy as np

from facegen.errors import ModelError
from facegen.files import read_bytes
from facegen.portrait.crop import SIDE, MouthMap, feather
from facegen.portrait.puppet import Instant, Puppet
from facegen.portrait.vision import opencv

START = 0.5
"""Angle in radians of the noise that sampling starts from: a picture is cos x + sin noise."""
LOW_SIGMA = 9.0
INSIDE_SIGMA = 2.5
REACH, EDGE_SIGMA = 8, 4.0
"""Pixels about the lips that are painted too, and how softly that ends."""
INPUTS = {"noisy", "condition", "angle", "tokens"}
MAX_BYTES = 64 * 2**20


def load_sampler(path: str | PathLike, steps: int, seed: int) -> Sampler:
    """The network in the ONNX file ``path``. Raises ModelError for what is none."""
    return Sampler(read_bytes(path, limit=MAX_BYTES, error=ModelError), steps, seed, path)


class Sampler:
    """A network from an ONNX file, and the steps from noise to picture."""

    def __init__(self, content: bytes, steps: int, seed: int, path: str | PathLike | None = None) -> None:
        """Raises ModelError for what is no refiner; ``path`` names it."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            if not {value.name for value in self._session.get_inputs()} >= INPUTS:
                raise ValueError("it has other inputs")
        except Exception as fault:
            raise ModelError(f"is no refiner ({fault})", path=path) from fault
        self._steps = steps
        noise = np.random.default_rng([seed, 7]).standard_normal((1, 3, SIDE, SIDE))
        self._noise = noise.astype(np.float32)

    def sample(self, condition: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The clean picture [1, 3, SIDE, SIDE] in -1..1 for ``condition`` [1, 12, SIDE, SIDE] and ``tokens``
        [1, 2, TOKEN_SIZE]."""
        angles = np.linspace(START, 0.0, self._steps + 1)
        clean = condition[:, :3]
        noisy = np.cos(START) * clean + np.sin(START) * self._noise
        for angle, after in zip(angles[:-1], angles[1:], strict=True):
            told = np.full(1, angle, np.float32)
            feed = {
                "noisy": noisy.astype(np.float32),
                "condition": condition,
                "angle": told,
                "tokens": tokens,
            }
            clean = self._session.run(None, feed)[0]
            noise = (noisy - np.cos(angle) * clean) / np.sin(angle)
            noisy = np.cos(after) * clean + np.sin(after) * noise
        return clean


class Refiner:
    """Paints the mouths of a puppet's frames."""

    def __init__(self, sampler: Sampler, puppet: Puppet, photo: np.ndarray) -> None:
        self._sampler, self._map = sampler, MouthMap(puppet)
        at_rest = puppet.at(np.zeros(len(puppet.head.controls), np.float32), np.zeros(6))
        self._source = self._map.square(at_rest).cut(photo)

    def paint(
        self,
        part: np.ndarray,
        now: Instant,
        origin: tuple[int, int],
        before: np.ndarray | None,
        tokens: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """``part`` [h, w, 3] uint8, whose top left is the photo's ``origin``, with its mouth painted, and the warped
        mouth, which is what the next frame's ``before`` is; ``tokens`` [2, TOKEN_SIZE] as from ``frame_tokens``."""
        square = self._map.square(now)
        warped = square.cut(part, origin)
        condition = stacked(
            warped, self._source, self._map.map(now, square), warped if before is None else before
        )
        clean = self._sampler.sample(condition[None], tokens[None].astype(np.float32))[0]
        return square.paste(part, changed(clean, warped, condition), origin), warped


def stacked(warped: np.ndarray, source: np.ndarray, places: np.ndarray, before: np.ndarray) -> np.ndarray:
    """What the network is given of a frame, [12, SIDE, SIDE] float32 in -1..1: the warped picture, the photo's, the
    map, the warped picture of the frame before."""
    rows = np.concatenate([warped, source, places, before], axis=2).astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(rows.transpose(2, 0, 1))


def changed(clean: np.ndarray, warped: np.ndarray, condition: np.ndarray) -> np.ndarray:
    """What is added to ``warped`` [SIDE, SIDE, 3], of the ``clean`` picture [3, SIDE, SIDE] that the network gave for
    ``condition`` [12, SIDE, SIDE]: lips and mouth change, the face about them stays the photo's."""
    change = kept_low(clean.transpose(1, 2, 0) * 127.5 + 127.5, warped, condition[7])
    return change * (painted(condition[6]) * feather())[..., None]


def painted(lips: np.ndarray) -> np.ndarray:
    """How far each place is painted, [SIDE, SIDE] in 0..1, of the map's ``lips`` [SIDE, SIDE] (-1..1)."""
    cv2 = opencv()
    wide = cv2.dilate((lips.astype(np.float32) + 1) / 2, np.ones((2 * REACH + 1,) * 2, np.uint8))
    return cv2.GaussianBlur(wide, (0, 0), EDGE_SIGMA)  # type: ignore[no-any-return]


def kept_low(painted: np.ndarray, warped: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """The change [SIDE, SIDE, 3] from ``warped`` to ``painted``, without its low frequencies outside the ``opening``
    [SIDE, SIDE] (-1..1): the light and colour of the skin stay the photo's."""
    cv2 = opencv()
    change: np.ndarray = painted - warped.astype(np.float32)
    inside = cv2.GaussianBlur((opening.astype(np.float32) + 1) / 2, (0, 0), INSIDE_SIGMA)[..., None]
    low = cv2.GaussianBlur(change * (1 - inside), (0, 0), LOW_SIGMA)
    return change - low * (1 - inside)
