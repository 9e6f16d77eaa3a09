"""One walk along the regularization path: every alpha from a dense network to the empty one.

The data are standardised once. The walk speaks the solver's units; what it returns is in the
user's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import repeat, tee

import numpy as np
import torch

from ..network.network import Network
from ..problem.merging import Matrix, merge_rows
from ..problem.problem import Problem
from ..problem.progress import Progress, Report
from ..solvers.gradient.proximal import gone_on
from ..solvers.second_order.polish import polish
from .alpha_grid import FACTOR, steps_from, steps_through
from .outcome import Trained
from .path_steps import WORK, SecondOrder
from .results import finished, in_solver_units, progress_of
from .settings import Settings
from .single import best_knots, gradient_trained, knots_suffice, with_alpha
from .threads import threads_for

#: Where the automatic grid begins, as a share of the automatic alpha.
DENSE_END = 0.1
#: A network is fitted anew for an alpha that is further than this factor from its own.
NEAR = 1.4
#: At these multiples of the least alpha a network is also trained from random weights, with these
#: shares of the gradient steps of a single fit: on all rows, on batches.
FRESH_STARTS = ((1.0, 1.0), (4.5, 0.75), (20.0, 0.5))
FRESH_STARTS_IN_BATCHES = ((1.0, 0.5), (4.5, 0.5))
#: It has this share of the neurons of a single fit, but no fewer than so many if there are.
SHARE_OF_NEURONS, ENOUGH_NEURONS = 0.5, 50
#: Reporting steps of its training: each looks at all rows, and little depends on it.
N_REPORTS = 15
#: Gradient steps from one alpha to the next, where second-order steps are not available: for the
#: loss, or for a network as large as this one.
GRADIENT_STEPS, GRADIENT_STEPS_IF_LARGE = 50, 300
#: Weights come back from this multiple of the least alpha downwards, by steps of this factor.
GROWN_FROM, GROWN_FACTOR = 30.0, 4.0


@dataclass(frozen=True)
class Walk:
    """The networks of a path.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
    trained : tuple of Trained
        One for each alpha.
    flattest : Trained
        The best one without path norm: a constant, or affine where that is free.
    interrupted : bool
        Whether KeyboardInterrupt ended the walk early.
    """

    alphas: np.ndarray
    trained: tuple[Trained, ...]
    flattest: Trained
    interrupted: bool


@torch.inference_mode()
def walk(
    settings: Settings,
    X: Matrix,
    y: np.ndarray,
    weight: np.ndarray,
    *,
    seed: int,
    alphas: np.ndarray | None = None,
    n_alphas: int = 30,
) -> Walk:
    """Walk along increasing `alphas`, or an automatic grid of `n_alphas`.

    Every alpha gets the network of least F among all networks of the walk. So the loss never
    falls along it, and the path norm never rises.
    """
    X, y, weight = merge_rows(X, y, weight)
    scaler = settings.scaler(X, y, weight)
    problem = settings.problem(X, y, weight, scaler)
    with threads_for(settings, problem):
        walker = _Walker(settings, problem, seed)
        if alphas is None:
            lowest = DENSE_END * with_alpha(settings, problem, seed, walker.knots).alpha
            walker.ascend(steps_from(lowest))
            walker.descend(lowest)
            alphas = np.geomspace(lowest, walker.highest_alpha(lowest), n_alphas)
            ends_constant = True
        else:
            walker.ascend(steps_through(alphas))
            walker.descend(float(alphas[0]))
            ends_constant = False
        trained = [
            finished(settings, problem, scaler, found.network, X, walker.report_on(found))
            for found in (*walker.refined(alphas), walker.flattest())
        ]
    if ends_constant:
        # Rounding must not let a network win where the grid is meant to end.
        last = max(_break_even(one, trained[-1]) for one in trained)
        alphas[-1] = max(alphas[-1], last * (1 + 1e-9))
    return Walk(alphas, tuple(_envelope(trained, alphas)), trained[-1], walker.interrupted)


@torch.inference_mode()
def polished(
    settings: Settings,
    X: Matrix,
    y: np.ndarray,
    weight: np.ndarray,
    network: Network,
    *,
    alpha: float,
    report: Report,
    targets: np.ndarray | None = None,
) -> Trained:
    """A network of a walk after the moves that a walk has no time for; F does not rise.

    With `targets` it is polished for these in place of y; loss and F of the result are those of y.
    """
    if targets is not None:
        towards = polished(settings, X, targets, weight, network, alpha=alpha, report=Report())
        network, report.interrupted = towards.network, towards.report.interrupted
    X, y, weight = merge_rows(X, y, weight)
    scaler = settings.scaler(X, y, weight)
    problem = replace(settings.problem(X, y, weight, scaler), alpha=alpha)
    with threads_for(settings, problem):
        network = in_solver_units(problem, scaler, network, X)
        if targets is None and settings.polishes(problem) and len(network.used_features):
            network, report.interrupted = polish(problem, network)
        report.record(progress_of(problem, network, report.n_iter))
        return finished(settings, problem, scaler, network, X, report)


@dataclass(frozen=True)
class _Seen:
    """A network in the solver's units, the alpha that it was fitted to, its mean loss and R_p."""

    network: Network
    alpha: float
    loss: float
    path_norm: float


