"""The fitted function as a PyTorch module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import is_classifier

from ..estimators.inspection import network_of

if TYPE_CHECKING:
    from .pytorch_module import SparseReLU


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
    from .pytorch_module import SparseReLU

    network = network_of(estimator)
    return SparseReLU(network, flat=_predicts_vectors(estimator))


def _predicts_vectors(estimator: Any) -> bool:
    if is_classifier(estimator):
        return estimator._encoding.binary
    return estimator._flat_targets
