"""What LpReLURegressor and LpReLUClassifier promise beyond scikit-learn's own checks."""

import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    make_friedman1,
    make_multilabel_classification,
)
from sklearn.feature_selection import SelectFromModel
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils import compute_sample_weight

from sklearn_lpnet import LpReLUClassifier, LpReLURegressor, lp_path
from sklearn_lpnet.network import Network
from sklearn_lpnet.solvers.gradient.schedule import (
    EPS_END,
    PASSES_SETTLED,
    PASSES_WARM,
    Schedule,
)

ROOT = Path(__file__).resolve().parents[2]

# With tol=0 no fit ends early, and none warns that it did not.
FAST = {"alpha": 1e-3, "n_neurons": 20, "max_iter": 150, "tol": 0.0, "random_state": 0}
PRECISE = {**FAST, "dtype": "float64"}

#: Batches of `partial_fit` from which the penalty sets in, and from which it is complete.
BATCHES_TO_PENALTY = (PASSES_WARM, PASSES_SETTLED)


@pytest.fixture(scope="module")
def friedman():
    return make_friedman1(n_samples=300, n_features=8, noise=0.5, random_state=0)


@pytest.fixture(scope="module")
def two_outputs(friedman):
    X, y = friedman
    return X, np.column_stack([y, 100 * X[:, 0] - 50])


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def multilabel():
    return make_multilabel_classification(n_samples=300, n_features=10, n_classes=4, random_state=0)


def assert_same_network(a, b):
    for name in ("direction", "theta", "bias", "intercept", "skip"):
        assert_array_equal(getattr(a.network_, name), getattr(b.network_, name))


def recomputed_outputs(model, X):
    (w, v), (b, c) = model.coefs_, model.intercepts_
    return np.maximum(X @ w + b, 0) @ v + X @ model.skip_coef_.T + c


# --- The default fit


def test_default_regressor_fits_diabetes_with_few_weights():
    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = LpReLURegressor(random_state=0).fit(X_train, y_train)
    assert model.score(X_test, y_test) > 0.3
    assert 0 < model.n_nonzero_weights_ < 50
    assert model.alpha_ > 0
    assert 0 < model.n_iter_ <= 600


def test_default_classifier_fits_breast_cancer_with_few_weights(cancer):
    result = cross_validate(LpReLUClassifier(random_state=0), *cancer, cv=3, return_estimator=True)
    assert result["test_score"].mean() > 0.93
    assert all(0 < model.n_nonzero_weights_ < 40 for model in result["estimator"])


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("solver", ["proximal", "adam"])
def test_every_regression_loss_learns_with_every_solver(friedman, loss, solver):
    X, y = friedman
    params = {**FAST, "max_iter": 300, "alpha": 3e-4}
    model = LpReLURegressor(**params, loss=loss, solver=solver).fit(X, y)
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("solver", ["proximal", "adam"])
@pytest.mark.parametrize("data", ["iris", "cancer"])
def test_every_classification_loss_learns_with_every_solver(request, data, loss, solver):
    X, y = request.getfixturevalue(data)
    model = LpReLUClassifier(**{**FAST, "max_iter": 300}, loss=loss, solver=solver).fit(X, y)
    assert model.score(X, y) > 0.95


# --- Fitted attributes

CONFIGURATIONS = [
    {},
    {"skip_connection": True},
    {"skip_connection": False},
    {"skip_connection": "penalized", "penalize_bias": True},
    {"penalize_bias": True},
    {"fit_intercept": False},
    {"fit_intercept": False, "skip_connection": False},
    {"standardize": False, "skip_connection": False},
    {"solver": "adam", "max_iter": 400},
    {"solver": "adam", "skip_connection": True, "penalize_bias": True},
    {"p": 1.0},
]


