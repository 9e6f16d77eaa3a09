"""univariate: against every way to cut the runs, plain loops, and other interpolants."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lpnet.solvers.splines.univariate import (
    clip_scan,
    fewest_blocks,
    least_cost_blocks,
    univariate,
)

quick = settings(max_examples=100, deadline=None)

PEAK_AND_PLATEAU = np.arange(-2.0, 4.0), np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])


def all_cuts(length):
    """All ways to cut a run into blocks of one or two."""
    if length == 0:
        return [[]]
    cuts = [[1, *rest] for rest in all_cuts(length - 1)]
    return cuts + ([[2, *rest] for rest in all_cuts(length - 2)] if length > 1 else [])


def curvature_runs(x, y):
    """Runs of curvatures of one sign, from the definition."""
    order = np.argsort(x)
    runs, previous = [], 0.0
    for e in np.diff(np.diff(y[order]) / np.diff(x[order])):
        e = 0.0 if abs(e) < 1e-9 else e
        if e and e * previous > 0:
            runs[-1].append(abs(e))
        elif e:
            runs.append([abs(e)])
        previous = e
    return runs


def brute_force_cost(x, y, p):
    """Least cost over all vertices: all ways to cut all runs."""
    total = 0.0
    for run in curvature_runs(x, y):
        ends = [np.cumsum([0, *cut]) for cut in all_cuts(len(run))]
        costs = [sum(sum(run[i:j]) ** p for i, j in pairwise(e)) for e in ends]
        total += min(costs)
    return total


def random_data(seed):
    """Up to 14 points: noise, convex, integer (with collinear points and ties) or smooth."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 15))
    x = np.sort(rng.uniform(-3, 3, n))
    kind = seed % 4
    if kind == 0:
        y = rng.standard_normal(n)
    elif kind == 1:
        x = np.arange(n) / 4
        y = np.cumsum(np.cumsum(rng.exponential(size=n) ** 3))
    elif kind == 2:
        x = np.arange(float(n))
        y = rng.integers(0, 4, n).astype(float)
    else:
        y = np.exp(x)
    order = rng.permutation(n)
    return x[order], y[order], rng.uniform()


def relu_sum(f, x):
    return f.intercept + f.slope * x + np.maximum(0, x[:, None] - f.knots) @ f.slope_changes


# Values with few bits, so that slopes, and what shifts and scalings do to them, are exact.
gaps = st.lists(st.sampled_from([0.25, 0.5, 1.0, 2.0]), min_size=0, max_size=13)
exponents = st.floats(0, 1)


@st.composite
def exact_data(draw):
    x = np.cumsum([0.0, *draw(gaps)])
    y = draw(st.lists(st.integers(-8, 8), min_size=len(x), max_size=len(x)))
    return x, np.array(y, dtype=float)


@pytest.mark.parametrize("seed", range(100))
def test_cost_is_the_least_over_all_vertices(seed):
    x, y, p = random_data(seed)
    f = univariate(x, y, p)
    assert_allclose(f.cost, brute_force_cost(x, y, p), rtol=1e-12)
    assert_allclose(f(x), y, rtol=1e-12, atol=1e-12 * np.abs(y).max())


@pytest.mark.parametrize("seed", range(100))
def test_knots_for_p_0_are_the_fewest_over_all_vertices(seed):
    x, y, _ = random_data(seed)
    f = univariate(x, y, 0)
    assert f.cost == f.n_knots == brute_force_cost(x, y, 0)


