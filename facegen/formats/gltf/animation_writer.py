"""``.glb`` and ``.gltf``: a head with its shapes as morph targets and the animation that drives them (glTF 2.0)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
import pygltflib as gltf

import facegen
from facegen.core.animation import Animation
from facegen.formats.gltf.animation_reader import HEAD_NODE, read_morph_animation
from facegen.formats.gltf.buffers import Buffer
from facegen.formats.gltf.head_writer import add_head
from facegen.formats.gltf.vrm import animated_copy, model_path
from facegen.formats.head_mesh import audio_name, head_rig_for
from facegen.rig import Rig
from facegen.rig.head_pose import quaternions


class Glb:
    """The rig's head in metres, one mesh a part, with a skin so that neck and shoulders follow the head's turns.

    Every part that a shape moves carries all of the rig's controls as morph targets, in the rig's order, then its
    combinations (``jawOpen_mouthClose``), so one set of names and one curve of weights drives them all. Weights keep to
    the controls' limits; a combination's is the product of its controls'. Sound and
    frame rate, which glTF has no place for, stand in the extras. Where the rig is a ``.glb`` or ``.vrm`` file, its
    copy is animated instead.
    """

    suffix = ".glb"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, list[bytes]]:
        model = model_path(options.get("rig"))
        if model is not None:
            return {"": animated_copy(model, animation, options)}
        document = animated_head(animation, rig, options)
        return {"": [bytes(chunk) for chunk in document.save_to_bytes()]}

    def read(self, path: str | PathLike) -> Animation:
        """The first animation of morph weights in a ``.glb``, ``.gltf`` or ``.vrm`` of any program."""
        return read_morph_animation(path)


class Gltf(Glb):
    """The same as JSON text, its buffer in the file itself as base64: one file, a third larger."""

    suffix = ".gltf"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, list[bytes]]:
        document = animated_head(animation, rig, options)
        data = base64.b64encode(document.binary_blob()).decode("ascii")
        document.buffers[0].uri = "data:application/octet-stream;base64," + data
        return {"": [document.to_json(separators=(",", ":"), indent=None).encode()]}


def animated_head(animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> gltf.GLTF2:
    """The whole document, its bytes attached. Raises UsageError where animation and rig share no control."""
    head = head_rig_for(animation, rig)
    extras = {"fps": str(animation.fps), "frames": len(animation)}
    sound = audio_name(animation, options)
    if sound:
        extras["audio"] = sound
    document = gltf.GLTF2(
        asset=gltf.Asset(generator=f"facegen {facegen.__version__}", copyright=head.credit or None),
        extras=dict(extras),
    )
    buffer = Buffer(document)
    morphed = add_head(buffer, head)
    document.animations = [_animation(buffer, animation, head, morphed, extras)]
    buffer.finish()
    return document


def _animation(
    buffer: Buffer, animation: Animation, rig: Rig, morphed: list[int], extras: dict[str, Any]
) -> gltf.Animation:
    """Weights for the nodes ``morphed`` and, where the head moves, its rotation and shift."""
    weights = rig.limited_weights(animation)
    times = buffer.add(animation.times.astype(np.float32), "SCALAR", limits=True)
    result = gltf.Animation(name="speech", extras=extras)

    def sampler(values: np.ndarray, kind: str) -> int:
        result.samplers.append(gltf.AnimationSampler(input=times, output=buffer.add(values, kind)))
        return len(result.samplers) - 1

    def channel(number: int, node: int, path: str) -> None:
        target = gltf.AnimationChannelTarget(node=node, path=path)
        result.channels.append(gltf.AnimationChannel(sampler=number, target=target))

    if morphed:
        curve = sampler(weights.reshape(-1), "SCALAR")
        for node in morphed:
            channel(curve, node, "weights")
    if animation.head is not None:
        node = next(i for i, n in enumerate(buffer.document.nodes) if n.name == HEAD_NODE)
        rest = np.array(buffer.document.nodes[node].translation, np.float32)
        channel(sampler(quaternions(animation.head), "VEC4"), node, "rotation")
        shift = animation.head[:, 3:] * np.float32(0.01)
        channel(sampler((rest + shift).astype(np.float32), "VEC3"), node, "translation")
    return result
