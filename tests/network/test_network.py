"""Network: every operation against a naive evaluation, neuron by neuron."""

import os
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import sklearn_lpnet.network
from sklearn_lpnet.network import Network

EXPONENTS = (0.0, 0.3, 0.5, 1.0)

quick = settings(max_examples=60, deadline=None)

# Few values, so that zeros, equal directions and equal rays are frequent.
entries = st.sampled_from([-3.0, -1.0, -0.5, 0.0, 0.0, 0.25, 1.0, 2.0])


@st.composite
def networks(draw, max_outputs=3):
    n_neurons = draw(st.integers(0, 6))
    n_features = draw(st.integers(1, 4))
    n_outputs = draw(st.integers(1, max_outputs))

    def array(*shape):
        return draw(hnp.arrays(np.float64, shape, elements=entries))

    direction = array(n_neurons, n_outputs)
    direction[~direction.any(axis=1), 0] = 1.0
    return Network(
        direction=direction / np.linalg.norm(direction, axis=1, keepdims=True),
        theta=array(n_neurons, n_features),
        bias=array(n_neurons),
        intercept=array(n_outputs),
        skip=array(n_outputs, n_features),
    )


@st.composite
def networks_with_data(draw, max_outputs=3):
    network = draw(networks(max_outputs=max_outputs))
    n_samples = draw(st.integers(1, 8))
    values = st.floats(-3, 3, width=32, allow_subnormal=False)
    return network, draw(hnp.arrays(np.float64, (n_samples, network.n_features), elements=values))


def naive_evaluate(network, X):
    result = np.zeros((len(X), network.n_outputs))
    for i, x in enumerate(np.asarray(X, np.float64)):
        result[i] = network.intercept + network.skip.astype(np.float64) @ x
        for a, theta, bias in zip(network.direction, network.theta, network.bias, strict=True):
            result[i] += a * max(0.0, float(theta.astype(np.float64) @ x + bias))
    return result


def penalized_sizes(network, penalize_bias, penalize_skip):
    terms = [abs(t) for row in network.theta for t in row]
    if penalize_bias:
        pairs = zip(network.theta, network.bias, strict=True)
        terms += [abs(bias) for theta, bias in pairs if theta.any() or bias > 0]
    if penalize_skip:
        terms += [float(np.linalg.norm(column)) for column in network.skip.T]
    return terms


def naive_path_norm(network, p, penalize_bias, penalize_skip):
    return sum(t**p for t in penalized_sizes(network, penalize_bias, penalize_skip) if t > 0)


def network_of(direction, theta, bias, intercept, skip):
    return Network(*map(np.asarray, (direction, theta, bias, intercept, skip)))


def random_network(seed=0, *, n_neurons=20, n_features=10, n_outputs=2, density=0.3):
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(n_neurons, n_outputs))
    return Network(
        direction=direction / np.linalg.norm(direction, axis=1, keepdims=True),
        theta=rng.normal(size=(n_neurons, n_features))
        * (rng.random((n_neurons, n_features)) < density),
        bias=rng.normal(size=n_neurons),
        intercept=rng.normal(size=n_outputs),
        skip=rng.normal(size=(n_outputs, n_features))
        * (rng.random((n_outputs, n_features)) < density),
    )


def cast(network, dtype):
    return Network(
        *(
            getattr(network, name).astype(dtype)
            for name in ("direction", "theta", "bias", "intercept", "skip")
        )
    )


def assert_same_function(result, network, X, rtol=1e-9):
    expected = naive_evaluate(network, X)
    assert_allclose(naive_evaluate(result, X), expected, rtol=rtol, atol=rtol * 100)


# Evaluation


@quick
@given(networks_with_data())
def test_evaluate_agrees_with_a_naive_loop(network_and_data):
    network, X = network_and_data
    assert_allclose(network.evaluate(X), naive_evaluate(network, X), rtol=1e-12, atol=1e-12)


