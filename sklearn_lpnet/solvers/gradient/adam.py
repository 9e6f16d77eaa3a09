"""Algorithm 1 of the paper: Adam, and a reweighted soft threshold after each of its steps."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ...network.network import Network
from ...penalties.lp import LpPenalty
from ...problem.problem import Problem
from ...problem.progress import Monitor, Progress, Report
from .adam_batches import AdamBatches, Block, all_blocks
from .adam_weights import Weights, balanced_weights, random_weights, to_network

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
#: The first steps go without a threshold.
WARM_UP = 5
#: A neuron whose product v w has a norm below this is zero.
DEAD = 1e-8
#: Steps between two looks for dead neurons; each look waits for the device.
DROP_EVERY = 20
#: Reporting steps in a long run, steps between two in a short one, and reporting steps that `tol`
#: looks back on.
N_REPORTS, REPORT_EVERY, WINDOW = 100, 20, 10


def steps_a_report(n_steps: int) -> int:
    """Steps between two reporting steps of a run."""
    return max(REPORT_EVERY, n_steps // N_REPORTS)


def refuses(objective: Any) -> str | None:
    """It is an algorithm for the ℓp path norm, and knows no penalty of the affine part."""
    if objective.parametrization.skip_is_penalized:
        return (
            "skip_connection='penalized' is not available for solver='adam'; use "
            "skip_connection=True or False, or solver='proximal'."
        )
    if not isinstance(objective.penalty, LpPenalty):
        return f"solver='adam' is for the ℓp path norm, not for {objective.penalty!r}."
    return None


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
    of weights follows, reweighted by the products before the step, and the layers are balanced:

    .. math::

        u_{kj} = \operatorname{sign}(w_{kj}) \max(0, \|v_k\| |w_{kj}| - C_{kj}), \qquad
        C_{kj} = \lambda \gamma p \, (\|v_k^-\| |w_{kj}^-|)^{p-1}

    .. math::

        w_k \leftarrow u_k / \sqrt{\|u_k\|}, \qquad
        v_k \leftarrow v_k / \|v_k\| \cdot \sqrt{\|u_k\|}

    Here :math:`v^-, w^-` are the weights before the step, :math:`\lambda` is ``problem.alpha`` and
    :math:`\gamma` the learning rate. A neuron with :math:`\|u_k\| < 10^{-8}` is zero. A product
    that is zero stays zero, since its next threshold is infinite, so a dead neuron never returns
    and is dropped.

    Parameters
    ----------
    problem : Problem
        With ``alpha > 0`` and a free skip connection or none. The bias is one more coordinate of w
        if ``penalize_bias``, else it is left as Adam moves it. Adam moves the intercept and the
        skip connection, too; neither is penalized.
    n_neurons : int
        Width before training.
    max_iter : int
        Steps of Adam; on a full batch, epochs.
    tol : float
        Training ends when F has improved by less than ``tol * F`` over ten reporting steps, which
        come a hundred in a run and at least 20 iterations apart. 0 never ends early.
    learning_rate : float
        :math:`\gamma`.
    batch_size : int or None
        Rows a step, drawn without replacement; None for all of them.
    n_init : int
        Random starts, trained side by side. The lowest F wins.
    seed : int
        Seed of the random starts and of the mini-batches.
    start : Network, optional
        Start here, in balanced form, with the threshold acting from the first step on. Neurons
        that are missing to `n_neurons` are not added, and zeros stay zeros.
    monitor : callable, optional
        Called at reporting steps; True ends the training.

    Returns
    -------
    network : Network
        In the problem's units, without dead neurons.
    report : Report
        If training is interrupted, the network is that of the last reporting step; if a number
        overflows, the last finite one. ``diverged`` is set for that and for a loss that ends above
        where it began.

    Notes
    -----
    :math:`\lambda` acts after Adam has normalized the gradient, as the decay of AdamW does. So it
    is not the :math:`\lambda` of eq. 13: the networks on which the algorithm comes to rest are no
    stationary points of :math:`F = \mathrm{loss} + \lambda R_p`. F is what restarts are compared
    by nevertheless.

    For p = 1 all thresholds are equal: what is zero may return, and nothing is dropped before the
    end.
    """
    generator = torch.Generator().manual_seed(seed)
    if start is None:
        weights = random_weights(problem, n_neurons, n_init, generator)
    else:
        weights = balanced_weights(problem, start)
    networks, report = adam_stack(
        problem,
        weights,
        max_iter=max_iter,
        tol=tol,
        learning_rate=learning_rate,
        batch_size=batch_size,
        generator=generator,
        warm_up=WARM_UP if start is None else 0,
        monitor=monitor,
    )
    return min(networks, key=problem.objective), report


