"""facegen JSON against its schema, and Audio2Face's layout."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import facegen
from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError
from facegen.formats import load_animation, save

SCHEMA = json.loads((Path(facegen.__file__).parent / "data" / "animation.schema.json").read_text())


def read(tmp_path, data):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(data))
    return load_animation(path)


@pytest.mark.parametrize("fps", ["30", "30000/1001", "25/2"])
@pytest.mark.parametrize("head", [None, np.full((2, 6), 0.25)])
def test_what_is_written_keeps_to_the_schema(fps, head, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    animation = Animation(
        fps, ("jawOpen", "tongueOut"), [[0.1, 1 / 3], [1e-30, 1]], head, {"audio": {"name": "a.wav"}}
    )
    save(animation, tmp_path / "a.json")
    data = json.loads((tmp_path / "a.json").read_text())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(data, SCHEMA)
    assert data["fps"] == (30 if fps == "30" else fps)
    again = load_animation(tmp_path / "a.json")
    assert again == animation and again.meta == animation.meta


def test_the_schema_refuses_what_the_reader_refuses():
    jsonschema = pytest.importorskip("jsonschema")
    good = {"version": 1, "fps": 30, "controls": ["jawOpen"], "values": [[0]], "head": None}
    jsonschema.validate(good, SCHEMA)
    for change in ({"version": 2}, {"fps": 0}, {"fps": "often"}, {"controls": ["a", "a"]}, {"head": [[0]]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**good, **change}, SCHEMA)


def test_numbers_are_read_whatever_their_form(tmp_path):
    data = {"version": 1, "fps": 29.97, "controls": ["a", "b"], "values": [[1, 0.5], [0, -2e-3]]}
    animation = read(tmp_path, data)
    assert animation.fps == Fraction(30000, 1001) and animation.head is None
    assert np.array_equal(animation.values, np.float32([[1, 0.5], [0, -2e-3]]))


@pytest.mark.parametrize("cell", [True, None, "0.5", [0.5], {}])
def test_only_numbers_are_numbers(cell, tmp_path):
    data = {"version": 1, "fps": 30, "controls": ["a", "b"], "values": [[1, 0.5], [0, cell]]}
    with pytest.raises(AnimationFileError, match="row 1 of values, column b"):
        read(tmp_path, data)


def test_audio2face_exports_are_read(tmp_path):
    data = {
        "exportFps": 60,
        "trackPath": "C:\\sounds\\hello.wav",
        "numPoses": 2,
        "numFrames": 3,
        "facsNames": ["jawOpen", "mouthClose"],
        "weightMat": [[0, 0.5], [0.25, 0], [1, 1]],
    }
    animation = read(tmp_path, data)
    assert animation.fps == 60 and animation.controls == ("jawOpen", "mouthClose")
    assert animation.values.tolist() == data["weightMat"] and animation.meta["audio"] == {"name": "hello.wav"}
    del data["exportFps"], data["trackPath"]
    assert read(tmp_path, data).fps == 30
    data["facsNames"].append("tongueOut")
    with pytest.raises(AnimationFileError, match="2 numbers in row 0 of weightMat, expected 3"):
        read(tmp_path, data)
