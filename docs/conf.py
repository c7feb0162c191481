"""The documentation's site, for Sphinx: ``make docs`` puts it into build/docs, where it works from the disk.

The pages are plain Markdown and stay where they are read beside the code. So the source is the whole repository, and
every link between them is checked, the README's too.
"""

from typing import get_args

import msgspec

import tradegame
from tradegame.protocol import bounds

project = "tradegame"
version = release = tradegame.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md", "tests/*/README.md"]
exclude_patterns = [".*", "build", "dist", "**/node_modules"]
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!tradegame\.).*")]  # the standard library's and trio's names are not in this site

myst_heading_anchors = 3  # so that #a-heading is a target here as it is there

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_type_aliases = {name: name for name, value in vars(bounds).items() if name[0].isupper() and get_args(value)}

html_theme = "furo"
html_title = f"tradegame {version}"
html_extra_path = ["site"]  # index.html, which goes to docs/index.html
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False


def setup(app: object) -> None:
    """Fields are listed with their types below a class: as its signature they would be a line of pages."""
    app.connect("autodoc-process-signature", _without_fields)  # type: ignore[attr-defined]


def _without_fields(app: object, what: str, name: str, documented: object, *_: object) -> tuple[str, str] | None:
    is_struct = isinstance(documented, type) and issubclass(documented, msgspec.Struct)
    return ("", "") if is_struct else None