def adam_stack(
    problem: Problem,
    weights: Weights,
    *,
    max_iter: int,
    tol: float,
    learning_rate: float,
    batch_size: int | None,
    generator: torch.Generator,
    warm_up: int = WARM_UP,
    monitor: Monitor | None = None,
) -> tuple[list[Network], Report]:
    """Train given networks side by side by Algorithm 1 and return them all.

    Parameters
    ----------
    problem, max_iter, tol, learning_rate, batch_size, monitor
        As in `adam`. Training ends early when every model meets `tol`; the model of lowest F at a
        reporting step is the one reported.
    weights : Weights
        The M starts.
    generator : torch.Generator
        A generator on the CPU, for the mini-batches.
    warm_up : int, default=5
        Steps without a threshold.

    Returns
    -------
    networks : list of Network
        The M networks, each without its dead neurons.
    report : Report
    """
    reason = refuses(problem)
    if reason is not None:
        raise ValueError(reason)
    if not problem.alpha > 0:
        raise ValueError(f"solver='adam' needs alpha > 0, got {problem.alpha}")
    every = steps_a_report(max_iter)
    with torch.inference_mode():
        models = _Models(problem, weights, learning_rate, warm_up)
        batches = AdamBatches(problem, batch_size, generator)
        journal = _Journal(models, monitor)
        try:
            for iteration in range(1, max_iter + 1):
                models.step(batches.next(models.width))
                if iteration % every and iteration < max_iter:
                    continue
                if journal.write(iteration) or journal.at_rest(tol):
                    break
        except KeyboardInterrupt:
            journal.report.interrupted = True
        return journal.close()


