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

import pandas as pd
from datasets import REGRESSION
from joblib import Parallel, delayed
from peers import LASSO_NET, MLP, OURS, REGRESSORS
from regression import no_less_accurate, reads_no_more
from reporting import Recorder
from tabular import N_SPLITS, Comparison
from worker import split

RESULTS = Path(__file__).parents[2] / "docs/benchmarks"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--states", type=int, default=3, help="random states for each split")
    parser.add_argument("--jobs", type=int, default=2, help="fits side by side")
    arguments = parser.parse_args()
    tasks = [
        (name, seed, 100 * state)
        for state in range(arguments.states)
        for seed in range(N_SPLITS)
        for name in REGRESSION
    ]
    fits = pd.DataFrame(Parallel(arguments.jobs)(delayed(fitted)(*task) for task in tasks))
    others = [
        row
        for row in Recorder("regression", RESULTS).earlier_data("all")
        if row["method"] in (MLP, LASSO_NET)
    ]
    print("Means of three splits. LN: tables where R² is no less than LassoNet's.")
    print("| random states | R² less MLP's | MLP's weights / its | LN | and no more features |")
    print("|---|---|---|---|---|")
    for state, rows in [*fits.groupby("state"), ("the mean of all", fits)]:
        means = rows.groupby(["data", "split", "method"]).mean().reset_index()
        print(row_of(state, compared([*means.to_dict("records"), *others])))
    by_state = fits.groupby(["data", "state"])["score"].mean().unstack()
    print("\nDeviation of R², means of three splits, between random states:")
    print(by_state.std(axis=1).sort_values(ascending=False).round(4).to_string())


def fitted(name: str, seed: int, state: int) -> dict[str, object]:
    """R², weights and features of one fit."""
    X_train, X_test, y_train, y_test = split(name, seed)
    method = REGRESSORS[OURS]
    model = method.build(seed + state).fit(X_train, y_train)
    return {
        "data": name,
        "split": seed,
        "method": OURS,
        "state": state,
        "score": model.score(X_test, y_test),
        "weights": method.n_weights(model),
        "features": len(method.features(model)),
    }


def compared(rows: list[dict[str, object]]) -> Comparison:
    """The means over the splits."""
    names = list(dict.fromkeys(str(row["data"]) for row in rows))
    return Comparison.of(rows, names, [OURS, MLP, LASSO_NET], "R²")


def row_of(state: object, comparison: Comparison) -> str:
    """The comparisons of the suite."""
    difference = comparison.difference(OURS, MLP)
    ratio = 1 / comparison.ratio("weights", OURS, MLP)
    as_good = no_less_accurate(comparison)
    as_small = reads_no_more(comparison)
    counts = f"{as_good.sum()} of {len(as_good)} | {(as_good & as_small).sum()} of {len(as_good)}"
    return f"| {state} | {difference:+.4f} | {ratio:.1f} | {counts} |"


if __name__ == "__main__":
    main()
