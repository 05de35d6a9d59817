"""A large diffusion model of the user's own as refiner: any local folder of these pipelines of ``diffusers``.

| class in ``model_index.json`` | what it is given |
|---|---|
| StableDiffusionImg2ImgPipeline, StableDiffusionPipeline | the warped face |
| StableDiffusionInpaintPipeline | the warped face, and a mask of mouth and eyes |
| StableDiffusionControlNetImg2ImgPipeline, StableDiffusionControlNetPipeline | the warped face, and the drawn outlines \
of face, brows, eyes and lips |

A ControlNet may also lie in the folder ``controlnet`` of a plain pipeline. The noise is the same in every frame; the low
frequencies of the warped face are put back (EmoTalker's way of keeping who it is, Zhang et al. 2024).
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from facegen.config import PortraitConfig
from facegen.core.errors import MissingExtraError, ModelError
from facegen.core.files import read_text
from facegen.portrait.crops import INNER_LOWER, INNER_UPPER, OUTER_LIPS, Crop, feather
from facegen.portrait.eyeballs import OUTLINES
from facegen.portrait.head_fitting import OVAL
from facegen.portrait.segmentation import opencv
from facegen.portrait.warp import FaceWarp, FrameState

FACE = 1.5
"""Side of the square that is painted, in widths of the face."""
LOW_SHARE = 0.03
"""Frequencies that are put back: below a blur of this share of the square."""
MULTIPLE = 64
STEPS = 8  # by default
BROWS = ((70, 63, 105, 66, 107), (336, 296, 334, 293, 300))
KINDS = {
    "StableDiffusionPipeline": "StableDiffusionImg2ImgPipeline",
    "StableDiffusionImg2ImgPipeline": "StableDiffusionImg2ImgPipeline",
    "StableDiffusionInpaintPipeline": "StableDiffusionInpaintPipeline",
    "StableDiffusionControlNetPipeline": "StableDiffusionControlNetImg2ImgPipeline",
    "StableDiffusionControlNetImg2ImgPipeline": "StableDiffusionControlNetImg2ImgPipeline",
}
"""Class named in the folder to the class it is loaded as."""
WITH_CONTROL = "StableDiffusionControlNetImg2ImgPipeline"


def read_kind(path: str | PathLike) -> str:
    """The class that the pipeline in the folder ``path`` is loaded as. Raises ModelError for what is no such folder."""
    folder = Path(path)
    note = folder / "model_index.json"
    if not note.is_file():
        what = "holds no model_index.json" if folder.is_dir() else "is no folder"
        raise ModelError(what, path=path, remedy="give a folder that diffusers' save_pretrained has written")
    try:
        name = str(json.loads(read_text(note, limit=2**20, error=ModelError))["_class_name"])
    except (ValueError, KeyError, TypeError) as fault:
        raise ModelError("is no index of a diffusers pipeline", path=note) from fault
    if name not in KINDS:
        raise ModelError(
            f"holds a {name}, which is not supported", path=path, remedy="supported: " + ", ".join(KINDS)
        )
    if not any(folder.rglob("*.safetensors")):
        raise ModelError(
            "holds no .safetensors weights",
            path=path,
            remedy="save the pipeline again with safe_serialization=True",
        )
    return WITH_CONTROL if (folder / "controlnet").is_dir() else KINDS[name]


def load_pipeline(path: str | PathLike) -> tuple[Any, str]:
    """The pipeline in ``path``, in half precision and with offloading on a GPU, sliced attention everywhere; and its
    kind.

    Raises ModelError for a folder that is none or does not fit the memory, MissingExtraError without torch, diffusers
    or transformers.
    """
    kind = read_kind(path)
    try:
        import diffusers
        import torch
        import transformers  # noqa: F401  text encoders come from it
    except ImportError as fault:
        raise MissingExtraError(fault.name or "diffusers", "portrait", "a diffusion backbone") from fault
    device = "cuda" if torch.cuda.is_available() else "cpu"
    _check_room(Path(path), device, torch)
    more: dict[str, Any] = {}
    half = torch.float16 if device == "cuda" else torch.float32
    try:
        if kind == WITH_CONTROL:
            more["controlnet"] = diffusers.ControlNetModel.from_pretrained(
                Path(path) / "controlnet", torch_dtype=half, use_safetensors=True, local_files_only=True
            )
        pipeline = getattr(diffusers, kind).from_pretrained(
            str(path),
            torch_dtype=half,
            use_safetensors=True,
            local_files_only=True,
            safety_checker=None,
            requires_safety_checker=False,
            **more,
        )
    except Exception as fault:
        raise ModelError(f"can't be loaded ({fault})", path=path, remedy="save the pipeline again") from fault
    pipeline.set_progress_bar_config(disable=True)
    pipeline.enable_attention_slicing()
    if device == "cuda":
        pipeline.enable_model_cpu_offload()
    return pipeline, kind


def _check_room(folder: Path, device: str, torch: Any) -> None:
    """ModelError where the weights can't fit the memory."""
    stored = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    largest = max(file.stat().st_size for file in folder.rglob("*.safetensors"))
    if device == "cuda":
        free, needed = torch.cuda.mem_get_info()[0], largest  # one part at a time is on the GPU
    else:
        free, needed = _free_memory(), stored
    if free is not None and needed > free:
        raise ModelError(
            f"needs {needed / 2**30:.1f} GiB of {'GPU ' * (device == 'cuda')}memory; {free / 2**30:.1f} are free",
            path=folder,
            remedy="close other programs, use a smaller model, or leave --backbone out",
        )


