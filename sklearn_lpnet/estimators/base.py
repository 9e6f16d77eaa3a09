"""What the two estimators share: parameters, validation, training, fitted attributes."""

from __future__ import annotations

import copy
import math
import warnings
from abc import ABCMeta, abstractmethod
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..losses.table import LossRow
from ..network.network import Network
from .callbacks import CallbackSupportMixin, TrainingTasks, has_callbacks

if TYPE_CHECKING:
    from ..fitting.outcome import Trained
    from ..fitting.settings import Settings
    from ..losses.base import Loss
    from ..solvers.splines.univariate import Interpolant

#: Data types that are predicted for as they are.
_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


class BaseLpReLU(CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta):
    """What regression and classification share."""

    _parameter_constraints: dict[str, list[Any]] = {
        "p": [Interval(Real, 0, 1, closed="both")],
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "n_neurons": [Interval(Integral, 1, None, closed="left")],
        "solver": [StrOptions({"auto", "proximal", "adam", "vertex", "univariate"})],
        "penalize_bias": ["boolean"],
        "fit_intercept": ["boolean"],
        "skip_connection": [StrOptions({"auto", "penalized"}), "boolean"],
        "standardize": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "polish": ["boolean"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "device": [str],
        "dtype": [StrOptions({"float32", "float64"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    #: The losses by name, and the name of the penalty.
    _losses: ClassVar[dict[str, LossRow]]
    _penalty: ClassVar[str] = "lp"
    # What the next call to partial_fit goes on from.
    _partial_state: dict[str, Any] | None = None
    # What predicts in place of the network, for one feature and alpha = 0.
    _interpolant: Interpolant | None = None
    network_: Network

    @abstractmethod
    def _loss(self) -> Loss:
        """The loss, once the kind of targets is known."""

    @abstractmethod
    def _encoded(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        """Checked X, targets of shape (n_samples, n_outputs), and weights of the samples."""

    @property
    def n_active_neurons_(self) -> int:
        """Number of active neurons."""
        return self.network_.n_active_neurons

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Input and output weights of the active neurons in balanced form."""
        weights_in, _, weights_out = self.network_.balanced()
        return [weights_in, weights_out]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of the active neurons in balanced form, and the output intercept."""
        return [self.network_.balanced()[1], self.network_.intercept]

    @property
    def skip_coef_(self) -> np.ndarray:
        """Weights of the affine skip connection."""
        return self.network_.skip

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> None:
        """Train on data as the user gives them, and expose the network."""
        from ..fitting.settings import Settings
        from ..fitting.single import train

        reset = not (self.warm_start and hasattr(self, "network_"))
        encoded, targets, weight = self._encoded(X, y, sample_weight, reset=reset)
        start = None if reset else self.network_
        if start is not None and start.n_outputs != targets.shape[1]:
            raise ValueError(
                f"warm_start=True goes on from a network of {start.n_outputs} outputs, but y "
                f"now has {targets.shape[1]}; use warm_start=False."
            )
        settings = Settings.of(self, self._loss())
        tasks = None
        if has_callbacks(self):
            attributes = partial(self._fitted_attributes, settings)
            tasks = TrainingTasks(self, X, y, sample_weight, attributes)
        rng = check_random_state(self.random_state)
        if settings.solver.interpolates:
            from ..fitting.interpolation import interpolate

            if tasks is not None:
                tasks.begin()
            trained = interpolate(settings, encoded, targets, weight, rng=rng, start=start)
        else:
            trained = train(settings, encoded, targets, weight, rng=rng, start=start, tasks=tasks)
        self._partial_state = None
        self._expose(settings, trained)
        if trained.outcome.why:
            warnings.warn(trained.outcome.why, ConvergenceWarning, stacklevel=4)
        if tasks is not None:
            tasks.end()

    def _partial_fit(self, X: Any, targets: np.ndarray, weight: np.ndarray) -> None:
        """Make one pass over the rows, and expose the network."""
        from ..fitting.partial import train_partial
        from ..fitting.settings import Settings

        settings = Settings.of(self, self._loss())
        trained, self._partial_state = train_partial(
            settings,
            X,
            targets,
            weight,
            rng=check_random_state(self.random_state),
            state=self._partial_state,
        )
        self._expose(settings, trained)

    def _expose(self, settings: Settings, trained: Trained) -> None:
        """Set the attributes that every fit leaves behind."""
        for name, value in self._fitted_attributes(settings, trained).items():
            setattr(self, name, value)

    def _fitted_attributes(self, settings: Settings, trained: Trained) -> dict[str, Any]:
        """The attributes that a fit leaves behind, but for those that it learns of the data."""
        network, report = trained.network, trained.report
        parametrization = settings.parametrization
        return {
            "network_": network,
            "_interpolant": trained.interpolant,
            "alpha_": trained.alpha,
            "objective_": trained.objective,
            "path_norm_": parametrization.path_norm(network, settings.p),
            "n_nonzero_weights_": parametrization.n_weights(network),
            "n_parameters_": parametrization.n_parameters(network),
            "feature_importances_": trained.feature_importances,
            "n_iter_": report.n_iter,
            "history_": report.history,
            "validation_scores_": trained.validation_scores,
            "best_validation_score_": trained.best_validation_score,
        }

    def _fitted_copy(self, settings: Settings, trained: Trained) -> Self:
        """An estimator like this one, fitted with the alpha and the network of a training run."""
        fitted = copy.copy(self)
        if has_callbacks(fitted):
            # One of many results, with no fit of its own to follow.
            fitted.set_callbacks()
        fitted.alpha = trained.alpha
        fitted._expose(settings, trained)
        return fitted

    def _check_before_fit(self) -> None:
        """Raise what can be known to be wrong without looking at the data."""
        from ..fitting.settings import Settings

        self._check_interpolation()
        settings = Settings.of(self, self._loss())
        reason = settings.solver.refuses(settings)
        if reason is not None:
            raise ValueError(reason)

    def _check_interpolation(self) -> None:
        """Raise for what goes with alpha = 0 alone, or does not go with it."""
        if self.alpha != 0:
            if self.p == 0:
                raise ValueError(
                    "p=0 counts weights, which can be minimized for alpha=0 alone; use a positive "
                    "p such as p=0.5, or alpha=0."
                )
            return
        if not self._losses[self.loss].interpolates:
            raise ValueError(
                f"alpha=0 asks for interpolation, which is there for LpReLURegressor with "
                f"loss='squared_error', but loss={self.loss!r}; use a positive alpha."
            )
        if self.early_stopping:
            raise ValueError(
                "early_stopping=True holds out samples, but alpha=0 asks for interpolation of all "
                "of them; use early_stopping=False, or a positive alpha."
            )

    def _validated(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool, y_numeric: bool
    ) -> tuple[Any, Any, np.ndarray]:
        """Checked X, y and weights; X is float32 or float64, dense or CSR."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            multi_output=True,
            y_numeric=y_numeric,
            reset=reset,
        )
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        return (sp.csr_array(X) if sp.issparse(X) else X), y, usable_weights(weight)

    def _outputs(self, X: Any) -> np.ndarray:
        """Outputs of the network, of shape (n_samples, n_outputs)."""
        if not self._is_plainly_valid(X):
            check_is_fitted(self)
            X = validate_data(
                self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False
            )
        if self._interpolant is not None:
            x = X.toarray() if sp.issparse(X) else X
            return self._interpolant(x).astype(X.dtype)
        return self.network_.evaluate(X, finite=True)

    def _is_plainly_valid(self, X: Any) -> bool:
        """Whether X is what `validate_data` would return as it is, without a warning.

        That function takes ten times as long as a small network does for a hundred rows.
        """
        if not (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype in _FLOATS
            and X.size > 0
            and hasattr(self, "network_")
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        ):
            return False
        # The sum of squares is that of finite numbers; where it overflows there is a closer look.
        return math.isfinite(np.vdot(X, X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def usable_weights(weight: np.ndarray) -> np.ndarray:
    """Weights, or an error if they do not add up to a positive number."""
    if np.any(weight < 0):
        raise ValueError("class_weight must not be negative.")
    with np.errstate(over="ignore"):
        total = weight.sum()
    if not total > 0:
        raise ValueError("Sample weights must contain at least one non-zero number.")
    if not np.isfinite(total):
        raise ValueError("The sum of the sample weights is not finite; use smaller weights.")
    return weight


def trains_in_passes(estimator: Any) -> bool:
    if estimator.solver not in ("auto", "proximal"):
        raise AttributeError(
            f"partial_fit is not available for solver={estimator.solver!r}; use solver='proximal'."
        )
    if estimator.alpha == 0:
        raise AttributeError("partial_fit is not available for alpha=0; use fit.")
    if estimator.early_stopping:
        raise AttributeError("partial_fit is not available for early_stopping=True; use fit.")
    return True
