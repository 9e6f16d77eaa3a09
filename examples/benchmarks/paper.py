"""The experiments of the paper (arXiv 2505.21791) with its Algorithm 1, solver "adam".

    python examples/benchmarks/paper.py [--quick]

prints four tables: agreement with a plain autograd loop, sparsity in 50 dimensions, the peak and
plateau over 20 seeds, and seconds per epoch. Settings are those of the paper: learning rate 0.01,
full batch, no standardisation, no skip connection and no output intercept; 50 dimensions with 100
neurons, lambda = 0.005 and penalized biases; peak and plateau (eq. 67) with 80 neurons,
lambda = 0.003 and free biases. The whole run takes some minutes on one core.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from datasets import peak_plateau, uniform50

from sklearn_lpnet.losses.regression import SquaredError
from sklearn_lpnet.network import Network
from sklearn_lpnet.network.parametrization import Parametrization
from sklearn_lpnet.penalties.lp import LpPenalty
from sklearn_lpnet.problem.problem import Problem
from sklearn_lpnet.problem.units import Standardizer
from sklearn_lpnet.solvers.gradient.adam import adam_stack
from sklearn_lpnet.solvers.gradient.adam_weights import Weights, random_weights

LEARNING_RATE = 0.01
EXPONENTS = (0.4, 0.7)


@dataclass(frozen=True)
class Experiment:
    """Data and settings of one of the paper's experiments."""

    name: str
    X: np.ndarray
    y: np.ndarray
    n_neurons: int
    alpha: float
    penalize_bias: bool

    def problem(self, p: float, dtype: torch.dtype = torch.float32) -> Problem:
        """The training problem in the units of the data."""
        y = self.y.reshape(len(self.X), 1)
        return Problem.create(
            self.X,
            y,
            np.ones(len(y)),
            scaler=Standardizer.identity(self.X.shape[1], 1),
            device=torch.device("cpu"),
            dtype=dtype,
            loss=SquaredError(),
            penalty=LpPenalty(p),
            alpha=self.alpha,
            parametrization=Parametrization(self.penalize_bias, fit_intercept=False, skip="none"),
        )

    def weights(self, problem: Problem, seeds: range) -> Weights:
        """Initial weights of one network for each seed, side by side."""
        return Weights.stack(
            random_weights(problem, self.n_neurons, 1, torch.Generator().manual_seed(seed))
            for seed in seeds
        )

    def mean_squared_error(self, network: Network) -> float:
        """Mean of the squared residuals on the data."""
        return float(np.mean((network.evaluate(self.X)[:, 0] - self.y) ** 2))


def uniform_data(seed: int = 20) -> Experiment:
    """N = 10, d = 50; seed 20 is the paper's."""
    X, y, _ = uniform50(seed)
    return Experiment("50 dimensions", X, y, 100, 0.005, penalize_bias=True)


def peak_and_plateau() -> Experiment:
    """Six points on the line."""
    X, y, _ = peak_plateau()
    return Experiment("peak/plateau", X, y, 80, 0.003, penalize_bias=False)


def train(problem: Problem, weights: Weights, n_epochs: int) -> list[Network]:
    """Train all models for `n_epochs` epochs by the solver."""
    networks, _ = adam_stack(
        problem,
        weights,
        max_iter=n_epochs,
        tol=0.0,
        learning_rate=LEARNING_RATE,
        batch_size=None,
        generator=torch.Generator(),
    )
    return networks


