"""The exact univariate solver: correctness, knots against splineops, and time.

Prints what it measures: the cost against all ways to cut the runs on 500 small data sets, p*
against a scan on 200, knots and lp cost against the sparsest interpolant of splineops on 50 data
sets of 10 to 100,000 points, and the time at 100,000 and 1,000,000 points. The comparison needs
``pip install splineops``. One thread is enough: nothing here uses more.
"""

import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from sklearn_lpnet.theory import critical_p, min_path_norm_interpolant

try:
    from splineops.adaptive_regression_splines.sparsification import (
        linear_spline,
        sparsest_interpolant,
    )
except ImportError:
    sparsest_interpolant = None

Data = tuple[np.ndarray, np.ndarray]

N_SMALL, N_CRITICAL = 500, 200
SIZES = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 60_000, 100_000)
REPEATS = 5


def main() -> None:
    compare_with_all_vertices()
    compare_critical_p_with_a_scan()
    if sparsest_interpolant is None:
        print("\nsplineops is not installed: no comparison. Try: pip install splineops")
    else:
        compare_with_splineops()
    compare_times()


def compare_with_all_vertices() -> None:
    """Least cost by brute force, N up to 14 and p uniform on (0, 1)."""
    rng = np.random.default_rng(0)
    cost_error = label_error = 0.0
    for _ in range(N_SMALL):
        x, y = small_data(rng)
        p = rng.uniform()
        f = min_path_norm_interpolant(x, y, p)
        least = sum(run_costs(run, np.array([p])).min() for run in curvature_runs(x, y))
        cost_error = max(cost_error, abs(f.cost - least) / max(1.0, least))
        label_error = max(label_error, np.abs(f(x) - y).max() / np.abs(y).max(initial=1.0))
    print(f"{N_SMALL} data sets of 1 to 14 points, p uniform on (0, 1), against all vertices")
    print(f"  greatest relative error of the cost   {cost_error:.1e}")
    print(f"  greatest relative error at the data   {label_error:.1e}")


def compare_critical_p_with_a_scan() -> None:
    """p* of single runs of 4 to 12 curvatures against 2,000 values of p."""
    rng = np.random.default_rng(1)
    p = np.linspace(0, 1, 2001)[1:-1]
    agree, at_one, widest, seconds = 0, 0, 0.0, []
    for _ in range(N_CRITICAL):
        curvatures = rng.exponential(size=rng.integers(4, 13)) ** rng.integers(1, 4)
        y = np.cumsum([0, *np.cumsum([0, *curvatures])])
        cuts = [np.array(cut) for cut in all_cuts(len(curvatures))]
        costs = run_costs(np.diff(y, 2), p)
        fewest = np.array([len(cut) for cut in cuts]) == (len(curvatures) + 1) // 2
        denser = costs[~fewest].min(axis=0) < costs[fewest].min(axis=0) * (1 - 1e-13)
        scanned = p[denser.argmax()] if denser.any() else 1.0
        start = time.perf_counter()
        result = critical_p(np.arange(len(y)), y)
        seconds.append(time.perf_counter() - start)
        agree += scanned - 1 / 2000 - 1e-9 <= result.p <= scanned
        at_one += result.bracket == (1.0, 1.0)
        if result.bracket[1] < 1:
            widest = max(widest, result.bracket[1] - result.bracket[0])
    print(f"\ncritical_p on {N_CRITICAL} runs of 4 to 12 curvatures, against a scan of 2,000 p")
    print(f"  agree {agree}; p* = 1 for {at_one}; widest bracket below 1 {widest:.1e}")
    print(f"  median {1e3 * statistics.median(seconds):.1f} ms, longest {max(seconds):.2f} s")


