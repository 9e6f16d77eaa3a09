"""What the displays share: axes, colours, and marks. matplotlib is imported when it is used."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Okabe and Ito's colours, which people see apart whatever their colour vision, and some of Tol's.
COLORS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"),
    *("#882255", "#999933", "#44AA99"),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
POSITIVE, NEGATIVE = COLORS[0], COLORS[1]
DATA, INK = "#8C8C8C", "#262626"


def pyplot() -> Any:
    """matplotlib's pyplot, or an error that says how to install it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Displays need matplotlib, which is not installed: pip install 'sklearn-lpnet[plot]'."
        ) from error
    return pyplot


def axes_and_figure(ax: Any, figsize: tuple[float, float]) -> tuple[Any, Any]:
    """The axes that were given, or new ones, without the lines that frame nothing."""
    if ax is None:
        _, ax = pyplot().subplots(figsize=figsize, layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    return ax, ax.figure


def stacked_axes(ax: Any) -> tuple[np.ndarray, Any]:
    """Two axes that share their x, given or new."""
    if ax is None:
        _, ax = pyplot().subplots(2, figsize=(5.2, 5.0), sharex=True, layout="constrained")
    elif np.shape(ax) != (2,):
        raise ValueError(
            "ax must be a sequence of two Axes, one above the other, such as those of "
            "plt.subplots(2, sharex=True)."
        )
    ax = np.asarray(ax)
    for axes in ax:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25, linewidth=0.6)
    return ax, ax[0].figure


def scatter(ax: Any, x: Any, y: Any, color: Any = None, **style: Any) -> None:
    """Points that shrink and fade as they get many."""
    options: dict[str, Any] = {
        "s": float(np.clip(4000 / max(len(x), 1), 6, 26)),
        "alpha": float(np.clip(200 / max(len(x), 1), 0.25, 0.7)),
        "linewidths": 0,
        "rasterized": len(x) > 5000,
        "zorder": 2,
    }
    if color is not None:
        options["color"] = color
    ax.scatter(x, y, **{**options, **style})


def tint(color: str, strength: float = 0.25) -> tuple[float, float, float]:
    """A pale version of a colour."""
    from matplotlib.colors import to_rgb

    red, green, blue = (1 - strength * (1 - channel) for channel in to_rgb(color))
    return red, green, blue


def round_levels(values: np.ndarray, n_levels: int) -> np.ndarray:
    """Round numbers that the values lie between."""
    from matplotlib.ticker import MaxNLocator

    low, high = float(values.min()), float(values.max())
    if low == high:
        margin = 0.5 * max(1.0, abs(low))
        low, high = low - margin, high + margin
    return np.asarray(MaxNLocator(n_levels).tick_values(low, high))


def plain_log_scale(ax: Any, *, with_zero: bool = False) -> None:
    """A logarithmic scale for y with labels such as 20 and 5000."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, SymmetricalLogLocator

    if with_zero:
        ax.set_yscale("symlog", linthresh=1, linscale=0.5)
        locator: Any = SymmetricalLogLocator(base=10, linthresh=1, subs=(1.0, 2.0, 5.0))
    else:
        ax.set_yscale("log")
        locator = LogLocator(subs=(1.0, 2.0, 5.0))
    ax.yaxis.set_major_locator(locator)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
