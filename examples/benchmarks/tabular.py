"""What the suites of regression and classification share: measuring, tables, pictures, averages.

``measure`` fits every method to every split of every data set. `Comparison` holds the means over
the splits and compares methods on the data sets where both have results.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from datasets import QUICK
from peers import BOOSTING, LASSO_NET, MLP, OURS, OURS_1SE, OURS_DEFAULT, OURS_MIN, OWN
from reporting import Recorder, Row, date_and_commit
from scipy.stats import friedmanchisquare, rankdata, studentized_range
from worker import Worker

N_SPLITS = 3
#: Seconds of a fit beyond which a method is fitted to one split alone.
ONE_SPLIT = 12
#: Seconds that one fit may take in a quick run.
QUICK_LIMIT = 8
#: The peers that take longest, and how many times the limit of a fit their fits may take in all.
BUDGETS = {LASSO_NET: 1.5, "EBM": 0.75, "SCNN": 0.5, "MLP pruned": 0.75}
#: Methods in the order of the tables; others follow.
ORDER = (*OWN, MLP, "MLP pruned", LASSO_NET, "SCNN")
MEASURES = (
    "score",
    "log loss",
    "weights",
    "features",
    "fit seconds",
    "predict µs a row",
    "batch predict µs a row",
)
COLORS = {
    OURS: "C3",
    OURS_MIN: "salmon",
    OURS_1SE: "C1",
    OURS_DEFAULT: "C6",
    MLP: "C0",
    LASSO_NET: "C2",
    BOOSTING: "C4",
}


def measure(
    recorder: Recorder, names: Sequence[str], methods: Sequence[str], score: str
) -> Comparison:
    """Fit all methods to the splits of all data sets, which are to be in order of their size."""
    names = [name for name in names if name in QUICK] if recorder.quick else list(names)
    measured_on = names
    if recorder.data_sets is not None:
        measured_on = _chosen("data set", recorder.data_sets, names)
    # Those that take longest come first, so that no process waits for them in the end.
    order = sorted(methods, key=lambda method: -BUDGETS.get(method, 0))
    if recorder.methods is not None:
        order = _chosen("method", recorder.methods, order)
    with TemporaryDirectory() as folder, ThreadPoolExecutor(recorder.jobs) as lanes:
        models = Path(folder)
        tasks = [(method, splits) for method in order for splits in _lanes_of_splits(recorder)]
        results = lanes.map(
            lambda task: _measure_method(recorder, measured_on, *task, models), tasks
        )
        rows = [row for rows_of_method in results for row in rows_of_method]
        # What hours of fits have found is not to be lost with them.
        try:
            _time_predictions(rows, models)
        except (OSError, EOFError, RuntimeError) as error:
            recorder.note(f"Predictions are not timed: {type(error).__name__}: {error}.")
    rows = [row | {"measured": date_and_commit()} for row in rows]
    rows += _results_of_others(recorder, order)
    _note_busy_machine(recorder, rows)
    recorder.data("all", rows, "Every fit")
    measured = list(dict.fromkeys(str(row["method"]) for row in rows))
    rank = {method: place for place, method in enumerate(ORDER)}
    measured.sort(key=lambda method: rank.get(method, len(rank)))
    names = [name for name in names if any(row["data"] == name for row in rows)]
    comparison = Comparison.of(rows, names, measured, score)
    for method in measured:
        if failures := comparison.failures(method):
            recorder.note(f"{method} has no result on {failures}.")
    return comparison


def _chosen(what: str, chosen: Sequence[str], there_are: list[str]) -> list[str]:
    unknown = [name for name in chosen if name not in there_are]
    if unknown:
        raise ValueError(f"No {what} {', '.join(unknown)}; there are {', '.join(there_are)}.")
    return [name for name in there_are if name in chosen]


def _lanes_of_splits(recorder: Recorder) -> list[list[int]]:
    """The splits that a process takes one after the other."""
    if recorder.splits is not None:
        return [[split] for split in recorder.splits]
    return [list(range(1 if recorder.quick else N_SPLITS))]


def _results_of_others(recorder: Recorder, methods: list[str]) -> list[Row]:
    """What an earlier run has found for methods, splits and data sets that this one leaves out."""
    replaced = {*methods, *((OURS_MIN, OURS_1SE) if OURS in methods else ())}
    chosen = {
        "method": None if recorder.methods is None else replaced,
        "split": recorder.splits,
        "data": recorder.data_sets,
    }
    rows = [
        row
        for row in recorder.earlier_data("all")
        if any(names is not None and row[column] not in names for column, names in chosen.items())
    ]
    by_run: dict[object, list[str]] = {}
    for row in rows:
        by_run.setdefault(row.get("measured", "before"), []).append(str(row["method"]))
    for measured, of_methods in by_run.items():
        names = ", ".join(dict.fromkeys(of_methods))
        recorder.note(f"{names}: results of another run, {measured}.")
    return rows


def _measure_method(
    recorder: Recorder, names: Sequence[str], method: str, splits: Sequence[int], models: Path
) -> list[Row]:
    """Fit a method to splits of all data sets, in a process of its own.

    Where the first fit fails it is the only one, and where it takes more than `ONE_SPLIT` seconds
    too. A peer that has used up its budget is not fitted to the data sets that are left.
    """
    limit = min(recorder.limit, QUICK_LIMIT) if recorder.quick else recorder.limit
    budget = BUDGETS.get(method, np.inf) * limit
    rows: list[Row] = []
    used = 0.0
    with Worker() as worker:
        for name in names:
            if used > budget:
                reason = f"not fitted, over {budget:g} s in all"
                rows.append({"data": name, "split": splits[0], "method": method, "failure": reason})
                continue
            for seed in splits:
                file = _file_of(models, method, name, seed)
                results = worker.measure(method, name, seed, limit, file)
                rows += [{"data": name, "split": seed, **result} for result in results]
                seconds = results[0].get("fit seconds", limit)
                used += seconds
                print(_line(rows[-len(results)]), flush=True)
                if "failure" in results[0] or seconds > ONE_SPLIT:
                    break
    return rows


def _time_predictions(rows: list[Row], models: Path) -> None:
    """Add the times of predictions to the rows; no fit is running any more.

    The methods are timed one after the other on each split, as the speed of a machine drifts.
    """
    row_of: dict[Any, Row] = {(row["data"], row["split"], row["method"]): row for row in rows}
    with Worker() as worker:
        for name, seed, method in sorted(row_of):
            file = _file_of(models, method, name, seed)
            if file.exists():
                for timed, times in worker.time_predictions(name, seed, file).items():
                    row_of[name, seed, timed].update(times)


def _file_of(models: Path, method: str, name: str, seed: int) -> Path:
    return models / f"{name} {seed} {method}.joblib"


@dataclass(frozen=True)
class Comparison:
    """Means over splits by data set and method, or a reason why there is no result."""

    score: str
    names: list[str]
    methods: list[str]
    means: dict[tuple[str, str], dict[str, float]]
    reasons: dict[tuple[str, str], str]
    splits: dict[tuple[str, str], dict[int, Row]]

    @classmethod
    def of(cls, rows: list[Row], names: list[str], methods: list[str], score: str) -> Comparison:
        """From a row for every fit."""
        means, reasons, splits = {}, {}, {}
        for key in itertools.product(names, methods):
            fits: list[Any] = [row for row in rows if (row["data"], row["method"]) == key]
            failures = [fit["failure"] for fit in fits if "failure" in fit]
            if failures:
                reasons[key] = failures[0]
            elif fits:
                measured = [m for m in MEASURES if all(m in fit for fit in fits)]
                means[key] = {m: statistics.fmean(fit[m] for fit in fits) for m in measured}
                splits[key] = {fit["split"]: fit for fit in fits}
        return cls(score, names, methods, means, reasons, splits)

    def common(self, *methods: str) -> list[str]:
        """Data sets on which all of the methods have results."""
        return [n for n in self.names if all((n, method) in self.means for method in methods)]

    def common_methods(self, name: str) -> list[str]:
        """Methods that have results on a data set."""
        return [method for method in self.methods if (name, method) in self.means]

    def pairs(self, measure: str, method: str, other: str) -> tuple[np.ndarray, np.ndarray]:
        """A measure of two methods on the data sets where both have results.

        It is the mean over the splits that both have been fitted to and measured on.
        """
        pairs = []
        for name in self.common(method, other):
            fits, others = self.splits[name, method], self.splits[name, other]
            both = [n for n in fits if n in others and measure in fits[n] and measure in others[n]]
            if both:
                means = (statistics.fmean(of[n][measure] for n in both) for of in (fits, others))  # type: ignore[misc]
                pairs.append(list(means))
        ours, theirs = np.array(pairs).reshape(-1, 2).T
        return ours, theirs

    def difference(self, method: str, other: str, measure: str = "score") -> float:
        """Mean over data sets of a measure of one method less that of the other."""
        ours, theirs = self.pairs(measure, method, other)
        return float(np.mean(ours - theirs)) if len(ours) else float("nan")

    def ratio(self, measure: str, method: str, other: str) -> float:
        """Geometric mean over data sets of a measure of one method over that of the other.

        A model without weights counts as one weight.
        """
        ours, theirs = self.pairs(measure, method, other)
        least = 1 if measure in ("weights", "features") else 0
        logs = np.log(np.maximum(ours, least)) - np.log(np.maximum(theirs, least))
        return float(np.exp(np.mean(logs))) if len(logs) else float("nan")

    def failures(self, method: str) -> str:
        """Data sets without a result and why, as text."""
        by_reason: dict[str, list[str]] = {}
        for (name, failed), reason in self.reasons.items():
            if failed == method:
                by_reason.setdefault(reason, []).append(name)
        return "; ".join(f"{', '.join(names)} ({reason})" for reason, names in by_reason.items())

    def left_out(self, *methods: str) -> str:
        """What a comparison of the methods leaves out, to be put after its value."""
        missing = [name for name in self.names if name not in self.common(*methods)]
        return f" (without {', '.join(missing)})" if missing else ""

    def table(self) -> list[Row]:
        """Data set by method: score / weights / seconds of a fit."""
        return [
            {"data": name, **{method: self._cell(name, method) for method in self.methods}}
            for name in self.names
        ]

    def overall(self) -> list[Row]:
        """A row a method: averages in comparison with the dense network."""
        ranks = self.mean_ranks()
        best = [self._best(name) for name in self.names]
        return [
            {
                "method": method,
                "data sets": len(self.common(method, MLP)),
                f"{self.score}, mean difference to MLP": self.difference(method, MLP),
                "MLP's weights / its weights": 1 / self.ratio("weights", method, MLP),
                "share of features": self.ratio("features", method, MLP),
                "fit time / MLP's": self.ratio("fit seconds", method, MLP),
                "MLP's predict time / its": 1 / self.ratio("predict µs a row", method, MLP),
                "the same, 10,000 rows": 1 / self.ratio("batch predict µs a row", method, MLP),
                "wins": best.count(method),
                "mean rank": ranks.get(method),
            }
            for method in self.methods
        ]

    def mean_ranks(self, methods: Sequence[str] | None = None) -> dict[str, float]:
        """Mean rank by score, 1 the best, of methods that have results on every data set."""
        complete = [m for m in methods or self.methods if len(self.common(m)) == len(self.names)]
        scores = [[-self.means[name, m]["score"] for m in complete] for name in self.names]
        return dict(zip(complete, rankdata(scores, axis=1).mean(axis=0).tolist(), strict=True))

    def _cell(self, name: str, method: str) -> str:
        if (name, method) not in self.means:
            return self.reasons.get((name, method), "no result").partition(":")[0]
        means = self.means[name, method]
        most = max(len(splits) for splits in self.splits.values())
        mark = "" if len(self.splits[name, method]) == most else " *"
        return f"{means['score']:.3f} / {means['weights']:,.0f} / {means['fit seconds']:.2g}{mark}"

    def _best(self, name: str) -> str:
        methods = self.common_methods(name)
        return max(methods, key=lambda method: self.means[name, method]["score"], default="")


def check_dense_network(
    recorder: Recorder, comparison: Comparison, ours: str, dense: str, fewer: float
) -> None:
    """More accurate than a dense network of the usual width, and so many times smaller."""
    left_out = comparison.left_out(OURS, MLP)
    difference = comparison.difference(OURS, MLP)
    recorder.check(
        f"{comparison.score} of {ours} less that of {dense}, mean",
        f"{difference:+.4f}{left_out}",
        "≥ 0",
        difference >= 0,
    )
    smaller = 1 / comparison.ratio("weights", OURS, MLP)
    recorder.check(
        f"weights of {dense} over those of {ours}, geometric mean",
        f"{smaller:.1f}{left_out}",
        f"≥ {fewer:g}",
        smaller >= fewer,
    )
    for other in OWN[1:]:
        smaller = 1 / comparison.ratio("weights", other, MLP)
        recorder.note(
            f"{other}: {comparison.score} less that of {dense} "
            f"{comparison.difference(other, MLP):+.4f}, weights of {dense} over its own "
            f"{smaller:.1f}."
        )


def report(recorder: Recorder, comparison: Comparison) -> None:
    """The tables and the pictures."""
    score = comparison.score
    recorder.table(
        "overall",
        comparison.overall(),
        f"Means over the data sets on which a method and MLP have results: arithmetic of {score}, "
        "geometric of ratios. Ranks are those among the methods with results everywhere",
    )
    recorder.table(
        "summary",
        comparison.table(),
        f"{score} / weights / seconds of a fit, means over splits; * for one split",
    )
    recorder.figure(
        "tradeoff", _tradeoff(comparison), f"{score} against the number of weights, each data set"
    )
    if len(comparison.names) >= 5:
        figure, caption = _ranks(comparison)
        recorder.figure("ranks", figure, caption)


def _tradeoff(comparison: Comparison) -> Any:
    """Small multiples: score over weights."""
    n_columns = 5
    n_rows = -(-len(comparison.names) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(13, 2.5 * n_rows + 0.6), layout="constrained", squeeze=False
    )
    for axis, name in itertools.zip_longest(axes.flat, comparison.names):
        if name is None or not comparison.common_methods(name):
            axis.set_axis_off()
            continue
        points = {m: comparison.means[name, m] for m in comparison.common_methods(name)}
        for method, mean in points.items():
            axis.plot(max(mean["weights"], 1), mean["score"], **_marker(comparison, method))
        scores = sorted(mean["score"] for mean in points.values())
        # A method that fails altogether is not to flatten the picture of the others.
        axis.set_ylim(bottom=max(scores[0], scores[-1] - 0.35) - 0.02)
        axis.set(xscale="log", title=name)
    handles = [plt.Line2D([], [], label=m, **_marker(comparison, m)) for m in comparison.methods]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False)
    for axis in axes[:, 0]:
        axis.set_ylabel(comparison.score)
    for axis in axes[-1]:
        axis.set_xlabel("weights")
    return figure


def _marker(comparison: Comparison, method: str) -> dict[str, Any]:
    own = method in OWN
    others = [m for m in comparison.methods if m not in COLORS]
    color = COLORS.get(method) or f"C{(5, 7, 8, 9)[others.index(method) % 4]}"
    shape = "*" if own else "osD^vPX"[comparison.methods.index(method) % 7]
    return {"color": color, "marker": shape, "markersize": 11 if own else 6, "linestyle": "none"}


def _ranks(comparison: Comparison) -> tuple[Any, str]:
    """Mean ranks with Nemenyi's critical difference (Demšar, 2006)."""
    ranks = dict(sorted(comparison.mean_ranks().items(), key=lambda item: -item[1]))
    n_methods, n_names = len(ranks), len(comparison.names)
    scores = [[comparison.means[name, m]["score"] for name in comparison.names] for m in ranks]
    p_value = float(friedmanchisquare(*scores).pvalue) if n_methods > 2 else float("nan")
    quantile = studentized_range.ppf(0.95, n_methods, np.inf) / np.sqrt(2)
    critical = quantile * np.sqrt(n_methods * (n_methods + 1) / (6 * n_names))
    figure, axis = plt.subplots(figsize=(7, 0.35 * n_methods + 1), layout="constrained")
    for position, (method, rank) in enumerate(ranks.items()):
        axis.barh(position, rank, color=COLORS.get(method, "0.7"))
    axis.set_yticks(range(n_methods), list(ranks))
    best = min(ranks.values())
    axis.axvline(best + critical, color="0.3", linestyle=":")
    axis.set_xlabel(f"mean rank by {comparison.score}, 1 is best")
    caption = (
        f"Mean ranks over {n_names} data sets of the methods with results on all "
        f"(Friedman's test: p = {p_value:.1g}); beyond the dotted line a method differs from the "
        f"best at the level of 5% (Nemenyi's critical difference {critical:.1f})"
    )
    return figure, caption


def _line(row: Any) -> str:
    result = row.get("failure")
    if not result:
        result = f"{row['score']:.4f}, {row['weights']} weights, {row['fit seconds']:.2f} s"
    return f"{row['data']} {row['split']} {row['method']}: {result}"


def _note_busy_machine(recorder: Recorder, rows: list[Any]) -> None:
    shares = [row["CPU seconds"] / row["fit seconds"] for row in rows if "CPU seconds" in row]
    if shares and statistics.median(shares) < 0.9:
        recorder.note(
            f"The machine was busy: the median fit had {statistics.median(shares):.0%} of a core. "
            "Seconds are too long, and ratios of them uncertain."
        )