class _Walker:
    """The walk on one problem, and all networks that it has seen, the best constant first."""

    def __init__(self, settings: Settings, problem: Problem, seed: int) -> None:
        self.settings, self.problem, self.seed = settings, problem, seed
        self.interrupted = False
        self.reports: list[Report] = []
        self.seen: list[_Seen] = []
        self.note(self.measured(problem.constant_network(), np.inf))
        self.second_order = None
        if settings.polishes(problem):
            self.second_order = SecondOrder(problem)
        self.knots = best_knots(settings, problem)
        if settings.verbose:
            print("      alpha     objective          loss  neurons  weights")

    def at(self, alpha: float) -> Problem:
        return replace(self.problem, alpha=float(alpha))

    def ascend(self, alphas: Iterable[float]) -> None:
        """Follow one network along alphas until it is constant; fresh ones may take its place."""
        network: Network | None = None
        full = self.settings.rows_a_step(self.problem.n_samples) is None
        first, coming = None, list(FRESH_STARTS if full else FRESH_STARTS_IN_BATCHES)
        alphas, same_alphas = tee(alphas)
        best_knots = repeat(None) if self.knots is None else self.knots.networks(same_alphas)
        try:
            for alpha, from_knots in zip(alphas, best_knots, strict=False):
                first = first or alpha
                due = [of_steps for multiple, of_steps in coming if alpha >= first * multiple]
                # One too large for second-order steps waits for the next trained from scratch.
                waits = bool(coming) and network is not None and self.is_too_large(network)
                coming = coming[len(due) :]
                problem = self.at(alpha)
                candidates = self._candidates(problem, network, from_knots, due, waits)
                found = min((self.measured(one, alpha) for one in candidates), key=_objective_of)
                network = self.note(found).network
                if found.path_norm == 0 or self.interrupted:
                    return
        except KeyboardInterrupt:
            self.interrupted = True

    def descend(self, lowest: float) -> None:
        """Weights may come back on the way down to `lowest`, to the best network of each alpha."""
        if self.second_order is None or self.knots is not None or self.interrupted:
            return
        highest = min(
            GROWN_FROM * lowest, max((one.alpha for one in self.seen[1:]), default=lowest)
        )
        n_steps = int(np.ceil(np.log(highest / lowest) / np.log(GROWN_FACTOR)))
        try:
            for alpha in np.geomspace(highest, lowest, n_steps + 1):
                found = self.seen[int(_least(self.seen, np.array([alpha]))[0])]
                second_order = self.second_order_for(found.network)
                if second_order is not None:
                    grown = second_order.grown(float(alpha), found.network)
                    if grown is not found.network:
                        self.note(self.measured(grown, float(alpha)))
        except KeyboardInterrupt:
            self.interrupted = True

    def _candidates(
        self,
        problem: Problem,
        network: Network | None,
        from_knots: Network | None,
        due: list[float],
        waits: bool,
    ) -> Iterator[Network]:
        """The network of the alpha before, taken further unless it waits, and new ones."""
        if from_knots is not None and knots_suffice(self.settings, problem):
            yield from_knots
            return
        if network is not None:
            yield network if waits else self.thinned(problem, network)
        if from_knots is not None:
            # Where the affine part is free they are at a minimum already.
            yield (
                from_knots
                if problem.parametrization.skip_is_free
                else self.thinned(problem, from_knots)
            )
        for of_steps in due:
            yield self.fresh(problem, of_steps)

    def measured(self, network: Network, alpha: float) -> _Seen:
        """A network that was fitted to alpha."""
        loss, path_norm = self.problem.empirical_loss(network), self.problem.path_norm(network)
        return _Seen(network, alpha, loss, path_norm)

    def note(self, found: _Seen) -> _Seen:
        """Take note of a network."""
        if np.isfinite(found.loss):
            self.seen.append(found)
        if self.settings.verbose and np.isfinite(found.alpha):
            print(
                f"{found.alpha:11.5g}  {_objective_of(found):12.6g}  {found.loss:12.6g}  "
                f"{found.network.n_active_neurons:7d}  {self.n_weights(found):7d}",
                flush=True,
            )
        return found

    def n_weights(self, found: _Seen) -> int:
        """Number of nonzero terms of a network's path norm."""
        return self.problem.parametrization.n_weights(found.network)

    def fresh(self, problem: Problem, of_steps: float) -> Network:
        """A network from random weights, with this share of a single fit's steps."""
        n_steps = max(1, round(of_steps * self.settings.steps(problem.n_samples)))
        most = self.settings.n_neurons
        n_neurons = max(min(ENOUGH_NEURONS, most), round(SHARE_OF_NEURONS * most))
        settings = replace(self.settings, n_neurons=n_neurons)
        network, report = gradient_trained(
            settings, problem, self.seed, max_iter=n_steps, n_reports=N_REPORTS
        )
        self.reports.append(report)
        self.interrupted |= report.interrupted
        ended = report.interrupted or self.is_too_large(network)
        return network if ended else self.thinned(problem, network)

    def thinned(self, problem: Problem, network: Network) -> Network:
        """The network after steps that fit it to the alpha of `problem`; F does not rise."""
        second_order = self.second_order_for(network)
        if second_order is None:
            network = self.trained_further(problem, network)
            second_order = self.second_order_for(network)
        if second_order is not None and len(network.used_features):
            network = second_order.thinned(problem.alpha, network)
        return network

    def stepped(self, found: _Seen, alpha: float) -> _Seen | None:
        """A network after a Newton step for alpha; None where such steps are not for it."""
        second_order = self.second_order_for(found.network)
        if second_order is None or self.interrupted:
            return None
        return self.note(self.measured(second_order.stepped(alpha, found.network), alpha))

    def second_order_for(self, network: Network) -> SecondOrder | None:
        """Second-order steps, if there are any, and for a network of this size."""
        return None if self.is_too_large(network) else self.second_order

    def is_too_large(self, network: Network) -> bool:
        """Whether there are second-order steps, but not for a network of this size."""
        return self.second_order is not None and self.second_order.work(network) > WORK

    def trained_further(self, problem: Problem, network: Network) -> Network:
        """The network after gradient steps; F does not rise."""
        settings, n_samples = self.settings, problem.n_samples
        network, interrupted = gone_on(
            problem,
            network,
            n_steps=GRADIENT_STEPS if self.second_order is None else GRADIENT_STEPS_IF_LARGE,
            learning_rate=settings.rate(n_samples),
            batch_size=settings.rows_a_step(n_samples),
            seed=self.seed,
        )
        self.interrupted |= interrupted
        return network

    def highest_alpha(self, lowest: float) -> float:
        """The least alpha at which no network seen, nor one near it, beats the constant.

        Of a network f that is alpha = (L(c) − L(f)) / R(f). At this alpha some steps lower F
        below that of the constant c, which raises alpha: Dinkelbach's iteration.
        """
        constant = self.flattest()

        def break_even(found: _Seen) -> float:
            return _break_even(found, constant)

        best = max(self.seen, key=break_even)
        alpha = break_even(best)
        for _ in range(5 if alpha > 0 else 0):
            better = max(self.improved(best, alpha), key=break_even, default=best)
            if not break_even(better) > alpha * (1 + 1e-6):
                break
            best, alpha = better, break_even(better)
        return max(alpha, lowest * FACTOR)

    def improved(self, found: _Seen, alpha: float) -> list[_Seen]:
        """Networks near one for alpha: after a Newton step, and from there with other weights."""
        near = self.stepped(found, alpha)
        second_order = self.second_order_for(found.network)
        if near is None or second_order is None:
            return []
        others = [
            change(alpha, near.network) for change in (second_order.thinned, second_order.grown)
        ]
        return [near, *(self.note(self.measured(other, alpha)) for other in others)]

    def flattest(self) -> _Seen:
        """The best network without path norm: a constant, or affine where that is free."""
        return min((one for one in self.seen if one.path_norm == 0), key=lambda one: one.loss)

    def refined(self, alphas: np.ndarray) -> Iterator[_Seen]:
        """The best networks seen for the alphas, after a Newton step if fitted to another one."""
        for alpha, i in zip(alphas, _least(self.seen, alphas), strict=True):
            found = self.seen[i]
            fitted = found.path_norm == 0 or 1 / NEAR < found.alpha / alpha < NEAR
            if not fitted:
                self.stepped(found, alpha)
        best = np.unique(_least(self.seen, alphas))
        return (self.seen[i] for i in best)

    def report_on(self, found: _Seen) -> Report:
        """The report of the first training, with the network itself as its last entry."""
        first = self.reports[0] if self.reports else Report()
        report = Report(
            n_iter=sum(report.n_iter for report in self.reports),
            converged=True,
            interrupted=self.interrupted,
            history={name: list(column) for name, column in first.history.items()},
        )
        report.record(
            Progress(
                iteration=report.n_iter,
                objective=found.loss + min(found.alpha, 1e300) * found.path_norm,
                loss=found.loss,
                n_active_neurons=found.network.n_active_neurons,
                n_nonzero_weights=self.n_weights(found),
                settled=True,
                network=lambda: found.network,
            )
        )
        return report


