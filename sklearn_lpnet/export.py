"""A fitted network as a formula, a C function, a PyTorch module, or an ONNX model.

Neither PyTorch nor ONNX is imported until it is asked for.
"""

from __future__ import annotations

import re
import textwrap
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from .formula import (
    Notation,
    Term,
    c_literal,
    decimal,
    formulas_of,
    identifiers,
    mathrm,
    neurons_of,
    scientific,
)
from .inspection import feature_names_of, feature_units_of, network_of, output_labels_of
from .network import Network

if TYPE_CHECKING:
    from .torch_module import SparseReLU

_C_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_C_KEYWORDS = re.compile(
    "auto|break|case|char|const|continue|default|do|double|else|enum|extern|float|for|goto|if|"
    "inline|int|long|main|register|restrict|return|short|signed|sizeof|static|struct|switch|"
    "typedef|union|unsigned|void|volatile|while"
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
        Number of significant digits. Digits before the decimal point are never dropped. None
        writes all, so that the line computes what the estimator predicts.

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
        number=decimal(_checked_digits(digits)),
        names=identifiers(feature_names_of(estimator, feature_names)),
        product="*",
        hinge="max(0, {})",
    )
    lines = _comments(estimator)
    for symbol, formula in zip(_symbols(estimator), formulas_of(estimator), strict=True):
        lines.append(f"{symbol} = {notation.sum(formula.affine + formula.hinges(notation))}")
    return "\n".join(lines)


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
        Number of significant digits. Digits before the decimal point are never dropped. None
        writes all.

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
        number=scientific(decimal(_checked_digits(digits))),
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


def to_torch(estimator: Any) -> SparseReLU:
    """Return the network as a PyTorch module.

    The module has the active neurons and used features alone, in float64. Its outputs are those
    of `predict` of a regressor, or `decision_function` of a classifier, with the same shape;
    probabilities are the sigmoid of them, or the softmax for more than two classes. It can be
    saved, scripted, moved and trained on, but training fills the zeros among the weights of
    features that some neuron uses.

    Parameters
    ----------
    estimator : fitted estimator of this package
        The estimator.

    Returns
    -------
    torch.nn.Module
        Takes a tensor of shape (n_samples, n_features).

    Raises
    ------
    TypeError, NotFittedError
        As `export_text` does.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_lpnet import LpReLURegressor
    >>> from sklearn_lpnet.export import to_torch
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LpReLURegressor(random_state=0).fit(X, y)
    >>> module = to_torch(model)
    >>> bool(torch.allclose(module(torch.from_numpy(X)), torch.from_numpy(model.predict(X))))
    True
    """
    from .torch_module import SparseReLU

    network = network_of(estimator)
    return SparseReLU(network, flat=_predicts_vectors(estimator))


def to_onnx(estimator: Any, X: Any, *, target_opset: Any = None) -> Any:
    """Convert the estimator, or a Pipeline that holds one, to ONNX.

    A regressor has the output "variable" of shape (n_samples, n_outputs). A classifier has
    "label", of int64 or string, and "probabilities" of shape (n_samples, n_classes); with
    ``loss="hinge"``, which gives no probabilities, their place is taken by the decision function,
    for two classes with its negative as the first column, as scikit-learn's LinearSVC has it.

    Parameters
    ----------
    estimator : fitted estimator of this package, or Pipeline
        The estimator.

    X : array-like of shape (n_samples, n_features)
        Some data, of which the first row is looked at. The model takes and computes in float64
        where X is float64, else float32 (in a Pipeline, what skl2onnx makes of it).

    target_opset : int or dict, default=None
        Version of the operators of ONNX, by default the latest that skl2onnx knows.

    Returns
    -------
    onnx.ModelProto
        The model.

    Raises
    ------
    ImportError
        If skl2onnx or onnx is not installed.
    TypeError
        If `estimator` is none of the estimators of this package.
    NotFittedError
        If it has not been fitted.
    ValueError
        If X has another number of features, or a weight is beyond the range of float32 and X is
        not float64.

    See Also
    --------
    register_onnx_converters : For functions of skl2onnx itself.

    Examples
    --------
    >>> from sklearn_lpnet.export import to_onnx
    >>> onnx_model = to_onnx(model, X_train[:1])  # doctest: +SKIP
    >>> with open("model.onnx", "wb") as file:  # doctest: +SKIP
    ...     file.write(onnx_model.SerializeToString())
    """
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    n_features = network_of(last).n_features
    register_onnx_converters()
    if last is estimator:
        X = _first_row(X, n_features)
    options = {id(last): {"zipmap": False}} if is_classifier(last) else None
    skl2onnx = _optional("skl2onnx")
    return skl2onnx.to_onnx(estimator, X[:1], target_opset=target_opset, options=options)


