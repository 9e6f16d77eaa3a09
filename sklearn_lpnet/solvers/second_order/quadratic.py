"""A network as a point of R^P, and the quadratic model of the loss around it.

On its support a network is P numbers u: the nonzero θ, the biases β, the entries of the
affine part, the intercept, and, with several outputs, the directions a. With activation
patterns fixed, the Gauss–Newton Hessian of the loss in u is H = Σ_i s_i J_iᵀ C_i J_i with
J_i the Jacobian of f(x_i) and C_i the curvature of the loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from ...problem.problem import Problem
from .point import SMALLEST, Layers, Point, forward, layers_of

#: Half width of the band around a kink, in root mean squares of the preactivation.
KINK_WIDTH = 0.03
#: Rows of less than this share of the largest curvature do not count.
NEGLIGIBLE = 1e-3
#: Above this many entries of the Jacobian the model is computed in single precision.
PRECISE_ENTRIES = 20_000
#: A symmetric product is computed in strips: their least width, and how many at most.
STRIP, MOST_STRIPS = 40, 8


@dataclass(frozen=True)
class Support:
    """Where the parameters of a point stand in u, in this order.

    Attributes
    ----------
    neuron, feature : Tensor of shape (n_theta,)
    n_neurons : int
    skip_row, skip_column : Tensor of shape (n_skip,)
    n_outputs : int
    with_direction : bool
        Whether the directions are parameters too.
    """

    neuron: Tensor
    feature: Tensor
    n_neurons: int
    skip_row: Tensor
    skip_column: Tensor
    n_outputs: int
    with_direction: bool

    @classmethod
    def of(cls, problem: Problem, point: Point, *, with_direction: bool) -> Support:
        """Nonzero θ and, of the affine part, what is free or nonzero."""
        neuron, feature = torch.nonzero(point.theta, as_tuple=True)
        if problem.parametrization.skip_is_penalized:
            present = (point.skip != 0).any(dim=0).expand_as(point.skip)
        else:
            free = problem.parametrization.skip_is_free
            present = torch.full_like(point.skip, free, dtype=torch.bool)
        row, column = torch.nonzero(present, as_tuple=True)
        o = len(point.intercept)
        return cls(neuron, feature, point.n_neurons, row, column, o, with_direction and o > 1)

    @classmethod
    def everything(cls, problem: Problem, point: Point) -> Support:
        """Every weight of the neurons and of the affine part, zero or not."""
        neuron, feature = torch.nonzero(torch.ones_like(point.theta), as_tuple=True)
        present = torch.full_like(point.skip, problem.parametrization.has_skip, dtype=torch.bool)
        row, column = torch.nonzero(present, as_tuple=True)
        o = len(point.intercept)
        return cls(neuron, feature, point.n_neurons, row, column, o, False)

    @cached_property
    def theta(self) -> slice:
        return slice(0, len(self.neuron))

    @cached_property
    def bias(self) -> slice:
        return slice(self.theta.stop, self.theta.stop + self.n_neurons)

    @cached_property
    def skip(self) -> slice:
        return slice(self.bias.stop, self.bias.stop + len(self.skip_row))

    @cached_property
    def intercept(self) -> slice:
        return slice(self.skip.stop, self.skip.stop + self.n_outputs)

    @cached_property
    def direction(self) -> slice:
        size = self.n_neurons * self.n_outputs if self.with_direction else 0
        return slice(self.intercept.stop, self.intercept.stop + size)

    @cached_property
    def size(self) -> int:
        return self.direction.stop

    def read(self, point: Point) -> Tensor:
        """The parameters u of a point."""
        parts = [
            point.theta[self.neuron, self.feature],
            point.bias,
            point.skip[self.skip_row, self.skip_column],
            point.intercept,
        ]
        if self.with_direction:
            parts.append(point.direction.flatten())
        return torch.cat(parts)

    def write(self, point: Point, u: Tensor) -> Point:
        """The point with parameters u; its objective is unknown."""
        theta, skip, direction = (
            torch.zeros_like(point.theta),
            torch.zeros_like(point.skip),
            point.direction,
        )
        theta[self.neuron, self.feature] = u[self.theta]
        skip[self.skip_row, self.skip_column] = u[self.skip]
        if self.with_direction:
            direction = u[self.direction].reshape(direction.shape)
            direction = direction / direction.norm(dim=1, keepdim=True).clamp(min=SMALLEST)
        return Point(theta, u[self.bias].clone(), direction, skip, u[self.intercept].clone())


@dataclass(frozen=True)
class Quadratic:
    """Gradient and Gauss–Newton Hessian of the loss at the point with parameters u."""

    support: Support
    u: Tensor
    gradient: Tensor
    hessian: Tensor

    @classmethod
    def at(cls, problem: Problem, point: Point, *, support: Support) -> Quadratic:
        """The model at a point: one pass over the data, a block of rows at a time."""
        size, device = support.size, problem.device
        hessian = torch.zeros(size, size, dtype=torch.float64, device=device)
        gradient = torch.zeros(size, dtype=torch.float64, device=device)
        # Residuals may be small differences; what they are multiplied by need not be precise.
        rough = torch.float32 if problem.n_samples * size > PRECISE_ENTRIES else problem.dtype
        precise, layers = layers_of(point, problem.dtype), layers_of(point, rough)
        for rows, X1 in problem.rows.blocks(size):
            z = X1 @ precise[0].T
            on, width = _smoothed_step(z)
            f = (z * on) @ precise[1] + X1 @ precise[2].T
            slope = problem.loss.gradient(problem.y[rows], f) * problem.weight[rows, None]
            X1, z, on, width, slope = (t.to(rough) for t in (X1, z, on, width, slope))
            hidden = z * on
            back = slope @ layers[1].T
            gradient += _gradient(support, layers, X1, hidden, on, slope).to(torch.float64)
            root = _root_jacobian(problem, support, layers, X1, hidden, on, f, rows)
            # The matrix is symmetric: its upper half is enough.
            for low, high in _strips(size):
                hessian[low:high, low:] += root[:, low:high].T @ root[:, low:]
            kink = back.clamp(min=0) * (z.abs() < width) / (2 * width)
            _add_kinks(hessian, support, _moments(kink, X1))
        for low, high in _strips(size):
            hessian[high:, low:high] = hessian[low:high, high:].T
        if not problem.parametrization.fit_intercept:
            gradient[support.intercept] = 0
            hessian[support.intercept] = 0
            hessian[:, support.intercept] = 0
        return cls(support, support.read(point), gradient, hessian)


@dataclass(frozen=True)
class PenaltyTerms:
    """alpha R_p at u, coordinate by coordinate.

    Attributes
    ----------
    penalized : bool Tensor of shape (P,)
    slope : Tensor of shape (P,)
        alpha p |u|^(p−1) sign(u).
    majorizer : Tensor of shape (P,)
        Curvature of the quadratic that lies above the price and touches it, alpha p |u|^(p−2).
    curvature : Tensor of shape (P,)
        The price's own, alpha p (p−1) |u|^(p−2).
    """

    penalized: Tensor
    slope: Tensor
    majorizer: Tensor
    curvature: Tensor

    @classmethod
    def at(cls, problem: Problem, support: Support, u: Tensor) -> PenaltyTerms:
        """Terms at u; an entry of a skip column of several outputs has the column's size."""
        penalized = torch.zeros(len(u), dtype=torch.bool, device=u.device)
        for part in problem.parametrization.penalized(support.theta, support.bias, support.skip):
            penalized[part] = True
        size = u.abs()
        if problem.parametrization.skip_is_penalized and support.n_outputs > 1:
            size[support.skip] = _column_norms(problem, support, u)[support.skip_column]
        penalized &= size > 0
        penalty, majorizer = problem.penalty, torch.zeros_like(u)
        size = size.clamp(min=SMALLEST)
        strength = problem.alpha * penalty.factor
        majorizer[penalized] = strength * penalty.unit_majorizer(size[penalized])
        return cls(penalized, majorizer * u, majorizer, penalty.elasticity(size) * majorizer)