def _objective_of(found: _Seen) -> float:
    """F of a network at the alpha that it was fitted to."""
    return found.loss + found.alpha * found.path_norm


def _break_even(found: _Seen | Trained, constant: _Seen | Trained) -> float:
    """The alpha at which F of a network is that of the constant."""
    if not found.path_norm > 0:
        return 0.0
    return (constant.loss - found.loss) / found.path_norm


def _envelope(trained: list[Trained], alphas: np.ndarray) -> Iterator[Trained]:
    """For every alpha the network of least F."""
    for alpha, i in zip(alphas, _least(trained, alphas), strict=True):
        one = trained[i]
        yield replace(one, alpha=float(alpha), objective=one.loss + float(alpha) * one.path_norm)


def _least(candidates: list[_Seen] | list[Trained], alphas: np.ndarray) -> np.ndarray:
    """Index of the least L + alpha R for increasing alphas, with R that never rises."""
    loss = np.array([one.loss for one in candidates])
    path_norm = np.array([one.path_norm for one in candidates])
    order = np.lexsort((loss, path_norm))
    # Of networks with more path norm, only those with less loss than all before.
    lowest = np.minimum.accumulate(np.append(np.inf, loss[order]))[:-1]
    order = order[loss[order] < lowest]
    objective = loss[order] + np.multiply.outer(alphas, path_norm[order])
    return order[np.minimum.accumulate(objective.argmin(axis=1))]
