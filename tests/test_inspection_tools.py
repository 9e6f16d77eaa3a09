"""The tools that look into a model from outside: scikit-learn's inspection and selection, SHAP."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_friedman1
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.inspection import PartialDependenceDisplay, partial_dependence, permutation_importance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
)

FAST = {"n_neurons": 20, "random_state": 0}
GRID = {**FAST, "max_iter": 200, "n_alphas": 5, "cv": 2, "selection": "1se"}
#: The function of Friedman has five features; five more are noise.
INFORMATIVE = set(range(5))


@pytest.fixture(scope="module")
def friedman():
    return make_friedman1(n_samples=200, n_features=10, noise=0.3, random_state=0)


@pytest.fixture(scope="module")
def classes(friedman):
    X, y = friedman
    return X, np.where(y > np.median(y), "high", "low")


@pytest.fixture(scope="module")
def regressor(friedman):
    return LpReLURegressor(**FAST, alpha=5e-3).fit(*friedman)


@pytest.fixture(scope="module")
def classifier(classes):
    return LpReLUClassifier(**FAST, alpha=5e-3).fit(*classes)


def used_by(model):
    return set(model.network_.used_features.tolist())


# --- scikit-learn's inspection


def test_permuting_a_feature_hurts_if_and_only_if_the_network_reads_it(regressor, friedman):
    importances = permutation_importance(regressor, *friedman, n_repeats=5, random_state=0)
    means = importances.importances_mean
    assert set(np.flatnonzero(means)) == used_by(regressor) == INFORMATIVE
    assert means[sorted(INFORMATIVE)].min() > 0
    # The two that the function is steepest in.
    assert set(np.argsort(-means)[:2]) <= {0, 1, 3}


def test_permuting_a_feature_hurts_a_classifier_that_reads_it(classifier, classes):
    importances = permutation_importance(classifier, *classes, n_repeats=5, random_state=0)
    assert set(np.flatnonzero(importances.importances.any(axis=1))) <= used_by(classifier)
    assert importances.importances_mean[3] > 0.05


def test_partial_dependence_is_the_mean_prediction(regressor, friedman):
    X, _ = friedman
    result = partial_dependence(regressor, X, [3], kind="average", grid_resolution=7)
    for value, average in zip(result["grid_values"][0], result["average"][0], strict=True):
        moved = X.copy()
        moved[:, 3] = value
        assert_allclose(average, regressor.predict(moved).mean(), rtol=1e-12)


def test_partial_dependence_on_what_a_network_does_not_read_is_flat(regressor, friedman):
    X, _ = friedman
    result = partial_dependence(regressor, X, [9], kind="individual", grid_resolution=5)
    assert_array_equal(np.ptp(result["individual"], axis=-1), 0)


def test_partial_dependence_of_a_classifier_is_the_mean_probability(classifier, classes):
    X, _ = classes
    result = partial_dependence(classifier, X, [3], kind="average", grid_resolution=5)
    for value, average in zip(result["grid_values"][0], result["average"][0], strict=True):
        moved = X.copy()
        moved[:, 3] = value
        assert_allclose(average, classifier.predict_proba(moved)[:, 1].mean(), rtol=1e-12)


def test_partial_dependence_is_drawn_for_one_feature_and_for_two(regressor, friedman):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    X, _ = friedman
    display = PartialDependenceDisplay.from_estimator(
        regressor, X, [0, (0, 1)], grid_resolution=5, kind="average"
    )
    assert display.axes_.size == 2
    assert_array_equal(display.lines_[0, 0].get_ydata(), display.pd_results[0]["average"].ravel())
    pyplot.close(display.figure_)


# --- Selection of features


SELECTORS = {
    "regressor": LpReLURegressor(**FAST, alpha=5e-3),
    "regressor CV": LpReLURegressorCV(**GRID),
    "classifier": LpReLUClassifier(**FAST, alpha=1e-2),
    "classifier CV": LpReLUClassifierCV(**GRID),
}


def selected_by(selector):
    return set(np.flatnonzero(selector.get_support()).tolist())


@pytest.mark.parametrize("name", SELECTORS)
def test_select_from_model_keeps_what_the_network_reads(name, friedman, classes):
    X, y = classes if name.startswith("classifier") else friedman
    selector = SelectFromModel(SELECTORS[name], threshold=1e-12).fit(X, y)
    assert selected_by(selector) == used_by(selector.estimator_)
    # What matters most, and of the noise one feature at most.
    assert {0, 1, 3} <= selected_by(selector)
    assert len(selected_by(selector) - INFORMATIVE) <= 1


def test_the_most_important_features_come_first(friedman):
    X, y = friedman
    selector = SelectFromModel(SELECTORS["regressor"], max_features=3, threshold=-np.inf).fit(X, y)
    importances = selector.estimator_.feature_importances_
    assert selected_by(selector) == set(np.argsort(-importances)[:3].tolist())
    assert selected_by(selector) <= INFORMATIVE


def test_selection_in_a_pipeline_leaves_a_model_of_few_features(friedman):
    X, y = friedman
    selector = SelectFromModel(SELECTORS["regressor"], threshold=1e-12)
    pipeline = make_pipeline(StandardScaler(), selector, LpReLURegressor(**FAST))
    pipeline.fit(X[:150], y[:150])
    assert pipeline[-1].n_features_in_ <= 5
    assert pipeline.score(X[150:], y[150:]) > 0.7


def test_recursive_elimination_ends_with_the_features_of_the_function(friedman):
    X, y = friedman
    selector = RFE(SELECTORS["regressor"], n_features_to_select=5, step=2).fit(X, y)
    assert selected_by(selector) == INFORMATIVE


# --- SHAP


def test_kernel_shap_of_a_regressor_sums_to_its_predictions(regressor, friedman):
    shap = pytest.importorskip("shap")
    X, _ = friedman
    explainer = shap.KernelExplainer(regressor.predict, X[:20], seed=0)
    values = explainer.shap_values(X[20:23], silent=True)
    assert_allclose(explainer.expected_value, regressor.predict(X[:20]).mean(), rtol=1e-10)
    totals = explainer.expected_value + values.sum(axis=1)
    assert_allclose(totals, regressor.predict(X[20:23]), rtol=1e-8)
    unread = sorted(set(range(10)) - used_by(regressor))
    assert_allclose(values[:, unread], 0, atol=1e-8)


@pytest.mark.slow  # SHAP compiles its loops
def test_shapley_values_of_a_function_of_one_feature_are_its_deviations():
    shap = pytest.importorskip("shap")
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (60, 3))
    model = LpReLURegressor(**FAST, alpha=1e-3).fit(X, np.maximum(X[:, 1], 0))
    assert used_by(model) == {1}
    explainer = shap.Explainer(model.predict, X[:30], algorithm="exact", seed=0)
    values = explainer(X[30:]).values
    expected = np.zeros((30, 3))
    expected[:, 1] = model.predict(X[30:]) - model.predict(X[:30]).mean()
    assert_allclose(values, expected, atol=1e-10)


def test_kernel_shap_of_a_classifier_sums_to_its_probabilities(classifier, classes):
    shap = pytest.importorskip("shap")
    X, _ = classes
    explainer = shap.KernelExplainer(classifier.predict_proba, X[:20], seed=0)
    values = explainer.shap_values(X[20:23], silent=True, nsamples=200)
    totals = explainer.expected_value + np.sum(values, axis=1)
    assert_allclose(totals, classifier.predict_proba(X[20:23]), atol=1e-8)