@pytest.mark.parametrize("params", CONFIGURATIONS, ids=str)
@pytest.mark.parametrize("outputs", [1, 2])
def test_coefficients_reproduce_predictions_and_counts(friedman, two_outputs, outputs, params):
    X, y = friedman if outputs == 1 else two_outputs
    model = LpReLURegressor(**{**FAST, **params}).fit(X, y)
    expected = recomputed_outputs(model, X)
    assert_allclose(model.predict(X), expected.reshape(y.shape), rtol=1e-9, atol=1e-9 * y.std())
    (w, v), (b, _) = model.coefs_, model.intercepts_
    active = (w != 0).any(axis=0)
    assert_allclose(
        np.linalg.norm(w[:, active], axis=0), np.linalg.norm(v[active], axis=1), rtol=1e-6
    )
    columns = np.linalg.norm(model.skip_coef_, axis=0)
    size = np.linalg.norm(v, axis=1)
    terms = [(np.abs(w) * size).ravel()]
    if model.penalize_bias:
        terms.append(np.abs(b) * size)
    if model.skip_connection is not True:
        terms.append(columns)
    terms = np.concatenate(terms)
    terms = terms[terms > 0]
    free = 0 if model.penalize_bias else len(b)
    free += np.count_nonzero(model.skip_coef_) if model.skip_connection is True else 0
    free += outputs if model.fit_intercept else 0
    assert model.path_norm_ == pytest.approx(np.sum(terms**model.p))
    assert model.n_active_neurons_ == np.count_nonzero(active)
    assert model.n_nonzero_weights_ == len(terms)
    assert model.n_parameters_ == len(terms) + free


@pytest.mark.parametrize("params", [{}, {"skip_connection": False}, {"p": 0.8}], ids=str)
def test_objective_is_the_loss_plus_the_penalty_in_standardized_units(friedman, params):
    X, y = friedman
    model = LpReLURegressor(**{**FAST, **params}).fit(X, y)
    (w, v), _ = model.coefs_, model.intercepts_
    theta = np.abs(w * np.linalg.norm(v, axis=1)) * (X.std(axis=0) / y.std())[:, None]
    skip = np.abs(model.skip_coef_) * X.std(axis=0) / y.std()
    path_norm = np.sum(theta[theta > 0] ** model.p) + np.sum(skip[skip > 0] ** model.p)
    loss = 0.5 * np.mean((y - model.predict(X)) ** 2) / y.var()
    assert model.objective_ == pytest.approx(loss + model.alpha_ * path_norm, rel=1e-6)


def test_without_intercept_the_network_has_none(friedman):
    X, y = friedman
    for skip_connection in ("auto", True, False):
        params = {**FAST, "skip_connection": skip_connection}
        model = LpReLURegressor(**params, fit_intercept=False).fit(X, y)
        assert_array_equal(model.intercepts_[1], 0)
        assert model.score(X, y) > 0.5


def test_without_skip_connection_its_part_is_an_always_on_neuron(friedman):
    X, y = friedman
    model = LpReLURegressor(**FAST, skip_connection=False).fit(X, y)
    twin = LpReLURegressor(**FAST, skip_connection="penalized").fit(X, y)
    assert not model.skip_coef_.any()
    assert twin.skip_coef_.any()
    assert_allclose(model.predict(X), twin.predict(X), rtol=1e-9)
    assert model.path_norm_ == pytest.approx(twin.path_norm_)
    assert model.n_active_neurons_ == twin.n_active_neurons_ + 1


def test_a_linear_function_is_a_network_without_neurons(friedman):
    X = friedman[0]
    y = 3 * X[:, 0] - 2 * X[:, 3] + 7
    model = LpReLURegressor(alpha=1e-2, random_state=0).fit(X, y)
    assert model.n_active_neurons_ == 0
    assert_array_equal(np.flatnonzero(model.skip_coef_), [0, 3])


def test_history_follows_the_training(friedman):
    model = LpReLURegressor(**FAST).fit(*friedman)
    assert set(model.history_) == {
        "iteration",
        "objective",
        "loss",
        "n_active_neurons",
        "n_nonzero_weights",
    }
    assert model.history_["iteration"][-1] == model.n_iter_ == 150
    assert model.history_["n_nonzero_weights"][-1] < model.history_["n_nonzero_weights"][0]
    assert all(np.isfinite(column).all() for column in model.history_.values())


def test_feature_importances_are_shares_and_do_not_depend_on_units(friedman):
    X, y = friedman
    model = LpReLURegressor(**PRECISE).fit(X, y)
    assert model.feature_importances_.sum() == pytest.approx(1)
    used = np.union1d(*(np.flatnonzero(part.any(axis=0)) for part in _input_parts(model)))
    assert_array_equal(np.flatnonzero(model.feature_importances_), used)
    scaled = LpReLURegressor(**PRECISE).fit(X * 2.0 ** np.arange(8), 8 * y)
    assert_allclose(scaled.feature_importances_, model.feature_importances_, atol=1e-6)


def _input_parts(model):
    return model.network_.theta, model.network_.skip


