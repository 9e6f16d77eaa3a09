"""The fitted function as Python."""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier

from ..estimators.inspection import (
    feature_names_of,
    gives_probabilities,
    network_of,
    output_labels_of,
)
from .formula import (
    Notation,
    decimal,
    formulas_of,
    identifiers,
    sufficient_digits,
)


def export_text(estimator: Any, feature_names: Any = None, *, digits: int | None = 4) -> str:
    """Write the fitted function as a sum of terms ``max(0, ...)``.

    There is a line for each output, which is a Python assignment: a classifier's lines are its
    decision function, and comments say what follows from it. A neuron that reads a single feature
    is written with its knot, ``3.1*max(0, rm - 6.94)``. Terms come in the order of their share of
    the path norm in the units of training, linear ones first.

    Parameters
    ----------
    estimator : fitted estimator of this package
        The estimator.

    feature_names : sequence of str of length n_features, default=None
        Names of the features. By default those seen during fit, or x0, x1 and so on. What cannot
        be part of a Python name becomes an underscore, "petal width (cm)" petal_width_cm.

    digits : int, default=4
        Number of significant digits. Digits before the decimal point are never dropped, and
        features far from zero beside their spread get more digits. None writes all, so
        that the line computes what the estimator predicts.

    Returns
    -------
    str
        The formula.

    Raises
    ------
    TypeError
        If `estimator` is none of the estimators of this package.
    NotFittedError
        If it has not been fitted.
    ValueError
        If `feature_names` are too few, too many or repeated, or `digits` is not positive.

    See Also
    --------
    export_latex : The same for a publication.
    to_c : The same for a program.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lpnet import LpReLURegressor
    >>> from sklearn_lpnet.export import export_text
    >>> x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0])[:, None]
    >>> y = np.array([0.0, 0.0, 0.0, 1.0, 2.0, 3.0])
    >>> model = LpReLURegressor(alpha=0).fit(x, y)
    >>> print(export_text(model, ["dose"]))
    y = max(0, dose)
    """
    notation = Notation(
        number=decimal(sufficient_digits(estimator, digits)),
        names=identifiers(feature_names_of(estimator, feature_names)),
        product="*",
        hinge="max(0, {})",
    )
    lines = _comments(estimator)
    for symbol, formula in zip(_symbols(estimator), formulas_of(estimator), strict=True):
        lines.append(f"{symbol} = {notation.sum(formula.affine + formula.hinges(notation))}")
    return "\n".join(lines)


def _symbols(estimator: Any) -> list[str]:
    """What stands on the left of each line of Python."""
    symbol = "decision" if is_classifier(estimator) else "y"
    if network_of(estimator).n_outputs == 1:
        return [symbol]
    return [f"{symbol}[{label!r}]" for label in output_labels_of(estimator)]


def _comments(estimator: Any) -> list[str]:
    """What follows from the decision function of a classifier."""
    if not is_classifier(estimator):
        return []
    has_probabilities = gives_probabilities(estimator)
    if estimator._encoding.multilabel:
        rule = "label is predicted where decision[label] > 0"
        probability = "P(label) = 1/(1 + exp(-decision[label]))"
    elif estimator._encoding.binary:
        negative, positive = estimator.classes_.tolist()
        rule = f"{positive!r} is predicted where decision > 0, else {negative!r}"
        probability = f"P({positive!r}) = 1/(1 + exp(-decision))"
    else:
        rule = "the class of the largest decision is predicted"
        probability = "P(class) = exp(decision[class]) / (sum of exp(decision) over the classes)"
    return [f"# {probability}; {rule}" if has_probabilities else f"# {rule}"]
