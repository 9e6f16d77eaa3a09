r"""
Sparse interpolants of one feature
==================================

Six points on a line, a peak and a plateau, can be interpolated by three ReLU neurons. Which
training method finds them? This example repeats the univariate experiment of [1]_ and sets the
exact solution beside it.

Compared are Adam without a penalty, AdamW, the reweighted soft threshold of [1]_ (Algorithm 1,
``solver="adam"``), and ``alpha=0``, which asks for the interpolant of least path norm

.. math::

    \sum_k |v_k w_k|^p

and computes it exactly, without a random start.

With the argument ``--full`` the script trains for the 100,000 epochs of the paper, which takes
about five minutes; by default it makes a tenth of that.

.. [1] J. Nakhleh and R. Nowak, "Global Minimizers of ℓp-Regularized Objectives Yield the Sparsest
   ReLU Neural Networks", arXiv:2505.21791, 2025.
"""

import sys
import time
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch

from sklearn_lpnet import LpReLURegressor
from sklearn_lpnet.theory import certificate, critical_p, minimizer_breakpoints

FULL = "--full" in sys.argv
N_EPOCHS = 100_000 if FULL else 10_000
N_NEURONS, LEARNING_RATE, LAMBDA = 80, 0.01, 0.003
EXPONENTS = (1.0, 0.7, 0.4)
N_STARTS = 5
#: The palette of Okabe and Ito.
COLORS = {
    "Adam": "#6e6e6e",
    "AdamW": "#cc79a7",
    "p = 1": "#e69f00",
    "p = 0.7": "#56b4e9",
    "p = 0.4": "#0072b2",
    "exact": "#d55e00",
}

torch.set_num_threads(1)  # the fastest for networks as small as these

X = np.arange(-2.0, 4.0)[:, np.newaxis]
y = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
grid = np.linspace(-3, 4, 1401)[:, np.newaxis]

# %%
# Adam and AdamW
# --------------
# A plain PyTorch loop, full batch, with the paper's learning rate. The weight decay of AdamW is λ.
# Neither makes a weight exactly zero, so a neuron counts as active if
# :math:`|v_k w_k| > 10^{-6}`.


def dense_network():
    """The same start for both: PyTorch's initialization, for the paper's seed."""
    torch.manual_seed(20)
    return torch.nn.Sequential(
        torch.nn.Linear(1, N_NEURONS), torch.nn.ReLU(), torch.nn.Linear(N_NEURONS, 1, bias=False)
    )


def n_active(network):
    """Number of neurons whose product of weights is not negligible."""
    hidden, _, output = network
    return int(((output.weight.T * hidden.weight).abs() > 1e-6).sum())


def train(network, optimizer):
    """Minimize the squared error; return epochs, evenly spaced in the logarithm, and counts."""
    inputs = torch.tensor(X, dtype=torch.float32)
    targets = torch.tensor(y, dtype=torch.float32)[:, None]
    look_at = np.unique(np.geomspace(1, N_EPOCHS, 100).astype(int))
    counts = []
    for epoch in range(1, N_EPOCHS + 1):
        optimizer.zero_grad()
        (0.5 * torch.nn.functional.mse_loss(network(inputs), targets)).backward()
        optimizer.step()
        if epoch in look_at:
            counts.append(n_active(network))
    return look_at, counts


def evaluate(network, inputs):
    """Predictions as an array."""
    with torch.no_grad():
        return network(torch.tensor(inputs, dtype=torch.float32))[:, 0].numpy()


def knots(theta, bias):
    """Where the neurons switch on or off, within the picture."""
    places = -bias / theta[:, 0]
    return np.sort(places[(places > grid[0, 0]) & (places < grid[-1, 0])])[:, np.newaxis]


