"""Builds, serves and illustrates the documentation.

python -m tools.docs build       the site into build/site; a broken link is an error (extra docs)
python -m tools.docs serve       the same at http://127.0.0.1:8000, built again after each change
python -m tools.docs pictures    draw docs/images anew: controls, emotions, talking heads (extra render)
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from importlib.util import find_spec
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
    parser.add_argument("--site", type=Path, help="folder of the site in place of build/site")
    parser.add_argument("--config", type=Path, default=ROOT / "mkdocs.yml", help=argparse.SUPPRESS)
    options = parser.parse_args()
    task = options.task
    os.chdir(ROOT)
    if task == "pictures":
        from tools.docs.pictures import draw_all

        draw_all()
        return 0
    if find_spec("mkdocs") is None:
        print('tools.docs: mkdocs is not installed; run: pip install -e ".[docs]"', file=sys.stderr)
        return MISSING_EXTRA
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")  # an advertisement of the theme
    if task == "serve":
        from mkdocs.commands.serve import serve

        serve(str(options.config))
        return 0
    return build(options.config, options.site)


def build(path: Path, site: Path | None) -> int:
    """Build the site of the configuration ``path``; exit code 1 where a page has a warning, such as a broken link."""
    from mkdocs.commands.build import build as build_site
    from mkdocs.config import load_config
    from mkdocs.exceptions import Abort

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    config = load_config(str(path), **({} if site is None else {"site_dir": str(site.resolve())}))
    config.plugins.on_startup(command="build", dirty=False)
    try:
        build_site(config)
    except Abort as error:
        print(f"tools.docs: {error.message}", file=sys.stderr)
        return 1
    finally:
        config.plugins.on_shutdown()
    print(Path(config.site_dir) / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
