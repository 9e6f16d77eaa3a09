"""Networks of forty fits, to the last bit: did a change that was to change no network change one?

    python tests/fingerprints.py            # compare with tests/data/fingerprints.json
    python tests/fingerprints.py --write    # write that file anew
    python tests/fingerprints.py adam cv    # the cases whose names contain one of these

A fingerprint is a hash of all coefficients. It belongs to the versions and the processor that it
was made with, which the file names: elsewhere the last bits may differ, and the comparison says so
and fails only where objectives or predictions differ by more than a millionth.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import scipy.sparse as sp
import sklearn
import torch
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    load_wine,
    make_friedman1,
    make_multilabel_classification,
)

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
    lp_path,
)

FILE = Path(__file__).parent / "data" / "fingerprints.json"
SMALL: dict[str, Any] = {"n_neurons": 30, "max_iter": 200, "random_state": 0}
#: Beyond the last bits, two networks are the same function up to this.
CLOSE = 1e-6


def friedman(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    return make_friedman1(n, n_features=8, noise=0.5, random_state=7)


def two_outputs() -> tuple[np.ndarray, np.ndarray]:
    X, y = friedman()
    return X, np.column_stack([y, np.abs(X[:, 0] - 0.5) + X[:, 1]])


def multilabel() -> tuple[np.ndarray, np.ndarray]:
    return make_multilabel_classification(300, n_features=8, n_classes=3, random_state=7)


def line(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    x = rng.uniform(-3, 3, n)
    return x[:, None], np.abs(x) - np.maximum(x - 1, 0) + 0.1 * rng.standard_normal(n)


def few() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.uniform(-1, 1, (8, 2)), rng.uniform(-1, 1, 8)


def regressor(data: Any = friedman, **parameters: Any) -> Callable[[], Any]:
    return lambda: _fitted(LpReLURegressor(**{**SMALL, **parameters}), *data())


def classifier(data: Any, **parameters: Any) -> Callable[[], Any]:
    return lambda: _fitted(LpReLUClassifier(**{**SMALL, **parameters}), *data())


def iris() -> tuple[np.ndarray, np.ndarray]:
    return load_iris(return_X_y=True)


def cancer() -> tuple[np.ndarray, np.ndarray]:
    return load_breast_cancer(return_X_y=True)


def wine() -> tuple[np.ndarray, np.ndarray]:
    return load_wine(return_X_y=True)


def diabetes() -> tuple[np.ndarray, np.ndarray]:
    return load_diabetes(return_X_y=True)


def sparse() -> tuple[sp.csr_matrix, np.ndarray]:
    X, y = friedman()
    return sp.csr_matrix(np.where(X > 0.5, X, 0.0)), y


def repeated() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, y = friedman(150)
    return np.vstack([X, X[:50]]), np.append(y, y[:50]), np.linspace(0, 2, 200)


def in_parts(model: Any, data: Any, **first: Any) -> Callable[[], Any]:
    def fit() -> Any:
        X, y = data()
        for part in np.array_split(np.arange(len(y)), 3) * 20:
            model.partial_fit(X[part], y[part], **first)
        return _with_data(model, X)

    return fit


def warm() -> Any:
    X, y = friedman()
    model = LpReLURegressor(**SMALL, warm_start=True).fit(X, y)
    return _fitted(model.set_params(alpha=0.01), X, y)


def path(data: Any, estimator: Any = None, **parameters: Any) -> Callable[[], Any]:
    def fit() -> Any:
        X, y = data()
        found = lp_path(X, y, estimator=estimator, **{**SMALL, **parameters})
        return [_with_data(one, X) for one in found.estimators]

    return fit


def cv(model: Any, data: Any) -> Callable[[], Any]:
    return lambda: _fitted(model, *data())


CASES: dict[str, Callable[[], Any]] = {
    "default": lambda: _fitted(LpReLURegressor(random_state=0), *friedman()),
    "default diabetes": lambda: _fitted(LpReLURegressor(random_state=0), *diabetes()),
    "p=1": regressor(p=1.0, alpha=3e-3),
    "p=0.3 float64": regressor(p=0.3, alpha=3e-3, dtype="float64"),
    "no polish": regressor(polish=False, alpha=1e-3),
    "restarts": regressor(n_init=3, alpha=1e-3),
    "batches": regressor(batch_size=64, alpha=1e-3),
    "many rows": lambda: _fitted(LpReLURegressor(max_iter=400, random_state=0), *friedman(9000)),
    "huber": regressor(loss="huber"),
    "absolute error": regressor(loss="absolute_error"),
    "quantile": regressor(loss="quantile", quantile=0.8),
    "two outputs": regressor(two_outputs),
    "two outputs free skip": regressor(two_outputs, skip_connection=True),
    "penalized biases": regressor(penalize_bias=True, alpha=1e-3),
    "penalized biases and skip": regressor(
        penalize_bias=True, skip_connection="penalized", alpha=1e-3
    ),
    "no intercept": regressor(fit_intercept=False, alpha=1e-3),
    "no intercept, no skip": regressor(fit_intercept=False, skip_connection=False, alpha=1e-3),
    "no skip": regressor(skip_connection=False, alpha=1e-3),
    "free skip": regressor(skip_connection=True, alpha=1e-3),
    "not standardized": regressor(standardize=False, alpha=1e-2),
    "early stopping": regressor(early_stopping=True),
    "sparse input": regressor(sparse),
    "repeated rows and weights": regressor(repeated),
    "warm start": warm,
    "one feature": regressor(lambda: line(300)),
    "one feature free skip": regressor(lambda: line(300), skip_connection=True),
    "one feature few": regressor(lambda: line(30)),
    "adam": regressor(solver="adam", alpha=1e-3),
    "adam skip and batches": regressor(
        solver="adam", alpha=1e-3, skip_connection=True, batch_size=100, n_init=2
    ),
    "adam penalized biases": regressor(solver="adam", alpha=1e-3, penalize_bias=True),
    "adam classes": classifier(iris, solver="adam", alpha=1e-3),
    "binary": classifier(cancer),
    "binary hinge": classifier(cancer, loss="hinge"),
    "classes": classifier(wine),
    "classes free skip": classifier(iris, skip_connection=True),
    "classes hinge": classifier(iris, loss="hinge"),
    "classes early stopping": classifier(wine, early_stopping=True),
    "labels": classifier(multilabel),
    "balanced": classifier(cancer, class_weight="balanced"),
    "partial fit": in_parts(LpReLURegressor(**SMALL), friedman),
    "partial fit classes": in_parts(LpReLUClassifier(**SMALL), iris, classes=[0, 1, 2]),
    "path": path(friedman, n_alphas=6),
    "path of one feature": path(lambda: line(200), n_alphas=5),
    "path without polish": path(friedman, n_alphas=4, polish=False),
    "path of classes": path(wine, LpReLUClassifier(), n_alphas=5),
    "path of two outputs": path(two_outputs, alphas=[1e-3, 1e-2, 1e-1], penalize_bias=True),
    "cv": cv(LpReLURegressorCV(**SMALL, n_alphas=5, cv=3), friedman),
    "cv exponents": cv(LpReLURegressorCV(**SMALL, p=[0.4, 0.8], n_alphas=4, cv=2), diabetes),
    "cv bic": cv(LpReLURegressorCV(**SMALL, n_alphas=5, selection="bic"), friedman),
    "cv classes": cv(LpReLUClassifierCV(**SMALL, n_alphas=5, cv=2), wine),
    "cv binary": cv(LpReLUClassifierCV(**SMALL, n_alphas=5, cv=2, selection="1se"), cancer),
    "interpolant of one feature": regressor(lambda: line(40), alpha=0),
    "interpolant": regressor(few, alpha=0),
    "interpolant penalized biases": regressor(few, alpha=0, penalize_bias=True),
}


def fingerprint(fitted: Any) -> dict[str, Any]:
    """The hash of all coefficients, the objectives, and some predictions."""
    models = fitted if isinstance(fitted, list) else [fitted]
    digest = hashlib.sha256()
    objectives, predictions = [], []
    for model, X in models:
        network = model.network_
        for name in ("direction", "theta", "bias", "intercept", "skip"):
            array = np.ascontiguousarray(getattr(network, name))
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update((array + 0.0).tobytes())
        objectives.append(float(model.objective_))
        predictions.append(float(np.abs(network.evaluate(X)).mean()))
    return {
        "hash": digest.hexdigest()[:16],
        "objectives": objectives,
        "predictions": predictions,
        "n_nonzero_weights": [int(model.n_nonzero_weights_) for model, _ in models],
    }


def made_with() -> dict[str, str]:
    """Versions and processor."""
    versions = {
        module.__name__: module.__version__.partition("+")[0]
        for module in (np, scipy, sklearn, torch)
    }
    return {"python": platform.python_version(), **versions, "processor": _processor()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_RAW)
    parser.add_argument("names", nargs="*", help="parts of names of cases")
    parser.add_argument("--write", action="store_true", help="write the file anew")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    stored = json.loads(FILE.read_text()) if FILE.exists() else {"made_with": {}, "cases": {}}
    names = [
        name
        for name in CASES
        if not arguments.names or any(part in name for part in arguments.names)
    ]
    same_machine, found, verdicts = made_with() == stored["made_with"], {}, []
    if not same_machine and not arguments.write:
        print(f"made with {stored['made_with']}\nbut here {made_with()}")
    for name in names:
        begin = time.perf_counter()
        found[name] = fingerprint(CASES[name]())
        verdicts.append(_verdict(found[name], stored["cases"].get(name), same_machine))
        print(f"{name:32s} {verdicts[-1]:10s} {time.perf_counter() - begin:6.1f}s", flush=True)
    if arguments.write:
        cases = {**stored["cases"], **found}
        FILE.write_text(
            json.dumps({"made_with": made_with(), "cases": {k: cases[k] for k in CASES}}, indent=1)
            + "\n"
        )
        return 0
    print(", ".join(f"{verdicts.count(one)} {one}" for one in sorted(set(verdicts))))
    return int("different" in verdicts or (same_machine and "close" in verdicts))


def _verdict(found: dict[str, Any], stored: dict[str, Any] | None, same_machine: bool) -> str:
    if stored is None:
        return "new"
    if found["hash"] == stored["hash"]:
        return "same"
    for name in ("objectives", "predictions"):
        before, now = np.array(stored[name]), np.array(found[name])
        if before.shape != now.shape or not np.allclose(now, before, rtol=CLOSE, atol=CLOSE):
            return "different"
    return "close"


def _fitted(model: Any, X: Any, y: Any, sample_weight: Any = None) -> tuple[Any, Any]:
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    return _with_data(model.fit(X, y, **weights), X)


def _with_data(model: Any, X: Any) -> tuple[Any, Any]:
    return model, X[:100]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((one.partition(":")[2].strip() for one in lines if "model name" in one), "")


_RAW = argparse.RawDescriptionHelpFormatter

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
