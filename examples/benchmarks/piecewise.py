"""One feature: piecewise-linear functions, exact and noisy

Exact: labels without noise are interpolated with ``alpha=0``, whose univariate solver finds a
global optimum; splineops' `sparsest_interpolant` is the peer, with 1e-9 of the greatest slope
change as its tolerance. p = 0 counts knots; the cost is the sum of the slope changes to the power
0.5.

Noisy: the truth is a random continuous piecewise-linear function with 2 to 6 breaks, at least
0.05 apart on [0, 1], slopes standard normal, deviation 1; noise is 5 to 20% of that; x uniform.
There are five data sets of 100 and of 1,000 samples, three of 10,000 and two of 100,000.
The error is the root mean square over a grid of 2001 points between the fit and the truth. Ours
are told nothing. pwlf and piecewise-regression are told the true number of breaks, and once more
two too many; splineops' denoising is given the one of 10 strengths that is best against the truth.
Peers are fitted in a process of their own, and a fit over the limit (60 s, or less by `--limit`)
ends it: the method is then left out for the other seeds of that size and for larger ones. Ratios
of errors to those of pwlf are over the cases in which it has ended in time; its time in a case in
which it has not counts as the limit.
"""

from __future__ import annotations

import multiprocessing
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from univariate import convex, exponential, noise, random_walk, steps, tolerance

from sklearn_lpnet import LpReLURegressor, LpReLURegressorCV
from sklearn_lpnet.theory import min_path_norm_interpolant

#: Points at which errors are measured.
GRID = np.linspace(0, 1, 2001)
#: Seeds for each number of noisy samples.
N_SEEDS = {100: 5, 1000: 5, 10_000: 3, 100_000: 2}
#: Seconds that one noisy fit of a peer may take, if the limit is not shorter.
NOISY_LIMIT = 60
EXACT_SIZES = (10, 100, 1000, 10_000, 100_000)
#: Knots that some peers are told on top of the true ones.
TOO_MANY = 2
#: Seconds for a peer's process to start.
START = 120
CHECKED, BY_FOLDS = "LpReLURegressor", "LpReLURegressorCV"

Fit = dict[str, Any]


def run(recorder: Any) -> None:
    """Tables and checks of both parts."""
    warnings.simplefilter("ignore")
    _exact(recorder)
    n_seeds = {100: 1} if recorder.quick else N_SEEDS
    limit = min(recorder.limit, 10.0 if recorder.quick else NOISY_LIMIT)
    fits = _noisy(recorder, n_seeds, limit)
    sizes = tuple(n_seeds)
    recorder.table("noisy", _summary(fits, limit), "Noisy labels, medians over the seeds")
    recorder.data("noisy_fits", fits, "Every fit")
    _checks(recorder, fits, sizes)
    recorder.figure("errors", _figure(fits, sizes), "Error to the truth, medians")