def test_feature_importances_select_the_features_of_friedman(friedman):
    X, y = friedman
    selector = SelectFromModel(LpReLURegressor(**{**FAST, "alpha": 5e-3, "max_iter": 400}))
    assert selector.fit(X, y).transform(X).shape[1] <= 5
    assert not selector.get_support()[5:].any()


# --- Data in, predictions out


@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_matrix, sp.coo_array, sp.lil_matrix])
def test_sparse_data_give_the_network_of_dense_data(container):
    rng = np.random.default_rng(0)
    X = sp.random(200, 12, density=0.3, random_state=1, format="csr").toarray()
    y = X[:, 0] - 2 * np.maximum(X[:, 1] - 0.3, 0) + 0.01 * rng.standard_normal(200)
    dense = LpReLURegressor(**PRECISE).fit(X, y)
    sparse = LpReLURegressor(**PRECISE).fit(container(X), y)
    assert_allclose(sparse.predict(container(X)), dense.predict(X), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_data_frames_give_names_and_the_network_of_arrays(friedman, frame):
    X, y = friedman
    names = [f"input {j}" for j in range(X.shape[1])]
    model = LpReLURegressor(**FAST).fit(frame(dict(zip(names, X.T, strict=True))), y)
    assert_array_equal(model.feature_names_in_, names)
    assert model.n_features_in_ == len(names)
    assert_same_network(model, LpReLURegressor(**FAST).fit(X, y))


@pytest.mark.parametrize("series", [pd.Series, pl.Series, list])
def test_class_names_may_come_as_a_series_of_strings(iris, series):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])
    model = LpReLUClassifier(**FAST).fit(X, series(names[y].tolist()))
    assert_array_equal(model.classes_, names)
    assert model.score(X, names[y]) > 0.95


def test_predictions_have_the_precision_of_the_data(friedman):
    X, y = friedman
    model = LpReLURegressor(**FAST).fit(X, y)
    assert model.predict(X).dtype == np.float64
    assert model.predict(X.astype(np.float32)).dtype == np.float32
    assert_allclose(model.predict(X.astype(np.float32)), model.predict(X), rtol=1e-4)


def test_several_outputs_are_predicted_in_their_own_units(two_outputs):
    X, Y = two_outputs
    model = LpReLURegressor(**{**FAST, "max_iter": 300}).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    assert (r2_score(Y, model.predict(X), multioutput="raw_values") > 0.85).all()
    assert model.coefs_[1].shape == (model.n_active_neurons_, 2)
    assert model.skip_coef_.shape == (2, 8)


def test_targets_of_one_column_stay_a_column(friedman):
    X, y = friedman
    flat = LpReLURegressor(**FAST).fit(X, y)
    column = LpReLURegressor(**FAST).fit(X, y[:, None])
    assert_array_equal(column.predict(X), flat.predict(X)[:, None])


def test_probabilities_are_those_of_the_decision_function(cancer, iris, multilabel):
    X, y = cancer
    model = LpReLUClassifier(**FAST).fit(X, y)
    decision = model.decision_function(X)
    assert decision.shape == y.shape
    assert_allclose(model.predict_proba(X)[:, 1], expit(decision), rtol=1e-12)
    assert_array_equal(model.predict(X), model.classes_[(decision > 0).astype(int)])
    X, y = iris
    model = LpReLUClassifier(**FAST).fit(X, y)
    exponential = np.exp(model.decision_function(X))
    assert_allclose(
        model.predict_proba(X), exponential / exponential.sum(axis=1, keepdims=True), rtol=1e-9
    )
    X, Y = multilabel
    model = LpReLUClassifier(**FAST).fit(X, Y)
    assert_allclose(model.predict_proba(X), expit(model.decision_function(X)), rtol=1e-12)
    assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)


def test_log_probabilities_stay_finite_where_probabilities_vanish(cancer):
    X, y = cancer
    model = LpReLUClassifier(**FAST).fit(X, y)
    far = X.mean(axis=0) + 1e6 * (X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0))
    far = np.array([far])
    assert model.predict_proba(far).min() == 0
    assert np.isfinite(model.predict_log_proba(far)).all()
    assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_several_labels_are_learned_together(multilabel, loss):
    X, Y = multilabel
    model = LpReLUClassifier(**{**FAST, "max_iter": 300}, loss=loss).fit(X, Y)
    predicted = model.predict(X)
    assert predicted.shape == Y.shape
    assert set(np.unique(predicted)) == {0, 1}
    assert np.mean(predicted == Y) > 0.85
    assert_array_equal(model.classes_, np.arange(4))
    sparse = LpReLUClassifier(**{**FAST, "max_iter": 300}, loss=loss).fit(X, sp.csr_matrix(Y))
    assert_same_network(sparse, model)


