"""Second-order polish: from a trained network to a sparse local minimum of F."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..network import Network
from ..problem import Problem
from .deletion import deletions
from .moves import first_better, simplified
from .proximal import gone_on
from .quadratic import PenaltyTerms, Point, Quadratic, Support, evaluated, factor_or_none

#: Damped Newton: first damping, its factors after success and failure, number of tries.
DAMPING, EASE, STIFFEN, TRIES = 1e-3, 0.2, 8.0, 5
#: Damping of deletions, which end when F has risen so many times in a row.
DELETION_DAMPING, MOST_WORSE = 1e-4, 2
#: A Newton step that lowers F by less than this share, or this much, has converged.
CONVERGED, NEGLIGIBLE = 1e-4, 1e-9
#: Directions take part in Newton steps up to this many parameters.
MOST_WITH_DIRECTIONS = 400
#: After a move, at most so many Newton steps, while so many more like the last would be enough.
MOST_STEPS, PATIENCE = 6, 2.0
#: With more parameters gradient training goes on first, for at most so many rounds.
MOST_PARAMETERS, MOST_ROUNDS = 1500, 4
#: Rows on which to decide, above which a sample stands for the data.
ENOUGH_ROWS, ENOUGH_ROWS_A_PARAMETER = 8192, 20
#: Multiplications that polish may spend, a second or two, and what a pass costs besides.
WORK, WORK_A_PASS = 1e10, 5e7


@torch.inference_mode()
def polish(problem: Problem, network: Network) -> tuple[Network, bool]:
    r"""Thin a network out by second-order steps until no move lowers F.

    On the support of a network F is smooth, and the quadratic model of the loss tells
    what each weight is worth. In turns: damped Newton steps; deletions of weights and
    neurons in batches, as long as F falls (`deletions`); and the moves that no gradient
    makes, each followed by Newton steps and kept if F falls
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
    network : Network
        Float64, F no larger than before.
    interrupted : bool
        Whether KeyboardInterrupt ended the search; the network is the best so far.

    Raises
    ------
    ValueError
        If the loss is not smooth.
    """
    if not problem.loss.smooth:
        raise ValueError(f"polish needs a smooth loss, got {problem.loss}")
    network, interrupted = _fewer_weights(problem, network)
    if interrupted or _n_parameters(problem, network) > MOST_PARAMETERS:
        return network, interrupted
    point = Point.of(problem, network)
    sample = _sample(problem, network)
    search = Search(sample, best=evaluated(sample, point))
    try:
        search.run(evaluated(sample, simplified(sample, point)))
    except KeyboardInterrupt:
        interrupted = True
    found = evaluated(problem, search.best)
    if sample.n_samples < problem.n_samples and not interrupted:
        found = Search(problem, best=found).newton(found, 3)
    return (found if found.objective < point.objective else point).network(), interrupted


@dataclass
class Search:
    """The search on one problem.

    Attributes
    ----------
    problem : Problem
    best : Point
        The best point so far.
    work_left : float
        The work that the search may still spend.
    enough : float
        Thinning out ends once deletions, or else a Newton step, lower F by less than this share.
    """

    problem: Problem
    best: Point
    work_left: float = WORK
    enough: float = 0.0

    def run(self, point: Point) -> None:
        """Thin out, then try the moves, until no move lowers F or the work is spent."""
        better: Point | None = point
        while better is not None:
            point = self.thin_out(better)
            better = None
            if self.work_left > 0:
                better = first_better(self.problem, point, self.settled)

    def keep(self, point: Point) -> Point:
        """Take note of a point that the search goes on from."""
        if point.objective < self.best.objective:
            self.best = point
        return point

    def thin_out(self, point: Point) -> Point:
        """Deletions and Newton steps, one model of the loss for each, until neither lowers F."""
        damping = DAMPING
        while self.work_left > 0:
            before = point.objective
            model = self._model(point)
            trial, n_deleted = self._deleted(point, model)
            if trial.objective < before:
                point = self.keep(trial)
                if before - point.objective < self.enough * before:
                    return point
                continue
            point, damping = self._stepped(point, model, damping)
            self.keep(point)
            if before - point.objective > max(CONVERGED, self.enough) * before + NEGLIGIBLE:
                continue
            if n_deleted:
                trial = self.newton(trial, 1)
                if trial.objective < point.objective:
                    point = self.keep(trial)
                    continue
            return point
        return point

    def settled(self, candidate: Point, bound: float) -> Point | None:
        """Newton steps from where a move leads, as long as F may soon come below `bound`.

        None if the work is spent.
        """
        point = evaluated(self.problem, candidate)
        for _ in range(MOST_STEPS):
            if self.work_left <= 0:
                return None
            before = point.objective
            point = self.newton(point, 1)
            if not 0 <= point.objective - bound <= PATIENCE * (before - point.objective):
                break
        return point

    def newton(self, point: Point, n_steps: int) -> Point:
        """Damped Newton steps on the support; a weight that crosses zero becomes zero."""
        damping = DAMPING
        for _ in range(n_steps):
            before = point.objective
            point, damping = self._stepped(point, None, damping)
            if before - point.objective <= CONVERGED * before + NEGLIGIBLE:
                break
        return point

    def _stepped(
        self, point: Point, model: Quadratic | None, damping: float
    ) -> tuple[Point, float]:
        """One Newton step, with the directions among the parameters if there are not too many."""
        support = Support.of(self.problem, point, with_direction=True)
        if support.with_direction and support.size <= MOST_WITH_DIRECTIONS:
            model = self._model(point, support)
        elif model is None:
            model = self._model(point)
        return _newton_step(self.problem, point, model, damping)

    def _deleted(self, point: Point, model: Quadratic) -> tuple[Point, int]:
        """The best of the points that deletions lead to, and how many there are."""
        self.work_left -= WORK_A_PASS + float(model.support.size) ** 3
        best, n_best, n_worse = point, 0, 0
        for n_deleted, trial in deletions(self.problem, point, model, damping=DELETION_DAMPING):
            trial = evaluated(self.problem, trial)
            if n_best == 0 or trial.objective < best.objective:
                best, n_best, n_worse = trial, n_deleted, 0
            else:
                n_worse += 1
            if n_worse == MOST_WORSE:
                break
        return best, n_best

    def _model(self, point: Point, support: Support | None = None) -> Quadratic:
        """The quadratic model, by default with directions held, as deletions need it."""
        if support is None:
            support = Support.of(self.problem, point, with_direction=False)
        size = float(support.size)
        rows = self.problem.n_samples
        # Gathering a row's entries costs as much as a hundred multiplications each.
        self.work_left -= WORK_A_PASS + size**2 * (size + rows) + 100 * rows * size
        return Quadratic.at(self.problem, point, support=support)


def _newton_step(
    problem: Problem, point: Point, model: Quadratic, damping: float
) -> tuple[Point, float]:
    """The first damped step that lowers F, and the damping for the next one.

    The penalty is concave: its own curvature (p − 1) D is used while the system stays
    positive definite, and the damping brings in that of its majoriser D.
    """
    terms = PenaltyTerms.at(problem, model.support, model.u)
    gradient = model.gradient + terms.slope
    concave = (problem.penalty.p - 1) * terms.majorizer
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


def _sample(problem: Problem, network: Network) -> Problem:
    """The problem in float64 on enough of its rows to decide by."""
    enough = max(ENOUGH_ROWS, ENOUGH_ROWS_A_PARAMETER * _n_parameters(problem, network))
    return problem.first_rows(min(enough, problem.n_samples), torch.float64)


def _fewer_weights(problem: Problem, network: Network) -> tuple[Network, bool]:
    """Gradient training goes on while there are too many weights for the quadratic model."""
    for _ in range(MOST_ROUNDS):
        if _n_parameters(problem, network) <= MOST_PARAMETERS:
            break
        before = network
        network, interrupted = gone_on(
            problem, network, n_steps=300, learning_rate=0.02, batch_size=ENOUGH_ROWS, seed=0
        )
        if interrupted or network is before:
            return network, interrupted
    return network, False


def _n_parameters(problem: Problem, network: Network) -> int:
    skip = network.skip.size if problem.skip == "free" else np.count_nonzero(network.skip)
    return int(np.count_nonzero(network.theta) + network.n_neurons + skip)
