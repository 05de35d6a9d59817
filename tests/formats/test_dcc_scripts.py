"""Generated scripts, run against little stand-ins of Blender, Maya and Unreal that note what is keyed."""

import runpy
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.formats import save
from facegen.rig import load_rig
from tests.helpers.animations import wave

FPS = "30000/1001"
CURVES = Animation(
    FPS, ("jawOpen", "mouthClose", "tail'wag\\'''", "größe"), [[0, 0.25, 1, 0.5], [1, 0.25, 0, 0.1]]
)


def run(animation, suffix, tmp_path, monkeypatch, **modules):
    save(animation, tmp_path / f"a{suffix}")
    for name, module in modules.items():
        stand_in = ModuleType(name)
        vars(stand_in).update(module)
        monkeypatch.setitem(sys.modules, name, stand_in)
    runpy.run_path(str(tmp_path / f"a{suffix}"), run_name="__main__")


class Points(list):
    def add(self, count):
        self += [SimpleNamespace(interpolation="BEZIER") for _ in range(count)]

    def foreach_set(self, what, numbers):
        assert what == "co" and len(numbers) == 2 * len(self)
        for point, frame, value in zip(self, numbers[::2], numbers[1::2], strict=True):
            point.co = (frame, value)


SLOT = SimpleNamespace(handle=7)


class Block:
    def __init__(self, keys, name):
        self.keys, self.name, self.slider_min, self.slider_max, self.value = keys, name, 0.0, 1.0, 0.0

    def path_from_id(self, what):
        return f'key_blocks["{self.name}"].{what}'

    def driver_remove(self, what):
        pass

    def keyframe_insert(self, what, frame):
        curve = SimpleNamespace(
            data_path=self.path_from_id(what), keyframe_points=Points(), update=lambda: None
        )
        if self.keys.animation_data is None:
            self.keys.animation_data = SimpleNamespace(action=SimpleNamespace(fcurves=[]))
            if not self.keys.old:
                self.keys.animation_data = SimpleNamespace(action=self.keys.layered, action_slot=SLOT)
        self.keys.curves.append(curve)


def blender(names, old=True):
    keys = SimpleNamespace(name="Key", animation_data=None, old=old, curves=[])
    paths = [f'key_blocks["{name}"].value' for name in names]
    others = [SimpleNamespace(data_path=path, keyframe_points=None) for path in paths]  # another mesh's
    bags = [
        SimpleNamespace(slot_handle=2, fcurves=others),
        SimpleNamespace(slot_handle=SLOT.handle, fcurves=keys.curves),
    ]
    keys.layered = SimpleNamespace(layers=[SimpleNamespace(strips=[SimpleNamespace(channelbags=bags)])])
    keys.key_blocks = {name: Block(keys, name) for name in names}
    head = SimpleNamespace(type="MESH", data=SimpleNamespace(shape_keys=keys))
    scene = SimpleNamespace(render=SimpleNamespace())
    context = SimpleNamespace(selected_objects=[], scene=scene)
    if old:
        keys.curves = []
        original = Block.keyframe_insert

        def insert(self, what, frame):
            original(self, what, frame)
            self.keys.animation_data.action.fcurves.append(self.keys.curves[-1])

        for block in keys.key_blocks.values():
            block.keyframe_insert = insert.__get__(block)
    lamp = SimpleNamespace(type="LIGHT", data=SimpleNamespace())
    return {"context": context, "data": SimpleNamespace(objects=[lamp, head])}, keys


@pytest.mark.parametrize("old", [True, False])
def test_blender_keys_each_shape_by_name(old, tmp_path, monkeypatch, capsys):
    module, keys = blender(["Basis", "jawOpen", "mouthClose", "tail'wag\\'''"], old)
    run(CURVES, ".blender.py", tmp_path, monkeypatch, bpy=module)
    found = {c.data_path: [p.co for p in c.keyframe_points] for c in keys.curves}
    assert found == {
        'key_blocks["jawOpen"].value': [(1, 0), (2, 1)],
        'key_blocks["mouthClose"].value': [(1, 0.25)],
        "key_blocks[\"tail'wag\\'''\"].value": [(1, 1), (2, 0)],
    }
    assert {p.interpolation for c in keys.curves for p in c.keyframe_points} == {"LINEAR"}
    scene = module["context"].scene
    assert scene.render.fps / scene.render.fps_base == pytest.approx(30000 / 1001, rel=1e-12)
    assert (scene.frame_start, scene.frame_end) == (1, 2)
    assert "größe" in capsys.readouterr().out


def test_blender_says_so_where_no_name_fits(tmp_path, monkeypatch):
    with pytest.raises(RuntimeError, match="no shape key has the name"):
        run(CURVES, ".blender.py", tmp_path, monkeypatch, bpy=blender(["Basis", "other"])[0])


def maya(targets):
    keyed = {}

    def set_key(attribute, time, value, **tangents):
        assert tangents == {"inTangentType": "linear", "outTangentType": "linear"} and time.endswith("sec")
        keyed.setdefault(attribute, []).append((float(time[:-3]), value))

    cmds = SimpleNamespace(
        ls=lambda selection=False, type=None: [] if selection else ["blendShape1"],
        listAttr=lambda node, multi: targets,
        cutKey=lambda attribute, clear: None,
        undoInfo=lambda **_: None,
        setKeyframe=set_key,
    )
    return {"cmds": cmds}, keyed