@quick
@given(networks_with_data(), st.integers(1, 500))
def test_evaluate_gives_the_same_in_chunks_of_any_size(network_and_data, max_bytes):
    network, X = network_and_data
    assert_allclose(network.evaluate(X, max_bytes=max_bytes), network.evaluate(X), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_neurons", [1, 5, 40])
def test_evaluate_of_many_rows_agrees_with_a_naive_loop_on_some(n_neurons, dtype):
    network = random_network(n_neurons=n_neurons)
    X = np.random.default_rng(1).normal(size=(20_001, 10)).astype(dtype)
    rows = np.arange(0, len(X), 100)
    expected = naive_evaluate(network, X[rows])
    rtol = 1e-9 if dtype == np.float64 else 1e-3
    assert_allclose(network.evaluate(X)[rows], expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("max_bytes", [1000, 2**22])
def test_evaluate_takes_sparse_data(container, max_bytes):
    X = np.random.default_rng(1).normal(size=(50, 10)) * (np.arange(10) % 3 == 0)
    for density in (0.1, 1.0):
        network = random_network(density=density)
        result = network.evaluate(container(X), max_bytes=max_bytes)
        assert_allclose(result, network.evaluate(X), rtol=1e-12)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_evaluate_needs_no_more_memory_than_it_is_given(container):
    network = random_network(n_neurons=200, density=0.5)
    X = container(np.random.default_rng(1).normal(size=(20_000, 10)))
    network.evaluate(X[:1])
    max_bytes = 2**20
    tracemalloc.start()
    result = network.evaluate(X, max_bytes=max_bytes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < result.nbytes + 1.5 * max_bytes


def test_evaluate_keeps_float32_and_makes_all_else_float64():
    network = random_network()
    X = np.random.default_rng(1).integers(-3, 4, size=(30, 10))
    expected = naive_evaluate(network, X)
    for dtype in (np.float64, np.int32, np.float16, bool):
        result = network.evaluate(X.astype(dtype))
        assert result.dtype == np.float64
        assert_allclose(result, naive_evaluate(network, X.astype(dtype)), rtol=1e-12)
    for weights in (network, cast(network, np.float32)):
        result = weights.evaluate(X.astype(np.float32))
        assert result.dtype == np.float32
        assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


def test_evaluate_of_float32_data_survives_weights_beyond_float32():
    network = network_of([[1.0]], [[1e-50]], [0.0], [0.0], [[0.0]])
    X = np.array([[1e35], [2e35]], np.float32)
    result = network.evaluate(X)
    assert result.dtype == np.float32
    assert_allclose(result, [[1e-15], [2e-15]], rtol=1e-6)


@pytest.mark.parametrize("distance", [1.0, 1e3, 1e6, 1e12, 1e200])
def test_evaluate_keeps_its_digits_where_kinks_are_far_off(distance):
    rng = np.random.default_rng(0)
    theta = rng.normal(size=(6, 3))
    bias = np.r_[rng.normal(size=3), -distance * np.abs(rng.normal(size=3) + 2)]
    network = Network(np.array([[1.0], [-1.0]] * 3), theta, bias, np.zeros(1), np.zeros((1, 3)))
    X = rng.normal(size=(50, 3))
    assert_allclose(network.evaluate(X), naive_evaluate(network, X), atol=1e-11)


def test_evaluate_ignores_features_that_nothing_reads():
    network = network_of([[1.0]], [[2.0, 0.0]], [0.0], [0.0], [[0.0, 0.0]])
    assert network.evaluate([[1.0, np.nan]]).item() == 2.0


@pytest.mark.parametrize("n_read", [1, 4, 11, 12])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sparse.csr_array])
def test_evaluate_gives_the_same_for_data_that_are_known_to_be_finite(n_read, dtype, container):
    rng = np.random.RandomState(n_read)
    theta, skip = rng.normal(size=(5, 12)), rng.normal(size=(2, 12))
    theta[:, n_read:] = skip[:, n_read:] = 0
    direction = rng.normal(size=(5, 2))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    network = network_of(direction, theta, rng.normal(size=5), rng.normal(size=2), skip)
    X = container(rng.normal(size=(30, 12)).astype(dtype))
    dense = X.toarray() if sparse.issparse(X) else X
    hidden = np.maximum(dense @ theta.T + network.bias, 0)
    expected = hidden @ direction + dense @ skip.T + network.intercept
    for finite in (False, True):
        outputs = network.evaluate(X, finite=finite, max_bytes=1000)
        assert outputs.dtype == dtype
        assert_allclose(outputs, expected, atol=1e-4 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 2, 1)])