class _Models:
    """M networks as one batch of tensors, with Adam's moments and the last products v w."""

    def __init__(
        self, problem: Problem, weights: Weights, learning_rate: float, warm_up: int
    ) -> None:
        self.problem, self.learning_rate, self.warm_up = problem, learning_rate, warm_up
        assert isinstance(problem.penalty, LpPenalty)
        self.p = problem.penalty.p
        self.strength = problem.alpha * learning_rate * self.p
        self.tiny = torch.finfo(problem.dtype).tiny
        # As tensors, these spare each step their conversion.
        self.beta2, self.eps = problem.y.new_tensor(BETA2), problem.y.new_tensor(EPS)
        self.n_steps = 0
        value = weights.flat()
        self._lay_out(weights, value, torch.zeros_like(value), torch.zeros_like(value))

    def step(self, blocks: Iterable[Block]) -> None:
        """One step of Adam on the rows of all blocks, then the threshold."""
        for k, block in enumerate(blocks):
            total = self.gradient.clone() if k else None
            self._differentiate(block)
            if total is not None:
                self.gradient.add_(total)
        if self.n_steps == self.warm_up:
            self.product.copy_(self.products())
        self.n_steps += 1
        self._adam()
        if self.n_steps > self.warm_up:
            self._threshold()
            if self.p < 1 and self.n_steps % DROP_EVERY == 0:
                self._drop_dead_neurons()

    def measure(self) -> tuple[Tensor, Tensor]:
        """F and the mean loss of each model over all rows; not finite if a weight is not."""
        problem = self.problem
        # No sum shows a bias of minus infinity, which turns its neuron off.
        finite = self.weights.hidden[:, :, -1].isfinite().all(dim=1)
        loss = torch.where(finite, 0.0, torch.nan).to(torch.float64)
        for block in all_blocks(problem, self.width):
            value = problem.loss.value(block.y, self._forward(block)[1])
            loss += (value @ block.weight).squeeze(1).to(torch.float64)
        path_norm = problem.penalty.value(self.products()).sum(dim=(-2, -1)).to(torch.float64)
        return loss + problem.alpha * path_norm, loss

    def products(self) -> Tensor:
        """The penalized products ‖v‖ |w| of shape (M, K, d or d + 1)."""
        return self.penalized.abs() * self._output_norms()

    def _forward(self, block: Block) -> tuple[Tensor, Tensor]:
        """Hidden activations (M, K, n) and outputs (M, n, o)."""
        hidden = torch.mm(self.rays, block.columns).relu_().view(*self.shape, block.rows.shape[0])
        affine = self.weights.affine
        if affine.shape[2]:
            constant = torch.matmul(affine, block.affine_rows.T)
            return hidden, torch.baddbmm(constant, self.weights.output.mT, hidden).mT
        return hidden, torch.bmm(self.weights.output.mT, hidden).mT

    def _differentiate(self, block: Block) -> None:
        """Write the gradient of the loss on one block into `self.gradient`."""
        hidden, f = self._forward(block)
        slope = self.problem.loss.gradient(block.y, f) * block.weight
        torch.bmm(hidden, slope, out=self.slopes.output)
        if self.slopes.affine.shape[2]:
            torch.matmul(slope.mT, block.affine_rows, out=self.slopes.affine)
        back = torch.bmm(self.weights.output, slope.mT).mul_(hidden.sign_())
        torch.mm(back.flatten(0, 1), block.rows, out=self.ray_slopes)

    def _adam(self) -> None:
        """Adam's step, with its bias corrections in the step size and in ε."""
        gradient, scale = self.gradient, math.sqrt(1 - BETA2**self.n_steps)
        self.mean.lerp_(gradient, 1 - BETA1)
        self.square.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - BETA2)
        # The gradient is no longer needed; its memory takes the denominator.
        denominator = torch.sqrt(self.square, out=gradient).add_(self.eps, alpha=scale)
        rate = self.learning_rate * scale / (1 - BETA1**self.n_steps)
        self.value.addcdiv_(self.mean, denominator, value=-rate)

    def _threshold(self) -> None:
        """Soft threshold of the products, and the layers balanced; all on magnitudes.

        A dead neuron is divided by infinity.
        """
        weights, output, size = self.penalized, self.weights.output, self.scratch
        output_norm = self._output_norms()
        torch.mul(weights, output_norm, out=size).abs_()
        size.sub_(self._reweighting(), alpha=self.strength).relu_()
        norm = torch.linalg.vector_norm(size, dim=2, keepdim=True)
        root = torch.threshold_(norm.sqrt(), math.sqrt(DEAD), math.inf)
        size.div_(root)
        torch.copysign(size, weights, out=weights)
        norm.div_(root)
        torch.mul(size, norm, out=self.product)
        if output.shape[2] == 1:
            torch.copysign(norm, output, out=output)
        else:
            output.mul_(norm.div_(output_norm.clamp_min_(self.tiny)))

    def _reweighting(self) -> Tensor:
        """Powers |v w|^(p−1) of the last products, in their place; infinite for zeros if p < 1."""
        if self.p == 1:
            return self.product.fill_(1.0)
        return self.product.pow_(self.p - 1)

    def _output_norms(self) -> Tensor:
        output = self.weights.output
        if output.shape[2] == 1:
            return output.abs()
        return torch.linalg.vector_norm(output, dim=2, keepdim=True)

    def _drop_dead_neurons(self) -> None:
        """Keep the live neurons of each model; those with fewer than another are filled up."""
        # A comparison that nan does not meet: an overflow is not a death.
        dead = (self.product == 0).all(dim=2)
        width = self.shape[1] - int(dead.sum(dim=1).min())
        if width == self.shape[1]:
            return
        kept = dead.to(torch.int8).argsort(dim=1, stable=True)[:, :width]
        product = self.product.take_along_dim(kept.unsqueeze(2), dim=1)
        weights = self.weights.select(kept)
        mean, square = (
            self.weights.views(flat).select(kept).flat() for flat in (self.mean, self.square)
        )
        self._lay_out(weights, weights.flat(), mean, square)
        self.product.copy_(product)

    def _lay_out(self, like: Weights, value: Tensor, mean: Tensor, square: Tensor) -> None:
        """Take flat tensors for weights of given shapes, and lay the views and buffers out."""
        n_features = self.problem.n_features
        n_penalized = int(self.problem.parametrization.tables(n_features).priced[1].sum())
        self.value, self.mean, self.square = value, mean, square
        self.gradient = torch.zeros_like(value)
        self.weights, self.slopes = like.views(self.value), like.views(self.gradient)
        self.shape = like.hidden.shape[:2]
        #: Neurons of all models.
        self.width = self.shape.numel()
        self.rays, self.ray_slopes = (t.hidden.flatten(0, 1) for t in (self.weights, self.slopes))
        self.penalized = self.weights.hidden[:, :, :n_penalized]
        self.product = torch.zeros_like(self.penalized, memory_format=torch.contiguous_format)
        self.scratch = torch.empty_like(self.product)