@pytest.mark.parametrize("seed", range(20))
def test_no_other_interpolant_costs_less(seed):
    """Interpolants with a knot at each point and one anywhere between any two."""
    x, y, p = random_data(seed)
    x, y = x[np.argsort(x)], y[np.argsort(x)]
    cost = univariate(x, y, p).cost
    chord = np.diff(y) / np.diff(x)
    rng = np.random.default_rng(seed)
    for _ in range(300):
        # The chord's slope lies between those at both ends of an interval with a knot.
        neighbour = rng.choice(chord, len(chord)) * rng.choice([0, 1], len(chord))
        neighbour += (rng.uniform(size=len(chord)) < 0.3) * rng.standard_normal(len(chord))
        share = rng.choice([0.1, 0.5, 1.0], len(chord))
        left = np.where(rng.uniform(size=len(chord)) < 0.5, chord, neighbour)
        right = chord - share * (left - chord)
        changes = np.concatenate([left[1:] - right[:-1], right - left])
        assert np.sum(np.abs(changes[np.abs(changes) > 0]) ** p) >= cost * (1 - 1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_p_1_is_the_total_variation_of_the_slope_with_the_fewest_knots(seed):
    x, y, _ = random_data(seed)
    f = univariate(x, y, 1)
    assert_allclose(f.cost, sum(map(sum, curvature_runs(x, y))), rtol=1e-12)
    assert f.n_knots == univariate(x, y, 0).n_knots


def test_peak_and_plateau():
    f = univariate(*PEAK_AND_PLATEAU, 0.4)
    assert f.n_knots == 3
    assert f.cost == 3.319507910772894
    assert_array_equal(f.knots, [-1.0, 0.5, 2.0])
    assert_array_equal(f.slope_changes, [1.0, -2.0, 1.0])
    assert (f.slope, f.intercept) == (0.0, 0.0)


@quick
@given(exact_data(), exponents)
def test_the_record_is_consistent(data, p):
    x, y = data
    f = univariate(x, y, p)
    assert_array_equal(f(x), y)
    assert_allclose(relu_sum(f, x), y, atol=1e-11)
    between = np.linspace(-3, x[-1] + 3, 101)
    assert_allclose(f(between), relu_sum(f, between), atol=1e-10)
    assert_allclose(f.to_network().evaluate(between[:, None])[:, 0], f(between), atol=1e-10)
    assert f.cost == f.path_norm(p)
    assert np.all(np.diff(f.knots) > 0)
    assert np.all(f.slope_changes != 0)


@quick
@given(
    st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=14, unique=True),
    st.data(),
    exponents,
)
def test_the_data_are_interpolated(integers, data, p):
    x = np.array(integers) / 997
    y = np.array(data.draw(st.lists(st.floats(-1e9, 1e9), min_size=len(x), max_size=len(x))))
    assert_allclose(univariate(x, y, p)(x), y, rtol=0, atol=1e-12 * np.abs(y).max())


@quick
@given(exact_data(), exponents, st.sampled_from([0.5, 1.0, 4.0]), st.integers(-9, 9))
def test_shifting_and_scaling_x_moves_the_knots(data, p, scale, shift):
    # At a p that is barely more than 0, interpolants with as many knots cost the same.
    assume(p == 0 or p > 1e-6)
    x, y = data
    f, moved = univariate(x, y, p), univariate(scale * x + shift, y, p)
    assert_allclose(moved.cost, f.cost * scale**-p, rtol=1e-12)
    assert_allclose(moved.slope_changes, f.slope_changes / scale, rtol=1e-12)
    assert_allclose(moved.knots, scale * f.knots + shift, rtol=1e-12, atol=1e-12)


@quick
@given(exact_data(), exponents)
def test_reflecting_x_keeps_the_cost(data, p):
    x, y = data
    assert_allclose(univariate(-x, y, p).cost, univariate(x, y, p).cost, rtol=1e-12)


@quick
@given(exact_data(), exponents, st.integers(-9, 9), st.integers(-9, 9))
def test_adding_an_affine_function_changes_no_knot(data, p, slope, intercept):
    x, y = data
    f, added = univariate(x, y, p), univariate(x, y + slope * x + intercept, p)
    assert_array_equal(added.knots, f.knots)
    assert_array_equal(added.slope_changes, f.slope_changes)
    if len(x) > 1:
        assert_allclose([added.slope, added.intercept], [f.slope + slope, f.intercept + intercept])


