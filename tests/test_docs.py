"""What the pages of the documentation say of files and of messages is so."""

import ast
import re
import tomllib
from importlib import util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Written by a build, or by the benchmarks.
GENERATED = ("_build", "auto_examples", "generated", "benchmarks")
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(
        page
        for page in sorted((ROOT / "docs").rglob("*.md"))
        if not set(GENERATED) & set(page.relative_to(ROOT).parts)
    ),
]
FENCE = re.compile(r"^(`{3,}|:{3,}).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|^```\{(?:image|figure)\} (\S+)", re.MULTILINE)
PLACEHOLDER = "…"


def ids(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_relative_links_lead_to_files(page):
    missing = [
        target
        for target in _targets(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_to_headings_lead_to_headings(page):
    text = page.read_text(encoding="utf-8")
    anchors = {match[1][1:] for match in re.finditer(r"\]\((#[^)\s]+)\)", text)}
    assert anchors <= {_anchor(line) for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_examples_end_with_an_empty_line(page):
    # Else doctest takes the fence for output.
    blocks = re.findall(
        r"^```python\n(>>> .*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S
    )
    assert [block for block in blocks if not block.endswith("\n\n")] == []


def test_the_messages_that_the_faq_quotes_are_those_of_the_code():
    page = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^```text\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    assert len(quoted) > 20
    messages = [
        message
        for file in sorted((ROOT / "sklearn_lpnet").rglob("*.py"))
        for message in _strings(file.read_text(encoding="utf-8"))
    ]
    assert [text for text in quoted if not _is_among(text, messages)] == []


def test_every_public_name_is_in_the_reference():
    import sklearn_lpnet
    from sklearn_lpnet import plotting, theory

    page = (ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8")
    names = {*sklearn_lpnet.__all__, *plotting.__all__, *theory.__all__} - {"__version__"}
    assert names <= set(re.findall(r"\w+", page))


def test_every_room_is_on_the_map_on_its_floor_of_the_contract(draw_map):
    placed = {room for rooms in draw_map.FLOORS for room in rooms} | set(draw_map.SOLVERS)
    assert draw_map.rooms_of(draw_map.PACKAGE) == placed
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = [
        contract["layers"]
        for contract in pyproject["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    ]
    assert [set(rooms) for rooms in draw_map.FLOORS] == [set(re.findall(r"\w+", x)) for x in layers]


def test_no_arrow_of_the_map_leads_upwards(draw_map):
    edges = draw_map.imports_of(draw_map.PACKAGE)
    assert {("estimators", "fitting"), ("solvers/second_order", "solvers/gradient")} <= edges
    assert draw_map.upward(edges) == []


def test_the_map_finds_arrows_that_lead_upwards(draw_map, tmp_path):
    modules = {
        "__init__.py": "from .selection import path",
        "network/a.py": "def f():\n    from ..problem import rows",
        "network/b.py": "if TYPE_CHECKING:\n    import house.fitting",
        "problem/rows.py": "from ..network.a import f\nfrom . import units",
        "selection/path.py": "from .. import __version__\nfrom ..network import a",
        "solvers/gradient/adam.py": "from .. import splines\nfrom ..second_order import polish",
        "solvers/splines/knots.py": "import house.theory.bounds",
        "solvers/second_order/polish.py": "from ..gradient.adam import step",
    }
    for name, source in modules.items():
        file = tmp_path / "house" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
    (tmp_path / "house" / "theory").mkdir()
    assert draw_map.upward(draw_map.imports_of(tmp_path / "house")) == [
        ("network", "problem"),
        ("selection", ""),
        ("solvers/gradient", "solvers/second_order"),
        ("solvers/gradient", "solvers/splines"),
        ("solvers/splines", "theory"),
    ]


def test_what_the_developer_guide_names_is_there():
    page = (ROOT / "docs" / "developer.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`([^`\s]+)`", FENCE.sub("", page)))
    files = [
        *(ROOT / "sklearn_lpnet").rglob("*.py"),
        *(ROOT / "tests").rglob("test_*.py"),
        *(ROOT / "docs").rglob("*.py"),
        ROOT / "pyproject.toml",
    ]
    words = set(re.findall(r"\w+", " ".join(file.read_text(encoding="utf-8") for file in files)))
    places = [file.relative_to(ROOT).as_posix() for file in files]
    lost = []
    for name in names:
        if "*" in name:
            continue
        if "/" in name or name.endswith(".py"):
            there = [(parent / name).exists() for parent in (ROOT, ROOT / "sklearn_lpnet")]
            if not (any(there) or any(place.endswith(f"/{name}") for place in places)):
                lost.append(name)
        elif re.fullmatch(r"[\w.]+(\(\w+\))?", name) and not name.endswith((".md", ".toml")):
            lost += [part for part in re.findall(r"\w+", name) if part not in words]
    assert lost == []


@pytest.fixture(scope="module")
def draw_map():
    spec = util.spec_from_file_location("draw_map", ROOT / "docs" / "draw_map.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _targets(text):
    """Relative links of a page, without what leads out of the project or into the gallery."""
    for match in LINK.finditer(text):
        target = (match[1] or match[2]).partition("#")[0]
        if target and "://" not in target and "auto_examples" not in target:
            yield target


def _anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _strings(source):
    """Strings of a module, with a placeholder for each value that is put into them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = [
                part.value if isinstance(part, ast.Constant) else PLACEHOLDER
                for part in node.values
            ]
            yield "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _is_among(text, messages):
    return any(" ".join(text.split()) in " ".join(message.split()) for message in messages)
