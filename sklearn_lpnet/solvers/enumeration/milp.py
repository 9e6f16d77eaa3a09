"""Sparsest interpolants of tiny data sets, by mixed-integer programming over all patterns."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import OptimizeResult

from ...network.network import Network
from ...network.parametrization import Parametrization
from ..interpolation.points import distinct_points
from .pattern_program import PatternProgram
from .patterns import activation_patterns
from .square import square_interpolants

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

#: Most data that the program over all patterns is written for.
MAX_POINTS, MAX_FEATURES = 12, 3
#: A network interpolates if it misses no label by more than this share of their spread.
_MAX_ERROR = 1e-9
#: Coefficients in scaled units beyond which HiGHS, whose tolerance is 1e-6, decides nothing.
_MAX_LIMIT = 1e5
#: Seconds that HiGHS is given at first. It cannot be interrupted, and starts anew each time.
_FIRST_RUN = 2.0
#: Starts of the heuristic, and steps of each.
_STARTS, _STEPS = 4, 6
#: Status of scipy.optimize.milp.
_INFEASIBLE = 2


@dataclass(frozen=True, eq=False)
class SparsestInterpolant:
    """The sparsest interpolant that was found, and what is proven of it.

    Attributes
    ----------
    network : Network
        It misses no label by more than 1e-9 of the spread of the labels.
    n_nonzero : int
        Number of its weights: the path norm for p = 0.
    n_parameters : int
        Number of its parameters: the weights and the free ones.
    count : {"weights", "parameters"}
        Which of the two is minimized.
    lower_bound : int
        No interpolant has a lower count, among the networks in question.
    proven : bool
        Whether no network in question has a lower count than this one.
    max_coefficient : ndarray of shape (n_features,)
        The networks in question have no greater :math:`|\\theta_{kj}|` and :math:`|A_j|`, in the
        units of X and y.
    general_position : bool
        Whether the bound takes it for granted that the labels are in general position.
    n_patterns : int
        Number of activation patterns of a neuron on the data.
    """

    network: Network
    n_nonzero: int
    n_parameters: int
    count: str
    lower_bound: int
    proven: bool
    max_coefficient: FloatArray
    general_position: bool
    n_patterns: int

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(n_nonzero={self.n_nonzero}, n_parameters={self.n_parameters}, "
            f"count={self.count!r}, lower_bound={self.lower_bound}, proven={self.proven}, "
            f"n_active_neurons={self.network.n_active_neurons}, n_patterns={self.n_patterns})"
        )


def sparsest_interpolant_milp(
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    count: str = "weights",
    penalize_bias: bool = False,
    fit_intercept: bool = True,
    skip_connection: bool | str = False,
    max_neurons: int | None = None,
    max_coefficient: float | None = None,
    general_position: bool = False,
    time_limit: float | None = None,
) -> SparsestInterpolant:
    r"""Find an interpolating network with the fewest nonzero weights, or parameters.

    The program has all activation patterns, at most 12 points and 3 features, and so compares all
    networks whatever their width. It takes seconds for 8 points and 2 features; the proof takes
    longer, unless `general_position` is taken for granted.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features) or (n_samples,)
        Inputs. Rows that occur more than once count once.
    y : array-like of shape (n_samples,)
        Targets.
    count : {"weights", "parameters"}, default="weights"
        What is minimized: the number of weights, which is the path norm for p = 0, or that of
        weights and free parameters, of which every interpolant of N points in general position
        has N at least. With ``penalize_bias=True`` and without a free skip connection the two
        differ by the intercept at most.
    penalize_bias : bool, default=False
        Whether nonzero biases are weights. Else the bias of each neuron is a free parameter.
    fit_intercept : bool, default=True
        Whether there is an intercept, a free parameter.
    skip_connection : bool or "penalized", default=False
        Whether there is an affine skip connection, and whether its nonzero entries are weights.
        True makes them free parameters.
    max_neurons : int, default=None
        Most neurons that the network may have; None for any number.
    max_coefficient : float, default=None
        Bound on :math:`|\theta_{kj}|` and :math:`|A_j|`, in units in which each feature and y
        deviate from their midpoint by 1 at most (from 0 for features with
        ``penalize_bias=True``, and for all without an intercept). None stands for 10, or 4 times
        the steepest slope between two points if that is more; then it bounds the networks that
        the result is compared with, but not the result.
    general_position : bool, default=False
        Whether to take for granted what holds with probability one for labels drawn from a
        density: that N points take N parameters. The search ends when a network has no more.
    time_limit : float, default=None
        Seconds after which the search ends.

    Returns
    -------
    SparsestInterpolant
        A record with the ``network``, its counts, and whether they are ``proven`` least. When
        time runs out, or after a KeyboardInterrupt, it holds the best network so far.

    See Also
    --------
    sklearn_lpnet.theory.certificate : Bounds for fitted networks of any size.

    Notes
    -----
    By Lemma 4.1 of the paper one neuron of each sign and pattern is enough: those of a second one
    can be added to it. Let :math:`D_k` select the samples of pattern k, and
    :math:`\tilde X = [X\ 1]`. With :math:`u_k^\pm = (\theta, \beta)` of the two neurons, the
    program is

    .. math::

        \min \sum_j z_j \quad \text{s.t.} \quad
        \sum_k D_k \tilde X (u_k^+ - u_k^-) + X A + c = y, \quad
        (2 D_k - I) \tilde X u_k^\pm \ge 0, \quad
        |\theta_j|, |A_j| \le M z_j, \quad z_j \in \{0, 1\}.

    Biases need no such bound: unless a pattern is constant, its inequalities leave :math:`\theta =
    0` no bias but 0. What M means for the result: it is optimal among networks whose coefficients
    do not exceed M, and `max_coefficient` says how large that is. A sparsest interpolant exists
    whose coefficients are ratios of determinants of the data, so there is an M beyond which
    nothing changes, but no bound on it is of use in floating-point arithmetic. For one feature
    and a free affine part the default is such an M: sparsest interpolants exist with all slopes
    between the least and the greatest slope of neighbouring points (Theorem 3.1).

    It starts with an enumeration of the interpolants that have N parameters, each the solution of
    N linear equations, and with reweighted linear programs.

    HiGHS treats 1e-6 as zero. So whatever it finds is solved again as a linear program on the
    support found; where that has no solution, a constraint excludes the support.

    HiGHS cannot be interrupted: it runs for 2 s, then for twice as long, and so on, and a
    KeyboardInterrupt takes effect between two runs.

    Examples
    --------
    >>> from sklearn_lpnet.theory import sparsest_interpolant_milp
    >>> x, y = [-2, -1, 0, 1, 2, 3], [0, 0, 1, 1, 0, 0]
    >>> result = sparsest_interpolant_milp(x, y, skip_connection=True)
    >>> result.n_nonzero, result.proven
    (3, True)
    >>> result.network.evaluate([[-2.0], [0.0], [3.0]]).ravel().round(12) + 0.0
    array([0., 1., 0.])
    """
    parametrization = _parametrization(count, penalize_bias, fit_intercept, skip_connection)
    _check_limits(max_neurons, max_coefficient, time_limit)
    points, targets = distinct_points(X, y)
    if len(targets) > MAX_POINTS or points.shape[1] > MAX_FEATURES:
        raise ValueError(
            f"X has {len(targets)} distinct rows and {points.shape[1]} features; the program over "
            f"all activation patterns is written for {MAX_POINTS} rows and {MAX_FEATURES} features "
            "at most. Use alpha=0 in LpReLURegressor."
        )
    data = _Data.of(points, targets, parametrization)
    limit = data.default_limit(points) if max_coefficient is None else float(max_coefficient)
    patterns = activation_patterns(points)
    program = PatternProgram.of(
        data.X,
        data.y,
        patterns,
        parametrization=parametrization,
        count=count,
        limit=limit,
        max_neurons=max_neurons,
    )
    fewest = (
        parametrization.fewest_weights if count == "weights" else parametrization.fewest_parameters
    )
    search = _Search(
        program,
        parametrization,
        count,
        floor=fewest(*points.shape) if general_position else 0,
        largest=np.inf if max_coefficient is None else limit,
    )
    search.run(time_limit)
    if search.network is None:
        raise ValueError(
            f"No interpolant with max_neurons={max_neurons} and coefficients up to {limit:g} in "
            f"scaled units {'exists' if search.proven else 'was found in time'}. Increase "
            "max_neurons, max_coefficient or time_limit."
        )
    network = data.network(search.network)
    return SparsestInterpolant(
        network=network,
        n_nonzero=parametrization.n_weights(network),
        n_parameters=parametrization.n_parameters(network),
        count=count,
        lower_bound=search.lower_bound,
        proven=search.proven,
        max_coefficient=limit * data.y_scale / data.x_scale,
        general_position=general_position,
        n_patterns=len(patterns),
    )


@dataclass(frozen=True, eq=False)
class _Data:
    """The points in units in which everything is about 1.

    Attributes
    ----------
    X : ndarray of shape (n_points, n_features)
    y : ndarray of shape (n_points,)
    x_mean, x_scale : ndarray of shape (n_features,)
    y_mean, y_scale : float
    """

    X: FloatArray
    y: FloatArray
    x_mean: FloatArray
    x_scale: FloatArray
    y_mean: float
    y_scale: float

    @classmethod
    def of(cls, points: FloatArray, targets: FloatArray, parametrization: Parametrization) -> _Data:
        # A shift of X would change which biases are zero, or call for an intercept.
        shift_x = parametrization.allows_shift
        x_mean = _midrange(points) if shift_x else np.zeros(points.shape[1])
        y_mean = float(_midrange(targets)) if parametrization.fit_intercept else 0.0
        x_scale = np.abs(points - x_mean).max(axis=0)
        y_scale = float(np.abs(targets - y_mean).max())
        x_scale = np.where(x_scale > 0, x_scale, 1.0)
        y_scale = y_scale if y_scale > 0 else 1.0
        return cls(
            (points - x_mean) / x_scale,
            (targets - y_mean) / y_scale,
            x_mean,
            x_scale,
            y_mean,
            y_scale,
        )

    def default_limit(self, points: FloatArray) -> float:
        """Bound on coefficients: 10, or 4 times the steepest slope between two points."""
        i, j = np.triu_indices(len(self.y), 1)
        distance = np.abs(self.X[i] - self.X[j]).max(axis=1)
        with np.errstate(divide="ignore", over="ignore"):
            slope = np.where(self.y[i] == self.y[j], 0, np.abs(self.y[i] - self.y[j]) / distance)
        limit = max(10.0, 4 * float(slope.max(initial=0.0)))
        if limit <= _MAX_LIMIT:
            return limit
        worst = int(slope.argmax())
        first, second = points[i[worst]], points[j[worst]]
        raise ValueError(
            f"X has the points {first.tolist()} and {second.tolist()}, so close for their labels "
            "that the coefficients between them are beyond the precision of the solver. Merge "
            "them, or set max_coefficient to do without such coefficients."
        )

    def network(self, scaled: Network) -> Network:
        """The network in the user's units."""
        return scaled.fold_scaling(self.x_mean, self.x_scale, self.y_mean, self.y_scale)


