"""Second-order polish: from a trained network to a sparse local minimum of F."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...network.network import Network
from ...problem.problem import Problem
from ..gradient.proximal import gone_on
from .moves import simplified
from .point import Point, evaluated
from .search import Search

#: With more parameters gradient training goes on first, for at most so many rounds.
MOST_PARAMETERS, MOST_ROUNDS = 1500, 4
#: Rows on which to decide, above which a sample stands for the data.
ENOUGH_ROWS, ENOUGH_ROWS_A_PARAMETER = 8192, 20


def refuses(objective: Any) -> str | None:
    """It needs second derivatives of the loss."""
    return None if objective.loss.smooth else f"polish needs a smooth loss, got {objective.loss}"


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
    reason = refuses(problem)
    if reason is not None:
        raise ValueError(reason)
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
    free = problem.parametrization.skip_is_free
    skip = network.skip.size if free else np.count_nonzero(network.skip)
    return int(np.count_nonzero(network.theta) + network.n_neurons + skip)
