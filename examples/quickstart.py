"""Fit a sparse network to real data and look at what it learned.

Breast cancer diagnosis: 569 patients, 30 measurements of cell nuclei, shipped with
scikit-learn. Prints the test score and the size of the network, and saves a picture of it
as quickstart.png.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from sklearn_lpnet import LpReLUClassifier

data = load_breast_cancer(as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, random_state=0)

model = LpReLUClassifier(random_state=0)
start = time.perf_counter()
model.fit(X_train, y_train)
seconds = time.perf_counter() - start

network = model.network_
names = model.feature_names_in_[network.used_features]
n_dense = (model.n_features_in_ + 1) * model.n_neurons
print(f"test accuracy    {model.score(X_test, y_test):.3f}")
print(f"active neurons   {model.n_active_neurons_} of {model.n_neurons}")
print(f"nonzero weights  {model.n_nonzero_coefs_} of {n_dense:,}, biases apart")
print(f"path norm        {model.path_norm_:.3g} (p = {model.p})")
print(f"alpha chosen     {model.alpha_:.2g}")
print(f"time             {seconds:.2f} s, of which importing PyTorch is a part")
print(f"features used    {len(names)} of {model.n_features_in_}: {', '.join(names)}")

# Each neuron as a row, each feature that it reads as a column, in units of one standard
# deviation of the feature; the last row is the affine part.
scale = X_train.std().to_numpy()[network.used_features]
weights = np.vstack([network.direction * network.theta, network.skip])[:, network.used_features]
weights = weights * scale
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=(3, 2))
limit = np.abs(weights).max()
image = left.imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
for row, column in zip(*np.nonzero(weights), strict=True):
    dark = abs(weights[row, column]) > 0.6 * limit
    left.text(
        column,
        row,
        f"{weights[row, column]:.1f}",
        ha="center",
        va="center",
        fontsize=8,
        color="white" if dark else "black",
    )
left.set_xticks(range(len(names)), names, rotation=35, ha="right")
rows = [f"neuron {k + 1}" for k in range(network.n_neurons)] + ["linear part"]
left.set_yticks(range(len(rows)), rows)
left.set_title(f"The whole network: {model.n_active_neurons_} neurons and a linear part")
logits = model.decision_function(X_test)
for label, name in enumerate(data.target_names):
    right.hist(logits[y_test == label], bins=20, alpha=0.6, label=name)
right.axvline(0, color="black", linewidth=1)
right.set_xlabel("decision function on test data")
right.set_ylabel("patients")
right.legend()
fig.tight_layout()
fig.savefig("quickstart.png", dpi=150)
print("picture          quickstart.png")
