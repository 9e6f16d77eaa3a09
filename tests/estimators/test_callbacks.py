"""Progress and monitoring through the callbacks of scikit-learn."""

import io
import pickle
import warnings
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_backend
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
    lp_path,
)
from sklearn_lpnet.fitting import single

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")

FAST = {"n_neurons": 12, "max_iter": 60, "random_state": 0}
GRID = {**FAST, "alphas": [1e-2, 2e-2], "cv": 3}
# Configurations that come to their end in different ways.
RUNS = {
    "polish follows": {},
    "no polish": {"polish": False},
    "few steps": {"max_iter": 7},
    "steps that 50 does not divide": {"max_iter": 333},
    "at rest before the last step": {"max_iter": 400, "tol": 0.05},
    "several starts": {"n_init": 2},
    "a loss without polish": {"loss": "absolute_error"},
    "early stopping": {"max_iter": 400, "early_stopping": True},
    "no affine part": {"skip_connection": False},
    "Algorithm 1": {"solver": "adam", "alpha": 1e-3, "max_iter": 210},
    "Algorithm 1, at rest": {"solver": "adam", "alpha": 1e-3, "max_iter": 2000, "tol": 0.5},
    "Algorithm 1, long": {"solver": "adam", "alpha": 1e-3, "max_iter": 2510, "tol": 0},
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Recorder:
    """Takes down every call: what kind it is of, the task, its number, and the fitted copy."""

    def __init__(self):
        self.calls = []

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name, context.task_id, None))

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(("begin", context.task_name, context.task_id, None))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.calls.append(("end", context.task_name, context.task_id, fitted_estimator))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name, context.task_id, None))

    def counts(self):
        return Counter(kind for kind, *_ in self.calls)

    def fitted(self, *names):
        """The fitted copies at the ends of the tasks of these names."""
        return [
            copy
            for kind, name, _, copy in self.calls
            if kind == "end" and name in names and copy is not None
        ]


class PropagatedRecorder(Recorder):
    """As above, for all parts of a meta-estimator as well."""

    max_propagation_depth = None


class Ticker(Recorder):
    """Asks for no fitted copy, as a progress bar."""

    def on_fit_task_end(self, estimator, context):
        self.calls.append(("end", context.task_name, context.task_id, None))


