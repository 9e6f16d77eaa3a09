"""Bad and borderline input: each either works or raises an error that says what to do."""

import builtins
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, make_friedman1
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
    lp_path,
)
from sklearn_lpnet.theory import min_path_norm_interpolant, sparsest_interpolant_milp

FAST = {"alpha": 1e-3, "n_neurons": 20, "max_iter": 150, "tol": 0.0, "random_state": 0}

BOTH = pytest.mark.parametrize("Estimator", [LpReLURegressor, LpReLUClassifier])


@pytest.fixture(scope="module")
def friedman():
    return make_friedman1(n_samples=200, n_features=6, noise=0.5, random_state=0)


def data_for(Estimator, n_samples=60, n_features=3):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features))
    y = X[:, 0] + np.abs(X[:, -1])
    return X, (y > 1).astype(int) if Estimator is LpReLUClassifier else y


def assert_finite(model):
    for name in ("direction", "theta", "bias", "intercept", "skip"):
        assert np.isfinite(getattr(model.network_, name)).all()


# --- Parameters


@BOTH
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("p", 1.1),
        ("p", -0.5),
        ("p", float("nan")),
        ("alpha", -1e-3),
        ("alpha", float("inf")),
        ("alpha", "best"),
        ("n_neurons", 0),
        ("n_neurons", 2.5),
        ("loss", "poisson"),
        ("solver", "lbfgs"),
        ("skip_connection", "free"),
        ("max_iter", 0),
        ("tol", -1.0),
        ("learning_rate", 0.0),
        ("learning_rate", "adaptive"),
        ("batch_size", 0),
        ("n_init", 0),
        ("validation_fraction", 1.0),
        ("n_iter_no_change", 0),
        ("device", 0),
        ("dtype", "float16"),
        ("random_state", "seed"),
    ],
)
def test_a_parameter_out_of_range_is_named(Estimator, name, value):
    X, y = data_for(Estimator)
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {Estimator.__name__}"):
        Estimator(**{name: value}).fit(X, y)


