"""Deletions by the quadratic model: the optimal brain surgeon for the ℓp objective."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..problem import Problem
from .quadratic import PenaltyTerms, Point, Quadratic, Support

#: Deletions of single coordinates between two looks at whole neurons.
GROUPS_EVERY = 8
#: Of this many coordinates, one goes at a time.
SHARE_AT_ONCE = 50
#: From one number of deletions that is tried to the next.
BETWEEN_TRIALS = 1.3


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
        1, 2, 3 and so on by a factor of about one and a half, and at last all.
    point : Point
        Not evaluated.
    """
    surgery = _Surgery.prepare(problem, model, damping)
    if surgery is None:
        return
    n_deleted, n_shown, n_rounds, group_cost = 0, 0, 0, None
    most = model.support.size if most is None else most
    while n_deleted < most:
        slope = surgery.slope()
        cost = surgery.single_cost(slope)
        share = max(1, surgery.n_left // SHARE_AT_ONCE)
        gone = cost.topk(min(share, most - n_deleted), largest=False).indices
        gone = gone[cost[gone] < 0]
        lowest = float(cost.min())
        if group_cost is None or n_rounds % GROUPS_EVERY == 0:
            group_cost = surgery.group_cost(slope)
        n_gone = len(gone)
        if len(group_cost) and float(group_cost.min()) < min(lowest, 0.0):
            gone, group_cost, n_gone = surgery.members(int(group_cost.argmin())), None, 1
        if n_gone == 0:
            break
        surgery.remove(gone)
        n_deleted += n_gone
        n_rounds += 1
        if n_deleted > BETWEEN_TRIALS * n_shown:
            n_shown = n_deleted
            yield n_deleted, model.support.write(point, surgery.u.to(problem.device))
    if n_deleted > n_shown:
        yield n_deleted, model.support.write(point, surgery.u.to(problem.device))


@dataclass
class _Surgery:
    """The quadratic model on the host, and what has been taken away so far."""

    alpha: float
    p: float
    support: Support
    gradient: Tensor
    hessian: Tensor
    majorizer: Tensor
    penalized: Tensor
    start: Tensor
    u: Tensor
    inverse: Tensor
    removable: Tensor
    neuron_of_theta: Tensor
    groups: Tensor
    pays_as_one: Tensor

    @classmethod
    def prepare(cls, problem: Problem, model: Quadratic, damping: float) -> _Surgery | None:
        """None where there is nothing to take away."""
        support = model.support
        terms = PenaltyTerms.at(problem, support, model.u)
        if not bool(terms.penalized.any()):
            return None
        hessian, u = model.hessian.cpu(), model.u.cpu()
        majorizer, penalized = terms.majorizer.cpu(), terms.penalized.cpu()
        diagonal = hessian.diagonal() + majorizer
        factor, info = torch.linalg.cholesky_ex(
            hessian + torch.diag(majorizer + (damping + 1e-9) * diagonal + 1e-12)
        )
        if int(info):
            return None
        removable = penalized.clone()
        if support.n_outputs > 1:
            removable[support.skip] = False
        groups, pays_as_one = _groups(problem, support)
        return cls(
            alpha=problem.alpha,
            p=problem.penalty.p,
            support=support,
            gradient=model.gradient.cpu(),
            hessian=hessian,
            majorizer=majorizer,
            penalized=penalized,
            start=u,
            u=u.clone(),
            inverse=torch.cholesky_inverse(factor),
            removable=removable,
            neuron_of_theta=support.neuron.cpu(),
            groups=groups,
            pays_as_one=pays_as_one,
        )

    @property
    def n_left(self) -> int:
        """Number of coordinates that are still there."""
        return int((self.inverse.diagonal() > 0).sum())

    def slope(self) -> Tensor:
        """Gradient of the loss's model at u."""
        return self.gradient + self.hessian @ (self.u - self.start)

    def single_cost(self, slope: Tensor) -> Tensor:
        """Change of F for each coordinate alone; infinity where it may not go alone."""
        u = self.u
        schur = (1 / self.inverse.diagonal().clamp(min=1e-300) - self.majorizer).clamp_(min=0)
        cost = u * (0.5 * schur * u - slope) - self.alpha * u.abs().pow(self.p)
        may_go = self.removable & (u != 0)
        # A neuron's last weight goes with its bias, as a group.
        present = self.neuron_of_theta[u[self.support.theta] != 0]
        left = torch.bincount(present, minlength=self.support.n_neurons)
        may_go[self.support.theta] &= left[self.neuron_of_theta] > 1
        return torch.where(may_go, cost, torch.inf)

    def group_cost(self, slope: Tensor) -> Tensor:
        """Change of F for each group; infinity for one that is gone."""
        if self.groups.numel() == 0:
            return self.u.new_zeros(0)
        index = self.groups.clamp(min=0)
        member = (self.groups >= 0) & (self.inverse.diagonal()[index] > 0)
        u = torch.where(member, self.u[index], 0.0)
        both = member[:, :, None] & member[:, None, :]
        identity = torch.eye(index.shape[1], dtype=u.dtype)
        block = torch.where(both, self.inverse[index[:, :, None], index[:, None, :]], identity)
        schur, info = torch.linalg.inv_ex(block)
        schur = schur - torch.diag_embed(torch.where(member, self.majorizer[index], 0.0))
        paid = torch.where(self.penalized[index], u.abs(), 0.0)
        whole = u.norm(dim=1).pow(self.p)
        separate = torch.where(paid > 0, paid.pow(self.p), 0.0).sum(dim=1)
        gain = self.alpha * torch.where(self.pays_as_one, whole, separate)
        rise = 0.5 * torch.einsum("gi,gij,gj->g", u, schur, u) - (slope[index] * u).sum(dim=1)
        return torch.where(member.any(dim=1) & (info == 0) & (gain > 0), rise - gain, torch.inf)

    def members(self, group: int) -> Tensor:
        """Coordinates of a group that are still there."""
        index = self.groups[group]
        index = index[index >= 0]
        return index[self.inverse.diagonal()[index] > 0]

    def remove(self, gone: Tensor) -> None:
        """Take coordinates away and move the rest to the minimum of the model."""
        columns = self.inverse[:, gone]
        share = torch.linalg.solve(columns[gone], columns.T)
        self.u -= share.T @ self.u[gone]
        self.inverse -= columns @ share
        self.inverse[gone] = 0
        self.inverse[:, gone] = 0
        self.u[gone] = 0


def _groups(problem: Problem, support: Support) -> tuple[Tensor, Tensor]:
    """Coordinates that go together, a row a group, filled up with −1.

    A neuron's weights and bias; with several outputs, a column of a penalised skip, which
    pays as one weight.
    """
    coordinate = torch.arange(support.intercept.start)
    group = torch.cat([support.neuron.cpu(), torch.arange(support.n_neurons)])
    n_groups = support.n_neurons
    if support.n_outputs > 1 and problem.skip == "penalized":
        columns, column = support.skip_column.cpu().unique(return_inverse=True)
        group = torch.cat([group, n_groups + column])
        n_groups += len(columns)
    coordinate = coordinate[: len(group)]
    order = group.argsort(stable=True)
    size = torch.bincount(group, minlength=n_groups)
    place = torch.arange(len(group)) - (size.cumsum(0) - size)[group[order]]
    groups = torch.full((n_groups, int(size.max()) if n_groups else 0), -1)
    groups[group[order], place] = coordinate[order]
    return groups, torch.arange(n_groups) >= support.n_neurons
