"""The fitted estimator as an ONNX model."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from ..estimators.inspection import network_of
from ..network.dates import refuse_dates


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
        If X has another number of features, a weight is beyond the range of float32 and X is not
        float64, or X is float64 and a step of the Pipeline, such as SimpleImputer, is for float32.

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
    if isinstance(estimator, TransformedTargetRegressor):
        raise TypeError(
            "skl2onnx has no converter of TransformedTargetRegressor, whose functions are Python. "
            "Convert its estimator.regressor_, and apply the inverse of the transformation to what "
            "the model returns."
        )
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    n_features = network_of(last).n_features
    register_onnx_converters()
    if last is estimator:
        X = _first_row(X, n_features)
    options = {id(last): {"zipmap": False}} if is_classifier(last) else None
    skl2onnx = _optional("skl2onnx")
    model = skl2onnx.to_onnx(estimator, X[:1], target_opset=target_opset, options=options)
    if last is not estimator:
        _check_runs(model, estimator)
    return model


def _check_runs(model: Any, pipeline: Pipeline) -> None:
    """Raise where skl2onnx has made operators for float32 alone of steps for float64."""
    import onnx

    inputs = [one.type.tensor_type.elem_type for one in model.graph.input]
    if onnx.TensorProto.DOUBLE not in inputs:
        return
    reason = ""
    if any(node.op_type == "Imputer" for node in model.graph.node):
        reason = "Imputer is there for float32 alone"
    try:
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except onnx.shape_inference.InferenceError:
        reason = reason or "float32 and float64 are mixed"
    if reason:
        steps = ", ".join(type(step).__name__ for _, step in pipeline.steps[:-1])
        raise ValueError(
            f"For float64 data skl2onnx makes a model of {steps} that ONNX Runtime cannot load: "
            f"{reason}. Convert for float32 data: to_onnx(pipeline, X.astype(np.float32))."
        )


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
    from ..estimators.classifier import LpReLUClassifier
    from ..estimators.regressor import LpReLURegressor
    from ..selection.classifier_cv import LpReLUClassifierCV
    from ..selection.regressor_cv import LpReLURegressorCV
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
    refuse_dates(X, "X")
    row = X.tocsr()[:1].toarray() if sp.issparse(X) else np.asarray(X)[:1]
    if row.ndim != 2 or row.shape[1] != n_features:
        raise ValueError(f"X must have shape (n_samples, {n_features}), got {np.shape(X)}.")
    return row.astype(np.float64 if row.dtype == np.float64 else np.float32)
