"""A default for alpha, set from the data."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import torch

from ..problem.problem import Problem
from ..solvers.gradient.stack import Phase, Stack
from ..solvers.splines.best_knots import BestKnots

#: What the held-out loss is estimated with.
N_FOLDS, N_STEPS, N_NEURONS, LEARNING_RATE, MAX_ROWS = 3, 150, 50, 0.02, 4096
#: A weight has to lower the loss by this share of the constant network's loss.
SMALLEST_SHARE = 1e-4


def automatic_alpha(
    problem: Problem, *, n_neurons: int, seed: int, knots: BestKnots | None = None
) -> float:
    r"""An alpha at which a weight costs as much as it does under the BIC.

    .. math:: \alpha = \max\left(\hat L \, \frac{\log N}{N},\ 10^{-4} L_0\right) t^{-p}

    N is the number of samples that the weights are worth, whether or not their rows are
    distinct. :math:`\hat L` is the loss on held-out rows of unpenalised networks, stopped at their
    best; :math:`L_0` the loss of the constant network. For squared error
    :math:`2 \hat L` estimates the noise variance σ², and the first term is the BIC's
    σ² log(N) / 2N a weight. A weight of size t pays :math:`\alpha t^p`; t is 0.3 for
    targets of unit variance and 1 for logits. The floor asks that each weight explain a
    ten-thousandth of what there is to explain, so that large tables get small networks.

    Parameters
    ----------
    problem : Problem
        Its own alpha is not used.
    n_neurons : int
        Width of the network to come; narrower ones take its place here.
    seed : int
    knots : BestKnots or None
        Those of the problem, if it has them: they say which alpha has the least BIC.

    Returns
    -------
    float
        A positive alpha; 1 if the labels are constant, which any alpha fits.
    """
    constant = problem.loss.constant(problem.y, problem.weight)
    baseline = float(problem.weight @ problem.loss.value(problem.y, constant.expand_as(problem.y)))
    if baseline <= torch.finfo(torch.float32).tiny:
        return 1.0
    if knots is not None:
        return knots.automatic_alpha()
    held_out = min(baseline, _held_out_loss(problem, min(n_neurons, N_NEURONS), seed))
    n = problem.n_effective
    cost = max(held_out * log(max(n, 2)) / n, SMALLEST_SHARE * baseline)
    return cost / float(problem.penalty.value(np.float64(problem.loss.usual_weight)))


def _held_out_loss(problem: Problem, n_neurons: int, seed: int) -> float:
    """Least loss over the steps, on the rows that each of the folds' models has not seen."""
    n = min(problem.n_samples, MAX_ROWS)
    rows = slice(0, n)
    X1, y, weight = problem.rows.take(rows), problem.y[rows], problem.weight[rows]
    fold = torch.arange(n, device=problem.device) % min(N_FOLDS, n)
    held_out = (fold == torch.arange(min(N_FOLDS, n), device=problem.device)[:, None]) * weight
    seen = weight - held_out
    if not bool((seen.sum(dim=1) > 0).all()):
        return float("inf")
    held_out = held_out / held_out.sum(dim=1, keepdim=True)
    seen = (seen / seen.sum(dim=1, keepdim=True)).unsqueeze(2)
    generator = torch.Generator().manual_seed(seed)
    stack = Stack.random(replace(problem, alpha=0.0), n_neurons, len(held_out), generator)
    best = float("inf")
    for step in range(1, N_STEPS + 1):
        stack.step(X1, y, seen, Phase(LEARNING_RATE, None))
        if step % 10 == 0:
            loss = problem.loss.value(y, stack.forward(X1)[1])
            best = min(best, float((loss * held_out).sum(dim=1).mean()))
    return best
