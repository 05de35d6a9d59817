"""Sequences of vertices: each file against the head evaluated frame by frame, read by little readers of our own."""

import struct
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.core.errors import OutputError, UsageError
from facegen.formats import save
from facegen.rig import ARKIT, evaluate
from facegen.rig.solve_from_vertices import read_vertices
from tests.helpers.animations import wave
from tests.helpers.tiny_rig import tiny_rig

RIG = tiny_rig()
MOTION = wave(7, Fraction(30000, 1001))
WANTED = np.stack(list(evaluate(RIG, MOTION)))


def written(suffix, tmp_path):
    path = f"{tmp_path}/a{suffix}"
    save(MOTION, path, rig=RIG)
    return path


def test_numpy_array(tmp_path):
    path = written(".npy", tmp_path)
    array = np.load(path)
    assert array.dtype == np.float32 and np.array_equal(array, WANTED)
    assert np.array_equal(read_vertices(path), WANTED)


def test_pc2(tmp_path):
    raw = open(written(".pc2", tmp_path), "rb").read()
    name, version, points, start, rate, samples = struct.unpack_from("<12siiffi", raw)
    assert (name, version, points, start, rate, samples) == (
        b"POINTCACHE2\0",
        1,
        WANTED.shape[1],
        0.0,
        1.0,
        7,
    )
    assert np.array_equal(np.frombuffer(raw, "<f4", offset=32).reshape(WANTED.shape), WANTED)


def test_mdd(tmp_path):
    raw = open(written(".mdd", tmp_path), "rb").read()
    assert struct.unpack_from(">ii", raw) == WANTED.shape[:2]
    assert np.allclose(np.frombuffer(raw, ">f4", 7, 8), np.arange(7) * 1001 / 30000, atol=1e-7)
    assert np.array_equal(np.frombuffer(raw, ">f4", offset=8 + 28).reshape(WANTED.shape), WANTED)


def test_obj_sequence(tmp_path):
    folder = tmp_path / "a.obj"
    written(".obj/", tmp_path)
    paths = sorted(folder.iterdir())
    assert [p.name for p in paths] == [f"{i:05d}.obj" for i in range(7)]
    for path, vertices in zip(paths, WANTED, strict=True):
        rows = [line.split() for line in path.read_text().splitlines()]
        assert np.allclose([list(map(float, r[1:])) for r in rows if r[0] == "v"], vertices, atol=6e-6)
        faces = [[int(i) - 1 for i in r[1:]] for r in rows if r[0] == "f"]
        assert np.array_equal(faces, RIG.mesh.faces)


def test_a_folder_of_objs_can_t_replace_a_file(tmp_path):
    (tmp_path / "a.obj").write_text("mine")
    with pytest.raises(OutputError):
        written(".obj/", tmp_path)
    assert (tmp_path / "a.obj").read_text() == "mine"


@pytest.mark.parametrize("suffix", [".npy", ".pc2", ".mdd", ".obj/"])
def test_curves_of_another_rig_are_refused(suffix, tmp_path):
    with pytest.raises(UsageError, match="retarget"):
        save(Animation(30, ("foo",), np.zeros((2, 1))), f"{tmp_path}/a{suffix}", rig=RIG)
    assert not list(tmp_path.iterdir())


def test_a_long_cache_is_streamed(tmp_path):
    """Four thousand frames are 23 MB; a tenth of that is enough to make them."""
    long = Animation(60, ARKIT, np.random.default_rng(0).random((4000, 52), np.float32))
    path = tmp_path / "a.npy"
    tracemalloc.start()
    save(long, path, rig=RIG)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 20e6 and peak < 8e6
