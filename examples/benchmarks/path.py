"""What a regularization path costs, and cross-validation against a grid search.

    python examples/benchmarks/path.py [--quick] [--jobs N] [data set ...]

First, for every data set: a default fit; a path of 30 alphas; their ratio, which should be 3 at
most; and how many alphas' networks have an objective that a single fit at the same alpha
undercuts by more than 1%, for five alphas of the grid. Then, for the regression data sets,
LpReLURegressorCV with its 30 alphas and 5 folds against GridSearchCV over 30 values of the
MLPRegressor's alpha and the same folds, both 100 neurons wide, with the same number of jobs.
The search should take at least 20 times as long. Times are the best of three, that of the search
is one run. With --quick the search has 2 values of alpha, and its time is multiplied by 15.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from datasets import DATASETS
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import LpReLUClassifier, LpReLURegressor, LpReLURegressorCV, lp_path
from sklearn_lpnet.selection.path import LpPath

NAMES = ("friedman1", "concrete", "boston", "diabetes", "breast_cancer", "wine", "digits")
N_ALPHAS, N_FOLDS, N_COMPARED = 30, 5, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_RAW)
    parser.add_argument("names", nargs="*", default=list(NAMES), help="data sets")
    parser.add_argument("--quick", action="store_true", help="2 of the search's 30 alphas")
    parser.add_argument("--jobs", type=int, default=1, help="processes of either search")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    _warm_up()
    print("| data | fit, s | path, s | ratio | single fits with a lower objective | by at most |")
    print("|---|---|---|---|---|---|")
    for name in arguments.names:
        print(f"| {name} | {cost_of_a_path(name)} |", flush=True)
    print("\n| data | ours, s | score | weights | search, s | score | weights | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for name in arguments.names:
        if DATASETS[name].task == "regression":
            row = against_grid_search(name, arguments.quick, arguments.jobs)
            print(f"| {name} | {row} |", flush=True)


def cost_of_a_path(name: str) -> str:
    """Time of a path over that of a fit, and how its objectives compare."""
    fit, path, record = path_times(name)
    X, _, y, _ = _split(name)
    kind = _kind(name)
    excess = []
    for i in np.linspace(0, N_ALPHAS - 1, N_COMPARED + 2).astype(int)[1:-1]:
        single = kind(alpha=record.alphas[i], random_state=0).fit(X, y)
        excess.append(record.objectives[i] / single.objective_ - 1)
    lower = sum(value > 0.01 for value in excess)
    return (
        f"{fit:.2f} | {path:.2f} | {path / fit:.2f} | {lower} of {N_COMPARED} | {max(excess):+.1%}"
    )


def path_times(name: str, repeats: int = 3) -> tuple[float, float, LpPath]:
    """Seconds of a fit and of a path, the best of several, and the path."""
    X, _, y, _ = _split(name)
    model = _kind(name)(random_state=0)
    fit, path = np.inf, np.inf
    for _ in range(repeats):
        fit = min(fit, _seconds(lambda: model.fit(X, y))[0])
        seconds, record = _seconds(lambda: lp_path(X, y, estimator=model, n_alphas=N_ALPHAS))
        path = min(path, seconds)
    return fit, path, record


def against_grid_search(name: str, quick: bool, n_jobs: int) -> str:
    """Times, test scores and weights of our cross-validation and of a grid search over MLPs."""
    _, X_test, _, y_test = _split(name)
    our_time, ours, search_time, search = search_times(name, quick, n_jobs)
    weights = sum(matrix.size for matrix in search.best_estimator_[-1].coefs_)
    return (
        f"{our_time:.2f} | {ours.score(X_test, y_test):.3f} | {ours.n_nonzero_weights_} | "
        f"{search_time:.1f} | {search.score(X_test, y_test):.3f} | {weights:,} | "
        f"{search_time / our_time:.0f}"
    )


def search_times(
    name: str, quick: bool, n_jobs: int, repeats: int = 3
) -> tuple[float, LpReLURegressorCV, float, GridSearchCV]:
    """Our cross-validation and a grid search over MLPs, fitted, each after its seconds."""
    X, _, y, _ = _split(name)
    folds = KFold(N_FOLDS)
    ours = LpReLURegressorCV(n_alphas=N_ALPHAS, cv=folds, n_jobs=n_jobs, random_state=0)
    our_time = min(_seconds(lambda: ours.fit(X, y))[0] for _ in range(repeats))
    alphas = np.geomspace(1e-5, 1e1, N_ALPHAS)
    times = 1
    if quick:
        alphas, times = alphas[[9, 19]], N_ALPHAS // 2
    mlp = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(100,), random_state=0))
    search = GridSearchCV(mlp, {"mlpregressor__alpha": alphas}, cv=folds, n_jobs=n_jobs)
    search_time = times * _seconds(lambda: search.fit(X, y))[0]
    return our_time, ours, search_time, search


def _split(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    X, y, _ = DATASETS[name].load()
    if DATASETS[name].task == "regression":
        y = (y - y.mean()) / y.std()
    return train_test_split(X, y, test_size=0.25, random_state=0)


def _kind(name: str) -> type[LpReLURegressor] | type[LpReLUClassifier]:
    return LpReLURegressor if DATASETS[name].task == "regression" else LpReLUClassifier


def _seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def _warm_up() -> None:
    """Import PyTorch and start its threads before anything is timed."""
    X, _, y, _ = _split("wine")
    LpReLUClassifier(max_iter=20).fit(X, y)


_RAW = argparse.RawDescriptionHelpFormatter

if __name__ == "__main__":
    main()