def random_truth(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of the breaks, ends included; the function has deviation 1."""
    n_breaks = int(rng.integers(2, 7))
    while True:
        x = np.concatenate([[0], np.sort(rng.uniform(0, 1, n_breaks)), [1]])
        if np.diff(x).min() > 0.05:
            break
    y = np.append(0, np.cumsum(rng.standard_normal(n_breaks + 1) * np.diff(x)))
    return x, y / np.interp(GRID, x, y).std()


def noisy_data(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """x, y, the truth on the grid, and its number of breaks."""
    rng = np.random.default_rng([n, seed])
    truth = random_truth(rng)
    deviation = rng.uniform(0.05, 0.2)
    x = rng.uniform(0, 1, n)
    y = np.interp(x, *truth) + deviation * rng.standard_normal(n)
    return x, y, np.interp(GRID, *truth), len(truth[0]) - 2


def _exact(recorder: Any) -> None:
    from splineops.adaptive_regression_splines.sparsification import sparsest_interpolant

    rows = []
    sizes = EXACT_SIZES[:3] if recorder.quick else EXACT_SIZES
    for generate in (random_walk, noise, convex, exponential, steps):
        for n in sizes:
            x, y = generate(n)
            seconds, sparsest = _best_of(3, lambda: min_path_norm_interpolant(x, y, 0))  # noqa: B023
            cheapest = min_path_norm_interpolant(x, y, 0.5)
            their_seconds, spline = _best_of(
                3,
                lambda: sparsest_interpolant(x, y, tolerance(x, y)),  # noqa: B023
            )
            rows.append(
                {
                    "data": generate.__name__,
                    "N": n,
                    "knots": sparsest.n_knots,
                    "splineops: knots": len(spline[0]),
                    "cost, p = 0.5": cheapest.cost,
                    "splineops: cost": float(np.sqrt(np.abs(spline[1])).sum()),
                    "ms": 1e3 * seconds,
                    "splineops: ms": 1e3 * their_seconds,
                }
            )
    recorder.table("exact", rows, "Labels without noise, interpolated: ours and splineops")
    no_more = sum(row["knots"] <= row["splineops: knots"] for row in rows)
    recorder.check(
        "Exact interpolation needs no more knots than splineops' sparsest spline",
        f"{no_more} of {len(rows)} data sets",
        "all",
        no_more == len(rows),
    )
    no_more = sum(
        row["cost, p = 0.5"] <= row["splineops: cost"] * (1 + 1e-9)  # type: ignore[operator]
        for row in rows
    )
    recorder.check(
        "Nor has it a larger cost at p = 0.5",
        f"{no_more} of {len(rows)} data sets",
        "all",
        no_more == len(rows),
    )


def _noisy(recorder: Any, n_seeds: dict[int, int], limit: float) -> list[Fit]:
    """One row for every fit."""
    fits: list[Fit] = []
    over: set[str] = set()
    for method in OURS.values():
        method(*noisy_data(100, 10)[:2])
    with _OtherProcess() as other:
        for n, end in n_seeds.items():
            for seed in range(end):
                x, y, truth, n_breaks = noisy_data(n, seed)
                case = {"N": n, "seed": seed, "true knots": n_breaks}
                for name, method in OURS.items():
                    fits.append(case | {"method": name} | _scored(method(x, y), truth))
                for name, (method, extra) in PEERS.items():
                    if name in over:
                        continue
                    arguments = truth if method is splineops_denoised else n_breaks + extra
                    fitted = other.fit(method, x, y, arguments, limit=limit)
                    if fitted.get("over"):
                        over.add(name)
                    fits.append(case | {"method": name} | _scored(fitted, truth))
                print(f"N = {n:,}, seed {seed}: {_line(fits, case)}", flush=True)
    for fit in fits:
        if "failure" in fit:
            recorder.note(
                f"{fit['method']}, N = {fit['N']:,}, seed {fit['seed']}: {fit['failure']}"
            )
    return fits


def _line(fits: list[Fit], case: Fit) -> str:
    of_case = [fit for fit in fits if fit | case == fit]
    return "; ".join(
        f"{fit['method']} {fit['error']:.2g}, {fit['knots']} knots, {fit['seconds']:.2g} s"
        if "error" in fit
        else f"{fit['method']} {fit['failure']}"
        for fit in of_case
    )


def _ours(kind: Any, **params: Any) -> Callable[..., Fit]:
    def fit(x: np.ndarray, y: np.ndarray) -> Fit:
        start = time.perf_counter()
        model = kind(skip_connection=True, random_state=0, **params).fit(x[:, None], y)
        seconds = time.perf_counter() - start
        values = model.predict(GRID[:, None])
        return {"values": values, "knots": model.n_active_neurons_, "seconds": seconds}

    return fit


def pwlf_fit(x: np.ndarray, y: np.ndarray, n_breaks: int, *, search: str = "fit") -> Fit:
    """Search over the breaks: "fit" by differential evolution, "fitfast" from several starts."""
    import pwlf

    start = time.perf_counter()
    model = pwlf.PiecewiseLinFit(x, y, seed=0)
    getattr(model, search)(n_breaks + 1)
    seconds = time.perf_counter() - start
    return {"values": model.predict(GRID), "knots": n_breaks, "seconds": seconds}


def piecewise_regression_fit(x: np.ndarray, y: np.ndarray, n_breaks: int) -> Fit:
    """Muggeo's iteration, with its bootstrap restarts."""
    import piecewise_regression

    np.random.seed(0)  # noqa: NPY002
    start = time.perf_counter()
    model = piecewise_regression.Fit(x, y, n_breakpoints=n_breaks)
    seconds = time.perf_counter() - start
    if not model.best_muggeo:
        return {"failure": "did not converge"}
    return {"values": model.predict(GRID), "knots": n_breaks, "seconds": seconds}


def splineops_denoised(x: np.ndarray, y: np.ndarray, truth: np.ndarray) -> Fit:
    """Denoising at the best of 10 strengths, and the sparsest spline through the result."""
    from splineops.adaptive_regression_splines import denoising, sparsification

    start = time.perf_counter()
    order = np.argsort(x)
    x, y = x[order], y[order]
    strongest, _ = denoising._lambda_max(x, y)
    strengths = strongest * np.geomspace(1, 1e-4, 10)
    paths = denoising.DenoisingPlan(x).solve_path(y, strengths, max_iter=1000)
    values = np.array([np.interp(GRID, x, path) for path in paths])
    best = int(np.mean((values - truth) ** 2, axis=1).argmin())
    knots = len(sparsification.sparsest_interpolant(x, paths[best], 1e-5)[0])
    return {"values": values[best], "knots": knots, "seconds": time.perf_counter() - start}


OURS = {
    CHECKED: _ours(LpReLURegressor),
    BY_FOLDS: _ours(LpReLURegressorCV),
    f"{BY_FOLDS}, bic": _ours(LpReLURegressorCV, selection="bic"),
}
TOLD, TOLD_FAST = "pwlf, told", "pwlf fitfast, told"
pwlf_fitfast = partial(pwlf_fit, search="fitfast")
# The slowest is the last: where it is over the limit, no other process has to be started.
PEERS = {
    TOLD_FAST: (pwlf_fitfast, 0),
    f"pwlf fitfast, told {TOO_MANY} more": (pwlf_fitfast, TOO_MANY),
    "piecewise-regression, told": (piecewise_regression_fit, 0),
    "splineops denoised": (splineops_denoised, 0),
    TOLD: (pwlf_fit, 0),
}


class _OtherProcess:
    """A process for one fit after the other, which ends when a fit takes too long."""

    def __enter__(self) -> _OtherProcess:
        self._pool: Any = None
        return self

    def __exit__(self, *exception: object) -> None:
        if self._pool is not None:
            self._pool.terminate()

    def fit(self, method: Callable[..., Fit], *arguments: Any, limit: float) -> Fit:
        if self._pool is None:
            self._pool = multiprocessing.get_context("spawn").Pool(1)
            self._pool.apply_async(_imported).get(START)
        try:
            return self._pool.apply_async(_quietly, (method, *arguments)).get(limit)
        except multiprocessing.TimeoutError:
            self._pool.terminate()
            self._pool = None
            return {"failure": f"over {limit:g} s", "over": limit}
        except Exception as error:
            return {"failure": f"{type(error).__name__}: {error}"[:200]}


def _imported() -> None:
    import piecewise_regression  # noqa: F401
    import pwlf  # noqa: F401
    import splineops  # noqa: F401


def _quietly(method: Callable[..., Fit], *arguments: Any) -> Fit:
    warnings.simplefilter("ignore")
    return method(*arguments)


def _scored(fitted: Fit, truth: np.ndarray) -> Fit:
    if "failure" in fitted:
        return {key: fitted[key] for key in ("failure", "over") if key in fitted}
    error = float(np.sqrt(np.mean((fitted["values"] - truth) ** 2)))
    return {"error": error, "knots": int(fitted["knots"]), "seconds": float(fitted["seconds"])}


def _best_of(repeats: int, call: Callable[[], Any]) -> tuple[float, Any]:
    seconds = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        seconds = min(seconds, time.perf_counter() - start)
    return float(seconds), result


def _summary(fits: list[Fit], limit: float) -> list[Fit]:
    rows = []
    for n, name in dict.fromkeys((fit["N"], fit["method"]) for fit in fits):
        all_of_it = [fit for fit in fits if (fit["N"], fit["method"]) == (n, name)]
        done = [fit for fit in all_of_it if "error" in fit]
        row = {"N": n, "method": name, "fits": len(done)}
        if done:
            row |= {
                "error": float(np.median([fit["error"] for fit in done])),
                "knots": float(np.median([fit["knots"] for fit in done])),
                "true number": f"{sum(fit['knots'] == fit['true knots'] for fit in done)} times",
                "seconds": float(np.median([fit["seconds"] for fit in done])),
            }
        else:
            row |= {"error": None, "knots": None, "true number": all_of_it[0]["failure"]}
        rows.append(row)
    return rows


def _checks(recorder: Any, fits: list[Fit], sizes: tuple[int, ...]) -> None:
    by_case = {(fit["N"], fit["seed"], fit["method"]): fit for fit in fits if "error" in fit}
    rows = []
    for peer in (TOLD, TOLD_FAST):
        ratios = {}
        for name in OURS:
            pairs = [
                (n, by_case[n, seed, name], fit)
                for (n, seed, method), fit in by_case.items()
                if method == peer
            ]
            errors = {n: [a["error"] / b["error"] for m, a, b in pairs if m == n] for n in sizes}
            times = [a["seconds"] / b["seconds"] for _, a, b in pairs]
            times += [
                by_case[fit["N"], fit["seed"], name]["seconds"] / fit["over"]
                for fit in fits
                if fit["method"] == peer and "over" in fit
            ]
            row: Fit = {"against": peer, "method": name, "cases": len(pairs)}
            row |= {f"N = {n:,}": _geometric_mean(errors[n]) for n in sizes}
            row["all"] = _geometric_mean(np.concatenate(list(errors.values())))
            row["time"] = _geometric_mean(times)
            ratios[name] = row
        rows += ratios.values()
        if not ratios[CHECKED]["cases"]:
            recorder.note(f"No fit of {peer} has ended in time.")
            continue
        recorder.check(
            f"{CHECKED} is as close to the truth as {peer} the number of breaks",
            f"{ratios[CHECKED]['all']:.2f} of its error, geometric mean of "
            f"{ratios[CHECKED]['cases']} cases",
            "at most 1",
            ratios[CHECKED]["all"] <= 1,
        )
        recorder.check(
            f"{CHECKED} takes half the time of {peer}, or less",
            f"{ratios[CHECKED]['time']:.2f} of its time, geometric mean",
            "at most 0.5",
            ratios[CHECKED]["time"] <= 0.5,
        )
    recorder.table("ratios", rows, "Error and time over those of pwlf, geometric means")


def _geometric_mean(values: Any) -> float:
    return float(np.exp(np.mean(np.log(values)))) if len(values) else float("nan")


def _figure(fits: list[Fit], sizes: tuple[int, ...]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    for name in (*OURS, *PEERS):
        medians = [
            (
                n,
                np.median(
                    [
                        f["error"]
                        for f in fits
                        if f["N"] == n and f["method"] == name and "error" in f
                    ]
                ),
            )
            for n in sizes
            if any(f["N"] == n and f["method"] == name and "error" in f for f in fits)
        ]
        if medians:
            axes.loglog(*zip(*medians, strict=True), "o-" if name in OURS else "s--", label=name)
    axes.set(xlabel="samples", ylabel="error to the truth")
    axes.legend(fontsize=7)
    return figure
