"""Reweighted linear programs for the path norm, from cell to cell of activation patterns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from .cells import Patterned

#: ε of the reweighting, in units of the largest label; each until the objective comes to rest.
EPSILONS = (1e-1, 1e-2, 1e-3)
#: Linear programs for one ε.
MAX_PROGRAMS = 25
#: The least share of itself that a program has to take off the objective for another one.
LEAST_GAIN = 1e-2
#: What a unit of error costs, in units of the usual price of a parameter.
PRICE_OF_ERROR = 1e4
#: Parameters and inputs smaller than this are zero to the linear program's tolerance.
_ZERO = 1e-10


def descend(network: Patterned, deadline: float) -> Iterator[Patterned]:
    r"""Walk from cell to cell, downhill.

    With patterns :math:`D_k` and signs :math:`a_k` fixed, the interpolant of least reweighted
    path norm solves a linear program (eq. 10):

    .. math::

        \min \sum c |\theta| \quad \text{subject to} \quad
        \sum_k a_k D_k \tilde X \theta_k = y, \qquad (2 D_k - I) \tilde X \theta_k \ge 0,
        \qquad c = (|\theta^-| + \varepsilon)^{p - 1}.

    Where an inequality is tight, the sample is handed to the other side, which changes nothing,
    and the program is solved again: the objective never rises while ε stays. Errors are admitted
    at a price, so that a start that does not interpolate is on its way, too.

    Yields
    ------
    Patterned
        One network after the other, of which the later need not interpolate if the first do not.
    """
    for epsilon in EPSILONS:
        before = np.inf
        for _ in range(MAX_PROGRAMS):
            solved = _solve(network, epsilon, deadline - time.perf_counter())
            if solved is None:
                return
            network, objective = solved
            yield network
            if objective > before - LEAST_GAIN * abs(before):
                break
            before = objective
            network = _across_tight_walls(network).tidy()


def _solve(network: Patterned, epsilon: float, seconds: float) -> tuple[Patterned, float] | None:
    """The optimum of one program, or None if there is no time for it."""
    if seconds <= 0:
        return None
    setting, n_rows = network.setting, len(network.table)
    row, column = np.nonzero(setting.rows(setting.allowed, n_rows))
    if not len(row):
        return None
    price = setting.rows(setting.price, n_rows)[row, column]
    size = np.abs(network.table[row, column]) + epsilon * (np.abs(setting.y).max() or 1.0)
    cost = price * size ** (setting.p - 1)
    paid = np.flatnonzero(price > 0)
    # θ = θ⁺ − θ⁻ where it is priced; then the errors, above and below.
    n_samples = setting.n_samples
    jacobian = network.jacobian(row, column)
    identity = np.eye(n_samples)
    walls = _walls(network, row, column)
    result = linprog(
        np.concatenate(
            [
                cost,
                cost[paid],
                np.full(
                    2 * n_samples, PRICE_OF_ERROR * (np.median(cost[paid]) if len(paid) else 1.0)
                ),
            ]
        ),
        A_eq=np.hstack([jacobian, -jacobian[:, paid], identity, -identity]),
        b_eq=setting.y,
        A_ub=sp.hstack(
            [-walls, walls[:, paid], sp.csc_matrix((walls.shape[0], 2 * n_samples))]
        ).tocsc(),
        b_ub=np.zeros(walls.shape[0]),
        bounds=[(0 if is_paid else None, None) for is_paid in price > 0]
        + [(0, None)] * (len(paid) + 2 * n_samples),
        method="highs",
        options={"time_limit": seconds},
    )
    if result.status != 0:
        return None
    values = result.x[: len(row)].copy()
    values[paid] -= result.x[len(row) : len(row) + len(paid)]
    values[np.abs(values) <= _ZERO * (np.abs(values).max() or 1.0)] = 0.0
    table = np.zeros_like(network.table)
    table[row, column] = values
    optimum = Patterned.of(setting, network.sign, table)
    # On a wall, rounding has no say on which side a sample is.
    tight = _tight(network.setting.X1 @ table.T)
    return replace(optimum, on=np.where(tight, network.on, optimum.on)), float(result.fun)


def _walls(network: Patterned, row: np.ndarray, column: np.ndarray) -> sp.csc_matrix:
    """The inequalities that keep each neuron in its cell, a block of rows for each neuron."""
    X1 = network.setting.X1
    neurons = np.flatnonzero(np.bincount(row[row > 0], minlength=1))
    blocks = []
    for k in neurons:
        block = np.where(network.on[:, [k]], 1.0, -1.0) * X1[:, column[row == k]]
        blocks.append(block)
    n_affine = int(np.count_nonzero(row == 0))
    if not blocks:
        return sp.csc_matrix((0, n_affine))
    inside = sp.block_diag(blocks, format="csc")
    return sp.hstack([sp.csc_matrix((inside.shape[0], n_affine)), inside]).tocsc()


def _tight(inputs: np.ndarray) -> np.ndarray:
    tight = np.abs(inputs) <= _ZERO * (np.abs(inputs).max(axis=0) + np.finfo(np.float64).tiny)
    tight[:, 0] = False
    return tight


def _across_tight_walls(network: Patterned) -> Patterned:
    tight = _tight(network.setting.X1 @ network.table.T)
    return replace(network, on=network.on ^ tight)