class Stopper(Recorder):
    """Ends training with the given step."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)
        return context.task_name == "training-step" and context.task_id == self.step


class Raiser(Recorder):
    """Raises an error at the n-th call of a kind for a task of a name."""

    def __init__(self, error, kind, name, n=1):
        super().__init__()
        self.error, self.kind, self.name, self.n = error, kind, name, n

    def _raise(self, kind, context):
        if (kind, context.task_name) == (self.kind, self.name):
            self.n -= 1
            if self.n == 0:
                raise self.error

    def setup(self, estimator, context):
        super().setup(estimator, context)
        self._raise("setup", context)

    def on_fit_task_begin(self, estimator, context):
        super().on_fit_task_begin(estimator, context)
        self._raise("begin", context)

    def on_fit_task_end(self, estimator, context):
        super().on_fit_task_end(estimator, context)
        self._raise("end", context)


def file_recorder(path):
    """A callback that writes a line a call to a file, from whatever process.

    Other processes cannot import this file. A local class is sent to them whole.
    """

    class FileRecorder:
        max_propagation_depth = None

        def __init__(self, path):
            self.path = str(path)

        def _write(self, kind, context):
            with open(self.path, "a") as file:
                file.write(f"{kind},{context.estimator_name},{context.task_name}\n")

        def setup(self, estimator, context):
            self._write("setup", context)

        def on_fit_task_begin(self, estimator, context):
            self._write("begin", context)

        def on_fit_task_end(self, estimator, context):
            self._write("end", context)

        def teardown(self, estimator, context):
            self._write("teardown", context)

    return FileRecorder(path)


def lines_of(path):
    return Counter(path.read_text().split("\n")[:-1])


@pytest.fixture(scope="module")
def friedman():
    return make_friedman1(n_samples=150, n_features=6, noise=0.3, random_state=0)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def assert_same_network(a, b):
    for name in ("direction", "theta", "bias", "intercept", "skip"):
        assert_array_equal(getattr(a.network_, name), getattr(b.network_, name))


@dataclass
class Run:
    """A fit that is watched in every way, and the same one with nobody looking."""

    model: LpReLURegressor
    plain: LpReLURegressor
    recorder: Recorder
    scores: pd.DataFrame
    printed: list[str]


@pytest.fixture(scope="module", params=RUNS.values(), ids=RUNS)
def run(friedman, request):
    recorder, monitor, out = Recorder(), callback.ScoringMonitor(scoring="r2"), io.StringIO()
    plain = LpReLURegressor(**{**FAST, **request.param})
    model = clone(plain).set_params(verbose=1).set_callbacks(recorder, monitor)
    with warnings.catch_warnings(), redirect_stdout(out):
        warnings.simplefilter("ignore", ConvergenceWarning)
        plain.fit(*friedman)
        model.fit(*friedman)
    return Run(
        model, plain, recorder, monitor.get_logs().data_as_pandas, out.getvalue().splitlines()
    )


# --- The tasks of a training run


def test_every_entry_of_the_history_is_a_task(run):
    copies = run.recorder.fitted("training-step", "polish")
    assert [copy.n_iter_ for copy in copies] == run.model.history_["iteration"]
    for k, copy in enumerate(copies):
        assert copy.history_["objective"] == run.model.history_["objective"][: k + 1]
    model = run.model
    polishes = model.polish and model.loss == "squared_error" and model.solver != "adam"
    assert len(run.recorder.fitted("polish")) == polishes


def test_tasks_are_numbered_and_each_ends_before_the_next_begins(run):
    calls = [call[:3] for call in run.recorder.calls]
    assert calls[:2] == [("setup", "fit", 0), ("begin", "fit", 0)]
    assert calls[-2:] == [("end", "fit", 0), ("teardown", "fit", 0)]
    begun, ended = calls[2:-2:2], calls[3:-2:2]
    assert [kind for kind, *_ in begun] == ["begin"] * len(begun)
    assert [kind for kind, *_ in ended] == ["end"] * len(begun)
    assert [task for _, *task in begun] == [task for _, *task in ended]
    assert [number for *_, number in begun] == list(range(len(begun)))


def test_callbacks_change_nothing(run):
    assert_same_network(run.plain, run.model)
    assert run.plain.history_ == run.model.history_
    assert run.plain.validation_scores_ == run.model.validation_scores_
    assert run.plain.n_iter_ == run.model.n_iter_


def test_the_last_score_is_that_of_the_final_network(run, friedman):
    X, y = friedman
    of_fit = run.scores["task_name"] == "fit"
    expected = r2_score(y, run.plain.predict(X))
    assert run.scores[of_fit]["r2"].tolist() == [expected]
    assert run.scores[~of_fit]["r2"].iloc[-1] == expected
    assert len(run.scores) == 1 + len(run.plain.history_["iteration"])


def test_verbose_prints_a_line_for_every_entry_of_the_history(run):
    header, *lines = run.printed
    assert {len(line) for line in lines} == {len(header)}
    assert [int(line.split()[0]) for line in lines] == run.model.history_["iteration"]
    # With early stopping the polished network may be refused, and the one that is kept is printed.
    n = len(lines) - bool(run.model.early_stopping)
    printed = [float(line.split()[1]) for line in lines[:n]]
    assert_allclose(printed, run.model.history_["objective"][:n], rtol=1e-5)


def test_validation_scores_go_with_the_history(run):
    if run.model.early_stopping:
        assert len(run.model.validation_scores_) == len(run.model.history_["iteration"])


@pytest.mark.parametrize(
    "solver, max_iter",
    [
        *(("proximal", n) for n in (1, 7, 49, 50, 51, 99, 100, 149, 333)),
        *(("adam", n) for n in (1, 19, 20, 21, 210, 1999, 2000, 2510)),
    ],
)
def test_as_many_steps_are_announced_as_there_are(friedman, solver, max_iter):
    X, y = (data[:20] for data in friedman)
    announced = []

    class Expectant(Ticker):
        def setup(self, estimator, context):
            announced.append(context.max_subtasks)

    ticker = Expectant()
    params = {"max_iter": max_iter, "tol": 0, "n_neurons": 2, "random_state": 0, "alpha": 1e-3}
    LpReLURegressor(**params, solver=solver, polish=False).set_callbacks(ticker).fit(X, y)
    assert announced == [ticker.counts()["end"] - 1]


def test_fitted_copies_are_the_networks_of_the_history(friedman):
    X, y = friedman
    recorder = Recorder()
    # In the units of training, which are those of the data here, the loss is known.
    y = y / 10
    params = {**FAST, "standardize": False, "dtype": "float64", "max_iter": 200}
    model = LpReLURegressor(**params).set_callbacks(recorder).fit(X, y)
    copies = recorder.fitted("training-step", "polish")
    losses = np.array([np.mean((y - copy.predict(X)) ** 2) / 2 for copy in copies])
    of_constant = np.var(y) / 2
    recorded = np.array(model.history_["loss"])
    better = recorded < of_constant
    assert better.sum() > 30
    assert_allclose(losses[better], recorded[better], rtol=1e-9)
    # Training that ended with one that is far worse than a constant would leave the constant.
    assert losses.max() <= of_constant + 0.01 * (1 + of_constant) + 1e-9


def test_scores_of_a_classifier_take_labels_and_weights(iris):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    weight = np.where(y == 0, 3.0, 1.0)
    monitor = callback.ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    model = LpReLUClassifier(**FAST).set_callbacks(monitor).fit(X, names, sample_weight=weight)
    last = monitor.get_logs().data[-1]
    assert last["task_name"] == "polish"
    assert_allclose(last["accuracy"], model.score(X, names, weight))
    probability = model.predict_proba(X)[np.arange(len(y)), y]
    assert_allclose(last["neg_log_loss"], np.average(np.log(probability), weights=weight))


def test_frames_are_scored_without_warnings(friedman):
    X, y = pd.DataFrame(friedman[0]).add_prefix("x"), pd.Series(friedman[1])
    monitor = callback.ScoringMonitor(scoring="r2")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LpReLURegressor(**FAST).set_callbacks(monitor).fit(X, y)
    assert monitor.get_logs().data[-1]["r2"] == model.score(X, y)


def test_a_second_fit_has_tasks_of_its_own(friedman):
    recorder = Recorder()
    model = LpReLURegressor(**FAST, warm_start=True).set_callbacks(recorder).fit(*friedman)
    once = recorder.counts()
    model.fit(*friedman)
    assert recorder.counts()["setup"] == 2 * once["setup"] == 2
    assert recorder.counts()["teardown"] == 2
    copies = recorder.fitted("training-step", "polish")
    assert [copy.n_iter_ for copy in copies][-1] == model.n_iter_


def test_only_fit_calls_back(friedman):
    recorder = Recorder()
    model = LpReLURegressor(alpha=1e-3, **FAST).set_callbacks(recorder)
    model.partial_fit(*friedman).partial_fit(*friedman)
    assert recorder.calls == []


@pytest.mark.parametrize("columns", [slice(1), slice(6)], ids=["univariate", "vertex"])
def test_interpolation_is_one_task(friedman, columns):
    X, y = friedman[0][:30, columns], friedman[1][:30]
    recorder = Recorder()
    model = LpReLURegressor(alpha=0, time_limit=1e-6, random_state=0).set_callbacks(recorder)
    model.fit(X, y)
    assert [kind for kind, *_ in recorder.calls] == ["setup", "begin", "end", "teardown"]
    (copy,) = recorder.fitted("fit")
    assert_array_equal(copy.predict(X), model.predict(X))
    assert_allclose(copy.predict(X), y, rtol=1e-9)


# --- What callbacks cost


@pytest.fixture
def n_results(monkeypatch):
    """How often a network is brought into the user's units."""
    results = []
    finished = single.finished

    def counted(*args):
        results.append(args)
        return finished(*args)

    monkeypatch.setattr(single, "finished", counted)
    return lambda: len(results)


