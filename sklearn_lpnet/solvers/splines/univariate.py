"""The exact interpolant of least path norm for one feature, in linear time, with NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...network.arrays import powers
from .interpolant import Interpolant, check_exponent, slopes

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: A point that lies off the line through its neighbours by no more than this share of the size of
#: its coordinates counts as lying on it: about what rounding the coordinates of collinear points
#: and computing their slopes can do.
RTOL = 8 * float(np.finfo(np.float64).eps)
#: But never by more than this share of the largest label: the result is to interpolate.
MAX_ERROR = 1e-12


def refuses(objective: Any) -> str | None:
    """Its affine part and biases are free, and the penalty is the ℓp path norm, p = 0 included."""
    parametrization = objective.parametrization
    asked_for = {
        "skip_connection": (parametrization.skip_connection, True),
        "penalize_bias": (not parametrization.has_free_biases, False),
        "fit_intercept": (parametrization.fit_intercept, True),
    }
    for name, (value, possible) in asked_for.items():
        if value != possible:
            return (
                f"{name}={value!r} is not available for solver='univariate', whose affine part "
                f"and biases are free; use {name}={possible}, or solver='vertex'."
            )
    if not hasattr(objective.penalty or objective, "p"):
        return f"solver='univariate' is for the ℓp path norm, not for {objective.penalty!r}."
    return None


def univariate(x: npt.ArrayLike, y: npt.ArrayLike, p: float, *, rtol: float = RTOL) -> Interpolant:
    r"""Interpolate data of one feature by the function of least path norm.

    Solves, globally and in O(N) operations,

    .. math::

        \min \sum_k |\delta_k|^p \quad \text{over all} \quad
        f(x) = c + s x + \sum_k \delta_k \max(0, x - \tau_k)
        \quad \text{with} \quad f(x_i) = y_i,

    which is eq. 2 with its free affine part. With the slopes :math:`s_i` between neighbours and
    the curvatures :math:`e_i = s_i - s_{i-1}`, a minimiser is linear between neighbours of
    opposite curvature and across collinear points (Theorem 3.1). On a run :math:`e_1, \dots, e_m`
    of curvatures of one sign it cuts the run into blocks of one, a knot at that data point, or two,
    a knot between the two (Theorem 3.2). The least costs of the first i of them are

    .. math:: C_i = \min(C_{i-1} + |e_i|^p,\ C_{i-2} + |e_{i-1} + e_i|^p).

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
        Data, in any order. Points that occur more than once count once.
    p : float
        Exponent, 0 <= p <= 1; p = 0 counts the knots.
    rtol : float, default=8 * eps
        Points off the line through their neighbours by no more than ``rtol`` times
        :math:`|y| + |s x|`, with s the slope of that line, and no more than 1e-12 times the largest
        :math:`|y_i|`, count as collinear with them. The result misses them by no more than that,
        and goes through all others exactly.

    Returns
    -------
    Interpolant
        A minimiser. If there are several, the choice depends on the data alone. For p = 0 it is
        one with the least product of all :math:`|\delta_k|`, as for small p > 0. For p = 1, where
        every way to cut the runs costs the same, it is the one for p = 0: the knots are as few as
        can be.

    Examples
    --------
    >>> from sklearn_lpnet.solvers.splines.univariate import univariate
    >>> f = univariate([-2, -1, 0, 1, 2, 3], [0, 0, 1, 1, 0, 0], p=0.4)
    >>> f
    Interpolant(p=0.4, cost=3.31951, n_knots=3, knots=[-1. ,  0.5,  2. ],
                slope_changes=[ 1., -2.,  1.], slope=0, intercept=0)
    >>> f([-1.0, 0.5, 7.0])
    array([0. , 1.5, 0. ])
    """
    check_exponent(p)
    curvature = Curvature.of(x, y, rtol)
    single, pair = curvature.single, curvature.pair
    if p in (0, 1):
        with np.errstate(divide="ignore"):
            paired = fewest_blocks(np.log(single), np.log(pair), curvature.first)
    else:
        paired = least_cost_blocks(single**p, pair**p, curvature.first)
    return curvature.interpolant(paired, float(p))


@dataclass(frozen=True, eq=False)
class Curvature:
    """The data as the recurrence reads them.

    Attributes
    ----------
    x, y : ndarray of shape (n_points,)
        The sorted points that are not collinear with their neighbours.
    slope : ndarray of shape (n_points - 1,)
        Slopes between neighbours.
    single : ndarray of shape (n_points - 2,)
        Size of the curvature at each inner point: what a knot there costs, but for the power.
    pair : ndarray of shape (n_points - 2,)
        Size of the sum of this curvature and the one before; 1 where a run begins.
    first : ndarray of shape (n_points - 2,)
        Whether a run begins here: curvatures of one sign, with no collinear points between.
    """

    x: FloatArray
    y: FloatArray
    slope: FloatArray
    single: FloatArray
    pair: FloatArray
    first: BoolArray

    @classmethod
    def of(cls, x: npt.ArrayLike, y: npt.ArrayLike, rtol: float = RTOL) -> Curvature:
        """The curvature of raw data."""
        x, y = _sorted_points(x, y)
        kept = _corners(x, y, rtol)
        x, y = x[kept], y[kept]
        slope = slopes(x[:-1], y[:-1], x[1:], y[1:])
        curvature = np.diff(slope)
        if not np.isfinite(curvature).all():
            steepest = int(np.argmax(np.where(np.isfinite(slope), np.abs(slope), np.inf)))
            raise ValueError(
                f"x has the values {float(x[steepest])!r} and {float(x[steepest + 1])!r}, so close "
                "that the slope between them overflows. Drop one of the two points, or rescale."
            )
        pair = curvature.copy()
        pair[1:] += curvature[:-1]
        first = np.ones(len(curvature), dtype=bool)
        touching = np.diff(kept)[1:-1] == 1
        first[1:] = (np.sign(curvature[1:]) * np.sign(curvature[:-1]) <= 0) | ~touching
        return cls(x, y, slope, np.abs(curvature), np.where(first, 1.0, np.abs(pair)), first)

    def interpolant(self, paired: BoolArray, p: float) -> Interpolant:
        """The function whose blocks of two end where `paired` is true."""
        before_pair = np.append(paired[1:], False)[: len(paired)]
        last = np.flatnonzero(~before_pair & (self.single > 0))
        x, inner = self.x, self.x[1:-1]
        two = last[paired[last]]
        share = self.single[two] / self.pair[two]
        between = inner[two - 1] + share * (inner[two] - inner[two - 1])
        knots = inner[last]
        # Left of the second point, so that the piece which goes through it is the one evaluated.
        knots[paired[last]] = np.clip(between, inner[two - 1], np.nextafter(inner[two], -np.inf))

        # A piece runs along the chord that ends with its right knot's block, or along the last.
        chord = np.append(last - paired[last], len(self.slope) - 1)
        slope = self.slope[chord] if len(self.slope) else np.zeros(1)
        ends = np.stack([chord, chord + (len(x) > 1)], axis=1).clip(min=0)
        changes = np.diff(slope)
        return Interpolant(
            p=p,
            knots=knots,
            slope_changes=changes,
            slope=float(slope[0]),
            intercept=float(self.y[0] - slope[0] * x[0]),
            cost=float(powers(changes, p).sum()),
            pieces=np.stack([x[ends], self.y[ends]], axis=-1),
        )


def least_cost_blocks(single: FloatArray, pair: FloatArray, first: BoolArray) -> BoolArray:
    r"""Cut every run into blocks of one or two at the least total cost.

    The increments :math:`D_i = C_i - C_{i-1}` of the least costs obey

    .. math:: D_i = \min(\text{single}_i,\ \text{pair}_i - D_{i-1}),

    which with alternating signs is a :func:`clip_scan`.

    Parameters
    ----------
    single, pair : ndarray of shape (n,)
        Cost of the block i, and of the block i - 1, i.
    first : ndarray of shape (n,)
        Where runs begin; a block does not reach into the run before.

    Returns
    -------
    ndarray of shape (n,)
        Where blocks of two end. Of equal costs a block of two wins, from the right.
    """
    limit, shift = single.copy(), np.where(first, 0.0, pair)
    np.negative(limit[1::2], out=limit[1::2])
    np.negative(shift[1::2], out=shift[1::2])
    lower, upper = limit.copy(), limit.copy()
    lower[::2][~first[::2]] = -np.inf
    upper[1::2][~first[1::2]] = np.inf
    increment = clip_scan(shift, lower, upper)
    np.negative(increment[1::2], out=increment[1::2])
    best = ~first
    best[1:] &= pair[1:] - increment[:-1] <= single[1:]

    # A block ends before each block: from the right, ends alternate with the first halves of
    # blocks of two as long as these are best, and begin anew where a block of one is.
    position = np.arange(len(best))
    best_single = np.where(best, len(best), position)
    next_single = np.minimum.accumulate(best_single[::-1])[::-1]
    ends = np.append((next_single[1:] - position[1:]) % 2 == 0, True)
    return best & ends[: len(best)]


def fewest_blocks(single: FloatArray, pair: FloatArray, first: BoolArray) -> BoolArray:
    """Cut every run into as few blocks of one or two as can be, at the least total cost of these.

    That is blocks of two alone, but for one block of one in a run of odd length, to be put in the
    best place. Parameters and result are those of :func:`least_cost_blocks`; of equal costs the
    block of one farthest to the right wins.
    """
    odd = odd_places(first)
    cost = one_single_costs(single, pair, first, odd)
    taken = np.zeros(len(first), dtype=np.intp)
    taken[odd] = np.maximum.accumulate(np.where(cost >= single[odd], odd, 0))

    begin = np.flatnonzero(first)
    end = np.append(begin[1:], len(first))[: len(begin)]
    length = end - begin
    alone = np.repeat(np.where(length % 2 == 1, taken[end - 1], end), length)
    position = np.arange(len(first))
    paired = np.ones(len(first), dtype=bool)
    paired[odd] = False
    return np.where(position > alone, ~paired, paired & (position < alone))


def odd_places(first: BoolArray) -> npt.NDArray[np.intp]:
    """Where the odd places of the runs are: the first, the third, and so on of each."""
    position = np.arange(len(first))
    start = np.maximum.accumulate(np.where(first, position, 0))
    return np.flatnonzero((position - start) % 2 == 0)


def one_single_costs(
    single: FloatArray, pair: FloatArray, first: BoolArray, odd: npt.NDArray[np.intp]
) -> FloatArray:
    r"""Least costs of a run's first i places cut with a single block of one, for odd i.

    They are counted from the cost of the first i - 1 places, all in blocks of two:

    .. math::

        S_i = \min(\text{single}_i,\ S_{i-2} + \text{pair}_i - \text{pair}_{i-1}).
    """
    return running_least(pair[odd] - pair[odd - 1], single[odd], first[odd])


def running_least(shift: FloatArray, limit: FloatArray, first: BoolArray) -> FloatArray:
    r"""Solve :math:`z_i = \min(\text{limit}_i,\ z_{i-1} + \text{shift}_i)`, anew at `first`."""
    return clip_scan(np.where(first, 0.0, shift), np.where(first, limit, -np.inf), limit)


def clip_scan(shift: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    r"""Solve :math:`z_i = \min(\max(z_{i-1} + \text{shift}_i, \text{lower}_i), \text{upper}_i)`.

    Two such maps after each other are one such map, so every other step can be skipped and filled
    in afterwards, and so on with what is left: O(n) operations, all on whole arrays.

    Parameters
    ----------
    shift : ndarray of shape (n,)
        Finite.
    lower, upper : ndarray of shape (n,)
        Bounds, lower <= upper, that may be infinite.

    Returns
    -------
    ndarray of shape (n,)
        The solution from z = 0 on.
    """
    n = len(shift)
    if n <= 32:
        z, steps = 0.0, []
        for s, low, high in zip(shift.tolist(), lower.tolist(), upper.tolist(), strict=True):
            z = min(max(z + s, low), high)
            steps.append(z)
        return np.array(steps, dtype=np.float64)
    even, odd = slice(0, n - 1, 2), slice(1, n, 2)
    solution = np.empty(n)
    solution[odd] = clip_scan(
        shift[even] + shift[odd],
        np.minimum(np.maximum(lower[even] + shift[odd], lower[odd]), upper[odd]),
        np.minimum(np.maximum(upper[even] + shift[odd], lower[odd]), upper[odd]),
    )
    before = np.append(0.0, solution[1 : n - 1 : 2])
    solution[::2] = np.minimum(np.maximum(before + shift[::2], lower[::2]), upper[::2])
    return solution


def _sorted_points(
    x_values: npt.ArrayLike, y_values: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Checked data, sorted, each point once."""
    x, y = _column("x", x_values), _column("y", y_values)
    if len(x) != len(y):
        raise ValueError(f"x and y must have one length, got {len(x)} and {len(y)}.")
    if not len(x):
        raise ValueError("x has no values; at least one point is needed.")
    if np.any(x[1:] <= x[:-1]):
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
        repeated = x[1:] == x[:-1]
        clash = np.flatnonzero(repeated & (y[1:] != y[:-1]))
        if len(clash):
            i = clash[0]
            raise ValueError(
                f"x has the value {float(x[i])!r} more than once, with different y: "
                f"{float(y[i])!r} and {float(y[i + 1])!r}. No function interpolates both; "
                "average y over equal x, or use a positive alpha."
            )
        new = np.append(True, ~repeated)
        x, y = x[new], y[new]
    return x, y


