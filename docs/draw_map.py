"""Draw the rooms of the package and which of them import from which, to `docs/images/map.png`.

    python docs/draw_map.py

reads the sources and imports nothing of the package. It fails if an import runs upwards, or if a
room has no place on the map.
"""

from __future__ import annotations

import argparse
import ast
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = Path(__file__).resolve().parent.parent / "sklearn_lpnet"
PICTURE = Path(__file__).resolve().parent / "images" / "map.png"

#: The floors from the top, and the rooms of each from left to right.
FLOORS = (
    ("export", "plotting"),
    ("selection",),
    ("estimators",),
    ("fitting", "theory"),
    ("solvers",),
    ("problem",),
    ("penalties", "losses", "network"),
)


class Place(NamedTuple):
    """Where a room of the solvers is: its floor from the top, and its first and last column."""

    floor: int
    first: int
    last: int


#: The rooms of the solvers, in three columns; "solvers" is the table.
SOLVERS = {
    "solvers": Place(0, 2, 2),
    "solvers/enumeration": Place(0, 0, 1),
    "solvers/interpolation": Place(1, 0, 2),
    "solvers/second_order": Place(2, 0, 0),
    "solvers/gradient": Place(3, 0, 1),
    "solvers/splines": Place(3, 2, 2),
}
#: The package's `__init__.py`, above all rooms.
FACE = ""


def rooms_of(package: Path) -> set[str]:
    """The rooms that there are."""
    return {_room(file.relative_to(package).parts[:-1]) for file in _files(package)} - {FACE}


def imports_of(package: Path) -> set[tuple[str, str]]:
    """Which room imports from which other one, but for what only type checkers read."""
    edges = set()
    for file in _files(package):
        folder = file.relative_to(package).parts[:-1]
        if not folder:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for target in _targets(tree, (package.name, *folder)):
            if target[0] == package.name:
                edges.add((_room(folder), _room(_folder(package, target[1:]))))
    return {(source, target) for source, target in edges if source != target}


