"""One default a value: the command line's options are those of the config classes."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from facegen.api import make_config
from facegen.cli.animate import animate
from facegen.cli.options import flag_of, pick
from facegen.cli.render import render
from facegen.config import Config, RenderConfig, defaults
from facegen.core.errors import UsageError
from facegen.jobs.animate import LOOK

README = Path(__file__).resolve().parents[2] / "README.md"


def parsed(command: click.Command, arguments: list[str]) -> dict:
    return command.make_context(command.name, arguments).params


def test_animate_without_options_is_the_default_config():
    values = parsed(animate, ["a.wav", "-o", "b.csv"])
    assert pick(Config, values) == Config()
    assert {name: values[name] for name in LOOK} == {name: defaults(RenderConfig)[name] for name in LOOK}


def test_render_without_options_is_the_default_config():
    assert pick(RenderConfig, parsed(render, ["a.csv", "-o", "b.mp4"])) == RenderConfig()


def test_python_without_settings_is_the_default_config():
    assert make_config(Config, {}) == Config()


def test_every_field_has_its_option():
    flags = {flag for parameter in animate.params for flag in parameter.opts}
    for field in fields(Config):
        negated = str(field.type) == "bool" and field.default
        assert flag_of(f"no_{field.name}" if negated else field.name) in flags


OTHER = {
    "rig": ("aria", "aria"),
    "fps": ("60", "60"),
    "seed": ("7", 7),
    "emotion": ("-angry", "-angry"),
    "timeline": ("a.csv", "a.csv"),
    "style": ("mumbled", "mumbled"),
    "intensity": ("0.5", 0.5),
    "mouth": ("0.5", 0.5),
    "upper_face": ("0.5", 0.5),
    "text": ("hello", "hello"),
    "alignment": ("a.TextGrid", "a.TextGrid"),
    "passes": ("blink, gaze", ("blink", "gaze")),
    "emotion_encoder": ("a.onnx", "a.onnx"),
    "prompt_model": ("words/", "words/"),
    "emotion_from": ("a.wav", "a.wav"),
    "look_at": ("-10,0,100", (-10.0, 0.0, 100.0)),
    "encoder": ("x", "x"),
    "decoder": ("x", "x"),
    "start": ("1.5", 1.5),
    "duration": ("2", 2.0),
}


@pytest.mark.parametrize("field", fields(Config), ids=lambda f: f.name)
def test_every_option_reaches_its_field(field):
    if str(field.type) == "bool":
        given, wanted = [flag_of(f"no_{field.name}")], False
    else:
        text, wanted = OTHER[field.name]
        given = [flag_of(field.name), text]
    config = pick(Config, parsed(animate, ["a.wav", "-o", "b.csv", *given]))
    assert getattr(config, field.name) == wanted != field.default
    assert config != Config()


def test_help_shows_each_default():
    shown = " ".join(animate.get_help(click.Context(animate, info_name="animate")).split())
    for field in fields(Config):
        if field.default is not None and str(field.type) != "bool":
            assert f"[default: {field.default}]" in shown, field.name


def test_readme_states_no_other_default():
    """Where the README gives a default as ``--name X (default Y)`` or in a table, it is that of the config."""
    if not README.is_file():
        pytest.skip("no README here")
    known = {flag_of(n): v for kind in (Config, RenderConfig) for n, v in defaults(kind).items()}
    both = {flag_of(n) for n in set(defaults(Config)) & set(defaults(RenderConfig))}
    for flag, value in re.findall(
        r"`(--[a-z-]+)[^`\n]*`[^\n]*?\(default:? `?([^`)\s]+)`?\)", README.read_text("utf-8")
    ):
        if flag in known and flag not in both:
            assert str(known[flag]) in (value, f"{value}.0"), flag


def test_unknown_setting_names_the_nearest():
    with pytest.raises(UsageError, match="emotoin") as caught:
        make_config(Config, {"emotoin": "happy"})
    assert "emotion" in caught.value.remedy