@pytest.mark.parametrize(
    ("name", "value"), [("quantile", 0.0), ("quantile", 1.0), ("huber_delta", 0.0)]
)
def test_a_parameter_of_a_loss_out_of_range_is_named(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        LpReLURegressor(**{name: value}).fit(*data_for(LpReLURegressor))


@BOTH
def test_p_zero_is_for_alpha_zero(Estimator):
    with pytest.raises(ValueError, match=r"p=0 counts weights.* positive p .* alpha=0"):
        Estimator(p=0).fit(*data_for(Estimator))


def test_a_penalized_skip_connection_is_not_for_adam(friedman):
    with pytest.raises(ValueError, match=r"skip_connection='penalized' .* solver='adam'"):
        LpReLURegressor(solver="adam", skip_connection="penalized").fit(*friedman)


@BOTH
@pytest.mark.parametrize("device", ["tpu", "cuda:", "cuda:one", "gpu", ""])
def test_an_unknown_device_is_named_with_those_there_are(Estimator, device):
    message = f"device={device!r} is unknown; use 'cpu', 'cuda', .* or 'auto'"
    with pytest.raises(ValueError, match=message):
        Estimator(device=device).fit(*data_for(Estimator))


@BOTH
@pytest.mark.skipif(torch.cuda.is_available(), reason="PyTorch finds a CUDA device")
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:3"])
def test_cuda_where_there_is_none_is_refused_before_the_data_are_read(Estimator, device):
    with pytest.raises(ValueError, match=f"device='{device}' asks for CUDA.*device='cpu'"):
        Estimator(device=device).fit("no data", None)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device")
def test_a_gpu_that_is_not_there_is_refused(friedman):
    with pytest.raises(ValueError, match="device='cuda:99' is not there"):
        LpReLURegressor(device="cuda:99").fit(*friedman)


def test_device_auto_works_everywhere(friedman):
    assert LpReLURegressor(**FAST, device="auto").fit(*friedman).score(*friedman) > 0.8


# --- Values of X and y


@BOTH
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_and_infinite_values_are_refused(Estimator, value):
    X, y = data_for(Estimator)
    model = Estimator(**FAST).fit(X, y)
    bad = X.copy()
    bad[3, 1] = value
    for call in (model.predict, lambda bad: Estimator(**FAST).fit(bad, y)):
        with pytest.raises(ValueError, match="Input X contains"):
            call(bad)
    y = y.astype(float)
    y[5] = value
    with pytest.raises(ValueError, match="Input y contains"):
        Estimator(**FAST).fit(X, y)


@BOTH
def test_strings_in_x_are_refused(Estimator):
    X, y = data_for(Estimator)
    bad = X.astype(object)
    bad[0, 0] = "red"
    with pytest.raises(ValueError, match="could not convert string to float"):
        Estimator(**FAST).fit(bad, y)


def test_strings_in_y_are_refused_by_the_regressor():
    X, y = data_for(LpReLURegressor)
    with pytest.raises(ValueError, match="could not convert string to float"):
        LpReLURegressor(**FAST).fit(X, np.where(y > 0, "a", "b"))


DAYS = np.datetime64("2024-01-01") + np.arange(40)
HOURS = np.arange(40).astype("timedelta64[h]")
NUMBERS = np.linspace(-1, 1, 40)
WITH_DATES = {
    "days": (DAYS[:, None], "datetime64"),
    "hours": (HOURS[:, None], "timedelta64"),
    "missing": (np.full((40, 1), np.datetime64("NaT", "ns")), "datetime64"),
    "list": ([[day] for day in DAYS], "datetime64"),
    "objects": (np.array([[1.0, day] for day in DAYS], dtype=object), "column 1"),
    "objects of Python": (np.array([[1.0, day] for day in DAYS.tolist()], object), "column 1"),
    "frame": (pd.DataFrame({"x": NUMBERS, "when": DAYS}), "column 'when'"),
    "frame of days": (pd.DataFrame({"when": DAYS}), "column 'when'"),
    "frame of hours": (pd.DataFrame({"when": HOURS}), "column 'when'"),
    "frame of zones": (
        pd.DataFrame({"when": pd.to_datetime(DAYS).tz_localize("UTC")}),
        "column 'when'",
    ),
    "frame of objects": (
        pd.DataFrame({"x": NUMBERS, "when": [pd.NaT, *pd.to_datetime(DAYS[1:])]}, dtype=object),
        "column 'when'",
    ),
    "frame of periods": (
        pd.DataFrame({"when": pd.period_range("2024-01-01", periods=40)}),
        "column 'when'",
    ),
}


@BOTH
@pytest.mark.parametrize("kind", WITH_DATES)
def test_dates_in_x_are_refused(Estimator, kind):
    X, where = WITH_DATES[kind]
    y = np.arange(40) % 2
    remedy = rf"X must hold numbers, but .*{where}.*days since a date"
    with pytest.raises(ValueError, match=remedy):
        Estimator(**FAST).fit(X, y)
    options = {"classes": [0, 1]} if Estimator is LpReLUClassifier else {}
    with pytest.raises(ValueError, match=remedy):
        Estimator(**FAST).partial_fit(X, y, **options)
    with pytest.raises(ValueError, match=remedy):
        lp_path(X, y, estimator=Estimator())
    CV = LpReLUClassifierCV if Estimator is LpReLUClassifier else LpReLURegressorCV
    with pytest.raises(ValueError, match=remedy):
        CV().fit(X, y)
    n_features = len(X[0]) if isinstance(X, list) else X.shape[1]
    model = Estimator(**{**FAST, "max_iter": 5}).fit(np.ones((40, n_features)), y)
    with pytest.raises(ValueError, match=remedy):
        model.predict(X)


@pytest.mark.parametrize("values", [DAYS, HOURS])
@pytest.mark.parametrize("made", ["array", "series", "objects", "columns"])
def test_dates_as_targets_or_weights_are_refused(values, made):
    y = {
        "array": values,
        "series": pd.Series(values),
        "objects": values.astype(object),
        "columns": np.column_stack([values, values]),
    }[made]
    for Estimator in (LpReLURegressor, LpReLURegressorCV):
        with pytest.raises(ValueError, match="y must hold numbers"):
            Estimator().fit(NUMBERS[:, None], y)
    with pytest.raises(ValueError, match="y must hold numbers"):
        LpReLURegressor().partial_fit(NUMBERS[:, None], y)
    if y.ndim == 1:
        with pytest.raises(ValueError, match="sample_weight must hold numbers"):
            LpReLURegressor().fit(NUMBERS[:, None], NUMBERS, sample_weight=y)


def test_dates_in_a_polars_frame_are_refused():
    pl = pytest.importorskip("polars")
    for X in (
        pl.DataFrame({"x": NUMBERS, "when": DAYS}),
        pl.DataFrame({"x": NUMBERS, "when": DAYS.astype("datetime64[ms]")}),
        pl.DataFrame({"x": NUMBERS, "when": HOURS.astype("timedelta64[us]")}),
    ):
        with pytest.raises(ValueError, match="X must hold numbers, but column 'when'"):
            LpReLURegressor(**FAST).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="y must hold numbers"):
        LpReLURegressor(**FAST).fit(NUMBERS[:, None], pl.Series(DAYS))


