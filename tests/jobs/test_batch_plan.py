"""Manifests to tasks: what is read, what is refused, and what the outputs are called."""

from __future__ import annotations

import json
import os
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facegen.config import BatchConfig, Config, RenderConfig
from facegen.core.errors import ConfigError, FacegenError, InputError, UsageError
from facegen.jobs.animate import AnimateJob
from facegen.jobs.batch.manifest import read_manifest
from facegen.jobs.batch.output_names import fill_template
from facegen.jobs.batch.plan import Planner
from facegen.jobs.batch.run import plan
from facegen.jobs.settings import known_fields, read_values


@pytest.fixture
def folder(tmp_path):
    for name in ("a.wav", "b.wav", "deep/c.wav", "notes.txt", ".hidden.wav"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")
    return tmp_path / "in"


def tasks_of(folder, text, name="m.csv", **settings):
    (folder / name).write_text(text, encoding="utf-8")
    return plan(str(folder / name), str(folder / "out"), BatchConfig(**settings))


def test_a_folder_gives_a_task_a_sound_in_order(folder):
    tasks = plan(str(folder), str(folder / "out"), BatchConfig(format="csv,glb"))
    assert [t.outputs for t in tasks] == [
        ("a.csv", "a.glb"), ("b.csv", "b.glb"), ("deep/c.csv", "deep/c.glb"),
    ]  # fmt: skip
    assert all(os.path.isabs(t.sources[0]) and t.command == "animate" for t in tasks)


def test_the_output_folder_inside_the_input_is_left_out(folder):
    (folder / "out").mkdir()
    (folder / "out" / "a.mp4").write_bytes(b"video")
    assert len(plan(str(folder), str(folder / "out"), BatchConfig())) == 3


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_takes_options_by_name(folder, mark):
    lines = (
        "audio,emotion,upper-face,no_blink,fps,look_at,_scene",
        'a.wav,happy:0.6,1.5,yes,,"1,2,3",one',
        "b.wav,,,,60,,two",
    )
    lines = [line.replace('"1,2,3"', "@").replace(",", mark).replace("@", '"1,2,3"') for line in lines]
    first, second = tasks_of(folder, "\ufeff" + "\r\n".join(lines))
    assert first.options == {
        "emotion": "happy:0.6",
        "upper_face": 1.5,
        "blink": False,
        "look_at": [1.0, 2.0, 3.0],
    }
    assert second.options == {"fps": "60"} and not first.fault and not second.fault


def test_json_lines_take_values_and_a_broken_line_fails_alone(folder):
    text = '{"audio": "a.wav", "fps": 60, "passes": ["blink"]}\n{"audio": \n[1]\n{"audio": "b.wav", "emotoin": "sad"}\n'
    good, broken, listed, misspelt = tasks_of(folder, text, "m.jsonl")
    assert good.options == {"fps": "60", "passes": ["blink"]}
    assert "no JSON" in broken.fault.reason and broken.fault.path == "m.jsonl:2"
    assert "object" in listed.fault.reason
    assert "emotoin" in misspelt.fault.reason and "emotion" in misspelt.fault.remedy


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("m.csv", "", "no rows"),
        ("m.csv", "audio\n", "no rows"),
        ("m.csv", "audio,audio\na.wav,b.wav\n", "twice"),
        ("m.csv", "audio,emotoin\na.wav,sad\n", "emotoin"),
        ("m.csv", 'audio\n"a.wav\n', "CSV"),
        ("m.json", "[1", "JSON"),
        ("m.json", "[" * 5000, "nested"),
        ("m.txt", "a.wav", "manifest"),
        ("m.csv", "audio\n" + "x" * (2**20 + 1), "CSV"),
    ],
)
def test_what_is_no_manifest_is_refused_whole(folder, name, text, says):
    with pytest.raises((ConfigError, UsageError)) as caught:
        tasks_of(folder, text, name)
    assert says in str(caught.value) and caught.value.remedy


def test_a_folder_without_sound_is_refused(tmp_path):
    with pytest.raises(InputError, match="no sound"):
        read_manifest(str(tmp_path))


def test_paths_stay_inside_unless_allowed(folder, tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"x")
    (folder / "link.wav").symlink_to(secret)
    rows = ["../secret.wav", str(secret), "link.wav", "deep/../../secret.wav"]
    text = "audio\n" + "\n".join(rows) + "\n"
    assert all("outside" in task.fault.reason for task in tasks_of(folder, text))
    assert not tasks_of(folder, f"audio\n{secret}\n", allow_outside=True)[0].fault
    assert not tasks_of(folder, f"audio\n{secret}\n", root=str(tmp_path))[0].fault


