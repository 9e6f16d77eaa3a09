"""Choosing among networks: regularization paths, and estimators that choose along them."""

from .classifier_cv import LpReLUClassifierCV
from .path import LpPath, lp_path
from .regressor_cv import LpReLURegressorCV

__all__ = ["LpPath", "LpReLUClassifierCV", "LpReLURegressorCV", "lp_path"]