def test_no_network_is_built_for_callbacks_that_ask_for_none(friedman, n_results):
    LpReLURegressor(**FAST).fit(*friedman)
    assert n_results() == 1
    ticker = Ticker()
    LpReLURegressor(**FAST).set_callbacks(ticker).fit(*friedman)
    assert ticker.counts()["end"] > 50
    assert n_results() == 2


@pytest.mark.parametrize("Estimator", [LpReLURegressor, LpReLURegressorCV])
def test_without_callbacks_there_are_no_tasks(friedman, Estimator, monkeypatch):
    def must_not_be_called(*args, **kwargs):
        raise AssertionError("there is no callback to tell")

    monkeypatch.setattr(callback.CallbackSupportMixin, "_init_callback_context", must_not_be_called)
    params = GRID if Estimator is LpReLURegressorCV else FAST
    model = Estimator(**params).set_callbacks(Ticker()).set_callbacks()
    assert model.fit(*friedman).n_iter_ > 0


# --- A callback that ends training


@pytest.mark.parametrize(
    "params", [{}, {"solver": "adam", "alpha": 1e-3}], ids=["proximal", "adam"]
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_callback_ends_training_with_the_network_so_far(friedman, params, early_stopping):
    X, y = friedman
    stopper = Stopper(11)
    params = {**FAST, **params, "max_iter": 400, "early_stopping": early_stopping}
    model = LpReLURegressor(**params).set_callbacks(stopper)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(X, y)
    assert len(model.history_["iteration"]) == 12
    assert model.n_iter_ == model.history_["iteration"][-1] < 400
    copies = stopper.fitted("training-step")
    assert len(copies) == 12 and stopper.fitted("polish") == []
    assert_same_network(copies[-1], model)
    assert model.score(X, y) > 0.5
    assert stopper.counts()["begin"] == stopper.counts()["end"] == 13


def test_ending_with_the_last_step_spares_the_polish(friedman):
    plain = LpReLURegressor(**FAST, polish=False).fit(*friedman)
    stopped = LpReLURegressor(**FAST).set_callbacks(Stopper(59)).fit(*friedman)
    assert_same_network(plain, stopped)


def test_a_network_that_is_of_no_use_yet_is_not_passed_off_as_diverged(friedman):
    X, y = friedman
    model = LpReLURegressor(**FAST, learning_rate=1e-6).set_callbacks(Stopper(0))
    with pytest.warns(ConvergenceWarning, match="A callback ended training after 1 iterations"):
        model.fit(X, y)
    assert_allclose(model.predict(X), y.mean(), rtol=1e-5)


# --- Errors and interrupts


@pytest.mark.parametrize(
    "place",
    [
        ("setup", "fit"),
        ("begin", "fit"),
        ("end", "training-step"),
        ("begin", "polish"),
        ("end", "fit"),
    ],
    ids=" ".join,
)
def test_errors_of_a_callback_are_raised_after_teardown(iris, place):
    raiser = Raiser(RuntimeError("out of order"), *place)
    model = LpReLUClassifier(**FAST).set_callbacks(raiser)
    with pytest.raises(RuntimeError, match="out of order"):
        model.fit(*iris)
    assert raiser.counts()["setup"] == raiser.counts()["teardown"] == 1
    assert raiser.calls[-1][0] == "teardown"
    assert not any("callback" in name for name in vars(model) if name != "_skl_callbacks")
    model.set_callbacks().fit(*iris)
    assert model.score(*iris) > 0.9


def test_errors_in_the_data_are_raised_before_any_callback(friedman):
    X, y = friedman
    recorder = Recorder()
    with pytest.raises(ValueError, match="NaN"):
        LpReLURegressor(**FAST).set_callbacks(recorder).fit(X, np.full_like(y, np.nan))
    with pytest.raises(ValueError, match="p must be in the range"):
        LpReLURegressorCV(**GRID, p=[0.5, 2.0]).set_callbacks(recorder).fit(X, y)
    assert recorder.calls == []


@pytest.mark.parametrize("solver", ["proximal", "adam"])
@pytest.mark.parametrize("kind", ["begin", "end"])
def test_ctrl_c_in_a_callback_keeps_the_network_so_far(friedman, solver, kind):
    raiser = Raiser(KeyboardInterrupt(), kind, "training-step", n=16)
    model = LpReLURegressor(**{**FAST, "max_iter": 400}, solver=solver, alpha=1e-3)
    with pytest.warns(ConvergenceWarning, match=r"interrupted after \d+ iterations"):
        model.set_callbacks(raiser).fit(*friedman)
    assert 0 < model.n_iter_ < 400
    assert model.score(*friedman) > 0.5
    assert raiser.counts()["teardown"] == 1


@pytest.mark.parametrize("name", ["training-step", "polish"])
def test_ctrl_c_in_the_last_calls_keeps_the_network(friedman, name):
    params = {**FAST, "max_iter": 1} if name == "training-step" else FAST
    raiser = Raiser(KeyboardInterrupt(), "end", name)
    model = LpReLURegressor(**params).set_callbacks(raiser)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model.fit(*friedman)
    assert np.isfinite(model.predict(friedman[0])).all()
    assert raiser.counts()["teardown"] == 1


@pytest.mark.parametrize("kind", ["begin", "end"])
def test_ctrl_c_in_a_path_search_tears_down(friedman, kind):
    raiser = Raiser(KeyboardInterrupt(), kind, "fold 1 p=0.5")
    model = LpReLURegressorCV(**GRID).set_callbacks(raiser)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*friedman)
    assert raiser.counts()["setup"] == raiser.counts()["teardown"] == 1
    assert not hasattr(model, "network_")


