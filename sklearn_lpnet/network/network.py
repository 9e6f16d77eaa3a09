"""A one-hidden-layer ReLU network in path coordinates, with NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from . import rewriting
from .arrays import FloatArray, check_shapes, powers, row_norms, sizes
from .evaluation import MAX_BYTES, Layouts, as_matrix, dense_block, row_slices


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    r"""A ReLU network with one hidden layer and an affine part, in path coordinates.

    .. math::

        f(x) = \sum_k a_k \max(0, \theta_k \cdot x + \beta_k) + A x + c

    A neuron :math:`v \max(0, w \cdot x + b)` has the direction :math:`a = v / \|v\|_2` and the
    path coordinates :math:`\theta = \|v\|_2 w` and :math:`\beta = \|v\|_2 b`, in which the path
    norm is the separable sum :math:`\sum_{kj} |\theta_{kj}|^p`.

    Parameters
    ----------
    direction : ndarray of shape (n_neurons, n_outputs)
        Unit output directions :math:`a_k`; with one output, 1 or -1.
    theta : ndarray of shape (n_neurons, n_features)
        Path coordinates :math:`\theta_k` of the input weights.
    bias : ndarray of shape (n_neurons,)
        Path coordinates :math:`\beta_k` of the biases.
    intercept : ndarray of shape (n_outputs,)
        Output intercept :math:`c`.
    skip : ndarray of shape (n_outputs, n_features)
        Affine skip connection :math:`A`; zeros where there is none.

    Notes
    -----
    The arrays are float32 if all of them are given so, else float64. Treat them as constants:
    what evaluation needs is derived from them once.

    Column j of the skip connection is one always-on neuron with the direction
    :math:`A_{:j} / \|A_{:j}\|_2` and the single weight :math:`\|A_{:j}\|_2`. So it counts as one
    weight, and adds :math:`\|A_{:j}\|_2^p` to the path norm, if the skip connection is penalized.

    Examples
    --------
    The absolute value is two neurons:

    >>> import numpy as np
    >>> from sklearn_lpnet.network import Network
    >>> network = Network(
    ...     direction=np.array([[1.0], [1.0]]),
    ...     theta=np.array([[1.0], [-1.0]]),
    ...     bias=np.zeros(2),
    ...     intercept=np.zeros(1),
    ...     skip=np.zeros((1, 1)),
    ... )
    >>> network.evaluate([[-2.0], [0.5]]).ravel().tolist()
    [2.0, 0.5]
    >>> network.n_active_neurons, network.path_norm(0.5)
    (2, 2.0)
    >>> network.price(lambda size: size / (1 + size))
    1.0
    """

    direction: FloatArray
    theta: FloatArray
    bias: FloatArray
    intercept: FloatArray
    skip: FloatArray

    def __post_init__(self) -> None:
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        single = all(array.dtype == np.float32 for array in arrays.values())
        dtype = np.float32 if single else np.float64
        for name, array in arrays.items():
            object.__setattr__(self, name, array.astype(dtype, copy=False))
        check_shapes(**arrays)

    def __repr__(self) -> str:
        return (
            f"<Network: {self.n_features} inputs, {self.n_active_neurons} active neurons, "
            f"{self.n_outputs} outputs, {self.n_nonzero_weights()} nonzero weights>"
        )

    def __getstate__(self) -> dict[str, FloatArray]:
        # Derived arrays are cheap to rebuild and would double the size of a pickle.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def empty(cls, n_features: int, intercept: npt.ArrayLike) -> Network:
        """Return the constant network without neurons.

        Parameters
        ----------
        n_features : int
            Number of input features.
        intercept : array-like of shape (n_outputs,) or float
            Its value.

        Returns
        -------
        Network
            A network with no neuron and a zero skip connection.
        """
        constant = np.atleast_1d(np.asarray(intercept))
        dtype = np.float32 if constant.dtype == np.float32 else np.float64
        return cls(
            direction=np.zeros((0, len(constant)), dtype),
            theta=np.zeros((0, n_features), dtype),
            bias=np.zeros(0, dtype),
            intercept=constant,
            skip=np.zeros((len(constant), n_features), dtype),
        )

    @property
    def n_neurons(self) -> int:
        """Number of neurons, active or not."""
        return self.theta.shape[0]

    @property
    def n_features(self) -> int:
        """Number of input features."""
        return self.theta.shape[1]

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return self.intercept.shape[0]

    @cached_property
    def active(self) -> npt.NDArray[np.bool_]:
        """Mask of shape (n_neurons,): the neurons with a nonzero input weight."""
        return np.any(self.theta != 0, axis=1)

    @property
    def n_active_neurons(self) -> int:
        """Number of neurons with a nonzero input weight."""
        return int(np.count_nonzero(self.active))

    @property
    def n_nonzero_coefs(self) -> int:
        """Number of nonzero weights of both layers and of the skip connection, biases apart.

        An active neuron has one for each input that it reads and one for each output that it goes
        to, a skip connection one for each pair of an input and an output. So what is counted of a
        dense network is all of its weights.
        """
        layers = (self.theta[self.active], self.direction[self.active], self.skip)
        return sum(int(np.count_nonzero(layer)) for layer in layers)

    @cached_property
    def used_features(self) -> npt.NDArray[np.intp]:
        """Sorted indices of the features that a neuron or the skip connection reads."""
        return np.flatnonzero((self.theta != 0).any(axis=0) | (self.skip != 0).any(axis=0))

    def evaluate(self, X: Any, *, max_bytes: int = MAX_BYTES, finite: bool = False) -> FloatArray:
        """Evaluate the network.

        Only active neurons and used features take part.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Inputs. A sparse matrix is made dense a chunk of rows at a time.
        max_bytes : int, default=2**19
            Bound on the memory for intermediate results (at least one row is taken at a time).
        finite : bool, default=False
            Whether X is known to have neither nan nor infinity. Then features that nothing reads
            may be multiplied by zero, where that is faster than to leave them out.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            The outputs: float32 for float32 inputs, else float64.
        """
        X = as_matrix(X, self.n_features)
        dtype = np.float32 if X.dtype == np.float32 else np.float64
        layout = self._layouts.get(dtype, finite=finite)
        n_rows = layout.rows_within(max_bytes, X)
        if X.shape[0] <= n_rows:
            return layout.outputs(dense_block(X, layout)).astype(dtype, copy=False)
        result = np.empty((X.shape[0], self.n_outputs), dtype)
        for rows in row_slices(X.shape[0], n_rows):
            result[rows] = layout.outputs(dense_block(X[rows], layout))
        return result

    def n_nonzero_weights(self, *, penalize_bias: bool = False, penalize_skip: bool = True) -> int:
        """Count the nonzero penalized weights: the path norm for p = 0.

        Parameters
        ----------
        penalize_bias : bool, default=False
            Whether nonzero biases count too.
        penalize_skip : bool, default=True
            Whether nonzero columns of the skip connection count too.

        Returns
        -------
        int
            The count.
        """
        return int(self.path_norm(0, penalize_bias=penalize_bias, penalize_skip=penalize_skip))

    def path_norm(
        self, p: float, *, penalize_bias: bool = False, penalize_skip: bool = True
    ) -> float:
        r"""Path norm :math:`R_p`.

        .. math:: R_p = \sum_{kj} |\theta_{kj}|^p + \sum_k |\beta_k|^p + \sum_j \|A_{:j}\|_2^p

        Parameters
        ----------
        p : float
            Exponent; for p = 0 the nonzero terms are counted.
        penalize_bias : bool, default=False
            Whether the sum over biases is part of it. Neurons that are zero everywhere, those
            with no input weight and no positive bias, are left out.
        penalize_skip : bool, default=True
            Whether the sum over columns of the skip connection is part of it.

        Returns
        -------
        float
            The path norm.
        """
        return self.price(
            partial(powers, p=p), penalize_bias=penalize_bias, penalize_skip=penalize_skip
        )

    def path_norm_by_feature(self, p: float, *, penalize_skip: bool = True) -> FloatArray:
        r"""Each feature's part :math:`\sum_k |\theta_{kj}|^p + \|A_{:j}\|_2^p` of the path norm.

        Parameters
        ----------
        p : float
            Exponent; for p = 0 the nonzero terms are counted.
        penalize_skip : bool, default=True
            Whether the skip connection is part of it.

        Returns
        -------
        ndarray of shape (n_features,)
            The parts, in float64. They sum to the path norm without biases.
        """
        return self.price_by_feature(partial(powers, p=p), penalize_skip=penalize_skip)

    def price(
        self,
        value: Callable[[FloatArray], FloatArray],
        *,
        penalize_bias: bool = False,
        penalize_skip: bool = True,
    ) -> float:
        r"""Sum of the prices of all penalized weights.

        .. math::

            \sum_{kj} g(|\theta_{kj}|) + \sum_k g(|\beta_k|) + \sum_j g(\|A_{:j}\|_2)

        For :math:`g(t) = t^p` it is the path norm.

        Parameters
        ----------
        value : callable
            The price g: maps an array of nonnegative float64 sizes, of any shape, to their prices,
            entry by entry. What is not there costs nothing: it maps 0 to 0.
        penalize_bias : bool, default=False
            Whether the sum over biases is part of it. Neurons that are zero everywhere, those
            with no input weight and no positive bias, are left out.
        penalize_skip : bool, default=True
            Whether the sum over columns of the skip connection is part of it.

        Returns
        -------
        float
            The price.

        See Also
        --------
        path_norm : The price of powers.
        """
        by_feature = self.price_by_feature(value, penalize_skip=penalize_skip)
        bias = self.bias[self._contributing] if penalize_bias else self.bias[:0]
        return float(by_feature.sum() + value(sizes(bias)).sum())

    def price_by_feature(
        self, value: Callable[[FloatArray], FloatArray], *, penalize_skip: bool = True
    ) -> FloatArray:
        r"""Each feature's part :math:`\sum_k g(|\theta_{kj}|) + g(\|A_{:j}\|_2)` of the price.

        Parameters
        ----------
        value : callable
            The price g, as for :meth:`price`.
        penalize_skip : bool, default=True
            Whether the skip connection is part of it.

        Returns
        -------
        ndarray of shape (n_features,)
            The parts. They sum to the price without biases.
        """
        by_feature = value(sizes(self.theta)).sum(axis=0)
        return by_feature + value(row_norms(self.skip.T)) if penalize_skip else by_feature

    def n_parameters(
        self,
        *,
        penalize_bias: bool = False,
        penalize_skip: bool = True,
        fit_intercept: bool = True,
    ) -> int:
        """Count the parameters that an interpolant needs at least one of for every sample.

        These are the nonzero penalized weights and the parameters that are free: unpenalized
        biases, the intercept, and the nonzero entries of an unpenalized skip connection. On given
        activation patterns each output is linear in at most that many numbers. So for labels
        drawn from any density, no network with fewer parameters than samples interpolates.

        Parameters
        ----------
        penalize_bias : bool, default=False
            Whether biases are penalized: nonzero ones count. Else every neuron's bias counts.
        penalize_skip : bool, default=True
            Whether the skip connection is penalized: its nonzero columns count. Else its nonzero
            entries do.
        fit_intercept : bool, default=True
            Whether the intercept is a parameter; it counts once for each output.

        Returns
        -------
        int
            The count.
        """
        count = self.n_nonzero_weights(penalize_bias=penalize_bias, penalize_skip=penalize_skip)
        if not penalize_bias:
            count += int(np.count_nonzero(self._contributing))
        if not penalize_skip:
            count += int(np.count_nonzero(self.skip))
        return count + (self.n_outputs if fit_intercept else 0)

    def compact(self, *, fold_constants: bool = True) -> Network:
        r"""Drop the neurons that have no input weight.

        Parameters
        ----------
        fold_constants : bool, default=True
            What becomes of the constants :math:`a_k \max(0, \beta_k)` of these neurons: they go
            into the intercept, or stay as neurons with nothing but a positive bias, for networks
            that have no intercept.

        Returns
        -------
        Network
            The same function.
        """
        if not fold_constants:
            return rewriting.select(self, self._contributing)
        return rewriting.select(self, self.active, intercept=self._constant)

    def merge(self, *, rtol: float = 1e-6) -> Network:
        r"""Merge neurons that have one direction and one ray.

        Neurons of one direction whose :math:`(\theta, \beta)` are positive multiples of each
        other become one neuron with their sum. The path norm never rises, since
        :math:`|s + t|^p \le |s|^p + |t|^p`.

        Parameters
        ----------
        rtol : float, default=1e-6
            Relative tolerance, entry by entry, for two directions or rays to be one. Zeros agree
            with zeros alone.

        Returns
        -------
        Network
            The same function, up to the tolerance.
        """
        return rewriting.merge(self, rtol)

    def fold_scaling(
        self,
        x_mean: npt.ArrayLike,
        x_scale: npt.ArrayLike,
        y_mean: npt.ArrayLike,
        y_scale: npt.ArrayLike,
    ) -> Network:
        """Go from standardized units to the original ones.

        This network maps ``(x - x_mean) / x_scale`` to ``(y - y_mean) / y_scale``; the result
        maps x to y.

        Parameters
        ----------
        x_mean, x_scale : array-like of shape (n_features,) or float
            Centre and positive scale of each feature.
        y_mean, y_scale : array-like of shape (n_outputs,) or float
            Centre and positive scale of each output.

        Returns
        -------
        Network
            A float64 network, since the units may be beyond float32. Zeros stay zeros.
        """
        return rewriting.fold_scaling(self, x_mean, x_scale, y_mean, y_scale)

    def skip_as_neurons(self, lower: npt.ArrayLike, upper: npt.ArrayLike) -> Network:
        r"""Write the skip connection as neurons that are on for all data in a box.

        Columns of the skip connection that agree in direction up to sign make one neuron, so with
        one output there is one. Its bias is subtracted from the intercept again.

        Parameters
        ----------
        lower, upper : array-like of shape (n_features,) or float
            Finite bounds of the data.

        Returns
        -------
        Network
            A network without skip connection, the same function in the box, with the same path
            norm.
        """
        return rewriting.skip_as_neurons(self, lower, upper)

    def fold_always_on(self, X: Any, *, max_bytes: int = MAX_BYTES) -> Network:
        """Fold the neurons that are linear on the data into the affine part.

        Neurons that are on for every row of X go into skip connection and intercept; those that
        are on for none, or have no input weight, go as well.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data.
        max_bytes : int, default=2**19
            Bound on the memory for intermediate results.

        Returns
        -------
        Network
            The same function on X.
        """
        network = self.compact()
        layout = network._layouts.get(np.float64)
        lowest, highest = layout.preactivation_range(as_matrix(X, self.n_features), max_bytes)
        return rewriting.fold_linear(network, lowest, highest)

    def balanced(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        r"""Weights :math:`(w, b, v)` of the neurons, with :math:`\|v_k\|_2 = \|w_k\|_2`.

        The path coordinates come back as :math:`a = v / \|v\|_2`, :math:`\theta = \|v\|_2 w` and
        :math:`\beta = \|v\|_2 b`. Neurons that are zero everywhere are left out; for one with
        nothing but a bias, :math:`\|v\|_2 = |b|`.

        Returns
        -------
        weights_in : ndarray of shape (n_features, n_kept)
            Input weights :math:`w_k` in columns.
        bias : ndarray of shape (n_kept,)
            Biases :math:`b_k`.
        weights_out : ndarray of shape (n_kept, n_outputs)
            Output weights :math:`v_k`.
        """
        return rewriting.balanced(rewriting.select(self, self._contributing))

    @cached_property
    def _contributing(self) -> npt.NDArray[np.bool_]:
        """Mask of the neurons that are not zero everywhere for want of input weights."""
        return self.active | (self.bias > 0)

    @cached_property
    def _constant(self) -> FloatArray:
        """The intercept and what neurons without input weight add to it, (n_outputs,)."""
        idle = ~self.active
        return self.intercept + np.maximum(self.bias[idle], 0.0) @ self.direction[idle]

    @cached_property
    def _layouts(self) -> Layouts:
        """What evaluation makes of the network."""
        return Layouts(
            direction=self.direction,
            theta=self.theta,
            bias=self.bias,
            skip=self.skip,
            constant=self._constant,
            active=self.active,
            features=self.used_features,
        )
