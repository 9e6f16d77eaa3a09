"""Run benchmark suites and write what they show to a page.

    python examples/benchmarks/run.py [--quick] [suite ...]

Without names all suites are run, one after the other; every fit has one thread. The page, the
tables (CSV) and the figures (PNG) go to docs/benchmarks, those of a quick run to build/benchmarks.
A suite that fails is reported, and the others are run.
What must be installed: pip install 'sklearn-lpnet[bench]'.
"""

from __future__ import annotations

import os

# Before anything is imported that starts threads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import argparse
import importlib
import sys
import time
import traceback
from pathlib import Path

from reporting import Recorder, write_page

SUITES = (
    "regression",
    "classification",
    "piecewise",
    "algorithms",
    "recovery_phase",
    "scaling",
)
ROOT = Path(__file__).parents[2]


def main() -> int:
    arguments = parse_arguments()
    directory = arguments.output
    if directory is None:
        directory = ROOT / ("build/benchmarks" if arguments.quick else "docs/benchmarks")
    failed = []
    for name in arguments.suites or SUITES:
        try:
            part = run_suite(name, directory, arguments)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        page = write_page(directory, {name: part}, SUITES)
        print(f"\n{name} is on {page}", flush=True)
    if failed:
        print(f"\nFailed: {', '.join(failed)}.")
    return 1 if failed else 0


def run_suite(name: str, directory: Path, arguments: argparse.Namespace) -> str:
    """Run a suite and return its part of the page."""
    print(f"\n=== {name} ===", flush=True)
    suite = importlib.import_module(name)
    load_before = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    quick, limit, jobs = arguments.quick, arguments.limit, arguments.jobs
    recorder = Recorder(
        name,
        directory,
        quick=quick,
        limit=limit,
        jobs=jobs,
        methods=arguments.methods,
        splits=arguments.splits,
        data_sets=arguments.data_sets,
    )
    start = time.perf_counter()
    suite.run(recorder)
    return recorder.finish(suite.__doc__ or name, time.perf_counter() - start, load_before)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Formatter)
    parser.add_argument("suites", nargs="*", metavar="suite", help=", ".join(SUITES))
    parser.add_argument("--quick", action="store_true", help="a small part of each suite")
    parser.add_argument(
        "--limit", type=float, default=240, help="seconds that one fit of a peer may take"
    )
    parser.add_argument(
        "--jobs", type=int, default=2, help="fits that run side by side, on a core each"
    )
    parser.add_argument(
        "--methods",
        metavar="NAME,NAME",
        type=_names,
        help="of regression and classification, measure these methods alone, and keep what an "
        "earlier run has found for the others",
    )
    parser.add_argument(
        "--splits",
        metavar="N,N",
        type=_splits,
        help="of regression and classification, measure these splits alone, each in a lane of its "
        "own and however long its fits take, and keep what an earlier run has found for the others",
    )
    parser.add_argument(
        "--data-sets",
        metavar="NAME,NAME",
        type=_names,
        help="of regression and classification, measure on these data sets alone, and keep what an "
        "earlier run has found for the others",
    )
    parser.add_argument("--output", type=Path, help="folder for the results")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.suites if name not in SUITES]
    if unknown:
        parser.error(f"unknown suite {', '.join(unknown)}; there are {', '.join(SUITES)}")
    return arguments


def _names(text: str) -> list[str]:
    return text.split(",")


def _splits(text: str) -> list[int]:
    return [int(split) for split in text.split(",")]


class _Formatter(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """The description as it stands, and defaults in the help."""


if __name__ == "__main__":
    sys.exit(main())
