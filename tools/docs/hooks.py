"""mkdocs hooks: adds the pages that are made from the code to those of ``docs/``."""

from __future__ import annotations

from typing import Any

from mkdocs.structure.files import File, Files

from tools.docs.generated import PAGES


def on_files(files: Files, config: Any) -> Files:
    for name, make in PAGES.items():
        files.append(File.generated(config, name, content=make()))
    return files
