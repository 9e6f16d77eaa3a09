r"""
Sparse interpolants in 50 dimensions
====================================

Ten samples of 50 features with random labels: an interpolant needs ten parameters, and a network
of 100 neurons has 5,200. This example repeats the multivariate experiment of [1]_, and then solves
the same problem by ``alpha=0``, which asks for an interpolant of small path norm

.. math::

    \sum_k \sum_j |v_k w_{kj}|^p

where biases count as weights.

With the argument ``--full`` the script trains for the 100,000 epochs of the paper, which takes
about six minutes; by default it makes a tenth of that.

.. [1] J. Nakhleh and R. Nowak, "Global Minimizers of ℓp-Regularized Objectives Yield the Sparsest
   ReLU Neural Networks", arXiv:2505.21791, 2025.
"""

import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import torch

from sklearn_lpnet import LpReLURegressor
from sklearn_lpnet.theory import certificate

FULL = "--full" in sys.argv
N_EPOCHS = 100_000 if FULL else 10_000
N_SAMPLES, N_FEATURES = 10, 50
N_NEURONS, LEARNING_RATE, LAMBDA = 100, 0.01, 0.005
EXPONENTS = (1.0, 0.7, 0.4)
N_STARTS = 3
NEGLIGIBLE = 1e-6
#: The palette of Okabe and Ito.
COLORS = {
    "Adam": "#6e6e6e",
    "AdamW": "#cc79a7",
    "p = 1": "#e69f00",
    "p = 0.7": "#56b4e9",
    "p = 0.4": "#0072b2",
    "vertex": "#d55e00",
}
STYLES = {"AdamW": "--", "p = 0.7": "-.", "vertex": ":"}

torch.set_num_threads(1)  # the fastest for networks as small as these

# X and y are uniform on [-1, 1], drawn by PyTorch from the paper's seed.
generator = torch.Generator().manual_seed(20)
inputs = 2 * torch.rand(N_SAMPLES, N_FEATURES, generator=generator) - 1
targets = 2 * torch.rand(N_SAMPLES, 1, generator=generator) - 1
X, y = inputs.double().numpy(), targets[:, 0].double().numpy()

# %%
# Adam and AdamW
# --------------
# A plain PyTorch loop, full batch, with the paper's learning rate. The weight decay of AdamW is λ.
# Neither makes a weight exactly zero, so a weight counts if :math:`|v_k w_{kj}| > 10^{-6}`.


def products(network):
    """Products of the two layers, biases in the last column, of shape (100, 51)."""
    hidden, _, output = network
    weights = torch.cat([hidden.weight, hidden.bias[:, None]], dim=1)
    return (output.weight.T * weights).detach().numpy()


def sizes(matrix):
    """Number of weights and of active neurons."""
    counts = np.abs(matrix) > NEGLIGIBLE
    return int(counts.sum()), int(counts.any(axis=1).sum())


def train(network, optimizer):
    """Minimize the squared error; return epochs, evenly spaced in the logarithm, and sizes."""
    look_at = np.unique(np.geomspace(1, N_EPOCHS, 100).astype(int))
    history = []
    for epoch in range(1, N_EPOCHS + 1):
        optimizer.zero_grad()
        (0.5 * torch.nn.functional.mse_loss(network(inputs), targets)).backward()
        optimizer.step()
        if epoch in look_at:
            history.append(sizes(products(network)))
    return look_at, np.array(history)


def report(name, seconds, matrix, predictions):
    """One line of results."""
    n_weights, n_neurons = sizes(matrix)
    error = np.mean((predictions - y) ** 2)
    path_norm = np.sum(np.abs(matrix) ** 0.4)
    print(
        f"{name:8} {seconds:6.2f} s: {n_weights:5,} weights, {n_neurons:3} active neurons, "
        f"mean squared error {error:.0e}, path norm for p = 0.4 {path_norm:.3g}"
    )


weights, histories = {}, {}
print(f"{N_EPOCHS:,} epochs")
for name, weight_decay in [("Adam", 0.0), ("AdamW", LAMBDA)]:
    torch.manual_seed(20)
    network = torch.nn.Sequential(
        torch.nn.Linear(N_FEATURES, N_NEURONS),
        torch.nn.ReLU(),
        torch.nn.Linear(N_NEURONS, 1, bias=False),
    )
    # Without decay AdamW is Adam.
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=weight_decay)
    start = time.perf_counter()
    histories[name] = [train(network, optimizer)]
    seconds = time.perf_counter() - start
    weights[name] = products(network)
    report(name, seconds, weights[name], network(inputs).detach().numpy()[:, 0])

# %%
# Algorithm 1
# -----------
# After each step of Adam a soft threshold, reweighted by the last weights, makes products
# :math:`v_k w_{kj}` exactly zero. Biases are penalized like weights, and there is neither an
# intercept nor standardization. Three random starts for each exponent. For p < 1 what is zero stays
# zero; for p = 1 it may return, and the count of weights goes up and down. After 100,000 epochs
# there are 10 to 12 weights for p = 0.4 and 0.7, and 44 to 102 for p = 1.
#
# The published curve for p = 1 is that of the network for p = 0.7: the code that records it reads
# the wrong model. Here p = 1 is p = 1.


