"""What labels would seem to say that have nothing to do with the features, and what to make of it.

A network that the null explains gives way to the constant or to a linear function.
"""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import torch
from torch import Tensor

from ..network.network import Network
from ..penalties.lp import LpPenalty
from ..problem.problem import Problem
from ..solvers.second_order.point import Point
from ..solvers.second_order.polish import polish
from ..solvers.second_order.search import Search
from .automatic_alpha import SMALLEST_SHARE

#: Share of draws of the null in which nothing is found by chance: see docs/experiments.md.
LEVEL = 0.975
#: Draws of the null; rows and features that it looks at, at most; knots a feature.
N_DRAWS, MOST_ROWS, MOST_FEATURES, N_KNOTS = 100, 2000, 1000, 16
#: An exponent at which the path norm counts, and what a neuron pays for its searched knot.
COUNTING, KNOT = 1e-3, 1.0
#: A neuron that costs so much is never taken.
NO_NEURON = 1e9
#: Rounds in which the price follows what is left to explain, and the fall that asks for another.
MOST_ROUNDS, FALL = 6, 0.8
#: Share of the samples that the noise is estimated from, at least.
LEAST_FREEDOM = 0.1
#: Entries of a block of regressors.
BLOCK = 20_000_000


def beyond_the_null(problem: Problem, network: Network, seed: int) -> Network:
    r"""The network, or the constant or linear function that it is not significantly better than.

    A weight has to lower the loss by the unit price

    .. math:: u = \max(Q, L_0 \log N / N) \cdot s

    and a neuron by one unit more, for its knot is searched for. :math:`L_0` is the loss of the
    constant and s the share of it that is left to explain. Q is the `LEVEL` quantile, over labels
    in random order, of the most that one regressor explains: a feature, or at its price of two
    units a hinge on one. So by construction labels that have nothing to do with the features get
    the constant in all but few draws. The price is first that of the constant, s = 1, and falls as
    linear functions leave less to explain. If the network of least loss and price has a neuron at
    any of these prices the given one stays as it is; else the linear function takes its place,
    with the shrinkage of the problem's own penalty. For classes only a constant does.

    Parameters
    ----------
    problem : Problem
        With a smooth loss; one for which `tells_the_null` is true.
    network : Network
        In the problem's units.
    seed : int

    Returns
    -------
    Network
        In the problem's units.

    Raises
    ------
    KeyboardInterrupt
        If polish was interrupted.
    """
    constant = problem.constant_network()
    baseline = problem.empirical_loss(constant)
    if not len(network.used_features) or baseline <= torch.finfo(torch.float32).tiny:
        return network
    n, share, flat = max(problem.n_effective, 2.0), 1.0, constant
    # Without a penalty a linear function may separate classes: then it says too much.
    rounds = 1 if problem.loss.classifies else MOST_ROUNDS
    unit = max(null_quantile(problem, seed), baseline * log(n) / n)
    for _ in range(rounds):
        price = max(unit * share, SMALLEST_SHARE * baseline)
        linear = replace(problem, alpha=price, penalty=LpPenalty(COUNTING, NO_NEURON))
        counting = replace(linear, penalty=LpPenalty(COUNTING, KNOT))
        if not problem.loss.classifies:
            flat = min(_polished(linear, flat), constant, key=counting.objective)
        better = min(network, flat, key=counting.objective)
        if better.n_active_neurons or (better is network and problem.loss.classifies):
            return network
        flat = min(network, _polished(counting, network), flat, key=counting.objective)
        if flat.n_active_neurons:
            return network
        # With as many features as samples nothing is left, and little is known of the noise.
        freedom = max(1 - len(flat.used_features) / n, LEAST_FREEDOM)
        left = problem.empirical_loss(flat) / baseline / freedom
        if left > FALL * share:
            break
        share = left
    if problem.loss.classifies and len(flat.used_features):
        return network
    return _shrunk(problem, flat)


def tells_the_null(problem: Problem) -> bool:
    """Whether there is a linear function to take a network's place, and not too much to look at."""
    return problem.parametrization.turns_neurons and problem.n_features <= MOST_FEATURES