def autograd_loop(problem: Problem, weights: Weights, n_epochs: int) -> Iterator[torch.nn.Module]:
    """Algorithm 1 as its pseudo-code reads, one model; yields the model after every epoch."""
    X, y = problem.rows.all()[:, :-1], problem.y
    lam, p = problem.alpha, problem.penalty.p
    hidden = torch.nn.Linear(X.shape[1], weights.hidden.shape[1], dtype=y.dtype)
    output = torch.nn.Linear(weights.hidden.shape[1], 1, bias=False, dtype=y.dtype)
    model = torch.nn.Sequential(hidden, torch.nn.ReLU(), output)
    with torch.no_grad():
        hidden.weight.copy_(weights.hidden[0, :, :-1])
        hidden.bias.copy_(weights.hidden[0, :, -1])
        output.weight.copy_(weights.output[0].T)

    def coordinates() -> tuple[torch.Tensor, torch.Tensor]:
        w, v = hidden.weight, output.weight.T
        if problem.parametrization.penalize_bias:
            w = torch.cat([w, hidden.bias[:, None]], dim=1)
        return v.detach().clone(), w.detach().clone()

    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for epoch in range(1, n_epochs + 1):
        v, w = coordinates()
        optimizer.zero_grad()
        loss = 0.5 * torch.nn.functional.mse_loss(model(X), y)
        loss.backward()
        optimizer.step()
        if epoch > 5:
            C = lam * LEARNING_RATE * p * (v * w).abs() ** (p - 1)
            v, w = coordinates()
            u = (v * w).sign() * torch.clamp((v * w).abs() - C, min=0)
            norm = u.norm(dim=1, keepdim=True)
            alive = norm >= 1e-8
            v = v.sign() * torch.where(alive, norm.sqrt(), 0)
            w = w.sign() * torch.where(alive, u.abs() / norm.sqrt(), 0)
            with torch.no_grad():
                output.weight.copy_(v.T)
                hidden.weight.copy_(w[:, : X.shape[1]])
                if problem.parametrization.penalize_bias:
                    hidden.bias.copy_(w[:, -1])
        yield model


def path_coordinates(model: torch.nn.Module) -> np.ndarray:
    """Rows (v, |v| w, |v| b) of the live neurons."""
    hidden, _, output = model
    v = output.weight.detach().T
    rows = torch.cat([v.sign(), v.abs() * hidden.weight, v.abs() * hidden.bias[:, None]], dim=1)
    return rows.detach().numpy()[(v[:, 0] != 0).numpy()]


def print_agreement(n_epochs: int) -> None:
    """Greatest deviation of path coordinates from the autograd loop's, relative to the largest."""
    print(f"\n## Trajectory of the solver against the autograd loop, {n_epochs} epochs, float64\n")
    print("| data | bias | p | compared at | largest relative deviation | at most 1e-6 |")
    print("|---|---|---|---|---|---|")
    for experiment in (uniform_data(), peak_and_plateau()):
        for p in EXPONENTS:
            problem = experiment.problem(p, torch.float64)
            weights = experiment.weights(problem, range(1))
            step, worst = n_epochs // 20, 0.0
            for epoch, model in enumerate(autograd_loop(problem, weights, n_epochs), start=1):
                if epoch % step == 0:
                    (network,) = train(problem, weights, epoch)
                    ours = np.column_stack([network.direction, network.theta, network.bias])
                    theirs = path_coordinates(model)
                    worst = max(worst, np.abs(ours - theirs).max() / np.abs(theirs).max())
            bias = "penalized" if experiment.penalize_bias else "free"
            print(
                f"| {experiment.name} | {bias} | {p} | 20 epochs | {worst:.0e} | {worst <= 1e-6} |",
                flush=True,
            )


def print_uniform(epochs: tuple[int, ...], n_seeds: int) -> None:
    """Nonzeros on the paper's data from several starts, and on several data sets."""
    print("\n## 50 dimensions: N = 10, d = 50, K = 100, lambda = 0.005, biases penalized\n")
    print("Nonzeros count weights and biases; no interpolant has fewer than 10. Required at")
    print("p = 0.4: a median of at most 12 by 20,000 epochs and at most 11 by 100,000.\n")
    print("| data | p | epochs | nonzeros | median | median neurons | largest MSE |")
    print("|---|---|---|---|---|---|---|")
    for p in EXPONENTS:
        for n_epochs in epochs:
            experiment = uniform_data()
            problem = experiment.problem(p)
            networks = train(problem, experiment.weights(problem, range(n_seeds)), n_epochs)
            print_sparsity(
                f"the paper's, {n_seeds} starts", p, n_epochs, [experiment] * n_seeds, networks
            )
        several = [uniform_data(seed) for seed in range(n_seeds)]
        networks = []
        for seed, experiment in enumerate(several):
            problem = experiment.problem(p)
            start = experiment.weights(problem, range(seed, seed + 1))
            networks += train(problem, start, epochs[-1])
        print_sparsity(f"{n_seeds} other draws", p, epochs[-1], several, networks)


