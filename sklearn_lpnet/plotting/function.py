"""The fitted function of one or two features."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import is_classifier
from sklearn.utils.validation import check_consistent_length, validate_data

from ..estimators.inspection import feature_names_of, network_of, output_labels_of
from ..network.arrays import FloatArray
from ..network.network import Network
from .drawing import (
    COLORS,
    DATA,
    INK,
    MARKERS,
    NEGATIVE,
    POSITIVE,
    axes_and_figure,
    pyplot,
    round_levels,
    scatter,
    tint,
)


class FunctionDisplay:
    """The fitted function of one or two features, with its kinks and the data.

    Use `from_estimator` to create it.

    Parameters
    ----------
    features : list of int
        The one or two features of the picture.

    feature_names : list of str
        Their names.

    grid : list of ndarray
        Values of each feature.

    values : ndarray of shape (n_outputs, n_grid) or (n_outputs, n_grid_1, n_grid_0)
        Outputs of the network on the grid.

    kinks : ndarray of shape (n_neurons, n_features_shown + 1)
        Weights of the features and constant of each neuron.

    outgoing : ndarray of shape (n_neurons, n_outputs)
        Weights of the outputs of each neuron.

    points : ndarray of shape (n_samples, n_features_shown)
        The data.

    target : ndarray of shape (n_samples,) or (n_samples, n_outputs), or None
        The targets or classes.

    output_labels : list
        What the outputs stand for.

    classes : ndarray or None
        The classes of a classifier.

    held : str or None
        At what the other features are held, where the picture is a slice.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.

    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    NetworkDisplay : The network itself.
    """

    def __init__(
        self,
        *,
        features: list[int],
        feature_names: list[str],
        grid: list[FloatArray],
        values: FloatArray,
        kinks: FloatArray,
        outgoing: FloatArray,
        points: FloatArray,
        target: Any = None,
        output_labels: list[Any],
        classes: Any = None,
        held: str | None = None,
    ) -> None:
        self.features = features
        self.feature_names = feature_names
        self.grid = grid
        self.values = values
        self.kinks = kinks
        self.outgoing = outgoing
        self.points = points
        self.target = target
        self.output_labels = output_labels
        self.classes = classes
        self.held = held

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        features: Any = None,
        hold: str = "median",
        feature_names: Any = None,
        output: int | None = None,
        grid_resolution: int = 200,
        ax: Any = None,
    ) -> Self:
        """Draw the function of a fitted estimator over the range of some data.

        A network of one feature is drawn as a curve with a dot at each kink, one of two features
        as filled contours or decision regions with a line where each neuron bends. Of a
        classifier, a curve is the decision function.

        Parameters
        ----------
        estimator : fitted estimator of this package
            The estimator.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data, which give the range of the picture and are shown in it.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets or classes of the data. Without them the data are not shown.

        features : int, str or list of one or two of them, default=None
            Index or name of the features to draw. By default those that the network uses, if
            these are one or two. If it uses others as well, the picture is a slice: they are held
            at the same value everywhere, though the data differ in them.

        hold : {"median", "mean"}, default="median"
            Statistic of X that the other features are held at.

        feature_names : sequence of str of length n_features, default=None
            Names of the features. By default those seen during fit, or x0, x1 and so on.

        output : int, default=None
            The output to draw, of several. Needed for contours of two features, but for the
            decision regions of classes. By default curves of all are drawn.

        grid_resolution : int, default=200
            Number of grid points along each feature.

        ax : matplotlib Axes, default=None
            Where to draw. By default a new figure.

        Returns
        -------
        FunctionDisplay
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
            If the network uses more than two features and `features` are not given, or a
            parameter is out of range.

        Examples
        --------
        >>> from sklearn_lpnet.plotting import FunctionDisplay
        >>> FunctionDisplay.from_estimator(model, X, y)  # doctest: +SKIP
        """
        pyplot()
        network, names = network_of(estimator), feature_names_of(estimator, feature_names)
        if hold not in ("median", "mean"):
            raise ValueError(f"hold must be 'median' or 'mean', got {hold!r}.")
        if grid_resolution < 2:
            raise ValueError(f"grid_resolution must be at least 2, got {grid_resolution!r}.")
        X = validate_data(estimator, X, accept_sparse="csr", dtype=np.float64, reset=False)
        if y is not None:
            check_consistent_length(X, y)
        shown = _shown_features(network, names, features)
        outputs = _shown_outputs(estimator, network, output, len(shown))
        points = X[:, shown].toarray() if sp.issparse(X) else X[:, shown]
        center, held = _held(network, X, shown, hold)
        section = _section(network, shown, center)
        grid = [_padded_range(column, grid_resolution) for column in points.T]
        if len(shown) == 1:
            knots = -section.bias / section.theta[:, 0]
            inside = (knots > grid[0][0]) & (knots < grid[0][-1])
            grid = [np.union1d(grid[0], knots[inside])]
        mesh = np.stack([axis.ravel() for axis in np.meshgrid(*grid)], axis=1)
        values = section.evaluate(mesh).T.reshape(
            network.n_outputs, *[len(one) for one in grid][::-1]
        )
        labels = output_labels_of(estimator)
        display = cls(
            features=shown,
            feature_names=[names[j] for j in shown],
            grid=grid,
            values=values[outputs],
            kinks=np.column_stack([section.theta, section.bias]),
            outgoing=section.direction[:, outputs],
            points=points,
            target=_target(y, outputs, network.n_outputs),
            output_labels=[labels[k] for k in outputs],
            classes=_classes(estimator, outputs),
            held=held,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. By default a new figure.

        Returns
        -------
        FunctionDisplay
            This display.
        """
        self.ax_, self.figure_ = axes_and_figure(
            ax, (5.2, 3.6) if len(self.features) == 1 else (5.2, 4.2)
        )
        if len(self.features) == 1:
            self._plot_curves()
        elif self.classes is not None:
            self._plot_regions()
        else:
            self._plot_contours()
        self.ax_.set_xlabel(self.feature_names[0])
        if self.held:
            self.ax_.set_title(self.held, fontsize="small", color=INK)
        return self

    def _plot_curves(self) -> None:
        x, ax = self.grid[0], self.ax_
        all_knots = -self.kinks[:, 1] / self.kinks[:, 0]
        inside = (all_knots > x[0]) & (all_knots < x[-1])
        several = len(self.values) > 1
        for k, values in enumerate(self.values):
            color = COLORS[k % len(COLORS)]
            label = self._output_name(k) if several else None
            if self.target is not None and self.classes is None:
                target = self.target if self.target.ndim == 1 else self.target[:, k]
                scatter(ax, self.points[:, 0], target, color if several else DATA)
            knots = np.unique(all_knots[inside & (self.outgoing[:, k] != 0)])
            ax.plot(x, values, color=color, linewidth=1.8, label=label, zorder=3)
            ax.plot(
                knots,
                np.interp(knots, x, values),
                "o",
                color=color,
                markeredgecolor="white",
                markersize=6.5 if len(knots) < 40 else 3.5,
                markeredgewidth=1.0 if len(knots) < 40 else 0.3,
                zorder=4,
            )
        ax.set_xlim(x[0], x[-1])
        ax.set_ylabel("decision function" if self.classes is not None else "y")
        if self.classes is not None:
            self._plot_rug()
        if several or self.classes is not None:
            ax.legend(frameon=False, fontsize="small")

    def _output_name(self, k: int) -> str:
        if self.classes is not None:
            return str(self.output_labels[k])
        return "y" if self.output_labels == [0] else f"y[{self.output_labels[k]}]"

    def _plot_rug(self) -> None:
        """Marks for the data of each class along the lower edge."""
        ax = self.ax_
        if len(self.values) == 1:
            ax.axhline(0, color=INK, linewidth=0.8, linestyle=":")
        if self.target is None:
            return
        several = len(self.values) > 1
        low, high = ax.get_ylim()
        step = 0.035 * (high - low)
        for k, label in enumerate(self.classes):
            x = self.points[self.target == label, 0]
            ax.plot(
                x,
                np.full(len(x), low - (k + 1) * step),
                "|",
                color=_class_color(k, len(self.classes)),
                markersize=6,
                alpha=0.6,
                label=None if several else str(label),
            )
        ax.set_ylim(low - (len(self.classes) + 1) * step, high)

    def _plot_contours(self) -> None:
        values, ax = self.values[0], self.ax_
        filled = ax.contourf(*self.grid, values, levels=round_levels(values, 12), cmap="cividis")
        self._plot_kinks("white")
        if self.target is not None:
            target = self.target if self.target.ndim == 1 else self.target[:, 0]
            style = {"c": target, "cmap": filled.cmap, "norm": filled.norm}
            scatter(ax, *self.points.T, **style, edgecolors="white", linewidths=0.5, alpha=1)
        bar = self.figure_.colorbar(filled, ax=ax)
        bar.set_label(self._output_name(0))
        bar.outline.set_visible(False)
        self._finish_plane()

    def _plot_regions(self) -> None:
        from matplotlib.colors import ListedColormap

        ax, n_classes = self.ax_, len(self.classes)
        colors = [_class_color(k, n_classes) for k in range(n_classes)]
        margins = _margins(self.values)
        tints = ListedColormap([tint(color) for color in colors])
        region = margins.argmax(axis=0)
        ax.pcolormesh(*self.grid, region, cmap=tints, vmin=-0.5, vmax=n_classes - 0.5, zorder=0)
        for k, margin in enumerate(margins):
            if margin.max() > 0:
                # The mesh is coarse; contours interpolate.
                ax.contourf(*self.grid, margin, levels=[0, np.inf], colors=[tint(colors[k])])
        for margin in margins:
            if margin.min() < 0 < margin.max():
                ax.contour(*self.grid, margin, levels=[0], colors=[INK], linewidths=1.5)
        self._plot_kinks(INK)
        for k, label in enumerate(self.classes):
            if self.target is None:
                ax.plot([], [], "s", color=tint(colors[k]), label=str(label), markersize=9)
                continue
            rows = self.target == label
            scatter(
                ax,
                self.points[rows, 0],
                self.points[rows, 1],
                colors[k],
                marker=MARKERS[k % len(MARKERS)],
                edgecolors="white",
                linewidths=0.5,
                alpha=0.9,
                label=str(label),
            )
        style = {"fontsize": "small", "framealpha": 0.9, "edgecolor": "none"}
        if n_classes > 5:
            ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), **style)
        else:
            ax.legend(**style)
        self._finish_plane()

    def _plot_kinks(self, color: str) -> None:
        """A line where each neuron bends."""
        for *theta, bias in self.kinks[self.outgoing.any(axis=1)]:
            theta = np.array(theta)
            # The point of the line that is nearest to the middle, in units of the picture.
            span = np.array([one[-1] - one[0] for one in self.grid])
            middle = np.array([(one[-1] + one[0]) / 2 for one in self.grid])
            normal = theta * span
            point = middle - span * normal * (theta @ middle + bias) / (normal @ normal)
            along = np.array([-theta[1], theta[0]]) / np.abs(theta * span[::-1]).max()
            style = {"color": color, "linewidth": 1.0, "linestyle": "--", "alpha": 0.8}
            self.ax_.axline(point, point + along, **style)

    def _finish_plane(self) -> None:
        self.ax_.set_xlim(self.grid[0][[0, -1]])
        self.ax_.set_ylim(self.grid[1][[0, -1]])
        self.ax_.set_ylabel(self.feature_names[1])


