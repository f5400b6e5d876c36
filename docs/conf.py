"""How Sphinx builds these pages: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "ext"))

project = "visionft"
author = "the authors of visionft"
copyright = author  # noqa: A001  # Sphinx's name for it

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "settings_tables", "llms_txt"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "visionft"
html_static_path = ["static"]
html_css_files = ["wide_tables.css"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False

myst_enable_extensions = ["attrs_block"]
myst_heading_anchors = 3
# The text in <!-- --> is for the tests, which run what the pages show.
suppress_warnings = ["myst.strikethrough"]

default_role = "code"  # docstrings write `names` as Markdown does
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_default_options = {"exclude-members": "__init__, __new__"}  # what they take is under the class
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
