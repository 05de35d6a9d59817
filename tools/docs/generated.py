"""The pages that are made from the code: options, formats, controls, emotions, styles, models, the Python reference."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import click

import facegen
from facegen.cli.app import app
from tools.docs.pictures import file_name, jaw_of, listed

NOTE = re.compile(r"\s*\[(default: .*|required)\]\s*$|\s*\((default: [^)]*)\)\s*$")
"""What the help of an option says of its default, at its end."""
KINDS = {
    "basic": "The seven basic emotions and neutral",
    "fine": "Finer emotions",
    "state": "States of body and mind",
    "compound": "Compound emotions",
}


def text(words: str) -> str:
    """``words`` as Markdown that shows them as they are, except for code in backticks."""
    parts = re.split(r"(`[^`]*`)", words.replace("\n", " "))
    plain = [p if p.startswith("`") else re.sub(r"([*_<>\[\]])", r"\\\1", p) for p in parts]
    return "".join(plain).replace("|", r"\|")


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


# --- options


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Each command with its words (``("rig", "check")``), a group before its own commands."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def options_page() -> str:
    parts = [
        "# Command options\n",
        "Made from the commands themselves: `facegen COMMAND --help` says the same. `python -m facegen` is the same",
        "program. All commands end with one of these exit codes:\n",
        table(
            ("code", "meaning"),
            [
                ("0", "done"),
                ("1", "some jobs of a batch failed"),
                ("2", "wrong usage"),
                ("3", "bad input"),
                ("4", "the output can't be written"),
                ("5", "a bug of facegen"),
                ("6", "an extra is missing; the message names the command that installs it"),
                ("130", "interrupted"),
            ],
        ),
    ]
    for path, command in commands(app):
        parts += [f"\n## facegen {' '.join(path)}\n", *_command_section(path, command)]
    return "\n".join(parts)


def _command_section(path: tuple[str, ...], command: click.Command) -> Iterator[str]:
    ctx = click.Context(command, info_name=" ".join(("facegen", *path)))
    yield text(command.help or "") + "\n"
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    yield f"```text\n{usage}\n```\n"
    rows = []
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is None or parameter.name == "help" or not record[1]:
            continue
        words, default = record[1], ""
        if note := NOTE.search(words):
            default = (note[1] or note[2]).removeprefix("default: ")
            words = words[: note.start()]
        shown = text(default) if default in ("", "required") else f"`{default}`".replace("|", r"\|")
        rows.append((f"`{record[0]}`".replace("|", r"\|"), text(words), shown))
    if rows:
        yield table(("option", "what it does", "default"), rows)
    if isinstance(command, click.Group):
        yield "Commands: " + ", ".join(f"`{name}`" for name in command.list_commands(ctx)) + "\n"
    if command.epilog:
        yield f"```sh\n{_example(command.epilog)}\n```\n"


def _example(epilog: str) -> str:
    """The command line of an epilog; what is said after a wide gap becomes a comment."""
    line = epilog.replace("\b", "").strip().removeprefix("Example: ")
    return re.sub(r"\s{3,}(?=\w)", "    # ", line)


# --- listings


def formats_page() -> str:
    rows = listed("formats")
    groups: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    writable = {row["suffix"] for row in rows if row["write"]}
    for row in rows:
        what = row["what"]
        kind = "Animation"
        if not row["write"] and what.startswith("rig: "):
            kind, what = "Rigs", what.removeprefix("rig: ")
        elif not row["write"]:
            kind = "Sound"
        elif row["suffix"] in (".mp4", ".webm", ".mov", ".gif", ".png", "/"):
            kind = "Video and pictures"
        ways = " and ".join(way for way in ("read", "write") if row[way])
        groups[kind].append((f"`{row['suffix']}`", ways, text(what)))
    parts = [
        "# Formats\n",
        f"Made from `facegen formats`. {len(writable)} suffixes are written. The suffix of the file chooses the format,",
        "and one command may write several. What each format was tested with stands under",
        "[Engines](engines.md#what-the-formats-were-tested-with).\n",
    ]
    for kind in ("Animation", "Video and pictures", "Sound", "Rigs"):
        parts += [f"\n## {kind}\n", table(("suffix", "facegen can", "what it is"), groups[kind])]
    return "\n".join(parts)


def faces(cards: list[tuple[str, str, str]]) -> str:
    """A grid of pictures: path, alternative text, caption in Markdown."""
    figures = [
        f'<figure markdown="span">\n![{words}]({path}){{ loading=lazy }}\n'
        f'<figcaption markdown="span">{caption}</figcaption>\n</figure>\n'
        for path, words, caption in cards
    ]
    return '<div class="faces" markdown="1">\n' + "\n".join(figures) + "</div>\n"


def controls_page() -> str:
    rows = listed("rig", "show", "aria")[0]["controls"]
    arkit = {row["name"] for row in listed("rig", "show", "arkit")[0]["controls"]}
    regions: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for row in rows:
        name, jaw = row["name"], jaw_of(row["name"])
        notes = [f"{row['low']:g}..{row['high']:g}", "ARKit" if name in arkit else "facegen's own"]
        if jaw:
            notes.append(f"shown with `jawOpen` {jaw:g}")
        caption = f"**{name}**<br>{', '.join(notes)}"
        regions[row["region"]].append((f"images/controls/{name}.webp", name, caption))
    own = len(rows) - len(arkit)
    parts = [
        "# Controls\n",
        f"The {len(rows)} controls of the rig `aria`, each at the upper end of its range: the {len(arkit)} of Apple's",
        f"ARKit, which `facegen animate` solves, and {own} more that a rig, an animator or another program can drive.",
        '"Left" is the character\'s own left, which is on the right of the picture.\n',
        faces([("images/controls/neutral.webp", "the face at rest", "**neutral**<br>all controls 0")]),
    ]
    for region, cards in regions.items():
        parts += [f"\n## {region.capitalize()}\n", faces(cards)]
    return "\n".join(parts)


def emotions_page() -> str:
    rows = listed("emotions")
    parts = [
        "# Named emotions\n",
        f"The {len(rows)} names that `--emotion` knows, from `facegen emotions`. Each picture is the face at strength 1",
        "without speech. The numbers are valence, arousal and dominance, each from -1 to 1. Synonyms are understood too;",
        "how to mix, weaken and time emotions is said under [Emotion](emotion.md).\n",
    ]
    groups: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for row in rows:
        name = row["name"]
        point = " ".join(f"{row[axis]:+.2f}" for axis in ("valence", "arousal", "dominance"))
        caption = f"**{name}**<br>{point}"
        if row["synonyms"]:
            caption += f"<br>*{', '.join(row['synonyms'])}*"
        groups[row["kind"]].append((f"images/emotions/{file_name(name)}.webp", name, caption))
    for kind, cards in groups.items():
        parts += [f"\n## {KINDS.get(kind, kind)}\n", faces(cards)]
    return "\n".join(parts)


def styles_page() -> str:
    rows = listed("styles")
    dials = [key for key in rows[0] if key not in ("name", "note", "speaker")]
    lines = [(f"`{row['name']}`", text(row["note"]), *(f"{row[dial]:g}" for dial in dials)) for row in rows]
    return "\n".join(
        [
            "# Styles\n",
            "How a person speaks and moves, apart from what is said and felt: `--style NAME`. A `.json` file with the same",
            'fields is a style of your own, for example `{"articulation": 0.4, "head": 0.5}`.\n',
            table(("style", "what it is", *(dial.replace("_", " ") for dial in dials)), lines),
            "`articulation` runs from -1 (mumbled) over 0 (usual) to 1 (hyper-articulated). `emotion`, `upper face`,",
            "`head`, `tempo`, `blink` and `gaze` are factors of the usual 1. `lids` is how far the lids droop, `bow` by how",
            "many degrees the head hangs. The styles `speaker-…` move the mouth as one of the people that the decoder",
            "learned from.\n",
        ]
    )


def models_page() -> str:
    parts = [
        "# Models and licences\n",
        "## Models\n",
        "From `facegen models`: what `--encoder`, `--emotion-encoder` and `--decoder` can name, and the weights",
        "that ship.\n",
    ]
    models = [
        (
            row["kind"],
            f"`{row['name']}`",
            text(row["what"]),
            f"{row['bytes'] / 2**20:.1f}" if row["bytes"] else "",
        )
        for row in listed("models")
    ]
    parts += [table(("kind", "name", "what it is", "MB"), models)]
    parts += [
        "\n## Licences\n",
        "From `facegen licenses`: the licence of each shipped weight, table and rig, the data that it was made from, and",
        "whether results may be sold. `facegen/models/MODEL_CARD.md` in the repository describes data, split and quality of",
        "each network.\n",
    ]
    licences = [
        (
            f"`{row['name']}`",
            text(row["what"]),
            row["licence"],
            "<br>".join(map(text, row["data"])),
            text(row["commercial"]),
        )
        for row in listed("licenses")
    ]
    parts += [table(("name", "what it is", "licence", "made from", "may results be sold"), licences)]
    return "\n".join(parts)


# --- Python reference


def target_of(name: str) -> str:
    """Where the public ``facegen.name`` is defined, as a dotted path."""
    value: Any = getattr(facegen, name)
    return f"{value.__module__}.{value.__qualname__}"


EXAMPLE = """```python
import facegen

take = facegen.animate("speech.wav", emotion="happy:0.6", fps=60)
take.save("take.csv")
```
"""


def python_page() -> str:
    names = [name for name in facegen.__all__ if not name.startswith("_")]
    # The package ``facegen.emotion`` is an alias of ``facegen.analyze_emotion`` when called, whose entry names it.
    names = [name for name in names if not isinstance(getattr(facegen, name), ModuleType)]
    functions = [name for name in names if name[0].islower()]
    parts = [
        "# Python reference\n",
        EXAMPLE,
        "Everything below is reached as `facegen.NAME`. Nothing heavy is imported until it is used. All failures are a",
        "`facegen.FacegenError` with `reason`, `path`, `remedy` and `exit_code`.\n",
    ]
    for title, chosen in (
        ("Functions", functions),
        ("Classes", [name for name in names if name not in functions]),
    ):
        parts.append(f"\n## {title}\n")
        for name in chosen:
            parts.append(
                f"::: {target_of(name)}\n    options:\n      heading: facegen.{name}\n      toc_label: {name}\n"
            )
    return "\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "options.md": options_page,
    "formats.md": formats_page,
    "controls.md": controls_page,
    "emotions.md": emotions_page,
    "styles.md": styles_page,
    "models.md": models_page,
    "python.md": python_page,
}
"""File name to what makes its content."""