def path_weights(model):
    """The products of a fitted model, one row for each active neuron."""
    network = model.network_
    return network.direction * np.column_stack([network.theta, network.bias])


for p in EXPONENTS:
    name = f"p = {p:g}"
    models, histories[name] = [], []
    for seed in range(N_STARTS):
        start = time.perf_counter()
        model = LpReLURegressor(
            p=p,
            alpha=LAMBDA,
            solver="adam",
            n_neurons=N_NEURONS,
            learning_rate=LEARNING_RATE,
            max_iter=N_EPOCHS,
            tol=0,
            penalize_bias=True,
            fit_intercept=False,
            standardize=False,
            random_state=seed,
        ).fit(X, y)
        report(name, time.perf_counter() - start, path_weights(model), model.predict(X))
        history = model.history_
        counts = np.transpose([history["n_nonzero_weights"], history["n_active_neurons"]])
        histories[name].append((history["iteration"], counts))
        models.append(model)
    weights[name] = path_weights(models[0])

# %%
# The interpolant of ``alpha=0``
# ------------------------------
# Linear programs and moves along curves of interpolants lead to a network of as many weights as
# there are samples. The certificate says that labels drawn from any density admit none with fewer.

start = time.perf_counter()
vertex = LpReLURegressor(
    alpha=0,
    p=0.4,
    solver="vertex",
    penalize_bias=True,
    fit_intercept=False,
    standardize=False,
    random_state=0,
).fit(X, y)
seconds = time.perf_counter() - start
weights["vertex"] = path_weights(vertex)
report("vertex", seconds, weights["vertex"], vertex.predict(X))
print(certificate(vertex, X, y))

# %%
# Weights and active neurons while training. The dotted line is the network of ``alpha=0``.

LABELS = {name: f"Algorithm 1, {name}" if name.startswith("p") else name for name in COLORS} | {
    "vertex": "alpha = 0, p = 0.4"
}

fig, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharex=True, layout="constrained")
for column, (ax, title) in enumerate(zip(axes, ["nonzero weights", "active neurons"], strict=True)):
    for name, runs in histories.items():
        for k, (epochs, history) in enumerate(runs):
            ax.plot(
                epochs,
                history[:, column],
                STYLES.get(name, "-"),
                color=COLORS[name],
                linewidth=2 if len(runs) == 1 else 1.3,
                label=None if k else LABELS[name],
            )
    ax.axhline(
        sizes(weights["vertex"])[column],
        linestyle=":",
        color=COLORS["vertex"],
        linewidth=2.5,
        label=LABELS["vertex"],
    )
    ax.set(
        xscale="log", yscale="log", xlim=(N_EPOCHS / 100, N_EPOCHS), xlabel="epoch", ylabel=title
    )
    ax.yaxis.set_major_formatter("{x:,g}")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
plt.show()

# %%
# The weights by size
# -------------------
# What Adam leaves falls off smoothly, so that no cut-off separates the weights that matter from
# those that do not. The curves of sparse networks end. Of the three starts, this is the first.

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for name, matrix in weights.items():
    magnitudes = np.sort(np.abs(matrix[matrix != 0]))[::-1]
    ax.plot(
        np.arange(1, len(magnitudes) + 1),
        magnitudes,
        STYLES.get(name, "-"),
        color=COLORS[name],
        linewidth=2,
        label=f"{LABELS[name]}: {sizes(matrix)[0]:,}",
    )
    if len(magnitudes) < 1000:
        ax.plot(len(magnitudes), magnitudes[-1], "o", color=COLORS[name])
ax.axhline(NEGLIGIBLE, color="black", linewidth=0.8)
ax.set(
    xscale="log",
    yscale="log",
    ylim=(1e-8, 2),
    xlabel="rank",
    ylabel=r"$|v_k w_{kj}|$",
    title="Weights, largest first",
)
ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 0.27))
plt.show()

# %%
# Each network as a matrix, a row for each neuron and a column for each feature, the bias last.
# Red is positive, blue negative; in the sparse ones a dot marks every weight that is not zero.


def show(ax, matrix, title):
    """Signed weights in colour, relative to the largest; dots where few are nonzero."""
    limit = np.abs(matrix).max()
    ax.pcolormesh(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
    ax.invert_yaxis()
    if len(matrix) < 10:
        rows, columns = np.nonzero(matrix)
        ax.plot(columns + 0.5, rows + 0.5, ".", color="black", markersize=4)
        ax.set_yticks(np.arange(len(matrix)) + 0.5, range(1, len(matrix) + 1))
    ax.set_title(title, fontsize=10)
    ax.set_ylabel("neuron")


shown = {"Adam": 3, "p = 1": 2, "p = 0.4": 1, "vertex": 1}
fig, axes = plt.subplots(
    len(shown),
    figsize=(8, 7.5),
    sharex=True,
    height_ratios=list(shown.values()),
    layout="constrained",
)
for ax, name in zip(axes, shown, strict=True):
    n_weights, n_neurons = sizes(weights[name])
    show(ax, weights[name], f"{LABELS[name]}: {n_weights:,} weights of {n_neurons} neurons")
axes[-1].set_xticks([0.5, 9.5, 19.5, 29.5, 39.5, 50.5], ["1", "10", "20", "30", "40", "bias"])
axes[-1].set_xlabel("feature")
plt.show()
