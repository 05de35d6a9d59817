"""The fitted models as an ONNX graph, written node by node."""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper

from facegen.emotion.curves import SOUNDS
from facegen.emotion.lexicon import CATEGORIES
from facegen.emotion.voice_statistics import STATISTICS
from tools.training.emotion_encoder.linear_models import FAR, Linear, Space
from tools.training.phone_encoder.export import IR, OPSET, Graph


class Fitted(NamedTuple):
    """``members``: spaces and their classifiers, whose probabilities are averaged; ``place`` in the first one's space."""

    members: list[tuple[Space, Linear]]
    place: Linear
    sounds: tuple[Space, Linear] | None
    heat: float
    usual: np.ndarray


def onnx_model(fitted: Fitted, seed: int, version: str) -> onnx.ModelProto:
    graph = Graph()
    chances = []
    for at, (space, model) in enumerate(fitted.members):
        x = _in_space(graph, "manner", space)
        if at == 0:
            graph.node("Identity", _linear(graph, x, fitted.place), output="vad")
        cooled = Linear(model.weight / fitted.heat, model.bias / fitted.heat)
        chances.append(graph.node("Softmax", _linear(graph, x, cooled), axis=-1))
    graph.node("Mean", *chances, output="categories")
    assert fitted.sounds is not None
    space, model = fitted.sounds
    x = _linear(graph, _in_space(graph, "near", space), model)
    graph.node("Softmax", x, axis=-1, output="sounds")

    def value(name: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])

    body = helper.make_graph(
        graph.nodes,
        "emotion",
        [value("manner", len(STATISTICS)), value("near", len(STATISTICS))],
        [value("categories", len(CATEGORIES)), value("vad", 3), value("sounds", 1 + len(SOUNDS))],
        graph.constants,
    )
    made = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="facegen")
    made.ir_version = IR
    known = {"statistics": list(STATISTICS), "categories": list(CATEGORIES), "sounds": list(SOUNDS)}
    known["usual"] = [round(float(x), 4) for x in fitted.usual]  # type: ignore[misc]
    metadata = {key: json.dumps(rows) for key, rows in known.items()}
    helper.set_model_props(made, {**metadata, "seed": str(seed), "version": version})
    onnx.checker.check_model(made, full_check=True)
    return made


def _in_space(graph: Graph, name: str, space: Space) -> str:
    x = graph.node(
        "Div", graph.node("Sub", name, _constant(graph, space.mean)), _constant(graph, space.scale)
    )
    x = graph.node("Clip", x, _constant(graph, np.array(-FAR)), _constant(graph, np.array(FAR)))
    return graph.node("MatMul", x, _constant(graph, space.turn))


def _linear(graph: Graph, x: str, model: Linear) -> str:
    return graph.node(
        "Add", graph.node("MatMul", x, _constant(graph, model.weight)), _constant(graph, model.bias)
    )


def _constant(graph: Graph, value: np.ndarray) -> str:
    return graph.constant(np.asarray(value, np.float32))