# --- Within other estimators


def test_the_last_step_of_a_pipeline_has_its_tasks(friedman):
    X, y = friedman
    recorder = PropagatedRecorder()
    pipeline = make_pipeline(StandardScaler(), LpReLURegressor(**FAST)).set_callbacks(recorder)
    pipeline.fit(X, y)
    model = pipeline[-1]
    copies = recorder.fitted("training-step", "polish")
    assert [copy.n_iter_ for copy in copies] == model.history_["iteration"]
    assert recorder.counts()["setup"] == recorder.counts()["teardown"] == 1
    assert not hasattr(model, "_skl_callbacks")
    assert_array_equal(copies[-1].predict(pipeline[:-1].transform(X)), pipeline.predict(X))


@pytest.mark.parametrize("n_jobs", [pytest.param(None, marks=pytest.mark.slow), 2])
def test_a_grid_search_counts_the_steps_of_every_fit(friedman, n_jobs):
    of_search, of_fits = PropagatedRecorder(), Recorder()
    search = GridSearchCV(
        LpReLURegressor(**FAST).set_callbacks(of_fits), {"p": [0.5, 1.0]}, cv=2, n_jobs=n_jobs
    ).set_callbacks(of_search)
    with parallel_backend("threading"):
        search.fit(*friedman)
    n_fits = 2 * 2 + 1
    assert of_search.counts()["setup"] == of_search.counts()["teardown"] == 1
    assert of_fits.counts()["setup"] == of_fits.counts()["teardown"] == n_fits
    for recorder in (of_search, of_fits):
        names = Counter(name for kind, name, *_ in recorder.calls if kind == "end")
        assert names["polish"] == n_fits
        # Some come to rest before the last of their 60 steps.
        assert n_fits * 50 < names["training-step"] <= n_fits * 60
    assert_same_network(of_fits.fitted("fit")[-1], search.best_estimator_)


