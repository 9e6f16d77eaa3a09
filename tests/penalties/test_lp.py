"""The ℓp penalty against plain Python and against its own minimisation problem."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from sklearn_lpnet.penalties.base import soft_threshold
from sklearn_lpnet.penalties.lp import LpPenalty

numbers = st.floats(-10, 10)


@settings(deadline=None)
@given(numbers, st.floats(0, 10))
def test_soft_threshold_solves_its_proximal_problem(u, threshold):
    def objective(x):
        return 0.5 * (x - u) ** 2 + threshold * abs(x)

    result = soft_threshold(torch.tensor(u, dtype=torch.float64), threshold).item()
    candidates = [0.0, u - threshold, u + threshold]
    assert objective(result) <= min(map(objective, candidates)) + 1e-12
    assert (result == 0) == (abs(u) <= threshold)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_soft_threshold_takes_a_threshold_for_each_entry(dtype):
    u = torch.tensor([3.0, -3.0, 1.0, -1.0, 5.0, 0.0], dtype=dtype)
    threshold = torch.tensor([1.0, 1.0, 1.0, 2.0, math.inf, math.inf], dtype=dtype)
    expected = torch.tensor([2.0, -2.0, 0.0, 0.0, 0.0, 0.0], dtype=dtype)
    assert torch.equal(soft_threshold(u, threshold), expected)


@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
def test_value_sums_the_powers_of_each_model(p):
    theta = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    theta[0] = 0
    theta[1, :, 2:] = 0
    expected = [
        sum(abs(t) ** p for row in model for t in row if t != 0) for model in theta.tolist()
    ]
    value = LpPenalty(p).value(theta.abs()).sum(dim=(1, 2))
    assert_close(value, torch.tensor(expected, dtype=torch.float64))
    assert LpPenalty(p).value(0.25) == 0.25**p


@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("eps", [1e-4, 0.1])
def test_weights_are_the_slope_of_the_smoothed_penalty(p, eps):
    theta = torch.tensor([-2.0, -0.01, 0.0, 0.3, 5.0], dtype=torch.float64)
    step = 1e-7
    size = theta.abs() + eps
    slope = ((size + step) ** p - (size - step) ** p) / (2 * step)
    penalty = LpPenalty(p)
    assert_close(penalty.factor * penalty.unit_slope_(size.clone()), slope, rtol=1e-5, atol=0)


@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
def test_the_majorizer_touches_the_price_from_above(p):
    penalty, size = LpPenalty(p), torch.tensor([0.01, 0.3, 5.0], dtype=torch.float64)
    others = torch.linspace(0, 8, 200, dtype=torch.float64)[:, None]
    curvature = penalty.factor * penalty.unit_majorizer(size)
    quadratic = penalty.value(size) + 0.5 * curvature * (others**2 - size**2)
    assert bool((quadratic >= penalty.value(others) - 1e-12).all())
    # And its own curvature is the second derivative.
    step = 1e-4 * size
    second = penalty.value(size + step) - 2 * penalty.value(size) + penalty.value(size - step)
    assert_close(second / step**2, penalty.elasticity(size) * curvature, rtol=1e-4, atol=1e-6)


def test_a_ray_pays_for_each_of_its_weights():
    rays, step = torch.tensor([[1.0, -4.0], [0.0, 9.0]]), torch.tensor([-4.0, 1.0])
    assert_close(LpPenalty(0.5).along(rays, step), torch.tensor([6.0, 3.0]))


def test_without_smoothing_a_zero_stays_zero_for_p_below_one():
    assert LpPenalty(0.5).unit_slope_(torch.zeros(1)).item() == math.inf
    assert LpPenalty(1.0).unit_slope_(torch.zeros(1)).item() == 1.0


@pytest.mark.parametrize("p", [0.0, -0.5, 1.5, math.nan])
def test_exponents_outside_the_range_are_refused(p):
    with pytest.raises(ValueError, match=r"p must be in the range \(0, 1\]"):
        LpPenalty(p)