@pytest.mark.parametrize("scale", [1e12, 1e-12])
def test_the_size_of_labels_does_not_matter(scale):
    x, y, p = random_data(1)
    f, scaled = univariate(x, y, p), univariate(x, scale * y, p)
    assert_allclose(scaled.knots, f.knots, rtol=1e-9)
    assert_allclose(scaled.cost, f.cost * scale**p, rtol=1e-9)


def test_order_and_repetition_do_not_matter():
    x, y, p = random_data(0)
    order = np.argsort(x)
    f = univariate(x[order], y[order], p)
    repeated = univariate(np.tile(x, 3), np.tile(y, 3), p)
    assert_array_equal(repeated.knots, f.knots)
    assert repeated.cost == f.cost


@pytest.mark.parametrize(
    ("x", "y", "slope", "intercept"),
    [
        ([2.0], [3.0], 0.0, 3.0),
        ([2.0, 2.0, 2.0], [3.0, 3.0, 3.0], 0.0, 3.0),
        ([1.0, 3.0], [2.0, 6.0], 2.0, 0.0),
        ([3, 1, 2], [1, 1, 1], 0.0, 1.0),
    ],
)
@pytest.mark.parametrize("p", [0, 0.5, 1])
def test_affine_data_have_no_knots(x, y, slope, intercept, p):
    f = univariate(x, y, p)
    assert (f.n_knots, f.cost, f.slope, f.intercept) == (0, 0.0, slope, intercept)
    assert_array_equal(f(x), y)
    assert_array_equal(f(7.0), slope * 7 + intercept)


@pytest.mark.parametrize("slope", [3.0, 0.1, -1 / 3, 1e-9])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_rounding_does_not_bend_a_line(slope, scale):
    x = np.random.default_rng(0).uniform(-1, 1, 10_000)
    y = scale * (slope * x - 0.7)
    f = univariate(x, y, 0.5)
    assert f.n_knots == 0
    assert_allclose(f(x), y, rtol=0, atol=1e-12 * np.abs(y).max())


def test_knots_of_a_densely_sampled_polygon_are_its_corners():
    corners, values = np.linspace(0, 1, 11), np.random.default_rng(0).standard_normal(11)
    x = np.sort(np.append(corners, np.random.default_rng(1).uniform(0, 1, 5000)))
    f = univariate(x, np.interp(x, corners, values), 0.5)
    assert_allclose(f.knots, corners[1:-1], rtol=1e-12)


def test_no_knot_replaces_two_with_collinear_points_between():
    # Curvatures 1, 0, 1: convex, but the middle is a line through three points.
    f = univariate([0, 1, 2, 3, 4], [0, 0, 1, 2, 4], 0)
    assert_array_equal(f.knots, [1.0, 3.0])


def test_a_smooth_curve_is_no_line_however_dense_the_points():
    x = np.linspace(0, 1e-3, 100_000)
    y = np.cos(x)
    f = univariate(x, y, 0.5)
    assert 2 < f.n_knots < 20_000
    assert_allclose(f(x), y, rtol=1e-14)


def test_points_1e_15_apart():
    x = np.array([0.0, 1.0, 1.0 + 1e-15, 2.0])
    apart = univariate(x, [0.0, 5.0, 6.0, 0.0], 0.5)
    assert_array_equal(apart(x), [0.0, 5.0, 6.0, 0.0])
    assert np.isfinite(apart.cost)
    together = univariate(x, [0.0, 5.0, 5.0, 0.0], 0.5)
    assert together.n_knots == 1
    assert_allclose(together(x), [0.0, 5.0, 5.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2, 31, 32, 33, 64, 65, 1000, 4097])
def test_clip_scan_equals_a_loop(n):
    rng = np.random.default_rng(n)
    shift, a, b = rng.standard_normal((3, n))
    lower = np.where(rng.uniform(size=n) < 0.8, -np.inf, np.minimum(a, b))
    upper = np.where(rng.uniform(size=n) < 0.5, np.inf, np.maximum(a, b))
    expected, z = [], 0.0
    for i in range(n):
        z = min(max(z + shift[i], lower[i]), upper[i])
        expected.append(z)
    assert_allclose(clip_scan(shift, lower, upper), expected, atol=1e-11)