@pytest.mark.parametrize("n_jobs", [pytest.param(None, marks=pytest.mark.slow), 2])
def test_every_path_is_a_task(friedman, n_jobs):
    X, y = friedman
    recorder = Recorder()
    plain = LpReLURegressorCV(**GRID, p=[0.5, 1.0]).fit(X, y)
    model = clone(plain).set_params(n_jobs=n_jobs).set_callbacks(recorder)
    with parallel_backend("threading"):
        model.fit(X, y)
    tasks = [f"path p={p}" for p in ("0.5", "1")]
    tasks += [f"fold {k} p={p}" for p in ("0.5", "1") for k in range(3)]
    for kind in ("begin", "end"):
        numbers = {name: number for one, name, number, _ in recorder.calls if one == kind}
        assert numbers == {"fit": 0, **{name: number for number, name in enumerate(tasks)}}
    (copy,) = recorder.fitted("fit")
    assert_same_network(copy, model)
    assert_same_network(plain, model)
    assert_array_equal(plain.cv_results_["mean_test_score"], model.cv_results_["mean_test_score"])


def test_folds_tell_of_the_rows_that_they_train_on(iris):
    X, y = iris
    weight = np.arange(1.0, 151.0)
    seen = {}

    class Looker(Recorder):
        def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
            seen[context.task_name] = X, y, metadata["sample_weight"]

    folds = [(np.arange(0, 150, 2), np.arange(1, 150, 2)), (np.arange(1, 150, 2), [0, 60, 120])]
    params = {**GRID, "cv": folds}
    LpReLUClassifierCV(**params).set_callbacks(Looker()).fit(X, y, sample_weight=weight)
    for name, rows in [("fit", slice(None)), ("path p=0.5", slice(None))] + [
        (f"fold {k} p=0.5", train) for k, (train, _) in enumerate(folds)
    ]:
        assert_array_equal(seen[name][0], X[rows])
        assert_array_equal(seen[name][1], y[rows])
        assert_array_equal(seen[name][2], weight[rows])


