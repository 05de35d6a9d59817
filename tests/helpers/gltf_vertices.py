"""What a viewer would show of a glTF file."""

from __future__ import annotations

import numpy as np


def shown(document, frame):
    """Vertices of each mesh node in metres at one key, computed as the glTF specification says."""
    j = document.json
    animation = j["animations"][0]

    def value(node, path, rest):
        for channel in animation["channels"]:
            if channel["target"] == {"node": node, "path": path}:
                sampler = animation["samplers"][channel["sampler"]]
                return document.accessor(sampler["output"]).reshape(
                    len(document.accessor(sampler["input"])), -1
                )[frame]
        return np.array(rest)

    names = [node["name"] for node in j["nodes"]]
    head = names.index("head")
    x, y, z, w = value(head, "rotation", (0, 0, 0, 1)).astype(float)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    joints = np.tile(np.eye(4), (len(j["skins"][0]["joints"]), 1, 1))
    joints[1, :3, :3] = turn
    joints[1, :3, 3] = value(head, "translation", j["nodes"][head]["translation"])
    for number in j["nodes"][head].get("children", []):  # eyes, which turn with the head
        joints[number, :3, 3] = j["nodes"][number]["translation"]
        joints[number] = joints[1] @ joints[number]
    inverse = document.accessor(j["skins"][0]["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    joints = joints @ inverse
    result = {}
    for number, node in enumerate(j["nodes"]):
        if "mesh" not in node:
            continue
        primitive = j["meshes"][node["mesh"]]["primitives"][0]
        attributes = primitive["attributes"]
        vertices = document.accessor(attributes["POSITION"]).astype(float)
        weights = value(number, "weights", ())
        for weight, target in zip(weights, primitive.get("targets", []), strict=True):
            vertices = vertices + weight * document.accessor(target["POSITION"])
        share = document.accessor(attributes["WEIGHTS_0"])
        assert np.allclose(share.sum(axis=1), 1, atol=1e-6)
        blend = np.einsum("vk,vkij->vij", share, joints[document.accessor(attributes["JOINTS_0"])])
        result[node["name"]] = (blend @ np.c_[vertices, np.ones(len(vertices))][..., None])[:, :3, 0]
    return result
