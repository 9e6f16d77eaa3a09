"""What the project's own files say agrees: README, .ci/run, pyproject.toml, CITATION.cff."""

import re
import tomllib
from pathlib import Path

import pytest

import sklearn_lpnet

ROOT = Path(__file__).resolve().parent.parent
PACKAGE_FILES = sorted((ROOT / "sklearn_lpnet").rglob("*.py"))
PUBLIC_FILES = [
    *PACKAGE_FILES,
    *sorted((ROOT / "examples").rglob("*.py")),
    ROOT / "README.md",
    ROOT / "pyproject.toml",
    ROOT / "CHANGELOG.md",
]
ABSOLUTE_PATH = re.compile(
    r"(?<![\w.:/~-])/(?:home|root|work|opt|tmp|usr|var|mnt|Users)/\w|\b[A-Z]:\\\\?\w"
)


@pytest.fixture(scope="module")
def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_ci_runs_the_two_commands_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line.strip() for line in script if "-m venv .venv && " in line]
    assert [command.rpartition("/")[2] for command in commands] == ["quickstart.py", "pytest"]
    for command in commands:
        assert command in readme


def test_the_version_is_the_same_everywhere(pyproject):
    version = pyproject["project"]["version"]
    assert sklearn_lpnet.__version__ == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", PUBLIC_FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_names_an_absolute_path(file):
    assert ABSOLUTE_PATH.findall(file.read_text(encoding="utf-8")) == []


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "sklearn_lpnet" / "py.typed").is_file()


@pytest.mark.parametrize("name", ["numpy", "scikit-learn", "scipy", "joblib"])
def test_the_oldest_tested_versions_are_the_lower_bounds(pyproject, name):
    requirements = dict(entry.split(">=") for entry in pyproject["project"]["dependencies"])
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    assert pins[name].startswith(requirements[name] + ".")