def _free_memory() -> int | None:
    try:
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return int(rows["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


class Backbone:
    """Paints faces with a pipeline of the user's."""

    def __init__(self, path: str | PathLike, puppet: FaceWarp, config: PortraitConfig, seed: int) -> None:
        self._pipeline, self._kind = load_pipeline(path)
        self._puppet, self._config, self._seed, self._path = puppet, config, seed, path
        self._lines = [
            [puppet.vertex_at(n) for n in row] for row in (OVAL, *BROWS, *OUTLINES.values(), OUTER_LIPS)
        ]
        self._lines += [
            [puppet.vertex_at(n, upper=True) for n in INNER_UPPER],
            [puppet.vertex_at(n, upper=False) for n in INNER_LOWER],
        ]

    def __call__(self, number: int, part: np.ndarray, now: FrameState, origin: tuple[int, int]) -> np.ndarray:
        """``part`` [h, w, 3] uint8 with the face painted."""
        cv2 = opencv()
        square = self._square(now)
        warped = square.cut(part, origin)
        painted = self._painted(warped, now, square)
        change: np.ndarray = painted.astype(np.float32) - warped
        change -= cv2.GaussianBlur(change, (0, 0), LOW_SHARE * square.pixels)
        return square.paste(part, change * feather(square.pixels)[..., None], origin)

    def _square(self, now: FrameState) -> Crop:
        width = self._puppet.head.face_size[0]
        side = FACE * width
        middle = now.skin[self._lines[0], :2].mean(axis=0) * (1, -1)
        natural = int(getattr(self._pipeline.unet.config, "sample_size", 64) or 64)
        natural *= int(getattr(self._pipeline, "vae_scale_factor", 8))
        pixels = max(MULTIPLE, round(natural / MULTIPLE) * MULTIPLE)
        return Crop(tuple((middle - side / 2).tolist()), side, pixels)

    def _painted(self, warped: np.ndarray, now: FrameState, square: Crop) -> np.ndarray:
        import torch
        from PIL import Image

        config = self._config
        steps = config.steps or STEPS
        given: dict[str, Any] = {
            "prompt": config.prompt,
            "image": Image.fromarray(warped),
            "strength": max(config.strength, 1e-3),
            # Of so many steps the pipelines take the share ``strength``.
            "num_inference_steps": max(steps, round(steps / max(config.strength, 0.05))),
            "guidance_scale": 1.0,
            "generator": torch.Generator("cpu").manual_seed(self._seed),
            "output_type": "np",
        }
        if self._kind == "StableDiffusionInpaintPipeline":
            given |= {"mask_image": Image.fromarray(self._mask(now, square)), **_sizes(square)}
        elif self._kind == WITH_CONTROL:
            given |= {"control_image": Image.fromarray(self._outlines(now, square)), **_sizes(square)}
        try:
            with torch.inference_mode():
                picture = self._pipeline(**given).images[0]
        except (torch.cuda.OutOfMemoryError, MemoryError) as fault:
            raise ModelError(
                "the memory is not enough", path=self._path, remedy="use a smaller model"
            ) from fault
        size = (square.pixels, square.pixels)
        return opencv().resize(np.clip(255 * picture, 0, 255).astype(np.float32), size)

    def _placed(self, rows: list[int], now: FrameState, square: Crop) -> np.ndarray:
        points = now.skin[rows, :2] * (1, -1) - square.corner
        return (points * square.pixels / square.side).round().astype(np.int32)

    def _outlines(self, now: FrameState, square: Crop) -> np.ndarray:
        """The face's outlines in white on black, [pixels, pixels, 3] uint8."""
        cv2 = opencv()
        drawn = np.zeros((square.pixels, square.pixels, 3), np.uint8)
        for number, rows in enumerate(self._lines):
            closed = number not in (1, 2)
            cv2.polylines(drawn, [self._placed(rows, now, square)], closed, (255, 255, 255), 2, cv2.LINE_AA)
        return drawn

    def _mask(self, now: FrameState, square: Crop) -> np.ndarray:
        """255 where mouth and eyes are painted anew, [pixels, pixels] uint8."""
        cv2 = opencv()
        mask = np.zeros((square.pixels, square.pixels), np.uint8)
        for rows in self._lines[3:6]:
            cv2.fillPoly(mask, [self._placed(rows, now, square)], 255)
        size = max(3, square.pixels // 32)
        return cv2.dilate(mask, np.ones((size, size), np.uint8))


def _sizes(square: Crop) -> dict[str, int]:
    return {"width": square.pixels, "height": square.pixels}