def register_onnx_converters() -> None:
    """Teach skl2onnx to convert the estimators of this package.

    Needed once before functions of skl2onnx such as ``skl2onnx.to_onnx(pipeline, X)``, for
    pipelines, stacking or voting that hold one. `to_onnx` calls it. Importing this module does
    not, since it would import skl2onnx.

    As for other classifiers, skl2onnx has the options "zipmap" and "raw_scores".

    Raises
    ------
    ImportError
        If skl2onnx or onnx is not installed.

    Examples
    --------
    >>> import skl2onnx  # doctest: +SKIP
    >>> from sklearn_lpnet.export import register_onnx_converters
    >>> register_onnx_converters()  # doctest: +SKIP
    >>> onnx_model = skl2onnx.to_onnx(pipeline, X_train[:1])  # doctest: +SKIP
    """
    _optional("onnx")
    skl2onnx = _optional("skl2onnx")
    from .cv import LpReLUClassifierCV, LpReLURegressorCV
    from .estimators import LpReLUClassifier, LpReLURegressor
    from .onnx_converters import (
        classifier_shapes,
        convert_classifier,
        convert_regressor,
        regressor_shapes,
    )

    for regressor in (LpReLURegressor, LpReLURegressorCV):
        skl2onnx.update_registered_converter(
            regressor,
            f"SklearnLpnet{regressor.__name__}",
            regressor_shapes,
            convert_regressor,
        )
    for classifier in (LpReLUClassifier, LpReLUClassifierCV):
        skl2onnx.update_registered_converter(
            classifier,
            f"SklearnLpnet{classifier.__name__}",
            classifier_shapes,
            convert_classifier,
            options={
                "zipmap": [True, False, "columns"],
                "output_class_labels": [False, True],
                "nocl": [True, False],
                "raw_scores": [True, False],
            },
        )


def _checked_digits(digits: int | None) -> int | None:
    if digits is None or (isinstance(digits, int | np.integer) and digits >= 1):
        return digits
    raise ValueError(f"digits must be a positive integer or None, got {digits!r}.")


def _symbols(estimator: Any) -> list[str]:
    """What stands on the left of each line of Python."""
    symbol = "decision" if is_classifier(estimator) else "y"
    if network_of(estimator).n_outputs == 1:
        return [symbol]
    return [f"{symbol}[{label!r}]" for label in output_labels_of(estimator)]


def _latex_labels(estimator: Any) -> list[str]:
    if network_of(estimator).n_outputs == 1:
        return [""]
    labels = output_labels_of(estimator)
    return [f"_{{{mathrm(one) if isinstance(one, str) else one}}}" for one in labels]


def _comments(estimator: Any) -> list[str]:
    """What follows from the decision function of a classifier."""
    if not is_classifier(estimator):
        return []
    gives_probabilities = estimator.loss == "log_loss"
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
    return [f"# {probability}; {rule}" if gives_probabilities else f"# {rule}"]


def _wrapped(affine: list[Term], hinges: list[Term], per_line: int = 4) -> list[list[Term]]:
    """Some affine terms to a line, then a line for each neuron."""
    lines = [affine[start : start + per_line] for start in range(0, len(affine), per_line)]
    return [*lines, *([hinge] for hinge in hinges)] or [[]]


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


def _predicts_vectors(estimator: Any) -> bool:
    if is_classifier(estimator):
        return estimator._encoding.binary
    return estimator._flat_targets


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"Export to ONNX needs {name}, which is not installed: "
            "pip install 'sklearn-lpnet[export]'."
        ) from error


def _first_row(X: Any, n_features: int) -> np.ndarray:
    """A row of X as a matrix of float32 or float64."""
    row = X.tocsr()[:1].toarray() if sp.issparse(X) else np.asarray(X)[:1]
    if row.ndim != 2 or row.shape[1] != n_features:
        raise ValueError(f"X must have shape (n_samples, {n_features}), got {np.shape(X)}.")
    return row.astype(np.float64 if row.dtype == np.float64 else np.float32)
