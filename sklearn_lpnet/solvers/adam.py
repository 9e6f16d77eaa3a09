"""Algorithm 1 of the paper: Adam, and a reweighted soft threshold after each of its steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..network import Network
from ..problem import Monitor, Problem, Progress, Report

#: Adam's own constants.
_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8

#: The first Adam steps go without a threshold.
_WARM_UP = 5

#: A neuron whose product v w has a norm below this is zero.
_DEAD = 1e-8

#: Steps between two looks for dead neurons; each look waits for the device.
_DROP_EVERY = 20

#: Reporting steps in a training run, and in the window that `tol` looks back on.
_N_REPORTS, _WINDOW = 100, 10


def adam(
    problem: Problem,
    *,
    n_neurons: int,
    max_iter: int,
    tol: float,
    learning_rate: float,
    batch_size: int | None,
    n_init: int,
    seed: int,
    start: Network | None = None,
    monitor: Monitor | None = None,
) -> tuple[Network, Report]:
    r"""Train by Algorithm 1 of the paper, as published.

    Adam takes a step on the loss alone. From its sixth step on, a soft threshold of the products
    follows, reweighted by the products before the step, and the neuron is balanced:

    .. math::

        u_{kj} = \operatorname{sign}(\|v_k\| w_{kj})
                 \max(0, \|v_k\| |w_{kj}| - C_{kj}), \qquad
        C_{kj} = \lambda \gamma p \, (\|v_k^-\| |w_{kj}^-|)^{p-1}

    .. math::

        \|v_k\| = \sqrt{\|u_k\|_2}, \qquad |w_{kj}| = |u_{kj}| / \sqrt{\|u_k\|_2}

    Here :math:`v^-, w^-` are the weights before the step, :math:`\lambda` is ``problem.alpha`` and
    :math:`\gamma` the learning rate; directions of v and signs of w stay as Adam left them. A
    neuron whose :math:`\|u_k\|_2` is below 1e-8 is zero. A product that is zero stays zero, since
    its next threshold is infinite, so a dead neuron never returns: it is dropped.

    Parameters
    ----------
    problem : Problem
        The data, loss and penalty. The bias is one more coordinate of w if
        ``problem.penalize_bias``, else it is left as Adam moves it. An intercept and a free skip
        connection are moved by Adam and not penalized.
    n_neurons : int
        Neurons of a random network before training.
    max_iter : int
        Passes over the data. On a full batch, each is one step of Adam.
    tol : float
        Stop when the objective F has improved by less than ``tol * F`` over the last tenth of
        ``max_iter``; 0 never stops.
    learning_rate : float
        Adam's learning rate :math:`\gamma`.
    batch_size : int or None
        Rows in a mini-batch, which is drawn without replacement; None takes all rows at once.
    n_init : int
        Random networks trained side by side, as one batch of tensors; the one of lowest F wins.
    seed : int
        Seed of the initial weights and of the mini-batches.
    start : Network, default=None
        A network to go on from, in balanced form, its zeros left zeros. It takes the place of the
        random ones, and the threshold acts from the first step on.
    monitor : callable, default=None
        Called with a :class:`~sklearn_lpnet.problem.Progress` at a hundred reporting steps; True
        ends the training.

    Returns
    -------
    network : Network
        The network of lowest F, without its dead neurons.
    report : Report
        How the training went. After a KeyboardInterrupt the network is the one of the last
        reporting step; if numbers overflow, the last finite one, and ``diverged`` is set.

    Notes
    -----
    :math:`\lambda` acts after Adam has normalized the gradient, as the decay of AdamW does. So it
    is not the :math:`\lambda` of eq. 13: the fixed points are no stationary points of
    :math:`F = \mathrm{loss} + \lambda R_p`, and a change of units in y changes what a
    :math:`\lambda` means. F is still what networks are compared by.

    At p = 1 the threshold is the same for all products, so a single weight of a neuron may
    return from zero; a dead neuron may not.
    """
    generator = torch.Generator().manual_seed(seed)
    if start is None:
        weights = random_weights(problem, n_neurons, n_init, generator)
    else:
        weights = _balanced_weights(problem, start)
    networks, report = adam_stack(
        problem,
        weights,
        max_iter=max_iter,
        tol=tol,
        learning_rate=learning_rate,
        batch_size=batch_size,
        generator=generator,
        warm_up=_WARM_UP if start is None else 0,
        monitor=monitor,
    )
    return min(networks, key=problem.objective), report


@dataclass(frozen=True)
class Weights:
    """Weights of M networks of K neurons each.

    Attributes
    ----------
    hidden : tensor of shape (M, K, d + 1)
        Input weights w, with the bias b as the last column.
    output : tensor of shape (M, K, o)
        Output weights v.
    affine : tensor of shape (M, o, q)
        Skip connection and intercept, as far as the problem has them.
    """

    hidden: Tensor
    output: Tensor
    affine: Tensor

    @classmethod
    def stack(cls, models: Sequence[Weights]) -> Weights:
        """Put networks of one shape side by side along the model axis."""
        columns = zip(*((m.hidden, m.output, m.affine) for m in models), strict=True)
        return cls(*(torch.cat(column) for column in columns))


def random_weights(
    problem: Problem, n_neurons: int, n_models: int, generator: torch.Generator
) -> Weights:
    """Draw networks from the default distribution of `torch.nn.Linear`, in both layers.

    Parameters
    ----------
    problem : Problem
        Gives the shapes, the device and the type. Its loss gives the best constant, from which the
        intercept starts; a skip connection starts from zero.
    n_neurons, n_models : int
        K and M.
    generator : torch.Generator
        A generator of the CPU. Numbers are drawn in float32, so that they are the same on every
        device and for every type.

    Returns
    -------
    Weights
        Each model's w, b and v in the order in which two `torch.nn.Linear` would draw them.
    """
    d, o = problem.n_features, problem.n_outputs

    def uniform(fan_in: int, *shape: int) -> Tensor:
        bound = 1 / math.sqrt(max(fan_in, 1))
        return torch.empty(shape).uniform_(-bound, bound, generator=generator)

    def model() -> Weights:
        w, b = uniform(d, n_neurons, d), uniform(d, n_neurons, 1)
        hidden, output = torch.cat([w, b], dim=1), uniform(n_neurons, o, n_neurons).T
        return Weights(hidden.to(problem.y)[None], output.to(problem.y)[None], affine)

    constant = problem.loss.constant(problem.y, problem.weight)
    affine = torch.cat([problem.y.new_zeros(o, d), constant[:, None]], dim=1)
    affine = affine[None, :, _affine_columns(problem)]
    return Weights.stack([model() for _ in range(n_models)])


def adam_stack(
    problem: Problem,
    weights: Weights,
    *,
    max_iter: int,
    tol: float,
    learning_rate: float,
    batch_size: int | None,
    generator: torch.Generator,
    warm_up: int = _WARM_UP,
    monitor: Monitor | None = None,
) -> tuple[list[Network], Report]:
    """Train given networks side by side by Algorithm 1, and keep all of them.

    Parameters
    ----------
    problem, max_iter, tol, learning_rate, batch_size, monitor
        As in :func:`adam`. The training stops early when `tol` is met by every model; what is
        reported is the model of lowest F at that step.
    weights : Weights
        The initial weights of the M models.
    generator : torch.Generator
        A generator of the CPU, for the mini-batches.
    warm_up : int, default=5
        Adam steps without a threshold.

    Returns
    -------
    networks : list of Network
        The M networks, each without its dead neurons.
    report : Report
        As in :func:`adam`.
    """
    if problem.skip == "penalized":
        raise ValueError(
            "solver='adam' trains a skip connection without a penalty or none: set "
            "skip_connection=True or False, or solver='proximal'"
        )
    if not problem.alpha > 0:
        raise ValueError(f"solver='adam' needs alpha > 0, got {problem.alpha}")
    with torch.inference_mode():
        training = _Training(problem, weights, learning_rate, warm_up)
        batches = _Batches(problem, batch_size, generator)
        journal = _Journal(problem, training, monitor)
        every = max(1, max_iter // _N_REPORTS)
        try:
            for iteration in range(1, max_iter + 1):
                for blocks in batches.epoch(training.n_neurons_in_all):
                    training.step(blocks)
                if iteration % every == 0 or iteration == max_iter:
                    stop = journal.write(iteration)
                    if stop or journal.settle(tol):
                        break
        except KeyboardInterrupt:
            journal.report.interrupted = True
    return journal.networks(), journal.report


class _Training:
    """Algorithm 1 on M models at once."""

    def __init__(
        self, problem: Problem, weights: Weights, learning_rate: float, warm_up: int
    ) -> None:
        self.problem, self.learning_rate, self.warm_up = problem, learning_rate, warm_up
        self.strength = problem.alpha * learning_rate * problem.penalty.p
        self.n_penalized = problem.n_features + int(problem.penalize_bias)
        self.n_steps = 0
        zeros = _like(weights, torch.zeros_like)
        self._lay_out(weights, zeros, zeros)

    @property
    def n_neurons_in_all(self) -> int:
        """Neurons of all models together."""
        return self.rays.shape[0]

    def step(self, blocks: Sequence[_Block]) -> None:
        """One step of Adam on the rows of all blocks, and the threshold."""
        self._gradient(blocks[0])
        if len(blocks) > 1:
            total = self.gradient.clone()
            for block in blocks[1:]:
                self._gradient(block)
                total += self.gradient
            self.gradient.copy_(total)
        self._adam()
        if self.n_steps >= self.warm_up:
            self._threshold()
            if self.n_steps % _DROP_EVERY == 0:
                self._drop_dead_neurons()
        if self.n_steps + 1 >= self.warm_up:
            pass
        self.n_steps += 1
