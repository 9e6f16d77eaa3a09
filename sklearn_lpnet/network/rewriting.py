"""One function, other parameters: rewritings of a network that keep its function."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .arrays import FloatArray, first_equal_row, row_norms

#: A `Network`, which this module only reads and copies.
N = TypeVar("N", bound=Any)


def select(
    network: N,
    neurons: npt.NDArray[np.bool_],
    *,
    intercept: FloatArray | None = None,
    skip: FloatArray | None = None,
) -> N:
    """Keep some of the neurons, and replace the affine part where one is given."""
    dtype = network.theta.dtype
    return replace(
        network,
        direction=network.direction[neurons],
        theta=network.theta[neurons],
        bias=network.bias[neurons],
        intercept=network.intercept if intercept is None else intercept.astype(dtype),
        skip=network.skip if skip is None else skip.astype(dtype),
    )


def merge(network: N, rtol: float) -> N:
    """Merge neurons that have one direction and one ray, to a tolerance."""
    ray = np.column_stack([network.theta, network.bias]).astype(np.float64)
    scale = np.abs(ray).max(axis=1)
    unit_ray = ray / np.where(scale > 0, scale, 1.0)[:, None]
    first, group = np.unique(
        first_equal_row(np.column_stack([network.direction, unit_ray]), rtol),
        return_inverse=True,
    )
    total = np.zeros((len(first), network.n_features + 1))
    np.add.at(total, group, ray)
    return replace(
        network,
        direction=network.direction[first],
        theta=total[:, :-1].astype(network.theta.dtype),
        bias=total[:, -1].astype(network.theta.dtype),
    )


def fold_scaling(
    network: N,
    x_mean: npt.ArrayLike,
    x_scale: npt.ArrayLike,
    y_mean: npt.ArrayLike,
    y_scale: npt.ArrayLike,
) -> N:
    """Go from standardized units to the original ones, in float64."""
    x_mean = np.broadcast_to(np.asarray(x_mean, np.float64), network.n_features)
    x_scale = np.broadcast_to(np.asarray(x_scale, np.float64), network.n_features)
    y_mean = np.broadcast_to(np.asarray(y_mean, np.float64), network.n_outputs)
    y_scale = np.broadcast_to(np.asarray(y_scale, np.float64), network.n_outputs)
    for name, scale in (("x_scale", x_scale), ("y_scale", y_scale)):
        if not np.all((scale > 0) & np.isfinite(scale)):
            raise ValueError(f"{name} must be positive and finite, got {scale}")
    theta = network.theta / x_scale
    skip = network.skip / x_scale
    direction = network.direction * y_scale
    gain = row_norms(direction)
    return replace(
        network,
        direction=direction / np.where(gain > 0, gain, 1.0)[:, None],
        theta=gain[:, None] * theta,
        bias=gain * (network.bias - theta @ x_mean),
        intercept=y_mean + y_scale * (network.intercept - skip @ x_mean),
        skip=y_scale[:, None] * skip,
    )


def skip_as_neurons(network: N, lower: npt.ArrayLike, upper: npt.ArrayLike) -> N:
    """Write the skip connection as neurons that are on for all data between the bounds."""
    lower = np.broadcast_to(np.asarray(lower, np.float64), network.n_features)
    upper = np.broadcast_to(np.asarray(upper, np.float64), network.n_features)
    used = np.flatnonzero((network.skip != 0).any(axis=0))
    if not len(used):
        return network
    dtype = network.theta.dtype
    column = network.skip[:, used].T.astype(np.float64)
    leading = column[np.arange(len(used)), (column != 0).argmax(axis=1)]
    weight = np.copysign(row_norms(column), leading)
    direction = column / weight[:, None]
    rtol = 8 * float(np.finfo(dtype).eps)
    first, group = np.unique(first_equal_row(direction, rtol), return_inverse=True)
    direction = direction[first].astype(dtype)
    weights = np.zeros((len(first), len(used)))
    weights[group, np.arange(len(used))] = weight
    # As far above zero as the values over the box spread: rounding cannot switch it off.
    corners = weights * lower[used], weights * upper[used]
    lowest, highest = (extreme(*corners).sum(axis=1) for extreme in (np.minimum, np.maximum))
    largest = np.maximum(*np.abs(corners)).sum(axis=1)
    margin = highest - lowest + np.finfo(np.float32).eps * largest
    bias = (margin - lowest).astype(dtype)
    theta = np.zeros((len(first), network.n_features), dtype)
    theta[:, used] = weights
    return replace(
        network,
        direction=np.vstack([network.direction, direction]),
        theta=np.vstack([network.theta, theta]),
        bias=np.concatenate([network.bias, bias]),
        intercept=network.intercept - bias @ direction,
        skip=np.zeros_like(network.skip),
    )


def fold_linear(network: N, lowest: FloatArray, highest: FloatArray) -> N:
    """Fold the neurons whose inputs have one sign into the affine part.

    Parameters
    ----------
    network : Network
    lowest, highest : ndarray of shape (n_neurons,)
        Range of the input of each neuron.

    Returns
    -------
    Network
        The same function where the inputs are within their ranges.
    """
    off = highest <= 0
    on = (lowest >= 0) & ~off
    direction = network.direction[on].astype(np.float64)
    theta, bias = network.theta[on], network.bias[on]
    skip = network.skip + direction.T @ theta
    # Terms that cancel leave rounding error where the skip connection is zero.
    size = np.abs(network.skip) + np.abs(direction).T @ np.abs(theta)
    skip[np.abs(skip) <= 4 * np.finfo(network.theta.dtype).eps * size] = 0
    return select(network, ~(on | off), intercept=network.intercept + bias @ direction, skip=skip)


def balanced(network: N) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Input weights, biases and output weights; no neuron may be zero everywhere."""
    norm = row_norms(network.theta)
    size = np.sqrt(np.where(norm > 0, norm, np.abs(network.bias)))
    dtype = network.theta.dtype
    return (
        (network.theta / size[:, None]).T.astype(dtype),
        (network.bias / size).astype(dtype),
        (network.direction * size[:, None]).astype(dtype),
    )