dense, dense_history = {}, {}
for name, weight_decay in [("Adam", 0.0), ("AdamW", LAMBDA)]:
    network = dense_network()
    # Without decay AdamW is Adam.
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=weight_decay)
    start = time.perf_counter()
    dense_history[name] = train(network, optimizer)
    seconds = time.perf_counter() - start
    dense[name] = network
    error = np.mean((evaluate(network, X) - y) ** 2)
    print(
        f"{name:8} {N_EPOCHS:,} epochs, {seconds:4.1f} s: {n_active(network):2} active neurons, "
        f"mean squared error {error:.0e}"
    )

# %%
# Algorithm 1
# -----------
# After each step of Adam a soft threshold, reweighted by the last weights, makes products
# :math:`v_k w_k` exactly zero. Biases are free, and there is neither an intercept nor
# standardization. What comes out depends on the random start, so each exponent gets five. A start
# may end far from the data, where too many neurons died early: the algorithm gives none back. The
# others are not yet at rest after 10,000 epochs, with neurons still to lose; after 100,000 they
# have three or four for p = 0.4 and 0.7, and four to six for p = 1.
#
# The published curve for p = 1 is that of the network for p = 0.7: the code that records it reads
# the wrong model. Here p = 1 is p = 1.

sparse = {}
for p in EXPONENTS:
    start = time.perf_counter()
    models = [
        LpReLURegressor(
            p=p,
            alpha=LAMBDA,
            solver="adam",
            n_neurons=N_NEURONS,
            learning_rate=LEARNING_RATE,
            max_iter=N_EPOCHS,
            tol=0,
            fit_intercept=False,
            skip_connection=False,
            standardize=False,
            random_state=seed,
        ).fit(X, y)
        for seed in range(N_STARTS)
    ]
    seconds = (time.perf_counter() - start) / N_STARTS
    sparse[f"p = {p:g}"] = models
    errors = [np.mean((model.predict(X) - y) ** 2) for model in models]
    neurons = [model.n_active_neurons_ for model in models]
    print(
        f"p = {p:<4g} {N_EPOCHS:,} epochs, {seconds:4.1f} s a start: active neurons {neurons}, "
        f"mean squared errors {', '.join(f'{error:.0e}' for error in errors)}"
    )

# %%
# The exact interpolant
# ---------------------
# For one feature the interpolant of least path norm follows from a recurrence over the points. Its
# affine part and intercept are free; here both come out as zero, so that it is a network like those
# above. The certificate says what is proven of it: that no interpolant has fewer neurons.

start = time.perf_counter()
exact = LpReLURegressor(alpha=0, p=0.4).fit(X, y)
milliseconds = 1000 * (time.perf_counter() - start)
places = knots(exact.network_.theta, exact.network_.bias)
print(
    f"exact    {milliseconds:.1f} ms: {exact.n_active_neurons_} active neurons, "
    f"knots at {', '.join(f'{place:g}' for place in places[:, 0])}, "
    f"slope and intercept {exact.skip_coef_.item():g} and {exact.intercepts_[1].item():g}"
)
print(certificate(exact, X, y))

# %%
# The number of active neurons while training, for each p from five starts. The dotted line is the
# least that there can be.

fig, axes = plt.subplots(1, 3, figsize=(10, 3.8), sharex=True, sharey=True, layout="constrained")
for ax, (name, models) in zip(axes, sparse.items(), strict=True):
    for dense_name, (epochs, counts) in dense_history.items():
        style = "--" if dense_name == "AdamW" else "-"
        ax.plot(epochs, counts, style, color=COLORS[dense_name], linewidth=2, label=dense_name)
    for model in models:
        history = model.history_
        ax.plot(
            history["iteration"], history["n_active_neurons"], color=COLORS[name], linewidth=1.3
        )
    ax.axhline(
        exact.n_active_neurons_, color=COLORS["exact"], linestyle=":", linewidth=2.5, label="exact"
    )
    ax.set(title=f"Algorithm 1 with {name}", xlabel="epoch")
