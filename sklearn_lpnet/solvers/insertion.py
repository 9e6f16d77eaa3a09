"""Insertions: weights and neurons that the residual asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ..problem import Problem
from .quadratic import PenaltyTerms, Point, Quadratic, Support, outputs

#: Weights looked at together, candidates returned, rows and knots that a candidate neuron is
#: tried on, and the number of ways for it to look.
MOST_PARAMETERS, MOST_TRIALS, MOST_ROWS, N_KNOTS, MOST_LOOKS = 600, 4, 2048, 12, 300


def weight_insertions(problem: Problem, point: Point) -> Iterator[Point]:
    r"""Points with one more weight in a neuron or in the affine part.

    With H_SS the model's Hessian on the support, Q = H_SS + D and j outside of it, a step
    to u_j that the support makes up for changes F by about

    .. math:: g_j u + \tfrac12 (H_{jj} - H_{jS} Q^{-1} H_{Sj}) u^2 + \alpha |u|^p
    """
    support = Support.everything(problem, point)
    if support.size > MOST_PARAMETERS or point.n_neurons == 0:
        return
    few = problem.first_rows(min(problem.n_samples, MOST_ROWS), problem.dtype)
    model = Quadratic.at(few, point, support=support)
    terms = PenaltyTerms.at(problem, support, model.u)
    outside = torch.zeros(support.size, dtype=torch.bool, device=model.u.device)
    outside[support.theta] = True
    outside[support.skip] = problem.skip == "penalized" and support.n_outputs == 1
    outside &= model.u == 0
    inside, outside = torch.nonzero(~outside)[:, 0], torch.nonzero(outside)[:, 0]
    if len(outside) == 0:
        return
    system = model.hessian[inside][:, inside] + torch.diag(terms.majorizer[inside])
    system += torch.diag(1e-9 * system.diagonal() + 1e-12)
    cross = model.hessian[inside][:, outside]
    factor, info = torch.linalg.cholesky_ex(system)
    if int(info):
        return
    answer = torch.cholesky_solve(cross, factor)
    residual = model.gradient[inside] + terms.slope[inside]
    slope = model.gradient[outside] - answer.T @ residual
    curvature = model.hessian.diagonal()[outside] - (cross * answer).sum(dim=0)
    step, gain = _best_step(problem, slope, curvature.clamp(min=1e-12), torch.ones_like(slope))
    for k in gain.argsort(descending=True).tolist()[:MOST_TRIALS]:
        if gain[k] <= 0:
            return
        u = model.u.clone()
        u[outside[k]] = step[k]
        u[inside] -= answer[:, k] * step[k]
        yield support.write(point, u)


def neuron_insertions(problem: Problem, point: Point) -> Iterator[Point]:
    """Points with one more neuron, of all candidates those that should lower F most.

    Candidates read one feature each, or look the way that a neuron of the network looks,
    with knots at quantiles of the data: the columns of a forward step of MARS.
    """
    if problem.n_outputs > 1 or problem.skip == "none" or problem.penalize_bias:
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
    cost = rays[:, :-1].abs().pow(problem.penalty.p)
    cost = torch.where(rays[:, :-1] != 0, cost, 0.0).sum(dim=1)
    step, gain = _best_step(problem, hidden.T @ slope, curvature, cost)
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
    problem: Problem, slope: Tensor, curvature: Tensor, cost: Tensor
) -> tuple[Tensor, Tensor]:
    """The u of least g u + ½ s u² + alpha cost |u|^p, and by how much that is below 0."""
    whole = -slope / curvature
    gains, steps = [], []
    for share in (1.0, 0.85, 0.7):
        u = share * whole
        steps.append(u)
        penalty = problem.alpha * cost * u.abs().pow(problem.penalty.p)
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