def compare_with_splineops() -> None:
    """Knots and cost for p = 0 and 0.5, and the error at the data."""
    print(
        "\nAgainst splineops.sparsest_interpolant, which gets 1e-9 times the greatest curvature as"
    )
    print(
        "its tolerance, so that it interpolates. 'cost' is that for p = 0.5; errors are relative."
    )
    print(f"{'data':>12} {'N':>8} {'knots':>8} {'theirs':>8} {'cost':>12} {'theirs':>12}", end="")
    print(f" {'error':>8} {'theirs':>8}")
    no_more_knots = fewer_knots = no_more_cost = 0
    generators = {
        "walk": random_walk,
        "noise": noise,
        "convex": convex,
        "exp": exponential,
        "steps": steps,
    }
    for name, generate in generators.items():
        for n in SIZES:
            x, y = generate(n)
            sparsest, cheapest = (min_path_norm_interpolant(x, y, p) for p in (0, 0.5))
            spline = sparsest_interpolant(x, y, tolerance(x, y))
            cost = np.sqrt(np.abs(spline[1])).sum()
            size = np.abs(y).max()
            print(
                f"{name:>12} {n:8,} {sparsest.n_knots:8,} {len(spline[0]):8,} "
                f"{cheapest.cost:12.6g} {cost:12.6g} {np.abs(sparsest(x) - y).max() / size:8.0e} "
                f"{np.abs(linear_spline(x, *spline) - y).max() / size:8.0e}"
            )
            no_more_knots += sparsest.n_knots <= len(spline[0])
            fewer_knots += sparsest.n_knots < len(spline[0])
            no_more_cost += cheapest.cost <= cost * (1 + 1e-9)
    total = len(generators) * len(SIZES)
    print(f"no more knots on {no_more_knots} of {total}, fewer on {fewer_knots}; ", end="")
    print(f"no more cost on {no_more_cost}")


def compare_times() -> None:
    """Seconds for one call, medians."""
    print(f"\nSeconds a call, median of {REPEATS}")
    print(f"{'data':>12} {'N':>10} {'p = 0':>8} {'p = 0.5':>8} {'splineops':>10}")
    for generate in (random_walk, exponential):
        for n in (100_000, 1_000_000):
            x, y = generate(n)
            ours = [median_seconds(min_path_norm_interpolant, x, y, p) for p in (0, 0.5)]
            theirs = "-"
            if sparsest_interpolant is not None and n == 100_000:
                theirs = f"{median_seconds(sparsest_interpolant, x, y, tolerance(x, y)):.3f}"
            print(f"{generate.__name__:>12} {n:10,} {ours[0]:8.3f} {ours[1]:8.3f} {theirs:>10}")


def median_seconds(call: Callable[..., object], *arguments: object) -> float:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call(*arguments)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def tolerance(x: np.ndarray, y: np.ndarray) -> float:
    """Slope changes that splineops is to neglect."""
    return 1e-9 * float(np.abs(np.diff(np.diff(y) / np.diff(x))).max())


def random_walk(n: int) -> Data:
    return np.arange(float(n)), np.random.default_rng(n).standard_normal(n).cumsum()


def noise(n: int) -> Data:
    rng = np.random.default_rng(n)
    return np.cumsum(rng.uniform(0.1, 1, n)), rng.standard_normal(n)


def convex(n: int) -> Data:
    """One long run of curvatures that differ a lot."""
    curvatures = np.random.default_rng(n).exponential(size=n) ** 2
    return np.arange(float(n)), np.cumsum(np.cumsum(curvatures))


def exponential(n: int) -> Data:
    x = np.linspace(0, 1, n)
    return x, np.exp(x)


def steps(n: int) -> Data:
    """Small integers, with many collinear points."""
    return np.arange(float(n)), np.random.default_rng(n).integers(0, 3, n).astype(float)


def small_data(rng: np.random.Generator) -> Data:
    n = rng.integers(1, 15)
    x = np.sort(rng.uniform(-3, 3, n))
    y = [rng.standard_normal(n), rng.exponential(size=n).cumsum().cumsum(), np.exp(x)]
    return x, y[rng.integers(3)]


def curvature_runs(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    curvatures = np.diff(np.diff(y) / np.diff(x))
    ends = np.flatnonzero(np.diff(np.sign(curvatures))) + 1
    return [np.abs(run) for run in np.split(curvatures, ends) if len(run)]


def run_costs(run: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Costs of all ways to cut a run into blocks of one or two, for each p."""
    total = np.cumsum([0, *run])
    ends = [np.cumsum([0, *cut]) for cut in all_cuts(len(run))]
    return np.array([sum((total[j] - total[i]) ** p for i, j in pairwise(e)) for e in ends])


def all_cuts(length: int) -> list[list[int]]:
    if length == 0:
        return [[]]
    cuts = [[1, *rest] for rest in all_cuts(length - 1)]
    return cuts + ([[2, *rest] for rest in all_cuts(length - 2)] if length > 1 else [])


if __name__ == "__main__":
    main()
