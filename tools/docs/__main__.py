"""Builds, serves and illustrates the documentation.

python -m tools.docs build       the site into build/site; a broken link is an error (extra docs)
python -m tools.docs serve       the same at http://127.0.0.1:8000, built again after each change
python -m tools.docs pictures    draw docs/images anew: controls, emotions, talking heads (extra render)
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MISSING_EXTRA = 6


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.docs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", choices=("build", "serve", "pictures"))
    task = parser.parse_args().task
    os.chdir(ROOT)
    if task == "pictures":
        from tools.docs.pictures import draw_all

        draw_all()
        return 0
    try:
        import mkdocs.commands.build
        import mkdocs.commands.serve
        import mkdocs.exceptions
        from mkdocs.config import load_config
    except ImportError:
        print('tools.docs: mkdocs is not installed; run: pip install -e ".[docs]"', file=sys.stderr)
        return MISSING_EXTRA
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")  # an advertisement of the theme
    if task == "serve":
        mkdocs.commands.serve.serve(str(ROOT / "mkdocs.yml"))
        return 0
    return build(mkdocs, load_config)


def build(mkdocs, load_config) -> int:
    """Build the site; exit code 1 where a page has a warning, such as a broken link."""
    config = load_config(str(ROOT / "mkdocs.yml"))
    config.plugins.on_startup(command="build", dirty=False)
    try:
        mkdocs.commands.build.build(config)
    except mkdocs.exceptions.Abort as error:
        print(f"tools.docs: {error}", file=sys.stderr)
        return 1
    finally:
        config.plugins.on_shutdown()
    print(f"{Path(config.site_dir) / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
