"""Sparse networks against dense ones of the same width, on real and synthetic tables.

    python examples/benchmarks/tables.py [--quick | --brief] [--no-polish] [data set ...]

For every data set: five splits 75/25 (seeds 0 to 4), inputs standardised; scikit-learn's
MLP of 100 neurons with its own stopping rule; our estimator with the parameters stated (all
else at its default), and with no argument at all. Fits alternate in one process, and the times
are medians over the splits. Weights are the nonzero numbers of all layers and of the linear part,
biases apart, of both. Then what the objective still has to give: F at the default
number of iterations over F at ten times as many, and the best score over a grid of alpha. Between
the two, the six points of the paper's peak and plateau over 20 seeds.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
from datasets import DATASETS
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import LpReLUClassifier, LpReLURegressor

#: Parameters for each data set, with polish and, for gradient training alone, the alpha.
PARAMETERS: dict[str, dict[str, float]] = {
    "friedman1": {"alpha": 1e-3},
    "concrete": {"alpha": 1.5e-3},
    "diamonds": {"alpha": 1.2e-4},
    "boston": {"alpha": 2e-3},
    "diabetes": {"alpha": 1e-2},
    "digits": {"alpha": 2e-4, "p": 1.0},
    "breast_cancer": {"alpha": 3e-3},
    "wine": {"alpha": 1e-3},
}
UNPOLISHED_ALPHAS = {
    "friedman1": 1e-3,
    "concrete": 1e-3,
    "diamonds": 7e-5,
    "boston": 1e-3,
    "diabetes": 1e-2,
    "digits": 7e-5,
    "breast_cancer": 1e-3,
    "wine": 1e-3,
}
#: Default iterations on full batches and on mini-batches.
N_ITER, N_ITER_LARGE, LARGE = 600, 4000, 4096
GRID = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_RAW)
    parser.add_argument("names", nargs="*", default=list(PARAMETERS), help="data sets")
    parser.add_argument("--quick", action="store_true", help="two splits, first table alone")
    parser.add_argument("--brief", action="store_true", help="the first table alone")
    parser.add_argument("--no-polish", action="store_true", help="gradient training alone")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    polish = not arguments.no_polish
    n_splits = 2 if arguments.quick else 5
    _warm_up(polish)
    rows = {name: compare(name, n_splits, polish) for name in arguments.names}
    print(f"\nMeans over {n_splits} splits, polish={polish}; times are medians.\n")
    print(
        "| data | parameters | MLP score, weights, s | score | weights | neurons | features | s "
        "| polish over training, s | default's alpha | score | weights | s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        stated = ", ".join(f"{key}={value:g}" for key, value in row["parameters"].items())
        print(
            f"| {name} | {stated} | {_peer(row['mlp'])} | {_ours(row['ours'])} "
            f"| {row['polish_over_training']:.2f} "
            f"| {row['default_alpha']:.1e} | {_ours(row['default'], brief=True)} |"
        )
    if arguments.quick or arguments.brief:
        return
    print(
        "\n| data | F at 1x | F at 10x iterations | change | best score of the grid (alpha) "
        "| default's score | short of the best by |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        once, ten = objective_left(name, n_splits, polish)
        best, best_alpha = best_on_grid(name, n_splits, polish)
        own = row["default"]["score"]
        print(
            f"| {name} | {once:.5f} | {ten:.5f} | {ten / once - 1:+.1%} "
            f"| {best:.4f} ({best_alpha:.0e}) | {own:.4f} | {best - own:.4f} |",
            flush=True,
        )


def compare(name: str, n_splits: int, polish: bool) -> dict[str, Any]:
    """Fit the peer, our estimator and its defaults on every split, in turns."""
    parameters = _parameters(name, polish)
    results: dict[str, list[dict[str, float]]] = {
        kind: [] for kind in ("mlp", "trained", "ours", "default")
    }
    chosen = []
    for seed in range(n_splits):
        split = _split(name, seed)
        results["mlp"].append(_run(_mlp(name, seed), split))
        results["trained"].append(_run(_lp(name, seed, polish=False, **parameters), split))
        results["ours"].append(_run(_lp(name, seed, polish=polish, **parameters), split))
        default = _lp(name, seed, polish=polish)
        results["default"].append(_run(default, split))
        chosen.append(default.alpha_)
    summary: dict[str, Any] = {"parameters": parameters, "default_alpha": float(np.mean(chosen))}
    for kind, runs in results.items():
        summary[kind] = {
            key: float((np.median if key == "seconds" else np.mean)([run[key] for run in runs]))
            for key in runs[0]
        }
    training = summary["trained"]["seconds"]
    summary["polish_over_training"] = summary["ours"]["seconds"] / training - 1
    print(f"{name}: {summary}", flush=True)
    return summary


def objective_left(name: str, n_splits: int, polish: bool) -> tuple[float, float]:
    """Mean F at the default number of iterations and at ten times as many."""
    values = []
    for factor in (1, 10):
        fits = []
        for seed in range(n_splits):
            X, _, y, _ = _split(name, seed)
            n_iter = factor * (N_ITER if len(y) <= LARGE else N_ITER_LARGE)
            parameters = _parameters(name, polish)
            model = _lp(name, seed, polish=polish, max_iter=n_iter, **parameters)
            fits.append(model.fit(X, y).objective_)
        values.append(float(np.mean(fits)))
    return values[0], values[1]


def best_on_grid(name: str, n_splits: int, polish: bool) -> tuple[float, float]:
    """Best mean test score over the grid of alpha."""
    scores = []
    for alpha in GRID:
        runs = [
            _run(_lp(name, seed, alpha=alpha, polish=polish), _split(name, seed))
            for seed in range(n_splits)
        ]
        scores.append(float(np.mean([run["score"] for run in runs])))
    best = int(np.argmax(scores))
    return scores[best], GRID[best]


def peak_and_plateau(polish: bool) -> None:
    """The paper's six points, where its algorithm interpolates for about half of the seeds."""
    X, y, _ = DATASETS["peak_plateau"].load()
    errors, neurons = [], []
    for seed in range(20):
        model = LpReLURegressor(p=0.4, alpha=1e-4, polish=polish, random_state=seed).fit(X, y)
        errors.append(np.mean((model.predict(X) - y) ** 2) / np.var(y))
        neurons.append(model.n_active_neurons_)
    reached = sum(error < 1e-3 for error in errors)
    print(
        f"\npeak/plateau, alpha=1e-4, p=0.4: error below 1e-3 of the variance in {reached} of 20 "
        f"seeds (largest {max(errors):.1e}); active neurons {sorted(neurons)}",
        flush=True,
    )


