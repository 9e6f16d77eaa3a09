"""What can be proven of a fitted network: that it interpolates, and that none is sparser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.spatial import cKDTree
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted, validate_data

from ..network.network import Network
from ..network.parametrization import Parametrization
from ..solvers.interpolation.points import distinct_points
from ..solvers.splines.univariate import univariate
from ..solvers.table import solver_of

FloatArray = npt.NDArray[np.float64]

#: Path norms that agree to this share are equal.
_SAME_NORM = 1e-9
#: Operations beyond which a check of the labels for coincidences is left out.
_MAX_WORK = 2e9


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is proven of a network about the data.

    A network is compared with all others of its kind, whatever their width: see `kind`.

    Attributes
    ----------
    certified : bool
        Whether the network interpolates, and is proven to have the fewest weights or the fewest
        parameters of all interpolants of its kind.
    claim : str
        What exactly is proven and on what assumption, or why nothing is.
    doubts : tuple of str
        What speaks against the assumption that the labels are in general position. If there is
        anything, no bound rests on it.
    kind : str
        The networks that are compared: what is penalized, and what is free.
    n_points : int
        Number N of distinct points.
    max_error : float
        Greatest absolute error.
    relative_error : float
        The same as a share of the spread of the labels (of their size if they are all equal).
    interpolates : bool
        Whether this share is within the tolerance.
    n_weights, weights_bound : int
        Number of nonzero penalized parameters, the path norm for p = 0, and the fewest that an
        interpolant can have.
    n_parameters, parameters_bound : int
        Number of these and of the free parameters, and the fewest that an interpolant can have.
    path_norm : float
        Path norm of the network for its p.
    path_norm_bound : float or None
        For one feature the least that an interpolant can have, attained with free biases and a
        free affine part. None for several features.
    """

    certified: bool
    claim: str
    doubts: tuple[str, ...]
    kind: str
    n_points: int
    max_error: float
    relative_error: float
    interpolates: bool
    n_weights: int
    weights_bound: int
    n_parameters: int
    parameters_bound: int
    path_norm: float
    path_norm_bound: float | None

    @property
    def weights_gap(self) -> int:
        """Weights above the bound."""
        return self.n_weights - self.weights_bound

    @property
    def parameters_gap(self) -> int:
        """Parameters above the bound."""
        return self.n_parameters - self.parameters_bound

    @property
    def path_norm_gap(self) -> float | None:
        """Path norm above the bound; None for several features."""
        return None if self.path_norm_bound is None else self.path_norm - self.path_norm_bound

    def __repr__(self) -> str:
        lines = [
            f"certified={self.certified}, interpolates={self.interpolates}, "
            f"relative_error={self.relative_error:.2g}",
            f"n_points={self.n_points}",
            f"n_weights={self.n_weights}, weights_bound={self.weights_bound}",
            f"n_parameters={self.n_parameters}, parameters_bound={self.parameters_bound}",
        ]
        if self.path_norm_bound is not None:
            lines.append(
                f"path_norm={self.path_norm:.6g}, path_norm_bound={self.path_norm_bound:.6g}"
            )
        lines.append(f"claim={self.claim!r}")
        return f"{type(self).__name__}(\n    " + ",\n    ".join(lines) + ",\n)"


