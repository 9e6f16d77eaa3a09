"""Insertions: weights and neurons that the residual asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from ...problem.problem import Problem
from .point import Point, outputs
from .quadratic import PenaltyTerms, Quadratic, Support, factor_or_none, gradient_and_diagonal

#: Parameters of the model, candidates returned, rows and knots that a candidate neuron is
#: tried on, and the number of ways for it to look.
MOST_PARAMETERS, MOST_TRIALS, MOST_ROWS, N_KNOTS, MOST_LOOKS = 600, 4, 2048, 12, 300
#: Weights that a point does not have, looked at together.
MOST_ABSENT = 200
#: Damping of a step with many new weights, as a share of the system's diagonal.
DAMPING = 0.1


def weight_insertions(problem: Problem, point: Point) -> Iterator[Point]:
    r"""Points with more weights: several in the affine part, or one there or in a neuron.

    With H_SS the model's Hessian on the support, Q = H_SS + D and j outside of it, a step
    to u_j that the support makes up for changes F by about

    .. math:: g_j u + \tfrac12 (H_{jj} - H_{jS} Q^{-1} H_{Sj}) u^2 + \alpha |u|^p
    """
    absent = AbsentWeights.of(problem, point)
    if absent is None:
        return
    several = absent.together(affine=True)
    if several is not None:
        yield several
    for k in absent.promising[:MOST_TRIALS].tolist():
        u = absent.model.u.clone()
        u[absent.outside[k]] = absent.step[k]
        u[absent.inside] -= absent.answer[:, k] * absent.step[k]
        yield absent.model.support.write(point, u)


@dataclass(frozen=True)
class AbsentWeights:
    """Weights that a point does not have, and what the model of the loss promises of each.

    Attributes
    ----------
    problem : Problem
    point : Point
    model : Quadratic
        Of the parameters at `inside`, those of the point, and at `outside`, the weights.
    answer : Tensor of shape (n_inside, n_outside)
        What the point's own parameters take back for a unit of each weight.
    step : Tensor of shape (n_outside,)
        The best value of each weight.
    promising : Tensor
        Which of them should lower F, the best first.
    """

    problem: Problem
    point: Point
    model: Quadratic
    inside: Tensor
    outside: Tensor
    answer: Tensor
    step: Tensor
    promising: Tensor

    @classmethod
    def of(cls, problem: Problem, point: Point) -> AbsentWeights | None:
        """None where there are none, or too many parameters to tell."""
        few = problem.first_rows(min(problem.n_samples, MOST_ROWS), problem.dtype)
        n_present = Support.of(problem, point, with_direction=False).size
        if n_present > MOST_PARAMETERS - MOST_ABSENT:
            return None
        support = Support.everything(problem, point)
        if support.size > n_present + MOST_ABSENT:
            support = _likely(few, point, support)
        u = support.read(point)
        absent = _may_come(problem, support) & (u == 0)
        inside, outside = torch.nonzero(~absent)[:, 0], torch.nonzero(absent)[:, 0]
        if len(outside) == 0:
            return None
        model = Quadratic.at(few, point, support=support)
        terms = PenaltyTerms.at(problem, support, u)
        factor = _factor(model.hessian[inside][:, inside], terms.majorizer[inside], damping=0.0)
        if factor is None:
            return None
        cross = model.hessian[inside][:, outside]
        answer = torch.cholesky_solve(cross, factor)
        slope = model.gradient[outside] - answer.T @ (model.gradient + terms.slope)[inside]
        curvature = model.hessian.diagonal()[outside] - (cross * answer).sum(dim=0)
        step, gain = _best_step(problem, slope, curvature.clamp(min=1e-12))
        order = gain.argsort(descending=True)
        promising = order[gain[order] > 0]
        return cls(problem, point, model, inside, outside, answer, step, promising)

    def together(self, *, affine: bool) -> Point | None:
        """The point with all weights at once that should lower F if they came one by one.

        There may be half as many as it has. The model's minimum is taken over all of them, where
        each new one pays what the majoriser of its penalty asks at the step that it would take by
        itself. With `affine` the neurons stay as they are, and only the affine part gets weights;
        else the step is damped. None if no weight should lower F.
        """
        model, inside, chosen = self.model, self.inside, self.promising
        if affine:
            inside = inside[inside >= model.support.skip.start]
            chosen = chosen[self.outside[chosen] >= model.support.skip.start]
        if len(chosen) == 0:
            return None
        chosen = chosen[: max(MOST_TRIALS, len(self.inside) // 2)]
        u = model.u.clone()
        u[self.outside[chosen]] = self.step[chosen]
        majorizer = PenaltyTerms.at(self.problem, model.support, u).majorizer
        free = torch.cat([inside, self.outside[chosen]])
        damping = 0.0 if affine else DAMPING
        factor = _factor(model.hessian[free][:, free], majorizer[free], damping)
        if factor is None:
            return None
        u = model.u.clone()
        slope = (model.gradient + majorizer * u)[free]
        u[free] -= torch.cholesky_solve(slope[:, None], factor)[:, 0]
        return model.support.write(self.point, u)


def _may_come(problem: Problem, support: Support) -> Tensor:
    """Which parameters are weights that are paid for one by one."""
    may = torch.zeros(support.size, dtype=torch.bool, device=problem.device)
    may[support.theta] = True
    may[support.skip] = problem.parametrization.skip_is_penalized and support.n_outputs == 1
    return may


def _likely(problem: Problem, point: Point, support: Support) -> Support:
    """The support of the point with `MOST_ABSENT` weights besides.

    They are those that promise most if the point's own parameters stay as they are.
    """
    slope, curvature = gradient_and_diagonal(problem, point, support)
    least = 1e-6 * curvature.max().clamp(min=1e-12)
    gain = _best_step(problem, slope, curvature.clamp(min=least))[1]
    absent = _may_come(problem, support) & (support.read(point) == 0)
    gain = torch.where(absent, gain, torch.inf)
    kept = torch.zeros_like(absent)
    kept[gain.argsort(descending=True)[: int((~absent).sum()) + MOST_ABSENT]] = True
    theta, skip = kept[support.theta], kept[support.skip]
    return replace(
        support,
        neuron=support.neuron[theta],
        feature=support.feature[theta],
        skip_row=support.skip_row[skip],
        skip_column=support.skip_column[skip],
    )


def _factor(hessian: Tensor, majorizer: Tensor, damping: float) -> Tensor | None:
    """Cholesky factor of the system of a step; None where it is singular to rounding."""
    system = hessian + torch.diag(majorizer)
    system += torch.diag((damping + 1e-9) * system.diagonal() + 1e-12)
    return factor_or_none(system)


def neuron_insertions(problem: Problem, point: Point) -> Iterator[Point]:
    """Points with one more neuron, of all candidates those that should lower F most.

    Candidates read one feature each, or look the way that a neuron of the network looks,
    with knots at quantiles of the data: the columns of a forward step of MARS.
    """
    parametrization = problem.parametrization
    if problem.n_outputs > 1 or not (parametrization.has_skip and parametrization.has_free_biases):
        return
    if problem.n_features + point.n_neurons > MOST_LOOKS:
        return
    rows = slice(0, min(problem.n_samples, MOST_ROWS))
    X1, weight = problem.rows.take(rows), problem.weight[rows] / problem.weight[rows].sum()
    rays = _candidate_rays(problem, point, X1)
    hidden = torch.relu(X1 @ rays.T)
    hidden, rays = _informative(hidden, rays)
    if len(rays) == 0:
        return
    f = outputs(point, X1)
    slope = problem.loss.gradient(problem.y[rows], f)[:, 0] * weight
    curvature = problem.loss.curvature(problem.y[rows], f)[:, 0] * weight
    affine = torch.cat([X1, torch.relu(X1 @ _rays(point).to(X1.dtype).T)], dim=1)
    gram = affine.T @ (affine * curvature[:, None])
    gram += torch.diag(1e-6 * gram.diagonal() + 1e-9)
    cross = affine.T @ (hidden * curvature[:, None])
    explained = (cross * torch.linalg.solve(gram, cross)).sum(dim=0)
    total = (hidden.square() * curvature[:, None]).sum(dim=0)
    curvature = (total - explained).clamp(min=1e-3 * total.max().clamp(min=1e-12))
    step, gain = _best_step(
        problem, hidden.T @ slope, curvature, partial(problem.penalty.along, rays[:, :-1])
    )
    taken: list[Tensor] = []
    for k in gain.argsort(descending=True).tolist():
        if gain[k] <= 0 or len(taken) == MOST_TRIALS:
            return
        column = hidden[:, k] / hidden[:, k].norm()
        if any(float(column @ other) > 0.98 for other in taken):
            continue
        taken.append(column)
        ray = rays[k] * step[k].abs()
        yield replace(
            point,
            theta=torch.cat([point.theta, ray[None, :-1]]),
            bias=torch.cat([point.bias, ray[-1:]]),
            direction=torch.cat([point.direction, step[k].sign().reshape(1, 1)]),
        )


def _best_step(
    problem: Problem,
    slope: Tensor,
    curvature: Tensor,
    price: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """The u of least g u + ½ s u² + alpha price(u), and by how much that is below 0.

    By default the price is that of a weight.
    """
    whole = -slope / curvature
    gains, steps = [], []
    for share in (1.0, 0.85, 0.7):
        u = share * whole
        steps.append(u)
        penalty = problem.alpha * (price(u) if price else problem.penalty.value(u.abs()))
        gains.append(-(slope * u + 0.5 * curvature * u.square() + penalty))
    gain, which = torch.stack(gains).max(dim=0)
    return torch.stack(steps).gather(0, which[None])[0], gain


def _rays(point: Point) -> Tensor:
    return torch.column_stack([point.theta, point.bias])


def _candidate_rays(problem: Problem, point: Point, X1: Tensor) -> Tensor:
    """(n, d+1) rays: unit features and the present neurons, each at several knots."""
    d = problem.n_features
    single = torch.eye(d, dtype=X1.dtype, device=X1.device)
    size = point.theta.norm(dim=1, keepdim=True).clamp(min=1e-300)
    looks = torch.cat([single, (point.theta / size).to(X1.dtype)])
    level = torch.linspace(0, 1, N_KNOTS + 2, dtype=X1.dtype, device=X1.device)[:-1]
    knots = torch.quantile(X1[:, :d] @ looks.T, level, dim=0)
    theta = looks.repeat(len(level), 1)
    return torch.column_stack([theta, -knots.flatten()])


def _informative(hidden: Tensor, rays: Tensor) -> tuple[Tensor, Tensor]:
    """Drop candidates that are on for fewer than two rows."""
    keep = (hidden > 0).sum(dim=0) >= 2
    return hidden[:, keep], rays[keep]
