"""The refiner as an ONNX file in half precision that ONNX Runtime computes in single."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from tools.training.portrait_refiner.network import RefinerNet, refiner_net

LEAST = 64
"""Smaller tensors stay as they are."""


def onnx_model(net: RefinerNet, seed: int, steps: int) -> bytes:
    """The network's ONNX file."""
    model = _exported(net)
    _halve(model)
    for key, value in {"kind": "refiner", "seed": seed, "steps": steps}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    return model.SerializeToString()


def weights_of(content: bytes, part: str) -> dict[str, torch.Tensor]:
    """The network's weights in an ONNX file of this module, to train on from them. The exporter gives some of them other
    names and turns them over; which is which is found by exporting a network of random weights."""
    held = {
        t.name.removesuffix(".half"): numpy_helper.to_array(t)
        for t in onnx.load_from_string(content).graph.initializer
    }
    trial = refiner_net(part)
    for weight in trial.parameters():
        torch.nn.init.normal_(weight)
    state = {name: value.numpy() for name, value in trial.state_dict().items()}
    found = {}
    for tensor in _exported(trial).graph.initializer:
        values = numpy_helper.to_array(tensor)
        for name, own in state.items():
            if values.size != own.size or tensor.name not in held:
                continue
            if np.array_equal(values.ravel(), own.ravel()):
                found[name] = held[tensor.name].reshape(own.shape)
            elif own.ndim == 2 and values.shape == own.shape[::-1] and np.array_equal(values.T, own):
                found[name] = held[tensor.name].T
    if missing := set(state) - set(found):
        raise ValueError(f"the file holds no {sorted(missing)[0]}")
    return {name: torch.from_numpy(np.array(values, np.float32)) for name, values in found.items()}


def _exported(net: RefinerNet) -> onnx.ModelProto:
    example = (
        torch.zeros(1, 3, 128, 128),
        torch.zeros(1, 12, 128, 128),
        torch.full((1,), 0.3),
        torch.zeros(1, 2, 16),
    )
    names = ["noisy", "condition", "angle", "tokens"]
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net.eval(), example, out, input_names=names, output_names=["clean"], dynamo=False)  # type: ignore[arg-type]
    return onnx.load_from_string(out.getvalue())


def _halve(model: onnx.ModelProto) -> None:
    """Weights kept as half floats, each followed by a cast, which ONNX Runtime folds when it loads the file."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LEAST:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + ".half"))
        casts.append(onnx.helper.make_node("Cast", [name + ".half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
