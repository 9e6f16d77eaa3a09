"""theory: against scans over p by brute force, closed forms, and the minimisers themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq

from sklearn_lpnet.theory import (
    critical_p,
    min_path_norm_interpolant,
    minimizer_breakpoints,
    sparsity_bounds,
)

quick = settings(max_examples=60, deadline=None)

#: The example of the project's design: curvatures 0.01, 1, 1, 0.01.
EXAMPLE = np.arange(6), np.array([0, 0, 0.01, 1.02, 3.03, 5.05])


def all_cuts(length):
    """All ways to cut a run into blocks of one or two."""
    if length == 0:
        return [[]]
    cuts = [[1, *rest] for rest in all_cuts(length - 1)]
    return cuts + ([[2, *rest] for rest in all_cuts(length - 2)] if length > 1 else [])


def from_curvatures(curvatures):
    slopes = np.cumsum([0.0, *curvatures])
    return np.arange(len(slopes) + 1.0), np.cumsum([0.0, *slopes])


def random_run(seed):
    """Up to 12 curvatures of one sign that differ a lot, or are small integers."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 13))
    if seed % 4 == 0:
        return rng.integers(1, 4, n).astype(float)
    return rng.exponential(size=n) ** rng.integers(1, 5)


def scan(y, p):
    """Costs of all ways to cut the one run of y, for each p, and their numbers of blocks."""
    curvatures = np.diff(y, 2)
    ends = [np.cumsum([0, *cut]) for cut in all_cuts(len(curvatures))]
    total = np.cumsum([0, *curvatures])
    costs = np.array([np.sum(np.diff(total[e])[:, None] ** p, axis=0) for e in ends])
    return costs, np.array([len(e) - 1 for e in ends])


def test_peak_and_plateau():
    f = min_path_norm_interpolant(np.arange(-2, 4), [0, 0, 1, 1, 0, 0], 0.4)
    assert (f.n_knots, f.cost) == (3, 3.319507910772894)
    assert repr(f).startswith("Interpolant(p=0.4, cost=3.31951, n_knots=3, knots=[")


def test_long_results_have_a_short_repr():
    rng = np.random.default_rng(0)
    y = np.cumsum(np.cumsum(rng.exponential(size=1000)))
    assert len(repr(min_path_norm_interpolant(np.arange(1000), y, 0.5))) < 250
    assert len(repr(minimizer_breakpoints(np.arange(1000), y))) < 250
    assert len(repr(sparsity_bounds(np.arange(1000), y))) < 250


def test_critical_p_of_the_example():
    result = critical_p(*EXAMPLE)
    assert_allclose(result.p, 0.180717, atol=1e-6)
    # Two pairs against a pair between two single knots.
    root = brentq(lambda p: 2**p + 2 * 0.01**p - 2 * 1.01**p, 0.1, 0.3, xtol=1e-15)
    assert_allclose(result.bracket, root, atol=1e-12)


@pytest.mark.parametrize("small", [1e-1, 1e-3, 1e-6, 1e-9])
def test_critical_p_of_a_pair_between_two_small_curvatures(small):
    result = critical_p(*from_curvatures([small, 1, 1, small]))
    if (2**0.999 + 2 * small**0.999) > 2 * (1 + small) ** 0.999:
        assert result.bracket == (1.0, 1.0)
    else:
        root = brentq(lambda p: 2**p + 2 * small**p - 2 * (1 + small) ** p, 1e-3, 0.999)
        assert_allclose(result.bracket, root, atol=1e-7)


@pytest.mark.parametrize("seed", range(100))
def test_critical_p_equals_a_scan(seed):
    x, y = from_curvatures(random_run(seed))
    p = np.linspace(0, 1, 2001)[1:-1]
    costs, blocks = scan(y, p)
    fewest = blocks == blocks.min()
    others = costs[~fewest].min(axis=0, initial=np.inf)
    below = np.flatnonzero(others < costs[fewest].min(axis=0) * (1 - 1e-13))
    first = p[below[0]] if len(below) else 1.0
    result = critical_p(x, y)
    assert first - 1 / 2000 - 1e-9 <= result.p <= first
    assert result.p == result.bracket[0] <= result.bracket[1] <= 1


