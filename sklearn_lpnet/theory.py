"""The theory of least path norms made computable: exact univariate solutions, p* and bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .certificates import Certificate, certificate
from .points import distinct_points
from .solvers.milp import SparsestInterpolant, sparsest_interpolant_milp
from .solvers.univariate import (
    BoolArray,
    Curvature,
    FloatArray,
    Interpolant,
    fewest_blocks,
    least_cost_blocks,
    odd_places,
    one_single_costs,
    running_least,
    univariate,
)

__all__ = [
    "Certificate",
    "CriticalExponent",
    "MinimizerBreakpoints",
    "SparsestInterpolant",
    "SparsityBounds",
    "certificate",
    "critical_p",
    "min_path_norm_interpolant",
    "minimizer_breakpoints",
    "sparsest_interpolant_milp",
    "sparsity_bounds",
]

IndexArray = npt.NDArray[np.intp]

_EPS = float(np.finfo(np.float64).eps)
#: Two exponents closer than this are one.
_RESOLUTION = 4 * _EPS
#: And two breakpoints closer than this, from runs that are alike but for rounding.
_SAME = 1e-12
#: Costs that agree to this share cannot be told apart, after the rounding of their sums.
_TIE = 64 * _EPS
#: Curvatures that are worked on at once.
_CHUNK = 2**20


def min_path_norm_interpolant(x: npt.ArrayLike, y: npt.ArrayLike, p: float) -> Interpolant:
    r"""Interpolate data of one feature by the function of least path norm.

    .. math::

        \min \sum_k |\delta_k|^p \quad \text{over all} \quad
        f(x) = c + s x + \sum_k \delta_k \max(0, x - \tau_k)
        \quad \text{with} \quad f(x_i) = y_i

    is the univariate problem of eq. 2. Its global minimum is computed exactly, in O(N) operations
    after sorting: :func:`~sklearn_lpnet.solvers.univariate.univariate` says how.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        Data, in any order. Points that occur more than once count once.
    p : float
        Exponent, 0 <= p <= 1; p = 0 asks for the fewest knots.

    Returns
    -------
    Interpolant
        A record with ``knots``, ``slope_changes``, ``slope`` and ``intercept`` left of all knots,
        ``cost`` and ``n_knots``. Call it to evaluate the function.

    See Also
    --------
    critical_p : Below which p the minimisers have the fewest knots.
    minimizer_breakpoints : Where the minimiser changes with p.

    Examples
    --------
    >>> from sklearn_lpnet.theory import min_path_norm_interpolant
    >>> f = min_path_norm_interpolant([-2, -1, 0, 1, 2, 3], [0, 0, 1, 1, 0, 0], p=0.4)
    >>> f.knots.tolist(), f.slope_changes.tolist(), f.slope, f.intercept
    ([-1.0, 0.5, 2.0], [1.0, -2.0, 1.0], 0.0, 0.0)
    >>> f.cost
    3.319507910772894
    >>> f(0.5)
    array(1.5)
    """
    return univariate(x, y, p)


@dataclass(frozen=True)
class CriticalExponent:
    """The critical exponent of a data set.

    Attributes
    ----------
    p : float
        For every exponent below it all minimisers have the fewest knots. The lower end of the
        bracket.
    bracket : tuple of float
        Bounds on the critical exponent, equal where it is 1 for certain.
    """

    p: float
    bracket: tuple[float, float]


def critical_p(x: npt.ArrayLike, y: npt.ArrayLike) -> CriticalExponent:
    r"""Compute the critical exponent p* of data of one feature (Theorem 3.2).

    p* is the largest number in (0, 1] such that for 0 < p < p* every interpolant of least path
    norm is one with the fewest knots. On a run of curvatures of one sign let B(p) be the least
    cost among the ways to cut it into the fewest blocks, and C(p) that among all others. p* is the
    first root of C - B in (0, 1] over all runs, for C - B is at least 1 at p = 0.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        Data, in any order.

    Returns
    -------
    CriticalExponent
        A record with ``p`` and ``bracket``.

    Notes
    -----
    The search goes up from p = 0 in steps :math:`[p_0, p_1]` without a root, and so skips none.
    Let π be a best way to cut a run into the fewest blocks at :math:`p_0`, ρ any other with more
    blocks, and D(p) the cost of ρ less that of π. Scaled so that no block exceeds 1, the costs
    :math:`t^p` have second derivatives between :math:`t^{p_1} \log^2 t` and
    :math:`t^{p_0} \log^2 t`. So D lies above its chord less

    .. math::

        \frac{(p - p_0) (p_1 - p)}{2} W, \qquad
        W = \sum_{t \in \rho \setminus \pi} t^{p_0} \log^2 t
        - \sum_{t \in \pi \setminus \rho} t^{p_1} \log^2 t,

    and has no root between if :math:`D(p_0)`, :math:`D(p_1)` and
    :math:`D(p_1) - (p_1 - p_0)^2 W / 2` are positive. Their minima over all ρ are the same
    recurrence with other costs. For :math:`p_1 = 1`, where D vanishes, it is
    :math:`D(p_0) - (1 - p_0)^2 W / 2` that has to be positive. Numbers count as positive if they
    exceed the rounding error of their sums.

    Examples
    --------
    >>> from sklearn_lpnet.theory import critical_p
    >>> result = critical_p([0, 1, 2, 3, 4, 5], [0, 0, 0.01, 1.02, 3.03, 5.05])
    >>> round(result.p, 6), result.bracket[1] - result.bracket[0] < 1e-12
    (0.180717, True)
    >>> critical_p([0, 1, 2, 3], [0, 1, 0, 1])
    CriticalExponent(p=1.0, bracket=(1.0, 1.0))
    """
    runs = _Runs.of(Curvature.of(x, y))
    low, step = 0.0, 1 / 8
    while len(runs.begin):
        step = min(step, (1 - low) / 2)
        if step < _RESOLUTION:
            return CriticalExponent(low, (low, runs.first_denser(low)))
        if np.all(runs.sparsest_between(low, low + step)):
            low, step = low + step, 2 * step
            runs = runs.take(np.flatnonzero(~runs.sparsest_from(low)))
        else:
            step /= 2
    return CriticalExponent(1.0, (1.0, 1.0))


@dataclass(frozen=True, eq=False)
class MinimizerBreakpoints:
    """The minimisers for all exponents.

    Attributes
    ----------
    p : ndarray of shape (n_breakpoints,)
        The exponents, ascending within (0, 1), at which the minimiser changes.
    interpolants : tuple of Interpolant
        The minimisers on the ``n_breakpoints + 1`` intervals of (0, 1) that these cut. The ``p``
        and ``cost`` of each are those of its interval's midpoint.
    """

    p: FloatArray
    interpolants: tuple[Interpolant, ...]

    def __repr__(self) -> str:
        knots = [interpolant.n_knots for interpolant in self.interpolants]
        short = np.array2string(self.p, precision=6, threshold=6, edgeitems=2, separator=", ")
        return f"{type(self).__name__}(p={short}, n_knots={_shortened(knots)})"


def minimizer_breakpoints(
    x: npt.ArrayLike, y: npt.ArrayLike, *, rtol: float = 1e-10
) -> MinimizerBreakpoints:
    r"""Find the exponents at which the interpolant of least path norm changes.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        Data, in any order.
    rtol : float, default=1e-10
        Changes there and back are missed if they lower the cost of a run by less than this share
        of it. The time grows like ``rtol ** (-1 / 3)`` at worst, for data with several ways to
        interpolate that cost almost the same for all p.

    Returns
    -------
    MinimizerBreakpoints
        A record with the breakpoints ``p`` and the ``interpolants`` between them.

    Notes
    -----
    Every run is treated by itself: (0, 1) is halved, and the halves again, until it is shown for
    each part, by the bound in the notes to :func:`critical_p`, that what is best at its left end is
    best throughout. Parts where the two ends differ are halved down to the resolution of
    floating-point numbers. The breakpoint is then the root of the difference of two costs.

    At p = 1 itself, where every way to cut the runs is a minimiser, there is no breakpoint.
    Changes between functions whose costs are equal for all p do not count.

    Examples
    --------
    >>> from sklearn_lpnet.theory import minimizer_breakpoints
    >>> result = minimizer_breakpoints([0, 1, 2, 3, 4, 5], [0, 0, 0.01, 1.02, 3.03, 5.05])
    >>> result
    MinimizerBreakpoints(p=[0.180717], n_knots=[2, 3])
    >>> [f.knots.round(3).tolist() for f in result.interpolants]
    [[1.99, 3.01], [1.0, 2.5, 4.0]]
    """
    if not 0 < rtol < 1:
        raise ValueError(f"rtol must lie between 0 and 1, got {rtol!r}; 1e-10 is the default.")
    p = np.sort(_Runs.of(Curvature.of(x, y)).breakpoints(rtol))
    p = p[np.append(True, np.diff(p) > _SAME)[: len(p)]]
    ends = np.concatenate([[0.0], p, [1.0]])
    middles = (ends[1:] + ends[:-1]) / 2
    return MinimizerBreakpoints(p, tuple(univariate(x, y, float(q)) for q in middles))


@dataclass(frozen=True, eq=False)
class SparsityBounds:
    """Bounds on the interpolants of least path norm, for 0 < p < 1.

    The last four are None for more than one feature.

    Attributes
    ----------
    n_points : int
        Number N of distinct points.
    max_neurons : int
        Most active neurons without an affine part: N (Proposition 4.1).
    max_neurons_beside_affine : int
        Most active neurons beside a free affine part; N - 2 for one feature (Corollary 3.1.1).
    x : ndarray of shape (n_points,) or None
        The distinct points in ascending order.
    slopes : ndarray of shape (n_points - 1, 2) or None
        Least and greatest slope on the interval between each two neighbours (Theorem 3.1).
    lipschitz : float or None
        The Lipschitz constant.
    knots : tuple of int or None
        Fewest and most knots.
    """

    n_points: int
    max_neurons: int
    max_neurons_beside_affine: int
    x: FloatArray | None = None
    slopes: FloatArray | None = None
    lipschitz: float | None = None
    knots: tuple[int, int] | None = None

    def __repr__(self) -> str:
        text = (
            f"n_points={self.n_points}, max_neurons={self.max_neurons}, "
            f"max_neurons_beside_affine={self.max_neurons_beside_affine}"
        )
        if self.knots is not None:
            text += f", knots={self.knots}, lipschitz={self.lipschitz:.6g}"
        return f"{type(self).__name__}({text})"


def sparsity_bounds(X: npt.ArrayLike, y: npt.ArrayLike) -> SparsityBounds:
    r"""Compute what theory says in advance about interpolants of least path norm.

    The bounds hold for every global minimiser, whatever 0 < p < 1.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features) or (n_samples,)
        Inputs; one-dimensional for a single feature.
    y : array-like of shape (n_samples,)
        Targets.

    Returns
    -------
    SparsityBounds
        A record with one number, or one array of numbers, for each bound.

    Notes
    -----
    *Active neurons* (Proposition 4.1). Let :math:`z_k` be the outputs of the active neurons on the
    N points. Rescaling the neurons by :math:`r_k \ge 0` keeps an interpolant as long as
    :math:`\sum_k r_k z_k = y`, and costs :math:`\sum_k r_k^p \|\theta_k\|_p^p`. This is strictly
    concave in r, so r = 1 can be a minimiser only as an extreme point of the polyhedron of these r:
    only if the :math:`z_k` are linearly independent. So there are at most N. Beside a free affine
    part the same is true of what remains of the :math:`z_k` modulo affine functions, a space of
    dimension N less the rank of the matrix [1 X]. With one feature that is N - 2 (Corollary 3.1.1).

    *Slopes* (Theorem 3.1), for one feature. Let :math:`s_i` be the slope from :math:`x_i` to
    :math:`x_{i+1}`. Where the curvatures at both ends have one sign, the slope between these points
    lies between :math:`s_{i-1}` and :math:`s_{i+1}`; elsewhere it is :math:`s_i`, and that of the
    first and the last interval continues beyond. So no slope exceeds :math:`\max_i |s_i|`, which no
    interpolant can stay below: this is the Lipschitz constant of all minimisers, the least that an
    interpolant can have.

    *Knots*, for one feature. On a run of m curvatures of one sign a minimiser has m / 2 knots,
    rounded up, at least. It has no two blocks of one next to each other, which would cost less as
    one block of two, and so at most one block of one more than of two. The bounds are the sums over
    all runs. The lower one is attained for p below :func:`critical_p`; no interpolant has fewer.

    Examples
    --------
    >>> from sklearn_lpnet.theory import sparsity_bounds
    >>> bounds = sparsity_bounds([0, 1, 2, 3, 4], [0, 0, 1, 3, 3])
    >>> bounds
    SparsityBounds(n_points=5, max_neurons=5, max_neurons_beside_affine=3, knots=(2, 2),
                   lipschitz=2)
    >>> bounds.slopes.tolist()
    [[0.0, 0.0], [0.0, 2.0], [2.0, 2.0], [0.0, 0.0]]
    """
    inputs, targets = distinct_points(X, y)
    n_points = len(targets)
    spread = inputs - inputs.mean(axis=0)
    scale = np.abs(spread).max(axis=0)
    rank = 1 + int(np.linalg.matrix_rank(spread / np.where(scale > 0, scale, 1.0)))
    neurons = n_points, n_points, n_points - rank
    if inputs.shape[1] > 1:
        return SparsityBounds(*neurons)
    x = inputs[:, 0]
    curvature = Curvature.of(x, targets)
    same_sign = np.flatnonzero(~curvature.first)
    lower, upper = curvature.slope.copy(), curvature.slope.copy()
    around = np.stack([curvature.slope[same_sign - 1], curvature.slope[same_sign + 1]])
    lower[same_sign], upper[same_sign] = around.min(axis=0), around.max(axis=0)
    interval = np.searchsorted(curvature.x, x[:-1], side="right") - 1
    begin = np.flatnonzero(curvature.first)
    length = np.diff(np.append(begin, len(curvature.first)))[curvature.single[begin] > 0]
    return SparsityBounds(
        *neurons,
        x=x,
        slopes=np.stack([lower, upper], axis=1)[interval],
        lipschitz=float(np.abs(curvature.slope).max(initial=0.0)),
        knots=(int(np.sum((length + 1) // 2)), int(np.sum(length // 3 + (length + 2) // 3))),
    )


@dataclass(frozen=True, eq=False)
class _Runs:
    """Runs of four curvatures or more of one sign, one after the other, each scaled by itself.

    For shorter ones the best way to cut does not depend on p < 1: two make one block, and three a
    block of two, with the larger sum, and one of one.

    Attributes
    ----------
    begin, length : ndarray of shape (n_runs,)
    first : ndarray of shape (n,)
        Where runs begin.
    log_single, log_pair : ndarray of shape (n,)
        Logarithms of the curvatures and of their sums with the one before, the largest of a run 0.
    """

    begin: IndexArray
    length: IndexArray
    first: BoolArray
    log_single: FloatArray
    log_pair: FloatArray

    @classmethod
    def of(cls, curvature: Curvature) -> _Runs:
        begin = np.flatnonzero(curvature.first)
        length = np.diff(np.append(begin, len(curvature.first)))
        with np.errstate(divide="ignore"):
            every = cls(
                begin, length, curvature.first, np.log(curvature.single), np.log(curvature.pair)
            )
        runs = every.take(np.flatnonzero(length >= 4))
        if not len(runs.begin):
            return runs
        inner_pair = np.where(runs.first, -np.inf, runs.log_pair)
        largest = np.repeat(np.maximum.reduceat(inner_pair, runs.begin), runs.length)
        return cls(
            runs.begin,
            runs.length,
            runs.first,
            runs.log_single - largest,
            np.where(runs.first, 0.0, runs.log_pair - largest),
        )

    def take(self, which: IndexArray) -> _Runs:
        """Some runs, any of them as often as it is asked for."""
        length = self.length[which]
        begin = np.cumsum(length) - length
        source = np.arange(length.sum()) + np.repeat(self.begin[which] - begin, length)
        return _Runs(
            begin, length, self.first[source], self.log_single[source], self.log_pair[source]
        )

    def costs(self, p: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        """Costs of the blocks of one and two; p may differ from run to run."""
        p = np.repeat(p, self.length) if np.ndim(p) else p
        return np.exp(p * self.log_single), np.exp(p * self.log_pair)

    def bounds(
        self, low: FloatArray | float, high: FloatArray | float
    ) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
        """Costs at `high`, less the most and the least that the bend from `low` on can take off."""
        at_low, at_high = self.costs(low), self.costs(high)
        half_square = (high - low) ** 2 / 2
        half_square = np.repeat(half_square, self.length) if np.ndim(high) else half_square
        bend = half_square * self.log_single**2, half_square * self.log_pair**2
        others = at_high[0] - bend[0] * at_low[0], at_high[1] - bend[1] * at_low[1]
        own = at_high[0] * (1 - bend[0]), at_high[1] * (1 - bend[1])
        return others, own

    def total(self, single: FloatArray, pair: FloatArray, paired: BoolArray) -> FloatArray:
        """Cost of each run, cut as `paired` says."""
        cost = np.where(paired, pair, np.where(_alone(paired), single, 0.0))
        return np.add.reduceat(cost, self.begin)

    def sparsest_between(self, low: float, high: float) -> BoolArray:
        """For which runs it is shown that only fewest blocks are best, if they are at `low`."""
        paired = fewest_blocks(*self.costs(low), self.first)
        at_high = self.costs(high)
        excess, slack = self._excess(at_high, at_high, paired)
        bound, bound_slack = self._excess(*self.bounds(low, high), paired)
        return (excess > slack) & (bound > bound_slack)

    def sparsest_from(self, low: float) -> BoolArray:
        """The same for `low` and 1, where all ways to cut a run cost the same."""
        paired = fewest_blocks(*self.costs(low), self.first)
        others, own = [], []
        for log, at_low in zip((self.log_single, self.log_pair), self.costs(low), strict=True):
            # The costs less those at 1, over 1 - low: no rounding error grows as low goes to 1.
            slope = -at_low * np.expm1((1 - low) * log) / (1 - low)
            bend = (1 - low) / 2 * log**2
            others.append(slope - bend * at_low)
            own.append(slope - bend * np.exp(log))
        excess, slack = self._excess((others[0], others[1]), (own[0], own[1]), paired)
        return excess > slack

    def first_denser(self, low: float) -> float:
        """An exponent soon after `low` for which fewest blocks are not best; 1 if there is none."""
        step = _RESOLUTION
        while low + step < 1:
            costs = self.costs(low + step)
            excess, slack = self._excess(costs, costs, fewest_blocks(*costs, self.first))
            if np.any(excess < -slack):
                return low + step
            step *= 2
        return 1.0

    def breakpoints(self, rtol: float) -> FloatArray:
        """The exponents at which the best way to cut a run changes, of all runs."""
        run = np.arange(len(self.begin))
        low, high = np.zeros(len(run)), np.ones(len(run))
        settled: list[tuple[IndexArray, FloatArray, FloatArray]] = []
        while len(run):
            done = self._settled(run, low, high, rtol)
            settled.append((run[done], low[done], high[done]))
            open_ = ~done & (high - low > _RESOLUTION)
            run, low, high = run[open_], low[open_], high[open_]
            middle = (low + high) / 2
            run = np.append(run, run)
            low, high = np.append(low, middle), np.append(middle, high)
        if not settled:
            return np.zeros(0)
        run, low, high = (np.concatenate(parts) for parts in zip(*settled, strict=True))
        middle = ((low + high) / 2)[np.lexsort((low, run))]
        parts = np.split(middle, np.cumsum(np.bincount(run, minlength=len(self.begin)))[:-1])
        return np.concatenate([self._changes(k, part) for k, part in enumerate(parts)])

    def _settled(
        self, run: IndexArray, low: FloatArray, high: FloatArray, rtol: float
    ) -> BoolArray:
        """Whether the best way to cut `run` at `low` is best up to `high`, but for `rtol`."""
        result = [
            self.take(run[chunk])._best_throughout(low[chunk], high[chunk], rtol)
            for chunk in _chunks(self.length[run])
        ]
        return np.concatenate(result)

    def _best_throughout(self, low: FloatArray, high: FloatArray, rtol: float) -> BoolArray:
        paired = least_cost_blocks(*self.costs(low), self.first)
        if np.any(low == 0):
            limit = fewest_blocks(self.log_single, self.log_pair, self.first)
            paired = np.where(np.repeat(low == 0, self.length), limit, paired)
        at_high = self.costs(high)
        own = self.total(*at_high, paired)
        best = self.total(*at_high, least_cost_blocks(*at_high, self.first))
        others, own_bound = self.bounds(low, high)
        bound = (
            np.where(_alone(paired), own_bound[0], others[0]),
            np.where(paired, own_bound[1], others[1]),
        )
        least = self.total(*bound, least_cost_blocks(*bound, self.first))
        gap = least - self.total(*own_bound, paired)
        return (own <= best * (1 + _TIE)) & (gap >= -rtol * own)

    def _changes(self, k: int, p: FloatArray) -> FloatArray:
        """The breakpoints of run `k`, one between any two neighbours in `p` at most."""
        if len(p) < 2:
            return np.zeros(0)
        runs = self.take(np.full(len(p), k))
        costs = runs.costs(p)
        paired = least_cost_blocks(*costs, runs.first)
        least = runs.total(*costs, paired)
        ways = paired.reshape(len(p), -1)
        logs = runs.log_single[: ways.shape[1]], runs.log_pair[: ways.shape[1]]
        found: list[float] = []
        current, way = 0, ways[0]
        while True:
            terms = np.append(logs[0][_alone(way)], logs[1][way])
            cost = np.exp(np.outer(p, terms)).sum(axis=1)
            worse = np.flatnonzero(cost[current:] > least[current:] * (1 + _TIE))
            if not len(worse):
                return np.array(found)
            current += int(worse[0])
            way = ways[current]
            better = np.append(logs[0][_alone(way)], logs[1][way])
            found.append(_sign_change(terms, better, p[current - 1], p[current]))

    def _excess(
        self,
        others: tuple[FloatArray, FloatArray],
        own: tuple[FloatArray, FloatArray],
        paired: BoolArray,
    ) -> tuple[FloatArray, FloatArray]:
        """How much more than `paired` the ways to cut a run cost that have more blocks.

        The blocks of `paired` have the costs `own`, all others have the costs `others`. Of the ways
        with more blocks than can be, only those with one or two blocks of one too many matter for
        the sign: to any other one can add and take away pairs of blocks of one.

        Returns
        -------
        excess : ndarray of shape (n_runs,)
            Of the best such way.
        slack : ndarray of shape (n_runs,)
            Rounding error of `excess`.
        """
        single = np.where(_alone(paired), own[0], others[0])
        pair = np.where(paired, own[1], others[1])
        odd = odd_places(self.first)
        is_odd = np.zeros(len(single), dtype=bool)
        is_odd[odd] = True
        even = np.flatnonzero(~is_odd)
        later = odd[~self.first[odd]]
        # Least costs with one, two and three blocks of one, less the cost of blocks of two alone:
        # those of the first i places for even i, of the first i - 1 for odd i.
        best = np.zeros(len(single))
        best[odd] = one_single_costs(single, pair, self.first, odd)
        best[even] = running_least(
            np.zeros(len(even)), best[even - 1] + single[even] - pair[even], self.first[even - 1]
        )
        best[later] = running_least(
            pair[later] - pair[later - 1], best[later - 1] + single[later], self.first[later - 2]
        )
        of_paired = np.where(_alone(paired), single, 0.0)
        of_paired[odd] += np.where(paired[odd], pair[odd] - pair[odd - 1], 0.0)
        excess = best[self.begin + self.length - 1] - np.add.reduceat(of_paired, self.begin)
        largest = max(1.0, np.abs(single).max(), np.abs(pair).max())
        return excess, 8 * _EPS * largest * (1 + np.log2(self.length))


def _alone(paired: BoolArray) -> BoolArray:
    """Where blocks of one are, if blocks of two end where `paired` is true."""
    return ~(paired | np.append(paired[1:], False))


def _sign_change(worse: FloatArray, better: FloatArray, low: float, high: float) -> float:
    """Where between `low` and `high` the sum of exp(p * worse) comes to exceed that of better."""
    while high - low > _RESOLUTION:
        middle = (low + high) / 2
        if np.exp(middle * worse).sum() > np.exp(middle * better).sum():
            high = middle
        else:
            low = middle
    return high


def _chunks(length: IndexArray) -> list[slice]:
    """Slices of runs whose lengths sum up to little more than the number worked on at once."""
    part = np.cumsum(length) // _CHUNK
    begin = np.flatnonzero(np.diff(part, prepend=-1))
    return [slice(*ends) for ends in zip(begin, np.append(begin[1:], len(length)), strict=True)]


def _shortened(values: list[int]) -> str:
    if len(values) <= 6:
        return str(values)
    return f"[{values[0]}, {values[1]}, ..., {values[-2]}, {values[-1]}]"