def _shown_features(network: Network, names: list[str], features: Any) -> list[int]:
    """Indices of the one or two features to draw."""
    used = network.used_features.tolist()
    if features is None:
        if len(used) > 2:
            listed = ", ".join(repr(names[j]) for j in used)
            raise ValueError(
                f"The network uses {len(used)} features, {listed}, but a picture has room for two; "
                "choose one or two with features=[...], and the others are held at their median."
            )
        return used or [0]
    chosen = [features] if isinstance(features, int | np.integer | str) else list(features)
    unknown = [
        one for one in chosen if one not in (names if isinstance(one, str) else range(len(names)))
    ]
    if unknown or len(chosen) not in (1, 2):
        raise ValueError(
            f"features must be one or two names or indices of the {len(names)} features, got "
            f"{features!r}."
        )
    indices = [names.index(one) if isinstance(one, str) else int(one) for one in chosen]
    if len(set(indices)) < len(indices):
        raise ValueError(f"features must not repeat a feature, got {features!r}.")
    return indices


def _shown_outputs(estimator: Any, network: Network, output: int | None, n_shown: int) -> list[int]:
    """Indices of the outputs to draw."""
    everything = list(range(network.n_outputs))
    regions = is_classifier(estimator) and not estimator._encoding.multilabel
    if output is None:
        if n_shown == 2 and len(everything) > 1 and not regions:
            raise ValueError(
                f"A picture of two features has room for one of the {len(everything)} outputs; "
                "choose one with output=0, output=1 and so on."
            )
        return everything
    if regions:
        raise ValueError("output is for several targets or labels; classes are drawn together.")
    if output not in everything:
        raise ValueError(f"output must be one of {everything}, got {output!r}.")
    return [int(output)]


