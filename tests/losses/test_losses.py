"""Losses against finite differences, scikit-learn's metrics and brute force."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn import metrics

from sklearn_lpnet.losses.classification import (
    BinaryLogLoss,
    Hinge,
    MulticlassHinge,
    SoftmaxLogLoss,
)
from sklearn_lpnet.losses.regression import AbsoluteError, Huber, Quantile, SquaredError

REGRESSION = [SquaredError(), AbsoluteError(), Huber(), Huber(0.5), Quantile(), Quantile(0.9)]
BINARY = [BinaryLogLoss(), Hinge()]
MULTICLASS = [SoftmaxLogLoss(), MulticlassHinge()]
LOSSES = REGRESSION + BINARY + MULTICLASS

each_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def targets(loss, n_samples, n_outputs=3, seed=0):
    rng = np.random.default_rng(seed)
    if loss in MULTICLASS:
        y = np.eye(n_outputs)[rng.integers(n_outputs, size=n_samples)]
    elif isinstance(loss, BinaryLogLoss):
        y = rng.integers(2, size=(n_samples, n_outputs))
    elif isinstance(loss, Hinge):
        y = 2 * rng.integers(2, size=(n_samples, n_outputs)) - 1
    else:
        y = rng.normal(size=(n_samples, n_outputs))
    return torch.tensor(y, dtype=torch.float64)


def outputs(shape, seed=1):
    return 2 * torch.tensor(np.random.default_rng(seed).normal(size=shape))


def difference_quotients(function, f, step=1e-6):
    """Central differences in each output, along a new last axis."""
    columns = []
    for j in range(f.shape[-1]):
        shift = torch.zeros_like(f)
        shift[..., j] = step
        columns.append((function(f + shift) - function(f - shift)) / (2 * step))
    return torch.stack(columns, dim=-1)


@each_loss
def test_gradient_is_the_slope_of_the_value(loss):
    y, f = targets(loss, 200), outputs((200, 3))
    slope = difference_quotients(lambda f: loss.value(y, f), f)
    assert_allclose(loss.gradient(y, f), slope, atol=1e-7)


@each_loss
def test_curvature_is_the_slope_of_the_gradient(loss):
    y, f = targets(loss, 200), outputs((200, 3))
    slope = difference_quotients(lambda f: loss.gradient(y, f), f)
    curvature = loss.curvature(y, f)
    assert curvature.shape == (f.shape if loss.separable else (*f.shape, 3))
    assert_allclose(torch.diag_embed(curvature) if loss.separable else curvature, slope, atol=1e-7)


@each_loss
def test_a_leading_axis_holds_models(loss):
    y, f = targets(loss, 20), outputs((4, 20, 3))
    for method in (loss.value, loss.gradient, loss.curvature):
        result = method(y, f)
        for model in range(4):
            assert_allclose(result[model], method(y, f[model]))


@each_loss
def test_a_smooth_loss_has_a_continuous_gradient(loss):
    y = targets(loss, 200)
    # Along a segment long enough to cross every kink.
    t = torch.linspace(-8, 8, 20_001, dtype=torch.float64)[:, None, None]
    direction = torch.tensor([1.0, -0.7, 0.3], dtype=torch.float64)
    jumps = loss.gradient(y[:10], t * direction + 0 * y[:10]).diff(dim=0).abs().max()
    assert (jumps < 1e-2) == loss.smooth


@each_loss
@pytest.mark.parametrize("size", [1e2, 1e4])
def test_float32_agrees_with_float64_for_large_outputs(loss, size):
    y, f = targets(loss, 100), (size * outputs((100, 3))).float()
    for method in (loss.value, loss.gradient, loss.curvature):
        result = method(y.float(), f)
        assert result.dtype == torch.float32
        assert_allclose(result, method(y, f.double()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", [BinaryLogLoss(), SoftmaxLogLoss()], ids=repr)
def test_log_losses_of_confident_outputs_are_exact(loss):
    # With logits of +-1e4 the loss is zero for the right label, the gap for a wrong one.
    if loss.separable:
        y, f, gap = torch.tensor([[1.0], [0.0]]), torch.tensor([[1e4], [1e4]]), 1e4
    else:
        y, f, gap = torch.eye(2), torch.tensor([[1e4, -1e4], [1e4, -1e4]]), 2e4
    assert_allclose(loss.value(y, f), [0.0, gap])
    assert torch.isfinite(loss.gradient(y, f)).all()
    assert_allclose(loss.curvature(y, f), 0.0, atol=1e-30)


# Agreement with scikit-learn


@pytest.mark.parametrize(
    ("loss", "metric", "factor"),
    [
        (SquaredError(), metrics.mean_squared_error, 0.5),
        (AbsoluteError(), metrics.mean_absolute_error, 1.0),
        (Quantile(0.5), metrics.mean_pinball_loss, 1.0),
        (
            Quantile(0.9),
            lambda y, f, sample_weight: metrics.mean_pinball_loss(
                y, f, sample_weight=sample_weight, alpha=0.9
            ),
            1.0,
        ),
    ],
    ids=lambda argument: repr(argument) if argument in LOSSES else "",
)
def test_regression_losses_are_scikit_learns(loss, metric, factor):
    y, f = targets(loss, 50), outputs((50, 3))
    weight = np.random.default_rng(2).random(50)
    mean = np.average(loss.value(y, f).numpy(), weights=weight)
    expected = 3 * factor * metric(y.numpy(), f.numpy(), sample_weight=weight)
    assert mean == pytest.approx(expected)


@pytest.mark.parametrize("delta", [0.5, 1.35])
def test_huber_loss_follows_its_definition(delta):
    loss = Huber(delta)
    y, f = targets(loss, 50), outputs((50, 3))
    expected = [
        sum(
            0.5 * r * r if abs(r) <= delta else delta * (abs(r) - delta / 2)
            for r in (f_i - y_i).tolist()
        )
        for y_i, f_i in zip(y, f, strict=True)
    ]
    assert_allclose(loss.value(y, f), expected)


def test_binary_log_loss_is_scikit_learns_summed_over_labels():
    loss = BinaryLogLoss()
    y, f = targets(loss, 50), outputs((50, 3))
    expected = sum(metrics.log_loss(y[:, j].numpy(), f[:, j].sigmoid().numpy()) for j in range(3))
    assert loss.value(y, f).mean().item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", [BinaryLogLoss(), SoftmaxLogLoss()], ids=repr)
def test_log_losses_of_probabilities_are_the_expected_ones_of_labels(loss):
    f = outputs((20, 3))
    share = outputs((20, 3)).flip(0).softmax(dim=1)
    if loss.separable:
        f, share = f[:, :1], share[:, :1]
        labels, shares = [torch.zeros_like(f), torch.ones_like(f)], [1 - share, share]
    else:
        labels = [torch.eye(3, dtype=f.dtype)[[k] * 20] for k in range(3)]
        shares = [share[:, [k]] for k in range(3)]
    for method in ("value", "gradient"):
        values = [getattr(loss, method)(label, f).reshape(20, -1) for label in labels]
        expected = sum(p * value for p, value in zip(shares, values, strict=True))
        assert_allclose(getattr(loss, method)(share, f).reshape(20, -1), expected, atol=1e-14)


def test_softmax_log_loss_is_scikit_learns():
    loss = SoftmaxLogLoss()
    y, f = targets(loss, 50), outputs((50, 3))
    expected = metrics.log_loss(y.argmax(dim=1).numpy(), f.softmax(dim=1).numpy())
    assert loss.value(y, f).mean().item() == pytest.approx(expected)


def test_softmax_of_two_logits_is_the_binary_log_loss():
    label = targets(BinaryLogLoss(), 50, 1)
    f = outputs((50, 1))
    two = torch.cat([1 - label, label], dim=1), torch.cat([torch.zeros_like(f), f], dim=1)
    assert_allclose(SoftmaxLogLoss().value(*two), BinaryLogLoss().value(label, f))


def test_hinge_loss_is_scikit_learns():
    loss = Hinge()
    y, f = targets(loss, 50, 1), outputs((50, 1))
    expected = metrics.hinge_loss(y[:, 0].numpy(), f[:, 0].numpy())
    assert loss.value(y, f).mean().item() == pytest.approx(expected)


def test_multiclass_hinge_loss_is_scikit_learns():
    loss = MulticlassHinge()
    y, f = targets(loss, 50), outputs((50, 3))
    expected = metrics.hinge_loss(y.argmax(dim=1).numpy(), f.numpy())
    assert loss.value(y, f).mean().item() == pytest.approx(expected)


# The best constant


@each_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", range(3))
def test_no_other_constant_has_a_lower_loss(loss, dtype, seed):
    rng = np.random.default_rng(seed)
    y = targets(loss, 31, 2 + seed, seed=seed).to(dtype)
    weight = torch.tensor(rng.integers(0, 4, size=31) * rng.random(31), dtype=dtype)

    def objective(constant):
        return (weight.double() @ loss.value(y.double(), constant.expand_as(y))).item()

    constant = loss.constant(y, weight)
    assert constant.shape == y.shape[1:] and constant.dtype == dtype
    best = objective(constant.double())
    for size in (1e-3, 1e-2, 0.1, 1.0, 3.0):
        for _ in range(100):
            other = constant.double() + size * torch.tensor(rng.normal(size=y.shape[1]))
            assert best <= objective(other) * (1 + 1e-6)


@pytest.mark.parametrize("loss", [*BINARY, *MULTICLASS], ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_constant_of_a_single_class_is_finite_and_right(loss, dtype):
    y = targets(loss, 1, 3).to(dtype).repeat(77, 1)
    weight = torch.tensor(np.random.default_rng(0).random(77), dtype=dtype)
    constant = loss.constant(y, weight)
    assert torch.isfinite(constant).all()
    assert loss.value(y, constant.expand_as(y)).max() < 1e-3
    assert torch.equal(constant > constant.mean() if loss in MULTICLASS else constant > 0, y[0] > 0)


@pytest.mark.parametrize(
    ("loss", "quantile"), [(AbsoluteError(), 0.5), (Quantile(0.25), 0.25), (Quantile(0.9), 0.9)]
)
def test_constants_of_the_quantile_losses_are_weighted_quantiles(loss, quantile):
    y = targets(loss, 25, 2)
    repeats = np.random.default_rng(0).integers(0, 5, size=25)
    expected = np.quantile(
        np.repeat(y.numpy(), repeats, axis=0), quantile, axis=0, method="averaged_inverted_cdf"
    )
    assert_allclose(loss.constant(y, torch.tensor(repeats, dtype=y.dtype)), expected)


def test_the_median_of_an_even_number_of_samples_is_the_middle():
    y = torch.tensor([[3.0], [0.0], [1.0], [9.0]])
    assert AbsoluteError().constant(y, torch.ones(4)).item() == 2.0
    assert AbsoluteError().constant(y, torch.tensor([1.0, 0.0, 0.0, 1.0])).item() == 6.0


@pytest.mark.parametrize("delta", [0.0, -1.0, math.nan])
def test_huber_refuses_a_delta_that_is_not_positive(delta):
    with pytest.raises(ValueError, match="delta must be positive"):
        Huber(delta)


@pytest.mark.parametrize("quantile", [0.0, 1.0, 2.0, math.nan])
def test_quantiles_outside_the_range_are_refused(quantile):
    with pytest.raises(ValueError, match="quantile must be in the range"):
        Quantile(quantile)