def gradient_and_diagonal(
    problem: Problem, point: Point, support: Support
) -> tuple[Tensor, Tensor]:
    """What `Quadratic` has as gradient and on the Hessian's diagonal, but for kinks.

    Directions are no parameters here.
    """
    layers = layers_of(point, problem.dtype)
    squares = layers[1].square().T
    gradient = torch.zeros(support.size, dtype=torch.float64, device=problem.device)
    diagonal = torch.zeros_like(gradient)
    for rows, X1 in problem.rows.blocks(point.n_neurons + support.n_outputs):
        hidden, f = forward(X1, layers)
        on = (hidden > 0).to(hidden.dtype)
        weight = problem.weight[rows, None]
        slope = problem.loss.gradient(problem.y[rows], f) * weight
        gradient += _gradient(support, layers, X1, hidden, on, slope).to(torch.float64)
        strength, share = problem.loss.curvature_terms(problem.y[rows], f)
        along = strength @ squares
        if not problem.loss.separable:
            along -= (strength @ layers[1].T).square()
        neurons = (along * weight * on).T @ X1.square()
        affine = (share * weight).T @ X1.square()
        diagonal += _in_order(support, neurons, affine).to(torch.float64)
    return gradient, diagonal


def factor_or_none(system: Tensor) -> Tensor | None:
    """Cholesky factor of a matrix; None where it is not positive definite, to rounding."""
    factor, info = torch.linalg.cholesky_ex(system)
    return None if int(info) else factor


def _smoothed_step(z: Tensor) -> tuple[Tensor, Tensor]:
    """The derivative of the ReLU, a ramp over a narrow band around the kink; its half width."""
    width = KINK_WIDTH * z.square().mean(dim=0).sqrt().clamp(min=SMALLEST)
    return ((z / width + 1) / 2).clamp(0, 1), width