def print_sparsity(
    data: str, p: float, n_epochs: int, experiments: list[Experiment], networks: list[Network]
) -> None:
    """One row of the table for 50 dimensions."""
    nonzeros = sorted(network.n_nonzero_weights(penalize_bias=True) for network in networks)
    neurons = [network.n_neurons for network in networks]
    errors = [e.mean_squared_error(net) for e, net in zip(experiments, networks, strict=True)]
    print(
        f"| {data} | {p} | {n_epochs:,} | {' '.join(map(str, nonzeros))} | "
        f"{np.median(nonzeros):g} | {np.median(neurons):g} | {max(errors):.0e} |",
        flush=True,
    )


def print_peak_and_plateau(n_epochs: int, n_seeds: int) -> None:
    """In how many of the seeds the published algorithm interpolates."""
    print(f"\n## Peak and plateau: K = 80, lambda = 0.003, biases free, {n_epochs:,} epochs\n")
    print("The published picture, an interpolant of 3 neurons, is one lucky seed: about as many")
    print("starts end far from the data, in a local minimum where too many neurons died early.")
    print("In between are those that Adam's constant step keeps rattling.\n")
    print(
        "| p | MSE < 1e-6 | their neurons | in between | MSE > 1e-3 | their neurons | their MSE |"
    )
    print("|---|---|---|---|---|---|---|")
    experiment = peak_and_plateau()
    for p in EXPONENTS:
        problem = experiment.problem(p)
        networks = train(problem, experiment.weights(problem, range(n_seeds)), n_epochs)
        errors = np.array([experiment.mean_squared_error(network) for network in networks])
        neurons = np.array([network.n_neurons for network in networks])
        fits, stuck = errors < 1e-6, errors > 1e-3
        counts = [" ".join(map(str, np.sort(neurons[group]))) for group in (fits, stuck)]
        between = n_seeds - fits.sum() - stuck.sum()
        stuck_at = f"{errors[stuck].min():.1e} to {errors[stuck].max():.1e}" if stuck.any() else ""
        print(
            f"| {p} | {fits.sum()} of {n_seeds} | {counts[0]} | {between} | {stuck.sum()} | "
            f"{counts[1]} | {stuck_at} |",
            flush=True,
        )


def print_time(n_epochs: int, n_repeats: int) -> None:
    """Microseconds an epoch of the solver and of the autograd loop, taken in turns."""
    print(f"\n## Time an epoch, one model, float32, {n_epochs:,} epochs, one thread\n")
    print("| data | p | autograd loop | solver | ratio, median of turns | at most 0.2 |")
    print("|---|---|---|---|---|---|")
    for experiment in (uniform_data(), peak_and_plateau()):
        for p in EXPONENTS:
            problem = experiment.problem(p)
            weights = experiment.weights(problem, range(1))
            seconds = np.empty((n_repeats, 2))
            for turn in seconds:
                start = time.perf_counter()
                for _ in autograd_loop(problem, weights, n_epochs):
                    pass
                middle = time.perf_counter()
                train(problem, weights, n_epochs)
                turn[:] = middle - start, time.perf_counter() - middle
            loop, solver = np.median(seconds, axis=0) / n_epochs * 1e6
            ratio = np.median(seconds[:, 1] / seconds[:, 0])
            print(
                f"| {experiment.name} | {p} | {loop:.0f} µs | {solver:.0f} µs | {ratio:.3f} | "
                f"{ratio <= 0.2} |",
                flush=True,
            )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the epochs, fewer seeds")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    print_agreement(n_epochs=500)
    print_time(n_epochs=500 if quick else 2000, n_repeats=3 if quick else 5)
    print_uniform(epochs=(2_000, 10_000) if quick else (20_000, 100_000), n_seeds=5)
    print_peak_and_plateau(n_epochs=10_000 if quick else 100_000, n_seeds=20)


if __name__ == "__main__":
    main()
