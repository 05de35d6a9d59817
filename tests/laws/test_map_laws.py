"""Laws of rig maps: identity, composition, the way there and back, and their files."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from facegen.core.animation import Animation
from facegen.core.errors import FacegenError
from facegen.rig import ARKIT, Control, Rig, RigMap, load_rig
from facegen.rig.inverse_map import invert
from facegen.rig.map_csv import map_text, read_map
from facegen.rig.retarget import RetargetChain, find_map, shipped_maps
from tests.laws.strategies import animations

shares = st.floats(0, 1, width=32)
signed = st.floats(-1, 1, width=32)
RIGS = sorted({name for pair in shipped_maps() for name in pair})


@st.composite
def maps(draw, sources=3, targets=4, bent=True):
    """A map of a few rows, some of them bent."""
    weights = draw(hnp.arrays(np.float32, (sources, targets), elements=signed))
    names, tos = tuple("abcdef"[:sources]), tuple("pqrstu"[:targets])
    low = draw(hnp.arrays(np.float32, targets, elements=st.floats(-2, 0, width=32)))
    high = draw(hnp.arrays(np.float32, targets, elements=st.floats(0, 2, width=32)))
    curves = {}
    for place in draw(st.sets(st.tuples(st.sampled_from(names), st.sampled_from(tos)), max_size=2 * bent)):
        inputs = sorted(draw(st.sets(st.integers(0, 100), min_size=2, max_size=4)))
        curves[place] = tuple((x / 100, draw(shares)) for x in inputs)
    return RigMap(names, tos, weights, low, high, curves)


@given(maps())
def test_a_map_survives_its_file(tmp_path_factory, rig_map):
    path = tmp_path_factory.mktemp("map") / "m.csv"
    path.write_text(map_text(rig_map, "a comment\nof two lines"))
    wide = tuple(Control(name, -9, 9) for name in rig_map.target)
    if (rig_map.weights != 0).any() or rig_map.curves:
        again = read_map(path, Rig("one", tuple(Control(n) for n in rig_map.source)), Rig("two", wide))
        driven = [
            t in {k for _, k in rig_map.curves} or rig_map.weights[:, i].any()
            for i, t in enumerate(rig_map.target)
        ]
        assert np.array_equal(again.weights, rig_map.weights) and again.curves == rig_map.curves
        assert np.array_equal(again.low[driven], rig_map.low[driven])
        assert np.array_equal(again.high[driven], rig_map.high[driven])
        assert again == read_map(
            path, Rig("one", tuple(Control(n) for n in rig_map.source)), Rig("two", wide)
        )


cells = st.sampled_from(
    ["jawOpen", "aa", "x", "y", "1", "-0.5", "nan", "", "0:0 1:1", "0:1", '"', "#", "source", "1e40"]
)
tables = st.lists(st.lists(cells, max_size=6).map(",".join), max_size=6).map("\n".join)


@given(st.text(max_size=60) | tables, st.booleans())
def test_any_text_is_a_map_or_one_line(tmp_path_factory, text, headed):
    path = tmp_path_factory.mktemp("map") / "m.csv"
    path.write_text(
        ("source,target,weight,curve,low,high\n" if headed else "") + text, encoding="utf-8", newline=""
    )
    for rigs in ((), (load_rig("arkit"), load_rig("vrm1"))):
        try:
            assert np.isfinite(read_map(path, *rigs).weights).all()
        except FacegenError as error:
            assert error.exit_code == 3 and "\n" not in str(error)


@given(st.sampled_from(RIGS), st.data())
def test_the_way_from_a_rig_to_itself_is_the_identity(name, data):
    rig = load_rig(name)
    low, high = (np.array([getattr(c, end) for c in rig.controls], np.float32) for end in ("low", "high"))
    part = data.draw(hnp.arrays(np.float32, (3, len(rig.controls)), elements=shares, fill=shares))
    animation = Animation(30, rig.control_names, np.clip(low + part * (high - low), low, high))
    assert find_map(rig, rig).apply(animation) == animation


@given(maps(bent=False), maps(4, 2, bent=False), hnp.arrays(np.float32, (5, 3), elements=shares))
def test_composition_is_one_after_the_other_where_nothing_is_clamped(first, second, values):
    far = np.full(4, 100.0)
    first = RigMap(("a", "b", "c"), ("p", "q", "r", "s"), first.weights, -far, far)
    second = RigMap(("p", "q", "r", "s"), ("x", "y"), second.weights, -far[:2], far[:2])
    animation = Animation(30, first.source, values)
    steps = RetargetChain((first, second)).apply(animation)
    assert np.allclose(first.then(second).apply(animation).values, steps.values, atol=1e-4)


@given(maps(bent=False), hnp.arrays(np.float32, (4, 3), elements=shares))
def test_the_inverse_of_an_invertible_map_gives_back_what_went_in(rig_map, values):
    square = rig_map.weights.astype(np.float64)
    assume(np.linalg.svd(square)[1].min() > 0.3)
    wide = np.full(4, 9.0)
    plain = RigMap(rig_map.source, rig_map.target, rig_map.weights, -wide, wide)
    animation = Animation(30, plain.source, values)
    again = invert(plain, plain.apply(animation), ridge=0.0)
    assert np.allclose(again.values, values, atol=2e-3)


@settings(max_examples=30)
@given(maps(), hnp.arrays(np.float32, (4, 3), elements=shares))
def test_an_inverse_is_no_worse_than_what_went_in(rig_map, values):
    """Its image is as near to the goal as that of the values that made the goal, which is exact."""
    animation = Animation(30, rig_map.source, values)
    wanted = rig_map.apply(animation)
    again = invert(rig_map, wanted, ridge=0.0, high=1.0)
    assert again.values.min() >= 0 and again.values.max() <= 1
    if not rig_map.curves:
        assert np.abs(rig_map.apply(again).values - wanted.values).max() < 0.02


@given(animations(controls=ARKIT), st.sampled_from(RIGS))
def test_any_shipped_map_keeps_within_its_rig(animation, name):
    rig = load_rig(name)
    moved = find_map(load_rig("arkit"), rig).apply(animation)
    low, high = (np.array([getattr(c, end) for c in rig.controls], np.float32) for end in ("low", "high"))
    assert moved.controls == rig.control_names and len(moved) == len(animation) and moved.fps == animation.fps
    assert (moved.values >= low - 1e-6).all() and (moved.values <= high + 1e-6).all()


@given(st.sampled_from(RIGS))
def test_rest_stays_rest(name):
    rest = Animation(30, ARKIT, np.zeros((2, 52)))
    rig = load_rig(name)
    there = find_map(load_rig("arkit"), rig).apply(rest)
    assert np.array_equal(there.values[0], [c.neutral for c in rig.controls])
    assert not find_map(rig, load_rig("arkit")).apply(there).values.any()