def test_the_hinge_loss_has_no_probabilities(cancer):
    model = LpReLUClassifier(**FAST, loss="hinge").fit(*cancer)
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "predict_log_proba")
    with pytest.raises(AttributeError) as error:
        _ = model.predict_proba
    assert "use loss='log_loss'" in str(error.value.__cause__)


# --- Losses


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_quantile_loss_predicts_a_quantile(quantile):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (2000, 2))
    y = np.abs(X[:, 0]) + (0.2 + 0.3 * (X[:, 1] > 0)) * rng.standard_normal(2000)
    params = {**FAST, "max_iter": 300}
    model = LpReLURegressor(**params, loss="quantile", quantile=quantile).fit(X, y)
    assert np.mean(y <= model.predict(X)) == pytest.approx(quantile, abs=0.03)
    constant = np.full_like(y, np.quantile(y, quantile))
    loss = mean_pinball_loss(y, model.predict(X), alpha=quantile)
    assert loss < 0.9 * mean_pinball_loss(y, constant, alpha=quantile)


@pytest.mark.parametrize("params", [{"loss": "absolute_error"}, {"loss": "huber"}], ids=str)
def test_robust_losses_resist_outliers(friedman, params):
    X, y = friedman
    spoilt = y.copy()
    spoilt[::15] += 200
    settings = {**FAST, "max_iter": 300, "huber_delta": 0.1}
    squared = LpReLURegressor(**settings).fit(X, spoilt)
    robust = LpReLURegressor(**settings, **params).fit(X, spoilt)
    assert robust.score(X, y) > 0.7 > squared.score(X, y)


# --- Scaling, weights and order


@pytest.mark.parametrize("params", [{}, {"loss": "huber"}, {"skip_connection": False}], ids=str)
def test_a_regressor_follows_shifts_and_units_of_x_and_y(friedman, params):
    X, y = friedman
    base = LpReLURegressor(**PRECISE, **params).fit(X, y).predict(X)
    moved = X * np.logspace(-3, 4, 8) + np.linspace(-50, 50, 8) * np.logspace(-3, 4, 8)
    model = LpReLURegressor(**PRECISE, **params).fit(moved, 1000 * y - 1e5)
    assert_allclose((model.predict(moved) + 1e5) / 1000, base, rtol=1e-5)


def test_a_classifier_follows_shifts_and_units_of_x(iris):
    X, y = iris
    base = LpReLUClassifier(**PRECISE).fit(X, y).decision_function(X)
    moved = X * [1e-3, 1, 1e3, 1e6] + [1, 10, 1e4, -1e7]
    model = LpReLUClassifier(**PRECISE).fit(moved, y)
    # Thousands of steps make more of the rounding of the units.
    assert_allclose(model.decision_function(moved), base, rtol=1e-3, atol=5e-3)


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"batch_size": 64}], ids=str)
def test_weights_are_repetition_and_the_order_of_samples_is_nothing(friedman, params):
    X, y = friedman
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, len(y))
    rows = rng.permutation(np.repeat(np.arange(len(y)), weight))
    weighted = LpReLURegressor(**FAST, **params).fit(X, y, sample_weight=weight)
    repeated = LpReLURegressor(**FAST, **params).fit(X[rows], y[rows])
    assert_same_network(weighted, repeated)


@pytest.mark.parametrize("params", [{}, {"class_weight": "balanced"}], ids=str)
def test_weights_are_repetition_for_classifiers(iris, params):
    X, y = iris
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, len(y))
    rows = rng.permutation(np.repeat(np.arange(len(y)), weight))
    weighted = LpReLUClassifier(**FAST, **params).fit(X, y, sample_weight=weight)
    repeated = LpReLUClassifier(**FAST, **params).fit(X[rows], y[rows])
    assert_allclose(weighted.decision_function(X), repeated.decision_function(X), rtol=1e-6)


