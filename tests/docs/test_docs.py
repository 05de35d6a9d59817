"""The documentation agrees with the code: links, command lines, Python, and the site as a whole."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from facegen.cli.app import app
from facegen.core.errors import FacegenError

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
FROM_CODE = {
    f"{name}.md" for name in ("options", "formats", "controls", "emotions", "styles", "models", "python")
}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(facegen [^`\n]+)`")
MODULE = re.compile(r"\b(tools(?:\.\w+)+)\b")
OUTSIDE = {"bpy"}  # modules that only another program has

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of ``page`` in one of ``languages``."""
    return [code for language, code in FENCE.findall(page.read_text("utf-8")) if language in languages]


def command_lines(page: Path) -> list[tuple[str, bool]]:
    """Every line of a shell block that runs facegen, and every ``facegen …`` within a sentence, where it may be a part of
    a line; whether it is one of those."""
    code = "\n".join(blocks(page, "sh")).replace("\\\n", " ")
    lines = [(line, False) for line in code.splitlines() if line.startswith("facegen ")]
    prose = FENCE.sub("", page.read_text("utf-8"))
    return lines + [(line, True) for line in INLINE.findall(prose)]


def parse(line: str) -> None:
    """Parse a command line as facegen would, without running it; raises what facegen would say."""
    words = shlex.split(line, comments=True)[1:]
    group: click.Group = app
    ctx = click.Context(app, info_name="facegen")
    while True:
        name, command, words = group.resolve_command(ctx, words)
        if command is None:
            raise click.UsageError(f"no command {name}")
        if not (isinstance(command, click.Group) and words and not words[0].startswith("-")):
            break
        group, ctx = command, click.Context(command, info_name=name, parent=ctx)
    if words and "--help" not in words:
        command.make_context(name, words, parent=ctx)


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 140


@each_page
def test_links_lead_somewhere(page):
    lost = []
    for target in LINK.findall(page.read_text("utf-8")):
        path = target.partition("#")[0]
        if not path or re.match(r"[a-z]+:", path) or (page.parent == DOCS and path in FROM_CODE):
            continue
        if not (page.parent / path).exists():
            lost.append(target)
    assert not lost


def test_pages_from_the_code_are_those_that_links_may_name():
    from tools.docs.generated import PAGES as made

    assert set(made) == FROM_CODE


@each_page
def test_command_lines_parse(page):
    wrong = []
    for line, partial in command_lines(page):
        if re.match(r"facegen ([A-Z]+\b|--help$)", line):  # facegen COMMAND --help
            continue
        try:
            parse(line)
        except click.MissingParameter as error:
            wrong += [] if partial else [f"{line}: {error}"]
        except (click.ClickException, FacegenError) as error:
            wrong.append(f"{line}: {error}")
    assert not wrong


def test_a_wrong_command_line_is_seen():
    for line in (
        "facegen animat a.wav -o b.csv",
        "facegen animate a.wav -o b.csv --emotoin happy",
        "facegen rig sho aria",
    ):
        with pytest.raises((click.ClickException, FacegenError)):
            parse(line)


@each_page
def test_python_compiles_and_imports(page):
    for code in blocks(page, "python"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("facegen"):
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    assert alias.name in OUTSIDE or importlib.util.find_spec(alias.name), alias.name
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "facegen"
            ):
                import facegen

                assert node.attr in facegen.__all__, ast.unparse(node)


@each_page
def test_tools_that_are_named_exist(page):
    named = {name for name in MODULE.findall(page.read_text("utf-8"))}
    lost = [name for name in named if not (ROOT / name.replace(".", "/")).with_suffix(".py").exists()]
    assert not [name for name in lost if not (ROOT / name.replace(".", "/")).is_dir()]


