"""Recovery of known networks, exact labels and noisy ones, and where it ends.

A teacher has M neurons that read k of d inputs each. The student has seen N samples, and has
found the teacher if its function differs from the teacher's by less than a thousandth on fresh
points (root mean squares over the labels' deviation) with no more weights.

    python examples/benchmarks/recovery.py [--quick] [--figure FILE]
"""

import argparse
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed

from sklearn_lpnet import LpReLURegressor

#: Samples, inputs, neurons of the teacher, inputs of each.
SIZES = [(100, 5, 3, 2), (200, 10, 5, 2), (400, 10, 5, 3), (1000, 20, 8, 3)]
#: A network is fitted at the first alpha, and goes on at the second, where F is nearly the loss.
ALPHAS = (1e-4, 1e-6)
N_FRESH, TOLERANCE = 4000, 1e-3


class Teacher:
    """A random network of unit-norm neurons with labels of unit variance."""

    def __init__(self, n_features, n_neurons, n_inputs, seed):
        rng = np.random.default_rng(seed)
        self.theta = np.zeros((n_neurons, n_features))
        for row in self.theta:
            row[rng.choice(n_features, n_inputs, replace=False)] = rng.standard_normal(n_inputs)
        self.theta /= np.linalg.norm(self.theta, axis=1, keepdims=True)
        self.bias = 0.5 * rng.standard_normal(n_neurons)
        self.output = rng.choice([-1, 1], n_neurons) * rng.uniform(0.5, 1.5, n_neurons)
        self.output /= self(rng.standard_normal((20_000, n_features))).std()
        self.n_weights = n_neurons * n_inputs
        self.rng = rng

    def __call__(self, X):
        return np.maximum(X @ self.theta.T + self.bias, 0) @ self.output

    def sample(self, n_samples, correlation=0.0):
        """Gaussian inputs, each pair with this correlation."""
        X = self.rng.standard_normal((n_samples, self.theta.shape[1]))
        common = self.rng.standard_normal((n_samples, 1))
        return np.sqrt(1 - correlation) * X + np.sqrt(correlation) * common


def exact_student(X, y, *, n_init=1):
    """A network that fits exact labels: the penalty chooses it, then all but vanishes."""
    model = LpReLURegressor(
        alpha=ALPHAS[0], skip_connection=True, n_init=n_init, warm_start=True, random_state=0
    ).fit(X, y)
    return model.set_params(alpha=ALPHAS[1], n_init=1).fit(X, y)


def recovered(size, seed, *, correlation=0.0, n_init=1):
    """Whether the student is the teacher, its weights over the teacher's, and seconds."""
    n_samples, n_features, n_neurons, n_inputs = size
    teacher = Teacher(n_features, n_neurons, n_inputs, seed)
    X, fresh = teacher.sample(n_samples, correlation), teacher.sample(N_FRESH, correlation)
    start = perf_counter()
    model = exact_student(X, teacher(X), n_init=n_init)
    seconds = perf_counter() - start
    error = relative_error(model, teacher, fresh)
    found = error < TOLERANCE and model.n_nonzero_weights_ <= teacher.n_weights
    return found, model.n_nonzero_weights_ / teacher.n_weights, seconds


def noisy(size, seed, noise=0.1):
    """Weights over the teacher's, and error to the noise-free teacher, by default parameters."""
    n_samples, n_features, n_neurons, n_inputs = size
    teacher = Teacher(n_features, n_neurons, n_inputs, seed)
    X, fresh = teacher.sample(n_samples), teacher.sample(N_FRESH)
    y = teacher(X) + noise * teacher.rng.standard_normal(n_samples)
    model = LpReLURegressor(skip_connection=True, random_state=0).fit(X, y)
    ratio = model.n_nonzero_weights_ / teacher.n_weights
    return ratio, relative_error(model, teacher, fresh)


def relative_error(model, teacher, fresh):
    """Root mean square of the difference over the labels' deviation."""
    truth = teacher(fresh)
    return np.sqrt(np.mean((model.predict(fresh) - truth) ** 2)) / truth.std()


def over_seeds(function, n_seeds, *args, n_jobs=2, **options):
    """Mean of each result over the seeds."""
    runs = Parallel(n_jobs)(delayed(function)(*args, seed, **options) for seed in range(n_seeds))
    return np.mean(np.array(runs, dtype=float), axis=0)


def main():
    """Print the tables, and draw the phase diagram where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="4 teachers, no phase diagram")
    parser.add_argument("--figure", help="file to draw the phase diagram to")
    arguments = parser.parse_args()
    n_seeds = 4 if arguments.quick else 20

    print("samples, inputs, neurons, inputs each: share recovered, weights, s a fit | 10% noise:")
    print("weights, error to the truth")
    for size in SIZES:
        share, ratio, seconds = over_seeds(recovered, n_seeds, size)
        weights, error = over_seeds(noisy, n_seeds, size)
        print(
            f"{size!s:18} {share:4.0%} {ratio:5.2f} {seconds:5.2f} | {weights:5.2f} {error:6.3f}",
            flush=True,
        )
    if arguments.quick:
        return

    print("\n(400, 10, 5, 3) with correlated inputs: share recovered, by correlation")
    for correlation in (0.3, 0.6, 0.9):
        share, *_ = over_seeds(recovered, n_seeds, SIZES[2], correlation=correlation)
        print(f"{correlation:18} {share:4.0%}", flush=True)

    samples, neurons = (50, 100, 200, 400, 800), (2, 4, 6, 8)
    print("\n10 inputs, 3 of them a neuron: share of 10 teachers recovered, by samples")
    print("neurons  " + "".join(f"{n:>6}" for n in samples))
    shares = np.zeros((len(neurons), len(samples)))
    for i, n_neurons in enumerate(neurons):
        for j, n_samples in enumerate(samples):
            shares[i, j] = over_seeds(recovered, 10, (n_samples, 10, n_neurons, 3))[0]
        print(f"{n_neurons:>7}  " + "".join(f"{share:6.0%}" for share in shares[i]), flush=True)
    if arguments.figure:
        draw(shares, samples, neurons, arguments.figure)


def draw(shares, samples, neurons, file):
    """Write the phase diagram to a file."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(5.2, 3.6), layout="constrained")
    paint(figure, shares, samples, neurons)
    figure.savefig(file, dpi=150)


def paint(figure, shares, samples, neurons):
    """The phase diagram: share of teachers recovered over samples and neurons."""
    axes = figure.subplots()
    image = axes.imshow(shares, origin="lower", cmap="viridis", vmin=0, vmax=1, aspect="auto")
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            color = "black" if share > 0.5 else "white"
            axes.text(j, i, f"{share:.0%}", ha="center", va="center", color=color)
    axes.set_xticks(range(len(samples)), samples)
    axes.set_yticks(range(len(neurons)), neurons)
    axes.set(xlabel="samples", ylabel="neurons of the teacher", title="Teachers recovered")
    figure.colorbar(image, label="share of teachers")


if __name__ == "__main__":
    main()
