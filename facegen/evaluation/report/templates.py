"""HTML pages from the Jinja2 templates in ``facegen/data/templates``: every value escaped, nothing loaded."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from facegen.evaluation.report.svg_chart import clock, safe

if TYPE_CHECKING:
    from jinja2 import Environment


class Drawing(str):
    """Markup that is already escaped, such as an SVG element; templates insert it as it is."""

    def __html__(self) -> str:
        return str(self)


def render_template(name: str, **values: Any) -> str:
    """Fill a template.

    Parameters
    ----------
    name : str
        File name in ``facegen/data/templates``.
    **values
        What the template refers to. Everything but a ``Drawing`` is escaped and freed of control characters.

    Returns
    -------
    str
        The page.

    Raises
    ------
    jinja2.UndefinedError
        Where the template refers to a value that is not given.
    """
    return _environment().get_template(name).render(**values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    import jinja2  # takes as long to import as all else that a check without a page needs
    from markupsafe import Markup

    def finalize(value: Any) -> Any:
        return value if hasattr(value, "__html__") else Markup(safe(str(value)))

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("facegen", "data/templates"),
        autoescape=True,
        finalize=finalize,
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(clock=clock, base64=lambda data: base64.b64encode(data).decode("ascii"))
    return environment