def certificate(
    estimator: Any, X: npt.ArrayLike, y: npt.ArrayLike, *, tol: float = 1e-9
) -> Certificate:
    r"""Say whether a fitted network is proven to be a sparsest interpolant.

    Parameters
    ----------
    estimator : LpReLURegressor
        A fitted regressor with one output.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The data that it is to interpolate. Equal rows count once.
    y : array-like of shape (n_samples,)
        Their labels.
    tol : float, default=1e-9
        The network interpolates if it misses no label by more than this share of their spread.

    Returns
    -------
    Certificate
        A record with the verdict ``certified``, the ``claim`` in words, counts and bounds.

    See Also
    --------
    sparsity_bounds : Bounds that need no network.
    sparsest_interpolant_milp : A sparsest interpolant, for tiny data sets.

    Notes
    -----
    *Labels in general position.* A network with P parameters, those that are nonzero and
    penalized and those that are free, has outputs in one of finitely many linear spaces of
    dimension P at most: one for each choice of parameters and of activation patterns. If the
    labels, given X, are drawn from any density, they lie in none of those of dimension below N
    with probability one. So an interpolant has P ≥ N, and one with P = N has the fewest
    parameters. Where biases are penalized and nothing else is free, P is the path norm for p = 0.
    With free biases a neuron with one weight has two parameters, so that an interpolant may have
    fewer weights than another with fewer parameters; the bound on weights is about N / 2, and a
    network that meets the bound on parameters is certified for its number of parameters only.

    Nothing about given labels can show that they were drawn from a density, but it can be refuted:
    by equal labels, by neighbours on one hyperplane with their labels, by the network itself if
    its outputs are confined to a space of dimension below N. Then no bound rests on it.

    *One feature.* The fewest knots of an interpolant are known exactly, for all labels, from the
    recurrence of :func:`min_path_norm_interpolant` for p = 0, and so is the least path norm for
    the estimator's p. Every neuron makes one knot at most, so these are bounds for every kind of
    network. They are attained with free biases and a free affine part.

    The bounds are those for exact interpolants, the network is judged with the tolerance.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lpnet import LpReLURegressor
    >>> from sklearn_lpnet.theory import certificate, min_path_norm_interpolant
    >>> x, y = np.arange(-2, 4.0), [0, 0, 1, 1, 0, 0]
    >>> model = LpReLURegressor(p=0.4, skip_connection=True)
    >>> model.network_ = min_path_norm_interpolant(x, y, p=0.4).to_network()
    >>> certificate(model, x[:, None], y)
    Certificate(
        certified=True, interpolates=True, relative_error=0,
        n_points=6,
        n_weights=3, weights_bound=3,
        n_parameters=7, parameters_bound=7,
        path_norm=3.31951, path_norm_bound=3.31951,
        claim='No interpolant with free biases, an intercept and a free skip connection has
        fewer weights (3), for any labels. None has fewer parameters (7), for any labels.
        None has a smaller path norm, for any labels.',
    )
    """
    _check_tolerance(tol)
    estimator, network = _fitted(estimator)
    inputs, targets = validate_data(
        estimator, X, y, reset=False, accept_sparse="csr", dtype=np.float64, y_numeric=True
    )
    points, labels = distinct_points(
        inputs.toarray() if sparse.issparse(inputs) else inputs, targets
    )
    kind = _parametrization(estimator, network)
    error = float(np.abs(network.evaluate(points)[:, 0] - labels).max())
    relative_error = error / _scale(labels)
    interpolates = relative_error <= tol
    doubts = _doubts(network, kind, points, labels, tol, interpolates=interpolates)
    weights, parameters = _Bound.anyway(kind, points, labels)
    if not doubts:
        weights = weights.or_more(kind.fewest_weights(*points.shape))
        parameters = parameters.or_more(kind.fewest_parameters(*points.shape))
    n_weights, n_parameters = kind.n_weights(network), kind.n_parameters(network)
    proven = []
    if n_weights == weights.value:
        proven.append(weights.claim("weights"))
    if n_parameters == parameters.value:
        proven.append(parameters.claim("parameters"))
    certified = interpolates and bool(proven)
    p, path_norm_bound = float(estimator.p), None
    path_norm = kind.path_norm(network, p)
    if points.shape[1] == 1:
        path_norm_bound = univariate(points[:, 0], labels, p).cost
        if abs(path_norm - path_norm_bound) <= _SAME_NORM * path_norm_bound:
            proven.append("has a smaller path norm, for any labels.")
    return Certificate(
        certified=certified,
        claim=_claim(proven, str(kind), relative_error, tol, doubts, interpolates=interpolates),
        doubts=doubts,
        kind=str(kind),
        n_points=len(labels),
        max_error=error,
        relative_error=relative_error,
        interpolates=interpolates,
        n_weights=n_weights,
        weights_bound=weights.value,
        n_parameters=n_parameters,
        parameters_bound=parameters.value,
        path_norm=path_norm,
        path_norm_bound=path_norm_bound,
    )


