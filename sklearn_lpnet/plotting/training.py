"""The course of training, and the path of networks as alpha grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier

from ..estimators.inspection import network_of
from ..network.arrays import FloatArray
from .drawing import COLORS, INK, plain_log_scale, pyplot, stacked_axes


class HistoryDisplay:
    """The course of training: the loss above, the size of the network below.

    Use `from_estimator` to create it.

    Parameters
    ----------
    history : dict of list
        The attribute `history_` of an estimator.

    Attributes
    ----------
    ax_ : ndarray of two matplotlib Axes
        The upper and the lower axes.

    figure_ : matplotlib Figure
        The figure.
    """

    def __init__(self, *, history: dict[str, list[float]]) -> None:
        self.history = history

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, log_scale: bool = True) -> Self:
        """Draw the history of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator of this package
            The estimator.

        ax : sequence of two matplotlib Axes, default=None
            Where to draw the loss and the size. By default a new figure.

        log_scale : bool, default=True
            Whether losses and sizes are on logarithmic scales, where they are positive.

        Returns
        -------
        HistoryDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `estimator` is none of the estimators of this package.
        NotFittedError
            If it has not been fitted.
        ValueError
            If `ax` is not a sequence of two Axes.

        Examples
        --------
        >>> from sklearn_lpnet.plotting import HistoryDisplay
        >>> HistoryDisplay.from_estimator(model)  # doctest: +SKIP
        """
        pyplot()
        network_of(estimator)
        return cls(history=estimator.history_).plot(ax=ax, log_scale=log_scale)

    def plot(self, ax: Any = None, *, log_scale: bool = True) -> Self:
        """Draw.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, default=None
            Where to draw the loss and the size. By default a new figure.

        log_scale : bool, default=True
            Whether losses and sizes are on logarithmic scales, where they are positive.

        Returns
        -------
        HistoryDisplay
            This display.
        """
        self.ax_, self.figure_ = stacked_axes(ax)
        x = self.history["iteration"]
        panels = (
            (("objective", "objective"), ("loss", "loss")),
            (("n_nonzero_weights", "nonzero weights"), ("n_active_neurons", "active neurons")),
        )
        for axes, lines in zip(self.ax_, panels, strict=True):
            # The second is dashed, since with one feature the two sizes are the same.
            for (name, label), color, style in zip(lines, COLORS, ("-", "--"), strict=False):
                marker = "o" if len(x) < 3 else None
                axes.plot(x, self.history[name], style, color=color, label=label, marker=marker)
            if log_scale and all(np.min(self.history[name]) > 0 for name, _ in lines):
                plain_log_scale(axes)
            axes.legend(frameon=False, fontsize="small")
        self.ax_[0].set_ylabel("in units of training")
        self.ax_[1].set_ylabel("number")
        self.ax_[1].set_xlabel("iteration")
        return self


@dataclass(frozen=True)
class _Curve:
    """Scores along a path, with their standard errors if they are means."""

    label: str
    values: FloatArray
    error: FloatArray | None = None


class PathDisplay:
    """A regularization path: scores above, the size of the network below.

    Use `from_path` or `from_estimator` to create it.

    Parameters
    ----------
    path : LpPath
        The path.

    curves : list
        Scores along the path.

    score_label : str
        What the scores are.

    chosen : float or None
        The alpha that was chosen.

    Attributes
    ----------
    ax_ : ndarray of two matplotlib Axes
        The upper and the lower axes.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    sklearn_lpnet.lp_path : Fit a path.
    """

    def __init__(
        self, *, path: Any, curves: list[_Curve], score_label: str, chosen: float | None = None
    ) -> None:
        self.path = path
        self.curves = curves
        self.score_label = score_label
        self.chosen = chosen

    @classmethod
    def from_path(cls, path: Any, *, chosen: float | None = None, ax: Any = None) -> Self:
        """Draw a path.

        Parameters
        ----------
        path : LpPath
            The path.

        chosen : float, default=None
            An alpha to mark.

        ax : sequence of two matplotlib Axes, default=None
            Where to draw the scores and the size. By default a new figure.

        Returns
        -------
        PathDisplay
            The display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sklearn_lpnet.plotting import PathDisplay
        >>> path = lp_path(X, y)  # doctest: +SKIP
        >>> PathDisplay.from_path(path)  # doctest: +SKIP
        """
        pyplot()
        curves = [_Curve("training", path.scores)]
        if path.validation_scores is not None:
            curves.append(_Curve("validation", path.validation_scores))
        label = "accuracy" if is_classifier(path.estimators[0]) else "R²"
        return cls(path=path, curves=curves, score_label=label, chosen=chosen).plot(ax=ax)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Draw the path on which an estimator has made its choice.

        The mean score over the folds has a band of one standard error to either side. An
        information criterion is drawn in place of scores.

        Parameters
        ----------
        estimator : fitted LpReLURegressorCV or LpReLUClassifierCV
            The estimator.

        ax : sequence of two matplotlib Axes, default=None
            Where to draw the scores and the size. By default a new figure.

        Returns
        -------
        PathDisplay
            The display, for the exponent that was chosen.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `estimator` has no path.
        NotFittedError
            If it has not been fitted.

        Examples
        --------
        >>> from sklearn_lpnet.plotting import PathDisplay
        >>> PathDisplay.from_estimator(LpReLURegressorCV().fit(X, y))  # doctest: +SKIP
        """
        pyplot()
        network_of(estimator)
        if not hasattr(estimator, "path_"):
            raise TypeError(
                "estimator must be a fitted LpReLURegressorCV or LpReLUClassifierCV, got "
                f"{type(estimator).__name__}; draw the path of lp_path with PathDisplay.from_path."
            )
        table, path = estimator.cv_results_, estimator.path_
        rows = np.asarray(table["param_p"]) == estimator.p_
        if "criterion" in table:
            curves = [_Curve(estimator.selection.upper(), table["criterion"][rows])]
            label = estimator.selection.upper()
        else:
            curves = _fold_curves(table, rows, estimator.n_splits_)
            label = "accuracy" if is_classifier(estimator) else "R²"
            if estimator.scoring is None:
                curves.append(_Curve("training, all data", path.scores))
            else:
                label = estimator.scoring if isinstance(estimator.scoring, str) else "score"
        return cls(
            path=path, curves=curves, score_label=label, chosen=float(estimator.alpha_)
        ).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, default=None
            Where to draw the scores and the size. By default a new figure.

        Returns
        -------
        PathDisplay
            This display.
        """
        self.ax_, self.figure_ = stacked_axes(ax)
        alphas, (upper, lower) = self.path.alphas, self.ax_
        for curve, color in zip(self.curves, COLORS, strict=False):
            upper.plot(alphas, curve.values, ".-", color=color, label=curve.label)
            if curve.error is not None:
                band = curve.values - curve.error, curve.values + curve.error
                upper.fill_between(alphas, *band, color=color, alpha=0.2, linewidth=0)
        sizes = (
            ("nonzero weights", self.path.n_nonzero_weights),
            ("active neurons", self.path.n_active_neurons),
            ("features used", self.path.n_features_used),
        )
        for (label, size), color in zip(sizes, COLORS, strict=False):
            lower.step(alphas, size, where="mid", color=color, label=label)
        if (most := max(size.max() for _, size in sizes)) > 20:
            plain_log_scale(lower, with_zero=True)
        lower.set_ylim(0, 1.1 * most)
        if self.chosen is not None:
            for axes in self.ax_:
                axes.axvline(self.chosen, color=INK, linewidth=1, linestyle="--", zorder=1)
            upper.annotate(
                f"α = {self.chosen:.2g}",
                (self.chosen, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize="small",
            )
        upper.set_xscale("log")
        upper.set_ylabel(self.score_label)
        lower.set_ylabel("number")
        lower.set_xlabel(f"α  (p = {self.path.p:g})")
        style = {"fontsize": "small", "edgecolor": "none", "framealpha": 0.9, "borderpad": 0.2}
        lower.legend(**style)
        if [curve.label for curve in self.curves] != [self.score_label]:
            upper.legend(**style)
        return self


def _fold_curves(table: dict[str, Any], rows: np.ndarray, n_splits: int) -> list[_Curve]:
    """Mean score over the folds, with its standard error."""
    scores = np.array([table[f"split{k}_test_score"][rows] for k in range(n_splits)])
    error = scores.std(axis=0, ddof=1) / np.sqrt(n_splits) if n_splits > 1 else None
    return [_Curve(f"mean of {n_splits} folds ± standard error", scores.mean(axis=0), error)]
