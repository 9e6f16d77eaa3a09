"""The network as a diagram, and the importance of its features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..estimators.inspection import feature_names_of
from ..network.arrays import FloatArray
from .diagram import Diagram, column
from .drawing import DATA, INK, NEGATIVE, POSITIVE, axes_and_figure, pyplot

_DASHES = (0, (3, 1.2))


class NetworkDisplay:
    """A diagram of the network: inputs at the left, neurons, outputs at the right.

    Use `from_estimator` to create it.

    Parameters
    ----------
    diagram : Diagram
        Nodes and lines.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ImportanceDisplay : The features alone.
    sklearn_lpnet.export.export_text : The numbers.
    """

    def __init__(self, *, diagram: Diagram) -> None:
        self.diagram = diagram

    @classmethod
    def from_estimator(cls, estimator: Any, feature_names: Any = None, *, ax: Any = None) -> Self:
        """Draw the network of a fitted estimator.

        Only active neurons and used features are there. The colour of a line is the sign of its
        weight. Its width is its part of the path norm in the units of training, so that the lines
        of features in different units compare; a neuron's output is as wide as its inputs
        together. The linear part of the function is dashed: it is a neuron without a bend, or
        with several outputs one for each of its features. Of two classes, the output speaks for
        the one that it is named after.

        Parameters
        ----------
        estimator : fitted estimator of this package
            The estimator.

        feature_names : sequence of str of length n_features, default=None
            Names of the features. By default those seen during fit, or x0, x1 and so on.

        ax : matplotlib Axes, default=None
            Where to draw. By default a new figure.

        Returns
        -------
        NetworkDisplay
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
            If `feature_names` are too few, too many or repeated.

        Examples
        --------
        >>> from sklearn_lpnet.plotting import NetworkDisplay
        >>> NetworkDisplay.from_estimator(model)  # doctest: +SKIP
        """
        pyplot()
        return cls(diagram=Diagram.of(estimator, feature_names)).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. By default a new figure.

        Returns
        -------
        NetworkDisplay
            This display.
        """
        n_neurons, n_inputs = self.diagram.lines_in.shape
        n_outputs = len(self.diagram.outputs)
        height = float(max(n_inputs, n_neurons, n_outputs, 2))
        self.ax_, self.figure_ = axes_and_figure(ax, (6.4, 0.9 + 0.36 * height))
        self.ax_.set_axis_off()
        self._heights = [
            column(n_inputs, height),
            column(n_neurons, height),
            column(n_outputs, height, widest=max(1.6, 0.75 * height / n_outputs)),
        ]
        self._draw_lines(0, 1, self.diagram.lines_in.T, self.diagram.linear[None])
        self._draw_lines(1, 2, self.diagram.lines_out, self.diagram.linear[:, None])
        self._draw_nodes()
        self._draw_legend()
        self.ax_.set_xlim(-0.05, 2.1)
        self.ax_.set_ylim(-height / 2 - 0.1, height / 2 + 0.1)
        return self

    def _draw_lines(self, left: int, right: int, sizes: FloatArray, linear: Any) -> None:
        dashed = np.broadcast_to(linear, sizes.shape)
        for i, k in zip(*np.nonzero(sizes), strict=True):
            ends = self._heights[left][i], self._heights[right][k]
            self.ax_.plot(
                [left, right],
                ends,
                color=NEGATIVE if sizes[i, k] < 0 else POSITIVE,
                linewidth=0.7 + 4.5 * abs(sizes[i, k]) / self.diagram.largest,
                linestyle=_DASHES if dashed[i, k] else "-",
                solid_capstyle="round",
                alpha=0.75,
                zorder=1,
            )

    def _draw_nodes(self) -> None:
        from matplotlib.path import Path

        ax, (inputs, neurons, outputs) = self.ax_, self._heights
        glyphs = {
            False: Path([(-1.0, -0.45), (0.0, -0.45), (0.9, 0.75)]),
            True: Path([(-0.9, -0.7), (0.9, 0.7)]),
        }
        circle = {"markerfacecolor": "white", "markeredgecolor": INK, "zorder": 3}
        ax.plot(np.zeros(len(inputs)), inputs, "o", color=INK, markersize=5, zorder=3)
        ax.plot(np.ones(len(neurons)), neurons, "o", markersize=16, **circle)
        for linear, glyph in glyphs.items():
            here = neurons[self.diagram.linear == linear]
            style = {"markersize": 8, "markeredgecolor": INK, "markerfacecolor": "none"}
            ax.plot(np.ones(len(here)), here, marker=glyph, linestyle="none", zorder=4, **style)
        ax.plot(np.full(len(outputs), 2.0), outputs, "o", markersize=11, **circle)
        text_style = {"va": "center", "textcoords": "offset points", "color": INK}
        for name, y in zip(self.diagram.inputs, inputs, strict=True):
            ax.annotate(name, (0, y), (-7, 0), ha="right", **text_style)
        reached = (self.diagram.lines_out != 0).any(axis=0)
        for k, y in enumerate(outputs):
            name = self.diagram.outputs[k]
            text = name if reached[k] else f"{name}: constant {self.diagram.intercept[k]:.3g}"
            ax.annotate(text, (2, y), (10, 0), ha="left", **text_style)

    def _draw_legend(self) -> None:
        from matplotlib.lines import Line2D

        lines = [
            Line2D([], [], color=POSITIVE, linewidth=2.5, label="positive weight"),
            Line2D([], [], color=NEGATIVE, linewidth=2.5, label="negative weight"),
        ]
        if self.diagram.linear.any():
            lines.append(
                Line2D([], [], color=DATA, linewidth=2, linestyle=_DASHES, label="linear part")
            )
        if self.diagram.largest > 0:
            self.ax_.legend(
                handles=lines,
                loc="upper center",
                bbox_to_anchor=(0.5, 0.0),
                ncols=len(lines),
                frameon=False,
                fontsize="small",
            )