def test_dates_are_refused_where_a_function_interpolates():
    with pytest.raises(ValueError, match="X must hold numbers"):
        sparsest_interpolant_milp(DAYS[:3], NUMBERS[:3])
    function = LpReLURegressor(alpha=0).fit(NUMBERS[:, None], np.abs(NUMBERS))
    with pytest.raises(ValueError, match="X must hold numbers"):
        function.predict(HOURS[:, None])
    with pytest.raises(ValueError, match="x must hold numbers"):
        min_path_norm_interpolant(NUMBERS, NUMBERS**2, 0.5)(HOURS)


def test_days_since_a_date_are_a_feature():
    days = (DAYS - np.datetime64("2000-01-01")) / np.timedelta64(1, "D")
    frame = pd.DataFrame({"days": days})
    y = np.abs(NUMBERS)
    model = LpReLURegressor(alpha=1e-4, random_state=0).fit(frame, y)
    assert model.score(frame, y) > 0.99


@BOTH
def test_samples_and_targets_of_different_number_are_refused(Estimator):
    X, y = data_for(Estimator)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        Estimator(**FAST).fit(X, y[:-1])


@pytest.mark.parametrize("n_init", [1, 3])
def test_one_sample_is_a_constant(n_init):
    model = LpReLURegressor(**{**FAST, "alpha": "auto"}, n_init=n_init).fit([[1.0, 2.0]], [3.0])
    assert_allclose(model.predict([[1.0, 2.0], [-5.0, 40.0]]), 3)
    assert model.n_nonzero_weights_ == 0


def test_one_class_is_refused():
    X, _ = data_for(LpReLUClassifier)
    with pytest.raises(ValueError, match=r"at least 2 classes .* only one class: 1"):
        LpReLUClassifier(**FAST).fit(X, np.ones(len(X), int))
    with pytest.raises(ValueError, match="at least 2 classes"):
        LpReLUClassifier(**FAST).partial_fit(X, np.ones(len(X), int), classes=[1])


def test_continuous_classes_and_several_columns_of_classes_are_refused():
    X, _ = data_for(LpReLUClassifier)
    with pytest.raises(ValueError, match="Unknown label type"):
        LpReLUClassifier(**FAST).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="several columns with more than two classes"):
        LpReLUClassifier(**FAST).fit(X, np.arange(2 * len(X)).reshape(-1, 2) % 3)


@BOTH
@pytest.mark.parametrize("standardize", [True, False])
def test_constant_columns_are_left_alone(Estimator, standardize):
    X, y = data_for(Estimator)
    X = np.column_stack([X, np.zeros(len(X)), np.full(len(X), 0.1)])
    model = Estimator(**FAST, standardize=standardize).fit(X, y)
    assert model.score(X, y) > 0.8
    if standardize:
        assert_array_equal(model.feature_importances_[-2:], 0)


@pytest.mark.parametrize("value", [0.0, 7.0, -1e30])
def test_constant_targets_are_a_constant_network(value):
    X, y = data_for(LpReLURegressor)
    model = LpReLURegressor(random_state=0, n_neurons=20).fit(X, np.full_like(y, value))
    assert model.n_nonzero_weights_ == 0
    assert_allclose(model.predict(10 * X), value)


def test_constant_features_leave_the_mean():
    _, y = data_for(LpReLURegressor)
    model = LpReLURegressor(random_state=0, n_neurons=20).fit(np.ones((len(y), 2)), y)
    assert_allclose(model.predict(np.ones((1, 2))), y.mean(), rtol=1e-5)


