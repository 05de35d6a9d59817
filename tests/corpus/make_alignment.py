"""Makes broken alignments of a good sound."""

import json
from pathlib import Path

from tests.corpus.case import Case
from tests.corpus.tone import write_tone

SECONDS = 1.0


def textgrid(rows: list[tuple[object, object, str]], tier: str = "phones", form: str = "IntervalTier") -> str:
    """A TextGrid in long form with one tier of ``rows`` (start, end, label)."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {SECONDS}"]
    lines += ["tiers? <exists>", "size = 1", "item []:", "    item [1]:", f'        class = "{form}"']
    lines += [f'        name = "{tier}"', "        xmin = 0", f"        xmax = {SECONDS}"]
    lines += [f"        intervals: size = {len(rows)}"]
    for number, (start, end, label) in enumerate(rows, 1):
        lines += [f"        intervals [{number}]:", f"            xmin = {start}", f"            xmax = {end}"]
        lines += [f'            text = "{label}"']
    return "\n".join(lines) + "\n"


def phones(*rows: tuple[object, object, str]) -> str:
    """Our own JSON form."""
    return json.dumps({"phones": [{"start": a, "end": b, "phone": label} for a, b, label in rows]})


def build(folder: Path) -> list[Case]:
    sound = folder / "good.wav"
    write_tone(sound, seconds=SECONDS)
    made = {
        "overlapping.TextGrid": (textgrid([(0, 0.5, "AH"), (0.3, 0.9, "B")]), "overlaps"),
        "reversed.json": (phones((0.5, 0.2, "AH")), "reversed"),
        "negative.align": ("-0.4 0.2 AH\n", "before the start"),
        "nan.json": (phones((0.0, float("nan"), "AH")), "not a number"),
        "nan.TextGrid": (textgrid([(0, "nan", "AH")]), "not a number"),
        "unknown_phone.json": (phones((0.1, 0.2, "AH"), (0.2, 0.3, "QQ")), "'QQ'"),
        "no_tier.TextGrid": (textgrid([], tier="notes"), "no interval tier"),
        "cut.TextGrid": (textgrid([(0, 0.5, "AH"), (0.5, 0.9, "B")])[:-40], "expected"),
        "other_object.TextGrid": ('File type = "ooTextFile"\nObject class = "Pitch 1"\n', "not a TextGrid"),
        "binary.align": (bytes(range(256)), "not text"),
        "empty.TextGrid": ("", "is empty"),
        "silent.align": ("0 1 sil\n", "holds no phones"),
        "beyond_the_sound.align": ("0.2 0.4 AH\n0.4 9.0 B\n", "ends at 1.00 s"),
        "words_without_times.align": ("hello world again\n", "line 1"),
        "not_json.json": ("{phones: [", "not JSON"),
        "other_json.json": ('{"curves": [1, 2, 3]}', "not a JSON alignment"),
        "other_form.srt": ("1\n00:00:00,000 --> 00:00:01,000\nhello\n", "no known form"),
    }
    cases = []
    for name, (content, says) in made.items():
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        cases.append(Case(f"alignment {name}", sound, ("--alignment", str(path)), 3, says))
    missing = str(folder / "missing.TextGrid")
    cases.append(Case("alignment missing", sound, ("--alignment", missing), 3, "no such file"))
    cases.append(Case("transcript empty", sound, ("--text", " ... "), 2, "no words"))
    cases.append(Case("transcript missing", sound, ("--text", str(folder / "none.txt")), 3, "no such file"))
    return cases