def test_information_criteria_have_no_folds(friedman):
    recorder = Recorder()
    LpReLURegressorCV(**GRID, selection="bic").set_callbacks(recorder).fit(*friedman)
    names = [name for kind, name, *_ in recorder.calls if kind == "end"]
    assert names == ["path p=0.5", "fit"]


def test_the_networks_of_a_path_are_free_of_callbacks(friedman):
    class Immovable(Recorder):
        def __reduce_ex__(self, protocol):
            raise TypeError("not to be copied")

    recorder = Immovable()
    model = LpReLURegressor(**FAST).set_callbacks(recorder)
    path = lp_path(*friedman, estimator=model, alphas=[1e-2, 2e-2])
    assert path.select(max_active_neurons=100).score(*friedman) > 0.5
    assert recorder.calls == []
    assert model._skl_callbacks == [recorder]


@pytest.mark.slow
def test_processes_report_to_the_callbacks(friedman, tmp_path):
    X, y = friedman
    monitor = callback.ScoringMonitor(scoring="r2")
    search = GridSearchCV(
        LpReLURegressor(**FAST).set_callbacks(monitor), {"p": [0.5, 1.0]}, cv=2, n_jobs=2
    ).set_callbacks(file_recorder(tmp_path / "search"))
    search.fit(X, y)
    written = lines_of(tmp_path / "search")
    assert written["begin,LpReLURegressor,polish"] == written["end,LpReLURegressor,polish"] == 5
    assert written["setup,GridSearchCV,fit"] == written["teardown,GridSearchCV,fit"] == 1
    rows = monitor.get_logs().data_as_pandas
    assert (rows["task_name"] == "polish").sum() == 5
    # The refit, which is nearer to the root than the fits on folds, comes first.
    assert rows[rows["task_name"] == "polish"]["r2"].iloc[0] == search.score(X, y)

    model = LpReLURegressorCV(**GRID, n_jobs=2).set_callbacks(file_recorder(tmp_path / "paths"))
    model.fit(X, y)
    written = lines_of(tmp_path / "paths")
    assert sum(written.values()) == 2 + 2 * (1 + 1 + 3)
    assert all(written[f"end,LpReLURegressorCV,fold {k} p=0.5"] == 1 for k in range(3))
    assert_same_network(model, LpReLURegressorCV(**GRID).fit(X, y))


# --- What scikit-learn expects of estimators


def test_callbacks_are_no_parameters():
    model = LpReLURegressor(**FAST)
    watched = LpReLURegressor(**FAST).set_callbacks(Recorder())
    assert watched.get_params() == model.get_params()
    assert repr(watched) == repr(model)
    assert clone(watched)._skl_callbacks == watched._skl_callbacks


@pytest.mark.parametrize("Estimator", [LpReLURegressor, LpReLURegressorCV])
def test_estimators_with_callbacks_can_be_pickled(friedman, Estimator):
    X, y = friedman
    params = GRID if Estimator is LpReLURegressorCV else FAST
    monitor = callback.ScoringMonitor(scoring="r2")
    model = pickle.loads(pickle.dumps(Estimator(**params).set_callbacks(monitor)))
    model = pickle.loads(pickle.dumps(model.fit(X, y)))
    n_rows = len(model._skl_callbacks[0].get_logs().data)
    assert n_rows == (1 if Estimator is LpReLURegressorCV else 1 + len(model.history_["loss"]))
    model.fit(X, y)
    assert len(model._skl_callbacks[0].get_logs(select="all")) == 2


def test_a_progress_bar_comes_to_its_end(friedman, capsys):
    pytest.importorskip("rich", reason="ProgressBar draws with rich")
    LpReLURegressor(**FAST).set_callbacks(callback.ProgressBar()).fit(*friedman)
    assert "LpReLURegressor - fit" in (out := capsys.readouterr().out) and "100%" in out
    LpReLURegressorCV(**GRID).set_callbacks(callback.ProgressBar()).fit(*friedman)
    assert "LpReLURegressorCV - fit" in (out := capsys.readouterr().out) and "100%" in out


def test_verbose_of_a_path_search_is_that_of_joblib(friedman, capsys):
    LpReLURegressorCV(**GRID, verbose=1).fit(*friedman)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Done   3 out of   3" in captured.err
