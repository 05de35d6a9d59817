"""The diffusion refiner: small conditional U-Nets that paint mouth and lids of each warped frame, in a few steps.

It predicts the clean picture as the warped one plus a change; sampling starts from the warped picture with some noise
(SDEdit: Meng et al. 2022) and goes down by deterministic steps (DDIM: Song et al. 2021). The noise is the same in every
frame, so that it does not flicker. In each step only lips and mouth (or lids) are painted, and the low frequencies around
the mouth (the eye) stay those of the warped picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import resources
from os import PathLike

import numpy as np

from facegen.core.errors import ModelError
from facegen.core.files import read_bytes
from facegen.portrait.conditioning import conditioning_vectors
from facegen.portrait.crops import SIDE, MouthMap, Region, RegionMap, feather
from facegen.portrait.eyelid_crops import EyeMap, eye_maps
from facegen.portrait.image_metrics import grey, ssim
from facegen.portrait.segmentation import opencv
from facegen.portrait.warp import FaceWarp, FrameState

START = 0.5
"""Angle in radians of the noise that sampling starts from: a picture is cos x + sin noise."""
LOW_SIGMA = 9.0
INSIDE_SIGMA = 2.5
LEAST_TRUTH = 0.74
"""Under this `Refiner.truth` a picture is unlike all that the refiner learned from."""
EVEN, HARD = 1.0, 40.0  # changes of the luma from pixel to pixel
EVEN_SHARE, HARD_SHARE = 0.4, 0.01
"""Shares of a mouth's pixels: photos and renderings had at most 0.38 even and 0.004 hard ones, a drawing 0.53 and 0.057."""
BUILT_IN, NONE = "built-in", "none"
INPUTS = {"noisy", "condition", "angle", "tokens"}
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""What computes, the first that is there: a GPU where onnxruntime-gpu is installed in place of onnxruntime."""
MAX_BYTES = 64 * 2**20


@dataclass(frozen=True)
class RefinedPart:
    """What is painted: the maps of its places in a face, where in them, the weights that ship, and the steps by default
    (more give more contrast and less truth)."""

    maps: Callable[[FaceWarp], Sequence[RegionMap]]
    zone: Region
    weights: str
    steps: int


MOUTH, EYES = "mouth", "eyes"
PARTS = {
    MOUTH: RefinedPart(lambda puppet: [MouthMap(puppet)], MouthMap.zone, "refiner.onnx", 2),
    EYES: RefinedPart(eye_maps, EyeMap.zone, "lids.onnx", 1),
}


def load_samplers(refiner: str, steps: int | None, seed: int) -> dict[str, Sampler]:
    """What paints each of PARTS: the weights that ship (BUILT_IN), nothing (NONE), or an ONNX file that paints mouths.
    Raises ModelError for what is none."""
    if refiner == NONE:
        return {}
    models = resources.files("facegen") / "models"
    paths = {part: str(models / row.weights) for part, row in PARTS.items()}
    if refiner != BUILT_IN:
        paths = {MOUTH: refiner}
    return {part: load_sampler(path, part, steps, seed) for part, path in paths.items()}


def load_sampler(path: str, part: str, steps: int | None = None, seed: int = 0) -> Sampler:
    """What the ONNX file ``path`` paints of ``part``. Raises ModelError for what is no refiner."""
    content = read_bytes(path, limit=MAX_BYTES, error=ModelError)
    return Sampler(content, steps or PARTS[part].steps, seed, path)


class Sampler:
    """A network from an ONNX file, and the steps from noise to picture."""

    def __init__(self, content: bytes, steps: int, seed: int, path: str | PathLike | None = None) -> None:
        """Raises ModelError for what is no refiner; ``path`` names it."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            there = onnxruntime.get_available_providers()
            usable = [name for name in PROVIDERS if name in there]
            self._session = onnxruntime.InferenceSession(content, options, providers=usable)
            if not {value.name for value in self._session.get_inputs()} >= INPUTS:
                raise ValueError("it has other inputs")
        except Exception as fault:
            raise ModelError(f"is no refiner ({fault})", path=path) from fault
        self._steps = steps
        noise = np.random.default_rng([seed, 7]).standard_normal((1, 3, SIDE, SIDE))
        self._noise = noise.astype(np.float32)

    def sample(self, condition: np.ndarray, tokens: np.ndarray, zone: Region) -> np.ndarray:
        """The change of the warped picture, [SIDE, SIDE, 3] in 0..255, for ``condition`` [12, SIDE, SIDE] and
        ``tokens`` [2, TOKEN_SIZE], where ``zone`` says."""
        angles = np.linspace(START, 0.0, self._steps + 1)
        given = {"condition": condition[None], "tokens": tokens[None].astype(np.float32)}
        warped = condition[:3]
        change = np.zeros_like(warped)
        noisy = np.cos(START) * warped[None] + np.sin(START) * self._noise
        for angle, after in zip(angles[:-1], angles[1:], strict=True):
            told = np.full(1, angle, np.float32)
            clean = self._session.run(None, {**given, "noisy": noisy.astype(np.float32), "angle": told})[0]
            change = kept(clean[0] - warped, condition, zone)
            noise = (noisy - np.cos(angle) * (warped + change)) / np.sin(angle)
            noisy = np.cos(after) * (warped + change) + np.sin(after) * noise
        return 127.5 * change.transpose(1, 2, 0)


