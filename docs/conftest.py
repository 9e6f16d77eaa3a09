"""Doctests of the pages: ``pytest docs --doctest-glob='*.md'``."""

import matplotlib
import pytest

matplotlib.use("Agg")

collect_ignore = ["_build", "api/generated", "auto_examples", "benchmarks", "conf.py"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    """What a page writes to disk goes away again."""
    monkeypatch.chdir(tmp_path)