def test_critical_p_is_the_least_of_all_runs():
    runs = [[0.01, 1, 1, 0.01], [0.1, 1, 1, 0.1], [1, 1, 1, 1, 1]]
    alone = [critical_p(*from_curvatures(run)).p for run in runs]
    signed = [*runs[2], *np.negative(runs[0]), *runs[1]]
    assert_allclose(critical_p(*from_curvatures(signed)).p, min(alone), rtol=1e-10)


@quick
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=3))
def test_runs_of_fewer_than_four_are_never_critical(curvatures):
    assert critical_p(*from_curvatures(curvatures)).bracket == (1.0, 1.0)


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_minimisers_are_sparsest_below_critical_p_and_not_just_above(seed):
    x, y = from_curvatures(random_run(seed))
    fewest = min_path_norm_interpolant(x, y, 0).n_knots
    result = critical_p(x, y)
    for p in np.linspace(0, result.p, 50)[1:-1]:
        assert min_path_norm_interpolant(x, y, p).n_knots == fewest
    if result.p < 0.99:
        assert min_path_norm_interpolant(x, y, result.bracket[1] + 1e-6).n_knots > fewest


def test_critical_p_of_many_points():
    rng = np.random.default_rng(0)
    x, y = np.arange(20_000.0), np.cumsum(rng.standard_normal(20_000))
    result = critical_p(x, y)
    assert result.bracket[1] - result.bracket[0] < 1e-10
    fewest = min_path_norm_interpolant(x, y, 0).n_knots
    assert min_path_norm_interpolant(x, y, result.p - 1e-6).n_knots == fewest
    assert min_path_norm_interpolant(x, y, result.bracket[1] + 1e-6).n_knots > fewest


@pytest.mark.parametrize("seed", range(60))
def test_breakpoints_leave_no_exponent_without_its_minimiser(seed):
    x, y = from_curvatures(random_run(seed))
    result = minimizer_breakpoints(x, y)
    p = np.linspace(0, 1, 1001)[1:-1]
    least = scan(y, p)[0].min(axis=0)
    assert len(result.interpolants) == len(result.p) + 1
    cost = [
        result.interpolants[k].path_norm(q)
        for k, q in zip(np.searchsorted(result.p, p), p, strict=True)
    ]
    assert_allclose(cost, least, rtol=1e-11)


@pytest.mark.parametrize("seed", range(60))
def test_costs_meet_at_breakpoints_and_part_around_them(seed):
    result = minimizer_breakpoints(*from_curvatures(random_run(seed)))
    assert np.all(np.diff(result.p) > 0)
    for p, f, g in zip(result.p, result.interpolants, result.interpolants[1:], strict=False):
        assert_allclose(f.path_norm(p), g.path_norm(p), rtol=1e-12)
        assert f.path_norm(f.p) < g.path_norm(f.p)
        assert g.path_norm(g.p) < f.path_norm(g.p)


@pytest.mark.parametrize("seed", range(60))
def test_the_first_breakpoint_with_more_knots_is_critical(seed):
    x, y = from_curvatures(random_run(seed))
    result = minimizer_breakpoints(x, y)
    knots = np.array([f.n_knots for f in result.interpolants])
    denser = np.flatnonzero(knots > knots[0])
    expected = result.p[denser[0] - 1] if len(denser) else 1.0
    assert_allclose(critical_p(x, y).p, expected, atol=1e-4 if expected == 1 else 1e-9)


def test_ways_that_cost_the_same_for_all_p_are_no_breakpoints():
    result = minimizer_breakpoints(*from_curvatures(np.ones(9)))
    assert len(result.p) == 0
    assert result.interpolants[0].n_knots == 5


def test_breakpoints_of_many_runs_are_those_of_each():
    runs = [[0.01, 1, 1, 0.01], [0.1, 1, 1, 0.1], [0.01, 1, 1, 0.01]]
    alone = {minimizer_breakpoints(*from_curvatures(run)).p[0] for run in runs}
    signed = [*runs[0], *np.negative(runs[1]), *runs[2]]
    result = minimizer_breakpoints(*from_curvatures(signed))
    assert_allclose(result.p, sorted(alone), rtol=1e-9)
    assert [f.n_knots for f in result.interpolants] == [6, 8, 9]


