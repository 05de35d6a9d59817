"""The trained network as an ONNX graph, written node by node: no tracer, weights stored in half precision."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from facegen.core.units import FEATURE_HZ, SAMPLE_RATE_HZ
from facegen.speech.logmel import SILENCE
from facegen.speech.phones import LABELS
from tools.training.phone_encoder import network

OPSET, IR = 17, 8  # what ONNX Runtime 1.17 reads


class Graph:
    """Nodes and constants in the order they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._count = 0

    def constant(self, value: np.ndarray, half: bool = False) -> str:
        """A constant; `half` stores it in 16 bits and widens it when the session starts."""
        self._count += 1
        name = f"c{self._count}"
        self.constants.append(numpy_helper.from_array(value.astype(np.float16) if half else value, name))
        return self.node("Cast", name, to=TensorProto.FLOAT) if half else name

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes) -> str:
        self._count += 1
        name = output or f"n{self._count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name


def onnx_model(model: network.PhoneNet, seed: int, version: str) -> onnx.ModelProto:
    """The network in evaluation mode, its normalisations folded into the convolutions."""
    graph = Graph()
    x = graph.node("Sub", "logmel", graph.constant(array(model.mean)))
    x = graph.node("Mul", x, graph.constant(array(model.scale)))
    x = graph.node("Transpose", x, perm=[0, 2, 1])  # B 80 T
    x = _conv(graph, x, model.stem, model.stem_norm, (network.STEM_BEFORE, network.STEM_AFTER))
    for block in model.blocks:
        x = graph.node("Add", x, _conv(graph, x, block.conv, block.norm, block.padding))  # type: ignore[arg-type]
    weight = graph.constant(array(model.narrow.weight), half=True)
    x = graph.node("Conv", x, weight, graph.constant(array(model.narrow.bias)), kernel_shape=[1])  # type: ignore[arg-type]
    x = graph.node("Transpose", x, perm=[0, 2, 1])
    x = graph.node("Reshape", x, graph.constant(np.array([0, -1, network.BOTTLENECK], np.int64)))
    frames = graph.node("Shape", "logmel", start=1, end=2)
    x = graph.node("Slice", x, graph.constant(np.array([0])), frames, graph.constant(np.array([1])))
    x = graph.node("Tanh", x, output="bottleneck")
    x = graph.node("MatMul", x, graph.constant(array(model.head.weight).T.copy()))
    x = graph.node("Add", x, graph.constant(array(model.head.bias)))
    graph.node("LogSoftmax", x, output="log_posteriors", axis=-1)
    return _wrapped(graph, seed, version)


def load(path: Path, model: network.PhoneNet) -> None:
    """Give ``model`` the weights of a file that `onnx_model` wrote; its normalisations, folded in there, begin as none."""
    kept = [numpy_helper.to_array(c).astype(np.float32) for c in onnx.load(path).graph.initializer]
    tensors = iter([torch.from_numpy(array.copy()) for array in kept if array.ndim])
    with torch.no_grad():
        model.mean.copy_(next(tensors))
        model.scale.copy_(next(tensors))
        for conv, norm in [(model.stem, model.stem_norm), *((b.conv, b.norm) for b in model.blocks)]:
            conv.weight.copy_(next(tensors))  # type: ignore[union-attr,operator]
            norm.bias.copy_(next(tensors))  # type: ignore[union-attr,operator]
            norm.running_var.fill_(1 - norm.eps)  # type: ignore[union-attr,operator]
        for layer in (model.narrow.weight, model.narrow.bias):
            layer.copy_(next(tensors))  # type: ignore[union-attr]
        shapes = [t for t in tensors if t.shape[-1] == network.LABELS]
        model.head.weight.copy_(shapes[0].T)
        model.head.bias.copy_(shapes[1])


def _conv(graph: Graph, x: str, conv, norm, padding: tuple[int, int]) -> str:
    """ReLU(norm(conv(x))) with the normalisation folded in."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = conv.weight * scale[:, None, None]
    bias = norm.bias - norm.running_mean * scale
    y = graph.node(
        "Conv",
        x,
        graph.constant(array(weight), half=True),
        graph.constant(array(bias)),
        kernel_shape=list(conv.kernel_size),
        dilations=list(conv.dilation),
        strides=list(conv.stride),
        pads=list(padding),
    )
    return graph.node("Relu", y)


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float32)


def _wrapped(graph: Graph, seed: int, version: str) -> onnx.ModelProto:
    def value(name: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", "T", width])

    body = helper.make_graph(
        graph.nodes,
        "phones",
        [value("logmel", network.BANDS)],
        [value("log_posteriors", network.LABELS), value("bottleneck", network.BOTTLENECK)],
        graph.constants,
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="facegen")
    model.ir_version = IR
    metadata = {
        "labels": json.dumps(list(LABELS)),
        "left_context": str(network.LEFT_CONTEXT),
        "right_context": str(network.RIGHT_CONTEXT),
        "pad_value": repr(SILENCE),
        "sample_rate": str(SAMPLE_RATE_HZ),
        "frame_hz": str(FEATURE_HZ),
        "stride": str(network.STRIDE),
        "seed": str(seed),
        "version": version,
    }
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return model