class ImportanceDisplay:
    """Bars for the importance of the features that a network uses.

    Use `from_estimator` to create it.

    Parameters
    ----------
    importances : ndarray of shape (n_shown,)
        Importances, the largest first.

    feature_names : list of str of length n_shown
        Names of these features.

    n_used : int
        Number of features that the network uses.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure.
    """

    def __init__(
        self, *, importances: FloatArray, feature_names: Sequence[str], n_used: int
    ) -> None:
        self.importances = importances
        self.feature_names = feature_names
        self.n_used = n_used

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        feature_names: Any = None,
        *,
        max_features: int = 20,
        ax: Any = None,
    ) -> Self:
        """Draw the feature importances of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator of this package
            The estimator.

        feature_names : sequence of str of length n_features, default=None
            Names of the features. By default those seen during fit, or x0, x1 and so on.

        max_features : int, default=20
            The most features to show.

        ax : matplotlib Axes, default=None
            Where to draw. By default a new figure.

        Returns
        -------
        ImportanceDisplay
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
            If `max_features` is not positive, or `feature_names` are too few, too many or
            repeated.

        Examples
        --------
        >>> from sklearn_lpnet.plotting import ImportanceDisplay
        >>> ImportanceDisplay.from_estimator(model)  # doctest: +SKIP
        """
        pyplot()
        if max_features < 1:
            raise ValueError(f"max_features must be at least 1, got {max_features!r}.")
        names, importances = (
            feature_names_of(estimator, feature_names),
            estimator.feature_importances_,
        )
        order = np.argsort(-importances, kind="stable")
        shown = order[importances[order] > 0][:max_features]
        return cls(
            importances=importances[shown],
            feature_names=[names[j] for j in shown],
            n_used=int(np.count_nonzero(importances)),
        ).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. By default a new figure.

        Returns
        -------
        ImportanceDisplay
            This display.
        """
        n_shown = len(self.importances)
        self.ax_, self.figure_ = axes_and_figure(ax, (5.2, 0.9 + 0.26 * max(n_shown, 2)))
        self.ax_.barh(range(n_shown), self.importances, height=0.7, color=POSITIVE)
        self.ax_.set_yticks(range(n_shown), self.feature_names)
        self.ax_.tick_params(axis="y", length=0)
        self.ax_.set_ylim(max(n_shown, 1) - 0.4, -0.6)
        self.ax_.set_xlim(left=0)
        if not n_shown:
            self.ax_.set_xlim(0, 1)
            self.ax_.text(0.5, 0.0, "no feature is used", ha="center", va="center", color=DATA)
        rest = f"  ({n_shown} of {self.n_used} features)" if self.n_used > n_shown else ""
        self.ax_.locator_params(axis="x", nbins=6)
        self.ax_.set_xlabel(f"share of the path norm{rest}")
        return self