def test_equal_rows_with_different_targets_are_averaged():
    X = np.repeat([[0.0], [1.0], [2.0]], 20, axis=0)
    y = np.tile([-1.0, 1.0], 30) + X[:, 0]
    model = LpReLURegressor(**FAST).fit(X, y)
    assert_allclose(model.predict([[0.0], [1.0], [2.0]]), [0, 1, 2], atol=0.05)
    labels = np.tile([0, 1, 1, 1], 15)
    model = LpReLUClassifier(**FAST).fit(X, labels)
    assert_allclose(model.predict_proba([[1.0]]), [[0.25, 0.75]], atol=0.02)


@BOTH
def test_more_features_than_samples(Estimator):
    X, y = data_for(Estimator, n_samples=30, n_features=200)
    model = Estimator(**FAST).fit(X, y)
    assert model.score(X, y) > 0.8
    assert model.n_nonzero_weights_ < 2000


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8, np.float16, bool])
def test_integers_and_small_floats_are_converted(dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2 if dtype is bool else 100, (100, 3))
    y = X[:, 0] + np.maximum(X[:, 1], 50)
    model = LpReLURegressor(**FAST).fit(X.astype(dtype), y.astype(np.float16))
    assert_array_equal(model.predict(X.astype(dtype)), model.predict(X.astype(float)))
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("unit", [1e30, 1e-30, [1e30, 1e-30, 1, 1e-5, 1e5, 1]], ids=str)
@pytest.mark.parametrize("y_unit", [1e30, 1e-30])
def test_huge_and_tiny_units_change_nothing(friedman, unit, y_unit):
    X, y = friedman
    base = LpReLURegressor(**FAST).fit(X, y)
    X, y = X * unit, y * y_unit
    model = LpReLURegressor(**FAST).fit(X, y)
    assert_finite(model)
    assert model.score(X / 1e0, y) == pytest.approx(base.score(*friedman), abs=0.03)
    single = model.predict(X.astype(np.float32))
    assert_allclose(single, model.predict(X), rtol=1e-3, atol=1e-3 * y_unit)


def test_huge_and_tiny_units_change_nothing_for_classes():
    X, y = load_iris(return_X_y=True)
    for container in (np.asarray, sp.csr_array):
        for unit in (1e30, 1e-30):
            model = LpReLUClassifier(**FAST).fit(container(X * unit), y)
            assert model.score(X * unit, y) > 0.95


@pytest.mark.parametrize("unit", [1e30, 1e-30])
def test_huge_and_tiny_values_without_standardization_stay_finite(friedman, unit, recwarn):
    X, y = friedman
    model = LpReLURegressor(**FAST, standardize=False).fit(unit * X, y)
    assert_finite(model)
    assert np.isfinite(model.predict(unit * X)).all()
    assert model.score(unit * X, y) > -1e-6
    if unit > 1:
        assert any("standardize=True" in str(w.message) for w in recwarn)


def test_features_that_differ_at_predict_are_refused(friedman):
    X, y = friedman
    model = LpReLURegressor(**FAST).fit(X, y)
    with pytest.raises(ValueError, match="X has 5 features, but LpReLURegressor is expecting 6"):
        model.predict(X[:, :5])
    frame = pd.DataFrame(X, columns=list("abcdef"))
    model = LpReLURegressor(**FAST).fit(frame, y)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list("fedcba")])


@BOTH
def test_an_estimator_that_is_not_fitted_says_so(Estimator):
    with pytest.raises(NotFittedError):
        Estimator().predict([[0.0]])
    for attribute in ("coefs_", "n_active_neurons_", "path_norm_"):
        assert not hasattr(Estimator(), attribute)


# --- Weights and classes


@BOTH
def test_weights_that_say_nothing_are_refused(Estimator):
    X, y = data_for(Estimator)
    weight = np.ones(len(y))
    with pytest.raises(ValueError, match="at least one non-zero"):
        Estimator(**FAST).fit(X, y, sample_weight=0 * weight)
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        Estimator(**FAST).fit(X, y, sample_weight=-weight)
    with pytest.raises(ValueError, match="sum of the sample weights is not finite"):
        Estimator(**FAST).fit(X, y, sample_weight=1e308 * weight)
    with pytest.raises(ValueError, match="NaN"):
        Estimator(**FAST).fit(X, y, sample_weight=np.nan * weight)


def test_class_weights_that_say_nothing_are_refused():
    X, y = data_for(LpReLUClassifier)
    with pytest.raises(ValueError, match="class_weight must not be negative"):
        LpReLUClassifier(**FAST, class_weight={0: -1.0}).fit(X, y)
    with pytest.raises(ValueError, match="at least one non-zero"):
        LpReLUClassifier(**FAST, class_weight={0: 0.0, 1: 0.0}).fit(X, y)


