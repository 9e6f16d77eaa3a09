"""Converters of the estimators for skl2onnx, which is imported when one of them runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..estimators.inspection import gives_probabilities, network_of
from ..network.network import Network

if TYPE_CHECKING:
    from ..estimators.targets import LabelEncoding


def regressor_shapes(operator: Any) -> None:
    n_outputs = network_of(operator.raw_operator).n_outputs
    operator.outputs[0].set_type(_tensor_type(operator)([None, n_outputs]))


def classifier_shapes(operator: Any) -> None:
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    encoding = operator.raw_operator._encoding
    label_type = StringTensorType if _string_classes(encoding.classes) else Int64TensorType
    n_classes = len(encoding.classes)
    operator.outputs[0].set_type(label_type([None, n_classes] if encoding.multilabel else [None]))
    operator.outputs[1].set_type(_tensor_type(operator)([None, n_classes]))


def convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    graph = _Graph(scope, operator, container)
    graph.add("Identity", [graph.outputs_of(network_of(operator.raw_operator))], 0)


def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    classifier = operator.raw_operator
    encoding = classifier._encoding
    graph = _Graph(scope, operator, container)
    decision = graph.outputs_of(network_of(classifier))
    if encoding.binary:
        decision = graph.add("Concat", [graph.add("Neg", [decision]), decision], axis=1)
    graph.add_labels(decision, encoding)
    options = container.get_options(classifier, {"raw_scores": False})
    if options["raw_scores"] or not gives_probabilities(classifier):
        graph.add("Identity", [decision], 1)
    elif encoding.binary or encoding.multilabel:
        graph.add("Sigmoid", [decision], 1)
    else:
        graph.add("Softmax", [decision], 1, axis=1)


class _Graph:
    """The nodes of one operator of skl2onnx."""

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        from onnx import TensorProto
        from skl2onnx.common.data_types import DoubleTensorType

        self.scope, self.operator, self.container = scope, operator, container
        double = _tensor_type(operator) is DoubleTensorType
        self.float32 = TensorProto.FLOAT
        self.dtype = TensorProto.DOUBLE if double else self.float32
        self.int64, self.string = TensorProto.INT64, TensorProto.STRING

    def add(
        self, kind: str, inputs: list[str], output: int | None = None, **attributes: Any
    ) -> str:
        """Add a node, and return its result: an output of the operator, or something new."""
        if output is None:
            result = self.scope.get_unique_variable_name(kind.lower())
        else:
            result = self.operator.outputs[output].full_name
        name = self.scope.get_unique_operator_name(kind)
        self.container.add_node(kind, inputs, result, name=name, **attributes)
        return result

    def constant(self, values: np.ndarray, dtype: int | None = None) -> str:
        """Add an array, and return its name."""
        name = self.scope.get_unique_variable_name("constant")
        if dtype is None:
            dtype = self.dtype
            if dtype == self.float32:
                _check_float32(values)
        self.container.add_initializer(name, dtype, values.shape, values.ravel())
        return name

    def outputs_of(self, network: Network) -> str:
        """Add the network, and return the name of its outputs."""
        x = [self.add("Cast", [one.full_name], to=self.dtype) for one in self.operator.inputs]
        matrix = x[0] if len(x) == 1 else self.add("Concat", x, axis=1)
        # The constant network reads a feature too, with a weight of zero, for the number of rows.
        used = network.used_features if len(network.used_features) else np.array([0])
        features = self.constant(used.astype(np.int64), self.int64)
        matrix = self.add("Gather", [matrix, features], axis=1)
        outputs = self.constant(network.intercept)
        if network.skip.any() or not network.n_neurons:
            linear = self.add("MatMul", [matrix, self.constant(network.skip[:, used].T)])
            outputs = self.add("Add", [linear, outputs])
        if network.n_neurons:
            hidden = self.add("MatMul", [matrix, self.constant(network.theta[:, used].T)])
            hidden = self.add("Relu", [self.add("Add", [hidden, self.constant(network.bias)])])
            bent = self.add("MatMul", [hidden, self.constant(network.direction)])
            outputs = self.add("Add", [bent, outputs])
        return outputs

    def add_labels(self, decision: str, encoding: LabelEncoding) -> None:
        """Add what `predict` makes of the decision function, as the first output."""
        if encoding.multilabel:
            zero = self.constant(np.zeros(1))
            self.add("Cast", [self.add("Greater", [decision, zero])], 0, to=self.int64)
            return
        if _string_classes(encoding.classes):
            classes = np.array([str(label).encode() for label in encoding.classes], dtype=object)
            values = self.constant(classes, self.string)
        else:
            values = self.constant(encoding.classes.astype(np.int64), self.int64)
        largest = self.add("ArgMax", [decision], axis=1, keepdims=0)
        self.add("Gather", [values, largest], 0, axis=0)


def _tensor_type(operator: Any) -> Any:
    """Type of the numbers that the operator computes with: double if its inputs are."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    doubles = all(isinstance(one.type, DoubleTensorType) for one in operator.inputs)
    return DoubleTensorType if doubles else FloatTensorType


def _string_classes(classes: np.ndarray) -> bool:
    return all(isinstance(label, str) for label in classes.tolist())


def _check_float32(values: np.ndarray) -> None:
    """Refuse weights that would become zero or infinite."""
    limits = np.finfo(np.float32)
    size = np.abs(values[values != 0])
    if np.any((size < limits.tiny) | (size > limits.max)):
        raise ValueError(
            "A weight of the network is beyond the range of float32; convert it for float64 data: "
            "to_onnx(estimator, X.astype(np.float64))."
        )
