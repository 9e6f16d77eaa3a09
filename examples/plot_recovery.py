r"""
Recovery of a known network
===========================

Data that a sparse network has made can be given back by that network: which of the inputs each
neuron reads, with which weights, and where it bends. This example draws a random teacher, fits a
network to its labels, and sets the neurons of the two side by side; first for exact labels, then
for labels with noise.

The objective is

.. math::

    \frac{1}{N} \sum_i \tfrac12 (y_i - f(x_i))^2 + \alpha \sum_k \sum_j |v_k w_{kj}|^p .
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment

from sklearn_lpnet import LpReLURegressor
from sklearn_lpnet.network import Network

N_SAMPLES, N_FEATURES, N_NEURONS, N_INPUTS = 300, 10, 5, 3
#: From the palette of Okabe and Ito.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
rng = np.random.default_rng(0)

# %%
# The teacher
# -----------
# Five neurons, each of which reads three of ten inputs. The weights are those of the path
# coordinates :math:`\theta_k = |v_k| w_k`, in which the function is
# :math:`\sum_k \pm \max(0, \theta_k \cdot x + \beta_k)`.

theta = np.zeros((N_NEURONS, N_FEATURES))
for row in theta:
    row[rng.choice(N_FEATURES, N_INPUTS, replace=False)] = rng.standard_normal(N_INPUTS)
theta /= np.linalg.norm(theta, axis=1, keepdims=True)
teacher = Network(
    direction=rng.choice([-1.0, 1.0], (N_NEURONS, 1)),
    theta=theta * rng.uniform(0.5, 1.5, (N_NEURONS, 1)),
    bias=0.5 * rng.standard_normal(N_NEURONS),
    intercept=np.zeros(1),
    skip=np.zeros((1, N_FEATURES)),
)
X = rng.standard_normal((N_SAMPLES, N_FEATURES))
y = teacher.evaluate(X)[:, 0]
X_fresh = rng.standard_normal((5000, N_FEATURES))
y_fresh = teacher.evaluate(X_fresh)[:, 0]
print(f"{teacher.n_active_neurons} neurons, {teacher.n_nonzero_weights()} weights")

# %%
# Exact labels
# ------------
# The labels have no noise, so alpha may be as small as one likes. A first fit lets the penalty
# choose the network, a second goes on from there with next to no penalty, which takes the bias out
# of the weights. Both have a free affine part, ``skip_connection=True``.

student = LpReLURegressor(alpha=1e-4, skip_connection=True, warm_start=True, random_state=0)
student.fit(X, y).set_params(alpha=1e-6).fit(X, y)


def relative_error(model):
    """Root mean square difference to the teacher on fresh data, over the labels' deviation."""
    return np.sqrt(np.mean((model.predict(X_fresh) - y_fresh) ** 2)) / y_fresh.std()


print(f"{student.n_active_neurons_} neurons, {student.n_nonzero_weights_} weights")
print(f"error on fresh data: {relative_error(student):.0e} of the labels' standard deviation")

# %%
# Which neuron is which? They come in any order, and a neuron may be turned round, since
#
# .. math:: \max(0, z) = z + \max(0, -z) :
#
# a turned neuron bends along the same line, and the affine part makes up for the rest. So neurons
# are matched by the lines along which they bend, and turned where they look the other way. The
# affine part that is left then should be that of the teacher, zero.


def lines(network):
    """Weights and bias of each neuron as a vector of norm one."""
    rays = np.column_stack([network.theta, network.bias])
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def matched(network):
    """The neurons in the teacher's order and orientation; NaN where there is none to match."""
    cosines = lines(teacher) @ lines(network).T
    ours, theirs = linear_sum_assignment(-np.abs(cosines))
    turned = cosines[ours, theirs] < 0
    skip, intercept = network.skip[0].copy(), network.intercept[0]
    for k in theirs[turned]:
        skip += network.direction[k, 0] * network.theta[k]
        intercept += network.direction[k, 0] * network.bias[k]
    neurons = np.full((N_NEURONS, N_FEATURES + 1), np.nan)
    neurons[ours] = np.column_stack([network.theta, network.bias])[theirs]
    neurons[ours[turned]] *= -1
    return neurons, int(turned.sum()), np.append(skip, intercept)


truth = np.column_stack([teacher.theta, teacher.bias])
found, n_turned, affine = matched(student.network_)
print(f"neurons that had to be turned:        {n_turned}")
print(f"weights that are zero in one alone:   {np.sum((truth == 0) != (found == 0))}")
print(f"largest difference of two weights:    {np.abs(found - truth).max():.0e}")
print(f"largest entry of the affine part:     {np.abs(affine).max():.0e}")

