"""
What the neurons of a digit classifier look at
==============================================

A dense network of 100 neurons tells the handwritten digits of scikit-learn apart, and its 7,400
weights show nothing. A sparse one is nearly as good, and each of its neurons reads a few pixels,
which can be drawn.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import LpReLUClassifier

BLUE, VERMILION, INK = "#0072B2", "#D55E00", "#262626"
SIGNED = LinearSegmentedColormap.from_list("signed", [VERMILION, "white", BLUE])

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# Three networks
# --------------
# The sparse network has no linear part, and its biases are penalized, so that all it does is done
# by neurons that bend; and p = 1, which leaves more weights than a smaller p. At its defaults, with
# p = 0.5 and a linear part, the classifier makes do with fewer pixels. Then nearly all of them are
# read by the linear part, which has a number for each pixel and class.

models = {
    "dense": make_pipeline(StandardScaler(), MLPClassifier(random_state=0)),
    "sparse": LpReLUClassifier(
        p=1, alpha=1e-3, n_neurons=24, skip_connection=False, penalize_bias=True, random_state=0
    ),
    "default": LpReLUClassifier(random_state=0),
}
for name, model in models.items():
    score = model.fit(X_train, y_train).score(X_test, y_test)
    print(f"{name:8} accuracy {score:.3f}")

n_dense = sum(coefs.size for coefs in models["dense"][-1].coefs_)
print(f"dense    {n_dense:,} weights, 100 neurons, 64 pixels")
for name in ["sparse", "default"]:
    model = models[name]
    print(
        f"{name:8} {model.n_nonzero_coefs_} weights, {model.n_active_neurons_} active neurons, "
        f"{len(model.network_.used_features)} pixels"
    )

# %%
# The neurons
# -----------
# Above, what a neuron reads, in units of a pixel's standard deviation: ink on a blue pixel switches
# it on, on an orange one off. Below, what it says to the digits 0 to 9 when it is on: a blue bar
# speaks for a digit, an orange one against it. The neurons with the largest weights come first.
# The one in a frame is the loudest against zero: it looks for ink in the middle, where a zero has
# none.

network = models["sparse"].network_
weights = network.theta * X_train.std(axis=0)
order = np.argsort(-np.abs(weights).sum(axis=1))
limit = 0.7 * np.abs(weights).max()
against_zero = network.direction[:, 0].argmin()

n_columns = 7
n_rows = -(-len(order) // n_columns)
fig, axes = plt.subplots(
    2 * n_rows,
    n_columns,
    figsize=(7, 2.05 * n_rows),
    height_ratios=[1, 0.85] * n_rows,
    layout="constrained",
)
for ax in axes.flat:
    ax.set_axis_off()
for place, k in enumerate(order):
    row, column = divmod(place, n_columns)
    image, bars = axes[2 * row : 2 * row + 2, column]
    image.set_axis_on()
    image.imshow(weights[k].reshape(8, 8), cmap=SIGNED, vmin=-limit, vmax=limit)
    image.set(xticks=[], yticks=[])
    framed = k == against_zero
    image.spines[:].set(color=INK if framed else "#c4c4c4", linewidth=2 if framed else 0.8)
    said = network.direction[k]
    bars.bar(range(10), said, color=np.where(said > 0, BLUE, VERMILION), width=0.8)
    bars.axhline(0, color=INK, linewidth=0.6)
    bars.set(ylim=(-1.15, 0.95), xlim=(-0.7, 9.7))
    for digit in range(10):
        bars.text(digit, -0.98, digit, ha="center", va="top", fontsize=7, color=INK)
plt.show()
