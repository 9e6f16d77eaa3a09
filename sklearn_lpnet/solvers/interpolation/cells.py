"""A network with the activation pattern of each neuron: where it is linear in its parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from ...network.arrays import powers
from ...network.network import Network

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

#: Largest error at the data, in units of the largest label, with which a network interpolates.
INTERPOLATES = 1e-10
#: Least pivot of a matrix of full rank, in units of the largest.
_RANK = 1e-11


@dataclass(frozen=True)
class Setting:
    """The data, and what each parameter costs.

    Parameters stand in a table with a row for the affine part, then one for each neuron, and a
    column for each feature, then one for intercept and biases. The fields of shape
    (2, n_features + 1) give the first row and what holds for each of the others.

    Attributes
    ----------
    X1 : ndarray of shape (n_samples, n_features + 1)
        Data, and a column of ones.
    y : ndarray of shape (n_samples,)
    price : ndarray of shape (2, n_features + 1)
        What the power of a parameter is multiplied with; 0 for a free one.
    allowed : ndarray of shape (2, n_features + 1)
        Whether there is such a parameter.
    removable : ndarray of shape (2, n_features + 1)
        Whether it counts only while it is not zero.
    p : float
    """

    X1: FloatArray
    y: FloatArray
    price: FloatArray
    allowed: BoolArray
    removable: BoolArray
    p: float

    @property
    def n_samples(self) -> int:
        return len(self.y)

    def path_norm(self, table: FloatArray) -> float:
        """The priced path norm of a network with these parameters."""
        return float(np.sum(self.rows(self.price, len(table)) * powers(table, self.p)))

    def rows(self, table: npt.NDArray[Any], n_rows: int) -> npt.NDArray[Any]:
        """A table of the present network out of its first and second row."""
        return table[np.minimum(np.arange(n_rows), 1)]


@dataclass(frozen=True, eq=False)
class Patterned:
    """A network and its activation patterns; methods return new ones.

    Attributes
    ----------
    setting : Setting
    sign : ndarray of shape (n_rows,)
        Output weights ±1; 1 for the affine part.
    table : ndarray of shape (n_rows, n_features + 1)
        Parameters.
    on : ndarray of shape (n_samples, n_rows)
        Activation patterns; true for the affine part.
    support : ndarray of shape (n_rows, n_features + 1)
        Parameters that the network has.
    """

    setting: Setting
    sign: FloatArray
    table: FloatArray
    on: BoolArray
    support: BoolArray

    @classmethod
    def of(cls, setting: Setting, sign: FloatArray, table: FloatArray) -> Patterned:
        """A network whose patterns and support are those of its values."""
        allowed = setting.rows(setting.allowed, len(table))
        free = allowed & ~setting.rows(setting.removable, len(table))
        table = np.where(allowed, table, 0.0)
        support = table != 0
        support |= free & support.any(axis=1, keepdims=True)
        support[0] |= free[0]
        return cls(setting, sign, table, _patterns(setting.X1, table), support)

    @classmethod
    def from_network(cls, setting: Setting, network: Network) -> Patterned:
        """A network with one output, and its patterns."""
        affine = np.append(network.skip[0], network.intercept)
        neurons = np.column_stack([network.theta, network.bias])
        table = np.vstack([affine, neurons]).astype(np.float64)
        return cls.of(setting, np.append(1.0, np.sign(network.direction[:, 0])), table)

    def to_network(self) -> Network:
        """The network in path coordinates."""
        return Network(
            direction=self.sign[1:, None],
            theta=self.table[1:, :-1],
            bias=self.table[1:, -1],
            intercept=self.table[:1, -1],
            skip=self.table[:1, :-1],
        )

    @property
    def n_parameters(self) -> int:
        return int(np.count_nonzero(self.support))

    @property
    def path_norm(self) -> float:
        """The priced path norm."""
        return self.setting.path_norm(np.where(self.support, self.table, 0.0))

    @property
    def rank(self) -> tuple[float, float]:
        """What is to be least: the number of parameters, then the path norm; for p = 1 the norm."""
        if self.setting.p == 1:
            return self.path_norm, self.n_parameters
        return self.n_parameters, self.path_norm

    @property
    def coordinates(self) -> tuple[IntArray, IntArray]:
        """Rows and columns of the parameters that the network has."""
        row, column = np.nonzero(self.support)
        return row, column

    @property
    def interpolates(self) -> bool:
        return self.error <= INTERPOLATES

    @property
    def error(self) -> float:
        """Largest error at the data, in units of the largest label."""
        largest = np.abs(self.setting.y).max() or 1.0
        return float(np.abs(self.residual()).max() / largest)

    def residual(self) -> FloatArray:
        """Labels less outputs."""
        inputs = self.setting.X1 @ self.table.T
        return self.setting.y - np.where(self.on, inputs, 0.0) @ self.sign

    def jacobian(self, row: IntArray, column: IntArray) -> FloatArray:
        """Derivatives of the outputs by some parameters, of shape (n_samples, n_parameters)."""
        return self.sign[row] * self.on[:, row] * self.setting.X1[:, column]

    def scales(self, row: IntArray, column: IntArray) -> FloatArray:
        """Sizes to measure steps in: large parameters and free ones move more easily."""
        size = np.abs(self.table[row, column])
        removable = self.setting.rows(self.setting.removable, len(self.table))[row, column]
        if not removable.any():
            return np.maximum(size, size.max() or 1.0)
        typical = np.median(size[removable]) or 1.0
        return np.where(removable, size + 1e-9 * (size.max() or 1.0), np.maximum(size, typical))

    def with_values(self, row: IntArray, column: IntArray, values: FloatArray) -> Patterned:
        """Other parameter values, and the patterns that go with them."""
        table = self.table.copy()
        table[row, column] = values
        return replace(self, table=table, on=_patterns(self.setting.X1, table))

    def corrected(self, max_iter: int = 12) -> Patterned | None:
        """The network after Gauss-Newton steps to the labels, or None if they do not get there."""
        network, before = replace(self, on=_patterns(self.setting.X1, self.table)), np.inf
        for iteration in range(max_iter):
            error = network.error
            if error <= 4 * np.finfo(np.float64).eps:
                return network
            if not np.isfinite(error) or (iteration >= 4 and error > max(0.9 * before, 1e-9)):
                return None
            if error >= before and error <= INTERPOLATES:
                return network
            before = min(before, error)
            row, column = network.coordinates
            if not len(row):
                return None
            scale = network.scales(row, column)
            step = least_norm(network.jacobian(row, column) * scale, network.residual())
            network = network.with_values(row, column, network.table[row, column] + scale * step)
        return network if network.interpolates else None

    def tidy(self) -> Patterned:
        """The same function on the data, without neurons that need not be.

        Neurons that are never on go. Where there are a skip connection and an intercept, neurons
        that are always on go into them, and where there is an intercept, neurons that read nothing.
        """
        ever_on, always_on = _any(self.on, 0), ~_any(~self.on, 0)
        used = ever_on & _any(self.support, 1)
        folded = np.zeros(len(used), dtype=bool)
        if self.setting.allowed[0, -1]:
            folded = ~_any(self.support[:, :-1], 1)
        if self.setting.allowed[0].all():
            folded |= always_on
        folded &= used
        folded[0], used[0] = False, True
        if used.all() and not folded.any():
            return self
        table, support = self.table.copy(), self.support.copy()
        table[0] += (self.sign * folded) @ np.where(ever_on[:, None], table, 0.0)
        support[0] |= support[folded].any(axis=0)
        keep = used & ~folded
        return replace(
            self,
            sign=self.sign[keep],
            table=table[keep],
            on=self.on[:, keep],
            support=support[keep],
        )


def least_norm(matrix: FloatArray, target: FloatArray) -> FloatArray:
    """The solution of least norm of a system with more unknowns than equations."""
    if matrix.shape[0] <= matrix.shape[1]:
        Q, R = np.linalg.qr(matrix.T)
        pivot = np.abs(np.diag(R))
        if pivot.min() > _RANK * pivot.max():
            return Q @ scipy.linalg.solve_triangular(R, target, trans="T", check_finite=False)
    return np.linalg.lstsq(matrix, target, rcond=1e-13)[0]


def _any(table: BoolArray, axis: int) -> BoolArray:
    return np.logical_or.reduce(table, axis=axis)


def _patterns(X1: FloatArray, table: FloatArray) -> BoolArray:
    on = X1 @ table.T > 0
    on[:, 0] = True
    return on
