"""Whatever is typed, the command line answers with a known exit code and at most one line on stderr."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout

from hypothesis import given
from hypothesis import strategies as st

from facegen.cli.animate import animate
from facegen.cli.app import COMMANDS, run

FLAGS = sorted({flag for parameter in animate.params for flag in parameter.opts if flag.startswith("-")})
VALUES = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "nan", "inf", "happy:0.6", "1,2,3", "auto", "x" * 300, "none/out.csv", "a\nb", "ä😀"]
    ),
    st.text(max_size=12).filter(lambda text: "\0" not in text),
    st.floats().map(str),
)
TOKENS = st.lists(st.one_of(st.sampled_from(FLAGS), VALUES), max_size=8)


def answer(arguments: list[str]) -> tuple[int, str]:
    said, heard = io.StringIO(), io.StringIO()
    with redirect_stderr(said), redirect_stdout(heard):
        code = run(arguments)
    return code, said.getvalue()


def holds(code: int, said: str) -> None:
    assert code in (0, 2, 3, 4, 6), said
    assert said.count("\n") == (code != 0) and said.startswith("facegen: ") == (code != 0)


@given(TOKENS)
def test_any_options_of_animate(tokens):
    holds(*answer(["animate", "no such sound.wav", *tokens]))


@given(st.sampled_from([*COMMANDS, "nothing"]).filter(lambda name: name != "doctor"), TOKENS)
def test_any_command(command, tokens):
    holds(*answer([command, *tokens, "no such file"]))
