"""Fits in a process of its own, so that one that takes too long can be ended.

A `Worker` keeps one process warm: imports, compiled code and loaded data serve all fits. After a
fit that is over its limit the process is killed, and the next fit starts another. Models are kept
in files, so that their predictions can be timed when no other fit is running.
"""

from __future__ import annotations

import multiprocessing
import time
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from datasets import DATASETS
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

#: Seconds for importing, loading and compiling, before a fit begins.
PREPARATION = 300
#: Seconds for predictions and their timing, after a fit.
SCORING = 120

#: Rows of the test part, repeated, for which prediction is timed a second time.
BATCH = 10_000

Result = dict[str, Any]


class Worker:
    """Measures fits, one at a time; a context manager."""

    def __enter__(self) -> Worker:
        self._process: Any = None
        self._connection: Any = None
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()

    def measure(
        self, method: str, name: str, seed: int, limit: float, models: Path
    ) -> list[Result]:
        """Fit a method to the training part of a split, and score it on the rest.

        There is a result for the method and for each that its model contains. A fit that fails, or
        takes more than `limit` seconds, has a single result with a "failure". The models are
        written to a file for `time_predictions`; where that fails they are timed at once.
        """
        if self._process is None:
            self._start()
        self._connection.send((_measure, method, name, seed, models))
        for stage, seconds in ("prepare", PREPARATION), ("fit", limit), ("score", SCORING):
            if not self._connection.poll(seconds):
                self._end()
                what = "" if stage == "fit" else f"{stage} "
                return [{"method": method, "failure": f"{what}over {seconds:g} s"}]
            try:
                report = self._connection.recv()
            except EOFError:
                code = self._process.exitcode
                self._end()
                return [{"method": method, "failure": f"ended during {stage}, exit code {code}"}]
            if isinstance(report, dict):
                return [{"method": method, **report}]
            if report:
                break
        return report

    def time_predictions(self, name: str, seed: int, models: Path) -> dict[str, Result]:
        """Time each model of a file on the test part of a split, and on a large batch."""
        if self._process is None:
            self._start()
        self._connection.send((_time_predictions, name, seed, models))
        if not self._connection.poll(PREPARATION + SCORING):
            raise TimeoutError(f"{models.name}: over {PREPARATION + SCORING} s")
        times = self._connection.recv()
        if "failure" in times:
            raise RuntimeError(f"{models.name}: {times['failure']}")
        return times

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None


def _serve(connection: Any) -> None:
    warnings.simplefilter("ignore")
    _warm_up()
    while True:
        try:
            task, *arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send(task(*arguments, connection))
        except Exception as error:
            connection.send({"failure": f"{type(error).__name__}: {error}"[:200]})


def _warm_up() -> None:
    """Import PyTorch and start what a first fit starts, so that this is not timed."""
    import torch

    from sklearn_lpnet import LpReLUClassifier, LpReLURegressor

    torch.set_num_threads(1)
    X = np.random.RandomState(0).uniform(size=(50, 2))
    LpReLURegressor(max_iter=20).fit(X, X[:, 0])
    LpReLUClassifier(max_iter=20).fit(X, X[:, 0] > 0.5)


def _measure(method_name: str, name: str, seed: int, file: Path, connection: Any) -> list[Result]:
    method = _methods(DATASETS[name].task)[method_name]
    X_train, X_test, y_train, y_test = split(name, seed)
    if method.compiles:
        _compile(method_name, DATASETS[name].task)
    model = method.build(seed)
    connection.send([])
    start, busy = time.perf_counter(), time.process_time()
    model.fit(X_train, y_train)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    connection.send([])
    models = {method_name: model}
    for other, choose in method.contained.items():
        models[other] = choose(model)
    times: dict[str, Result] = {name: {} for name in models}
    try:
        joblib.dump(models, file)
    except Exception:
        file.unlink(missing_ok=True)
        times = {name: _times_to_predict(model, X_test) for name, model in models.items()}
    return [
        {
            "method": name,
            **_scores(model, X_test, y_test),
            "weights": method.n_weights(model),
            "features": len(method.features(model)),
            "fit seconds": seconds,
            "CPU seconds": busy,
            **times[name],
        }
        for name, model in models.items()
    ]


def _time_predictions(name: str, seed: int, file: Path, connection: Any) -> dict[str, Result]:
    X_test = split(name, seed)[1]
    models = joblib.load(file)
    return {method: _times_to_predict(model, X_test) for method, model in models.items()}


def split(name: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Three quarters for training and a quarter for testing, standardised by the former."""
    X, y = _load(name)
    is_regression = DATASETS[name].task == "regression"
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, random_state=seed, stratify=None if is_regression else y
    )
    scaler = StandardScaler().fit(X_train)
    if is_regression:
        mean, deviation = y_train.mean(), y_train.std()
        y_train, y_test = (y_train - mean) / deviation, (y_test - mean) / deviation
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


@cache
def _load(name: str) -> tuple[np.ndarray, np.ndarray]:
    X, y, _ = DATASETS[name].load()
    return X, y


@cache
def _compile(method_name: str, task: str) -> None:
    """Compile what a method compiles; methods are named, so that this is done once."""
    X, _, y, _ = split("friedman1" if task == "regression" else "wine", 0)
    _methods(task)[method_name].build(0).fit(X[:120], y[:120])


def _methods(task: str) -> dict[str, Any]:
    import peers

    return peers.REGRESSORS if task == "regression" else peers.CLASSIFIERS


def _scores(model: Any, X: np.ndarray, y: np.ndarray) -> Result:
    score = accuracy_score if is_classifier(model) else r2_score
    scores = {"score": float(score(y, model.predict(X)))}
    if is_classifier(model) and hasattr(model, "predict_proba"):
        classes = getattr(model, "classes_", np.unique(y))
        scores["log loss"] = float(log_loss(y, model.predict_proba(X), labels=classes))
    return scores


def _times_to_predict(model: Any, X: np.ndarray) -> Result:
    batch = np.tile(X, (-(-BATCH // len(X)), 1))[:BATCH]
    return {
        "predict µs a row": 1e6 * _seconds_to_predict(model, X) / len(X),
        "batch predict µs a row": 1e6 * _seconds_to_predict(model, batch) / len(batch),
    }


def _seconds_to_predict(model: Any, X: np.ndarray) -> float:
    """The best of several calls: at least five, and no more once they took 0.3 seconds.

    A few hundred short ones are not enough to wake a core that has waited.
    """
    times: list[float] = []
    while len(times) < 5 or (sum(times) < 0.3 and len(times) < 10_000):
        start = time.perf_counter()
        model.predict(X)
        times.append(time.perf_counter() - start)
    return min(times)
