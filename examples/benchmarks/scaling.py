"""Time and memory of a fit over samples, features and neurons

Every fit of the first table runs in a fresh process: imports and a small fit to load what is
loaded late, then the baseline of memory, then the data, then one fit with default parameters but
for alpha = 1e-3. Fits over features and neurons make 100 gradient steps without `polish`, whose
cost is that of the weights that are left and not of the size; some fits with default parameters
stand beside them. "peak" is the process' highest resident memory minus the
baseline; it counts the data themselves, float64. Data bytes are those of X and y, model bytes
those of the parameters before training (K(d + o + 1) + o(d + 1) in float64). Where the two
together are below 50 MB, blocks of rows of a fixed size are most of the peak, and the bar is not
applied. Slopes are fitted to the logarithms of time and size over the larger half of the sizes.
Then, in this process: a path of 30 alphas and cross-validation over it against one fit, and against
`GridSearchCV` over MLPRegressors (`path.py`; its time is extrapolated from 2 of 30 alphas).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

N_SAMPLES, N_FEATURES, N_NEURONS = 1000, 10, 100
SAMPLES = (1000, 10_000, 100_000, 1_000_000)
FEATURES = (10, 100, 1000, 10_000)
NEURONS = (10, 100, 1000, 10_000)
ALPHA = 1e-3
#: Gradient steps of the fits over features and neurons.
N_STEPS = 100
#: Share of entries of the sparse data that are not zero.
DENSITY = 0.01
#: Bytes of data and model from which on the bar on memory is applied, and the bar.
MATTERS, BAR = 50e6, 3.0
#: Seconds for a fit with its process.
LIMIT = 600

Measured = dict[str, Any]


def run(recorder: Any) -> None:
    """Four tables, two figures and the checks."""
    warnings.simplefilter("ignore")
    sizes = slice(1, 3) if recorder.quick else slice(None)
    sweeps: dict[str, list[dict[str, Any]]] = {
        "samples": [{"N": n} for n in SAMPLES[sizes]],
        "features": [{"d": d, "steps": N_STEPS} for d in FEATURES[sizes]],
        "features, CSR": [{"d": d, "sparse": True, "steps": N_STEPS} for d in FEATURES[sizes]],
        "neurons": [{"K": k, "steps": N_STEPS} for k in NEURONS[sizes]],
    }
    if not recorder.quick:
        sweeps["features, default fits"] = [{"d": d} for d in FEATURES[:3]]
        sweeps["neurons, default fits"] = [{"K": k} for k in NEURONS[:3]]
    measured = {name: [_measured(one) for one in sweep] for name, sweep in sweeps.items()}
    rows = [{"over": name} | row for name, sweep in measured.items() for row in sweep]
    recorder.table("fits", [_shown(row) for row in rows], "One fit in a fresh process")
    slopes = [
        {"over": name, "slope of log time": _slope(sweep, "seconds"), "of log peak": _slope(sweep)}
        for name, sweep in measured.items()
    ]
    recorder.table("slopes", slopes, "Slopes over the larger half of the sizes")
    recorder.figure("sizes", _figure(measured), "Seconds and peak memory over size")
    recorder.check(
        "The time of a fit is linear in the samples, or less",
        f"slope {slopes[0]['slope of log time']:.2f}",
        "at most 1.05",
        slopes[0]["slope of log time"] <= 1.05,
    )
    large = [row for row in rows if row["data and model"] >= MATTERS]
    if large:
        worst = max(row["peak"] / row["data and model"] for row in large)
        recorder.check(
            "Peak memory against data and model",
            f"{worst:.2f} times, the worst of {len(large)} fits of 50 MB and more",
            f"at most {BAR:g}",
            worst <= BAR,
        )
    _paths(recorder)


def _measured(settings: dict[str, Any]) -> Measured:
    """The fit in a fresh process."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), json.dumps(settings)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The fit of {settings} failed: {done.stderr[-2000:]}")
    return settings | json.loads(done.stdout)