def null_quantile(problem: Problem, seed: int, level: float = LEVEL) -> float:
    """Quantile of what one unit's worth of weights explains of labels in random order.

    It is that of the Gumbel distribution with the mean and the deviation of the draws.
    """
    linear, bent = null_gains(problem, seed)
    gains = np.maximum(linear, bent / (1 + KNOT))
    scale = float(gains.std()) * 6**0.5 / np.pi
    return float(gains.mean()) - scale * (np.euler_gamma + log(-log(level)))


def null_gains(problem: Problem, seed: int) -> tuple[np.ndarray, np.ndarray]:
    r"""By how much one regressor lowers the loss of the constant, for labels in random order.

    With z the gradients at the constant over the roots of their mean curvatures, a regressor r
    lowers the quadratic model of the loss by :math:`\sum_o \mathrm{cov}(z_o, r)^2 / 2
    \mathrm{var}(r)`.

    Returns
    -------
    linear, bent : ndarray of shape (n_draws,)
        The most by a feature, and by a hinge on one, whose knots are at quantiles.
    """
    n = min(problem.n_samples, MOST_ROWS)
    # A few thousand rows: on the host, whatever the device of training.
    X = problem.rows.take(slice(0, n))[:, :-1].cpu().to(torch.float64)
    generator = torch.Generator().manual_seed(seed)
    z = _whitened_gradients(problem).cpu()
    draws = torch.stack(
        [z[torch.randperm(len(z), generator=generator)[:n]] for _ in range(N_DRAWS)], dim=2
    )
    weight = problem.weight[:n].cpu().to(torch.float64)
    weight = weight / weight.sum()
    draws = draws - (weight[:, None, None] * draws).sum(dim=0)
    weighted = (draws * weight[:, None, None]).reshape(n, -1)
    level = torch.linspace(0, 1, N_KNOTS + 2, dtype=torch.float64)[1:-1]
    linear, bent = torch.zeros(2, N_DRAWS, dtype=torch.float64)
    step = max(1, BLOCK // (n * 2 * N_KNOTS))
    for low in range(0, X.shape[1], step):
        block = X[:, low : low + step]
        distance = block[:, None, :] - torch.quantile(block, level, dim=0)
        hinges = torch.cat([distance.relu(), (-distance).relu()], dim=1).reshape(n, -1)
        hinges = hinges[:, (hinges != 0).sum(dim=0) >= 2]
        linear = torch.maximum(linear, _most_explained(block, weighted, weight))
        bent = torch.maximum(bent, _most_explained(hinges, weighted, weight))
    # Labels of so many samples vary less than those of the rows that are shuffled here, which may
    # be a part of them, or stand for several samples each.
    share = 1 / (problem.n_effective * float(weight.square().sum()))
    return (share * linear).numpy(), (share * bent).numpy()


def _most_explained(regressors: Tensor, weighted: Tensor, weight: Tensor) -> Tensor:
    """The most that one of the regressors explains, for each draw."""
    centred = regressors - weight @ regressors
    variance = weight @ centred.square()
    varies = variance > 1e-10 * variance.max().clamp(min=1e-300) if len(variance) else variance > 0
    if not bool(varies.any()):
        return weighted.new_zeros(N_DRAWS)
    covariance = (centred[:, varies].T @ weighted).reshape(int(varies.sum()), -1, N_DRAWS)
    return (covariance.square().sum(dim=1) / (2 * variance[varies, None])).amax(dim=0)


def _whitened_gradients(problem: Problem) -> Tensor:
    """Gradients at the best constant over the roots of their mean curvatures."""
    y, weight = problem.y.to(torch.float64), problem.weight.to(torch.float64)
    constant = problem.loss.constant(y, weight).expand_as(y)
    curvature = weight @ problem.loss.curvature_terms(y, constant)[0]
    return problem.loss.gradient(y, constant) / curvature.clamp(min=1e-12).sqrt()


def _polished(problem: Problem, network: Network) -> Network:
    """The network after polish, which is not to keep an interrupt to itself."""
    network, interrupted = polish(problem, network)
    if interrupted:
        raise KeyboardInterrupt
    return network


def _shrunk(problem: Problem, network: Network) -> Network:
    """Newton steps on the problem's own objective, on the weights that a network has."""
    if not len(network.used_features):
        return problem.constant_network()
    point = Point.of(problem, network)
    with torch.inference_mode():
        return Search(problem, best=point).newton(point, 20).network()
