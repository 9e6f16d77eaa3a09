"""Runs of curvatures of one sign, and the ways to cut them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..solvers.splines.univariate import (
    BoolArray,
    Curvature,
    FloatArray,
    fewest_blocks,
    least_cost_blocks,
    odd_places,
    one_single_costs,
    running_least,
)

IndexArray = npt.NDArray[np.intp]
_EPS = float(np.finfo(np.float64).eps)
#: Two exponents closer than this are one.
_RESOLUTION = 4 * _EPS
#: Costs that agree to this share cannot be told apart, after the rounding of their sums.
_TIE = 64 * _EPS
#: Curvatures that are worked on at once.
_CHUNK = 2**20


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
