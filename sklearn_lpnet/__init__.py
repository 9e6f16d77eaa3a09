"""Sparse single-hidden-layer ReLU networks by lp path-norm regularisation."""

import sys
from importlib import import_module

from .estimators.classifier import LpReLUClassifier
from .estimators.regressor import LpReLURegressor
from .selection.classifier_cv import LpReLUClassifierCV
from .selection.path import lp_path
from .selection.regressor_cv import LpReLURegressorCV

__version__ = "0.1.0"
__all__ = [
    "LpReLUClassifier",
    "LpReLUClassifierCV",
    "LpReLURegressor",
    "LpReLURegressorCV",
    "__version__",
    "lp_path",
]

# Names of modules in version 0.1.0, by which its pickles and `sklearn_lpnet.path.LpPath` are found.
for _former, _present in {
    "cv": "selection",
    "encoding": "estimators.targets",
    "path": "selection.path",
    "solvers.univariate": "solvers.splines.univariate",
}.items():
    sys.modules[f"{__name__}.{_former}"] = import_module(f"{__name__}.{_present}")
path = sys.modules[f"{__name__}.path"]
