"""What a benchmark suite reports: tables, figures, checks and notes, printed and put on a page.

A suite calls the methods of its `Recorder`. Tables become CSV files and figures PNG files in the
folder of the results; `write_page` puts the part of every suite on one page, ``index.md``, where
it replaces what an earlier run of the same suite has put there.
"""

from __future__ import annotations

import contextlib
import csv
import importlib.metadata
import math
import os
import platform
import re
import subprocess
import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, object]

PACKAGES = ("sklearn-lpnet", "torch", "scikit-learn", "numpy", "scipy")

INTRODUCTION = """\
# Benchmarks

Written by `python examples/benchmarks/run.py`; a suite that is named there is run alone and
replaces its own part of this page. All numbers behind the tables are in the CSV files.

## What was to be shown, and what came out
"""


class Recorder:
    """Takes what a suite has to say, prints it and keeps it for the page.

    Parameters
    ----------
    suite : str
        Name of the suite; names of files begin with it.

    directory : Path
        Folder for the results, made if need be.

    quick : bool, default=False
        Whether the suite is to run a small part of itself.

    limit : float, default=240
        Seconds that one fit of a peer may take.

    jobs : int, default=1
        How many fits may run side by side, one a core.

    methods : list of str, default=None
        Methods to measure; for the others the results of an earlier run are kept. By default all.

    splits : list of int, default=None
        Splits to measure, however long a fit takes; for the others the results of an earlier run
        are kept. By default the suite decides.

    data_sets : list of str, default=None
        Data sets to measure on; for the others the results of an earlier run are kept. By default
        all.

    Attributes
    ----------
    suite, directory, quick, limit, jobs, methods, splits, data_sets
        As given.
    """

    def __init__(
        self,
        suite: str,
        directory: Path,
        *,
        quick: bool = False,
        limit: float = 240,
        jobs: int = 1,
        methods: Sequence[str] | None = None,
        splits: Sequence[int] | None = None,
        data_sets: Sequence[str] | None = None,
    ) -> None:
        self.suite = suite
        self.directory = Path(directory)
        self.quick = quick
        self.limit = limit
        self.jobs = jobs
        self.methods = methods
        self.splits = splits
        self.data_sets = data_sets
        self.directory.mkdir(parents=True, exist_ok=True)
        self._checks: list[Row] = []
        self._notes: list[str] = []
        self._parts: list[str] = []

    def table(self, name: str, rows: Sequence[Row], caption: str) -> None:
        """Print a table, put it on the page and write it as CSV.

        Rows are dictionaries, and their keys the columns, in the order in which they first come.
        """
        file = self._write_csv(name, rows)
        table = markdown_table(rows)
        print(f"\n{caption}\n\n{table}", flush=True)
        self._parts.append(f"{caption} ([CSV]({file}))\n\n{table}")

    def data(self, name: str, rows: Sequence[Row], caption: str) -> None:
        """Write a table as CSV alone, for what is too long for the page."""
        file = self._write_csv(name, rows)
        print(f"\n{caption}: {len(rows)} rows in {file}", flush=True)
        self._parts.append(f"{caption}: [{file}]({file}), {len(rows)} rows.")

    def earlier_data(self, name: str) -> list[Row]:
        """What an earlier run has written as CSV; numbers are numbers, and empty cells left out."""
        return [
            {column: _number_or_text(cell) for column, cell in row.items() if cell != ""}
            for row in _read_csv(self.directory / f"{self.suite}_{name}.csv")
        ]

    def figure(self, name: str, figure: Any, caption: str) -> None:
        """Write a Matplotlib figure as PNG and put it on the page."""
        file = f"{self.suite}_{name}.png"
        figure.savefig(self.directory / file, dpi=150, bbox_inches="tight")
        print(f"\n{caption}: {file}", flush=True)
        self._parts.append(f"![{caption}]({file})\n\n{caption}")

    def check(self, claim: str, value: str, bar: str, met: bool) -> None:
        """A line of "what was to be shown, and what came out"."""
        met = bool(met)
        self._checks.append({"claim": claim, "measured": value, "bar": bar, "met": met})
        print(f"\n{'met' if met else 'NOT MET'}: {claim}: {value} (bar: {bar})", flush=True)

    def note(self, text: str) -> None:
        """A failure or a remark, printed and put on the page."""
        self._notes.append(text)
        print(f"\nNote: {text}", flush=True)

    def finish(self, module_docstring: str, seconds: float, load_before: float) -> str:
        """The suite's part of the page; what was checked is written beside it."""
        self._write_csv("checks", self._checks)
        title, _, method = module_docstring.strip().partition("\n")
        size = "A quick run, a small part of the suite. " if self.quick else ""
        head = (
            f"{size}{circumstances()}; {seconds / 60:.1f} minutes, "
            f"load average before the run {load_before:.1f}."
        )
        notes = "\n".join(f"- {note}" for note in self._notes)
        parts = [f"## {title.rstrip('.')}", textwrap.dedent(method).strip(), head]
        if self._checks:
            parts.append(markdown_table(self._checks))
        return "\n\n".join(filter(None, [*parts, *self._parts, notes]))

    def _write_csv(self, name: str, rows: Sequence[Row]) -> str:
        file = f"{self.suite}_{name}.csv"
        with open(self.directory / file, "w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns_of(rows), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return file


def write_page(directory: Path, parts: dict[str, str], order: Sequence[str]) -> Path:
    """Put the parts of suites on the page, and leave the parts of others as they are."""
    page = Path(directory) / "index.md"
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    kept = dict(re.findall(r"<!-- begin (\w+) -->\n(.*?)\n<!-- end \1 -->", old, re.DOTALL))
    kept.update(parts)
    names = sorted(kept, key=lambda name: order.index(name) if name in order else len(order))
    blocks = [f"<!-- begin {name} -->\n{kept[name]}\n<!-- end {name} -->" for name in names]
    summary = markdown_table([row for name in names for row in _checks_of(directory, name)])
    page.write_text("\n\n".join([INTRODUCTION.rstrip(), summary, *blocks]) + "\n", encoding="utf-8")
    return page


def markdown_table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table whose columns are aligned in plain text too."""
    columns = columns_of(rows)
    cells = [[_cell(row.get(column, "")) for column in columns] for row in rows]
    right = [all(_is_number(row.get(column)) for row in rows) for column in columns]
    widths = [
        max(3, len(column), *(len(line[i]) for line in cells)) if cells else max(3, len(column))
        for i, column in enumerate(columns)
    ]

    def line(texts: Iterable[str]) -> str:
        padded = (
            text.rjust(width) if is_right else text.ljust(width)
            for text, width, is_right in zip(texts, widths, right, strict=True)
        )
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * (width - 1) + (":" if r else "-") for width, r in zip(widths, right, strict=True)]
    return "\n".join([line(columns), line(rule), *map(line, cells)])


def columns_of(rows: Sequence[Row]) -> list[str]:
    """The keys of the rows, in the order in which they first come."""
    return list(dict.fromkeys(column for row in rows for column in row))


def date_and_commit() -> str:
    """When, and of which state of the project."""
    return f"{datetime.now(UTC):%Y-%m-%d}, commit {_commit()}"


def circumstances() -> str:
    """Date, commit, machine and versions, as one sentence without a full stop."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return (
        f"{date_and_commit()}; {_processor()}, "
        f"{os.cpu_count()} cores, of which {os.environ.get('OMP_NUM_THREADS', 'all')} used; "
        f"{platform.system()}, Python {platform.python_version()}, {versions}"
    )


def _checks_of(directory: Path, suite: str) -> list[Row]:
    return [
        {"suite": suite, **row, "met": {"True": "yes", "False": "no"}[row["met"]]}
        for row in _read_csv(Path(directory) / f"{suite}_checks.csv")
    ]


def _read_csv(file: Path) -> list[dict[str, str]]:
    """The rows of a file, none if it is not there."""
    if not file.exists():
        return []
    with open(file, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _number_or_text(cell: str) -> object:
    for number in (int, float):
        with contextlib.suppress(ValueError):
            return number(cell)
    return cell


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _commit() -> str:
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        # The results themselves do not make the state another one.
        changed = _git("status", "--porcelain", "--", ":/", ":(exclude,top)docs")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + (" with local changes" if changed else "")


def _git(*arguments: str) -> str:
    here = Path(__file__).parent
    done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
