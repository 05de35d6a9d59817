"""A small network that keeps the contract of the phone model, with known random weights."""

import json

import numpy as np

from facegen.speech.phones import LABELS

BANDS, WIDTH, DEEP = 80, 12, 8


def phone_model(labels=LABELS, stride: int = 1, **metadata: str) -> bytes:
    """The bytes of an ONNX file: convolutions that reach 6 frames to the left and 3 to the right."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(5)

    def weights(name: str, *shape: int) -> object:
        scale = 1 / np.sqrt(np.prod(shape[1:]))
        return numpy_helper.from_array((rng.standard_normal(shape) * scale).astype(np.float32), name)

    held = [
        weights("w1", WIDTH, BANDS, 6),
        weights("w2", DEEP, WIDTH, 5),
        weights("w3", len(labels), DEEP, 1),
    ]
    node = helper.make_node
    nodes = [node("Transpose", ["logmel"], ["bands"], perm=[0, 2, 1])]
    if stride > 1:  # holds the mean of each run of `stride` frames
        nodes += [
            node("AveragePool", ["bands"], ["pooled"], kernel_shape=[stride], strides=[stride]),
            node("Resize", ["pooled", "", "scales"], ["level"], mode="nearest", nearest_mode="floor"),
            node("Identity", ["level"], ["input"]),
        ]
        held.append(numpy_helper.from_array(np.array([1, 1, stride], np.float32), "scales"))
    nodes += [
        node("Conv", ["input" if stride > 1 else "bands", "w1"], ["c1"], pads=[4, 1]),
        node("Tanh", ["c1"], ["h1"]),
        node("Conv", ["h1", "w2"], ["c2"], pads=[2, 2]),
        node("Tanh", ["c2"], ["h2"]),
        node("Conv", ["h2", "w3"], ["c3"]),
        node("Transpose", ["h2"], ["bottleneck"], perm=[0, 2, 1]),
        node("Transpose", ["c3"], ["scores"], perm=[0, 2, 1]),
        node("LogSoftmax", ["scores"], ["log_posteriors"], axis=2),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "phones",
        [value("logmel", TensorProto.FLOAT, ["B", "T", BANDS])],
        [
            value("log_posteriors", TensorProto.FLOAT, ["B", "T", len(labels)]),
            value("bottleneck", TensorProto.FLOAT, ["B", "T", DEEP]),
        ],
        held,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    plain = {
        "labels": json.dumps(list(labels)),
        "left_context": "6" if stride == 1 else str(6 + stride),
        "right_context": "3" if stride == 1 else str(3 + stride),
        "pad_value": "-18.42",
        "sample_rate": "16000",
        "frame_hz": "100",
        "stride": str(stride),
        "seed": "5",
        "version": "0",
    }
    helper.set_model_props(model, plain | metadata)
    return model.SerializeToString()