# %%
# Labels with noise
# -----------------
# Noise of a tenth of their standard deviation is added to the labels. Now the penalty has work to
# do, and ``alpha="auto"``, the default, sets its strength from the data. All five neurons are found
# again, and nothing that is not there; the two smallest weights are lost.

noisy = LpReLURegressor(skip_connection=True, random_state=0)
noisy.fit(X, y + 0.1 * y.std() * rng.standard_normal(N_SAMPLES))
found_in_noise, *_ = matched(noisy.network_)
hit = np.sum((truth != 0) & (found_in_noise != 0) & np.isfinite(found_in_noise))
print(f"{noisy.n_active_neurons_} neurons, {noisy.n_nonzero_weights_} weights")
print(f"weights and biases of the teacher that were found: {hit} of {np.sum(truth != 0)}")
print(f"error on fresh data: {relative_error(noisy):.1%} of the labels' standard deviation")

# %%
# Each network as a matrix: a row for each neuron, in the teacher's order, a column for each input,
# and the bias last.

fig, axes = plt.subplots(3, figsize=(7, 6.6), sharex=True, layout="constrained")
limit = 1.3 * np.abs(truth).max()
titles = ("The teacher", "Found from exact labels", "Found from labels with 10% noise")
for ax, matrix, title in zip(axes, (truth, found, found_in_noise), titles, strict=True):
    ax.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    for i, j in zip(*np.nonzero(np.nan_to_num(matrix)), strict=True):
        color = "white" if abs(matrix[i, j]) > 0.6 * limit else "black"
        ax.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=8, color=color)
    ax.axvline(N_FEATURES - 0.5, color="black", linewidth=0.8)
    ax.set_title(title, fontsize=10, loc="left")
    ax.set_yticks(range(N_NEURONS), range(1, N_NEURONS + 1))
    ax.set_ylabel("neuron")
    ax.tick_params(length=0)
axes[-1].set_xticks(range(N_FEATURES + 1), [*range(1, N_FEATURES + 1), "bias"])
axes[-1].set_xlabel("input")
plt.show()

# %%
# More and less noise
# -------------------
# The same teacher with three draws of noise for each level. Up to 10% they are the same two weights
# that go missing, whatever the draw. At 30% the network is still closer to the truth than half of
# the noise in its labels. Where there is as much noise as signal, most of the weights are given up
# rather than guessed: hardly any is false.

levels = np.array([0.03, 0.1, 0.3, 1.0])
weights, errors, false = (np.zeros((len(levels), 3)) for _ in range(3))
for i, level in enumerate(levels):
    for draw in range(3):
        model = LpReLURegressor(skip_connection=True, random_state=0)
        model.fit(X, y + level * y.std() * rng.standard_normal(N_SAMPLES))
        rows, *_ = matched(model.network_)
        here = (rows[:, :-1] != 0) & np.isfinite(rows[:, :-1])
        weights[i, draw] = np.sum(here & (teacher.theta != 0))
        false[i, draw] = model.network_.theta.astype(bool).sum() - weights[i, draw]
        errors[i, draw] = relative_error(model)
    print(
        f"noise {level:4.0%}: {weights[i].mean():4.1f} of {N_NEURONS * N_INPUTS} weights found, "
        f"{false[i].mean():3.1f} false ones, error {errors[i].mean():5.1%}"
    )

fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6), layout="constrained")
left.plot(levels, weights.mean(axis=1), "o-", color=BLUE, label="found")
left.plot(levels, weights, ".", color=BLUE, alpha=0.4)
left.plot(levels, false.mean(axis=1), "s-", color=ORANGE, label="false")
left.plot(levels, false, ".", color=ORANGE, alpha=0.4)
left.axhline(N_NEURONS * N_INPUTS, color="black", linestyle=":", label="the teacher's")
left.set(ylabel="input weights", ylim=(-0.5, N_NEURONS * N_INPUTS + 1), yticks=range(0, 16, 5))
right.plot(levels, errors.mean(axis=1), "o-", color=GREEN, label="network")
right.plot(levels, errors, ".", color=GREEN, alpha=0.4)
right.plot(levels, levels, color="black", linestyle=":", label="noise in the labels")
right.set(ylabel="error on fresh data / deviation of y", yscale="log")
right.yaxis.set_major_formatter("{x:g}")
for ax in (left, right):
    ax.set(xscale="log", xlabel="noise / deviation of y")
    ax.set_xticks(levels, [f"{level:g}" for level in levels])
    ax.minorticks_off()
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