axes[0].set(
    xscale="log",
    yscale="log",
    xlim=(N_EPOCHS / 100, N_EPOCHS),
    ylim=(2, 110),
    ylabel="active neurons",
)
ticks = [2, 3, 5, 10, 20, 40, 80]
axes[0].set_yticks(ticks, [str(tick) for tick in ticks])
for ax in axes:
    ax.minorticks_off()
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
plt.show()

# %%
# What they learned
# -----------------
# Circles are the data, dots the knots of the function. Of the five starts the one of least error
# is drawn in full, the others thin.


def draw(ax, name, predict, places, title):
    """One function with its knots and the data."""
    ax.plot(grid, predict(grid), color=COLORS[name], linewidth=2)
    ax.plot(places, predict(places), ".", color=COLORS[name], markersize=8)
    ax.plot(X, y, "o", markerfacecolor="none", markeredgecolor="black", markersize=8)
    ax.set_title(title, fontsize=10)


fig, axes = plt.subplots(2, 3, figsize=(10, 5.4), sharex=True, sharey=True, layout="constrained")
panels = iter(axes.flat)
for name, network in dense.items():
    hidden = network[0]
    places = knots(*(tensor.detach().numpy() for tensor in (hidden.weight, hidden.bias)))
    title = f"{name}: {n_active(network)} neurons"
    draw(next(panels), name, partial(evaluate, network), places, title)
for name, models in sparse.items():
    ax = next(panels)
    for model in models:
        ax.plot(grid, model.predict(grid), color=COLORS[name], linewidth=0.7, alpha=0.7)
    best = min(models, key=lambda model: np.mean((model.predict(X) - y) ** 2))
    places = knots(best.network_.theta, best.network_.bias)
    title = f"Algorithm 1, {name}: {best.n_active_neurons_} neurons"
    draw(ax, name, best.predict, places, title)
places = knots(exact.network_.theta, exact.network_.bias)
draw(next(panels), "exact", exact.predict, places, f"exact: {exact.n_active_neurons_} neurons")
axes[0, 0].set_ylim(-0.6, 1.9)
for ax in axes[-1]:
    ax.set_xlabel("x")
for ax in axes[:, 0]:
    ax.set_ylabel("f(x)")
plt.show()

# %%
# How small must p be?
# --------------------
# The interpolant of least path norm has the fewest knots if p lies below a critical exponent p* of
# the data (Theorem 3.2 of the paper). For the peak and plateau p* is 1: every p < 1 gives the same
# function. Here is a data set for which it is not.

x_small = np.arange(6.0)
y_small = np.array([0, 0, 0.01, 1.02, 3.03, 5.05])
print(f"p* of the peak and plateau: {critical_p(X[:, 0], y).p:g}")
print(f"p* of the data below:       {critical_p(x_small, y_small).p:.6f}")

minimizers = minimizer_breakpoints(x_small, y_small)
(p_star,) = minimizers.p
p = np.linspace(0.01, 1, 200)
fine = np.linspace(0, 5, 1001)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
styles = [("exact", "<", "-"), ("p = 0.4", ">", "--")]
for f, (name, side, style) in zip(minimizers.interpolants, styles, strict=True):
    label = f"p {side} p*: {f.n_knots} knots"
    left.plot(fine, f(fine), style, color=COLORS[name], linewidth=2, label=label)
    left.plot(f.knots, f(f.knots), ".", color=COLORS[name], markersize=10)
    cost = (np.abs(f.slope_changes)[:, np.newaxis] ** p).sum(axis=0)
    right.plot(p, cost, style, color=COLORS[name], linewidth=2, label=label)
left.plot(
    x_small,
    y_small,
    "o",
    markerfacecolor="none",
    markeredgecolor="black",
    markersize=8,
    label="data",
)
left.set(xlabel="x", ylabel="f(x)", title="The two minimizers and their knots")
right.axvline(p_star, color="black", linestyle=":", label=f"p* = {p_star:.6f}")
right.set(xlabel="p", ylabel="path norm", title="What each costs")
for ax in (left, right):
    ax.legend(frameon=False)
plt.show()