def test_only_ratios_of_weights_matter_that_are_no_counts(friedman):
    X, y = friedman
    weight = np.random.default_rng(0).uniform(0.1, 5, len(y))
    base = LpReLURegressor(**FAST).fit(X, y, sample_weight=weight)
    for factor in (2.0**-40, 2.0**40):
        assert_same_network(base, LpReLURegressor(**FAST).fit(X, y, sample_weight=factor * weight))


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 5.0, 2: 0.5}])
def test_class_weights_are_sample_weights(iris, class_weight):
    X, y = iris[0][20:], iris[1][20:]
    weight = compute_sample_weight(class_weight, y)
    by_class = LpReLUClassifier(**PRECISE, class_weight=class_weight).fit(X, y)
    by_sample = LpReLUClassifier(**PRECISE).fit(X, y, sample_weight=weight)
    assert_allclose(by_class.predict_proba(X), by_sample.predict_proba(X), rtol=1e-6, atol=1e-9)


def test_balanced_weights_of_several_labels_multiply(multilabel):
    X, Y = multilabel
    weight = compute_sample_weight("balanced", Y)
    by_class = LpReLUClassifier(**PRECISE, class_weight="balanced").fit(X, Y)
    by_sample = LpReLUClassifier(**PRECISE).fit(X, Y, sample_weight=weight)
    assert_allclose(by_class.predict_proba(X), by_sample.predict_proba(X), rtol=1e-6, atol=1e-9)


# --- Training


def test_one_random_state_is_one_network(friedman):
    first, second = (LpReLURegressor(**FAST).fit(*friedman) for _ in range(2))
    assert_same_network(first, second)
    other = clone(first).set_params(random_state=1).fit(*friedman)
    assert not np.array_equal(other.predict(friedman[0]), first.predict(friedman[0]))


def test_large_data_train_in_mini_batches():
    X, y = make_friedman1(n_samples=6000, noise=0.5, random_state=0)
    model = LpReLURegressor(**{**FAST, "max_iter": 300}).fit(X, y)
    assert model.score(X, y) > 0.9


def test_more_starts_do_not_raise_the_objective(friedman):
    one = LpReLURegressor(**PRECISE).fit(*friedman)
    several = LpReLURegressor(**PRECISE, n_init=4).fit(*friedman)
    assert several.objective_ <= one.objective_ * 1.05


@pytest.mark.parametrize("solver", ["proximal", "adam"])
def test_warm_start_goes_on_from_the_network(friedman, solver):
    X, y = friedman
    params = {**FAST, "solver": solver, "warm_start": True}
    model = LpReLURegressor(**params).fit(X, y)
    n_neurons, objective = model.n_active_neurons_, model.objective_
    model.fit(X, y)
    assert model.n_active_neurons_ <= n_neurons
    assert model.objective_ <= 1.01 * objective


def test_warm_start_goes_on_across_settings_of_the_skip_connection(friedman):
    X, y = friedman
    model = LpReLURegressor(**FAST, warm_start=True).fit(X, y)
    before = model.score(X, y)
    for change in ({"skip_connection": False}, {"penalize_bias": True}, {"skip_connection": True}):
        model.set_params(**change).fit(X, y)
        assert model.score(X, y) > before - 0.1
    model.set_params(fit_intercept=False).fit(X, y)
    assert_array_equal(model.intercepts_[1], 0)


def test_warm_start_from_a_constant_starts_anew(friedman):
    X, y = friedman
    model = LpReLURegressor(**{**FAST, "alpha": 100.0}, warm_start=True).fit(X, y)
    assert model.n_nonzero_weights_ == 0
    assert model.set_params(alpha=1e-3).fit(X, y).score(X, y) > 0.8


def test_early_stopping_keeps_the_network_of_the_best_validation_score(friedman):
    X, y = friedman
    params = {**FAST, "alpha": 1e-3, "max_iter": 2000, "n_iter_no_change": 2}
    model = LpReLURegressor(**params, early_stopping=True).fit(X, y)
    assert model.n_iter_ < 2000
    assert len(model.validation_scores_) == len(model.history_["iteration"])
    assert model.best_validation_score_ in model.validation_scores_
    assert model.score(X, y) > 0.8
    plain = LpReLURegressor(**FAST).fit(X, y)
    assert plain.validation_scores_ is None
    assert plain.best_validation_score_ is None


