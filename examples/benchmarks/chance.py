"""What is left to chance: LpReLURegressorCV on the regression suite with other random states.

The splits are those of the suite, and so are the results of the others, which are read from
docs/benchmarks: run `run.py regression` first. To the random state of a fit, the number of its
split, 0, 100, 200 and so on are added.

    python examples/benchmarks/chance.py [--states N] [--jobs N]
"""

from __future__ import annotations

import os

# Before anything is imported that starts threads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import REGRESSION
from joblib import Parallel, delayed
from peers import LASSO_NET, MLP, OURS, REGRESSORS
from worker import split

RESULTS = Path(__file__).parents[2] / "docs/benchmarks/regression_all.csv"
MEASURES = ["score", "weights", "features"]
SPLITS = (0, 1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--states", type=int, default=3, help="random states for each split")
    parser.add_argument("--jobs", type=int, default=2, help="fits side by side")
    arguments = parser.parse_args()
    tasks = [
        (name, seed, 100 * state)
        for state in range(arguments.states)
        for seed in SPLITS
        for name in REGRESSION
    ]
    fits = pd.DataFrame(Parallel(arguments.jobs)(delayed(fitted)(*task) for task in tasks))
    others = pd.read_csv(RESULTS)
    others = others[others["split"].isin(SPLITS)]
    dense, lasso_net = (
        others[others["method"] == name].groupby("data")[MEASURES].mean()
        for name in (MLP, LASSO_NET)
    )
    print("Means of three splits. LN: tables where R² is no less than LassoNet's.")
    print("| random states | R² less MLP's | MLP's weights / its | LN | and no more features |")
    print("|---|---|---|---|---|")
    for state, rows in [*fits.groupby("state"), ("the mean of all", fits)]:
        print(row_of(state, rows.groupby("data")[MEASURES].mean(), dense, lasso_net))
    by_state = fits.groupby(["data", "state"])["score"].mean().unstack()
    print("\nDeviation of R², means of three splits, between random states:")
    print(by_state.std(axis=1).sort_values(ascending=False).round(4).to_string())


def fitted(name: str, seed: int, state: int) -> dict[str, object]:
    """R², weights and features of one fit."""
    X_train, X_test, y_train, y_test = split(name, seed)
    method = REGRESSORS[OURS]
    model = method.build(seed + state).fit(X_train, y_train)
    sizes = {"weights": method.n_weights(model), "features": len(method.features(model))}
    score = model.score(X_test, y_test)
    return {"data": name, "split": seed, "state": state, "score": score, **sizes}


def row_of(state: object, means: pd.DataFrame, dense: pd.DataFrame, lasso_net: pd.DataFrame) -> str:
    """The comparisons of the suite, for means over the splits."""
    difference = (means["score"] - dense["score"]).mean()
    ratio = np.exp(np.log(dense["weights"] / means["weights"].clip(lower=1)).mean())
    as_good = means["score"] >= lasso_net["score"]
    as_small = means["features"] <= lasso_net["features"]
    counts = f"{as_good.sum()} of {len(means)} | {(as_good & as_small).sum()} of {len(means)}"
    return f"| {state} | {difference:+.4f} | {ratio:.1f} | {counts} |"


if __name__ == "__main__":
    main()