class Refiner:
    """Paints one part, which ``places`` finds, of a puppet's frames."""

    def __init__(self, sampler: Sampler, places: RegionMap, puppet: FaceWarp, photo: np.ndarray) -> None:
        self._sampler, self._map = sampler, places
        self._rest = puppet.at(np.zeros(len(puppet.head.controls), np.float32), np.zeros(6))
        self._source = self._map.square(self._rest).cut(photo)

    def truth(self) -> float:
        """How true to itself the photo's part at rest stays when it is painted: SSIM where it is."""
        places = self._map.map(self._rest, self._map.square(self._rest))
        silence = conditioning_vectors(1, Fraction(25), None, None)[0]
        change = self._sampler.sample(
            stacked(self._source, self._source, places, self._source), silence, self._map.zone
        )
        refined = np.clip(self._source + change, 0, 255)
        return ssim(refined, self._source.astype(np.float64), places[..., 0] > 0)

    def drawn(self) -> bool:
        """Whether the photo's part is made of even patches with hard borders, as no camera shows it: a drawing."""
        change = np.abs(np.gradient(grey(self._source)))
        return (
            float((change < EVEN).all(axis=0).mean()) > EVEN_SHARE
            and float((change > HARD).mean()) > HARD_SHARE
        )

    def paint(
        self,
        part: np.ndarray,
        now: FrameState,
        origin: tuple[int, int],
        before: np.ndarray | None,
        tokens: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """``part`` [h, w, 3] uint8, whose top left is the photo's ``origin``, with the part painted, and it warped
        alone, which is what the next frame's ``before`` is; ``tokens`` [2, TOKEN_SIZE] as from ``conditioning_vectors``."""
        square = self._map.square(now)
        warped = square.cut(part, origin)
        condition = stacked(
            warped, self._source, self._map.map(now, square), warped if before is None else before
        )
        change = self._sampler.sample(condition, tokens, self._map.zone)
        return square.paste(part, change, origin), warped


def stacked(warped: np.ndarray, source: np.ndarray, places: np.ndarray, before: np.ndarray) -> np.ndarray:
    """What the network is given of a frame, [12, SIDE, SIDE] float32 in -1..1: the warped picture, the photo's, the
    map, the warped picture of the frame before."""
    rows = np.concatenate([warped, source, places, before], axis=2).astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(rows.transpose(2, 0, 1))


def kept(change: np.ndarray, condition: np.ndarray, zone: Region) -> np.ndarray:
    """What of a ``change`` [3, SIDE, SIDE] is painted: what is in the ``zone`` alone, and without its low frequencies
    outside the map's second channel, so that the light and colour of the skin stay the photo's."""
    cv2 = opencv()
    rows = change.transpose(1, 2, 0).astype(np.float32)
    inside = cv2.GaussianBlur((condition[7] + 1) / 2, (0, 0), INSIDE_SIGMA)[..., None]
    low = cv2.GaussianBlur(rows * (1 - inside), (0, 0), LOW_SIGMA)
    rows = (rows - low * (1 - inside)) * painted(condition[6], zone)[..., None]
    return np.ascontiguousarray(rows.transpose(2, 0, 1))


def painted(place: np.ndarray, zone: Region) -> np.ndarray:
    """How far each place is painted, [SIDE, SIDE] in 0..1, by the map's first channel ``place`` [SIDE, SIDE] (-1..1)."""
    cv2 = opencv()
    wide = cv2.dilate((place.astype(np.float32) + 1) / 2, np.ones((2 * zone.reach + 1,) * 2, np.uint8))
    soft: np.ndarray = cv2.GaussianBlur(wide, (0, 0), zone.soft) * feather()
    return soft
