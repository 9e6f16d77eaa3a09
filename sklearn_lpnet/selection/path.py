"""The regularization path: networks from dense to empty, as alpha grows."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state

from ..estimators.base import BaseLpReLU
from ..network.network import Network

if TYPE_CHECKING:
    from ..fitting.path_following import Walk
    from ..fitting.settings import Settings


def lp_path(
    X: Any,
    y: Any,
    *,
    estimator: Any = None,
    p: float | None = None,
    alphas: Any = None,
    n_alphas: int = 30,
    sample_weight: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    **params: Any,
) -> LpPath:
    r"""Fit a network for every alpha of a grid, for less than a few single fits cost.

    One network is trained at the least alpha. From there alpha grows in small steps, and each
    network is thinned out to become the next one, until only the best constant is left. Of all
    networks on the way, every alpha of the grid gets the one with the least objective

    .. math:: F = L + \alpha R_p.

    So along the path the loss L never falls, and the path norm :math:`R_p` never rises.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training data.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.

    estimator : LpReLURegressor or LpReLUClassifier, default=None
        Its parameters are those of all networks; it is not fitted itself. By default
        ``LpReLURegressor()``. The solver must be "proximal" (or "auto"). Its `alpha` and
        `warm_start` have no meaning here, and early stopping is not available.

    p : float, default=None
        Exponent of the path norm, 0 < p <= 1. By default that of the estimator, 0.5.

    alphas : array-like of shape (n_alphas,), default=None
        The alphas, positive and increasing. By default the grid is geometric, from a tenth of
        what ``alpha="auto"`` stands for to the least alpha at which a constant is best.

    n_alphas : int, default=30
        Number of alphas of the automatic grid, at least 2.

    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples, nonnegative; integers are counts.

    X_val, y_val : array-like, default=None
        Data for the `validation_scores` of the path.

    **params : dict
        Other parameters to set on the estimator, such as ``random_state=0``.

    Returns
    -------
    LpPath
        The record of the path. Its `select` returns a fitted estimator.

    Raises
    ------
    ValueError
        If a parameter is out of range, `alphas` are not positive and increasing, or a path is not
        available for the estimator.

    See Also
    --------
    LpReLURegressorCV : Choose alpha by cross-validation.
    LpReLUClassifierCV : Choose alpha by cross-validation.
    sklearn.linear_model.lasso_path : The same for linear models.

    Notes
    -----
    The objective is not convex. A single fit at one alpha may find a network with a lower
    objective than the path has there, or with a higher one. The networks of a path begin with half
    of `n_neurons`, but with no fewer than 50 if there are so many. With ``polish=False``, or a loss
    that is not smooth, the walk makes gradient steps alone and ends with larger networks.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_lpnet import lp_path
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> path = lp_path(X, y, random_state=0)
    >>> len(path.alphas), int(path.n_nonzero_weights[-1])
    (30, 0)
    >>> model = path.select(max_features=2)
    >>> model.feature_names_in_[model.network_.used_features].tolist()
    ['bmi', 's5']
    """
    labels = np.ravel(y)
    if estimator is None and len(labels) and isinstance(labels[0], str):
        raise ValueError(
            f"y holds strings, such as {str(labels[0])!r}, and the default estimator is a "
            "regressor; use estimator=LpReLUClassifier()."
        )
    template = path_template(_configured(estimator, p, params))
    grid = checked_alphas(alphas, n_alphas)
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val belong together: give both, or neither.")
    data = template._encoded(X, y, sample_weight, reset=True)
    path, interrupted = path_of(
        template,
        *data,
        seed=seed_of(template),
        alphas=grid,
        n_alphas=n_alphas,
        sample_weight=None if sample_weight is None else np.asarray(sample_weight, np.float64),
    )
    if interrupted:
        warnings.warn(
            "The path was interrupted. It holds the best of the networks seen so far.",
            ConvergenceWarning,
            stacklevel=2,
        )
    if X_val is None:
        return path
    scores = [estimator.score(X_val, y_val) for estimator in path.estimators]
    return replace(path, validation_scores=np.array(scores))


@dataclass(frozen=True, eq=False, repr=False)
class LpPath:
    r"""Networks along increasing alphas, from dense to empty.

    Attributes
    ----------
    p : float
        Exponent of the path norm.

    alphas : ndarray of shape (n_alphas,)
        In increasing order. The network of the last one is constant, unless the alphas were given.

    scores : ndarray of shape (n_alphas,)
        Score on the training data: R² or accuracy.

    losses : ndarray of shape (n_alphas,)
        Mean loss L on the training data, which never falls; in the units of training.

    path_norms : ndarray of shape (n_alphas,)
        Path norm :math:`R_p`, which never rises; in the units of training (those of standardized
        data, with ``standardize=True``).

    objectives : ndarray of shape (n_alphas,)
        :math:`L + \alpha R_p`.

    n_active_neurons, n_nonzero_weights, n_features_used : ndarray of shape (n_alphas,)
        Size of each network.

    validation_scores : ndarray of shape (n_alphas,) or None
        Score on the validation data.

    estimators : tuple of estimators
        A fitted estimator for each alpha.

    See Also
    --------
    lp_path : Fit a path.
    """

    p: float
    alphas: np.ndarray
    scores: np.ndarray
    losses: np.ndarray
    path_norms: np.ndarray
    objectives: np.ndarray
    n_active_neurons: np.ndarray
    n_nonzero_weights: np.ndarray
    n_features_used: np.ndarray
    estimators: tuple[Any, ...]
    validation_scores: np.ndarray | None = None

    @property
    def n_nonzero_coefs(self) -> np.ndarray:
        """Nonzero weights of both layers and of the skip connection of each network."""
        return np.array([estimator.n_nonzero_coefs_ for estimator in self.estimators])

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks, in the units of X and y."""
        return tuple(estimator.network_ for estimator in self.estimators)

    def __len__(self) -> int:
        return len(self.alphas)

    def __repr__(self) -> str:
        shown = np.unique(np.linspace(0, len(self) - 1, 8).astype(int))
        lines = [
            f"LpPath: {type(self.estimators[0]).__name__}, p = {self.p:g}, "
            f"{len(self)} alphas from {self.alphas[0]:.3g} to {self.alphas[-1]:.3g}",
            "     alpha    score  neurons  weights  features",
        ]
        lines += [
            f"{self.alphas[i]:10.3g} {self.scores[i]:8.4f} {self.n_active_neurons[i]:8d} "
            f"{self.n_nonzero_weights[i]:8d} {self.n_features_used[i]:9d}"
            for i in shown
        ]
        return "\n".join(lines)

    def estimator_at(self, index: int) -> Any:
        """Return a copy of the fitted estimator of ``alphas[index]``.

        Parameters
        ----------
        index : int
            Index into `alphas`.

        Returns
        -------
        LpReLURegressor or LpReLUClassifier
            A fitted estimator with the parameter ``alpha=alphas[index]``.
        """
        return copy.deepcopy(self.estimators[index])

    def select(
        self,
        *,
        max_nonzero_coefs: int | None = None,
        max_nonzero_weights: int | None = None,
        max_active_neurons: int | None = None,
        max_features: int | None = None,
    ) -> Any:
        """Return the network of least training loss within a budget.

        Parameters
        ----------
        max_nonzero_coefs, max_nonzero_weights : int, default=None
            The most nonzero weights that the network may have; None for no bound. The first is
            about those of both layers (`n_nonzero_coefs_`), the second about the terms of the path
            norm (`n_nonzero_weights_`).

        max_active_neurons, max_features : int, default=None
            The most active neurons and features. A linear part has weights and features, but no
            neurons.

        Returns
        -------
        LpReLURegressor or LpReLUClassifier
            A fitted estimator.

        Raises
        ------
        ValueError
            If no network of the path is within the budget.
        """
        budgets = {
            "max_nonzero_coefs": (max_nonzero_coefs, self.n_nonzero_coefs),
            "max_nonzero_weights": (max_nonzero_weights, self.n_nonzero_weights),
            "max_active_neurons": (max_active_neurons, self.n_active_neurons),
            "max_features": (max_features, self.n_features_used),
        }
        within = np.ones(len(self), dtype=bool)
        for name, (most, size) in budgets.items():
            if most is None:
                continue
            if not most >= 0:
                raise ValueError(f"{name} must not be negative, got {most}.")
            within &= size <= most
        if not within.any():
            asked = ", ".join(
                f"{name}={most} (the least on the path is {size.min()})"
                for name, (most, size) in budgets.items()
                if most is not None
            )
            raise ValueError(
                f"No network of the path meets {asked}. Raise the budget, or extend alphas beyond "
                f"{self.alphas[-1]:.3g}."
            )
        # The loss never falls along the path.
        return self.estimator_at(int(np.flatnonzero(within)[0]))

    def to_frame(self) -> Any:
        """Return the path as a pandas DataFrame, with a row for each alpha.

        Returns
        -------
        pandas.DataFrame
            With columns named as the arrays of this record, in the singular.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "LpPath.to_frame needs pandas, which is not installed: pip install pandas."
            ) from error
        columns = {
            "alpha": self.alphas,
            "score": self.scores,
            "loss": self.losses,
            "path_norm": self.path_norms,
            "objective": self.objectives,
            "n_active_neurons": self.n_active_neurons,
            "n_nonzero_weights": self.n_nonzero_weights,
            "n_nonzero_coefs": self.n_nonzero_coefs,
            "n_features_used": self.n_features_used,
        }
        if self.validation_scores is not None:
            columns["validation_score"] = self.validation_scores
        return pd.DataFrame(columns)


def path_of(
    template: Any,
    X: Any,
    targets: np.ndarray,
    weight: np.ndarray,
    *,
    seed: int,
    alphas: np.ndarray | None,
    n_alphas: int,
    sample_weight: np.ndarray | None,
) -> tuple[LpPath, bool]:
    """Walk along the path of a template on encoded data; tell whether that was interrupted."""
    from ..fitting.path_following import walk
    from ..fitting.settings import Settings

    settings = Settings.of(template, template._loss())
    walked = walk(settings, X, targets, weight, seed=seed, alphas=alphas, n_alphas=n_alphas)
    scores = default_scores(
        template, [one.network for one in walked.trained], X, targets, sample_weight
    )
    return _record(template, settings, walked, scores), walked.interrupted


def path_template(estimator: Any) -> Any:
    """Check that there is a path for the estimator, and make it ready to be copied for each alpha.

    Its alpha is "auto" from here on.
    """
    if estimator.solver not in ("auto", "proximal"):
        raise ValueError(
            f"A path is not available for solver={estimator.solver!r}; use solver='proximal'."
        )
    if estimator.early_stopping:
        raise ValueError(
            "A path is not available for early_stopping=True; choose alpha on validation data "
            "instead."
        )
    estimator.set_params(alpha="auto")
    estimator._validate_params()
    if estimator.p == 0:
        raise ValueError("p must be in the range (0, 1] for a path, got p=0; use p=0.5.")
    estimator._check_before_fit()
    return estimator


def checked_alphas(alphas: Any, n_alphas: Any) -> np.ndarray | None:
    """The alphas as an array, None for an automatic grid of `n_alphas`."""
    if alphas is None:
        if not isinstance(n_alphas, Integral) or n_alphas < 2:
            raise ValueError(
                f"n_alphas must be an integer of at least 2, got {n_alphas!r}; for a single alpha "
                "fit the estimator itself."
            )
        return None
    try:
        grid = np.array(alphas, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"alphas must be an array of numbers, got {alphas!r}.") from error
    if grid.ndim != 1 or len(grid) == 0:
        raise ValueError(f"alphas must be a sequence of at least one number, got {alphas!r}.")
    if not np.all((grid > 0) & np.isfinite(grid)):
        raise ValueError(f"alphas must be positive and finite, got {alphas!r}.")
    if np.any(np.diff(grid) <= 0):
        raise ValueError(
            f"alphas must increase from one to the next, got {alphas!r}; use np.unique(alphas)."
        )
    return grid


def default_scores(
    estimator: Any,
    networks: list[Network],
    X: Any,
    targets: np.ndarray,
    sample_weight: np.ndarray | None,
) -> np.ndarray:
    """What the `score` of a fitted estimator would return for each network: R² or accuracy."""
    outputs = np.stack([network.evaluate(X) for network in networks])
    if is_classifier(estimator):
        encoding = estimator._encoding
        if encoding.one_by_one:
            correct = ((outputs > 0) == (targets > 0)).all(axis=2)
        else:
            correct = outputs.argmax(axis=2) == targets.argmax(axis=1)
        return np.average(correct, axis=1, weights=sample_weight)
    n_networks, n_samples, n_outputs = outputs.shape
    by_column = r2_score(
        np.tile(targets, (1, n_networks)),
        outputs.transpose(1, 0, 2).reshape(n_samples, -1),
        sample_weight=sample_weight,
        multioutput="raw_values",
    )
    return np.reshape(by_column, (-1, n_outputs)).mean(axis=1) * np.ones(n_networks)


def seed_of(estimator: Any) -> int:
    """The seed that a fit of the estimator would draw."""
    from ..fitting.single import draw_seed

    return draw_seed(check_random_state(estimator.random_state))


def _configured(estimator: Any, p: float | None, params: dict[str, Any]) -> Any:
    """A clone of the estimator with the parameters set."""
    from ..estimators.regressor import LpReLURegressor

    if estimator is None:
        estimator = LpReLURegressor()
    if not isinstance(estimator, BaseLpReLU) or "alpha" not in estimator.get_params():
        raise TypeError(
            f"estimator must be an LpReLURegressor or an LpReLUClassifier, got {estimator!r}."
        )
    if "alpha" in params:
        raise ValueError("alpha is not a parameter of a path; use alphas=[...].")
    return clone(estimator).set_params(**params, **({} if p is None else {"p": p}))


def _record(template: Any, settings: Settings, walked: Walk, scores: np.ndarray) -> LpPath:
    estimators = tuple(template._fitted_copy(settings, one) for one in walked.trained)
    return LpPath(
        p=float(settings.p),
        alphas=walked.alphas,
        scores=scores,
        losses=np.array([one.loss for one in walked.trained]),
        path_norms=np.array([one.path_norm for one in walked.trained]),
        objectives=np.array([one.objective for one in walked.trained]),
        n_active_neurons=np.array([fitted.n_active_neurons_ for fitted in estimators]),
        n_nonzero_weights=np.array([fitted.n_nonzero_weights_ for fitted in estimators]),
        n_features_used=np.array([len(fitted.network_.used_features) for fitted in estimators]),
        estimators=estimators,
    )
