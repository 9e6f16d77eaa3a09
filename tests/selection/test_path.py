"""What lp_path promises: monotone, the envelope of its networks, and usable estimators."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    make_friedman1,
    make_multilabel_classification,
)
from sklearn.linear_model import LinearRegression, lasso_path
from sklearn.preprocessing import scale

import sklearn_lpnet.fitting.path_following
from sklearn_lpnet import LpReLUClassifier, LpReLURegressor, lp_path

FAST = {"n_neurons": 20, "max_iter": 100, "random_state": 0}


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.fixture(scope="module")
def diabetes_path(diabetes):
    return lp_path(*diabetes, random_state=0)


@pytest.fixture(scope="module")
def friedman():
    return make_friedman1(n_samples=200, n_features=6, noise=0.3, random_state=0)


def _data(kind):
    X, y = make_friedman1(n_samples=150, n_features=6, noise=0.3, random_state=0)
    if kind in ("squared_error", "huber", "quantile", "absolute_error"):
        return X, y, LpReLURegressor(**FAST, loss=kind)
    if kind == "two outputs":
        return X, np.column_stack([y, X[:, 0] - X[:, 1]]), LpReLURegressor(**FAST)
    if kind == "weights":
        return X, y, LpReLURegressor(**FAST)
    if kind == "sparse":
        return sp.csr_matrix(np.where(X > 0.5, X, 0)), y, LpReLURegressor(**FAST)
    if kind == "no skip":
        return X, y, LpReLURegressor(**FAST, skip_connection=False)
    if kind == "free skip":
        return X, y, LpReLURegressor(**FAST, skip_connection=True)
    if kind == "penalized bias":
        return X, y, LpReLURegressor(**FAST, penalize_bias=True)
    if kind == "p = 1":
        return X, y, LpReLURegressor(**FAST, p=1.0)
    if kind == "binary":
        return (*load_breast_cancer(return_X_y=True), LpReLUClassifier(**FAST))
    if kind == "hinge":
        return (*load_iris(return_X_y=True), LpReLUClassifier(**FAST, loss="hinge"))
    if kind == "multiclass":
        return (*load_iris(return_X_y=True), LpReLUClassifier(**FAST))
    X, y = make_multilabel_classification(150, 8, n_classes=3, random_state=0)
    return X, y, LpReLUClassifier(**FAST)


KINDS = [
    "squared_error", "huber", "quantile", "absolute_error", "two outputs", "weights", "sparse",
    "no skip", "free skip", "penalized bias", "p = 1", "binary", "multiclass", "hinge",
    "multilabel",
]  # fmt: skip


# --- The path as a whole


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_never_falls_and_the_path_norm_never_rises(kind):
    X, y, estimator = _data(kind)
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y)) if kind == "weights" else None
    path = lp_path(X, y, estimator=estimator, n_alphas=12, sample_weight=weight)
    assert np.all(np.diff(path.alphas) > 0)
    assert np.all(np.diff(path.losses) >= 0)
    assert np.all(np.diff(path.path_norms) <= 0)
    assert_array_equal(path.objectives, path.losses + path.alphas * path.path_norms)
    # At each alpha no other network of the path would do better.
    everyone = path.losses + path.alphas[:, None] * path.path_norms
    assert np.all(path.objectives <= everyone.min(axis=1) * (1 + 1e-12))
    # It begins with a network that has learned something and ends with one that is constant.
    assert path.scores[0] > path.scores[-1] + 0.05
    assert path.path_norms[-1] == 0
    outputs = path.networks[-1].evaluate(X)
    if kind != "free skip":
        assert np.ptp(outputs, axis=0).max() == 0
        assert path.n_features_used[-1] == 0


def test_the_last_constant_is_the_best_one(diabetes, diabetes_path):
    _, y = diabetes
    assert_allclose(diabetes_path.networks[-1].intercept, y.mean())
    assert_allclose(diabetes_path.losses[-1], 0.5)


def test_the_last_alpha_is_where_the_constant_becomes_best(diabetes_path):
    path = diabetes_path
    at_end = path.losses[:-1] + path.alphas[-1] * path.path_norms[:-1]
    assert np.all(at_end >= path.losses[-1])
    assert path.n_nonzero_weights[-2] > 0


def test_the_objective_is_close_to_that_of_single_fits(diabetes, diabetes_path):
    path = diabetes_path
    for i in (5, 12, 20):
        single = LpReLURegressor(alpha=path.alphas[i], random_state=0).fit(*diabetes)
        assert path.objectives[i] < single.objective_ * 1.06


def test_the_objective_is_close_to_that_of_single_fits_for_many_classes():
    X, y = load_digits(return_X_y=True)
    ratios = []
    for seed in range(3):
        estimator = LpReLUClassifier(random_state=seed)
        alphas = clone(estimator).fit(X, y).alpha_ * np.geomspace(0.1, 10, 9)
        single = clone(estimator).set_params(alpha=alphas[6]).fit(X, y)
        path = lp_path(X, y, estimator=estimator, alphas=alphas)
        ratios.append(path.estimators[6].objective_ / single.objective_)
    assert np.mean(ratios) < 1.1


def test_objectives_are_those_of_the_estimators_in_standardized_units(diabetes):
    X, y = diabetes
    X, y = (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()
    path = lp_path(X, y, n_alphas=5, random_state=0)
    for i, model in enumerate(path.estimators):
        loss = 0.5 * np.mean((model.predict(X) - y) ** 2)
        assert_allclose(path.losses[i], loss, rtol=1e-4)
        assert_allclose(path.path_norms[i], model.path_norm_, rtol=1e-6, atol=1e-12)
        assert_allclose(model.objective_, path.objectives[i], rtol=1e-12)


def test_scores_are_those_of_the_estimators(diabetes, diabetes_path):
    for score, model in zip(diabetes_path.scores, diabetes_path.estimators, strict=True):
        assert_allclose(score, model.score(*diabetes), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "two outputs"])
def test_weighted_scores_are_those_of_the_estimators(kind):
    X, y, estimator = _data(kind)
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    path = lp_path(X, y, estimator=estimator, n_alphas=4, sample_weight=weight)
    for score, model in zip(path.scores, path.estimators, strict=True):
        assert_allclose(score, model.score(X, y, weight), rtol=1e-9, atol=1e-12)


def test_validation_scores(diabetes):
    X, y = diabetes
    path = lp_path(X[:300], y[:300], n_alphas=5, X_val=X[300:], y_val=y[300:], **FAST)
    assert_allclose(
        path.validation_scores, [model.score(X[300:], y[300:]) for model in path.estimators]
    )


def test_the_path_is_deterministic(friedman):
    first, second = (lp_path(*friedman, n_alphas=5, **FAST) for _ in range(2))
    for a, b in zip(first.networks, second.networks, strict=True):
        assert_array_equal(a.theta, b.theta)
    assert_array_equal(first.alphas, second.alphas)


def test_a_weight_of_two_is_the_same_as_the_sample_twice(friedman):
    X, y = friedman
    twice = lp_path(np.vstack([X, X[:50]]), np.append(y, y[:50]), n_alphas=5, **FAST)
    weighted = lp_path(
        X, y, sample_weight=np.where(np.arange(len(y)) < 50, 2.0, 1.0), n_alphas=5, **FAST
    )
    assert_array_equal(twice.losses, weighted.losses)


def test_the_path_finds_the_features_of_friedman():
    X, y = make_friedman1(1000, 20, noise=1, random_state=0)
    model = lp_path(X, y, random_state=0).select(max_nonzero_weights=15)
    assert_array_equal(model.network_.used_features, np.arange(5))
    assert model.score(X, y) > 0.94


def test_labels_that_are_constant_give_constants(friedman):
    path = lp_path(friedman[0], np.full(200, 3.0), n_alphas=4, **FAST)
    assert_array_equal(path.n_nonzero_weights, 0)
    assert_allclose(path.estimators[0].predict(friedman[0]), 3.0)


# --- Alphas that are given


def test_given_alphas_are_kept(friedman):
    alphas = [1e-3, 1e-2, 0.1]
    path = lp_path(*friedman, alphas=alphas, **FAST)
    assert_array_equal(path.alphas, alphas)
    assert np.all(np.diff(path.path_norms) <= 0)
    assert_array_equal([model.alpha for model in path.estimators], alphas)


def test_a_single_alpha_is_a_fit(friedman):
    path = lp_path(*friedman, alphas=[1e-3], random_state=0)
    single = LpReLURegressor(alpha=1e-3, random_state=0).fit(*friedman)
    assert len(path.alphas) == 1
    assert path.objectives[0] < 1.1 * single.objective_


def test_the_grid_hardly_changes_the_networks(diabetes, diabetes_path):
    coarse = lp_path(*diabetes, n_alphas=4, random_state=0)
    assert_allclose(coarse.alphas[[0, -1]], diabetes_path.alphas[[0, -1]], rtol=1e-3)
    everyone = diabetes_path.losses + coarse.alphas[:, None] * diabetes_path.path_norms
    assert_allclose(coarse.objectives, everyone.min(axis=1), rtol=0.03)


# --- The estimators of a path


def test_estimators_look_like_any_fitted_one(diabetes, diabetes_path):
    X, y = diabetes
    single = LpReLURegressor(alpha=0.01, random_state=0).fit(X, y)
    model = diabetes_path.estimator_at(3)
    assert set(vars(model)) == set(vars(single)) - {"_partial_state"}
    assert model.alpha == model.alpha_ == diabetes_path.alphas[3]
    assert model.get_params() == {**single.get_params(), "alpha": model.alpha}
    assert not hasattr(clone(model), "network_")
    assert clone(model).fit(X, y).n_nonzero_weights_ > 0
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict(X), model.predict(X))
    for name in single.history_:
        assert len(model.history_[name]) == len(model.history_["objective"])
    assert_allclose(model.history_["loss"][-1], diabetes_path.losses[3], rtol=1e-5)


def test_a_path_is_loaded_without_torch(friedman, tmp_path):
    path = lp_path(*friedman, n_alphas=3, **FAST)
    file = tmp_path / "path.pickle"
    file.write_bytes(pickle.dumps((path, friedman[0])))
    script = (
        "import pickle, sys\n"
        "path, X = pickle.load(open(sys.argv[1], 'rb'))\n"
        "path.select(max_features=3).predict(X)\n"
        "repr(path)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, str(file)], check=True)


def test_a_selected_estimator_is_a_copy(diabetes, diabetes_path):
    before = diabetes_path.networks[3]
    diabetes_path.estimator_at(3).set_params(max_iter=20).fit(*diabetes)
    assert diabetes_path.networks[3] is before


def test_the_estimator_that_is_given_stays_as_it_is(friedman):
    estimator = LpReLURegressor(alpha=0.3, p=0.7, **FAST)
    path = lp_path(*friedman, estimator=estimator, n_alphas=3)
    assert path.p == 0.7
    assert estimator.alpha == 0.3
    assert not hasattr(estimator, "network_")
    assert lp_path(*friedman, estimator=estimator, p=0.4, n_alphas=3).p == 0.4


def test_feature_names_are_kept():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = lp_path(X, y, n_alphas=6, **FAST).select(max_features=3)
    assert list(model.feature_names_in_) == list(X.columns)
    model.predict(X)


# --- Selection


@pytest.mark.parametrize("most", [0, 1, 2, 5, 20])
def test_selection_takes_the_least_loss_within_the_budget(diabetes_path, most):
    path = diabetes_path
    for budget, size in (
        ("max_nonzero_weights", path.n_nonzero_weights),
        ("max_active_neurons", path.n_active_neurons),
        ("max_features", path.n_features_used),
    ):
        model = path.select(**{budget: most})
        expected = path.losses[size <= most].min()
        assert path.losses[path.alphas == model.alpha][0] == expected


def test_selection_meets_all_budgets(diabetes_path):
    model = diabetes_path.select(max_nonzero_weights=8, max_features=4, max_active_neurons=2)
    assert model.n_nonzero_weights_ <= 8
    assert model.n_active_neurons_ <= 2
    assert len(model.network_.used_features) <= 4


def test_selection_without_a_budget_is_the_dense_end(diabetes_path):
    assert diabetes_path.select().alpha == diabetes_path.alphas[0]


def test_a_budget_that_no_network_meets_is_an_error(friedman):
    path = lp_path(*friedman, alphas=[1e-4, 2e-4], **FAST)
    least = path.n_nonzero_weights.min()
    with pytest.raises(
        ValueError, match=rf"max_nonzero_weights=1 \(the least on the path is {least}"
    ):
        path.select(max_nonzero_weights=1)
    with pytest.raises(ValueError, match="max_features must not be negative"):
        path.select(max_features=-1)


# --- The record


def test_the_record_prints_as_a_table(diabetes_path):
    lines = repr(diabetes_path).splitlines()
    assert lines[0].startswith("LpPath: LpReLURegressor, p = 0.5, 30 alphas from")
    assert lines[1].split() == ["alpha", "score", "neurons", "weights", "features"]
    assert lines[-1].split()[-1] == "0"


def test_the_record_becomes_a_frame(diabetes_path):
    frame = diabetes_path.to_frame()
    assert len(frame) == len(diabetes_path) == 30
    assert_array_equal(frame["alpha"], diabetes_path.alphas)
    assert_array_equal(frame["n_nonzero_weights"], diabetes_path.n_nonzero_weights)


def test_a_frame_without_pandas_names_it(diabetes_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pandas"):
        diabetes_path.to_frame()


def test_verbose_prints_a_line_for_each_network(friedman, capsys):
    lp_path(*friedman, alphas=[1e-2, 2e-2], **FAST, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["alpha", "objective", "loss", "neurons", "weights"]
    assert len(lines) >= 3


def test_an_interrupt_keeps_what_there_is(friedman, monkeypatch):
    second_order = sklearn_lpnet.fitting.path_following.SecondOrder
    calls = []

    def thinned(self, alpha, network):
        calls.append(alpha)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(self, alpha, network)

    original = second_order.thinned
    monkeypatch.setattr(second_order, "thinned", thinned)
    with pytest.warns(UserWarning, match="interrupted"):
        path = lp_path(*friedman, n_alphas=6, **FAST)
    assert len(path.alphas) == 6
    assert path.scores[0] > 0.5
    assert np.all(np.diff(path.losses) >= 0)


@pytest.mark.parametrize("seed", range(5))
def test_no_linear_model_of_a_lasso_path_has_less_objective(seed):
    # Every one of them is a network without neurons, so an upper bound on the least F.
    rng = np.random.default_rng(seed)
    X = np.where(rng.uniform(size=(600, 150)) < rng.uniform(0.03, 0.5, size=150), 1.0, 0.0)
    X[:, :30] = rng.normal(size=(600, 30)) + rng.normal(size=(600, 1))
    coef = np.where(rng.permutation(150) < 100, rng.normal(size=150), 0.0)
    X = scale(X)
    y = scale(X @ coef + rng.normal(size=600))
    models = [*lasso_path(X, y)[1].T]
    for model in list(models):
        used = np.flatnonzero(model)
        if len(used):
            models.append(np.zeros(150))
            models[-1][used] = LinearRegression().fit(X[:, used], y).coef_
    loss = np.array([0.5 * np.mean((y - X @ model) ** 2) for model in models])
    norm = np.array([np.sqrt(np.abs(model)).sum() for model in models])
    path = lp_path(X, y, random_state=0)
    for alpha, network in zip(path.alphas, path.estimators, strict=True):
        assert network.objective_ < 1.002 * np.min(loss + alpha * norm)


# --- Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alphas": []}, "at least one number"),
        ({"alphas": [[1e-3]]}, "a sequence"),
        ({"alphas": [1e-2, 1e-3]}, r"alphas must increase.*np\.unique"),
        ({"alphas": [1e-3, 1e-3]}, "alphas must increase"),
        ({"alphas": [0.0, 1e-3]}, "alphas must be positive and finite"),
        ({"alphas": [-1e-3]}, "alphas must be positive and finite"),
        ({"alphas": [np.nan]}, "alphas must be positive and finite"),
        ({"alphas": [np.inf]}, "alphas must be positive and finite"),
        ({"alphas": "few"}, "alphas must be"),
        ({"n_alphas": 1}, "n_alphas must be an integer of at least 2"),
        ({"n_alphas": 2.5}, "n_alphas must be an integer"),
        ({"solver": "adam"}, "solver='adam'.*solver='proximal'"),
        ({"early_stopping": True}, "early_stopping=True"),
        ({"alpha": 0}, r"alphas=\[\.\.\.\]"),
        ({"p": 0}, "p.*got.*0"),
        ({"p": 1.5}, "'p' parameter"),
        ({"no_such": 1}, "no_such"),
        ({"X_val": np.zeros((1, 6))}, "X_val and y_val"),
        ({"sample_weight": -np.ones(200)}, "[Nn]egative"),
    ],
)
def test_bad_arguments_are_clear_errors(friedman, arguments, message):
    with pytest.raises(ValueError, match=message):
        lp_path(*friedman, **arguments)


@pytest.mark.parametrize("estimator", [LpReLURegressor, 3, "regressor"])
def test_what_is_not_an_estimator_is_a_type_error(friedman, estimator):
    with pytest.raises(TypeError, match="LpReLURegressor or an LpReLUClassifier"):
        lp_path(*friedman, estimator=estimator)


def test_classes_by_name_ask_for_a_classifier():
    X = np.arange(6.0)[:, np.newaxis]
    with pytest.raises(ValueError, match="estimator=LpReLUClassifier"):
        lp_path(X, ["yes", "no"] * 3)


def test_a_budget_of_coefs_is_one_of_all_layers(friedman):
    path = lp_path(*friedman, n_alphas=8, **FAST)
    budget = int(path.n_nonzero_coefs[3])
    model = path.select(max_nonzero_coefs=budget)
    (w, v), skip = model.coefs_, model.skip_coef_
    assert sum(np.count_nonzero(one) for one in (w, v, skip)) == model.n_nonzero_coefs_ <= budget
    assert path.losses[list(path.n_nonzero_coefs <= budget).index(True)] == pytest.approx(
        path.losses[path.n_nonzero_coefs <= budget].min()
    )
