"""Regression: accuracy, size and speed beside other methods.

Every data set of the regression suite (`python examples/benchmarks/datasets.py` lists them) is cut
three times into three quarters for training and a quarter for testing (seeds 0 to 2). Inputs and
targets are standardised for all methods. R² is that of the test part. Every fit has one thread, in
a process that is kept warm. A method whose first fit takes more than 12 seconds is fitted to one
split of the data set; a fit that takes longer than the limit (`--limit`, 240 s) is ended; and the
slowest peers are fitted to data sets in order of size until they have used up 360 s (LassoNet),
180 s (EBM, pruning) or 120 s (SCNN). Two fits run side by side, on a core each (`--jobs`).
Prediction is timed when all fits are over, on the whole test part, and on 10,000 rows of it,
repeated; the best of several calls counts. Two methods are compared on the splits that both have
been fitted to; a data set on which a method has no result is left out of the comparisons with that
method, and named. A slow method can be given more time in a run of its own, whose results the next
run of the others keeps: `run.py regression --methods "LassoNet CV" --limit 2400`; and with
`--splits 1,2` it is fitted to these splits, however long that takes; `--data-sets auto,boston`
names the data sets. What a weight is, and how the methods are tuned, is said in `peers.py`.
"""

import numpy as np
from datasets import REGRESSION
from peers import BOOSTING, LASSO_NET, MLP, OURS, REGRESSORS
from reporting import Recorder
from tabular import Comparison, check_dense_network, measure, report


def run(recorder: Recorder) -> None:
    comparison = measure(recorder, REGRESSION, REGRESSORS, "R²")
    check_dense_network(recorder, comparison, "LpReLURegressorCV", "MLPRegressor", 40)
    check_prediction(recorder, comparison)
    check_lasso_net(recorder, comparison)
    check_boosting(recorder, comparison)
    report(recorder, comparison)


def check_prediction(recorder: Recorder, comparison: Comparison) -> None:
    """Faster to evaluate than a dense network."""
    for measure_of, what in (
        ("batch predict µs a row", "10,000 rows at once"),
        ("predict µs a row", "the test part, of which calls are the better part"),
    ):
        faster = 1 / comparison.ratio(measure_of, OURS, MLP)
        recorder.check(
            f"prediction time of MLPRegressor over that of LpReLURegressorCV, {what}, geometric "
            "mean",
            f"{faster:.1f}{comparison.left_out(OURS, MLP)}",
            "≥ 10",
            faster >= 10,
        )


def check_lasso_net(recorder: Recorder, comparison: Comparison) -> None:
    """At least as accurate as LassoNet with no more features, and faster."""
    names = comparison.common(OURS, LASSO_NET)
    left_out = comparison.left_out(OURS, LASSO_NET)
    no_larger = reads_no_more(comparison)
    as_good = no_less_accurate(comparison) & no_larger
    nearly = no_less_accurate(comparison, but_for=0.005) & no_larger
    recorder.check(
        "data sets where LpReLURegressorCV has at least the R² of LassoNetRegressorCV and no more "
        "features",
        f"{as_good.sum()} of {len(names)}{left_out}",
        "≥ 80%",
        len(names) > 0 and as_good.mean() >= 0.8,
    )
    if names:
        recorder.note(
            f"With an R² of at least LassoNetRegressorCV's less 0.005, and no more features: "
            f"{nearly.sum()} of {len(names)} data sets."
        )
    faster = comparison.ratio("CPU seconds", LASSO_NET, OURS)
    recorder.check(
        "CPU time of a fit of LassoNetRegressorCV over that of LpReLURegressorCV, geometric mean",
        f"{faster:.0f}{left_out}",
        "≥ 20",
        faster >= 20,
    )


def no_less_accurate(comparison: Comparison, *, but_for: float = 0.0) -> np.ndarray:
    """Data sets on which LpReLURegressorCV has at least the R² of LassoNet, to a tolerance."""
    score, their_score = comparison.pairs("score", OURS, LASSO_NET)
    return score >= their_score - but_for


def reads_no_more(comparison: Comparison) -> np.ndarray:
    """Data sets on which LpReLURegressorCV reads no more features than LassoNet."""
    features, their_features = comparison.pairs("features", OURS, LASSO_NET)
    return features <= their_features


def check_boosting(recorder: Recorder, comparison: Comparison) -> None:
    """Not far behind boosted trees."""
    difference = comparison.difference(OURS, BOOSTING)
    recorder.check(
        "R² of LpReLURegressorCV less that of HistGradientBoostingRegressor, mean",
        f"{difference:+.4f}{comparison.left_out(OURS, BOOSTING)}",
        "≥ −0.02",
        difference >= -0.02,
    )