def test_early_stopping_of_a_classifier_scores_accuracy(iris, multilabel):
    # All four labels of a sample are right together for 0.18 of the samples at best if they are
    # guessed alike for all samples.
    for (X, y), least in ((iris, 0.8), (multilabel, 0.25)):
        model = LpReLUClassifier(**FAST, early_stopping=True, validation_fraction=0.2).fit(X, y)
        assert 0 <= min(model.validation_scores_) <= max(model.validation_scores_) <= 1
        assert model.best_validation_score_ > least
        n_validation = round(0.2 * len(np.unique(X, axis=0)))
        correct = np.array(model.validation_scores_) * n_validation
        assert_allclose(correct, correct.round(), atol=0.5)


def test_verbose_prints_aligned_lines(friedman, capsys):
    model = LpReLURegressor(**FAST, verbose=1).fit(*friedman)
    lines = capsys.readouterr().out.splitlines()
    header = ["iteration", "objective", "loss", "neurons", "weights", "time"]
    assert lines[0].split() == header
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 1 + len(model.history_["iteration"])
    LpReLURegressor(**FAST).fit(*friedman)
    assert capsys.readouterr().out == ""


def test_training_leaves_the_number_of_threads_as_it_was(friedman):
    before = torch.get_num_threads()
    LpReLURegressor(**FAST).fit(*friedman)
    assert torch.get_num_threads() == before


# --- partial_fit


def batches(X, y, *, size, passes):
    for _ in range(passes):
        for low in range(0, len(y), size):
            yield X[low : low + size], y[low : low + size]


def test_partial_fit_learns_a_regression_from_parts():
    X, y = make_friedman1(n_samples=2000, n_features=8, noise=0.5, random_state=0)
    model = LpReLURegressor(alpha=1e-3, n_neurons=40, random_state=0)
    for part in batches(X, y, size=1000, passes=50):
        model.partial_fit(*part)
    assert model.n_iter_ == 100
    assert len(model.history_["objective"]) == 100
    assert model.score(X, y) > 0.9
    assert model.n_nonzero_weights_ < 200


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_partial_fit_learns_classes_from_parts(iris, loss):
    X, y = iris
    order = np.random.default_rng(0).permutation(len(y))
    model = LpReLUClassifier(alpha=1e-3, n_neurons=30, loss=loss, random_state=0)
    for part in batches(X[order], y[order], size=50, passes=100):
        model.partial_fit(*part, classes=[0, 1, 2])
    assert model.score(X, y) > 0.95


def test_partial_fit_goes_on_after_a_round_trip_through_a_file(friedman, tmp_path):
    X, y = friedman
    model = LpReLURegressor(**FAST).partial_fit(X[:150], y[:150])
    joblib.dump(model, tmp_path / "model.joblib")
    restored = joblib.load(tmp_path / "model.joblib")
    assert_same_network(model.partial_fit(X, y), restored.partial_fit(X, y))


def test_partial_fit_penalizes_from_the_batch_that_the_docstring_names(friedman):
    """Before it no weight is zero, and the first of them are soon after."""
    warm, settled = BATCHES_TO_PENALTY
    X, y = (part[:200] for part in friedman)
    model = LpReLURegressor(n_neurons=10, alpha=0.1, random_state=0)
    for _ in range(warm):
        model.partial_fit(X, y)
    assert model.n_nonzero_weights_ >= 10 * X.shape[1]
    for _ in range(settled - warm):
        model.partial_fit(X, y)
    assert model.n_nonzero_weights_ < 10 * X.shape[1] / 2


@pytest.mark.parametrize("estimator", [LpReLURegressor, LpReLUClassifier])
def test_partial_fit_promises_the_schedule_that_it_has(estimator):
    words = " ".join(estimator.partial_fit.__doc__.split())
    warm, settled = BATCHES_TO_PENALTY
    assert f"sets in after {warm} batches of 200 samples and is complete after {settled}" in words
    schedule = Schedule.passes(1.0)
    phases = [schedule.at(iteration) for iteration in range(settled + 1)]
    assert [phase.eps is None for phase in phases] == [True] * warm + [False] * (settled + 1 - warm)
    assert phases[settled - 1].eps > phases[settled].eps == EPS_END


