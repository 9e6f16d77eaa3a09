"""Second-order polish: from a trained network to a sparse local minimum of F."""

from __future__ import annotations

import torch
from torch import Tensor

from ..network import Network
from ..problem import Problem
from .deletion import delete
from .moves import first_better, simplified
from .quadratic import PenaltyTerms, Point, Quadratic, Support, evaluated

#: Damped Newton: first damping, its factors after success and failure, number of tries.
DAMPING, EASE, STIFFEN, TRIES = 1e-3, 0.2, 8.0, 5
#: A Newton step that lowers F by less than this share has converged.
CONVERGED = 1e-4
#: Directions take part in Newton steps up to this many parameters.
MOST_WITH_DIRECTIONS = 400
#: Rows on which to decide, above which a sample stands for the data.
ENOUGH_ROWS, ENOUGH_ROWS_A_PARAMETER = 8192, 20


def polish(problem: Problem, network: Network) -> Network:
    r"""Thin a network out by second-order steps until no move lowers F.

    On the support of a network F is smooth, and the quadratic model of the loss tells
    what each weight is worth. In turns: damped Newton steps; deletions of weights and
    neurons in batches, as long as F falls (`delete`); and the moves that no gradient
    makes, each followed by Newton steps and deletions and kept if F falls
    (`first_better`). F never rises.

    Where there are more weights than samples the loss's Hessian is singular. Neurons of
    one direction and pattern are merged first; then the deletions move the remaining
    coordinates along directions in which the fit stays as it is, as the argument of
    Proposition 4.1 does, with the majoriser of the penalty to choose among them.

    On many rows a sample of them decides, a few steps on all rows follow, and the
    network is kept if F on all rows has fallen.

    Parameters
    ----------
    problem : Problem
        With a smooth loss and ``alpha > 0``.
    network : Network
        In the problem's units.

    Returns
    -------
    Network
        Float64, F no larger than before.

    Raises
    ------
    ValueError
        If the loss is not smooth.
    """
    if not problem.loss.smooth:
        raise ValueError(f"polish needs a smooth loss, got {problem.loss}")
    point = Point.of(problem, network)
    sample = _sample(problem, point)
    small = _thin_out(sample, evaluated(sample, simplified(sample, point)))
    while (better := first_better(sample, small, _settled)) is not None:
        small = _thin_out(sample, better)
    if sample.n_samples == problem.n_samples:
        return (small if small.objective < point.objective else point).network()
    full = newton(problem, evaluated(problem, small), 3)
    return (full if full.objective < point.objective else point).network()


def newton(
    problem: Problem, point: Point, n_steps: int, *, model: Quadratic | None = None
) -> Point:
    """Damped Newton steps on the support; a coordinate that crosses zero becomes zero."""
    damping = DAMPING
    for _ in range(n_steps):
        model = model or Quadratic.at(problem, point, support=_newton_support(problem, point))
        before = point.objective
        point, damping = _newton_step(problem, point, model, damping)
        model = None
        if before - point.objective <= CONVERGED * abs(before):
            break
    return point


def _newton_step(
    problem: Problem, point: Point, model: Quadratic, damping: float
) -> tuple[Point, float]:
    """The first damped step that lowers F, and the damping for the next one.

    The penalty is concave: its own curvature (p − 1) D is used while the system stays
    positive definite, and the damping brings in that of its majoriser D.
    """
    terms = PenaltyTerms.at(problem, model.support, model.u)
    gradient = model.gradient + terms.slope
    system = model.hessian + torch.diag((problem.penalty.p - 1) * terms.majorizer)
    scale = model.hessian.diagonal() + terms.majorizer + 1e-9
    for _ in range(TRIES):
        step = _solved(system + torch.diag(damping * scale), -gradient)
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
    factor, info = torch.linalg.cholesky_ex(system)
    return None if int(info) else torch.cholesky_solve(right[:, None], factor)[:, 0]


def _thin_out(problem: Problem, point: Point) -> Point:
    """Batches of deletions and Newton steps until neither lowers F.

    A model of the loss costs a pass over the data. One serves for a batch of deletions,
    for smaller batches where F shows that it was too large, and for a Newton step where
    no deletion helps.
    """
    point = newton(problem, point, 2)
    model = _weights_model(problem, point)
    batch = max(1, len(model.support.neuron) // 3)
    while True:
        trial, n_deleted = delete(problem, point, model, batch)
        if n_deleted:
            trial = evaluated(problem, trial)
            if trial.objective >= point.objective and n_deleted <= 2:
                trial = newton(problem, trial, 1)
        if n_deleted and trial.objective < point.objective:
            point = trial
        elif n_deleted > 1:
            batch = max(1, min(batch, n_deleted) // 3)
            continue
        else:
            stepped = newton(problem, point, 3)
            if stepped.objective >= point.objective * (1 - CONVERGED):
                return stepped
            point = stepped
        model = _weights_model(problem, point)


def _settled(problem: Problem, point: Point) -> Point:
    """A few Newton steps and deletions from a point that a move has reached."""
    point = newton(problem, evaluated(problem, point), 2)
    trial, n_deleted = delete(problem, point, _weights_model(problem, point), 8)
    if n_deleted:
        trial = newton(problem, evaluated(problem, trial), 2)
        if trial.objective < point.objective:
            return trial
    return point


def _sample(problem: Problem, point: Point) -> Problem:
    """The problem in float64 on enough of its rows to decide by."""
    n_parameters = int((point.theta != 0).sum()) + point.n_neurons
    enough = max(ENOUGH_ROWS, ENOUGH_ROWS_A_PARAMETER * n_parameters)
    return problem.first_rows(min(enough, problem.n_samples), torch.float64)


def _weights_model(problem: Problem, point: Point) -> Quadratic:
    """The quadratic model with directions held: what deletions are decided on."""
    return Quadratic.at(problem, point, support=Support.of(problem, point, with_direction=False))


def _newton_support(problem: Problem, point: Point) -> Support:
    support = Support.of(problem, point, with_direction=True)
    if support.size <= MOST_WITH_DIRECTIONS:
        return support
    return Support.of(problem, point, with_direction=False)
