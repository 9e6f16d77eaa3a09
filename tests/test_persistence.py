"""Fitted estimators survive pickle, joblib and skops with everything that they know."""

import io
import pickle
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, make_friedman1, make_multilabel_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
    lp_path,
)

FAST = {"n_neurons": 12, "max_iter": 60, "random_state": 0}
GRID = {**FAST, "n_alphas": 3, "cv": 2}
#: The types of this package that a file of skops may name.
OWN_TYPES = {
    "sklearn_lpnet.estimators.classifier.LpReLUClassifier",
    "sklearn_lpnet.estimators.regressor.LpReLURegressor",
    "sklearn_lpnet.estimators.targets.LabelEncoding",
    "sklearn_lpnet.network.network.Network",
    "sklearn_lpnet.selection.classifier_cv.LpReLUClassifierCV",
    "sklearn_lpnet.selection.path.LpPath",
    "sklearn_lpnet.selection.regressor_cv.LpReLURegressorCV",
    "sklearn_lpnet.solvers.splines.interpolant.Interpolant",
}


def regression():
    return make_friedman1(n_samples=80, n_features=6, noise=0.3, random_state=0)


def words():
    X, y = load_iris(return_X_y=True, as_frame=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


def labels():
    return make_multilabel_classification(n_samples=80, n_features=6, random_state=0)


def line():
    X, y = regression()
    return X[:, :1], y


def few():
    X, y = regression()
    return X[:10], y[:10]


CASES = {
    "regressor": (LpReLURegressor(**FAST), regression),
    "regressor early stopping": (LpReLURegressor(**FAST, early_stopping=True), regression),
    "regressor warm start": (LpReLURegressor(**FAST, warm_start=True), regression),
    "regressor random state": (
        LpReLURegressor(**{**FAST, "random_state": np.random.RandomState(0)}),
        regression,
    ),
    "univariate interpolant": (LpReLURegressor(alpha=0), line),
    "vertex interpolant": (LpReLURegressor(alpha=0, solver="vertex", random_state=0), few),
    "classifier of words": (LpReLUClassifier(**FAST), words),
    "classifier of labels": (LpReLUClassifier(**FAST), labels),
    "regressor CV": (LpReLURegressorCV(**GRID), regression),
    "classifier CV": (LpReLUClassifierCV(**GRID), words),
    "pipeline": (make_pipeline(StandardScaler(), LpReLURegressor(**FAST)), regression),
}


def by_pickle(model):
    return pickle.loads(pickle.dumps(model))


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file, compress=3)
    file.seek(0)
    return joblib.load(file)


def by_skops(model):
    """Through skops, with nothing trusted but the estimators and records of this package."""
    skops_io = pytest.importorskip("skops.io")
    data = skops_io.dumps(model)
    untrusted = set(skops_io.get_untrusted_types(data=data))
    assert untrusted <= OWN_TYPES
    return skops_io.loads(data, trusted=sorted(untrusted))


ROUTES = {"pickle": by_pickle, "joblib": by_joblib, "skops": by_skops}


def assert_same(left, right, where="model"):
    """The same value all the way down, to the last bit."""
    if isinstance(left, np.ndarray):
        assert left.dtype == right.dtype, where
        assert_array_equal(left, right, where)
    elif isinstance(left, dict):
        assert left.keys() == right.keys(), where
        for key, value in left.items():
            assert_same(value, right[key], f"{where}[{key!r}]")
    elif isinstance(left, list | tuple):
        assert len(left) == len(right), where
        for k, pair in enumerate(zip(left, right, strict=True)):
            assert_same(*pair, f"{where}[{k}]")
    elif isinstance(left, np.random.RandomState):
        assert_same(left.get_state(legacy=False), right.get_state(legacy=False), where)
    elif type(left).__module__.startswith(("sklearn_lpnet", "sklearn.pipeline")):
        assert type(left) is type(right), where
        state = left.__getstate__(), right.__getstate__()
        assert_same(*state, where)
    elif isinstance(left, float):
        assert_array_equal(left, right, where)  # NaN equals NaN
    elif type(left).__module__ in ("builtins", "numpy"):
        assert left == right, where
    else:
        assert type(left) is type(right), where


@pytest.fixture(scope="module")
def fitted():
    """The models of all cases, fitted once."""
    made = {}

    def get(case):
        if case not in made:
            model, data = CASES[case]
            X, y = data()
            made[case] = model.fit(X, y), X
        return made[case]

    return get


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("case", CASES)
def test_a_restored_model_is_the_model_to_the_last_bit(fitted, case, route):
    model, X = fitted(case)
    restored = ROUTES[route](model)
    assert_same(model, restored)
    assert_array_equal(restored.predict(X), model.predict(X))
    if hasattr(model, "predict_proba"):
        assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("route", ROUTES)
def test_training_goes_on_from_a_restored_model(route):
    X, y = regression()
    model = LpReLURegressor(**FAST, alpha=1e-3).partial_fit(X, y).partial_fit(X, y)
    restored = ROUTES[route](model).partial_fit(X, y)
    assert_array_equal(restored.predict(X), model.partial_fit(X, y).predict(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("route", ROUTES)
def test_a_warm_start_goes_on_from_a_restored_model(fitted, route):
    model, X = fitted("regressor warm start")
    y = regression()[1]
    restored = ROUTES[route](model).fit(X, y)
    assert_array_equal(restored.predict(X), by_pickle(model).fit(X, y).predict(X))


@pytest.mark.parametrize("route", ROUTES)
def test_a_restored_path_selects_the_same_networks(route):
    X, y = regression()
    path = lp_path(X, y, n_alphas=4, **FAST)
    restored = ROUTES[route](path)
    assert str(restored) == str(path)
    selected = path.select(max_nonzero_weights=5)
    assert_array_equal(restored.select(max_nonzero_weights=5).predict(X), selected.predict(X))


def test_skops_asks_for_trust_in_this_package():
    skops_io = pytest.importorskip("skops.io")
    exceptions = pytest.importorskip("skops.io.exceptions")
    X, y = regression()
    data = skops_io.dumps(LpReLURegressor(**FAST, alpha=1e-3).fit(X, y))
    with pytest.raises(exceptions.UntrustedTypesFoundException, match="sklearn_lpnet"):
        skops_io.loads(data)


#: Made by version 0.1.0, whose modules had other names.
OLD_PICKLES = sorted((Path(__file__).parent / "data" / "pickles_0_1").glob("*.pkl"))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("file", OLD_PICKLES, ids=lambda file: file.stem)
def test_pickles_of_version_0_1_load_and_predict_the_same(file):
    stored = pickle.loads(file.read_bytes())
    model, X = stored["model"], stored["X"]
    if file.stem == "path":
        found = np.array([estimator.predict(X) for estimator in model.estimators])
    else:
        found = model.predict(X)
    if found.dtype.kind == "f":
        assert_allclose(found, stored["predictions"], rtol=1e-12, atol=1e-12)
    else:
        assert_array_equal(found, stored["predictions"])
