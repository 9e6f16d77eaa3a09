"""Where minimisers change with the exponent: p* and all other breakpoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..solvers.splines.univariate import (
    Curvature,
    FloatArray,
    Interpolant,
    univariate,
)
from .runs import _RESOLUTION, _Runs

#: And two breakpoints closer than this, from runs that are alike but for rounding.
_SAME = 1e-12


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


def _shortened(values: list[int]) -> str:
    if len(values) <= 6:
        return str(values)
    return f"[{values[0]}, {values[1]}, ..., {values[-2]}, {values[-1]}]"
