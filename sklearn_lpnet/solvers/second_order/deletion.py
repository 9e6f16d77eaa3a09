"""Deletions by the quadratic model: the optimal brain surgeon for the ℓp objective."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...problem.problem import Problem
from .point import Point
from .quadratic import PenaltyTerms, Quadratic, Support, factor_or_none

#: Deletions of single coordinates between two looks at whole neurons.
GROUPS_EVERY = 16
#: Of this many coordinates, one goes at a time.
SHARE_AT_ONCE = 50
#: From one number of deletions that is tried to the next.
BETWEEN_TRIALS = 1.3
#: Columns of a downdate that wait until they are worked into the inverse together, and the share
#: of coordinates left from which on the others are dropped then.
MOST_LATE, SHARE_LEFT = 48, 0.8

Array = npt.NDArray[Any]


def deletions(
    problem: Problem,
    point: Point,
    model: Quadratic,
    *,
    most: int | None = None,
    damping: float = 0.0,
) -> Iterator[tuple[int, Point]]:
    r"""Take away weights or neurons, up to `most`, one after the other, while F should fall.

    Taking coordinate j away while the others make up for it changes F by about

    .. math:: -g_j u_j + \tfrac12 s_j u_j^2 - \alpha |u_j|^p, \qquad s_j = 1/[Q^{-1}]_{jj} - D_j

    with g the gradient of the loss, D the penalty's majoriser and Q = H + D. Neurons go
    likewise, with the block of their coordinates. After each deletion the rest moves to
    the minimum of the model and Q⁻¹ is downdated; the data are not touched. Damping adds
    to Q that share of its diagonal, which keeps the rest close to where the model holds.

    Yields
    ------
    n_deleted : int
        1, 2, 3, 4, 6 and so on by a factor of 1.3 or a little more, and at last all.
    point : Point
        Not evaluated.
    """
    terms = PenaltyTerms.at(problem, model.support, model.u)
    ridge = _ridge(model, terms, damping)
    inverse = _inverse(model.hessian, ridge)
    if inverse is None or not bool(terms.penalized.any()):
        return
    surgery = _Surgery(problem, model, terms, ridge, inverse)
    n_deleted, n_shown, n_rounds, group_cost = 0, 0, 0, None
    most = model.support.size if most is None else most
    while n_deleted < most:
        share = max(1, surgery.n_present // SHARE_AT_ONCE)
        gone, lowest = surgery.cheapest(min(share, most - n_deleted))
        if group_cost is None or n_rounds % GROUPS_EVERY == 0:
            group_cost = surgery.group_cost()
        n_gone = len(gone)
        if group_cost.min(initial=0.0) < lowest:
            gone, group_cost, n_gone = surgery.members(int(group_cost.argmin())), None, 1
        if n_gone == 0 or not surgery.remove(gone):
            break
        n_deleted += n_gone
        n_rounds += 1
        if n_deleted > BETWEEN_TRIALS * n_shown:
            n_shown = n_deleted
            yield n_deleted, model.support.write(point, surgery.moved(model.u))
    if n_deleted > n_shown:
        yield n_deleted, model.support.write(point, surgery.moved(model.u))


class _Surgery:
    """The quadratic model on the host, and what has been taken away so far.

    Q⁻¹ of the coordinates that are present is ``inverse - late @ late.T``: a deletion adds
    columns to `late`, many of which are worked into `inverse` at once. Then coordinates that are
    gone are dropped from the arrays; `place` tells where in u the others stand.
    """

    #: Arrays with an entry for each coordinate.
    _BY_COORDINATE = (
        "place",
        "present",
        "u",
        "slope",
        "majorizer",
        "ridge",
        "diagonal",
        "penalized",
        "removable",
    )

    def __init__(
        self,
        problem: Problem,
        model: Quadratic,
        terms: PenaltyTerms,
        ridge: Array,
        inverse: Tensor,
    ) -> None:
        support = model.support
        self.alpha, self.price = problem.alpha, problem.penalty.value
        self.neuron_price = problem.penalty.neuron_price
        self.u: Array = model.u.cpu().numpy().copy()
        self.slope: Array = model.gradient.cpu().numpy().copy()
        self.majorizer: Array = terms.majorizer.cpu().numpy()
        self.penalized: Array = terms.penalized.cpu().numpy()
        self.place = np.arange(len(self.u))
        self.present = np.ones(len(self.u), dtype=bool)
        self.removable = self.penalized.copy()
        if support.n_outputs > 1:
            self.removable[support.skip] = False
        self.neuron_of_theta: Array = support.neuron.cpu().numpy()
        self.n_neurons = support.n_neurons
        self.groups, self.pays_as_one = _groups(problem, support)
        self.ridge, self.inverse = ridge, inverse
        self.late = inverse.new_empty(len(self.u), 0)
        self.diagonal: Array = inverse.diagonal().numpy().copy()

    @property
    def n_present(self) -> int:
        """Number of coordinates that are still there."""
        return int(np.count_nonzero(self.present))

    def moved(self, u: Tensor) -> Tensor:
        """Where u has got to."""
        moved = np.zeros(len(u))
        moved[self.place] = self.u
        return torch.from_numpy(moved).to(u.device)

    def cheapest(self, most: int) -> tuple[Array, float]:
        """Up to `most` coordinates whose going lowers F most, and the best one's change of F."""
        u = self.u
        # Rounding may leave nothing of a diagonal entry; what is huge then costs too much to go.
        with np.errstate(over="ignore"):
            schur = np.maximum(1 / np.maximum(self.diagonal, 1e-300) - self.majorizer, 0.0)
            cost = u * (0.5 * schur * u - self.slope) - self.alpha * self.price(np.abs(u))
        may_go = self.removable & (u != 0) & (cost < 0)
        # A neuron's last weight goes with its bias, as a group.
        of_theta = slice(0, len(self.neuron_of_theta))
        present = self.neuron_of_theta[u[of_theta] != 0]
        left = np.bincount(present, minlength=self.n_neurons)
        may_go[of_theta] &= left[self.neuron_of_theta] > 1
        able = np.flatnonzero(may_go)
        if not len(able):
            return able, 0.0
        if len(able) > most:
            able = able[np.argpartition(cost[able], most - 1)[:most]]
        return able, float(cost[able].min())

    def group_cost(self) -> Array:
        """Change of F for each group; infinity for one that is gone."""
        cost = np.full(len(self.groups), np.inf)
        member = (self.groups >= 0) & self.present[self.groups]
        alive = member.any(axis=1)
        if not alive.any():
            return cost
        index, member = self.groups[alive], member[alive]
        u = np.where(member, self.u[index], 0.0)
        late = self.late[index]
        block = torch.from_numpy(self.inverse.numpy()[index[:, :, None], index[:, None, :]])
        block -= late @ late.mT
        both = torch.from_numpy(member[:, :, None] & member[:, None, :])
        block = torch.where(both, block, torch.eye(index.shape[1], dtype=block.dtype))
        solved, info = torch.linalg.solve_ex(block, torch.from_numpy(u)[:, :, None])
        paid = np.where(self.penalized[index], np.abs(u), 0.0)
        separate = self.price(paid).sum(axis=1)
        whole = self.price(np.linalg.norm(u, axis=1))
        gain = self.alpha * np.where(self.pays_as_one[alive], whole, separate + self.neuron_price)
        pull = 0.5 * (solved[:, :, 0].numpy() - self.majorizer[index] * u) - self.slope[index]
        able = (info.numpy() == 0) & (gain > 0)
        cost[alive] = np.where(able, (u * pull).sum(axis=1) - gain, np.inf)
        return cost

    def members(self, group: int) -> Array:
        """Coordinates of a group that are still there."""
        index = self.groups[group]
        index = index[index >= 0]
        return index[self.present[index]]

    def remove(self, gone: Array) -> bool:
        """Take coordinates away and move the rest to the minimum of the model.

        False where they depend on each other, to rounding.
        """
        rows = torch.addmm(self.inverse[gone], self.late[gone], self.late.T, alpha=-1)
        factor, info = torch.linalg.cholesky_ex(rows[:, gone])
        if int(info):
            return False
        rows = torch.linalg.solve_triangular(factor, rows, upper=False)
        share = torch.linalg.solve_triangular(
            factor, torch.from_numpy(self.u[gone])[:, None], upper=False
        )
        self.present[gone] = False
        step = np.where(self.present, -(rows.T @ share)[:, 0].numpy(), 0.0)
        self.u += step
        self.u[gone] = 0.0
        # Q step is zero where nothing is taken away, and Q = H + ridge.
        self.slope -= self.ridge * step
        self.diagonal -= rows.square().sum(dim=0).numpy()
        self.diagonal[~self.present] = 1.0
        self.late = torch.cat([self.late, rows.T], dim=1)
        if self.late.shape[1] >= MOST_LATE:
            self._work_in()
        return True

    def _work_in(self) -> None:
        """Bring the inverse up to date, and drop what is gone if that is much of it."""
        kept = np.flatnonzero(self.present)
        if len(kept) > SHARE_LEFT * len(self.present):
            self.inverse.addmm_(self.late, self.late.T, alpha=-1)
            self.late = self.late[:, :0]
            return
        late = self.late[kept]
        self.inverse = self.inverse[kept][:, kept].addmm_(late, late.T, alpha=-1)
        self.late = late[:, :0]
        now_at = np.full(len(self.present), -1)
        now_at[kept] = np.arange(len(kept))
        self.groups = np.where(self.groups >= 0, now_at[self.groups], -1)
        self.neuron_of_theta = self.neuron_of_theta[kept[kept < len(self.neuron_of_theta)]]
        for name in self._BY_COORDINATE:
            setattr(self, name, getattr(self, name)[kept])


