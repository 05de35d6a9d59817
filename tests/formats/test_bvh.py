"""BVH: parsed by a little reader written from the format's description, and its turns against those of the head."""

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.formats import save
from facegen.rig import head_matrices, load_rig


def turn(axis, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[[i, j], [i, j]] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def read_bvh(path):
    """Joints (name, depth, offset, channels), seconds a frame, and per joint and frame position and rotation."""
    words = iter(path.read_text().split())
    assert next(words) == "HIERARCHY"
    joints, depth, end = [], 0, False
    for word in words:
        if word in ("ROOT", "JOINT"):
            joints.append([next(words), depth, None, []])
        elif word == "End":
            end = next(words) == "Site"
        elif word == "OFFSET":
            place = [float(next(words)) for _ in range(3)]
            joints[-1][2] = joints[-1][2] if end else place
        elif word == "CHANNELS":
            joints[-1][3] = [next(words) for _ in range(int(next(words)))]
        elif word == "{":
            depth += 1
        elif word == "}":
            depth, end = depth - 1, False
        elif word == "MOTION":
            break
    assert depth == 0 and [next(words), count := int(next(words))] and count > 0
    return joints, count, list(words)


def motion(path):
    joints, count, words = read_bvh(path)
    assert words[:2] == ["Frame", "Time:"]
    rows = np.array(words[3:], float).reshape(count, -1)
    found, at = {}, 0
    for name, _, _, channels in joints:
        part = rows[:, at : at + len(channels)]
        at += len(channels)
        places = part[:, [i for i, c in enumerate(channels) if c.endswith("position")]]
        turns = []
        for row in part:
            matrix = np.eye(3)
            for channel, value in zip(channels, row, strict=True):
                if channel.endswith("rotation"):
                    matrix = matrix @ turn(channel[0], value)
            turns.append(matrix)
        found[name] = places, np.array(turns)
    assert at == rows.shape[1]
    return joints, float(words[2]), found


def test_the_head_turns_and_shifts_as_in_the_animation(tmp_path):
    head = np.random.default_rng(3).uniform(-0.8, 0.8, (9, 6))
    save(Animation("24000/1001", ("jawOpen",), np.zeros((9, 1)), head), tmp_path / "a.bvh")
    joints, step, found = motion(tmp_path / "a.bvh")
    assert [j[:2] for j in joints] == [["Head", 0], ["LeftEye", 1], ["RightEye", 1]]
    assert abs(step - 1001 / 24000) < 1e-9
    places, turns = found["Head"]
    assert np.allclose(turns, head_matrices(head), atol=1e-6)
    pivots = load_rig("aria").pivots
    assert np.allclose(places, np.array(pivots["head"]) + head[:, 3:], atol=1e-5)
    assert np.allclose(joints[1][2], np.subtract(pivots["eyeLeft"], pivots["head"]), atol=1e-5)


@pytest.mark.parametrize(
    ("control", "joint", "axis", "sign"),
    [
        ("eyeLookInLeft", "LeftEye", 0, -1),  # the left eye looks in: towards the character's right, -X
        ("eyeLookOutLeft", "LeftEye", 0, 1),
        ("eyeLookInRight", "RightEye", 0, 1),
        ("eyeLookUpRight", "RightEye", 1, 1),
        ("eyeLookDownLeft", "LeftEye", 1, -1),
    ],
)
def test_eyes_look_where_the_controls_say(control, joint, axis, sign, tmp_path):
    save(Animation(30, (control,), np.ones((2, 1))), tmp_path / "a.bvh")
    found = motion(tmp_path / "a.bvh")[2]
    gaze = {name: turns[0] @ [0, 0, 1] for name, (_, turns) in found.items()}
    assert sign * gaze[joint][axis] > 0.2
    other = {"LeftEye": "RightEye", "RightEye": "LeftEye"}[joint]
    assert np.allclose(gaze[other], [0, 0, 1]) and np.allclose(gaze["Head"], [0, 0, 1])


def test_neither_head_nor_eyes_is_refused(tmp_path):
    with pytest.raises(UsageError, match="retarget"):
        save(Animation(30, ("jawOpen",), np.ones((2, 1))), tmp_path / "a.bvh")