def test_maya_keys_weights_at_the_animation_s_own_times(tmp_path, monkeypatch, capsys):
    module, keyed = maya(["JawOpen", "mouthClose"])
    run(CURVES, ".maya.py", tmp_path, monkeypatch, maya=module)
    assert keyed["blendShape1.JawOpen"] == [(0, 0), (pytest.approx(1001 / 30000, abs=1e-9), 1)]
    assert keyed["blendShape1.mouthClose"] == [(0, 0.25)]
    assert "größe" in capsys.readouterr().out


def test_maya_says_so_where_no_name_fits(tmp_path, monkeypatch):
    with pytest.raises(RuntimeError, match="no target has the name"):
        run(CURVES, ".maya.py", tmp_path, monkeypatch, maya=maya(["other"])[0])


class Unreal:
    """A sequence at 24 frames and 24000 ticks a second with two control rigs, a body and a face."""

    FLOAT, VECTOR2D, BOOL, CONTROL, BONE = range(5)

    def __init__(self, types):
        self.types, self.keyed, self.warnings = types, {}, []

    def module(self):
        def rig(types):
            keys = [SimpleNamespace(name=n, type=self.CONTROL) for n in types]
            keys.append(SimpleNamespace(name="bone", type=self.BONE))
            element = lambda key: SimpleNamespace(settings=SimpleNamespace(control_type=types[key.name]))  # noqa: E731
            hierarchy = SimpleNamespace(get_all_keys=lambda: keys, find_control=element)
            return SimpleNamespace(get_hierarchy=lambda: hierarchy)

        rigs = [SimpleNamespace(control_rig=rig(t)) for t in ({"body": self.FLOAT}, self.types)]
        sequence = SimpleNamespace(
            get_tick_resolution=lambda: SimpleNamespace(numerator=24000, denominator=1)
        )

        def keep(_, chosen, name, times, values, unit):
            assert chosen is rigs[1].control_rig and unit == "ticks" and len(times) == len(values)
            self.keyed[name] = [t.value for t in times], values

        return {
            "RigElementType": SimpleNamespace(CONTROL=self.CONTROL),
            "RigControlType": SimpleNamespace(FLOAT=self.FLOAT, VECTOR2D=self.VECTOR2D),
            "SequenceTimeUnit": SimpleNamespace(TICK_RESOLUTION="ticks"),
            "FrameNumber": lambda value: SimpleNamespace(value=value),
            "Vector2D": lambda x, y: (x, y),
            "LevelSequenceEditorBlueprintLibrary": SimpleNamespace(
                get_current_level_sequence=lambda: sequence
            ),
            "ControlRigSequencerLibrary": SimpleNamespace(
                get_control_rigs=lambda _: rigs,
                set_local_control_rig_floats=keep,
                set_local_control_rig_vector2ds=keep,
            ),
            "log": lambda text: None,
            "log_warning": self.warnings.append,
        }


def test_unreal_checks_the_rig_s_names_and_keys_by_its_types(tmp_path, monkeypatch):
    unreal = Unreal(
        {"CTRL_C_jaw": Unreal.VECTOR2D, "CTRL_L_eye_blink": Unreal.FLOAT, "CTRL_R_eye_blink": Unreal.BOOL}
    )
    spoken = Animation(
        FPS,
        ("jawOpen", "jawLeft", "eyeBlinkLeft", "eyeBlinkRight", "cheekPuff"),
        [[0, 0, 0.5, 1, 1], [1, 1, 0.5, 1, 0]],
    )
    run(spoken, ".unreal.py", tmp_path, monkeypatch, unreal=unreal.module())
    times, jaw = unreal.keyed["CTRL_C_jaw"]
    assert times == [0, 801] and jaw[0] == (0, 0) and jaw[1][0] == -1 and jaw[1][1] > 0.5
    assert unreal.keyed["CTRL_L_eye_blink"][1] == [0.5, 0.5]
    assert set(unreal.keyed) == {"CTRL_C_jaw", "CTRL_L_eye_blink"}
    assert any("lacks" in w and "suckBlow" in w for w in unreal.warnings)
    assert any("CTRL_R_eye_blink is neither" in w for w in unreal.warnings)


def test_unreal_keys_nothing_where_no_rig_is_a_face_board(tmp_path, monkeypatch):
    unreal = Unreal({"foot": Unreal.FLOAT})
    with pytest.raises(RuntimeError, match="no control rig of this sequence"):
        run(wave(), ".unreal.py", tmp_path, monkeypatch, unreal=unreal.module())
    assert not unreal.keyed


def test_all_the_board_s_sliders_are_split_into_control_and_axis():
    names = load_rig("metahuman").control_names
    assert {name.rpartition("-")[2] for name in names} == {"translateX", "translateY"}
    assert np.all([name.startswith("CTRL_") for name in names])
