r"""
A search on a cluster
=====================

A search over parameters is many fits that do not need each other. Estimators of this package take
part in it as those of scikit-learn do: joblib spreads the work, over the cores of this machine or,
by one line, over a cluster of dask. This example searches for alpha on four folds, with two workers
of dask if it is installed (``pip install "sklearn-lpnet[distributed]"``), else with two processes
of joblib, and looks at who did what when.

The networks do not depend on where they were trained: a fit runs on one thread and on its own
random numbers, so that any number of workers gives the same answer to the last bit.
"""

import os
import threading
import time

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, KFold, cross_validate

from sklearn_lpnet import LpReLURegressor

try:
    from dask.distributed import Client, LocalCluster
except ImportError:
    Client = None

N_WORKERS, N_FOLDS = 2, 4
ALPHAS = np.geomspace(0.003, 0.3, 5)
X, y = load_diabetes(return_X_y=True, as_frame=True)
folds = KFold(N_FOLDS, shuffle=True, random_state=0)

# %%
# Alone
# -----
# The folds for one alpha, one after the other on this machine. They are there to compare with.

model = LpReLURegressor(n_neurons=30, random_state=0)
alone = cross_validate(clone(model).set_params(alpha=ALPHAS[1]), X, y, cv=folds)

# %%
# The cluster
# -----------
# These two workers are threads of this process, which is all that a page of documentation may ask
# for. For processes leave ``processes=False`` out, and put the script under
# ``if __name__ == "__main__":``. A cluster of many machines has an address,
# ``Client("tcp://scheduler:8786")``; nothing else changes.

if Client is None:
    print(f"dask is not installed: the search runs on {N_WORKERS} processes of joblib.")
    backend = {"backend": "loky", "n_jobs": N_WORKERS}
else:
    cluster = LocalCluster(
        n_workers=N_WORKERS, threads_per_worker=1, processes=False, dashboard_address=None
    )
    client = Client(cluster)
    print(f"dask: the search runs on {len(client.scheduler_info()['workers'])} workers.")
    backend = {"backend": "dask"}

# %%
# The search
# ----------
# The scorer returns, beside the score, when and by whom it was called, just after the fit.


def r2_and_whereabouts(estimator, X, y):
    """R², the time, and the process and thread at work."""
    score = estimator.score(X, y)
    return {
        "r2": score,
        "end": time.time(),
        "process": os.getpid(),
        "thread": threading.get_ident() % 2**31,
    }


search = GridSearchCV(
    model,
    {"alpha": ALPHAS},
    cv=folds,
    scoring=r2_and_whereabouts,
    refit="r2",
)
begin = time.time()
with joblib.parallel_config(**backend):
    search.fit(X, y)
best = search.best_estimator_
print(f"alpha = {best.alpha:.3g}: R² {search.best_score_:.3f} with {best.n_nonzero_coefs_} weights")

# %%
# For the alpha of the comparison every fold has the same score, to the last bit.

results = search.cv_results_
scores = np.array([results[f"split{k}_test_r2"] for k in range(N_FOLDS)])
print("scores agree:", np.array_equal(alone["test_score"], scores[:, 1]))

# %%
# Above the score of each fold, below the timeline: a bar ends when a fit does, and its colour is
# that of its alpha. The workers take the next fit as soon as they are done with one. On processes
# the first bars take the start of the workers as well, with the import of PyTorch.

ends, processes, threads = (
    np.array([results[f"split{k}_test_{name}"] for k in range(N_FOLDS)])
    for name in ("end", "process", "thread")
)
workers = np.stack([processes.ravel(), threads.ravel()], axis=1)
names, worker = np.unique(workers, axis=0, return_inverse=True)
worker = worker.reshape(ends.shape)
colors = plt.get_cmap("cividis")(np.linspace(0, 0.95, len(ALPHAS)))

fig, (upper, lower) = plt.subplots(
    2, figsize=(7, 5.6), height_ratios=(3, 1.3), layout="constrained"
)
upper.plot(ALPHAS, scores.T, color="#8C8C8C", linewidth=0.8)
upper.plot(ALPHAS, scores.mean(axis=0), color="black", linewidth=2, label="mean of the folds")
for k, color in enumerate(colors):
    upper.plot(np.full(N_FOLDS, ALPHAS[k]), scores[:, k], "o", color=color, zorder=3)
upper.set(xscale="log", xlabel="alpha", ylabel="R² on the fold left out")
upper.legend(frameon=False)
for k in range(len(names)):
    rows, columns = np.nonzero(worker == k)
    order = np.argsort(ends[rows, columns])
    stops = ends[rows, columns][order] - begin
    starts = np.concatenate([[0], stops[:-1]])
    lower.barh(
        np.full(len(stops), k),
        stops - starts,
        left=starts,
        height=0.7,
        color=colors[columns[order]],
        edgecolor="white",
    )
lower.set_yticks(range(len(names)), [f"worker {k + 1}" for k in range(len(names))])
lower.set(xlabel="time (s)", xlim=(0, None))
for ax in (upper, lower):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# The CV estimators spread in the same way, by ``parallel_config``: for them the unit of work is a
# path over all alphas, one for each fold and one for all data. On a path a fit goes on from that
# of the alpha before, so that it takes far less work than a search does.

if Client is not None:
    client.close()
    cluster.close()