def _fit_here(settings: dict[str, Any]) -> Measured:
    """Measure one fit in this process, and nothing else before."""
    import torch

    from sklearn_lpnet import LpReLURegressor

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    n, d = settings.get("N", N_SAMPLES), settings.get("d", N_FEATURES)
    n_neurons = settings.get("K", N_NEURONS)
    rng = np.random.default_rng(0)
    model = LpReLURegressor(alpha=ALPHA, n_neurons=n_neurons, random_state=0)
    if "steps" in settings:
        model.set_params(max_iter=settings["steps"], polish=False)
    sparse = settings.get("sparse", False)
    model.fit(*_data(rng, 200, 10, sparse))
    baseline = _resident()
    X, y = _data(rng, n, d, sparse)
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - baseline
    arrays = [X.data, X.indices, X.indptr, y] if sparse else [X, y]
    data = sum(array.nbytes for array in arrays)
    return {
        "seconds": seconds,
        "peak": peak,
        "data and model": data + 8 * (n_neurons * (d + 2) + d + 1),
        "weights": model.n_nonzero_weights_,
        "score": model.score(X[:1000], y[:1000]),
    }


def _data(rng: np.random.Generator, n: int, d: int, sparse: bool) -> tuple[Any, np.ndarray]:
    """Labels that five features explain; made without copies of X."""
    if sparse:
        X = sp.random(n, d, density=DENSITY, format="csr", random_state=0)
        columns = X[:, :5].toarray()
    else:
        X = rng.random((n, d))
        columns = X[:, :5]
    y = np.maximum(columns[:, 0] - columns[:, 1], 0) + np.abs(columns[:, 2] - 0.5)
    y += columns[:, 3] + 0.1 * rng.standard_normal(n)
    return X, y


def _resident() -> int:
    """Resident bytes now; the highest so far where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize()


def _shown(row: Measured) -> Measured:
    return {
        "over": row["over"],
        "N": row.get("N", N_SAMPLES),
        "d": row.get("d", N_FEATURES),
        "K": row.get("K", N_NEURONS),
        "seconds": row["seconds"],
        "peak, MB": row["peak"] / 1e6,
        "data and model, MB": row["data and model"] / 1e6,
        "ratio": row["peak"] / row["data and model"],
        "weights": row["weights"],
        "R²": row["score"],
    }


def _size(row: Measured) -> int:
    return next(int(row[name]) for name in ("N", "d", "K") if name in row)


def _slope(sweep: list[Measured], what: str = "peak") -> float:
    half = sweep[len(sweep) // 2 :] if len(sweep) > 3 else sweep[-2:]
    sizes = np.log([_size(row) for row in half])
    return float(np.polyfit(sizes, np.log([max(row[what], 1e-9) for row in half]), 1)[0])


def _figure(measured: dict[str, list[Measured]]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    both = figure.subplots(1, 2)
    for axes, what, unit in zip(both, ("seconds", "peak"), (1, 1e6), strict=True):
        for name, sweep in measured.items():
            sizes = [_size(row) for row in sweep]
            axes.loglog(sizes, [row[what] / unit for row in sweep], "o-", label=name)
        axes.set(xlabel="size", ylabel="seconds" if unit == 1 else "peak memory, MB")
        axes.legend(fontsize=7)
    return figure


def _paths(recorder: Any) -> None:
    from path import N_ALPHAS, path_times, search_times

    names = ("diabetes",) if recorder.quick else ("friedman1", "concrete", "diabetes")
    rows = []
    for name in names:
        fit, path, _ = path_times(name, 1 if recorder.quick else 3)
        cv, _, search, _ = search_times(name, quick=True, n_jobs=1, repeats=1)
        rows.append(
            {
                "data": name,
                "fit, s": fit,
                f"path of {N_ALPHAS}, s": path,
                "path / fit": path / fit,
                "CV, s": cv,
                "CV / fit": cv / fit,
                "GridSearchCV(MLP), s": search,
                "GridSearchCV / CV": search / cv,
            }
        )
    recorder.table("paths", rows, "Paths and cross-validation")
    worst = max(row["path / fit"] for row in rows)
    recorder.check(
        f"A path of {N_ALPHAS} alphas costs a few fits",
        f"{worst:.1f} fits at most",
        "at most 3",
        worst <= 3,
    )


if __name__ == "__main__":
    print(json.dumps(_fit_here(json.loads(sys.argv[1]))))