# Without polish, neurons that are always on fold into a free affine part after the last entry.
@pytest.mark.parametrize(("polish", "skip_connection"), [(0, False), (1, False), (1, True)])
def test_the_history_counts_weights_as_the_estimator_does(friedman, polish, skip_connection):
    parameters = {**FAST, "penalize_bias": True, "skip_connection": skip_connection}
    model = LpReLURegressor(**parameters, polish=bool(polish)).fit(*friedman)
    counts = model.history_["n_nonzero_weights"]
    assert counts[-1] == model.n_nonzero_weights_
    n_neurons, n_features = FAST["n_neurons"], friedman[0].shape[1]
    # The first entry comes before the penalty: all weights and all biases of neurons are there.
    assert counts[0] == n_neurons * (n_features + 1)


def test_a_path_prints_the_number_of_weights_that_its_networks_have(friedman, capsys):
    parameters = {**FAST, "penalize_bias": True, "skip_connection": True, "verbose": 1}
    path = lp_path(*friedman, estimator=LpReLURegressor(**parameters), alphas=[1e-3, 1.0])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    printed = {int(row[-1]) for row in rows}
    assert set(path.n_nonzero_weights.tolist()) <= printed


def test_partial_fit_keeps_the_units_and_alpha_of_the_first_call(friedman):
    X, y = friedman
    model = LpReLURegressor(n_neurons=20, random_state=0).partial_fit(X, y)
    scaler, alpha = model._partial_state["scaler"], model.alpha_
    model.partial_fit(10 * X[:20], 5 * y[:20])
    assert model.alpha_ == alpha
    for name, values in model._partial_state["scaler"].items():
        assert_array_equal(values, scaler[name])


def test_partial_fit_of_several_labels_and_outputs(multilabel, two_outputs):
    X, Y = multilabel
    model = LpReLUClassifier(**FAST).partial_fit(X, Y, classes=range(4))
    assert model.partial_fit(X, Y).predict(X).shape == Y.shape
    X, Y = two_outputs
    assert LpReLURegressor(**FAST).partial_fit(X, Y).predict(X).shape == Y.shape


def test_partial_fit_is_there_for_the_solver_that_has_it():
    assert hasattr(LpReLURegressor(), "partial_fit")
    assert not hasattr(LpReLURegressor(solver="adam"), "partial_fit")
    assert not hasattr(LpReLURegressor(early_stopping=True), "partial_fit")
    assert not hasattr(LpReLUClassifier(class_weight="balanced"), "partial_fit")


# --- The ecosystem


def test_pipeline_and_grid_search_over_p_and_alpha_in_two_processes(friedman):
    X, y = friedman
    pipeline = make_pipeline(StandardScaler(), PolynomialFeatures(), LpReLURegressor(**FAST))
    grid = {"lpreluregressor__p": [0.4, 1.0], "lpreluregressor__alpha": [1e-3, 1e-1]}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X, y)
    assert search.best_params_["lpreluregressor__alpha"] == 1e-3
    assert search.best_score_ > 0.7


def test_clone_and_parameters_round_trip():
    model = LpReLURegressor(p=0.3, alpha=1e-2, loss="huber", huber_delta=2.0)
    assert clone(model).get_params() == model.get_params()
    assert clone(LpReLUClassifier(class_weight={0: 2.0})).class_weight == {0: 2.0}


def test_sample_weights_are_routed():
    X, y = make_friedman1(n_samples=120, random_state=0)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = LpReLURegressor(**FAST)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        result = cross_validate(model, X, y, cv=KFold(2), params={"sample_weight": weight})
        partial = LpReLUClassifier().set_partial_fit_request(classes=True, sample_weight=True)
        requests = partial.get_metadata_routing().partial_fit.requests
        assert requests == {"classes": True, "sample_weight": True}
    for (train, test), score in zip(KFold(2).split(X), result["test_score"], strict=True):
        model = LpReLURegressor(**FAST).fit(X[train], y[train], sample_weight=weight[train])
        assert model.score(X[test], y[test], sample_weight=weight[test]) == score


PREDICT_WITHOUT_TORCH = """
import pickle, sys, joblib, numpy as np, sklearn_lpnet
assert "torch" not in sys.modules, "import sklearn_lpnet"
data = np.load(sys.argv[2])
load = joblib.load if sys.argv[1].endswith(".joblib") else lambda f: pickle.load(open(f, "rb"))
for model, expected in zip(load(sys.argv[1]), (data["a"], data["b"], data["c"])):
    np.testing.assert_array_equal(model.predict(data["X"]), expected)
    repr(model), model.coefs_, model.history_, sklearn_lpnet.LpReLURegressor()
assert "torch" not in sys.modules, "predict"
"""


