"""The estimators: they encode targets, have a network trained, and decode its outputs."""

from .classifier import LpReLUClassifier
from .regressor import LpReLURegressor

__all__ = ["LpReLUClassifier", "LpReLURegressor"]
