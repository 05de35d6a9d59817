"""The refiner as an ONNX file in half precision that ONNX Runtime computes in single."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from tools.refiner.net import RefinerNet

LEAST = 64
"""Smaller tensors stay as they are."""


def onnx_model(net: RefinerNet, seed: int, steps: int) -> bytes:
    """The network's ONNX file."""
    given = (
        torch.zeros(1, 3, 128, 128),
        torch.zeros(1, 12, 128, 128),
        torch.full((1,), 0.3),
        torch.zeros(1, 2, 16),
    )
    names = ["noisy", "condition", "angle", "tokens"]
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net.eval(), given, out, input_names=names, output_names=["clean"], dynamo=False)
    model = onnx.load_from_string(out.getvalue())
    _halve(model)
    for key, value in {"kind": "refiner", "seed": seed, "steps": steps}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    return model.SerializeToString()


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
