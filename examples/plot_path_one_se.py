"""
The path, and the rule of one standard error
============================================

How large should a network be? Cross-validation answers with the alpha of the best mean score. But
that mean has a standard error, for the folds differ, and within it smaller networks are as good.
The rule of one standard error takes the smallest of them.

The data are 442 patients with diabetes, ten measurements of each, and how far the disease has
progressed a year later.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold, train_test_split

from sklearn_lpnet import LpReLURegressorCV
from sklearn_lpnet.export import export_text
from sklearn_lpnet.plotting import FunctionDisplay, PathDisplay

BLUE, VERMILION, INK = "#0072B2", "#D55E00", "#262626"

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# A path on all of the training data gives the alphas, and a path on each fold their scores. The
# display shows the mean over the folds in a band of one standard error to either side, and the
# score on the data of training, which keeps rising where the network begins to learn the noise.
# The dashed line is the choice.

model = LpReLURegressorCV(
    selection="1se", cv=KFold(5, shuffle=True, random_state=1), random_state=0
).fit(X_train, y_train)

fig, axes = plt.subplots(2, figsize=(7, 5.4), sharex=True, layout="constrained")
PathDisplay.from_estimator(model, ax=axes)
plt.show()

# %%
# Scores against sizes
# --------------------
# The rule looks for the smallest network above a line, which is one standard error below the best
# mean. (The default, ``selection=0.005``, takes the smallest network whose error is at most 0.5%
# above the least. That saves less and gives less away.) The fitted estimator keeps the whole path,
# and with it the network of the best mean.

table, path = model.cv_results_, model.path_
scores = np.array([table[f"split{k}_test_score"] for k in range(model.n_splits_)])
mean, error = scores.mean(axis=0), scores.std(axis=0, ddof=1) / np.sqrt(len(scores))
best, chosen = mean.argmax(), model.best_index_
bound = mean[best] - error[best]

sizes = path.n_nonzero_coefs
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.axhspan(bound, mean[best], color=BLUE, alpha=0.1, linewidth=0)
ax.axhline(bound, color=BLUE, linewidth=1, linestyle="--")
ax.annotate(
    "within a standard error",
    (0.99, (bound + mean[best]) / 2),
    xycoords=("axes fraction", "data"),
    ha="right",
    va="center",
    color=BLUE,
)
# Of the networks of one size, the best; that of size 0 is a constant.
shown = [np.argmax(np.where(sizes == size, mean, -np.inf)) for size in np.unique(sizes[:-1])]
ax.errorbar(sizes[shown], mean[shown], error[shown], fmt="o-", color=INK, linewidth=1, capsize=3)
for index, text, color, ha in [
    (best, "best mean", BLUE, "left"),
    (chosen, "1se", VERMILION, "right"),
]:
    ax.plot(sizes[index], mean[index], "o", color=color, markersize=11, zorder=4)
    ax.annotate(
        f"{text}\n{sizes[index]} weights",
        (sizes[index], 1),
        (-8 if ha == "left" else 8, 3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha=ha,
        color=color,
        fontweight="bold",
    )
ax.set_xscale("log")
ticks = [1, 2, 5, 10, 20, 50, 100]
ax.set_xticks(ticks, [str(tick) for tick in ticks])
ax.minorticks_off()
ax.set_xlim(0.7, 1.2 * sizes.max())
ax.set(xlabel="nonzero weights", ylabel="R², mean of 5 folds ± standard error")
ax.spines[["top", "right"]].set_visible(False)
plt.show()

for name, index in [("best mean", best), ("1se", chosen)]:
    network = path.estimators[index]
    used = ", ".join(network.feature_names_in_[network.network_.used_features])
    score = network.score(X_test, y_test)
    print(f"{name}: {network.n_nonzero_coefs_} weights, test R² {score:.2f}, reads {used}")

# %%
# The choice
# ----------
# On the patients held out the small network scores less, as it does on the folds, by an amount that
# so few patients can hardly tell from none. In return it can be written down, and seen as a whole.
# The body mass index counts from the low twenties upwards, and s5, the logarithm of the
# triglycerides in the blood, up to 5.9. Dashed lines are the kinks, and dots the patients held out.

print(export_text(model))

fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
FunctionDisplay.from_estimator(model, X_test, y_test, ax=ax)
ax.set(xlabel="body mass index (kg/m²)", ylabel="s5, log of triglycerides")
fig.axes[-1].set_ylabel("progression of the disease")
plt.show()