def test_evaluate_refuses_data_of_the_wrong_shape(shape):
    with pytest.raises(ValueError, match=r"X must have shape \(n_samples, 2\)"):
        Network.empty(2, [0.0]).evaluate(np.zeros(shape))


def test_empty_network_is_constant():
    network = Network.empty(3, [1.5, -2.0])
    assert (network.n_neurons, network.n_features, network.n_outputs) == (0, 3, 2)
    assert_array_equal(network.evaluate(np.ones((4, 3))), np.tile([1.5, -2.0], (4, 1)))
    assert network.evaluate(np.ones((0, 3))).shape == (0, 2)
    assert network.n_active_neurons == 0 and network.path_norm(0.5) == 0
    assert len(network.used_features) == 0


# Construction


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("direction", np.ones((2, 2))),
        ("theta", np.ones(3)),
        ("bias", np.ones(3)),
        ("intercept", 1.0),
        ("skip", np.ones((1, 2))),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(name, value):
    arrays = {
        "direction": np.ones((2, 1)),
        "theta": np.ones((2, 3)),
        "bias": np.ones(2),
        "intercept": np.ones(1),
        "skip": np.ones((1, 3)),
    }
    Network(**arrays)
    with pytest.raises(ValueError, match=name):
        Network(**(arrays | {name: value}))


def test_a_pickle_holds_the_five_arrays_and_nothing_derived():
    network = random_network()
    X = np.random.default_rng(1).normal(size=(5, 10))
    size = len(pickle.dumps(network))
    expected = network.evaluate(X)
    assert len(pickle.dumps(network)) == size
    restored = pickle.loads(pickle.dumps(network))
    assert_array_equal(restored.evaluate(X), expected)
    assert_array_equal(restored.theta, network.theta)


def test_importing_the_network_does_not_import_torch():
    root = Path(sklearn_lpnet.network.__file__).parents[2]
    code = "import sys, sklearn_lpnet.network; sys.exit('torch' in sys.modules)"
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": path})


# Counts and path norms


@quick
@given(networks(), st.booleans(), st.booleans())
def test_path_norm_agrees_with_a_naive_sum(network, penalize_bias, penalize_skip):
    options = {"penalize_bias": penalize_bias, "penalize_skip": penalize_skip}
    for p in EXPONENTS:
        expected = naive_path_norm(network, p, **options)
        assert network.path_norm(p, **options) == pytest.approx(expected, rel=1e-12)
    assert network.n_nonzero_weights(**options) == naive_path_norm(network, 0, **options)


@quick
@given(networks())
def test_path_norm_by_feature_sums_to_the_path_norm(network):
    for p in EXPONENTS:
        by_feature = network.path_norm_by_feature(p)
        assert by_feature.sum() == pytest.approx(network.path_norm(p), rel=1e-12)
        unread = np.setdiff1d(np.arange(network.n_features), network.used_features)
        assert_array_equal(np.flatnonzero(by_feature == 0), unread)


@quick
@given(networks(), st.booleans(), st.booleans())
def test_price_agrees_with_a_naive_sum(network, penalize_bias, penalize_skip):
    options = {"penalize_bias": penalize_bias, "penalize_skip": penalize_skip}
    for value in (lambda size: size / (1 + size), lambda size: np.minimum(size, 0.5)):
        expected = sum(map(value, penalized_sizes(network, **options)))
        assert network.price(value, **options) == pytest.approx(expected, rel=1e-12)
        by_feature = network.price_by_feature(value, penalize_skip=penalize_skip)
        without_bias = network.price(value, penalize_skip=penalize_skip)
        assert by_feature.sum() == pytest.approx(without_bias, rel=1e-12)


def test_nonzero_coefs_are_the_nonzero_entries_of_all_layers():
    """As for a dense network: every entry that is not zero counts, but for biases."""
    network = Network(
        direction=np.array([[0.6, 0.8], [1.0, 0.0], [0.0, 1.0]]),
        theta=np.array([[1.0, 0.0, -2.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]]),
        bias=np.array([1.0, 0.0, 5.0]),
        intercept=np.array([1.0, 2.0]),
        skip=np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 2.0]]),
    )
    weights_in, _, weights_out = network.balanced()
    # The neuron that reads nothing is a constant, and no part of the count.
    reads = weights_in.any(axis=0)
    entries = [weights_in[:, reads], weights_out[reads], network.skip]
    assert network.n_nonzero_coefs == sum(np.count_nonzero(one) for one in entries) == 9