def _held(network: Network, X: Any, shown: list[int], hold: str) -> tuple[FloatArray, str | None]:
    """The values that other features are held at, and what to say about it."""
    others = np.setdiff1d(network.used_features, shown)
    center = np.zeros(network.n_features)
    if not len(others):
        return center, None
    columns = X[:, others].toarray() if sp.issparse(X) else X[:, others]
    center[others] = (np.median if hold == "median" else np.mean)(columns, axis=0)
    return center, f"other features at their {hold}"


def _section(network: Network, shown: list[int], center: FloatArray) -> Network:
    """The network as a function of the shown features alone."""
    rest = center.copy()
    rest[shown] = 0
    return Network(
        direction=network.direction,
        theta=network.theta[:, shown],
        bias=network.bias + network.theta @ rest,
        intercept=network.intercept + network.skip @ rest,
        skip=network.skip[:, shown],
    ).compact()


def _padded_range(values: FloatArray, n_points: int) -> FloatArray:
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low) or 0.5 * max(1.0, abs(low))
    return np.linspace(low - margin, high + margin, n_points)


def _target(y: Any, outputs: list[int], n_outputs: int) -> np.ndarray | None:
    """The targets of the shown outputs; a vector where there is one."""
    if y is None:
        return None
    y = np.asarray(y.toarray() if sp.issparse(y) else y)
    if y.ndim == 1:
        return y
    if y.shape[1] == n_outputs:
        y = y[:, outputs]
    return y[:, 0] if y.shape[1] == 1 else y


def _classes(estimator: Any, outputs: list[int]) -> Any:
    """What the data of a classifier are told apart by."""
    if not is_classifier(estimator):
        return None
    if estimator._encoding.multilabel:
        return np.array([0, 1]) if len(outputs) == 1 else np.array([])
    return estimator.classes_


def _margins(values: FloatArray) -> FloatArray:
    """By how much each class is ahead of the best of the others; in the plane of the grid."""
    if len(values) == 1:
        return np.concatenate([-values, values])
    first, second = np.sort(values, axis=0)[-1:-3:-1]
    return np.where(values == first, first - second, values - first)


def _class_color(k: int, n_classes: int) -> str:
    """Of two classes the second has the colour of positive values."""
    return (NEGATIVE, POSITIVE)[k] if n_classes == 2 else COLORS[k % len(COLORS)]
