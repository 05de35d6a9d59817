"""A network that keeps the contract of the emotion model and always says the same."""

import json

import numpy as np

from facegen.emotion import CATEGORIES, SOUNDS
from facegen.emotion.voice_statistics import MEANS, STATISTICS


def emotion_model(place: float, statistics=STATISTICS) -> bytes:
    """The bytes of an ONNX file: even probabilities, ``place`` on each axis."""
    from onnx import TensorProto, helper, numpy_helper

    answers = {
        "categories": ("manner", np.full(len(CATEGORIES), 1 / len(CATEGORIES))),
        "vad": ("manner", np.full(3, place)),
        "sounds": ("near", np.eye(1 + len(SOUNDS))[0]),
    }
    nodes, held = [], []
    for name, (source, row) in answers.items():
        held.append(
            numpy_helper.from_array(np.zeros((len(STATISTICS), len(row)), np.float32), f"{name}_weight")
        )
        held.append(numpy_helper.from_array(row.astype(np.float32), f"{name}_row"))
        nodes.append(helper.make_node("MatMul", [source, f"{name}_weight"], [f"{name}_none"]))
        nodes.append(helper.make_node("Add", [f"{name}_none", f"{name}_row"], [name]))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "emotion",
        [value(name, TensorProto.FLOAT, ["N", len(STATISTICS)]) for name in ("manner", "near")],
        [value(name, TensorProto.FLOAT, ["N", len(row)]) for name, (_, row) in answers.items()],
        held,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    known = {"statistics": list(statistics), "categories": list(CATEGORIES), "sounds": list(SOUNDS)}
    known["usual"] = [0.0] * len(MEANS)
    helper.set_model_props(model, {key: json.dumps(rows) for key, rows in known.items()})
    return model.SerializeToString()