def test_partial_fit_refuses_what_does_not_go_with_the_first_call():
    X, y = data_for(LpReLUClassifier)
    model = LpReLUClassifier(**FAST)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, y)
    model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="not the same as on the last call"):
        model.partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"y contains .*2.*, which are not among the classes"):
        model.partial_fit(X, 2 * y)
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :2], y)
    X, y = data_for(LpReLURegressor)
    model = LpReLURegressor(**FAST).partial_fit(X, y)
    with pytest.raises(ValueError, match="y has 2 outputs, but 1 at the first call"):
        model.partial_fit(X, np.column_stack([y, y]))


def test_warm_start_refuses_other_classes_outputs_and_features():
    X, y = data_for(LpReLUClassifier)
    model = LpReLUClassifier(**FAST, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="warm_start=True needs the classes"):
        model.fit(X, y + 1)
    X, y = data_for(LpReLURegressor)
    model = LpReLURegressor(**FAST, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="warm_start=True goes on from a network of 1 outputs"):
        model.fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="expecting 3 features"):
        model.fit(X[:, :2], y)


def test_too_few_samples_for_early_stopping_are_refused():
    X, _ = data_for(LpReLUClassifier, n_samples=4)
    with pytest.raises(ValueError, match=r"early_stopping=True with validation_fraction=0.1"):
        LpReLUClassifier(**FAST, early_stopping=True).fit(X, [0, 0, 1, 1])
    with pytest.raises(ValueError, match="cannot split 1 distinct samples"):
        LpReLURegressor(**FAST, early_stopping=True).fit([[1.0]], [1.0])


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("rare", ["ant", "zebra"])
@pytest.mark.parametrize("others", [["bee"], ["bee", "cow"]])
def test_early_stopping_names_the_class_of_one_sample_as_the_user_does(loss, rare, others):
    X, _ = data_for(LpReLUClassifier)
    y = np.r_[[rare], np.resize(others, len(X) - 1)]
    model = LpReLUClassifier(**FAST, loss=loss, early_stopping=True)
    with pytest.raises(ValueError, match=f"there is only one of '{rare}'.*early_stopping=False"):
        model.fit(X, y)


# --- Training that goes wrong


@BOTH
@pytest.mark.parametrize("solver", ["proximal", "adam"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_learning_rate_of_100_ends_in_a_warned_finite_network(Estimator, solver, dtype):
    X, y = data_for(Estimator)
    model = Estimator(**FAST, learning_rate=100.0, solver=solver, dtype=dtype)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert_finite(model)
    assert np.isfinite(model.predict(X)).all()
    if not caught:
        # The rate decays, and polish goes on from any finite network: a good fit needs no warning.
        assert model.score(X, y) > 0.7
    elif Estimator is LpReLURegressor:
        assert model.score(X, y) > -1e-6
        assert "learning_rate=100" in str(caught[0].message)
        assert "Use a smaller learning_rate" in str(caught[0].message)
        assert caught[0].category is ConvergenceWarning
    else:
        # Separable classes may be told apart by logits of any size.
        assert caught or model.score(X, y) > max(np.mean(y), 1 - np.mean(y))


def test_too_few_iterations_are_warned_of(friedman):
    with pytest.warns(ConvergenceWarning, match="max_iter=20 .* Increase max_iter or tol"):
        LpReLURegressor(max_iter=20, alpha=1e-3, polish=False, random_state=0).fit(*friedman)


@BOTH
@pytest.mark.parametrize("solver", ["proximal", "adam"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_leaves_a_fitted_estimator(Estimator, solver, early_stopping, monkeypatch):
    X, y = data_for(Estimator)
    printed = []

    def interrupted_print(*args, **kwargs):
        printed.append(args)
        if len(printed) == 12:
            raise KeyboardInterrupt

    monkeypatch.setattr(builtins, "print", interrupted_print)
    params = {**FAST, "max_iter": 400, "verbose": 1, "solver": solver}
    model = Estimator(**params, early_stopping=early_stopping)
    with pytest.warns(ConvergenceWarning, match=r"interrupted after \d+ iterations"):
        model.fit(X, y)
    assert 0 < model.n_iter_ < 400
    assert_finite(model)
    assert model.score(X, y) > 0.6
