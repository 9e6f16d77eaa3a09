"""The fitted function as a LaTeX formula."""

from __future__ import annotations

from typing import Any

from ..estimators.inspection import feature_names_of, network_of, output_labels_of
from .formula import (
    Notation,
    Term,
    decimal,
    formulas_of,
    mathrm,
    scientific,
    sufficient_digits,
)


def export_latex(estimator: Any, feature_names: Any = None, *, digits: int | None = 3) -> str:
    r"""Write the fitted function as a LaTeX formula.

    The formula is an ``aligned`` environment of amsmath, to be put into display mathematics. It
    shows the decision function of a classifier.

    Parameters
    ----------
    estimator : fitted estimator of this package
        The estimator.

    feature_names : sequence of str of length n_features, default=None
        Names of the features. By default those seen during fit, or :math:`x_0, x_1` and so on.

    digits : int, default=3
        Number of significant digits. Digits before the decimal point are never dropped, and
        features far from zero beside their spread get more digits. None writes all.

    Returns
    -------
    str
        The formula.

    Raises
    ------
    TypeError, NotFittedError, ValueError
        As `export_text` does.

    See Also
    --------
    export_text : The same as Python.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lpnet import LpReLURegressor
    >>> from sklearn_lpnet.export import export_latex
    >>> x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0])[:, None]
    >>> y = np.array([0.0, 0.0, 0.0, 1.0, 2.0, 3.0])
    >>> print(export_latex(LpReLURegressor(alpha=0).fit(x, y), ["dose"]))
    \begin{aligned}
    f(x) ={}& \max(0,\, \mathrm{dose})
    \end{aligned}
    """
    names = feature_names_of(estimator, feature_names)
    named = feature_names is not None or hasattr(estimator, "feature_names_in_")
    notation = Notation(
        number=scientific(decimal(sufficient_digits(estimator, digits))),
        names=[mathrm(name) if named else f"x_{{{name[1:]}}}" for name in names],
        product=r"\,",
        hinge=r"\max(0,\, {})",
    )
    rows: list[str] = []
    for label, formula in zip(_latex_labels(estimator), formulas_of(estimator), strict=True):
        lines = _wrapped(formula.affine, formula.hinges(notation))
        rows.append(f"f{label}(x) ={{}}& {notation.sum(lines[0])}")
        rows += [f"&{{}}{notation.sum(line, continues=True)}" for line in lines[1:]]
    body = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _latex_labels(estimator: Any) -> list[str]:
    if network_of(estimator).n_outputs == 1:
        return [""]
    labels = output_labels_of(estimator)
    return [f"_{{{mathrm(one) if isinstance(one, str) else one}}}" for one in labels]


def _wrapped(affine: list[Term], hinges: list[Term], per_line: int = 4) -> list[list[Term]]:
    """Some affine terms to a line, then a line for each neuron."""
    lines = [affine[start : start + per_line] for start in range(0, len(affine), per_line)]
    return [*lines, *([hinge] for hinge in hinges)] or [[]]
