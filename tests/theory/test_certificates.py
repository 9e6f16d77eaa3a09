"""certificate: against sparsest interpolants, exact univariate optima, networks with known gaps."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from sklearn_lpnet import LpReLUClassifier, LpReLURegressor
from sklearn_lpnet.network import Network
from sklearn_lpnet.theory import (
    certificate,
    min_path_norm_interpolant,
    sparsest_interpolant_milp,
)

PEAK = np.arange(-2, 4.0)[:, None], np.array([0, 0, 1, 1, 0, 0.0])


def with_network(network, **params):
    """A regressor as if it had been fitted."""
    model = LpReLURegressor(**params)
    model.network_ = network
    model.n_features_in_ = network.n_features
    return model


def knot_at_every_point(x, y):
    """The piecewise linear interpolant with N - 2 knots and a skip connection."""
    slopes = np.diff(y) / np.diff(x)
    changes = np.diff(slopes)
    weight = np.abs(changes)
    return Network(
        direction=np.sign(changes)[:, None],
        theta=weight[:, None],
        bias=-weight * x[1:-1],
        intercept=np.array([y[0] - slopes[0] * x[0]]),
        skip=slopes[:1, None],
    )


def noise(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (n, d)), rng.uniform(-1, 1, n)


def random_features(X, y):
    """Interpolate with 6 N random neurons, biases among their weights, and nothing free."""
    rng = np.random.default_rng(1)
    n = 6 * len(y)
    W, b = rng.standard_normal((n, X.shape[1])), rng.uniform(-1, 1, n)
    v = np.linalg.lstsq(np.maximum(X @ W.T + b, 0), y, rcond=None)[0]
    return Network(
        direction=np.sign(v)[:, None],
        theta=np.abs(v)[:, None] * W,
        bias=np.abs(v) * b,
        intercept=np.zeros(1),
        skip=np.zeros((1, X.shape[1])),
    )


def test_three_knots_are_optimal_for_a_peak_with_a_plateau():
    X, y = PEAK
    network = min_path_norm_interpolant(X[:, 0], y, 0.4).to_network()
    result = certificate(with_network(network, skip_connection=True, p=0.4), X, y)
    assert result.certified
    assert result.interpolates
    assert (result.n_weights, result.weights_bound, result.weights_gap) == (3, 3, 0)
    assert result.path_norm_gap == pytest.approx(0, abs=1e-12)
    assert "fewer weights (3), for any labels" in result.claim
    # The labels have ties, so nothing rests on general position.
    assert result.doubts
    assert "density" not in result.claim


def test_a_knot_too_many_shows_in_the_gap():
    X, y = PEAK
    network = knot_at_every_point(X[:, 0], y)
    result = certificate(with_network(network, skip_connection=True, p=0.4), X, y)
    assert result.interpolates
    assert not result.certified
    assert (result.n_weights, result.weights_bound) == (4, 3)
    assert result.weights_gap == 1
    assert result.path_norm_gap == pytest.approx(4 - result.path_norm_bound)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("p", [0.3, 0.9])
def test_univariate_bounds_are_those_of_the_minimisers(seed, p):
    X, y = noise(9, 1, seed)
    X = np.sort(X, axis=0)
    fewest = min_path_norm_interpolant(X[:, 0], y, 0)
    least = min_path_norm_interpolant(X[:, 0], y, p)
    for network in (fewest.to_network(), least.to_network(), knot_at_every_point(X[:, 0], y)):
        result = certificate(with_network(network, skip_connection=True, p=p), X, y)
        assert result.weights_bound == fewest.n_knots
        assert result.path_norm_bound == least.cost
        assert result.path_norm_gap >= -1e-9
        sparsest = network.n_active_neurons == fewest.n_knots
        assert ("fewer weights" in result.claim) == sparsest
        assert ("smaller path norm" in result.claim) == (result.path_norm_gap < 1e-9)


@pytest.mark.parametrize("skip_connection", [False, True, "penalized"])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("penalize_bias", [False, True])
@pytest.mark.parametrize("d", [1, 2])
def test_no_bound_exceeds_the_optimum(d, penalize_bias, fit_intercept, skip_connection):
    kind = {
        "penalize_bias": penalize_bias,
        "fit_intercept": fit_intercept,
        "skip_connection": skip_connection,
    }
    X, y = noise(4, d, seed=3)
    for count in ("weights", "parameters"):
        best = sparsest_interpolant_milp(X, y, **kind, count=count, time_limit=0.3)
        result = certificate(with_network(best.network, **kind), X, y)
        assert result.interpolates
        assert result.weights_bound <= best.n_nonzero == result.n_weights
        assert result.parameters_bound <= best.n_parameters == result.n_parameters


def test_as_many_parameters_as_points_are_certified():
    X, y = noise(8, 2)
    best = sparsest_interpolant_milp(X, y, count="parameters", general_position=True)
    result = certificate(with_network(best.network, skip_connection=False), X, y)
    assert result.certified
    assert (result.n_parameters, result.parameters_bound, result.n_points) == (8, 8, 8)
    assert not result.doubts
    assert "fewer parameters (8), with probability one" in result.claim
    assert "free biases, an intercept and no skip connection" in result.claim


def test_parameters_are_weights_where_nothing_is_free():
    X, y = noise(6, 5)
    kind = {"penalize_bias": True, "fit_intercept": False, "skip_connection": False}
    network = Network(
        direction=np.array([[1.0], [-1.0]]),
        theta=np.array([[1.0, 0, 2, 0, 0], [0, 1.0, 0, 0, 1]]),
        bias=np.array([0.5, 0.25]),
        intercept=np.zeros(1),
        skip=np.zeros((1, 5)),
    )
    result = certificate(with_network(network, **kind), X, y)
    assert (result.n_weights, result.n_parameters) == (6, 6)
    assert result.weights_bound == result.parameters_bound == 6
    # It has the right size, but does not interpolate.
    assert not result.certified
    assert "Nothing is proven: the network misses a label" in result.claim


def test_a_dense_interpolant_is_not_certified():
    X, y = noise(7, 2)
    kind = {"penalize_bias": True, "fit_intercept": False, "skip_connection": False}
    network = random_features(X, y)
    n_weights = network.n_nonzero_weights(penalize_bias=True)
    result = certificate(with_network(network, **kind), X, y)
    assert result.interpolates
    assert not result.certified
    assert (result.n_weights, result.weights_bound) == (n_weights, 7)
    assert result.weights_gap == n_weights - 7 > 50
    assert "not proven sparsest" in result.claim


def test_noise_on_the_labels_ends_interpolation():
    X, y = PEAK
    network = min_path_norm_interpolant(X[:, 0], y, 0.4).to_network()
    model = with_network(network, skip_connection=True)
    noisy = y + 1e-6 * np.random.default_rng(0).standard_normal(6)
    assert not certificate(model, X, noisy).certified
    assert not certificate(model, X, noisy).interpolates
    assert certificate(model, X, noisy, tol=1e-4).interpolates


def test_a_trained_network_does_not_interpolate_noise():
    X, y = noise(40, 2)
    model = LpReLURegressor(alpha=1e-3, n_neurons=20, max_iter=50, polish=False).fit(X, y)
    result = certificate(model, X, y)
    assert not result.certified
    assert result.max_error == pytest.approx(np.abs(model.predict(X) - y).max())
    assert result.relative_error == pytest.approx(result.max_error / np.ptp(y))
    assert (result.n_weights, result.n_parameters) == (
        model.n_nonzero_weights_,
        model.n_parameters_,
    )


def test_the_exact_interpolant_of_one_feature_is_certified():
    X, y = PEAK
    result = certificate(LpReLURegressor(alpha=0, p=0.4).fit(X, y), X, y)
    assert result.certified
    assert result.kind == "free biases, an intercept and a free skip connection"
    assert (result.n_weights, result.path_norm) == (3, result.path_norm_bound)


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({}, "free biases, an intercept and a penalized skip connection"),
        ({"skip_connection": False}, "free biases, an intercept and no skip connection"),
        ({"skip_connection": True}, "free biases, an intercept and a free skip connection"),
        ({"solver": "adam"}, "free biases, an intercept and no skip connection"),
        (
            {"penalize_bias": True, "fit_intercept": False},
            "penalized biases, no intercept and no skip connection",
        ),
    ],
)
def test_networks_are_compared_with_those_of_their_kind(params, kind):
    assert certificate(with_network(Network.empty(1, 0.0), **params), *PEAK).kind == kind


# --- Labels that are not in general position


def labels_of(kind, X):
    rng = np.random.default_rng(0)
    if kind == "affine":
        return X @ [1.0, 2.0] + 3
    if kind == "equal to another":
        return rng.uniform(size=len(X)).round(1)
    # A teacher with fewer parameters than points.
    return np.maximum(X @ [1.0, -0.5] + 0.1, 0) + X[:, 0]


@pytest.mark.parametrize("kind", ["affine", "equal to another", "teacher"])
def test_special_labels_are_found_out(kind):
    X = noise(30, 2)[0]
    y = labels_of(kind, X)
    result = certificate(with_network(random_features(X, y), skip_connection=False), X, y)
    assert result.doubts
    assert result.weights_bound <= 1
    assert not result.certified


def test_a_network_with_fewer_parameters_than_points_refutes_general_position():
    X = noise(9, 2)[0]
    teacher = Network(
        direction=np.array([[1.0], [1.0]]),
        theta=np.array([[1.0, 0.5], [-0.5, 1.0]]),
        bias=np.array([0.1, 0.05]),
        intercept=np.zeros(1),
        skip=np.zeros((1, 2)),
    )
    y = teacher.evaluate(X)[:, 0]
    result = certificate(with_network(teacher, penalize_bias=True, fit_intercept=False), X, y)
    assert result.interpolates
    assert any("reach a space of dimension 6" in doubt for doubt in result.doubts)
    assert not result.certified


def test_as_many_parameters_as_points_prove_nothing_if_they_are_redundant():
    X = noise(6, 2)[0]
    # Both neurons are on for all data: 6 parameters that reach only 3 dimensions.
    network = Network(
        direction=np.array([[1.0], [-1.0]]),
        theta=np.array([[1.0, 0.5], [0.25, 1.0]]),
        bias=np.array([5.0, 5.0]),
        intercept=np.zeros(1),
        skip=np.zeros((1, 2)),
    )
    y = network.evaluate(X)[:, 0]
    result = certificate(with_network(network, penalize_bias=True, fit_intercept=False), X, y)
    assert result.n_parameters == 6
    assert not result.certified


@pytest.mark.parametrize(("X", "y"), [([[2.0]], [3.0]), ([[1.0], [1.0]], [4.0, 4.0])])
def test_a_constant_is_certified_for_one_point(X, y):
    result = certificate(with_network(Network.empty(1, y[0])), X, y)
    assert result.certified
    assert (result.n_points, result.n_weights, result.weights_bound) == (1, 0, 0)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_units_change_no_verdict(scale):
    X, y = PEAK
    network = min_path_norm_interpolant(X[:, 0], y, 0.4).to_network()
    network = network.fold_scaling(0.0, 1.0, 0.0, scale)
    result = certificate(with_network(network, skip_connection=True), X, scale * y)
    assert result.certified
    assert (result.n_weights, result.weights_bound) == (3, 3)


def test_points_that_almost_coincide_are_two_points():
    x, y = np.array([0, 1e-15, 1.0]), np.array([0, 1.0, 0])
    network = min_path_norm_interpolant(x, y, 0.5).to_network()
    result = certificate(with_network(network, skip_connection=True), x[:, None], y)
    assert result.n_points == 3
    assert result.weights_bound == 1


# --- Bad input


def test_an_unfitted_estimator_is_refused():
    with pytest.raises(NotFittedError):
        certificate(LpReLURegressor(), *PEAK)


def test_classifiers_several_outputs_and_other_estimators_are_refused():
    X, y = PEAK
    with pytest.raises(ValueError, match="got the classifier LpReLUClassifier"):
        certificate(LpReLUClassifier(), X, y)
    with pytest.raises(ValueError, match="one output, got one with 2"):
        certificate(with_network(Network.empty(1, [0.0, 1.0])), X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="LpReLURegressor, got Ridge"):
        certificate(Ridge().fit(X, y), X, y)


def test_bad_data_are_named():
    X, y = PEAK
    model = with_network(Network.empty(1, 0.0))
    with pytest.raises(ValueError, match="X has 2 features, but LpReLURegressor is expecting 1"):
        certificate(model, np.hstack([X, X]), y)
    with pytest.raises(ValueError, match="equal rows 0 and 6"):
        certificate(model, np.vstack([X, X[:1]]), np.append(y, 1.0))
    with pytest.raises(ValueError, match="NaN"):
        certificate(model, X, np.where(y > 0, np.nan, y))
    with pytest.raises(ValueError, match="NaN"):
        certificate(model, np.where(X > 0, np.nan, X), y)
    with pytest.raises(ValueError, match="tol must be a number from 0 to below 1"):
        certificate(model, X, y, tol=-1)