def _parameters(name: str, polish: bool) -> dict[str, float]:
    return PARAMETERS[name] if polish else {"alpha": UNPOLISHED_ALPHAS[name]}


def _split(name: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    X, y, _ = DATASETS[name].load()
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
    scaler = StandardScaler().fit(X_train)
    X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
    if DATASETS[name].task == "regression":
        mean, deviation = y_train.mean(), y_train.std()
        y_train, y_test = (y_train - mean) / deviation, (y_test - mean) / deviation
    return X_train, X_test, y_train, y_test


def _run(model: Any, split: tuple[np.ndarray, ...]) -> dict[str, float]:
    X_train, X_test, y_train, y_test = split
    start = time.perf_counter()
    model.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    result = {"score": model.score(X_test, y_test), "seconds": seconds}
    if hasattr(model, "network_"):
        result["weights"] = model.n_nonzero_coefs_
        result["neurons"] = model.n_active_neurons_
        result["features"] = len(model.network_.used_features)
    else:
        result["weights"] = sum(int(np.count_nonzero(matrix)) for matrix in model.coefs_)
    return result


def _mlp(name: str, seed: int) -> Any:
    peer = MLPRegressor if DATASETS[name].task == "regression" else MLPClassifier
    return peer(hidden_layer_sizes=(100,), random_state=seed)


def _lp(name: str, seed: int, **parameters: Any) -> Any:
    kind = LpReLURegressor if DATASETS[name].task == "regression" else LpReLUClassifier
    return kind(random_state=seed, **parameters)


def _warm_up(polish: bool) -> None:
    """Import PyTorch and start its threads before anything is timed."""
    X, _, y, _ = _split("wine", 0)
    LpReLUClassifier(max_iter=20, polish=polish).fit(X, y)


def _peer(row: dict[str, float]) -> str:
    return f"{row['score']:.4f}, {row['weights']:,.0f}, {row['seconds']:.2f}"


def _ours(row: dict[str, float], *, brief: bool = False) -> str:
    cells = [f"{row['score']:.4f}", f"{row['weights']:.1f}"]
    if not brief:
        cells += [f"{row['neurons']:.1f}", f"{row['features']:.1f}"]
    return " | ".join([*cells, f"{row['seconds']:.2f}"])


_RAW = argparse.RawDescriptionHelpFormatter

if __name__ == "__main__":
    main()