def test_counts_of_a_known_network():
    network = network_of(
        direction=[[0.6, 0.8], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]],
        theta=[[1.0, 0.0, 2.0], [0.0, 0.0, -1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
        bias=[0.0, 3.0, 1.0, -1.0],
        intercept=[0.0, 1.0],
        skip=[[3.0, 0.0, 0.0], [4.0, 0.0, 0.0]],
    )
    assert_array_equal(network.active, [True, True, False, False])
    assert network.n_active_neurons == 2
    assert_array_equal(network.used_features, [0, 2])
    assert network.n_nonzero_weights() == 4  # the column of the skip connection counts once
    assert network.n_nonzero_weights(penalize_skip=False) == 3
    assert network.n_nonzero_weights(penalize_bias=True) == 6
    assert network.path_norm(1.0) == 1 + 2 + 1 + 5
    assert_array_equal(network.path_norm_by_feature(1.0), [6, 0, 3])
    # Three neurons are not zero everywhere, so three biases are free; two intercepts.
    assert network.n_parameters() == 4 + 3 + 2
    assert network.n_parameters(fit_intercept=False) == 4 + 3
    assert network.n_parameters(penalize_bias=True) == 6 + 2
    assert network.n_parameters(penalize_skip=False) == 3 + 3 + 2 + 2


def test_fewer_parameters_than_samples_cannot_interpolate():
    # The reachable outputs on fixed patterns are a linear space: its dimension is the oracle.
    network = random_network(n_neurons=4, n_features=5, n_outputs=1)
    X = np.random.default_rng(1).normal(size=(60, 5))
    on = X @ network.theta.T + network.bias > 0
    columns = [on[:, k] * X[:, j] for k, j in zip(*np.nonzero(network.theta), strict=True)]
    columns += [on[:, k] * 1.0 for k in range(4)]
    columns += [X[:, j] for j in np.flatnonzero(network.skip[0])] + [np.ones(60)]
    assert np.linalg.matrix_rank(np.column_stack(columns)) <= network.n_parameters()
    assert len(columns) == network.n_parameters()


# Algebra


@quick
@given(networks_with_data(), st.booleans())
def test_compact_changes_no_prediction(network_and_data, fold_constants):
    network, X = network_and_data
    result = network.compact(fold_constants=fold_constants)
    assert_same_function(result, network, X)
    assert result.n_active_neurons == network.n_active_neurons
    if fold_constants:
        assert result.active.all()
    else:
        assert (result.active | (result.bias > 0)).all()
        assert_array_equal(result.intercept, network.intercept)
        for p in EXPONENTS:
            assert result.path_norm(p, penalize_bias=True) == pytest.approx(
                network.path_norm(p, penalize_bias=True)
            )


@quick
@given(networks_with_data())
def test_merge_changes_no_prediction_and_never_raises_the_path_norm(network_and_data):
    network, X = network_and_data
    result = network.merge()
    assert_same_function(result, network, X)
    assert result.merge().n_neurons == result.n_neurons
    for p in EXPONENTS:
        for penalize_bias in (False, True):
            before = network.path_norm(p, penalize_bias=penalize_bias)
            assert result.path_norm(p, penalize_bias=penalize_bias) <= before * (1 + 1e-12)


@quick
@given(networks_with_data(), st.floats(0.01, 100), st.sampled_from([np.float32, np.float64]))
def test_merge_undoes_the_splitting_of_neurons(network_and_data, ratio, dtype):
    network, X = network_and_data
    network = network.merge()
    share = np.array([1, ratio])[:, None] / (1 + ratio)
    split = Network(
        direction=np.tile(network.direction, (2, 1)),
        theta=(share[:, :, None] * network.theta).reshape(-1, network.n_features),
        bias=(share * network.bias).ravel(),
        intercept=network.intercept,
        skip=network.skip,
    )
    merged = cast(split, dtype).merge()
    assert merged.n_neurons == network.n_neurons
    assert_allclose(merged.theta, network.theta, rtol=1e-5)
    assert_same_function(merged, network, X, rtol=1e-9 if dtype == np.float64 else 1e-5)


def test_merge_tells_neurons_apart_in_any_units():
    # Next to their biases the input weights are negligible, yet they differ.
    network = network_of([[1.0], [1.0]], [[1e-30, 0], [2e-30, 0]], [1.0, 1.0], [0.0], [[0.0, 0.0]])
    assert network.merge().n_neurons == 2
    # One input weight is negligible next to the other.
    network = network_of(
        [[1.0], [1.0]], [[1e30, 1.0], [1e30, 2.0]], [1.0, 1.0], [0.0], [[0.0, 0.0]]
    )
    assert network.merge().n_neurons == 2


@quick
@given(networks_with_data(), st.randoms(use_true_random=False))
def test_fold_scaling_is_evaluation_in_standardized_units(network_and_data, random):
    network, X = network_and_data
    d, o = network.n_features, network.n_outputs
    x_mean, y_mean = ([random.uniform(-5, 5) for _ in range(n)] for n in (d, o))
    x_scale, y_scale = ([10 ** random.uniform(-2, 2) for _ in range(n)] for n in (d, o))
    result = network.fold_scaling(x_mean, x_scale, y_mean, y_scale)
    raw = X * x_scale + x_mean
    expected = naive_evaluate(network, (raw - x_mean) / x_scale) * y_scale + y_mean
    assert_allclose(naive_evaluate(result, raw), expected, rtol=1e-9, atol=1e-7)
    assert_array_equal(result.theta == 0, network.theta == 0)
    assert_array_equal(result.skip == 0, network.skip == 0)
    assert_allclose(np.linalg.norm(result.direction, axis=1), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("x_scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("y_scale", [[1e-30], [1e30], [1e-30, 1e30]])
def test_fold_scaling_survives_extreme_units(dtype, x_scale, y_scale):
    network = cast(random_network(n_outputs=len(y_scale)), dtype)
    Z = np.random.default_rng(1).normal(size=(20, 10))
    result = network.fold_scaling(x_scale, x_scale, y_scale, y_scale)
    expected = naive_evaluate(network, Z) * y_scale + y_scale
    assert_allclose(result.evaluate(x_scale * Z + x_scale), expected, rtol=1e-6, atol=0)
    assert_array_equal(result.theta == 0, network.theta == 0)
    assert_array_equal(result.skip == 0, network.skip == 0)
    assert_allclose(np.linalg.norm(result.direction, axis=1), 1)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_fold_scaling_refuses_scales_that_are_not_positive(scale):
    network = random_network()
    with pytest.raises(ValueError, match="x_scale must be positive"):
        network.fold_scaling(0, scale, 0, 1)
    with pytest.raises(ValueError, match="y_scale must be positive"):
        network.fold_scaling(0, 1, 0, scale)


@quick
@given(networks_with_data())
def test_skip_as_neurons_changes_no_prediction_in_the_box(network_and_data):
    network, X = network_and_data
    result = network.skip_as_neurons(X.min(axis=0), X.max(axis=0))
    assert not result.skip.any()
    assert_same_function(result, network, X)
    for p in EXPONENTS:
        assert result.path_norm(p) == pytest.approx(network.path_norm(p))
    n_new = result.n_neurons - network.n_neurons
    columns = network.skip[:, network.skip.any(axis=0)].T
    lines = {tuple(np.round(c / np.linalg.norm(c) * np.sign(c[c != 0][0]), 9)) for c in columns}
    assert n_new == len(lines)


def test_skip_as_neurons_of_one_output_is_one_neuron():
    network = random_network(n_outputs=1, density=1.0)
    lower, upper = np.full(10, 1e6), np.full(10, 1e6 + 1)
    for weights, rtol in ((network, 1e-9), (cast(network, np.float32), 1e-5)):
        result = weights.skip_as_neurons(lower, upper)
        assert result.n_neurons == network.n_neurons + 1
        assert_array_equal(result.direction[-1], [1.0])
        assert_allclose(result.theta[-1], network.skip[0], rtol=1e-6)
        X = np.vstack([lower, upper, np.where(network.skip[0] > 0, lower, upper)])
        assert (X @ result.theta[-1] + result.bias[-1] > 0).all()
        assert_allclose(result.evaluate(X), weights.evaluate(X), rtol=rtol)


@quick
@given(networks_with_data())
def test_fold_always_on_changes_no_prediction_on_the_data(network_and_data):
    network, X = network_and_data
    result = network.fold_always_on(X)
    assert_same_function(result, network, X)
    preactivation = X @ result.theta.T + result.bias
    assert (preactivation.min(axis=0) < 0).all() and (preactivation.max(axis=0) > 0).all()


def test_fold_always_on_undoes_skip_as_neurons():
    network = random_network(n_neurons=0)
    X = np.random.default_rng(1).normal(size=(40, 10))
    result = network.skip_as_neurons(X.min(axis=0), X.max(axis=0)).fold_always_on(X, max_bytes=500)
    assert result.n_neurons == 0
    assert_allclose(result.skip, network.skip, rtol=1e-12)
    assert_allclose(result.intercept, network.intercept, atol=1e-12)


def test_fold_always_on_leaves_exact_zeros_where_terms_cancel():
    theta = np.array([[0.1, 0.0], [0.2, 0.0]])
    network = network_of([[1.0], [1.0]], theta, [9.0, 9.0], [0.0], [[-0.3, 1.0]])
    result = network.fold_always_on([[0.0, 0.0], [1.0, 1.0]])
    assert_array_equal(result.skip, [[0.0, 1.0]])


def test_fold_always_on_drops_a_neuron_that_is_zero_on_the_data():
    network = network_of([[1.0]], [[1.0, 1.0]], [0.0], [0.0], [[0.0, 0.0]])
    result = network.fold_always_on(np.zeros((3, 2)))
    assert result.n_neurons == 0 and not result.skip.any()


def test_fold_always_on_takes_sparse_data():
    network = random_network()
    X = sparse.random(60, 10, density=0.2, random_state=0, format="csr")
    result = network.fold_always_on(X)
    assert_allclose(result.theta, network.fold_always_on(X.toarray()).theta)
    assert 0 < result.n_neurons < network.n_neurons


@quick
@given(networks_with_data())
def test_balanced_form_is_the_same_network(network_and_data):
    network, X = network_and_data
    weights_in, bias, weights_out = network.balanced()
    hidden = np.maximum(0, X @ weights_in + bias)
    expected = naive_evaluate(network, X)
    assert_allclose(
        hidden @ weights_out + X @ network.skip.T + network.intercept,
        expected,
        rtol=1e-9,
        atol=1e-9,
    )
    norm_in, norm_out = np.linalg.norm(weights_in, axis=0), np.linalg.norm(weights_out, axis=1)
    assert_allclose(np.where(norm_in > 0, norm_in, np.abs(bias)), norm_out, rtol=1e-12)
    for p in EXPONENTS[1:]:
        products = np.abs(weights_in * norm_out)
        path_norm = (products[products > 0] ** p).sum()
        assert path_norm == pytest.approx(network.path_norm(p, penalize_skip=False))


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_balanced_form_survives_extreme_weights(scale):
    network = network_of([[1.0]], [[scale, -scale]], [scale], [0.0], [[0.0, 0.0]])
    weights_in, bias, weights_out = network.balanced()
    assert_allclose(weights_in[:, 0] * weights_out[0], network.theta[0], rtol=1e-12)
    assert_allclose(bias * weights_out[0], network.bias, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operations_keep_the_dtype(dtype):
    network = cast(random_network(), dtype)
    X = np.random.default_rng(1).normal(size=(20, 10))
    results = [
        network.compact(),
        network.compact(fold_constants=False),
        network.merge(),
        network.skip_as_neurons(-3, 3),
        network.fold_always_on(X),
        pickle.loads(pickle.dumps(network)),
        Network.empty(3, np.zeros(2, dtype)),
    ]
    assert {result.theta.dtype for result in results} == {np.dtype(dtype)}
    assert {array.dtype for array in network.balanced()} == {np.dtype(dtype)}
    assert network.fold_scaling(0, 1, 0, 1).theta.dtype == np.float64


def test_operations_take_a_network_without_neurons():
    network = Network.empty(3, [1.0])
    X = np.ones((2, 3))
    for result in (
        network.compact(),
        network.merge(),
        network.fold_scaling(0, 2, 0, 1),
        network.skip_as_neurons(0, 1),
        network.fold_always_on(X),
    ):
        assert_array_equal(result.evaluate(X), [[1.0], [1.0]])
    assert [array.shape for array in network.balanced()] == [(3, 0), (0,), (0, 1)]
