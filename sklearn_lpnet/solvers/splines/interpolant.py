"""A piecewise linear function through data of one feature, with NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from ...network.arrays import powers
from ...network.dates import refuse_dates
from ...network.network import Network

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Interpolant:
    r"""A piecewise linear function, and how it came about.

    .. math:: f(x) = c + s x + \sum_k \delta_k \max(0, x - \tau_k)

    Call it to evaluate f. It does so from the nearer of the two data points on a linear piece,
    not from the sum, so that no rounding errors add up.

    Attributes
    ----------
    p : float
        The exponent that it was asked for.
    knots : ndarray of shape (n_knots,)
        Where the slope changes, :math:`\tau_k`, ascending.
    slope_changes : ndarray of shape (n_knots,)
        By how much, :math:`\delta_k`.
    slope : float
        Slope s left of all knots.
    intercept : float
        Value c at zero of the leftmost piece's line.
    cost : float
        Path norm :math:`\sum_k |\delta_k|^p`; for p = 0 the number of knots.
    pieces : ndarray of shape (n_knots + 1, 2, 2)
        Two data points (x, y) on each linear piece, from left to right.
    """

    p: float
    knots: FloatArray
    slope_changes: FloatArray
    slope: float
    intercept: float
    cost: float
    pieces: FloatArray

    def __post_init__(self) -> None:
        for field in fields(self):
            if isinstance(array := getattr(self, field.name), np.ndarray):
                array.setflags(write=False)

    @property
    def n_knots(self) -> int:
        """Number of knots: active neurons of the network."""
        return len(self.knots)

    def __call__(self, x: npt.ArrayLike) -> FloatArray:
        """Evaluate the function.

        Parameters
        ----------
        x : array-like
            Inputs of any shape.

        Returns
        -------
        ndarray
            The values, of the same shape.
        """
        refuse_dates(x, "x")
        x = np.asarray(x, dtype=np.float64)
        piece = np.searchsorted(self.knots, x)
        (x0, y0), (x1, y1) = self.pieces[:, 0].T, self.pieces[:, 1].T
        slope = slopes(x0, y0, x1, y1)[piece]
        from_left, from_right = x - x0[piece], x - x1[piece]
        return np.where(
            np.abs(from_left) <= np.abs(from_right),
            y0[piece] + slope * from_left,
            y1[piece] + slope * from_right,
        )

    def path_norm(self, p: float) -> float:
        r"""Path norm :math:`\sum_k |\delta_k|^p` of this function for another exponent."""
        check_exponent(p)
        return float(powers(self.slope_changes, p).sum())

    def to_network(self) -> Network:
        """Return the function as a network with a skip connection, one neuron for each knot."""
        weight = np.abs(self.slope_changes)
        return Network(
            direction=np.sign(self.slope_changes)[:, None],
            theta=weight[:, None],
            bias=-weight * self.knots,
            intercept=np.array([self.intercept]),
            skip=np.array([[self.slope]]),
        )

    def __repr__(self) -> str:
        def short(array: FloatArray) -> str:
            return np.array2string(array, precision=6, threshold=6, edgeitems=2, separator=", ")

        return (
            f"{type(self).__name__}(p={self.p:g}, cost={self.cost:.6g}, n_knots={self.n_knots}, "
            f"knots={short(self.knots)}, slope_changes={short(self.slope_changes)}, "
            f"slope={self.slope:.6g}, intercept={self.intercept:.6g})"
        )


def check_exponent(p: Any) -> None:
    """Raise unless 0 <= p <= 1."""
    if not (isinstance(p, Real) and 0 <= float(p) <= 1):
        raise ValueError(
            f"p must be a number from 0 to 1, got {p!r}. p=0 counts the knots, p=1 adds up the "
            "slope changes, and p=0.5 lies between."
        )


def slopes(x0: FloatArray, y0: FloatArray, x1: FloatArray, y1: FloatArray) -> FloatArray:
    """Slopes from one point to another; 0 from a point to itself."""
    with np.errstate(over="ignore", invalid="ignore"):
        return (y1 - y0) / np.where(x1 == x0, 1.0, x1 - x0)
