"""Surfaces of the built-in head: closed, unfolded, textured once, and rebuilt to the byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from facegen.renderers.textures import at_uvs, smaller, texture_pixels
from facegen.rig import load_rig
from tests.helpers.head_files import ARIA, HEAD, ROOT, against_neighbours, areas, border


@pytest.mark.parametrize("part", [p["name"] for p in HEAD.rig["parts"]])
def test_parts_are_manifold(part: str):
    faces = HEAD.part_faces(part)
    sides = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(np.unique(sides, axis=0)) == len(sides)
    assert (
        (faces[:, 0] != faces[:, 1]).all()
        and (faces[:, 1] != faces[:, 2]).all()
        and (faces[:, 2] != faces[:, 0]).all()
    )
    if part not in ("skin", "mouth", "hair", "shirt") and not part.startswith(("brow", "lashes")):
        assert len(border(faces)) == 0
        v = HEAD.vertices
        assert np.einsum("ij,ij->", v[faces[:, 0]], np.cross(v[faces[:, 1]], v[faces[:, 2]])) > 0


def test_skin_and_mouth_close_all_but_the_neck():
    """The only borders are the collar's and one that skin and mouth share point for point, in every pose."""
    skin, mouth = border(HEAD.part_faces("skin")), border(HEAD.part_faces("mouth"))
    collar = (HEAD.vertices[skin][:, :, 1] < -9).all(axis=1)
    assert 20 < collar.sum() and (~collar).sum() == len(mouth)
    shared = HEAD.vertices[skin[~collar]].mean(axis=1)
    distance, match = cKDTree(HEAD.vertices[mouth].mean(axis=1)).query(shared)
    assert distance.max() < 1e-6
    assert len(np.unique(match)) == len(mouth)
    for name in HEAD.names:
        delta = HEAD.delta(name)
        apart = delta[skin[~collar]].mean(axis=1) - delta[mouth[match]].mean(axis=1)
        assert np.abs(apart).max() < 1e-6, name


def test_no_triangle_is_degenerate_at_rest():
    size, _ = areas(HEAD.vertices, HEAD.faces)
    assert size.min() > 1e-6


@pytest.mark.parametrize("name", HEAD.names)
def test_few_triangles_fold_at_full_weight(name: str):
    """A triangle of the skin that faces away from where it did and from its neighbours' mean has folded."""
    faces = HEAD.part_faces("skin")
    _, before = areas(HEAD.vertices, faces)
    # mouthClose corrects a jaw that is open, and speech opens it by half at most while the lips touch.
    weights = {"jawOpen": 0.5, "mouthClose": 0.5} if name == "mouthClose" else {name: 1.0}
    size, after = areas(HEAD.pose(**weights), faces)
    folded = (np.einsum("ij,ij->i", before, after) < -0.3).mean()
    assert folded < 0.006
    assert (size < 1e-7).mean() < 0.001


def test_no_triangle_is_folded_at_rest():
    assert not against_neighbours(HEAD.vertices, HEAD.part_faces("skin")).any()


@pytest.mark.parametrize("name", [n for n in HEAD.names if n != "mouthClose"])
def test_no_control_folds_the_skin_over_itself(name: str):
    """But for two of the smallest triangles, and ten where lips that roll in or stick meet at their corners."""
    faces = HEAD.part_faces("skin")
    folded = against_neighbours(HEAD.pose(**{name: 1.0}), faces)
    size, _ = areas(HEAD.vertices, faces[folded])
    few, small = (
        (10, 0.02) if name.startswith(("jawForward", "mouthRollUpper", "mouthSticky")) else (2, 0.001)
    )
    assert folded.sum() <= few and size.sum() < small


def test_head_weight_holds_the_head_and_frees_the_collar():
    weight = HEAD.arrays["head_weight"]
    assert weight.min() >= 0 and weight.max() <= 1
    assert weight[HEAD.landmark("noseTip")] == weight[HEAD.landmark("chin")] == 1
    skin = border(HEAD.part_faces("skin"))
    collar = np.unique(skin[(HEAD.vertices[skin][:, :, 1] < -9).all(axis=1)])
    assert weight[collar].max() == 0
    for part in ("eyeLeft", "teethUpper", "teethLower", "tongue", "browLeft"):
        assert weight[HEAD.span(part)].min() > 0.99


@pytest.mark.slow
def test_rebuilding_gives_the_same_bytes(tmp_path: Path):
    command = [sys.executable, "-m", "tools.head_builder.build_head", "--out", str(tmp_path / "aria")]
    subprocess.run(command, check=True, timeout=300, cwd=ROOT)
    for head in ("aria", "bruno", "edith"):
        for name in ("rig.json", "mesh.safetensors"):
            assert (tmp_path / head / name).read_bytes() == (ARIA.parent / head / name).read_bytes(), name
        pictures = [np.asarray(Image.open(f / head / "head.jpg"), int) for f in (tmp_path, ARIA.parent)]
        assert np.abs(pictures[0] - pictures[1]).max() <= 2, "as far as JPEG coders agree"


def flat(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Corners [f,3,2] of a part's faces in the texture, and twice their areas."""
    at = HEAD.arrays["uvs"][HEAD.part_faces(name)].astype(float)
    a, b = at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]
    return at, a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def test_the_texture_shows_each_place_of_the_skin_once():
    at, double = flat("skin")
    assert double.min() > 0, "no face is turned over"
    reach = np.ptp(at.reshape(-1, 2), axis=0)
    assert np.allclose(reach[0], reach[1], rtol=0.02)
    assert double.sum() / 2 <= np.pi / 4 * reach[0] * reach[1] * 1.01, "one disc holds them all"


@pytest.mark.parametrize(
    "name", ["mouth", "eyeLeft", "eyeRight", "teethUpper", "teethLower", "tongue", "gumUpper"]
)
def test_pieces_lie_beside_the_skin_in_the_texture(name: str):
    at, double = flat(name)
    assert at.min() > 0 and at.max() < 1
    assert double[double > 0].sum() > 0.0005
    skin, _ = flat("skin")
    assert at[..., 0].min() > skin[..., 0].max() or at[..., 1].max() < skin[..., 1].min()


def test_the_face_has_most_of_the_texture():
    _, double = flat("skin")
    v = HEAD.vertices[HEAD.part_faces("skin")]
    area = np.linalg.norm(np.cross(v[:, 1] - v[:, 0], v[:, 2] - v[:, 0]), axis=1)
    middle = v.mean(axis=1)
    face = (middle[:, 2] > 6) & (np.abs(middle[:, 1]) < 7) & (np.abs(middle[:, 0]) < 5)
    texels = np.sqrt(double / area) * 2048  # a cm
    assert np.median(texels[face]) > 35 and np.median(texels[face]) > 1.3 * np.median(
        texels[middle[:, 1] < -14]
    )


@pytest.mark.parametrize("head", ["aria", "bruno", "edith"])
def test_the_texture_fits_the_colours_of_the_vertices(head: str):
    rig = load_rig(head)
    pixels = texture_pixels(rig, "head.jpg")
    assert pixels.shape[:2] == (2048, 2048) and len(rig.textures["head.jpg"]) < 1e6
    rows = np.r_[HEAD.span("skin"), HEAD.span("teethUpper"), HEAD.span("tongue")]
    under = at_uvs(smaller(pixels, 8), rig.mesh.uvs[rows])[:, :3].astype(int)
    away = np.abs(under - rig.mesh.colors[rows])
    assert np.median(away) < 6 and np.quantile(away, 0.95) < 45