def upward(edges: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The imports that do not run downwards."""
    return sorted((s, t) for s, t in edges if not _is_above(s, t))


def _files(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def _room(folder: tuple[str, ...]) -> str:
    return "/".join(folder[: 2 if folder[:1] == ("solvers",) else 1])


def _is_above(source: str, target: str) -> bool:
    if FACE in (source, target):
        return source == FACE
    outer, other = _outer(source), _outer(target)
    if outer == other:
        return SOLVERS[source].floor < SOLVERS[target].floor
    return _floor(outer) < _floor(other)


def _outer(room: str) -> str:
    return room.partition("/")[0]


def _floor(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def _targets(node: ast.AST, folder: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The modules, or names of a module, that the code of a module in a folder imports."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _targets(ast.Module(child.orelse, []), folder)
        elif isinstance(child, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = folder[: len(folder) + 1 - child.level] if child.level else ()
            module = tuple(child.module.split(".")) if child.module else ()
            yield from ((*base, *module, alias.name) for alias in child.names)
        else:
            yield from _targets(child, folder)


def _folder(package: Path, target: tuple[str, ...]) -> tuple[str, ...]:
    """The part of an imported name that is a folder of the package."""
    folder = package
    for depth, part in enumerate(target):
        folder = folder / part
        if not folder.is_dir():
            return target[:depth]
    return target


# The picture ----------------------------------------------------------------------------

INK, SOFT, PAPER = "#1f2933", "#52606d", "#ffffff"
#: A room's colour, and that of the arrows that lead to it.
COLORS = {
    "export": "#52606d",
    "plotting": "#52606d",
    "selection": "#c2417c",
    "estimators": "#b45309",
    "fitting": "#0f766e",
    "theory": "#52606d",
    "solvers": "#334e8c",
    "problem": "#7c3aed",
    "penalties": "#4d7c0f",
    "losses": "#c92a2a",
    "network": "#0877bd",
}
#: Rooms whose imports from farther up run on the right; those of all others run on the left.
ON_THE_RIGHT = ("network",)
#: Sizes in pixels: of the picture, of rooms, and from one thing to the next.
WIDTH, LEFT, RIGHT, MARGIN = 1600.0, 235.0, 1470.0, 24.0
BETWEEN, GAP, LANE = 36.0, 74.0, 36.0
#: Height of a room by the number of rooms of its floor: the fewer, the shorter its text.
HEIGHT = {1: 100.0, 2: 140.0, 3: 148.0}
#: Within the solvers: the head, a room, from one floor to the next, and the rim.
HEAD, INNER, INNER_GAP, RIM = 96.0, 76.0, 40.0, 22.0
#: Sizes of letters, in points.
TITLE, SUBTITLE, TEXT = 20.0, 17.0, 15.5


class Box(NamedTuple):
    """A rectangle."""

    left: float
    right: float
    bottom: float
    top: float


def boxes() -> tuple[dict[str, Box], float]:
    """Where the rooms are, those of the solvers included, and the height of the picture."""
    n_floors = 1 + max(place.floor for place in SOLVERS.values())
    heights = [HEIGHT[len(rooms)] for rooms in FLOORS]
    heights[_floor("solvers")] = HEAD + n_floors * (INNER + INNER_GAP) - INNER_GAP + RIM
    total = sum(heights) + GAP * (len(FLOORS) - 1) + 2 * MARGIN
    places, top = {}, total - MARGIN
    for rooms, height in zip(FLOORS, heights, strict=True):
        width = (RIGHT - LEFT - BETWEEN * (len(rooms) - 1)) / len(rooms)
        for k, room in enumerate(rooms):
            left = LEFT + k * (width + BETWEEN)
            places[room] = Box(left, left + width, top - height, top)
        top -= height + GAP
    house = places["solvers"]
    width = (house.right - house.left - 2 * (BETWEEN + RIM)) / 3
    for room, (floor, first, last) in SOLVERS.items():
        top = house.top - HEAD - floor * (INNER + INNER_GAP)
        left = house.left + RIM + first * (width + BETWEEN)
        right = house.left + RIM + last * (width + BETWEEN) + width
        places[_inner(room)] = Box(left, right, top - INNER, top)
    return places, total


class Map:
    """The drawing of the map."""

    def __init__(self, package: Path, edges: set[tuple[str, str]]) -> None:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot as plt

        plt.rcParams["font.family"] = "DejaVu Sans"
        self.package = package
        self.places, height = boxes()
        self.figure = plt.figure(figsize=(WIDTH / 100, height / 100), dpi=100, facecolor=PAPER)
        self.ax = self.figure.add_axes((0, 0, 1, 1))
        self.ax.set(xlim=(0, WIDTH), ylim=(0, height))
        self.ax.axis("off")
        self._arrows(edges)
        for room, box in self.places.items():
            self._draw_room(room, box)

    def save(self, file: Path) -> None:
        self.figure.savefig(
            file,
            dpi=100,
            facecolor=PAPER,
            metadata={"Software": None},
            pil_kwargs={"optimize": True},
        )

    def _draw_room(self, room: str, box: Box) -> None:
        from matplotlib.patches import FancyBboxPatch

        outer, _, inner = room.partition("/")
        color = COLORS[outer]
        self.ax.add_patch(
            FancyBboxPatch(
                (box.left, box.bottom),
                box.right - box.left,
                box.top - box.bottom,
                boxstyle="round,pad=0,rounding_size=12",
                facecolor=PAPER if inner else _tinted(color),
                edgecolor=color,
                linewidth=1.4 if inner else 2.2,
                zorder=5 if inner else 4,
            )
        )
        files, lines = self._size(room)
        numbers = f"{lines:,} lines" if room.endswith(".py") else f"{files} files, {lines:,} lines"
        if inner:
            self._write(box.left + 16, box.top - 11, inner, SUBTITLE, color, weight="bold")
            self._write(box.left + 16, box.top - 43, numbers, TEXT, SOFT)
            return
        self._write(box.left + 20, box.top - 13, outer, TITLE, color, weight="bold")
        self._write(box.right - 20, box.top - 19, numbers, TEXT, SOFT, ha="right")
        says = textwrap.fill(self._docstring(room), int((box.right - box.left - 40) / 12.2))
        self._write(box.left + 20, box.top - 52, says, TEXT, INK, linespacing=1.25)

    def _write(self, x: float, y: float, text: str, size: float, color: str, **style: Any) -> None:
        self.ax.text(x, y, text, size=size, color=color, va="top", zorder=8, **style)

    def _size(self, room: str) -> tuple[int, int]:
        """Number of files and lines."""
        place = self.package / room
        files = [place] if place.suffix else _files(place)
        return len(files), sum(len(file.read_text("utf-8").splitlines()) for file in files)

    def _docstring(self, room: str) -> str:
        """What the room says of itself."""
        tree = ast.parse((self.package / room / "__init__.py").read_text(encoding="utf-8"))
        return (ast.get_docstring(tree) or "").splitlines()[0].replace("`", "")

    def _arrows(self, edges: set[tuple[str, str]]) -> None:
        outer = {(_outer(s), _outer(t)) for s, t in edges}
        outer = {(s, t) for s, t in outer if s != t}
        near = {(s, t) for s, t in outer if _floor(t) - _floor(s) == 1}
        for source, target in sorted(near):
            self._straight(self.places[source], self.places[target], COLORS[target])
        far: dict[str, list[str]] = {}
        for source, target in sorted(outer - near):
            far.setdefault(target, []).append(source)
        n_lanes = {True: 0, False: 0}
        # The shortest ways run next to the rooms.
        for target in sorted(far, key=lambda room: (_floor(room), -len(far[room]))):
            right = target in ON_THE_RIGHT
            n_lanes[right] += 1
            self._lane(target, far[target], n_lanes[right], right=right)
        for source, target in sorted(edges):
            if source in SOLVERS and target in SOLVERS:
                a, b = self.places[_inner(source)], self.places[_inner(target)]
                far_below = SOLVERS[target].floor - SOLVERS[source].floor > 1
                column = SOLVERS[target].last if far_below else None
                self._straight(a, b, COLORS["solvers"], column=column)

    def _straight(self, a: Box, b: Box, color: str, *, column: int | None = None) -> None:
        """Straight down, in the last column of the room below if there may be another between."""
        x = (max(a.left, b.left) + min(a.right, b.right)) / 2
        if column is not None:
            middle = self.places["solvers/second_order"]
            x = (middle.left + middle.right) / 2 + column * (middle.right - middle.left + BETWEEN)
        self._line([(x, a.bottom), (x, b.top)], color, head=True)

    def _lane(self, target: str, sources: list[str], k: int, *, right: bool) -> None:
        """The k-th way at a side: from all that import from a room and are not just above it."""
        color, box = COLORS[target], self.places[target]
        x = RIGHT + k * LANE if right else LEFT - k * LANE
        start = 0.0
        for source in sources:
            room, beside = self.places[source], FLOORS[_floor(source)]
            if source == beside[-1 if right else 0]:
                y = room.top - 24 - 16 * (k - 1)
                self._line([(room.right if right else room.left, y), (x, y)], color)
            else:
                # Another room is in the way.
                out, y = (room.left + 60, -30) if right else (room.right - 60, -15)
                y += room.bottom
                self._line([(out, room.bottom), (out, y), (x, y)], color)
            self.ax.plot(x, y, "o", color=color, markersize=7, zorder=3)
            start = max(start, y)
        end = box.top + 18 + 8 * k
        into = box.right - 60 if right else box.left + 30 + 24 * k
        self._line([(x, start), (x, end), (into, end), (into, box.top)], color, head=True)

    def _line(self, points: list[tuple[float, float]], color: str, *, head: bool = False) -> None:
        xs, ys = zip(*points, strict=True)
        if head:
            x, y = points[-1]
            triangle = [(x - 8, y + 16), (x + 8, y + 16), (x, y + 1)]
            self.ax.fill(*zip(*triangle, strict=True), color=color, zorder=7, linewidth=0)
            ys = (*ys[:-1], y + 10)
        # Above the house of the solvers where both ends are in it.
        house = self.places["solvers"]
        inside = house.bottom < ys[-1] and ys[0] < house.top and house.left < xs[0] < house.right
        self.ax.plot(xs, ys, color=color, linewidth=2.4, zorder=6 if inside else 2)


def _inner(room: str) -> str:
    return "solvers/table.py" if room == "solvers" else room


def _tinted(color: str) -> tuple[float, ...]:
    """A little of a colour, on white."""
    from matplotlib.colors import to_rgb

    return tuple(1 - 0.07 * (1 - part) for part in to_rgb(color))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=PICTURE, help="default: docs/images/map.png")
    output = parser.parse_args().output
    placed = {room for rooms in FLOORS for room in rooms} | set(SOLVERS)
    if missing := sorted(rooms_of(PACKAGE) ^ placed):
        print(f"Not both in the package and on the map: {', '.join(missing)}", file=sys.stderr)
        return 1
    edges = imports_of(PACKAGE)
    if wrong := upward(edges):
        for source, target in wrong:
            print(f"{source} imports from {target}, which is not below it.", file=sys.stderr)
        return 1
    Map(PACKAGE, edges).save(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