def test_slope_bounds_and_lipschitz_constant_hold_for_all_minimisers():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = np.sort(rng.uniform(0, 5, 14))
        y = rng.integers(0, 4, 14).astype(float) if rng.uniform() < 0.5 else np.exp(x)
        bounds = sparsity_bounds(x, y)
        for p in (0, 0.3, 0.9):
            f = min_path_norm_interpolant(x, y, p)
            slopes = f.slope + np.append(0, np.cumsum(f.slope_changes))
            assert_allclose(np.abs(slopes).max(), bounds.lipschitz, rtol=1e-10)
            assert bounds.knots[0] <= f.n_knots <= bounds.knots[1] <= len(x) - 2
            for i, (low, high) in enumerate(bounds.slopes):
                inside = np.linspace(x[i], x[i + 1], 50)
                steps = np.diff(f(inside)) / np.diff(inside)
                assert np.all((low - 1e-9 <= steps) & (steps <= high + 1e-9))


@pytest.mark.parametrize("length", range(1, 13))
def test_bounds_on_knots_of_a_run_are_attained(length):
    # Small curvatures with pairs of large ones between them: one block of one for each of two.
    pattern = np.resize([1e-3, 1, 1], length)
    x, y = from_curvatures(pattern)
    bounds = sparsity_bounds(x, y)
    assert min_path_norm_interpolant(x, y, 0).n_knots == bounds.knots[0]
    most = max(min_path_norm_interpolant(x, y, p).n_knots for p in np.linspace(0.1, 0.99, 50))
    assert most == bounds.knots[1]


def test_slope_bounds_of_collinear_points_and_opposite_curvatures_are_chords():
    bounds = sparsity_bounds([0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 0, 1])
    chords = [0.0, 0.0, 1.0, -1.0, 1.0]
    assert_array_equal(bounds.slopes, np.stack([chords, chords], axis=1))


def test_bounds_on_neurons():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((10, 3)), rng.standard_normal(10)
    bounds = sparsity_bounds(X, y)
    assert (bounds.n_points, bounds.max_neurons, bounds.max_neurons_beside_affine) == (10, 10, 6)
    assert bounds.slopes is bounds.lipschitz is bounds.knots is None
    degenerate = sparsity_bounds(np.column_stack([X, X[:, 0] + 5]), y)
    assert degenerate.max_neurons_beside_affine == 6
    assert sparsity_bounds(X[:, :1], y).max_neurons_beside_affine == 8
    assert sparsity_bounds(np.tile(X, (2, 1)), np.tile(y, 2)).n_points == 10


@pytest.mark.parametrize("x", [[2.0], [2.0, 2.0], [1.0, 2.0]])
def test_affine_data_are_no_exception(x):
    assert critical_p(x, x).p == 1
    assert len(minimizer_breakpoints(x, x).p) == 0
    bounds = sparsity_bounds(x, x)
    assert bounds.knots == (0, 0)
    assert bounds.max_neurons_beside_affine == 0
    assert bounds.lipschitz == len(set(x)) - 1


@pytest.mark.parametrize("function", [critical_p, minimizer_breakpoints])
def test_equal_points_with_different_labels_are_named(function):
    with pytest.raises(ValueError, match=r"x has the value 1\.0 more than once"):
        function([0, 1, 2, 1], [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((0, 2)), [], "at least one sample"),
        (np.zeros((2, 2, 2)), [0, 1], r"got \(2, 2, 2\) and \(2,\)"),
        (np.zeros((2, 2)), [0, 1, 2], r"got \(2, 2\) and \(3,\)"),
        ([[0, np.nan], [1, 2]], [0, 1], "X must be finite, got .* in row 0"),
        ([[0, 1], [1, 2]], [0, np.inf], "y must be finite, got inf in row 1"),
        ([[0, 1], [1, 2], [0, 1]], [0, 1, 2], "rows 0 and 2, but y is 0.0 .* 2.0"),
    ],
)
def test_bad_data_for_bounds_are_named(X, y, message):
    with pytest.raises(ValueError, match=message):
        sparsity_bounds(X, y)


@pytest.mark.parametrize("rtol", [0, -1, 1, np.nan])
def test_bad_tolerances_are_named(rtol):
    with pytest.raises(ValueError, match="rtol must lie between 0 and 1, got"):
        minimizer_breakpoints([0, 1], [0, 1], rtol=rtol)
