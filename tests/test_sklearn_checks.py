"""scikit-learn's own checks, for several configurations of both estimators."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_lpnet import LpReLUClassifier, LpReLURegressor

# The checks fit many small data sets, for which few and short steps are enough.
SMALL = {"alpha": 1e-3, "n_neurons": 20, "max_iter": 200}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        LpReLURegressor(n_neurons=30, max_iter=300),
        LpReLURegressor(**SMALL, loss="huber", p=1.0, n_init=2, polish=False),
        LpReLURegressor(**SMALL, skip_connection=False, dtype="float64"),
        LpReLURegressor(**SMALL, penalize_bias=True, polish=False),
        LpReLURegressor(solver="adam", alpha=1e-3, n_neurons=30, max_iter=300),
        LpReLUClassifier(n_neurons=30, max_iter=300),
        LpReLUClassifier(**SMALL, loss="hinge", skip_connection=True, p=0.7),
        LpReLUClassifier(**SMALL, class_weight="balanced", skip_connection=False, polish=False),
        LpReLUClassifier(solver="adam", alpha=1e-3, n_neurons=30, max_iter=300),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