def _moments(weight: Tensor, X1: Tensor) -> Tensor:
    """Σ_i weight_ik x_i x_iᵀ for every neuron k; most weights are zero."""
    neuron, sample = torch.nonzero(weight.T, as_tuple=True)
    count = torch.bincount(neuron, minlength=weight.shape[1])
    position = torch.arange(len(neuron), device=neuron.device) - (count.cumsum(0) - count)[neuron]
    most = int(count.max()) if len(neuron) else 0
    rows = X1.new_zeros(weight.shape[1], most, X1.shape[1])
    rows[neuron, position] = X1[sample] * weight[sample, neuron].sqrt()[:, None]
    return rows.mT @ rows


def _strips(size: int) -> list[tuple[int, int]]:
    """Where the strips of a symmetric matrix begin and end."""
    n_strips = max(1, min(MOST_STRIPS, size // STRIP))
    ends = [size * i // n_strips for i in range(n_strips + 1)]
    return list(pairwise(ends))


def _add_kinks(hessian: Tensor, support: Support, blocks: Tensor) -> None:
    """Add a (d+1, d+1) block for each neuron's weights and bias."""
    blocks = blocks.to(torch.float64)
    neuron, feature = support.neuron, support.feature
    # The weights of a neuron stand in a row: all pairs of them, row after row.
    count = torch.bincount(neuron, minlength=support.n_neurons)
    first = count.cumsum(0) - count
    n_pairs = count[neuron]
    one = torch.arange(len(neuron), device=hessian.device).repeat_interleave(n_pairs)
    place = torch.arange(len(one), device=hessian.device)
    other = place - (n_pairs.cumsum(0) - n_pairs)[one] + first[neuron[one]]
    hessian[one, other] += blocks[neuron[one], feature[one], feature[other]]
    theta = torch.arange(len(neuron), device=hessian.device)
    bias = support.bias.start + neuron
    edge = blocks[neuron, feature, -1]
    hessian[theta, bias] += edge
    hessian[bias, theta] += edge
    hessian[support.bias, support.bias].diagonal().add_(blocks[:, -1, -1])


def _gradient(
    support: Support, layers: Layers, X1: Tensor, hidden: Tensor, on: Tensor, slope: Tensor
) -> Tensor:
    """Gradient of the loss in u, from its (n, o) derivatives in the outputs."""
    direction = layers[1]
    back = (slope @ direction.T) * on
    gradient = _in_order(support, back.T @ X1, slope.T @ X1)
    if support.with_direction:
        along = hidden.T @ slope
        radial = (along * direction).sum(dim=1, keepdim=True)
        gradient = torch.cat([gradient, (along - radial * direction).flatten()])
    return gradient


def _in_order(support: Support, neurons: Tensor, affine: Tensor) -> Tensor:
    """Entries for (θ, β) and (A, c), as u has them."""
    parts = [
        neurons[support.neuron, support.feature],
        neurons[:, -1],
        affine[support.skip_row, support.skip_column],
        affine[:, -1],
    ]
    return torch.cat(parts)


def _root_jacobian(
    problem: Problem,
    support: Support,
    layers: Layers,
    X1: Tensor,
    hidden: Tensor,
    on: Tensor,
    f: Tensor,
    rows: slice,
) -> Tensor:
    r"""Rows whose outer products add up to the Hessian, in the dtype of the layers.

    The curvature is :math:`C = \sum_r c_r (e_r - \pi)(e_r - \pi)^\top` with the c of
    `Loss.curvature_terms`, and π = 0 for a loss that separates, else π = c. So each sample and
    output gives one row; those whose c is next to nothing are left out.
    """
    direction = layers[1]
    dtype = direction.dtype
    strength, share = problem.loss.curvature_terms(problem.y[rows], f)
    centre = None if problem.loss.separable else strength
    strength = (strength * problem.weight[rows, None]).sqrt()
    sample, output = torch.nonzero(share > NEGLIGIBLE * share.max(), as_tuple=True)
    strength = strength[sample, output].to(dtype)[:, None]
    signed = direction.T[output]
    chosen = torch.nn.functional.one_hot(output, support.n_outputs).to(dtype)
    if centre is not None:
        centre = centre.to(dtype)[sample]
        signed = signed - centre @ direction.T
        chosen = chosen - centre
    everyone = len(sample) == len(X1) and support.n_outputs == 1
    inputs = X1 if everyone else X1[sample]
    hidden, on = (hidden, on) if everyone else (hidden[sample], on[sample])
    signed = signed * strength
    chosen = chosen * strength
    on = signed * on
    parts = [
        on.index_select(1, support.neuron).mul_(inputs.index_select(1, support.feature)),
        on,
        chosen.index_select(1, support.skip_row) * inputs.index_select(1, support.skip_column),
        chosen,
    ]
    if support.with_direction:
        tangent = chosen[:, None] - (chosen @ direction.T)[:, :, None] * direction
        parts.append((hidden[:, :, None] * tangent).flatten(1))
    return torch.cat(parts, dim=1)


def _column_norms(problem: Problem, support: Support, u: Tensor) -> Tensor:
    square = torch.zeros(problem.n_features, dtype=u.dtype, device=u.device)
    square.index_add_(0, support.skip_column, u[support.skip].square())
    return square.sqrt()
