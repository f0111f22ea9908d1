"""The templates of the pages and what is known inside them."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gbm.report.formatting import num, percent


def environment() -> Environment:
    """Templates of the report; an undefined name is an error, text is escaped."""
    made = Environment(
        loader=PackageLoader("gbm.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(num=num, percent=percent, css=style_sheet())
    return made


def script(name: str) -> Markup:
    """A script of the pages, not to be escaped."""
    return Markup(files("gbm.report").joinpath("templates", name).read_text(encoding="utf-8"))


def style_sheet() -> Markup:
    """The style sheet of all pages, not to be escaped."""
    return Markup(files("gbm.report").joinpath("templates/style.css").read_text(encoding="utf-8"))
