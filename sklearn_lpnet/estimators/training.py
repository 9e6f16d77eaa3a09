"""How the estimators that train a single network do so: parameters, checks, fitted attributes."""

from __future__ import annotations

import copy
import warnings
from functools import partial
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from .base import BaseLpReLU
from .callbacks import TrainingTasks, has_callbacks

if TYPE_CHECKING:
    from ..fitting.outcome import Trained
    from ..fitting.settings import Settings


class TrainingMixin(BaseLpReLU):
    """What trains a single network, for regression and classification."""

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

    # What the next call to partial_fit goes on from.
    _partial_state: dict[str, Any] | None = None

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
