"""Portraits through diffusers pipelines: tiny random ones of the classes that users have."""

from __future__ import annotations

import json

import numpy as np
import pytest

from facegen.config import PortraitConfig
from facegen.core.animation import Animation
from facegen.core.errors import ModelError
from tests.helpers.faces import face_pixels

pytest.importorskip("mediapipe")
pytest.importorskip("moderngl")
torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")

from PIL import Image  # noqa: E402

from facegen.portrait.diffusers_backbone import Backbone, read_kind  # noqa: E402
from facegen.portrait.photo import read_photo  # noqa: E402
from facegen.portrait.scene import make_portrait_scene  # noqa: E402


def parts(folder, channels=4):
    """The parts of a tiny random Stable Diffusion."""
    torch.manual_seed(0)
    unet = diffusers.UNet2DConditionModel(
        sample_size=16, in_channels=channels, out_channels=4, block_out_channels=(16, 32), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), norm_num_groups=8,
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=16, attention_head_dim=8,
    )  # fmt: skip
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 16, 16, 16), latent_channels=4, norm_num_groups=8, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )  # fmt: skip
    text = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, vocab_size=600,
            max_position_embeddings=77, bos_token_id=0, eos_token_id=1, pad_token_id=1,
        )
    )  # fmt: skip
    letters = [chr(n) for n in range(33, 127)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(c + "</w>" for c in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    files = str(folder / "vocab.json"), str(folder / "merges.txt")
    tokenizer = transformers.CLIPTokenizer(*files, model_max_length=77)
    return {
        "unet": unet,
        "vae": vae,
        "text_encoder": text,
        "tokenizer": tokenizer,
        "scheduler": diffusers.DDIMScheduler(clip_sample=False, set_alpha_to_one=False),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }


def saved(tmp_path, name):
    channels = 9 if "Inpaint" in name else 4
    given = parts(tmp_path, channels)
    if "ControlNet" in name:
        given["controlnet"] = diffusers.ControlNetModel.from_unet(
            given["unet"], conditioning_embedding_out_channels=(8, 8, 8, 16)
        )
    folder = tmp_path / "model"
    getattr(diffusers, name)(**given).save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    path = tmp_path_factory.mktemp("face") / "face.png"
    Image.fromarray(face_pixels(256)).save(path)
    return make_portrait_scene(read_photo(path), str(path))


@pytest.mark.parametrize(
    "name",
    [
        "StableDiffusionPipeline",
        pytest.param("StableDiffusionInpaintPipeline", marks=pytest.mark.slow),
        pytest.param("StableDiffusionControlNetImg2ImgPipeline", marks=pytest.mark.slow),
    ],
)
def test_each_class_paints_the_face_alike_twice(name, tmp_path, scene):
    folder = saved(tmp_path, name)
    config = PortraitConfig(backbone=str(folder), steps=2, strength=0.5)
    take = Animation(25, ("jawOpen",), np.full((1, 1), 0.3, np.float32))
    (plain,) = scene.frames(take)
    pictures = []
    for _ in range(2):
        (painted,) = scene.frames(take, paint=Backbone(folder, scene.puppet, config, 3))
        pictures.append(painted)
    assert np.array_equal(*pictures)
    change = np.abs(pictures[0].astype(int) - plain).sum(axis=2)
    x, y = scene.photo.landmarks[1, :2].astype(int)
    assert change[y - 30 : y + 30, x - 30 : x + 30].mean() > 0.5
    assert change[:10].max() == 0


def test_what_is_no_backbone_is_told_apart(tmp_path):
    with pytest.raises(ModelError, match="is no folder"):
        read_kind(tmp_path / "none")
    with pytest.raises(ModelError, match=r"no model_index\.json"):
        read_kind(tmp_path)
    (tmp_path / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    with pytest.raises(ModelError, match="FluxPipeline"):
        read_kind(tmp_path)
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    with pytest.raises(ModelError, match="safetensors"):
        read_kind(tmp_path)
    (tmp_path / "model_index.json").write_text("[")
    with pytest.raises(ModelError, match="no index"):
        read_kind(tmp_path)
