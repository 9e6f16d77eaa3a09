"""Proximal Adam in path coordinates: the default solver for alpha > 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...network.network import Network
from ...problem.problem import Problem
from ...problem.progress import Monitor, Progress, Report
from .batches import Batches
from .schedule import Schedule
from .stack import TINY, Stack

#: From this ε on, few weights are still about to go.
EPS_SETTLED = 1e-3
#: Iterations between two looks at dead neurons.
COMPACT_EVERY = 20
#: Reporting steps in a run of many iterations, unless it is told otherwise.
N_REPORTS = 50
#: A run to the end has converged if F still moves by less than this many times tol.
LAST_TOL = 10


def refuses(objective: Any) -> None:
    """It takes every loss, penalty and parametrization."""


def steps_a_report(n_steps: int, n_reports: int = N_REPORTS) -> int:
    """Steps between two reporting steps of a run."""
    return max(1, n_steps // n_reports)


def proximal(
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
    n_reports: int = N_REPORTS,
) -> tuple[Network, Report]:
    r"""Minimise F by Adam with a reweighted soft threshold in Adam's own metric.

    .. math::
        \theta \leftarrow S(\theta - \eta m,\ \eta c), \qquad
        c = \alpha p (|\theta| + \varepsilon_t)^{p-1}, \qquad
        \eta = \gamma / (\sqrt v + \epsilon)

    with S the soft threshold and m, v Adam's moments of the gradient of the loss alone.
    The threshold carries the step's own η, so a fixed point is a stationary point of F
    (eq. 13) at ε_t. The first twentieth of the iterations knows no penalty; then, until nine
    tenths of them are over, ε_t falls geometrically from 0.1 to 1e-4; the rest converges
    there while the learning rate goes to zero.

    Parameters
    ----------
    problem : Problem
        With ``alpha > 0``.
    n_neurons : int
        Width before training.
    max_iter : int
        Gradient steps. More steps anneal more slowly and end with a lower F.
    tol : float
        Training ends when, at the final ε, F has fallen by less than ``tol`` times
        itself between two reporting steps. 0 never ends early.
    learning_rate : float
        γ.
    batch_size : int or None
        Rows a step; None for all of them.
    n_init : int
        Random starts, trained side by side. The lowest F wins.
    seed : int
    start : Network, optional
        Start here, without the phase that knows no penalty, and with ε from 1e-2 on.
        Neurons that are missing to `n_neurons` are not added.
    monitor : callable, optional
        Called at reporting steps; True ends the training.
    n_reports : int, default=50
        Reporting steps of a run to the end, each of which looks at all rows.

    Returns
    -------
    network : Network
        In the problem's units, float64, dead neurons folded away.
    report : Report
    """
    generator = torch.Generator().manual_seed(seed)
    if start is None:
        stack = Stack.random(problem, n_neurons, n_init, generator)
        schedule = Schedule.cold(max_iter, learning_rate)
    else:
        stack = Stack.from_network(problem, start)
        schedule = Schedule.warm(max_iter, learning_rate)
    batches = Batches(problem, batch_size, generator)
    report = Report()
    try:
        _train(stack, schedule, batches, tol, monitor, report, n_reports)
    except KeyboardInterrupt:
        report.interrupted = True
    return stack.best_network(report), report


def gone_on(
    problem: Problem,
    network: Network,
    *,
    n_steps: int,
    learning_rate: float,
    batch_size: int | None,
    seed: int,
) -> tuple[Network, bool]:
    """Gradient steps from a network; F does not rise.

    Parameters
    ----------
    problem : Problem
    network : Network
        In the problem's units.
    n_steps : int
    learning_rate, batch_size, seed
        As in `proximal`.

    Returns
    -------
    network : Network
        The better one of what was given and what the steps have led to.
    interrupted : bool
        Whether KeyboardInterrupt ended the steps early.
    """
    found, report = proximal(
        problem,
        n_neurons=network.n_neurons,
        max_iter=n_steps,
        tol=0.0,
        learning_rate=learning_rate,
        batch_size=batch_size,
        n_init=1,
        seed=seed,
        start=network,
        n_reports=1,
    )
    return min(network, found, key=problem.objective), report.interrupted


def proximal_partial(
    problem: Problem,
    state: dict[str, Any] | None,
    *,
    n_neurons: int,
    learning_rate: float,
    seed: int,
    start: Network | None = None,
    batch_size: int = 200,
) -> tuple[Network, dict[str, Any]]:
    """One pass over the rows of `problem`, resuming from `state`.

    The schedule counts the steps of all passes: no penalty over the first `PASSES_WARM`, ε
    falling until `PASSES_SETTLED`, then ε = 1e-4 and a constant learning rate.

    Parameters
    ----------
    problem : Problem
        The rows of this pass.
    state : dict or None
        What the pass before returned; None starts anew.
    n_neurons, learning_rate, seed
        As in `proximal`.
    start : Network, optional
        Where to start anew, with the schedule at its end; by default from random weights.
    batch_size : int, default=200
        Rows a step.

    Returns
    -------
    network : Network
    state : dict of ndarray
        Holds NumPy arrays and integers only.
    """
    schedule = Schedule.passes(learning_rate)
    if state is not None:
        stack = Stack.resume(problem, state)
    elif start is not None:
        stack = Stack.from_network(problem, start)
        stack.steps = schedule.settled_from
    else:
        stack = Stack.random(problem, n_neurons, 1, torch.Generator().manual_seed(seed))
    step = max(1, min(batch_size, problem.n_samples))
    for low in range(0, problem.n_samples, step):
        rows = torch.arange(low, min(low + step, problem.n_samples), device=problem.device)
        weight = problem.weight[rows, None]
        phase = schedule.at(min(stack.steps, schedule.settled_from))
        stack.step(problem.rows.take(rows), problem.y[rows], weight / weight.sum(), phase)
    stack.compact()
    return stack.network(0), stack.state()


def _train(
    stack: Stack,
    schedule: Schedule,
    batches: Batches,
    tol: float,
    monitor: Monitor | None,
    report: Report,
    n_reports: int,
) -> None:
    """Run the schedule; stop early at a fixed point, on request, or on divergence."""
    report_every = steps_a_report(schedule.n_iter, n_reports)
    previous = torch.inf
    for iteration in range(schedule.n_iter):
        phase = schedule.at(iteration)
        stack.step(*batches.next(), phase)
        report.n_iter = iteration + 1
        if phase.eps is not None and report.n_iter % COMPACT_EVERY == 0:
            stack.compact()
        if report.n_iter % report_every and report.n_iter < schedule.n_iter:
            continue
        settled = phase.eps is not None and phase.eps <= EPS_SETTLED
        progress = _progress(stack, report.n_iter, settled)
        report.record(progress)
        if not np.isfinite(progress.objective):
            report.diverged = True
            return
        change = abs(previous - progress.objective) / max(abs(progress.objective), TINY)
        at_end = iteration >= schedule.settled_from
        report.converged = at_end and change <= LAST_TOL * tol
        if at_end and change <= tol and tol > 0:
            return
        previous = progress.objective if at_end else torch.inf
        if monitor is not None and monitor(progress):
            return


def _progress(stack: Stack, iteration: int, settled: bool) -> Progress:
    objective, loss = stack.objective()
    best = int(objective.nan_to_num(nan=torch.inf).argmin())
    weights, bias = stack.neurons[best, :, :-1] != 0, stack.neurons[best, :, -1]
    active, columns = weights.any(dim=1), (stack.affine[best, :, :-1] != 0).any(dim=0)
    parts = stack.problem.parametrization.penalized(
        weights, (bias > 0) | (active & (bias != 0)), columns
    )
    return Progress(
        iteration=iteration,
        objective=float(objective[best]),
        loss=float(loss[best]),
        n_active_neurons=int(active.sum()),
        n_nonzero_weights=sum(int(part.sum()) for part in parts),
        settled=settled,
        network=lambda: stack.network(best),
    )
