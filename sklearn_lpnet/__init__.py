"""Sparse single-hidden-layer ReLU networks by lp path-norm regularisation."""

from .cv import LpReLUClassifierCV, LpReLURegressorCV
from .estimators import LpReLUClassifier, LpReLURegressor
from .path import lp_path

__version__ = "0.1.0"
__all__ = [
    "LpReLUClassifier",
    "LpReLUClassifierCV",
    "LpReLURegressor",
    "LpReLURegressorCV",
    "__version__",
    "lp_path",
]
