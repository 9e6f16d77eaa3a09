"""Configuration of the documentation; `docs/developer.md` says how to build it."""

import inspect
import os
import re
import warnings
from datetime import date
from functools import cached_property

import matplotlib

matplotlib.use("Agg")

from sklearn_lpnet import __version__, theory
from sklearn_lpnet.network import Network
from sklearn_lpnet.selection.path import LpPath

# The processes that joblib starts for an example are to be silent, too.
os.environ.setdefault("MPLBACKEND", "Agg")

project = "sklearn-lpnet"
author = "The sklearn-lpnet developers"
copyright = f"{date.today().year}, {author}"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "images"]
root_doc = "index"
default_role = "literal"

# Pages ----------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
extlinks = {
    "arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s"),
    "doi": ("https://doi.org/%s", "doi:%s"),
}

# API reference --------------------------------------------------------------------------


def is_property(member):
    return isinstance(member, property | cached_property)


autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
# The template of a class lists its methods; attributes stand in its docstring.
numpydoc_show_class_members = False
# Properties that a docstring does not list among the attributes, for the template of a class.
autosummary_context = {
    "properties": {
        f"{module}.{cls.__name__}": [
            name for name, _ in inspect.getmembers(cls, is_property) if not name.startswith("_")
        ]
        for module, cls in (
            ("sklearn_lpnet.network", Network),
            ("sklearn_lpnet.path", LpPath),
            ("sklearn_lpnet.theory", theory.Certificate),
            ("sklearn_lpnet.theory", theory.Interpolant),
        )
    }
}
nitpicky = True
nitpick_ignore_regex = [
    # Without a network there is no inventory of other projects to look these up in.
    (r"py:.*", r"(sklearn|numpy|scipy|torch|pandas|joblib|matplotlib)(\..*)?"),
    # Attributes that are properties stand in the docstring of their class.
    (r"py:obj", r"[a-z_]+_"),
    # Public under a shorter name, or private.
    (r"py:obj", r"lp_path"),
    (r"py:func", r"sklearn_lpnet\.solvers\..*|\.\..*|~.*"),
]


#: What docstrings have that Sphinx cannot resolve, and what stands for it.
FOREIGN = {
    # Labels and terms of scikit-learn's guide, in the docstrings that are inherited from it.
    r":(?:ref|term):`([^<`]*?)(?:\s*<[^`]*>)?`": r"\1",
    # A trailing underscore is a link in reStructuredText.
    r"\((\w+_),\)": r"(``\1``,)",
}


def replace_foreign(app, what, name, obj, options, lines):
    """Make plain text of what docstrings refer to in vain."""
    for pattern, text in FOREIGN.items():
        lines[:] = [re.sub(pattern, text, line) for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", replace_foreign)


# Gallery --------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "ignore_pattern": r"^(quickstart|__init__)\.py$",
    "backreferences_dir": "api/generated/backreferences",
    "doc_module": ("sklearn_lpnet",),
    "remove_config_comments": True,
    "show_memory": False,
    "parallel": 2,
}
# matplotlib says that Agg shows nothing; the gallery takes the pictures itself.
warnings.filterwarnings("ignore", message=".*non-interactive.*", category=UserWarning)

# Output ---------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn-lpnet {version}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "sklearn-lpnet"},
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "navigation_with_keys": False,
    "show_prev_next": True,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
