"""Interpolation by a network of least path norm: linear programs, then fewer parameters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ...losses.regression import SquaredError
from ...network.network import Network
from ...network.parametrization import Parametrization
from ...penalties.lp import LpPenalty
from ...problem.problem import Problem
from ...problem.progress import Monitor, Progress, Report
from ...problem.units import Standardizer
from ..gradient.proximal import proximal
from ..second_order.polish import polish
from ..splines.univariate import univariate
from .cell_lp import descend
from .cells import FloatArray, Patterned, Setting
from .elimination import eliminate, perturb

#: Training of a start: its alpha, for labels of unit variance, its steps and learning rate.
START_ALPHA, START_STEPS, START_RATE = 1e-4, 400, 0.02
#: Its width: enough for this many weights a sample, but not fewer neurons than that.
_WEIGHTS_A_SAMPLE, _LEAST_WIDTH = 4, 20
#: Most samples for which patterns of neurons are searched, rather than one direction taken.
MAX_SAMPLES = 2000
#: Perturbations in a row that bring nothing before the next start.
PATIENCE = 100
#: Candidates to go from a perturbed network before the next perturbation.
_CANDIDATES = 40
#: Share of the time for a start that its linear programs may take.
_LP_SHARE = 0.5
#: A perturbed network is one to go on from if its path norm is less than this many times the best.
_TOLERATED_NORM = 3.0


def refuses(objective: Any) -> str | None:
    """It is for the ℓp path norm, p = 0 included."""
    if objective.penalty is None or isinstance(objective.penalty, LpPenalty):
        return None
    return f"solver='vertex' is for the ℓp path norm, not for {objective.penalty!r}."


def vertex(
    X: FloatArray,
    y: FloatArray,
    parametrization: Parametrization,
    *,
    p: float,
    n_neurons: int,
    n_init: int,
    seed: int,
    time_limit: float,
    start: Network | None = None,
    monitor: Monitor | None = None,
) -> tuple[Network, Report]:
    r"""Interpolate by a network of few parameters and small path norm.

    Solves, to a local minimum,

    .. math:: \min R_p \quad \text{subject to} \quad f(x_i) = y_i \ \text{for every}\ i.

    A network trained with a small alpha gives activation patterns to begin with. Reweighted
    linear programs (:func:`~.cell_lp.descend`) walk from cell to cell to a local minimum of the
    path norm. It has a parameter for each sample, and one more for each sample that lies on a
    kink. So the network then moves along curves of interpolants, through one cell after the
    other, until a weight is zero (:func:`~.elimination.eliminate`), again and again. Where no
    weight can go, a few are added, and other ones go. When there are as many parameters as
    samples the search ends: no network with fewer interpolates labels in general position.
    Some labels of few samples need more, such as those of the exclusive or. So it ends as well
    when as many starts in a row as there are samples have brought nothing.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Distinct rows.
    y : ndarray of shape (n_samples,)
        Labels.
    parametrization : Parametrization
        What a network has, and what it pays for.
    p : float
        Exponent, 0 <= p <= 1; for p = 0 the path norm counts.
    n_neurons : int
        Width of the networks whose training gives the first patterns.
    n_init : int
        Starts that the time is divided between. Each ends early if it is stuck, and new ones
        follow while there is time.
    seed : int
    time_limit : float
        Seconds. The first interpolant is found whatever the limit.
    start : Network, optional
        The patterns for the first start.
    monitor : callable, optional
        Called at each improvement; True ends the search.

    Returns
    -------
    network : Network
        One with no more parameters than samples, where one is found; else the one of least path
        norm, as always for p = 1. In the units of X and y.
    report : Report
        ``converged`` says whether there are no more parameters than labels in general position
        need: one for each sample, or the next number that there are networks with.
    """
    begin = time.perf_counter()
    units, setting = _in_own_units(X, y, parametrization, p)
    search = _Search(setting, parametrization, monitor)
    try:
        search.consider(_along_a_line(parametrization, setting))
        starts = _starts(parametrization, setting, n_neurons, seed, start)
        rng = np.random.default_rng(seed)
        in_vain = 0
        while setting.n_samples <= MAX_SAMPLES and search.goes_on(begin + time_limit):
            before = search.rank
            _from_start(search, next(starts), begin, time_limit, n_init, rng)
            in_vain = 0 if search.rank < before else in_vain + 1
            if in_vain >= max(setting.n_samples, n_init):
                break
    except KeyboardInterrupt:
        search.report.interrupted = True
        if search.best is None:
            search.consider(_along_a_line(parametrization, setting))
    assert search.best is not None
    search.report.converged = search.n_parameters(search.best) <= search.goal
    return units.to_user(search.best), search.report


@dataclass
class _Search:
    """The best interpolant so far."""

    setting: Setting
    parametrization: Parametrization
    monitor: Monitor | None
    best: Network | None = None
    rank: tuple[bool, float] = (True, np.inf)
    report: Report = field(default_factory=Report)
    stopped: bool = False

    @cached_property
    def goal(self) -> int:
        """Number of parameters that labels in general position need."""
        n_features = self.setting.X1.shape[1] - 1
        return self.parametrization.fewest_parameters(self.setting.n_samples, n_features)

    def goes_on(self, deadline: float) -> bool:
        """Whether something is left to be done, and time to do it."""
        return not self.stopped and time.perf_counter() < deadline

    def consider(self, network: Patterned | Network) -> bool:
        """Whether a network is better than the best, which it then becomes."""
        self.report.n_iter += 1
        error = 0.0
        if isinstance(network, Patterned):
            if not network.interpolates:
                return False
            error, network = network.error, network.to_network()
        norm = _path_norm(self.setting, network)
        sparsest = self.setting.p < 1 and self.n_parameters(network) <= self.goal
        rank = not sparsest, norm
        if self.best is not None and rank >= (self.rank[0], self.rank[1] * (1 - 1e-9)):
            return False
        self.best, self.rank = network, rank
        progress = Progress(
            iteration=self.report.n_iter,
            objective=norm,
            loss=0.5 * error**2,
            n_active_neurons=network.n_active_neurons,
            n_nonzero_weights=self.parametrization.n_weights(network),
            settled=True,
            network=lambda: network,
        )
        self.report.record(progress)
        if self.monitor is not None:
            self.stopped |= self.monitor(progress)
        self.stopped |= sparsest
        return True

    def n_parameters(self, network: Network) -> int:
        """Weights and free parameters."""
        return self.parametrization.n_parameters(network)


def _from_start(
    search: _Search,
    network: Patterned,
    begin: float,
    time_limit: float,
    n_init: int,
    rng: np.random.Generator,
) -> None:
    """Search from one start, until the goal, its share of the time, or patience is at an end."""
    now = time.perf_counter()
    deadline = min(begin + time_limit, now + time_limit / n_init)
    for solved in descend(network, now + _LP_SHARE * (deadline - now)):
        network = solved
        search.consider(solved.tidy())
    current = network.tidy().corrected()
    if current is None:
        return
    search.consider(current)
    goal = search.goal
    current = eliminate(current, goal, deadline)
    search.consider(current)
    waited, least = 0, current.rank
    while search.goes_on(deadline) and waited < PATIENCE:
        perturbed = perturb(current, rng)
        changed = eliminate(perturbed, goal, deadline, max_candidates=_CANDIDATES)
        improved = changed.rank < least
        waited = 0 if improved else waited + 1
        least = min(least, changed.rank)
        search.consider(changed)
        tolerated = changed.path_norm <= _TOLERATED_NORM * current.path_norm
        if improved or (changed.rank[0] <= current.rank[0] and tolerated):
            current = changed


def _in_own_units(
    X: FloatArray, y: FloatArray, parametrization: Parametrization, p: float
) -> tuple[Standardizer, Setting]:
    """The data centred and scaled as far as the problem stays the same, and the prices for it."""
    units = Standardizer.fit(
        X,
        y[:, None],
        np.ones(len(y)),
        center_x=parametrization.allows_shift,
        center_y=parametrization.fit_intercept,
        scale_y=True,
    )
    d = X.shape[1]
    price = np.ones((2, d + 1))
    # A weight of θ in these units is one of θ / x_scale, but for a factor that all have.
    price[:, :-1] = (units.x_scale / np.exp(np.log(units.x_scale).mean())) ** -p
    price[:, -1] = np.exp(np.log(units.x_scale).mean()) ** p
    priced, allowed, removable = parametrization.tables(d)
    price = np.where(priced, price, 0.0)
    X1 = np.column_stack([(X - units.x_mean) / units.x_scale, np.ones(len(y))])
    return units, Setting(X1, units.labels(y[:, None])[:, 0], price, allowed, removable, p)


def _starts(
    parametrization: Parametrization,
    setting: Setting,
    n_neurons: int,
    seed: int,
    start: Network | None,
) -> Iterator[Patterned]:
    """The affine part alone, then a given network, then trained ones without end."""
    if setting.allowed[0].any():
        yield Patterned.of(setting, np.ones(1), np.zeros((1, setting.X1.shape[1])))
    if start is not None:
        yield Patterned.from_network(setting, start).tidy()
    d = setting.X1.shape[1] - 1
    training = Problem.create(
        setting.X1[:, :-1],
        setting.y[:, None],
        np.ones(setting.n_samples),
        scaler=Standardizer.identity(d, 1),
        device=torch.device("cpu"),
        dtype=torch.float64,
        loss=SquaredError(),
        penalty=LpPenalty(max(setting.p, 0.3)),
        alpha=START_ALPHA,
        parametrization=parametrization,
    )
    width = max(_LEAST_WIDTH, _WEIGHTS_A_SAMPLE * setting.n_samples // (d + 1))
    seeds = np.random.default_rng(seed)
    while True:
        trained, report = proximal(
            training,
            n_neurons=min(n_neurons, width),
            max_iter=START_STEPS,
            tol=0.0,
            learning_rate=START_RATE,
            batch_size=None,
            n_init=1,
            seed=int(seeds.integers(2**31)),
        )
        network = Patterned.from_network(setting, trained).tidy()
        if network.n_parameters < setting.n_samples and not report.interrupted:
            # Fewer parameters than samples do: the labels follow some network.
            trained, report.interrupted = polish(training, trained)
            network = Patterned.from_network(setting, trained).tidy()
        if report.interrupted:
            # Training keeps an interrupt to itself.
            raise KeyboardInterrupt
        if len(network.table) == 1:
            network = _random_patterns(setting, min(n_neurons, width), seeds)
        yield network


def _random_patterns(setting: Setting, width: int, rng: np.random.Generator) -> Patterned:
    """Neurons with kinks among the data, for data on which training lost all of its neurons."""
    normal = rng.standard_normal((width, setting.X1.shape[1] - 1))
    rows = rng.integers(setting.n_samples, size=(width, 2))
    middle = setting.X1[rows, :-1].mean(axis=1)
    neurons = np.column_stack([normal, -np.sum(normal * middle, axis=1)])
    affine = np.zeros((1, setting.X1.shape[1]))
    sign = np.append(1.0, rng.choice([-1.0, 1.0], size=width))
    return Patterned.of(setting, sign, np.vstack([affine, neurons])).tidy()


def _along_a_line(parametrization: Parametrization, setting: Setting) -> Network:
    """An interpolant that varies along one direction: it is there for all data."""
    line = _line(setting.X1[:, :-1])
    t = setting.X1[:, :-1] @ line
    y = setting.y
    if parametrization.turns_neurons:
        network = univariate(t, y, min(max(setting.p, 0.0), 1.0)).to_network()
        return replace(network, theta=network.theta * line, skip=network.skip * line)
    order = np.argsort(t)
    t, y = t[order], y[order]
    intercept = y[0] if parametrization.fit_intercept else 0.0
    # Before the first sample, a neuron rises to its label.
    gap = np.diff(t).max(initial=0.0) or 1.0
    slopes = np.diff(y - intercept, prepend=0.0) / np.diff(t, prepend=t[0] - gap)
    knots = np.append(t[0] - gap, t[:-1])
    changes = np.diff(slopes, prepend=0.0)
    needed = changes != 0
    changes, knots = changes[needed], knots[needed]
    size = np.abs(changes)
    return Network(
        direction=np.sign(changes)[:, None],
        theta=size[:, None] * line,
        bias=-size * knots,
        intercept=np.array([intercept]),
        skip=np.zeros((1, len(line))),
    )


def _line(X: FloatArray) -> FloatArray:
    """The feature whose values are farthest apart; a dense direction where all have ties."""
    if len(X) == 1:
        return np.eye(X.shape[1])[0]
    gaps = np.diff(np.sort(X, axis=0), axis=0).min(axis=0)
    best = int(gaps.argmax())
    if gaps[best] > 1e-9:
        return np.eye(X.shape[1])[best]
    rng = np.random.default_rng(0)
    lines = rng.standard_normal((20, X.shape[1]))
    lines = np.vstack([lines, np.eye(X.shape[1])[best]])
    gaps = np.diff(np.sort(X @ lines.T, axis=0), axis=0).min(axis=0)
    return lines[gaps.argmax()]


def _path_norm(setting: Setting, network: Network) -> float:
    """As `Patterned.path_norm`, without the patterns, for which there may be too many samples."""
    affine = np.append(network.skip[0], network.intercept)
    return setting.path_norm(np.vstack([affine, np.column_stack([network.theta, network.bias])]))