@dataclass(frozen=True)
class _Bound:
    """A lower bound on a count, and whether it takes labels in general position."""

    value: int
    general_position: bool = False

    @classmethod
    def anyway(
        cls, parametrization: Parametrization, points: FloatArray, labels: FloatArray
    ) -> tuple[_Bound, _Bound]:
        """What holds for any labels, of weights and parameters."""
        varies = bool(np.any(labels != labels[0]))
        nonzero = bool(np.any(labels))
        weights = int(varies or (nonzero and not parametrization.constants_are_free))
        if parametrization.skip_is_free:
            weights = 0
        parameters = parametrization.fit_intercept + int(
            varies or (nonzero and not parametrization.fit_intercept)
        )
        if points.shape[1] == 1:
            knots = univariate(points[:, 0], labels, 0).n_knots
            weights = max(weights, parametrization.fewest_weights_for_knots(knots))
            parameters = max(parameters, parametrization.fewest_parameters_for_knots(knots))
        return cls(weights), cls(parameters)

    def or_more(self, value: int) -> _Bound:
        """The better of this bound and one for labels in general position."""
        return _Bound(value, general_position=True) if value > self.value else self

    def claim(self, name: str) -> str:
        """Sentence about a network that meets the bound."""
        condition = (
            "with probability one if the labels were drawn from a density"
            if self.general_position
            else "for any labels"
        )
        return f"has fewer {name} ({self.value}), {condition}."


def _check_tolerance(tol: Any) -> None:
    if not (isinstance(tol, Real) and 0 <= float(tol) < 1):
        raise ValueError(f"tol must be a number from 0 to below 1, got {tol!r}; 1e-9 is usual.")


def _fitted(estimator: Any) -> tuple[Any, Network]:
    """A fitted regressor and its network with one output, or an error."""
    if is_classifier(estimator):
        raise ValueError(
            "certificate is about the interpolation of real labels, got the classifier "
            f"{type(estimator).__name__}. Use it with LpReLURegressor."
        )
    check_is_fitted(estimator)
    estimator = getattr(estimator, "best_estimator_", estimator)
    network = getattr(estimator, "network_", None)
    if not isinstance(network, Network):
        raise ValueError(
            f"certificate needs a fitted LpReLURegressor, got {type(estimator).__name__}; pass "
            "the regressor itself, and the data as it sees them."
        )
    if network.n_outputs != 1:
        raise ValueError(
            f"certificate needs a network with one output, got one with {network.n_outputs}; fit "
            "a regressor for each column of y."
        )
    return estimator, network


def _parametrization(estimator: Any, network: Network) -> Parametrization:
    """What the estimator's parameters make of the counts; what the network has is there."""
    asked_for, becomes_neurons = solver_of(estimator).parametrization(estimator)
    if becomes_neurons:
        asked_for = replace(asked_for, skip="none")
    return asked_for.with_parts_of(network)


def _scale(labels: FloatArray) -> float:
    """Spread of the labels, or their size if they are all equal."""
    return float(np.ptp(labels)) or float(np.abs(labels).max()) or 1.0


