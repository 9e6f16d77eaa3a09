"""scikit-learn's own checks, for several configurations of all estimators."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
)

# The checks fit many small data sets, for which few and short steps are enough.
SMALL = {"alpha": 1e-3, "n_neurons": 20, "max_iter": 200}
SMALL_PATH = {"alphas": [0.02, 0.03], "cv": 2, "n_neurons": 5, "max_iter": 30}

# What an interpolating network cannot do. Its first answer, which no clock can change, is checked.
INTERPOLATION = {
    "check_regressor_multioutput": "there is one output",
    "check_estimator_sparse_tag": "the data have equal rows with different labels",
    "check_estimator_sparse_array": "the data have equal rows with different labels",
    "check_estimator_sparse_matrix": "the data have equal rows with different labels",
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        LpReLURegressor(n_neurons=30, max_iter=300),
        LpReLURegressor(**SMALL, loss="huber", p=1.0, n_init=2, polish=False),
        LpReLURegressor(**{**SMALL, "alpha": 0.02}, skip_connection=False, dtype="float64"),
        LpReLURegressor(**SMALL, penalize_bias=True, polish=False),
        LpReLURegressor(solver="adam", alpha=1e-3, n_neurons=30, max_iter=300),
        LpReLURegressor(alpha=0, time_limit=1e-6),
        LpReLUClassifier(n_neurons=30, max_iter=300),
        LpReLUClassifier(**SMALL, loss="hinge", skip_connection=True, p=0.7),
        LpReLUClassifier(**SMALL, class_weight="balanced", skip_connection=False, polish=False),
        LpReLUClassifier(solver="adam", alpha=1e-3, n_neurons=30, max_iter=300),
        LpReLURegressorCV(**SMALL_PATH),
        LpReLUClassifierCV(**SMALL_PATH, selection="1se"),
    ],
    expected_failed_checks=lambda model: INTERPOLATION if vars(model).get("alpha") == 0 else {},
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
