"""The interpolant of least path norm for one feature."""

from __future__ import annotations

import numpy.typing as npt

from ..solvers.splines.univariate import (
    Interpolant,
    univariate,
)


def min_path_norm_interpolant(x: npt.ArrayLike, y: npt.ArrayLike, p: float) -> Interpolant:
    r"""Interpolate data of one feature by the function of least path norm.

    .. math::

        \min \sum_k |\delta_k|^p \quad \text{over all} \quad
        f(x) = c + s x + \sum_k \delta_k \max(0, x - \tau_k)
        \quad \text{with} \quad f(x_i) = y_i

    is the univariate problem of eq. 2. Its global minimum is computed exactly, in O(N) operations
    after sorting: :func:`~sklearn_lpnet.solvers.splines.univariate.univariate` says how.

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
