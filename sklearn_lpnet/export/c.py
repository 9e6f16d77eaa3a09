"""The fitted function as a C function."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from sklearn.base import is_classifier

from ..estimators.inspection import feature_names_of, feature_units_of, network_of, output_labels_of
from ..network.network import Network
from .formula import (
    Notation,
    Term,
    c_literal,
    formulas_of,
    neurons_of,
)

_C_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_C_KEYWORDS = re.compile(
    "auto|break|case|char|const|continue|default|do|double|else|enum|extern|float|for|goto|if|"
    "inline|int|long|main|register|restrict|return|short|signed|sizeof|static|struct|switch|"
    "typedef|union|unsigned|void|volatile|while"
)


def to_c(
    estimator: Any,
    feature_names: Any = None,
    *,
    function_name: str = "predict",
    dtype: str = "float",
) -> str:
    """Write the fitted function as C99 without dependencies, for a microcontroller for instance.

    The function is ``void predict(const float x[n_features], float y[n_outputs])``: it reads the
    used features of a sample and writes what `predict` of a regressor or `decision_function` of a
    classifier returns. For two classes, a positive value speaks for the second; of more, the
    largest wins; and a label is on where its value is positive. It has no loops and no memory of
    its own, and only the nonzero weights are in it. NaN comes out where NaN goes in.

    Parameters
    ----------
    estimator : fitted estimator of this package
        The estimator.

    feature_names : sequence of str of length n_features, default=None
        Names of the features for the comment. By default those seen during fit.

    function_name : str, default="predict"
        Name of the function.

    dtype : {"float", "double"}, default="float"
        Type of inputs, outputs and arithmetic.

    Returns
    -------
    str
        The source of the function.

    Raises
    ------
    TypeError, NotFittedError
        As `export_text` does.
    ValueError
        If `feature_names` are too few, too many or repeated, `function_name` is not a name in C,
        `dtype` is neither of the two, or a weight is beyond the range of float.

    See Also
    --------
    to_onnx : For the runtimes of ONNX.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_lpnet import LpReLURegressor
    >>> from sklearn_lpnet.export import to_c
    >>> x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0])[:, None]
    >>> y = np.array([0.0, 0.0, 0.0, 1.0, 2.0, 3.0])
    >>> print(to_c(LpReLURegressor(alpha=0).fit(x, y), ["dose"]))
    /* Sparse ReLU network: 1 of 1 input, 1 neuron, 1 output.
     *
     * x[0]: dose
     */
    static float predict_relu(float z)
    {
        return z < 0.0f ? 0.0f : z;
    }
    <BLANKLINE>
    void predict(const float x[1], float y[1])
    {
        const float h0 = predict_relu(x[0]);
    <BLANKLINE>
        y[0] = h0;
    }
    <BLANKLINE>
    """
    if not _C_NAME.fullmatch(function_name) or _C_KEYWORDS.fullmatch(function_name):
        raise ValueError(f"function_name must be a name in C, got {function_name!r}.")
    if dtype not in ("float", "double"):
        raise ValueError(f"dtype must be 'float' or 'double', got {dtype!r}.")
    names = feature_names_of(estimator, feature_names)
    network, formulas = network_of(estimator), formulas_of(estimator)
    notation = Notation(
        number=c_literal(dtype),
        names=[f"x[{j}]" for j in range(network.n_features)],
        product=" * ",
        hinge=f"{function_name}_relu({{}})",
    )
    body = []
    for k, neuron in enumerate(neurons_of(network, feature_units_of(estimator))):
        body.append(_c_statement(f"const {dtype} h{k} = {neuron.text(notation)};"))
    if body:
        body.append("")
    for k, formula in enumerate(formulas):
        hidden: list[Term] = [(a, f"h{neuron.rank}") for a, neuron in formula.neurons]
        body.append(_c_statement(f"y[{k}] = {notation.sum(formula.affine + hidden)};"))
    if not len(network.used_features):
        body.append("    (void)x;")
    signature = f"const {dtype} x[{network.n_features}], {dtype} y[{network.n_outputs}]"
    source = [
        *_c_comment(network, names, estimator),
        *(_c_relu(function_name, dtype) if network.n_neurons else []),
        f"void {function_name}({signature})",
        "{",
        *body,
        "}",
    ]
    return "\n".join(source) + "\n"


def _c_comment(network: Network, names: list[str], estimator: Any) -> list[str]:
    """What the function reads and writes."""
    used = network.used_features
    read, neurons, outputs = (
        f"{len(used)} of {_counted(network.n_features, 'input')}",
        _counted(network.n_neurons, "neuron"),
        _counted(network.n_outputs, "output"),
    )
    lines = [f"/* Sparse ReLU network: {read}, {neurons}, {outputs}.", " *"]
    lines += [f" * x[{j}]: {_harmless(names[j])}" for j in used]
    if is_classifier(estimator):
        meaning = "positive speaks for" if network.n_outputs == 1 else "decision function of"
        labels = enumerate(output_labels_of(estimator))
        lines += [f" * y[{k}]: {meaning} {_harmless(repr(label))}" for k, label in labels]
    return [*lines, " */"]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _harmless(text: str) -> str:
    """Text that cannot end a comment, or begin another."""
    printable = ascii(text)[1:-1]
    return printable.replace("*/", "* /").replace("/*", "/ *")


def _c_relu(function_name: str, dtype: str) -> list[str]:
    zero = "0.0f" if dtype == "float" else "0.0"
    return [
        f"static {dtype} {function_name}_relu({dtype} z)",
        "{",
        f"    return z < {zero} ? {zero} : z;",
        "}",
        "",
    ]


def _c_statement(statement: str) -> str:
    return textwrap.fill(
        statement,
        100,
        initial_indent=" " * 4,
        subsequent_indent=" " * 8,
        break_long_words=False,
        break_on_hyphens=False,
    )
