"""What is found where there is nothing to find: noise, straight lines, labels drawn at random.

    python examples/benchmarks/null.py [--draws 20] [--quick] [estimator ...]

For every case some draws of data. A draw is right if the network is the constant (for noise and
random labels), or a linear function of exactly the features that count (for linear truths): no
bend, no other feature. Beside the estimators of the package stand scikit-learn's linear models with
an ℓ1 penalty, which cannot bend and are right if their nonzero coefficients are. Columns are shares
of draws that are right; a share of 95% of 20 draws has a standard error of 5%.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LassoCV, LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
)

Draw = tuple[np.ndarray, np.ndarray, set[int]]


class Case(NamedTuple):
    """A kind of data: its name, whether its targets are classes, and how a draw is made."""

    name: str
    classes: bool
    draw: Callable[[np.random.Generator], Draw]


def noise(n: int, d: int) -> Case:
    def draw(rng: np.random.Generator) -> Draw:
        return rng.standard_normal((n, d)), rng.standard_normal(n), set()

    return Case(f"noise, N={n}, d={d}", False, draw)


def linear(n: int, d: int, level: float) -> Case:
    """y = x0, or x0 − 2 x1, with noise of `level` standard deviations of it."""

    def draw(rng: np.random.Generator) -> Draw:
        X = rng.standard_normal((n, d))
        truth = X[:, 0] - 2 * X[:, 1] if d > 1 else X[:, 0]
        y = truth + level * truth.std() * rng.standard_normal(n)
        return X, y, {0, 1} if d > 1 else {0}

    return Case(f"linear, N={n}, d={d}, noise {level:g}", False, draw)


def labels(n: int, d: int, *shares: float) -> Case:
    def draw(rng: np.random.Generator) -> Draw:
        y = rng.choice(len(shares), size=n, p=shares)
        y[: len(shares)] = np.arange(len(shares))
        return rng.standard_normal((n, d)), y, set()

    text = "/".join(f"{share:.0%}" for share in shares)
    return Case(f"labels {text}, N={n}, d={d}", True, draw)


QUICK = [
    noise(100, 5),
    noise(300, 30),
    linear(147, 1, 1.0),
    linear(300, 8, 1.0),
    labels(300, 10, 0.5, 0.5),
    labels(300, 10, 0.95, 0.05),
]
CASES = [
    *(noise(n, d) for n in (30, 100, 300, 1000, 5000) for d in (1, 5, 30, 200)),
    *(linear(n, 1, level) for n in (30, 147, 1000) for level in (0.01, 0.3, 1.0, 3.0)),
    *(linear(n, 8, level) for n in (300, 1000) for level in (0.01, 0.3, 1.0, 3.0)),
    *(
        labels(n, 10, *shares)
        for n in (300, 1000)
        for shares in ((0.5, 0.5), (0.95, 0.05), (0.34, 0.33, 0.33), (0.9, 0.05, 0.05))
    ),
]


def right(model: Any, features: set[int]) -> bool:
    """Whether a fitted model is linear in exactly these features."""
    if hasattr(model, "network_"):
        network = model.network_
        return network.n_active_neurons == 0 and set(network.used_features.tolist()) == features
    nonzero = np.atleast_2d(model[-1].coef_).any(axis=0)
    return set(np.flatnonzero(nonzero).tolist()) == features


REGRESSORS: dict[str, Callable[[int], Any]] = {
    "LpReLU": lambda seed: LpReLURegressor(random_state=seed),
    "LpReLU CV": lambda seed: LpReLURegressorCV(random_state=seed),
    "ℓ1 CV": lambda _: make_pipeline(StandardScaler(), LassoCV()),
}
CLASSIFIERS: dict[str, Callable[[int], Any]] = {
    "LpReLU": lambda seed: LpReLUClassifier(random_state=seed),
    "LpReLU CV": lambda seed: LpReLUClassifierCV(random_state=seed),
    "ℓ1 CV": lambda _: make_pipeline(
        StandardScaler(), LogisticRegressionCV(penalty="l1", solver="saga", max_iter=1000)
    ),
}


def shares(case: Case, names: list[str], n_draws: int) -> Iterator[float]:
    """Share of draws that each estimator is right about."""
    for name in names:
        make = (CLASSIFIERS if case.classes else REGRESSORS)[name]
        outcomes = []
        for seed in range(n_draws):
            X, y, features = case.draw(np.random.default_rng([seed, 20]))
            outcomes.append(right(make(seed).fit(X, y), features))
        yield float(np.mean(outcomes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_RAW)
    parser.add_argument("names", nargs="*", default=list(REGRESSORS), help="estimators")
    parser.add_argument("--draws", type=int, default=20, help="draws a case")
    parser.add_argument("--quick", action="store_true", help="six cases alone")
    arguments = parser.parse_args()
    print(f"| case | {' | '.join(arguments.names)} | s |")
    print("|---" * (len(arguments.names) + 2) + "|")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in QUICK if arguments.quick else CASES:
            start = time.perf_counter()
            cells = [f"{one:.0%}" for one in shares(case, arguments.names, arguments.draws)]
            seconds = time.perf_counter() - start
            print(f"| {case.name} | {' | '.join(cells)} | {seconds:.0f} |", flush=True)


_RAW = argparse.RawDescriptionHelpFormatter

if __name__ == "__main__":
    main()
