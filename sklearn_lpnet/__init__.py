"""Sparse single-hidden-layer ReLU networks by lp path-norm regularisation."""

from .estimators import LpReLUClassifier, LpReLURegressor

__version__ = "0.1.0"
__all__ = ["LpReLUClassifier", "LpReLURegressor", "__version__"]
