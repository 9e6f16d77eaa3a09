"""Interpolation, alpha = 0: how few parameters, and how fast.

Prints four tables: the N = 10, d = 50 data of the paper's experiment, 20 data sets; parameters a
sample for random labels after given times; tiny data, against exhaustive programs; and the peak
with a plateau, against the time that Algorithm 1 needs. No interpolant of random labels has fewer
parameters than samples, where parameters are nonzero weights and, if they are free, biases and the
intercept. Run it on an idle machine: the search makes as much of its time as the machine is fast.
"""

import argparse
import statistics
import time
import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from sklearn_lpnet import LpReLURegressor
from sklearn_lpnet.theory import min_path_norm_interpolant, sparsest_interpolant_milp

SIZES = [(10, 2), (20, 2), (40, 3), (100, 5), (100, 20)]
#: Sizes that exhaustive programs are for, and the seconds that they and the search may take.
TINY_SIZES, TINY_SECONDS = [(6, 2), (7, 2), (8, 2), (6, 3)], 10
#: Epochs that Algorithm 1 needs on the peak with a plateau where it gets there.
EPOCHS = 60_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 10, 60])
    parser.add_argument("--datasets", type=int, default=2, help="random labels, of each size")
    parser.add_argument("--quick", action="store_true", help="a second, one data set of each size")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seconds, arguments.datasets = [1], 1
    torch.set_num_threads(1)
    many_features(3 if arguments.quick else 20)
    random_labels(arguments.seconds, arguments.datasets)
    tiny_data(2 if arguments.quick else 10)
    peak_and_plateau()


def many_features(n_datasets: int) -> None:
    """N = 10, d = 50, biases penalized, no intercept."""
    print(f"N = 10, d = 50, {n_datasets} data sets: biases penalized, no intercept, p = 0.4")
    fit(*random_data(10, 50, 0), penalize_bias=True, fit_intercept=False)
    weights, neurons, seconds, errors = [], [], [], []
    for seed in range(n_datasets):
        X, y = random_data(10, 50, seed)
        model, elapsed = fit(X, y, penalize_bias=True, fit_intercept=False)
        weights.append(model.n_nonzero_weights_)
        neurons.append(model.n_active_neurons_)
        seconds.append(elapsed)
        errors.append(np.abs(model.predict(X) - y).max())
    print(f"  nonzero weights        {min(weights)} to {max(weights)}; the bound is 10")
    print(f"  active neurons         {min(neurons)} to {max(neurons)}")
    print(f"  greatest error         {max(errors):.1e}")
    print(f"  seconds a fit          median {statistics.median(seconds):.2f}, ", end="")
    print(f"longest {max(seconds):.2f}\n")


def random_labels(time_limits: list[float], n_datasets: int) -> None:
    """Parameters a sample; biases and intercept are free, the affine part is penalized."""
    print(f"Random labels, {n_datasets} data sets each: parameters a sample; the bound is 1.00")
    header = "".join(f"{limit:>10g} s{'path norm':>12}{'took':>8}" for limit in time_limits)
    print(f"{'N':>6}{'d':>4}{header}")
    for n, d in SIZES:
        print(f"{n:6d}{d:4d}", end="")
        for limit in time_limits:
            share, norm, seconds = [], [], []
            for seed in range(n_datasets):
                model, elapsed = fit(*random_data(n, d, seed), time_limit=limit)
                share.append(model.n_parameters_ / n)
                norm.append(model.path_norm_)
                seconds.append(elapsed)
            print(f"{statistics.mean(share):12.3f}{statistics.mean(norm):12.2f}", end="")
            print(f"{statistics.mean(seconds):8.1f}", end="", flush=True)
        print()
    print()


def tiny_data(n_datasets: int) -> None:
    """The search against programs that have all activation patterns."""
    print(f"Tiny data, {n_datasets} data sets each: with as many parameters as samples, the bound")
    print(f"{'N':>6}{'d':>4}{'search':>10}{'program':>10}{'search no larger':>20}")
    for n, d in TINY_SIZES:
        found, proven, no_larger = 0, 0, 0
        for seed in range(n_datasets):
            X, y = random_data(n, d, seed)
            model, _ = fit(X, y, time_limit=TINY_SECONDS)
            program = sparsest_interpolant_milp(
                X,
                y,
                count="parameters",
                skip_connection="penalized",
                general_position=True,
                time_limit=TINY_SECONDS,
            )
            found += model.n_parameters_ == n
            proven += program.n_parameters == n
            no_larger += model.n_parameters_ <= program.n_parameters
        print(f"{n:6d}{d:4d}{found:10d}{proven:10d}{no_larger:20d}", flush=True)
    print()


def peak_and_plateau() -> None:
    """The default estimator at alpha = 0 against Algorithm 1, in the same run."""
    x, y = np.arange(-2.0, 4.0)[:, None], np.array([0.0, 0, 1, 1, 0, 0])
    model = LpReLURegressor(alpha=0, p=0.4)
    seconds = best_of(200, lambda: model.fit(x, y))
    alone = best_of(200, lambda: min_path_norm_interpolant(x[:, 0], y, 0.4))
    n_epochs = 2000
    algorithm = LpReLURegressor(
        solver="adam", p=0.4, alpha=0.003, n_neurons=80, max_iter=n_epochs, tol=0
    )
    algorithm.set_params(standardize=False, random_state=20)
    epoch = best_of(3, lambda: algorithm.fit(x, y)) / n_epochs
    print("Peak with a plateau, p = 0.4")
    print(f"  default at alpha = 0   {model.n_active_neurons_} neurons, ", end="")
    print(f"path norm {model.path_norm_:.15f}, {1e3 * seconds:.2f} ms")
    print(f"  its solver alone       {1e3 * alone:.2f} ms")
    print(f"  Algorithm 1            {1e6 * epoch:.0f} µs an epoch, {EPOCHS:,} epochs to get there")
    print(f"  ratio                  {EPOCHS * epoch / seconds:,.0f}; ", end="")
    print(f"of the solver alone {EPOCHS * epoch / alone:,.0f}")


def fit(X: np.ndarray, y: np.ndarray, **params: object) -> tuple[LpReLURegressor, float]:
    start = time.perf_counter()
    model = LpReLURegressor(alpha=0, p=0.4, random_state=0, **params).fit(X, y)
    return model, time.perf_counter() - start


def best_of(repeats: int, call: object) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def random_data(n: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.RandomState(seed)
    return rng.uniform(-1, 1, (n, d)), rng.uniform(-1, 1, n)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        main()
