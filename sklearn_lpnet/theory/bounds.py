"""What theory says in advance about interpolants of least path norm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..solvers.interpolation.points import distinct_points
from ..solvers.splines.univariate import (
    Curvature,
    FloatArray,
)


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
