"""The regressor with alpha = 0: it interpolates."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import LpReLUClassifier, LpReLURegressor
from sklearn_lpnet.theory import min_path_norm_interpolant

PEAK = np.arange(-2.0, 4.0)[:, None], np.array([0.0, 0, 1, 1, 0, 0])


def random_data(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (n, d)), rng.uniform(-1, 1, n)


def interpolator(**params):
    return LpReLURegressor(**{"alpha": 0, "random_state": 0, "time_limit": 1.0} | params)


# --- One feature


def test_peak_and_plateau_is_three_neurons():
    model = LpReLURegressor(alpha=0, p=0.4).fit(*PEAK)
    assert model.n_active_neurons_ == model.n_nonzero_weights_ == 3
    # Three biases, the intercept; left of the first knot the function is constant.
    assert model.n_parameters_ == 7
    assert model.path_norm_ == model.objective_ == pytest.approx(3.319507910772894, rel=1e-15)
    np.testing.assert_array_equal(model.predict(PEAK[0]), PEAK[1])
    assert model.score(*PEAK) == 1.0
    assert model.alpha_ == 0.0
    assert model.history_["n_active_neurons"] == [3]


@pytest.mark.parametrize("p", [0, 0.3, 1])
def test_one_feature_gets_the_global_minimum(p):
    X, y = random_data(50, 1)
    model = interpolator(p=p).fit(X, y)
    assert model.path_norm_ == pytest.approx(min_path_norm_interpolant(X[:, 0], y, p).cost)
    np.testing.assert_allclose(model.predict(X), y, atol=1e-13)
    np.testing.assert_allclose(model.network_.evaluate(X)[:, 0], y, atol=1e-9)


def test_order_standardization_and_weights_make_no_difference_to_one_feature():
    X, y = random_data(30, 1)
    model = interpolator().fit(X, y)
    order = np.random.default_rng(1).permutation(30)
    weight = np.append(np.linspace(1, 5, 30), 0.0)
    for other in (
        interpolator(standardize=False).fit(X, y),
        interpolator().fit(X[order], y[order]),
        interpolator().fit(np.append(X, X[:1], axis=0), np.append(y, 9.0), sample_weight=weight),
        interpolator().fit(sp.csr_array(X), y),
    ):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
        assert other.path_norm_ == model.path_norm_


def test_a_fit_with_weights_after_an_interpolation_predicts_with_its_network():
    model = interpolator().fit(*PEAK)
    model.set_params(alpha=0.01, max_iter=100).fit(*PEAK)
    np.testing.assert_array_equal(model.predict(PEAK[0]), model.network_.evaluate(PEAK[0])[:, 0])


def test_many_samples_of_one_feature_are_fitted_and_predicted_exactly():
    x = np.random.default_rng(0).permutation(200_000).astype(float)
    y = np.sin(x)
    model = interpolator().fit(x[:, None], y)
    np.testing.assert_array_equal(model.predict(x[:, None]), y)


def test_collinear_points_need_no_knot():
    x = np.linspace(0, 1, 11)
    model = interpolator().fit(x[:, None], 0.1 + 0.3 * x)
    assert model.n_active_neurons_ == 0
    assert model.feature_importances_.tolist() == [1.0]


@pytest.mark.parametrize(
    "params",
    [{"skip_connection": False}, {"penalize_bias": True}, {"fit_intercept": False}],
    ids=str,
)
def test_another_network_on_one_feature_is_left_to_vertex(params):
    model = interpolator(**params).fit(*PEAK)
    np.testing.assert_allclose(model.predict(PEAK[0]), PEAK[1], atol=1e-9)
    name = next(iter(params))
    with pytest.raises(ValueError, match=rf"{name}=.* solver='univariate'.* solver='vertex'"):
        interpolator(solver="univariate", **params).fit(*PEAK)


# --- Several features


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"standardize": False},
        {"p": 0},
        {"p": 1},
        {"skip_connection": True},
        {"skip_connection": False},
        {"penalize_bias": True, "fit_intercept": False},
        {"n_init": 2},
    ],
    ids=str,
)
def test_several_features_are_interpolated(params):
    X, y = random_data(12, 3)
    X, y = 100 + 20 * X, 1e3 * y - 50
    model = interpolator(**params).fit(X, y)
    assert np.abs(model.predict(X) - y).max() < 1e-9 * np.abs(y).max()
    assert model.n_parameters_ >= len(y)
    assert model.n_nonzero_weights_ <= 3 * len(y)
    assert model.feature_importances_.sum() == pytest.approx(1)
    if params.get("skip_connection") is False:
        assert not model.skip_coef_.any()
    penalties = {
        "penalize_bias": bool(params.get("penalize_bias")),
        "penalize_skip": params.get("skip_connection") is not True,
    }
    assert model.path_norm_ == model.network_.path_norm(params.get("p", 0.5), **penalties)


def test_ten_samples_of_fifty_features_take_ten_weights():
    rng = np.random.RandomState(20)
    X, y = rng.uniform(-1, 1, (10, 50)), rng.uniform(-1, 1, 10)
    params = {"p": 0.4, "penalize_bias": True, "fit_intercept": False, "time_limit": 30.0}
    model = interpolator(**params).fit(X, y)
    assert model.n_nonzero_weights_ == model.n_parameters_ == 10
    assert np.abs(model.predict(X) - y).max() < 1e-12


def test_a_sample_without_weight_is_not_interpolated():
    X, y = random_data(8, 2)
    weight = np.append(np.ones(8), 0)
    model = interpolator().fit(np.append(X, X[:1], axis=0), np.append(y, 7.0), weight)
    np.testing.assert_allclose(model.predict(X), y, atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("skip_connection", ["auto", False])
def test_a_few_samples_are_interpolated(n, d, skip_connection):
    X, y = random_data(n, d)
    model = interpolator(skip_connection=skip_connection, time_limit=0.3).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y, atol=1e-12)


@pytest.mark.parametrize("size", [1e-12, 1e12])
@pytest.mark.parametrize("d", [1, 2])
def test_units_of_the_labels_are_no_obstacle(size, d):
    X, y = random_data(9, d)
    model = interpolator(time_limit=0.5).fit(X, size * y)
    np.testing.assert_allclose(model.predict(X), size * y, atol=1e-9 * size)


@pytest.mark.parametrize("label", [0.0, 3.0])
@pytest.mark.parametrize("d", [1, 2])
def test_equal_labels_are_a_constant(label, d):
    X, _ = random_data(9, d)
    model = interpolator().fit(X, np.full(9, label))
    assert model.n_active_neurons_ == 0
    np.testing.assert_allclose(model.predict(X), label, atol=1e-12)


def test_samples_that_almost_coincide_never_give_nan():
    X, y = random_data(9, 2)
    X[1] = X[0] * (1 + 4e-16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = interpolator(time_limit=0.5).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    with pytest.warns(ConvergenceWarning, match="too close to each other"):
        interpolator(time_limit=0.1).fit(X, y)


def test_estimators_are_cloned_pickled_and_piped():
    X, y = random_data(10, 2)
    for data, params in (((X, y), {}), (PEAK, {"p": 0.4})):
        model = clone(interpolator(**params)).fit(*data)
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict(data[0]), model.predict(data[0]))
        piped = make_pipeline(StandardScaler(), interpolator(**params)).fit(*data)
        np.testing.assert_allclose(piped.predict(data[0]), data[1], atol=1e-9)


# --- What is refused


@pytest.mark.parametrize("d", [1, 2])
def test_equal_rows_with_different_labels_are_named(d):
    X, y = random_data(6, d)
    X[4] = X[1]
    match = "rows 1 and 4" if d == 2 else "more than once, with different y"
    with pytest.raises(ValueError, match=match):
        interpolator().fit(X, y)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"loss": "huber"}, "loss='squared_error', but loss='huber'; use a positive alpha"),
        ({"solver": "adam"}, "alpha=0 asks for interpolation, but solver='adam'"),
        ({"solver": "proximal"}, "alpha=0 asks for interpolation, but solver='proximal'"),
        ({"solver": "vertex", "alpha": 0.1}, "solver='vertex' interpolates.* alpha=0.1"),
        ({"solver": "vertex", "alpha": "auto"}, "solver='vertex' interpolates.* use alpha=0"),
        ({"solver": "univariate"}, "takes one feature, but X has 2; use solver='vertex'"),
        ({"early_stopping": True}, "early_stopping=True .* alpha=0"),
        ({"time_limit": 0}, "The 'time_limit' parameter"),
    ],
    ids=str,
)
def test_what_does_not_go_with_interpolation_is_refused(params, match):
    with pytest.raises(ValueError, match=match):
        interpolator(**params).fit(*random_data(5, 2))


@pytest.mark.parametrize("d", [1, 2])
def test_several_outputs_are_refused(d):
    X, y = random_data(5, d)
    with pytest.raises(ValueError, match=r"single output, but y has 2.*MultiOutputRegressor"):
        interpolator().fit(X, np.column_stack([y, y]))


def test_a_classifier_does_not_interpolate():
    with pytest.raises(ValueError, match=r"alpha=0 .* LpReLURegressor .* positive alpha"):
        LpReLUClassifier(alpha=0).fit(*PEAK)


def test_a_single_array_gets_the_usual_advice():
    with pytest.raises(ValueError, match="Reshape your data"):
        interpolator().fit(PEAK[0][:, 0], PEAK[1])


def test_partial_fit_is_not_available():
    assert not hasattr(interpolator(), "partial_fit")
    assert hasattr(interpolator(alpha=0.1), "partial_fit")


def test_an_interrupt_leaves_an_interpolant(monkeypatch):
    from sklearn_lpnet.solvers.gradient import stack

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(stack.Stack, "step", interrupt)
    X, y = random_data(20, 2)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model = interpolator(time_limit=30.0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y, atol=1e-9)


@pytest.mark.parametrize("p", [0.5, 1.0])
def test_exclusive_or_ends_long_before_the_time_limit(p):
    # No network of four parameters does it, although four samples need no more in general.
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([0.0, 1.0, 1.0, 0.0])
    model = LpReLURegressor(alpha=0, p=p, time_limit=3600, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y, atol=1e-9)
    # |x0 - x1|, in four weights of one.
    np.testing.assert_allclose(model.path_norm_, 4, rtol=1e-6)