def test_every_control_and_emotion_has_its_picture():
    from tools.docs.pictures import IMAGES, file_name, listed

    controls = {f"{row['name']}.webp" for row in listed("rig", "show", "aria")[0]["controls"]}
    emotions = {f"{file_name(row['name'])}.webp" for row in listed("emotions")}
    assert {path.name for path in (IMAGES / "controls").iterdir()} == controls | {"neutral.webp"}
    assert {path.name for path in (IMAGES / "emotions").iterdir()} == emotions
    assert sum(path.stat().st_size for path in IMAGES.rglob("*") if path.is_file()) <= 3e6


@pytest.fixture
def parts(tmp_path):
    """The parts of the page "Write your own" as an installed package; gives what runs a program that finds it."""
    *modules, last = blocks(DOCS / "write-your-own.md", "python")
    (tmp_path / "my_parts.py").write_text("\n".join(modules))
    (tmp_path / "pass.py").write_text(last)
    about = tmp_path / "my_parts-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-parts\nVersion: 1.0\n")
    points = {"encoders": "murmur = my_parts:Murmur", "decoders": "flap = my_parts:Flap"}
    points |= {"exporters": ".jaw.csv = my_parts:JawCsv", "renderers": "grey = my_parts:Grey"}
    points |= {"streams": "counter = my_parts:Counter", "rig_importers": ".names = my_parts:read"}
    text = "".join(f"[facegen.{group}]\n{point}\n" for group, point in points.items())
    (about / "entry_points.txt").write_text(text)
    paths = [str(tmp_path), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}

    def run(*words: str) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.slow
def test_the_parts_of_write_your_own_work(parts, tmp_path):
    import soundfile

    samples, rate = soundfile.read(ROOT / "examples" / "hello.flac")
    soundfile.write(tmp_path / "talk.wav", samples[: 2 * rate], rate)
    asked = ("--encoder", "murmur", "--decoder", "flap", "-o", "take.jaw.csv")
    parts("-m", "facegen", "animate", "talk.wav", *asked)
    rows = (tmp_path / "take.jaw.csv").read_text().splitlines()
    assert rows[0] == "time,jawOpen" and len(rows) == 61
    assert max(float(row.split(",")[1]) for row in rows[1:]) > 0.2

    parts("-m", "facegen", "stream", "talk.wav", "--to", "counter:count.txt")
    assert (tmp_path / "count.txt").read_text() == "60\n"

    (tmp_path / "mine.names").write_text("jawOpen grin")
    assert "grin" in parts("-m", "facegen", "rig", "check", "mine.names")

    parts("pass.py")
    assert (tmp_path / "nodding.csv").stat().st_size > 0
    if importlib.util.find_spec("moderngl"):
        drawn = ("-o", "grey.png", "--renderer", "grey", "--size", "64x64")
        parts("-m", "facegen", "render", "nodding.csv", *drawn)
        assert (tmp_path / "grey.png").stat().st_size > 0


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings_handlers.python")
    command = [sys.executable, "-m", "tools.docs", "build", "--site", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (tmp_path / "site").glob("*.html")}
    assert {"index.html", "options.html", "controls.html", "python.html"} <= written
    for page in (tmp_path / "site").glob("*.html"):
        text = page.read_text("utf-8")
        assert not re.findall(r'<(?:script|link|img|iframe)\b[^>]*(?:src|href)="?https?:[^>]*>', text), (
            page.name
        )
    reference = (tmp_path / "site" / "python.html").read_text("utf-8")
    import facegen

    assert all(f"facegen.{name}" in reference for name in facegen.__all__ if not name.startswith("_"))


@pytest.mark.slow
def test_a_broken_link_fails_the_build(tmp_path):
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings_handlers.python")
    text = (
        (ROOT / "mkdocs.yml").read_text("utf-8").replace("docs_dir: docs", f"docs_dir: {tmp_path / 'docs'}")
    )
    text = text[: text.index("nav:")].replace("hooks: [tools/docs/hooks.py]\n", "")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Page\n\n[nowhere](nowhere.md)\n")
    (tmp_path / "mkdocs.yml").write_text(text)
    command = [sys.executable, "-m", "tools.docs", "build", "--config", str(tmp_path / "mkdocs.yml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "nowhere.md" in done.stderr
