"""Second-order steps from one alpha of a path to the next."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..network.network import Network
from ..problem.problem import Problem
from ..solvers.second_order.insertion import AbsentWeights
from ..solvers.second_order.moves import simplified
from ..solvers.second_order.point import Point, evaluated
from ..solvers.second_order.search import Search

#: Rows that second-order steps look at, and the multiplications that they may spend an alpha. They
#: are not for networks for which a single step takes more.
MOST_ROWS, WORK = 8192, 5e8
#: They end at an alpha when deletions, or else a Newton step, lower F by less than this share.
ENOUGH = 1e-3


class SecondOrder:
    """Newton steps and deletions, on a sample of the rows where there are many."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.sample = problem.first_rows(min(MOST_ROWS, problem.n_samples), torch.float64)

    def work(self, network: Network) -> float:
        """Multiplications of a step: the Hessian of the loss, and its inverse."""
        size = float(network.n_parameters(fit_intercept=False))
        return size**2 * (size + self.sample.n_samples)

    def thinned(self, alpha: float, network: Network) -> Network:
        """Newton steps and deletions until neither lowers F, or the work is spent."""
        sample = replace(self.sample, alpha=alpha)
        start = Point.of(sample, network)
        point = evaluated(sample, simplified(sample, start))
        start = min(start, point, key=_objective)
        search = Search(sample, best=start, work_left=WORK, enough=ENOUGH)
        point = search.thin_out(point)
        if search.work_left > 0:
            search.keep(search.newton(point, 1))
        return self._on_all_rows(alpha, search.best, network)

    def grown(self, alpha: float, network: Network) -> Network:
        """The network with more weights, as long as that lowers F; itself if it does not."""
        sample = replace(self.sample, alpha=alpha)
        start = Point.of(sample, network)
        search = Search(sample, best=start, work_left=WORK, enough=ENOUGH)
        point = absent = None
        for affine in (True, False):
            if search.best is not point:
                point = search.best
                absent = AbsentWeights.of(sample, point)
            more = None if absent is None else absent.together(affine=affine)
            if more is not None:
                search.thin_out(evaluated(sample, more))
        return network if search.best is start else self._on_all_rows(alpha, search.best, network)

    def stepped(self, alpha: float, network: Network) -> Network:
        """One Newton step."""
        sample = replace(self.sample, alpha=alpha)
        point = Point.of(sample, network)
        return self._on_all_rows(alpha, Search(sample, best=point).newton(point, 1), network)

    def _on_all_rows(self, alpha: float, point: Point, start: Network) -> Network:
        """The network of a point, or `start` if the sample was wrong about it."""
        if self.sample.n_samples == self.problem.n_samples:
            return point.network()
        problem = replace(self.problem, alpha=alpha)
        point = evaluated(problem, point)
        point = Search(problem, best=point).newton(point, 1)
        return min(start, point.network(), key=problem.objective)


def _objective(point: Point) -> float:
    return point.objective