class _Journal:
    """The report of a run, and the last finite weights of each model."""

    def __init__(self, models: _Models, monitor: Monitor | None) -> None:
        self.models, self.monitor = models, monitor
        self.report = Report()
        self.saved = [models.weights.model(m) for m in range(models.shape[0])]
        self.objectives: list[Tensor] = []
        self.first_loss = self.last_loss = models.measure()[1]

    def write(self, iteration: int) -> bool:
        """Record one reporting step; True if training shall end."""
        report = self.report
        objective, loss = self.models.measure()
        finite = objective.isfinite()
        for m in finite.nonzero().flatten().tolist():
            self.saved[m] = self.models.weights.model(m)
        report.diverged |= not bool(finite.all())
        report.n_iter = iteration
        if not finite.any():
            return True
        self.objectives.append(objective)
        self.last_loss = torch.where(finite, loss, self.last_loss)
        best = int(objective.where(finite, math.inf).argmin())
        progress = self._progress(iteration, float(objective[best]), float(loss[best]), best)
        report.record(progress)
        return self.monitor is not None and self.monitor(progress)

    def at_rest(self, tol: float) -> bool:
        """Whether F of every model has improved by less than tol F over the window."""
        if tol <= 0 or len(self.objectives) <= WINDOW:
            return False
        history = torch.stack(self.objectives)
        before, now = history[:-WINDOW].amin(dim=0), history[-WINDOW:].amin(dim=0)
        self.report.converged = not bool((before - now >= tol * now).any())
        return self.report.converged

    def close(self) -> tuple[list[Network], Report]:
        """The models as networks, and the finished report."""
        problem = self.models.problem
        constant = problem.loss.constant(problem.y, problem.weight)
        constant = constant * int(problem.parametrization.fit_intercept)
        empty = Network.empty(problem.n_features, constant.cpu().numpy())
        bound = max(problem.empirical_loss(empty), float(self.first_loss.max()))
        self.report.diverged |= bool((self.last_loss > 1.01 * bound + EPS).any())
        return [to_network(problem, weights) for weights in self.saved], self.report

    def _progress(self, iteration: int, objective: float, loss: float, model: int) -> Progress:
        models = self.models
        nonzero = models.products()[model] != 0
        n_nonzero = int(nonzero.sum())
        before = self.report.history["n_nonzero_weights"]
        return Progress(
            iteration=iteration,
            objective=objective,
            loss=loss,
            n_active_neurons=int(nonzero[:, : models.problem.n_features].any(dim=1).sum()),
            n_nonzero_weights=n_nonzero,
            settled=bool(before) and n_nonzero >= 0.99 * before[-1],
            network=lambda: to_network(models.problem, self.saved[model]),
        )