def _doubts(
    network: Network,
    parametrization: Parametrization,
    points: FloatArray,
    labels: FloatArray,
    tol: float,
    *,
    interpolates: bool,
) -> tuple[str, ...]:
    """What speaks against labels in general position."""
    allowed = tol * _scale(labels)
    doubts = []
    equal = np.diff(np.sort(labels)) <= allowed
    if equal.any():
        ties = int(np.count_nonzero(np.append(equal, False) | np.append(False, equal)))
        doubts.append(f"{ties} labels are equal to another")
    flat = _flat_neighbourhoods(points, labels, allowed)
    if flat:
        doubts.append(f"{flat} neighbourhoods are on a hyperplane with their labels")
    if interpolates:
        dimension = _reach(network, parametrization, points)
        if dimension < len(labels):
            doubts.append(
                f"the network interpolates {len(labels)} points, though its parameters reach a "
                f"space of dimension {dimension} only"
            )
    return tuple(doubts)


def _flat_neighbourhoods(points: FloatArray, labels: FloatArray, allowed: float) -> int:
    """Number of groups of d + 2 neighbours whose labels are an affine function of the points."""
    n_points, n_features = points.shape
    size = n_features + 2
    if n_points < size or n_points * float(size) ** 3 > _MAX_WORK:
        return 0
    if n_features == 1:
        groups = np.arange(n_points - 2)[:, None] + np.arange(3)
    else:
        spread = np.ptp(points, axis=0)
        scaled = points / np.where(spread > 0, spread, 1.0)
        groups = cKDTree(scaled).query(scaled, size)[1]
    count = 0
    for part in np.array_split(groups, 1 + groups.size * size // 2**20):
        inside = points[part] - points[part].mean(axis=1, keepdims=True)
        width = np.abs(inside).max(axis=1, keepdims=True)
        inside = inside / np.where(width > 0, width, 1.0)
        basis = np.linalg.qr(np.concatenate([np.ones_like(inside[..., :1]), inside], axis=2))[0]
        target = labels[part] - labels[part].mean(axis=1, keepdims=True)
        rest = target - np.einsum("gij,gj->gi", basis, np.einsum("gij,gi->gj", basis, target))
        count += int(np.count_nonzero(np.abs(rest).max(axis=1) <= allowed))
    return count


def _reach(network: Network, parametrization: Parametrization, points: FloatArray) -> int:
    """Dimension of the outputs that the parameters reach on the activation patterns.

    Where the matrix is too large, the number of parameters, which is no less.
    """
    n_points, n_parameters = len(points), parametrization.n_parameters(network)
    if n_points * float(n_parameters) * min(n_points, n_parameters) > _MAX_WORK:
        return n_parameters
    theta, bias = network.theta.astype(np.float64), network.bias.astype(np.float64)
    active = points @ theta.T + bias > 0
    columns = [np.zeros((n_points, 0)), points[:, network.skip[0] != 0]]
    if parametrization.fit_intercept:
        columns.append(np.ones((n_points, 1)))
    for k in range(network.n_neurons):
        columns.append(active[:, k, None] * points[:, theta[k] != 0])
        if bias[k] != 0 or parametrization.has_free_biases:
            columns.append(active[:, k, None].astype(np.float64))
    matrix = np.hstack(columns)
    size = np.abs(matrix).max(axis=0, initial=0.0)
    return int(np.linalg.matrix_rank(matrix / np.where(size > 0, size, 1.0)))


def _claim(
    sentences: list[str],
    kind: str,
    relative_error: float,
    tol: float,
    doubts: tuple[str, ...],
    *,
    interpolates: bool,
) -> str:
    """The verdict in words."""
    if not interpolates:
        return (
            f"Nothing is proven: the network misses a label by {relative_error:.2g} of their "
            f"spread, more than tol={tol:g}."
        )
    if not sentences:
        text = f"The network interpolates, but is not proven sparsest among those with {kind}."
    else:
        first, *others = sentences
        text = " ".join([f"No interpolant with {kind} {first}", *(f"None {s}" for s in others)])
    if doubts and not sentences:
        text += f" The labels are not in general position: {'; '.join(doubts)}."
    return text
