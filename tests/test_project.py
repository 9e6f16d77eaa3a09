"""What the project's own files say agrees: README, checks, pyproject.toml, CITATION.cff."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import sklearn_lpnet

ROOT = Path(__file__).resolve().parent.parent
PACKAGE_FILES = sorted((ROOT / "sklearn_lpnet").rglob("*.py"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
YAML_FILES = [*sorted((ROOT / ".github").rglob("*.yml")), ROOT / ".pre-commit-config.yaml"]
PUBLIC_FILES = [
    *PACKAGE_FILES,
    *sorted((ROOT / "examples").rglob("*.py")),
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / ".github").rglob("*.md")),
    *YAML_FILES,
    ROOT / "pyproject.toml",
]
ABSOLUTE_PATH = re.compile(
    r"(?<![\w.:/~-])/(?:home|root|work|opt|tmp|usr|var|mnt|Users)/\w|\b[A-Z]:\\\\?\w"
)


@pytest.fixture(scope="module")
def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def matrix():
    workflow = _yaml(ROOT / ".github" / "workflows" / "tests.yml")
    return workflow["jobs"]["tests"]["strategy"]["matrix"]


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
    pins = _pins("constraints-oldest.txt")
    assert pins[name].startswith(requirements[name] + ".")


@pytest.mark.parametrize("file", YAML_FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_files_in_yaml_can_be_parsed(file):
    assert isinstance(_yaml(file), dict)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_may_only_read(file):
    workflow = _yaml(file)
    assert workflow["permissions"] == {"contents": "read"}
    assert [name for name, job in workflow["jobs"].items() if "permissions" in job] == []


def test_the_workflow_tests_the_versions_of_python_that_the_package_names(pyproject, matrix):
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(pyproject["project"]["classifiers"]))
    assert matrix["python"] == named
    assert pyproject["project"]["requires-python"] == f">={named[0]}"


def test_the_workflow_tests_the_oldest_libraries_as_ci_does(matrix):
    (oldest,) = [entry for entry in matrix["include"] if entry["libraries"] == "oldest"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert oldest["python"] == matrix["python"][0]
    assert f"/pytest {oldest['tests']}\n" in script
    assert f"/pip install {oldest['constraints']} -e" in script


def test_the_hooks_have_the_ruff_of_the_constraints():
    repositories = _yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    (ruff,) = [entry for entry in repositories if entry["repo"].endswith("/ruff-pre-commit")]
    assert ruff["rev"] == "v" + _pins("constraints.txt")["ruff"]


def _yaml(file):
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def _pins(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)
