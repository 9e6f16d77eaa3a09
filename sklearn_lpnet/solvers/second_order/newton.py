"""Damped Newton steps on the support of a network."""

from __future__ import annotations

import torch
from torch import Tensor

from ...problem.problem import Problem
from .point import Point, evaluated
from .quadratic import PenaltyTerms, Quadratic, factor_or_none

#: First damping, its factors after success and failure, number of tries.
DAMPING, EASE, STIFFEN, TRIES = 1e-3, 0.2, 8.0, 5


def newton_step(
    problem: Problem, point: Point, model: Quadratic, damping: float
) -> tuple[Point, float]:
    """The first damped step that lowers F, and the damping for the next one.

    The penalty is concave: its own curvature is used while the system stays positive definite,
    and the damping brings in that of its majoriser D.
    """
    terms = PenaltyTerms.at(problem, model.support, model.u)
    gradient = model.gradient + terms.slope
    concave = terms.curvature
    scale = model.hessian.diagonal() + terms.majorizer + 1e-9
    for _ in range(TRIES):
        system = model.hessian.clone()
        system.diagonal().add_(concave + damping * scale)
        step = _solved(system, -gradient)
        if step is not None:
            trial = _stepped(problem, point, model, terms, step)
            if trial.objective < point.objective:
                return trial, max(damping * EASE, 1e-9)
        damping *= STIFFEN
    return point, damping


def _stepped(
    problem: Problem, point: Point, model: Quadratic, terms: PenaltyTerms, step: Tensor
) -> Point:
    moved = model.u + step
    crossed = terms.penalized & (moved * model.u <= 0)
    if problem.n_outputs > 1:
        crossed[model.support.skip] = False
    moved[crossed] = 0.0
    return evaluated(problem, model.support.write(point, moved))


def _solved(system: Tensor, right: Tensor) -> Tensor | None:
    """Solution of a positive definite system; None if it is not."""
    factor = factor_or_none(system)
    return None if factor is None else torch.cholesky_solve(right[:, None], factor)[:, 0]