class _Search:
    """The best network so far, and what is proven."""

    def __init__(
        self,
        program: PatternProgram,
        parametrization: Parametrization,
        count: str,
        *,
        floor: int,
        largest: float,
    ) -> None:
        self.program = program
        self._count = (
            parametrization.n_weights if count == "weights" else parametrization.n_parameters
        )
        self.network: Network | None = None
        self.count = program.constant + int(program.cost.sum()) + 1
        self.lower_bound = max(floor, program.constant)
        self._cuts: list[IndexArray] = []
        self._unsure = False
        self._largest = largest

    @property
    def proven(self) -> bool:
        """Whether there is nothing better."""
        return self.lower_bound >= self.count

    def run(self, time_limit: float | None) -> None:
        """Search until there is a proof, time runs out, or someone interrupts."""
        deadline = time.monotonic() + (np.inf if time_limit is None else time_limit)
        try:
            self._enumerate(deadline)
            self._start(deadline)
            self._improve(deadline)
        except KeyboardInterrupt:
            if self.network is None:
                raise

    def _enumerate(self, deadline: float) -> None:
        """Interpolants with as many parameters as points, the fewest for most labels."""
        for u in square_interpolants(self.program, deadline):
            self._offer(u)
            if self.proven:
                return

    def _start(self, deadline: float) -> None:
        """Reweighted linear programs over all columns, from random weights."""
        program, rng = self.program, np.random.default_rng(0)
        everything = np.ones(len(program.switch), dtype=bool)
        for start in range(_STARTS):
            weight = rng.uniform(0.1, 1, len(everything)) if start else np.ones(len(everything))
            for step in range(_STEPS):
                if self.proven or (self.network is not None and time.monotonic() > deadline):
                    return
                u, _ = program.least_l1(np.where(program.counted, weight, 0.0), everything)
                if u is None:
                    return
                self._offer(u)
                weight = 1 / (np.abs(u) + 10.0 ** -(1 + step))
                weight /= weight.max()

    def _improve(self, deadline: float) -> None:
        """Runs of HiGHS, each with what the ones before have shown."""
        seconds = _FIRST_RUN
        while not self.proven and (left := deadline - time.monotonic()) > 0:
            # No upper bound on the count: HiGHS finds little without a first solution of its own.
            found = self.program.solve(self.lower_bound, self._cuts, min(seconds, left))
            self._raise_bound(found)
            progress = found.x is not None and self._solve_on(
                found.x[: len(self.program.cost)] > 0.5
            )
            if not progress:
                seconds *= 2

    def _raise_bound(self, found: OptimizeResult) -> None:
        """Take over what HiGHS has shown, unless supports were excluded without proof."""
        if self._unsure:
            return
        if found.status == _INFEASIBLE:
            self.lower_bound = self.count
        elif found.mip_dual_bound is not None and np.isfinite(found.mip_dual_bound):
            bound = math.ceil(found.mip_dual_bound - 1e-6) + self.program.constant
            self.lower_bound = max(self.lower_bound, min(bound, self.count))

    def _solve_on(self, on: BoolArray) -> bool:
        """Solve accurately with the switches that are on, or exclude them; whether it is news."""
        weight = self.program.counted.astype(np.float64)
        u, infeasible = self.program.least_l1(weight, self.program.usable(on))
        if u is not None and self._interpolates(u):
            return self._offer(u)
        self._cuts.append(np.flatnonzero(~on))
        self._unsure |= not infeasible
        return True

    def _offer(self, u: FloatArray) -> bool:
        """Take the network if it interpolates and is better."""
        network = self.program.network(u)
        count, allowed = self._count(network), self.program.max_neurons
        if count >= self.count or not self._interpolates(u):
            return False
        if allowed is not None and len(network.balanced()[1]) > allowed:
            return False
        if np.abs(network.theta).max(initial=0.0) > self._largest * (1 + _MAX_ERROR):
            return False
        self.network, self.count = network, count
        return True

    def _interpolates(self, u: FloatArray) -> bool:
        outputs = self.program.network(u).evaluate(self.program.X)[:, 0]
        return bool(np.abs(outputs - self.program.y).max() <= _MAX_ERROR)