@pytest.mark.parametrize("option", ["text", "timeline", "alignment", "style", "rig", "encoder", "background"])
def test_options_that_name_files_stay_inside_too(folder, tmp_path, option, monkeypatch):
    (tmp_path / "secret.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    for value in ("../secret.txt", "secret.txt", str(tmp_path / "secret.txt")):
        assert "outside" in tasks_of(folder, f"audio,{option}\na.wav,{value}\n")[0].fault.reason, value


def test_an_option_that_names_a_file_is_found_from_the_manifest(folder):
    (task,) = tasks_of(folder, "audio,text\na.wav,notes.txt\n")
    assert task.options["text"] == str(folder / "notes.txt")
    (task,) = tasks_of(folder, "audio,text\na.wav,hello there\n")
    assert task.options["text"] == "hello there"


def test_every_option_says_whether_it_names_files():
    """A new option of text must be one or the other: a batch holds those that name files to its folders."""
    plain = {"fps", "emotion", "show", "size", "renderer"}
    for kind in (Config, RenderConfig):
        for name, option in known_fields(((kind, None),)).items():
            if str(option.type).startswith("str"):
                assert option.metadata["file"] != (name in plain), name


def test_names_are_used_once_and_never_the_summary_s(folder):
    text = "audio,name\na.wav,x\nb.wav,X\ndeep/c.wav,summary\n"
    first, second, third = tasks_of(folder, text)
    assert first.outputs == ("x.csv",)
    assert "m.csv:2" in second.fault.reason and "summary" in third.fault.reason


def test_output_columns_name_files(folder):
    first, second = tasks_of(folder, "audio,output\na.wav,k/one.csv;k/one.glb\nb.wav,../x.csv\n")
    assert first.outputs == ("k/one.csv", "k/one.glb")
    assert "leaves its folder" in second.fault.reason


def test_templates(folder):
    text = "audio,emotion,_scene,name\ndeep/c.wav,happy,bar/7,\n"
    (task,) = tasks_of(folder, text, name="m.csv")
    assert task.outputs == ("deep/c.csv",)
    fields = {"row": 7, "stem": "c", "folder": "deep", "emotion": "happy:0.6", "_scene": "bar/7"}
    assert fill_template("{folder}/{_scene}-{row:04}-{emotion}", fields) == "deep/bar_7-0007-happy_0.6"
    for bad in (
        "{stem.__class__}",
        "{stem!r}",
        "{0}",
        "{",
        "{nothing}",
        "{row:{stem}}",
        "{stem:>99999}",
        "../{stem}",
    ):
        with pytest.raises((UsageError, InputError)):
            fill_template(bad, fields)


NAMES = st.text(st.sampled_from("ab./\\:{}~ \n\0é"), max_size=12)


@given(NAMES, NAMES, NAMES)
def test_no_name_leaves_its_folder(template, stem, folder):
    try:
        name = fill_template(template + "{stem}", {"stem": stem, "folder": folder, "name": stem})
    except FacegenError:
        return
    parts = PurePosixPath(name).parts
    assert (
        parts
        and not name.startswith("/")
        and ".." not in parts
        and "\\" not in name
        and parts[0] != ".facegen"
    )


@given(
    st.dictionaries(
        st.text(max_size=8), st.one_of(st.none(), st.text(max_size=5), st.floats(), st.lists(st.integers()))
    )
)
def test_any_row_is_a_task_or_a_fault(values):
    from facegen.jobs.batch.manifest import ManifestRow

    (task,) = Planner("/nowhere", BatchConfig()).tasks(
        [ManifestRow(1, "m.jsonl:1", json.loads(json.dumps(values)))]
    )
    assert task.fault is not None and task.fault.exit_code in (2, 3)


def test_values_from_text():
    known = known_fields(AnimateJob.settings)
    assert read_values({"seed": "7", "no-gaze": "1", "blink": False, "passes": ""}, known) == {
        "seed": 7, "gaze": False, "blink": False,
    }  # fmt: skip
    for bad in ({"seed": "x"}, {"blink": "perhaps"}, {"fps": [1]}, {"look_at": "a,b"}, {"nothing": 1}):
        with pytest.raises(UsageError):
            read_values(bad, known)
