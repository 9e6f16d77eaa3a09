"""The search for a sparse local minimum: Newton steps, deletions and moves in turns."""

from __future__ import annotations

from dataclasses import dataclass

from ...problem.problem import Problem
from .deletion import deletions
from .moves import first_better
from .newton import DAMPING, newton_step
from .point import Point, evaluated
from .quadratic import Quadratic, Support

#: Damping of deletions, which end when F has risen so many times in a row.
DELETION_DAMPING, MOST_WORSE = 1e-4, 2
#: A Newton step that lowers F by less than this share, or this much, has converged.
CONVERGED, NEGLIGIBLE = 1e-4, 1e-9
#: Directions take part in Newton steps up to this many parameters.
MOST_WITH_DIRECTIONS = 400
#: After a move, at most so many Newton steps, while so many more like the last would be enough.
MOST_STEPS, PATIENCE = 6, 2.0
#: Multiplications that polish may spend, a second or two, and what a pass costs besides.
WORK, WORK_A_PASS = 1e10, 5e7


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
        return newton_step(self.problem, point, model, damping)

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
