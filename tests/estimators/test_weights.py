"""How many samples weights are worth, and every rule that asks for their number."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris, make_friedman1

from sklearn_lpnet import LpReLUClassifier, LpReLURegressor, LpReLURegressorCV, lp_path
from sklearn_lpnet.estimators.base import as_counts, reweighted

FAST = {"n_neurons": 20, "max_iter": 100, "random_state": 0}


def one_feature(n=80):
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, n)
    return x[:, None], np.abs(x) + 0.3 * rng.normal(size=n)


def friedman(n=120):
    return make_friedman1(n, n_features=6, noise=1.0, random_state=0)


DATA = pytest.mark.parametrize("data", [friedman, one_feature])


def test_counts_sum_to_what_weights_are_worth():
    assert as_counts(np.ones(7)).sum() == 7
    assert as_counts(np.array([0.0, 3.0, 1.0])).sum() == 4
    assert as_counts(np.full(5, 0.3)).sum() == pytest.approx(5)
    assert as_counts(np.append(np.full(10, 0.5), 1e-9)).sum() == pytest.approx(10)
    assert as_counts(np.array([0.5, 1e12])).sum() == pytest.approx(1)
    # So large that there are no floats but integers.
    assert as_counts(np.array([2.0**60, 2.0**61])).sum() == pytest.approx(9 / 5)


def test_counts_are_the_variance_of_a_mean():
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.1, 3, 40)
    means = rng.normal(size=(50_000, 40)) @ weight / weight.sum()
    assert_allclose(1 / means.var(), as_counts(weight).sum(), rtol=0.03)


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1e5])
def test_scale_of_weights_that_are_no_counts_does_not_matter(scale):
    weight = np.random.default_rng(0).uniform(0.1, 3, 40)
    assert_allclose(as_counts(scale * weight), as_counts(weight), rtol=1e-12)


def test_classes_that_weigh_differently_are_worth_less_however_often_they_are_repeated():
    factor = np.where(np.arange(20) < 5, 3.0, 1.0)
    counts = np.random.default_rng(0).integers(1, 4, 20)
    repeated = reweighted(np.ones(counts.sum()), np.repeat(factor, counts))
    assert_allclose(reweighted(counts.astype(float), factor).sum(), repeated.sum())
    assert repeated.sum() < counts.sum()
    assert reweighted(np.ones(20), np.full(20, 9.0)).sum() == 20


@DATA
@pytest.mark.parametrize("weight", [3, "mixed"])
def test_counts_are_repetition_in_alpha(data, weight):
    X, y = data()
    weight = np.random.default_rng(1).integers(0, 4, len(y)) if weight == "mixed" else 0 * y + 3
    times = weight.astype(int)
    weighted = LpReLURegressor(**FAST).fit(X, y, sample_weight=weight)
    repeated = LpReLURegressor(**FAST).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    assert weighted.alpha_ == repeated.alpha_
    assert np.array_equal(weighted.network_.theta, repeated.network_.theta)


def test_alpha_is_that_of_the_number_of_samples():
    X, y = friedman()
    once = LpReLURegressor(**FAST).fit(X, y).alpha_
    often = LpReLURegressor(**FAST).fit(X, y, sample_weight=np.full(len(y), 4.0)).alpha_
    assert_allclose(often / once, np.log(4 * 120) / np.log(120) / 4, rtol=1e-6)


@DATA
def test_rows_of_next_to_no_weight_do_not_count(data):
    X, y = data()
    rng = np.random.default_rng(1)
    more = np.vstack([X, rng.permutation(np.tile(X, (9, 1)) + 1e-3)])
    labels = np.append(y, rng.normal(size=9 * len(y)))
    weight = np.append(np.ones(len(y)), np.full(9 * len(y), 1e-9))
    alone = LpReLURegressor(**FAST).fit(X, y).alpha_
    assert_allclose(
        LpReLURegressor(**FAST).fit(more, labels, sample_weight=weight).alpha_, alone, rtol=0.3
    )


@DATA
def test_alpha_does_not_depend_on_the_scale_of_weights(data):
    X, y = data()
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    base = LpReLURegressor(**FAST).fit(X, y, sample_weight=weight).alpha_
    other = LpReLURegressor(**FAST).fit(X, y, sample_weight=1e-7 * weight).alpha_
    assert_allclose(other, base, rtol=1e-3)


@pytest.mark.parametrize("classify", [False, True])
def test_alpha_for_discrete_features_is_that_for_the_same_with_a_jitter(classify):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 5, (6000, 3)).astype(float)
    y = np.round(X[:, 0] - X[:, 1] + 0.7 * rng.normal(size=6000))
    model = LpReLURegressor(**FAST, polish=False)
    if classify:
        y, model = y > 0, LpReLUClassifier(**FAST, polish=False)
    discrete = model.fit(X, y).alpha_
    assert 0.4 < discrete / model.fit(X + 1e-6 * rng.normal(size=X.shape), y).alpha_ < 2.5


def test_alpha_of_a_class_weight_does_not_depend_on_its_scale():
    X, y = load_iris(return_X_y=True)
    alphas = [
        LpReLUClassifier(**FAST, class_weight={0: c, 1: 10 * c, 2: c}).fit(X, y).alpha_
        for c in (1, 0.3, 5)
    ]
    assert_allclose(alphas, alphas[0], rtol=1e-3)
    assert alphas[0] > LpReLUClassifier(**FAST).fit(X, y).alpha_


@pytest.mark.parametrize("selection", ["bic", "aic", "ebic"])
def test_counts_are_repetition_in_criteria(selection):
    X, y = friedman()
    weight = np.random.default_rng(1).integers(0, 4, len(y))
    model = LpReLURegressorCV(**FAST, n_alphas=4, selection=selection)
    weighted = model.fit(X, y, sample_weight=weight)
    criterion = weighted.cv_results_["criterion"]
    repeated = model.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_allclose(repeated.cv_results_["criterion"], criterion, rtol=1e-9)
    # As a textbook has it, for so many samples.
    n, fitted = weight.sum(), repeated.path_.estimators
    n_parameters = np.array([one.n_parameters_ for one in fitted])
    price = {"aic": 2.0, "bic": np.log(n), "ebic": np.log(n)}[selection]
    extra = np.log(X.shape[1]) * np.array([one.n_nonzero_weights_ for one in fitted])
    textbook = n * np.log(2 * repeated.path_.losses) + price * n_parameters
    textbook += extra * (selection == "ebic")
    assert_allclose(np.diff(criterion), np.diff(textbook), rtol=1e-6)


def test_counts_are_repetition_in_the_grids_of_paths():
    X, y = friedman()
    weight = np.random.default_rng(1).integers(0, 4, len(y))
    weighted = lp_path(X, y, sample_weight=weight, n_alphas=4, **FAST).alphas
    repeated = lp_path(np.repeat(X, weight, axis=0), np.repeat(y, weight), n_alphas=4, **FAST)
    assert_allclose(weighted, repeated.alphas, rtol=1e-12)
