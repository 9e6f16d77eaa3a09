"""Cross-validation on a cluster of dask workers."""

import joblib
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_friedman1

from sklearn_lpnet import LpReLURegressorCV

distributed = pytest.importorskip("dask.distributed")


@pytest.mark.slow
def test_a_cluster_gives_the_same_answer_to_the_last_bit(tmp_path):
    X, y = make_friedman1(n_samples=150, n_features=6, noise=0.3, random_state=0)
    model = LpReLURegressorCV(n_alphas=6, n_neurons=20, max_iter=60, cv=3, random_state=0)
    alone = model.fit(X, y)
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(tmp_path),
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        together = LpReLURegressorCV(**model.get_params()).fit(X, y)
    assert together.alpha_ == alone.alpha_
    for name in ("direction", "theta", "bias", "intercept", "skip"):
        assert_array_equal(getattr(together.network_, name), getattr(alone.network_, name))
    for name, column in alone.cv_results_.items():
        assert_array_equal(together.cv_results_[name], column)
