"""The trained decoder, or the mean of several, as an ONNX graph written node by node, weights in half precision."""

from __future__ import annotations

import json

import numpy as np
import onnx
from onnx import TensorProto, helper

from facegen.motion.lipsync.learned import GESTURES, SPEAKER_DIMENSIONS
from facegen.speech.phones import LABELS
from tools.training.lip_decoder import network
from tools.training.phone_encoder.export import IR, OPSET, Graph, array


def onnx_model(models: list[network.LipNet], speakers: dict[str, list[float]], seed: int, version: str):
    """The mean of ``models`` in evaluation mode; ``speakers`` are the places that styles may name."""
    graph = Graph()
    log = graph.node("Log", graph.node("Add", "posteriors", graph.constant(np.array(1e-5, np.float32))))
    log = graph.node("Div", graph.node("Add", log, _number(graph, 6)), _number(graph, 4))
    likely = graph.node("Mul", "posteriors", _number(graph, 3))
    x = graph.node("Concat", log, likely, "prosody", axis=2)
    x = graph.node("Transpose", x, perm=[0, 2, 1])
    outs = [_member(graph, x, model.eval()) for model in models]
    total = outs[0] if len(outs) == 1 else graph.node("Mean", *outs)
    graph.node("Identity", total, output="gestures")
    return _wrapped(graph, speakers, seed, version)


def _number(graph: Graph, value: float) -> str:
    return graph.constant(np.array(value, np.float32))


def _member(graph: Graph, x: str, model: network.LipNet) -> str:
    """Gestures [B, T, G] of one network."""
    style = graph.node("MatMul", "style", graph.constant(array(model.style.weight).T.copy()))
    style = graph.node("Add", style, graph.constant(array(model.style.bias)))
    style = graph.node("Unsqueeze", style, graph.constant(np.array([2], np.int64)))
    x = _gelu(graph, graph.node("Add", _conv(graph, x, model.enter, (0, 0)), style))
    x = _gelu(graph, _conv(graph, x, model.halve, (1, 1)))
    for block in model.blocks:
        y = _conv(graph, _gelu(graph, _conv(graph, x, block.conv, block.padding)), block.mix, (0, 0))  # type: ignore[arg-type]
        x = graph.node("Add", x, y)
    x = graph.node("Transpose", _conv(graph, x, model.leave, (0, 0)), perm=[0, 2, 1])
    x = graph.node("Reshape", x, graph.constant(np.array([0, -1, len(GESTURES)], np.int64)))
    return graph.node("Sigmoid", x)


def _gelu(graph: Graph, x: str) -> str:
    bent = graph.node("Erf", graph.node("Mul", x, _number(graph, 2**-0.5)))
    return graph.node(
        "Mul", graph.node("Mul", x, _number(graph, 0.5)), graph.node("Add", bent, _number(graph, 1))
    )


def _conv(graph: Graph, x: str, conv, padding: tuple[int, int]) -> str:
    return graph.node(
        "Conv",
        x,
        graph.constant(array(conv.weight), half=True),
        graph.constant(array(conv.bias)),
        kernel_shape=list(conv.kernel_size),
        dilations=list(conv.dilation),
        strides=list(conv.stride),
        pads=list(padding),
    )


def _wrapped(graph: Graph, speakers: dict[str, list[float]], seed: int, version: str) -> onnx.ModelProto:
    def value(name: str, *shape) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))

    body = helper.make_graph(
        graph.nodes,
        "lips",
        [
            value("posteriors", "B", "T", len(LABELS)),
            value("prosody", "B", "T", network.PROSODY),
            value("style", "B", 1 + SPEAKER_DIMENSIONS),
        ],
        [value("gestures", "B", "T", len(GESTURES))],
        graph.constants,
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="facegen")
    model.ir_version = IR
    metadata = {
        "labels": json.dumps(list(LABELS)),
        "gestures": json.dumps(list(GESTURES)),
        "speakers": json.dumps(speakers),
        "left_context": str(network.LEFT),
        "right_context": str(network.RIGHT),
        "seed": str(seed),
        "version": version,
    }
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return model