@pytest.mark.parametrize("suffix", ["pkl", "joblib"])
def test_a_loaded_estimator_predicts_without_torch(friedman, tmp_path, suffix):
    X, y = friedman
    models = [
        LpReLURegressor(**FAST).fit(X, y),
        LpReLUClassifier(**FAST, early_stopping=True).fit(X, y > y.mean()),
        LpReLURegressor(**FAST).partial_fit(X, y),
    ]
    file, data = tmp_path / f"models.{suffix}", tmp_path / "data.npz"
    (joblib.dump if suffix == "joblib" else pd.to_pickle)(models, file)
    np.savez(data, X=X, **dict(zip("abc", (m.predict(X) for m in models), strict=True)))
    subprocess.run(
        [sys.executable, "-c", PREDICT_WITHOUT_TORCH, str(file), str(data)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )


def test_the_repr_is_a_diagram(friedman):
    model = LpReLURegressor(**FAST).fit(*friedman)
    assert "LpReLURegressor" in model._repr_html_()
    assert repr(LpReLURegressor()) == "LpReLURegressor()"


def test_the_network_is_at_hand(friedman):
    X, y = friedman
    model = LpReLURegressor(**FAST).fit(X, y)
    assert isinstance(model.network_, Network)
    assert_allclose(model.network_.evaluate(X)[:, 0], model.predict(X), rtol=1e-12)


def test_plain_arrays_are_predicted_for_as_any_other_data(friedman):
    X, y = friedman
    model = LpReLURegressor(**FAST).fit(X, y)
    expected = model.predict(X.astype(object))
    for plain in (
        X,
        np.asfortranarray(X),
        np.repeat(X, 2, axis=0)[::2],
        X[:, ::-1].copy()[:, ::-1],
    ):
        assert_allclose(model.predict(plain), expected, rtol=1e-12)
    # The squares of these overflow, but they are numbers.
    assert np.isfinite(model.predict(1e200 * X)).all()
    for bad in (np.nan, np.inf, -np.inf):
        broken = X.copy()
        broken[-1, -1] = bad
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            model.predict(broken)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "auto"])
@pytest.mark.parametrize("solver", ["proximal", "adam"])
def test_training_on_a_gpu_gives_arrays_and_the_network_of_the_cpu(friedman, device, solver):
    X, y = friedman
    params = {**PRECISE, "solver": solver, "max_iter": 60}
    on_cpu = LpReLURegressor(**params).fit(X, y)
    on_gpu = LpReLURegressor(**params, device=device).fit(X, y)
    assert type(on_gpu.network_.theta) is np.ndarray
    assert_allclose(on_gpu.predict(X), on_cpu.predict(X), rtol=1e-4)
    model = LpReLUClassifier(**FAST, device=device, solver=solver, early_stopping=True)
    assert model.fit(X, np.digitize(y, [10, 18])).score(X, np.digitize(y, [10, 18])) > 0.7
    if solver == "proximal":
        LpReLURegressor(device=device, n_neurons=20).partial_fit(sp.csr_array(X), y)


@pytest.mark.parametrize("constant", [0, 1])
def test_a_label_that_all_samples_share_leaves_the_others_alone(constant):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    y = np.column_stack([X[:, 0] * X[:, 1] > 0, np.full(80, constant)]).astype(int)
    model = LpReLUClassifier(random_state=0, alpha=1e-3).fit(X, y)
    assert np.mean(model.predict(X) == y) > 0.95


def test_dense_and_sparse_inputs_give_one_network():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5)) * (rng.random((60, 5)) < 0.4)
    y = np.abs(X[:, 0]) + X[:, 1] + 0.1 * rng.normal(size=60)
    dense = LpReLURegressor(random_state=0).fit(X, y)
    sparse = LpReLURegressor(random_state=0).fit(sp.csr_array(X), y)
    assert_allclose(sparse.alpha_, dense.alpha_, rtol=1e-3)
    assert_allclose(sparse.predict(X), dense.predict(X), atol=0.05 * y.std())


def test_a_fit_that_fails_leaves_the_estimator_as_it_was():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    model = LpReLUClassifier(random_state=0).fit(X, X[:, 0] > 0)
    expected = model.predict_proba(X)
    model.set_params(solver="adam", skip_connection="penalized")
    with pytest.raises(ValueError, match="skip_connection"):
        model.fit(X, np.digitize(X[:, 0], [-0.5, 0.5]))
    assert_array_equal(model.predict_proba(X), expected)