def random_runs(seed, share):
    rng = np.random.default_rng(seed)
    first = rng.uniform(size=3000) < share
    first[0] = True
    single = rng.exponential(size=3000) ** 2
    pair = single + np.append(0, single[:-1])
    return single, pair, first


def cost_of(paired, single, pair):
    alone = ~(paired | np.append(paired[1:], False))
    return pair[paired].sum() + single[alone].sum()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_least_cost_blocks_equal_the_plain_recurrence(share, p):
    single, pair, first = random_runs(0, share)
    single, pair = single**p, pair**p
    least = [0.0, single[0]]
    for i in range(1, len(single)):
        two = np.inf if first[i] else least[-2] + pair[i]
        least.append(min(least[-1] + single[i], two))
    paired = least_cost_blocks(single, pair, first)
    assert not np.any(paired & first)
    assert not np.any(paired[1:] & paired[:-1])
    assert_allclose(cost_of(paired, single, pair), least[-1], rtol=1e-13)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
def test_fewest_blocks_equal_the_plain_recurrence(share):
    single, pair, first = random_runs(1, share)
    least = [(0, 0.0), (1, single[0])]
    for i in range(1, len(single)):
        ways = [(least[-1][0] + 1, least[-1][1] + single[i])]
        if not first[i]:
            ways.append((least[-2][0] + 1, least[-2][1] + pair[i]))
        least.append(min(ways))
    paired = fewest_blocks(single, pair, first)
    assert not np.any(paired & first)
    assert not np.any(paired[1:] & paired[:-1])
    assert len(paired) - np.count_nonzero(paired) == least[-1][0]
    assert_allclose(cost_of(paired, single, pair), least[-1][1], rtol=1e-13)


def test_long_runs_of_one_sign():
    x = np.linspace(-1, 1, 100_001)
    for p in (0, 0.5, 1):
        f = univariate(x, np.exp(x), p)
        assert f.n_knots == 50_000
        assert_array_equal(f(x), np.exp(x))


def test_the_result_cannot_be_changed():
    f = univariate(*PEAK_AND_PLATEAU, 0.4)
    with pytest.raises(ValueError, match="read-only"):
        f.knots[0] = 1.0


def test_the_data_are_not_changed():
    x, y, p = random_data(0)
    before = x.copy(), y.copy()
    univariate(x, y, p)
    assert_array_equal((x, y), before)


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan, "0.5", None, [0.5], 1j])
def test_bad_exponents_are_named(p):
    with pytest.raises(ValueError, match="p must be a number from 0 to 1, got"):
        univariate([0, 1], [0, 1], p)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([0, 1, 1, 2], [0, 1, 2, 3], r"x has the value 1\.0 more than once.*1\.0 and 2\.0"),
        ([[0], [1]], [0, 1], r"x must be one-dimensional, got shape \(2, 1\).*x\[:, 0\]"),
        ([0, 1], [[0], [1]], r"y must be one-dimensional"),
        ([0, 1, 2], [0, 1], "x and y must have one length, got 3 and 2"),
        ([], [], "x has no values"),
        ([0, np.nan], [0, 1], r"x must be finite, got x\[1\] = nan"),
        ([0, 1], [np.inf, 1], r"y must be finite, got y\[0\] = inf"),
        (["a", "b"], [0, 1], "x must hold real numbers"),
        ([0, 1], [1j, 0], "y must hold real numbers"),
        ([0, 1e-200, 1], [0, 1e200, 0], r"x has the values 0\.0 and 1e-200, so close"),
        ([-1e308, 1e308], [0, 1], "x spans more than the range of float64"),
    ],
)
def test_bad_data_are_named(x, y, message):
    with pytest.raises(ValueError, match=message):
        univariate(x, y, 0.5)


def test_torch_is_not_imported():
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys; from sklearn_lpnet import theory; "
        "theory.min_path_norm_interpolant([0, 1], [0, 1], 0.5); assert 'torch' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
