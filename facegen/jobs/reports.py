"""Outputs of the jobs whose result is a report: their facts as JSON, and pictures of curves."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from facegen.core.files import write_atomic
from facegen.jobs.outputs import check_outputs

PLOTS = (".png", ".svg", ".pdf")
"""Suffixes of the pictures that curves can be drawn to."""
REPORT = ".json"


def check_reports(
    outputs: Sequence[str], inputs: Sequence[str | None], kinds: tuple[str, ...]
) -> tuple[list[str], list[str]]:
    """The outputs that get the facts, and those that get a picture. Raises as ``check_outputs``."""
    files = [path for path in inputs if path and os.path.isfile(path)]
    places = check_outputs(outputs, files, kinds)
    reports = [place.path for place in places if place.suffix == REPORT]
    return reports, [place.path for place in places if place.suffix != REPORT]


def write_report(path: str, facts: Mapping[str, Any], sources: Sequence[str]) -> None:
    """Write ``facts`` as one line of JSON; files among ``sources`` go by their names alone, without their folders."""
    text = json.dumps(facts, allow_nan=False)
    for source in filter(os.path.isfile, sources):
        text = text.replace(json.dumps(source)[1:-1], json.dumps(os.path.basename(source))[1:-1])
    write_atomic(path, f"{text}\n".encode())