def _ridge(model: Quadratic, terms: PenaltyTerms, damping: float) -> Array:
    """What Q has on its diagonal besides H."""
    majorizer: Array = terms.majorizer.cpu().numpy()
    curvature = model.hessian.diagonal().cpu().numpy() + majorizer
    return majorizer + (damping + 1e-9) * curvature + 1e-12


def _inverse(hessian: Tensor, ridge: Array) -> Tensor | None:
    """Q⁻¹ on the host; None where Q is singular to rounding."""
    system = hessian.cpu().clone()
    system.diagonal().add_(torch.from_numpy(ridge))
    factor = factor_or_none(system)
    return None if factor is None else torch.cholesky_inverse(factor)


def _groups(problem: Problem, support: Support) -> tuple[Array, Array]:
    """Coordinates that go together, a row a group, filled up with −1.

    A neuron's weights and bias; with several outputs, a column of a penalised skip, which
    pays as one weight.
    """
    group = np.append(support.neuron.cpu().numpy(), np.arange(support.n_neurons))
    n_groups = support.n_neurons
    if support.n_outputs > 1 and problem.parametrization.skip_is_penalized:
        columns, column = np.unique(support.skip_column.cpu().numpy(), return_inverse=True)
        group = np.append(group, n_groups + column)
        n_groups += len(columns)
    order = group.argsort(kind="stable")
    size = np.bincount(group, minlength=n_groups)
    place = np.arange(len(group)) - (size.cumsum() - size)[group[order]]
    groups = np.full((n_groups, size.max(initial=0)), -1)
    groups[group[order], place] = order
    return groups, np.arange(n_groups) >= support.n_neurons