def _parametrization(
    count: Any, penalize_bias: Any, fit_intercept: Any, skip_connection: Any
) -> Parametrization:
    if count not in ("weights", "parameters"):
        raise ValueError(f"count must be 'weights' or 'parameters', got {count!r}.")
    for name, value in (("penalize_bias", penalize_bias), ("fit_intercept", fit_intercept)):
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"{name} must be True or False, got {value!r}.")
    if not (skip_connection == "penalized" or isinstance(skip_connection, bool | np.bool_)):
        raise ValueError(
            f"skip_connection must be True, False or 'penalized', got {skip_connection!r}."
        )
    return Parametrization.asked_for(
        skip_connection,
        penalize_bias=penalize_bias,
        fit_intercept=fit_intercept,
        automatic="none",
        trains_affine_neuron=False,
    )[0]


def _check_limits(max_neurons: Any, max_coefficient: Any, time_limit: Any) -> None:
    if max_neurons is not None and not (
        isinstance(max_neurons, Integral) and int(max_neurons) >= 0
    ):
        raise ValueError(
            f"max_neurons must be a whole number from 0 on or None, got {max_neurons!r}."
        )
    for name, value, most in (
        ("max_coefficient", max_coefficient, _MAX_LIMIT),
        ("time_limit", time_limit, np.inf),
    ):
        if value is not None and not (isinstance(value, Real) and 0 < float(value) <= most):
            raise ValueError(f"{name} must be a number above 0 and up to {most:g}, got {value!r}.")


def _midrange(values: FloatArray) -> Any:
    lowest = values.min(axis=0)
    return lowest + (values.max(axis=0) - lowest) / 2