def _column(name: str, values: npt.ArrayLike) -> FloatArray:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got an array of {array.dtype}.")
    column = array.astype(np.float64)
    if column.ndim != 1:
        raise ValueError(
            f"{name} must be one-dimensional, got shape {column.shape}. Pass a single column, "
            f"for instance {name}[:, 0]."
        )
    if not (finite := np.isfinite(column)).all():
        i = int(np.argmin(finite))
        raise ValueError(f"{name} must be finite, got {name}[{i}] = {column[i]}. Drop that point.")
    if len(column) and not np.isfinite(float(column.max()) - float(column.min())):
        raise ValueError(f"{name} spans more than the range of float64. Rescale {name}.")
    return column


def _corners(x: FloatArray, y: FloatArray, rtol: float) -> npt.NDArray[np.intp]:
    """The points to keep, so that all others lie on the lines between neighbours among them."""
    everything = kept = np.arange(len(x))
    needed = np.zeros(len(x), dtype=bool)
    needed[[0, -1]] = True
    while True:
        off = _off_line(x, y, kept[:-2], kept[1:-1], kept[2:], rtol) > 1
        dropped = kept[1:-1][~off & ~needed[kept[1:-1]]]
        if not len(dropped):
            return kept
        keep = np.zeros(len(x), dtype=bool)
        keep[kept] = True
        keep[dropped] = False
        # Curves are collinear piece by piece: where a chord misses a point, the worst one returns.
        while True:
            kept = np.flatnonzero(keep)
            gap = np.cumsum(keep)[~keep] - 1
            missing = everything[~keep]
            off_by = _off_line(x, y, kept[gap], missing, kept[gap + 1], rtol)
            if not np.any(off_by > 1):
                break
            begin = np.flatnonzero(np.append(True, gap[1:] != gap[:-1]))
            worst = np.maximum.reduceat(off_by, begin)
            size = np.diff(np.append(begin, len(gap)))
            returning = missing[(off_by == np.repeat(worst, size)) & (off_by > 1)]
            keep[returning] = needed[returning] = True


def _off_line(
    x: FloatArray,
    y: FloatArray,
    left: npt.NDArray[np.intp],
    middle: npt.NDArray[np.intp],
    right: npt.NDArray[np.intp],
    rtol: float,
) -> FloatArray:
    """How far the middle points lie off the lines from left to right, in units of the tolerance."""
    slope = slopes(x[left], y[left], x[right], y[right])
    step, rest = x[middle] - x[left], x[right] - x[middle]
    bend = slopes(x[middle], y[middle], x[right], y[right]) - slopes(
        x[left], y[left], x[middle], y[middle]
    )
    size_x = np.maximum(np.abs(x[left]), np.abs(x[right]))
    size_y = np.maximum(np.maximum(np.abs(y[left]), np.abs(y[right])), np.abs(y[middle]))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        off = np.abs(bend) * (step / (step + rest)) * rest
        tolerance = rtol * (size_y + np.abs(slope) * size_x)
        ratio = off / np.minimum(tolerance, MAX_ERROR * np.abs(y).max())
    return np.where(off == 0, 0.0, np.where(np.isnan(ratio), np.inf, ratio))
