"""What LpReLURegressorCV and LpReLUClassifierCV promise beyond scikit-learn's own checks."""

import os
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import sem
from sklearn.base import clone
from sklearn.datasets import (
    load_diabetes,
    load_iris,
    make_friedman1,
    make_multilabel_classification,
)
from sklearn.dummy import DummyClassifier
from sklearn.metrics import log_loss, make_scorer, max_error, mean_squared_error, r2_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
    lp_path,
)

FAST = {"n_neurons": 12, "max_iter": 60, "random_state": 0}
GRID = {**FAST, "alphas": [8e-3, 1.2e-2, 1.8e-2], "cv": 3}


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.fixture(scope="module")
def friedman():
    return make_friedman1(n_samples=120, n_features=6, noise=0.3, random_state=0)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def assert_same_answer(a, b):
    assert a.alpha_ == b.alpha_
    assert a.p_ == b.p_
    for name in ("direction", "theta", "bias", "intercept", "skip"):
        assert_array_equal(getattr(a.network_, name), getattr(b.network_, name))
    for name in a.cv_results_:
        assert_array_equal(a.cv_results_[name], b.cv_results_[name])


# --- The choice


def test_default_regressor_chooses_a_small_network_for_diabetes(diabetes):
    X, y = diabetes
    model = LpReLURegressorCV(random_state=0).fit(X, y)
    assert len(model.cv_results_["mean_test_score"]) == 30
    assert model.best_score_ > 0.45
    assert 0 < model.n_nonzero_weights_ < 30
    # Neither end of the grid is the best.
    assert 0 < model.best_index_ < 29


def test_scores_are_those_of_paths_on_the_training_parts(friedman):
    X, y = friedman
    model = LpReLURegressorCV(**GRID).fit(X, y)
    for k, (train, test) in enumerate(KFold(3).split(X)):
        path = lp_path(X[train], y[train], alphas=GRID["alphas"], **FAST)
        expected = [r2_score(y[test], fitted.predict(X[test])) for fitted in path.estimators]
        assert_allclose(model.cv_results_[f"split{k}_test_score"], expected, rtol=1e-9)


def test_the_choice_is_made_on_the_path_on_all_data(friedman):
    X, y = friedman
    model = LpReLURegressorCV(**GRID).fit(X, y)
    path = lp_path(X, y, alphas=GRID["alphas"], **FAST)
    assert_array_equal(model.path_.losses, path.losses)
    assert_array_equal(model.path_.alphas, path.alphas)
    chosen = path.estimators[model.best_index_]
    assert model.alpha_ == chosen.alpha
    assert model.objective_ <= chosen.objective_


def test_the_choice_is_polished_at_its_alpha_unless_that_is_not_wanted(diabetes):
    X, y = diabetes
    options = {"selection": "min", "n_alphas": 8, "skip_connection": False, "consensus": False}
    model = LpReLURegressorCV(**FAST, **options).fit(X, y)
    on_path = model.path_.estimators[model.best_index_]
    assert model.objective_ < on_path.objective_
    # F of the network that predicts, recomputed in the units of training.
    scaled = StandardScaler().fit(X), StandardScaler().fit(y[:, None])
    residual = (y - model.predict(X)) / scaled[1].scale_
    theta = model.network_.theta * scaled[0].scale_ / scaled[1].scale_
    path_norm = np.sqrt(np.abs(theta)).sum()
    assert_allclose(model.objective_, 0.5 * np.mean(residual**2) + model.alpha_ * path_norm)
    plain = LpReLURegressorCV(**FAST, n_alphas=8, polish=False).fit(X, y)
    on_path = plain.path_.estimators[plain.best_index_]
    assert_array_equal(plain.network_.theta, on_path.network_.theta)


def test_the_network_agrees_with_those_of_the_folds_with_no_more_weights(diabetes):
    X, y = diabetes
    options = {"cv": KFold(4), "n_alphas": 8, "selection": "min", "random_state": 0}
    alone = LpReLURegressorCV(**options, consensus=False).fit(X, y)
    model = LpReLURegressorCV(**options).fit(X, y)
    assert model.alpha_ == alone.alpha_
    networks = [alone.path_.estimator_at(alone.best_index_)]
    for rows, _ in KFold(4).split(X):
        path = lp_path(X[rows], y[rows], alphas=alone.path_.alphas, random_state=0)
        networks.append(path.estimator_at(alone.best_index_))
    halfway = (y + np.mean([network.predict(X) for network in networks], axis=0)) / 2

    def objective(fitted, targets):
        weights = np.vstack([fitted.network_.theta, fitted.network_.skip]) * X.std(axis=0)
        path_norm = np.sqrt(np.abs(weights) / targets.std()).sum()
        loss = 0.5 * np.mean((targets - fitted.predict(X)) ** 2) / targets.var()
        return loss + fitted.alpha_ * path_norm

    assert objective(model, halfway) < objective(alone, halfway)
    assert model.n_nonzero_weights_ <= alone.n_nonzero_weights_
    assert_allclose(model.objective_, objective(model, y))


def test_where_the_network_is_a_constant_scores_are_those_of_constants(iris):
    # On some folds a network of two weights is better at the last alpha than the constant is.
    X, y = iris
    folds = KFold(4, shuffle=True, random_state=0)
    options = {"cv": folds, "n_alphas": 8, "selection": "1se", "random_state": 0}
    model = LpReLUClassifierCV(**options).fit(X, y)
    scores = [model.cv_results_[f"split{k}_test_score"][-1] for k in range(4)]
    assert model.path_.n_nonzero_weights[-1] == 0
    assert_allclose(scores, cross_val_score(DummyClassifier(), X, y, cv=folds))
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("classes", [[1, 2], [0, 1, 2]])
def test_a_classifier_agrees_with_the_probabilities_of_the_folds(iris, classes):
    X, y = (values[np.isin(iris[1], classes)] for values in iris)
    folds = KFold(4, shuffle=True, random_state=0)
    options = {"cv": folds, "n_alphas": 8, "selection": "1se", "random_state": 0}
    alone = LpReLUClassifierCV(**options, consensus=False).fit(X, y)
    model = LpReLUClassifierCV(**options).fit(X, y)
    networks = [alone.path_.estimator_at(alone.best_index_)]
    for rows, _ in folds.split(X):
        path = lp_path(
            X[rows],
            y[rows],
            estimator=LpReLUClassifier(),
            alphas=alone.path_.alphas,
            random_state=0,
        )
        networks.append(path.estimator_at(alone.best_index_))
    labels = y[:, None] == np.array(classes)
    halfway = (labels + np.mean([network.predict_proba(X) for network in networks], axis=0)) / 2

    def objective(fitted, targets):
        weights = fitted.network_.theta * X.std(axis=0)
        skip = np.linalg.norm(fitted.network_.skip * X.std(axis=0), axis=0)
        loss = -np.mean((targets * fitted.predict_log_proba(X)).sum(axis=1))
        return loss + fitted.alpha_ * (np.sqrt(np.abs(weights)).sum() + np.sqrt(skip).sum())

    assert objective(model, halfway) < objective(alone, halfway)
    assert model.n_nonzero_weights_ <= alone.n_nonzero_weights_
    assert_allclose(model.objective_, objective(model, labels))


@pytest.mark.parametrize(
    "options", [{"selection": "bic"}, {"polish": False}, {"loss": "absolute_error"}, {}]
)
def test_there_is_no_consensus_where_there_is_nothing_to_agree_on(diabetes, options):
    X, y = diabetes
    if not options:
        X = X[:, [2]]
    with_it, without = (
        LpReLURegressorCV(**FAST, n_alphas=5, consensus=wanted, **options).fit(X, y)
        for wanted in (True, False)
    )
    assert_array_equal(with_it.network_.theta, without.network_.theta)
    assert_array_equal(with_it.network_.skip, without.network_.skip)


def test_results_are_laid_out_as_by_a_grid_search(friedman):
    model = LpReLURegressorCV(**GRID, p=[0.5, 1.0], selection="min").fit(*friedman)
    results = pd.DataFrame(model.cv_results_)
    assert len(results) == 6
    splits = results[[f"split{k}_test_score" for k in range(3)]]
    assert_allclose(results["mean_test_score"], splits.mean(axis=1))
    assert_allclose(results["std_test_score"], splits.std(axis=1, ddof=0))
    assert results["rank_test_score"].min() == 1
    assert results["rank_test_score"][model.best_index_] == 1
    assert [row["alpha"] for row in results["params"]] == [*GRID["alphas"]] * 2
    assert list(results["param_p"]) == [0.5] * 3 + [1.0] * 3
    assert model.best_score_ == results["mean_test_score"].max()
    assert model.best_estimator_.get_params()["alpha"] == model.alpha_
    assert model.best_estimator_.get_params()["p"] == model.p_
    assert set(model.paths_) == {0.5, 1.0}
    assert model.path_ is model.paths_[model.p_]
    assert model.n_splits_ == 3
    on_path = [one.n_nonzero_weights_ for p in (0.5, 1.0) for one in model.paths_[p].estimators]
    assert list(results["n_nonzero_weights"]) == on_path


def test_one_standard_error_takes_the_smallest_network_within_it(diabetes):
    X, y = diabetes
    model = LpReLURegressorCV(**FAST, selection="1se", n_alphas=25).fit(X, y)
    results = pd.DataFrame(model.cv_results_)
    best = results["mean_test_score"].idxmax()
    splits = results[[f"split{k}_test_score" for k in range(5)]].to_numpy()
    bound = splits[best].mean() - splits[best].std(ddof=1) / np.sqrt(5)
    within = results[results["mean_test_score"] >= bound]
    assert results["mean_test_score"][model.best_index_] >= bound
    n_weights = results["n_nonzero_weights"]
    assert n_weights[model.best_index_] == within["n_nonzero_weights"].min() < n_weights[best]


@pytest.mark.parametrize(
    ("choice", "share", "perfect"),
    [
        ({}, 0.01, 1),
        ({"selection": 0.1}, 0.1, 1),
        ({"selection": 0.1, "scoring": "neg_mean_absolute_error"}, 0.1, 0),
    ],
)
def test_a_share_of_the_least_error_is_given_away_for_a_smaller_network(
    diabetes, choice, share, perfect
):
    X, y = diabetes
    model = LpReLURegressorCV(**FAST, cv=3, **choice).fit(X, y)
    results = pd.DataFrame(model.cv_results_)
    error = perfect - results["mean_test_score"]
    n_weights = results["n_nonzero_weights"]
    eligible = error <= (1 + share) * error.min()
    assert eligible[model.best_index_]
    assert n_weights[model.best_index_] == n_weights[eligible].min()
    if share == 0.1:
        assert n_weights[model.best_index_] < n_weights[error.idxmin()]


def test_no_share_is_the_best_score(friedman):
    chosen = [LpReLURegressorCV(**GRID, selection=s).fit(*friedman) for s in ("min", 0)]
    assert chosen[0].best_index_ == chosen[1].best_index_


@pytest.mark.parametrize("cv", [4, 5, 10])
def test_paired_takes_the_smallest_network_that_is_not_measurably_worse(diabetes, cv):
    X, y = diabetes
    model = LpReLURegressorCV(**FAST, selection="paired", n_alphas=12, cv=cv).fit(X, y)
    results = pd.DataFrame(model.cv_results_)
    splits = results[[f"split{k}_test_score" for k in range(cv)]].to_numpy()
    best = int(results["mean_test_score"].idxmax())
    eligible = [
        index
        for index, scores in enumerate(splits)
        if index == best or (splits[best] - scores).mean() <= sem(splits[best] - scores)
    ]
    n_weights = results["n_nonzero_weights"]
    assert model.best_index_ in eligible
    assert n_weights[model.best_index_] == n_weights[eligible].min()
    assert model.best_score_ == results["mean_test_score"][model.best_index_]


@pytest.mark.parametrize("selection", ["aic", "bic", "ebic"])
def test_information_criteria_of_a_regression(diabetes, selection):
    X, y = diabetes
    model = LpReLURegressorCV(**FAST, selection=selection, n_alphas=10).fit(X, y)
    n = len(y)
    expected = []
    for fitted in model.path_.estimators:
        error = mean_squared_error(y, fitted.predict(X)) / y.var()
        cost = {"aic": 2, "bic": np.log(n), "ebic": np.log(n)}[selection]
        value = n * np.log(error) + cost * fitted.n_parameters_
        if selection == "ebic":
            value += fitted.n_nonzero_weights_ * np.log(10)
        expected.append(value)
    assert_allclose(model.cv_results_["criterion"], expected, atol=0.01)
    assert model.best_index_ == np.argmin(expected)
    assert model.n_splits_ == 0
    assert model.n_nonzero_weights_ > 0


def test_the_bic_of_a_classification(iris):
    X, y = iris
    model = LpReLUClassifierCV(**FAST, selection="bic", n_alphas=8).fit(X, y)
    chosen = model.path_.estimators[model.best_index_]
    deviance = -2 * chosen.predict_log_proba(X)[np.arange(150), y].sum()
    expected = deviance + np.log(150) * chosen.n_parameters_
    assert_allclose(-model.best_score_, expected, rtol=1e-4)
    assert model.score(X, y) > 0.9


def test_the_ebic_is_never_denser_than_the_bic_nor_that_than_the_aic(diabetes):
    models = [
        LpReLURegressorCV(**FAST, selection=name, n_alphas=12).fit(*diabetes)
        for name in ("ebic", "bic", "aic")
    ]
    sizes = [model.cv_results_["n_nonzero_weights"][model.best_index_] for model in models]
    assert sizes == sorted(sizes)


# --- Fitted attributes


def test_it_predicts_and_describes_itself_as_its_best_estimator(iris):
    X, y = iris
    model = LpReLUClassifierCV(**GRID).fit(X, y)
    best = model.best_estimator_
    assert type(best) is LpReLUClassifier
    assert_array_equal(model.predict_proba(X), best.predict_proba(X))
    assert_array_equal(model.classes_, [0, 1, 2])
    for name in vars(LpReLUClassifier(alpha=1e-2, **FAST).fit(X, y)):
        if name.endswith("_"):
            assert hasattr(model, name), name
    for ours, theirs in zip(
        model.coefs_ + model.intercepts_, best.coefs_ + best.intercepts_, strict=True
    ):
        assert_array_equal(ours, theirs)
    assert model.n_active_neurons_ == best.n_active_neurons_
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict(X), model.predict(X))


def test_it_has_no_partial_fit():
    assert not hasattr(LpReLURegressorCV, "partial_fit")
    assert not hasattr(LpReLURegressorCV(), "partial_fit")
    with pytest.raises(AttributeError, match="LpReLURegressorCV has no partial_fit; use fit"):
        _ = LpReLURegressorCV().partial_fit


def test_other_attributes_that_are_missing_are_named():
    with pytest.raises(AttributeError, match="no attribute 'alhpas'"):
        _ = LpReLURegressorCV().alhpas
    with pytest.raises(AttributeError, match="no attribute 'network_'"):
        _ = LpReLURegressorCV().coefs_
    with pytest.raises(AttributeError, match="no attribute 'predict_proba'") as error:
        _ = LpReLUClassifierCV(loss="hinge").predict_proba
    assert "use loss='log_loss'" in str(error.value.__cause__)


@pytest.mark.parametrize("base", [LpReLURegressor, LpReLUClassifier])
def test_shared_parameters_have_the_same_defaults(base):
    cv = {LpReLURegressor: LpReLURegressorCV, LpReLUClassifier: LpReLUClassifierCV}[base]()
    ours, theirs = cv.get_params(), base().get_params()
    shared = set(ours) & set(theirs)
    without = {"alpha", "solver", "time_limit", "warm_start"}
    without |= {"early_stopping", "validation_fraction", "n_iter_no_change"}
    assert shared == set(theirs) - without
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}


# --- Kinds of data


def test_several_outputs_sparse_data_and_labels(friedman):
    X, y = friedman
    two = np.column_stack([y, X[:, 0]])
    assert LpReLURegressorCV(**GRID).fit(X, two).predict(X).shape == (120, 2)
    sparse = sp.csr_matrix(np.where(X > 0.5, X, 0))
    dense = LpReLURegressorCV(**GRID).fit(sparse.toarray(), y)
    assert_allclose(
        LpReLURegressorCV(**GRID).fit(sparse, y).cv_results_["mean_test_score"],
        dense.cv_results_["mean_test_score"],
        rtol=0.02,
    )
    X, labels = make_multilabel_classification(100, 6, n_classes=3, random_state=0)
    model = LpReLUClassifierCV(**GRID).fit(X, labels)
    assert model.predict(X).shape == (100, 3)
    assert 0 < model.best_score_ < 1


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
def test_every_loss(friedman, loss):
    assert LpReLURegressorCV(**GRID, loss=loss).fit(*friedman).best_score_ > 0.3


def test_hinge_with_string_classes(iris):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = LpReLUClassifierCV(**GRID, loss="hinge").fit(X, names)
    assert model.score(X, names) > 0.9
    assert not hasattr(model, "predict_proba")


def test_frames_keep_their_names():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = LpReLURegressorCV(**GRID, scoring="neg_mean_absolute_error").fit(X, y)
    assert list(model.feature_names_in_) == list(X.columns)
    assert list(model.best_estimator_.feature_names_in_) == list(X.columns)


def test_a_class_that_a_fold_has_not_seen():
    X, y = make_friedman1(60, 5, random_state=0)
    y = np.where(y > np.median(y), "b", "a")
    y[0] = "c"
    model = LpReLUClassifierCV(**{**GRID, "cv": KFold(3)}).fit(X, y)
    assert list(model.classes_) == ["a", "b", "c"]


@pytest.mark.parametrize("names", [["a", "b", "c"], [0, 1, 2], ["a", "b"], [0, 1]])
def test_probabilities_are_scored_where_a_fold_lacks_a_class(friedman, names):
    X, y = friedman
    codes = (y > np.median(y)).astype(int)
    codes[:40] = 2 * (np.arange(40) % 2) if len(names) == 3 else 0
    classes = np.array(names)

    def log_loss_by_hand(model, X, y):
        own = model.predict_proba(X)[np.arange(len(y)), np.searchsorted(classes, y)]
        return np.log(np.maximum(own, np.finfo(np.float64).eps)).mean()

    def brier_by_hand(model, X, y):
        square = (model.predict_proba(X) - np.equal.outer(y, classes)) ** 2
        return -square.sum(axis=1).mean() / (2 if len(classes) == 2 else 1)

    def scores(scoring):
        model = LpReLUClassifierCV(**{**GRID, "cv": KFold(3)}, scoring=scoring)
        results = model.fit(X, classes[codes]).cv_results_
        return [results[f"split{k}_test_score"] for k in range(3)]

    assert_allclose(scores("neg_log_loss"), scores(log_loss_by_hand), rtol=1e-5)
    # Before 1.7, scikit-learn has a Brier score for two classes alone.
    if len(names) == 2 or parse_version(sklearn.__version__) >= parse_version("1.7"):
        assert_allclose(scores("neg_brier_score"), scores(brier_by_hand), rtol=1e-5)


def test_a_scorer_that_is_told_the_classes_keeps_them(iris):
    X, y = iris
    scorer = make_scorer(log_loss, greater_is_better=False, response_method="predict_proba")
    told = make_scorer(
        log_loss, greater_is_better=False, response_method="predict_proba", labels=[0, 1, 2]
    )
    options = {**GRID, "cv": StratifiedKFold(3)}
    fits = [LpReLUClassifierCV(**options, scoring=one).fit(X, y) for one in (scorer, told)]
    assert_same_answer(*fits)
    # The object of the user is as it was.
    assert "labels" not in scorer._kwargs


# --- Weights


def test_weights_count_in_training_and_in_scores(friedman):
    X, y = friedman
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    model = LpReLURegressorCV(**GRID).fit(X, y, sample_weight=weight)
    train, test = next(KFold(3).split(X))
    path = lp_path(X[train], y[train], alphas=GRID["alphas"], sample_weight=weight[train], **FAST)
    expected = [fitted.score(X[test], y[test], weight[test]) for fitted in path.estimators]
    assert_allclose(model.cv_results_["split0_test_score"], expected, rtol=1e-9)


def test_a_scorer_gets_weights_if_it_takes_them(friedman):
    X, y = friedman
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    named = LpReLURegressorCV(**GRID, scoring="r2").fit(X, y, sample_weight=weight)
    default = LpReLURegressorCV(**GRID).fit(X, y, sample_weight=weight)
    assert_allclose(
        named.cv_results_["mean_test_score"], default.cv_results_["mean_test_score"], rtol=1e-9
    )
    # The maximal error takes none.
    LpReLURegressorCV(**GRID, scoring="neg_max_error").fit(X, y, sample_weight=weight)


def test_a_fold_without_weight_is_an_error(friedman):
    X, y = friedman
    weight = np.where(np.arange(len(y)) < 40, 0.0, 1.0)
    with pytest.raises(ValueError, match="test part of fold 0 has no sample of positive weight"):
        LpReLURegressorCV(**GRID).fit(X, y, sample_weight=weight)


# --- Splitters and scorers


@pytest.mark.parametrize(
    ("cv", "n_splits"),
    [
        (KFold(3, shuffle=True, random_state=0), 3),
        (ShuffleSplit(2, random_state=0), 2),
        (RepeatedKFold(n_splits=2, n_repeats=2, random_state=0), 4),
        ([(np.arange(80), np.arange(80, 120))], 1),
    ],
)
def test_any_splitter(friedman, cv, n_splits):
    model = LpReLURegressorCV(**{**GRID, "cv": cv}, selection="1se").fit(*friedman)
    assert model.n_splits_ == n_splits


def test_groups_go_to_the_splitter(friedman):
    X, y = friedman
    groups = np.arange(len(y)) % 4
    model = LpReLURegressorCV(**{**GRID, "cv": GroupKFold(4)}).fit(X, y, groups=groups)
    splits = list(GroupKFold(4).split(X, y, groups))
    given = LpReLURegressorCV(**{**GRID, "cv": splits}).fit(X, y)
    assert_same_answer(model, given)


def test_groups_and_weights_by_metadata_routing(friedman):
    X, y = friedman
    groups, weight = np.arange(len(y)) % 4, np.linspace(0.5, 2, len(y))
    model = LpReLURegressorCV(**{**GRID, "cv": GroupKFold(4)})
    plain = clone(model).fit(X, y, sample_weight=weight, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        pipeline.fit(X, y, sample_weight=weight, groups=groups)
        routed = pipeline[-1]
        scorer = make_scorer(r2_score).set_score_request(sample_weight=True)
        scored = clone(model).set_params(scoring=scorer)
        scored.fit(X, y, sample_weight=weight, groups=groups)
    assert_allclose(
        routed.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], rtol=1e-3
    )
    assert_allclose(
        scored.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], rtol=1e-9
    )


@pytest.mark.parametrize("cv", [3, KFold(3), list(KFold(3).split(np.zeros((120, 1))))])
@pytest.mark.parametrize("scoring", [None, "r2"])
def test_with_metadata_routing_a_fit_needs_no_metadata(friedman, cv, scoring):
    model = LpReLURegressorCV(**{**GRID, "cv": cv}, scoring=scoring)
    plain = clone(model).fit(*friedman)
    with sklearn.config_context(enable_metadata_routing=True):
        assert_same_answer(clone(model).fit(*friedman), plain)
        assert_same_answer(make_pipeline(clone(model)).fit(*friedman)[-1], plain)


def test_with_metadata_routing_weights_need_no_scorer_and_groups_a_splitter(friedman):
    X, y = friedman
    weight = np.linspace(0.5, 2, len(y))
    plain = LpReLURegressorCV(**GRID).fit(X, y, sample_weight=weight)
    with sklearn.config_context(enable_metadata_routing=True):
        assert_same_answer(LpReLURegressorCV(**GRID).fit(X, y, sample_weight=weight), plain)
        with pytest.raises(TypeError, match="groups"):
            LpReLURegressorCV(**GRID).fit(X, y, groups=np.arange(len(y)) % 3)


@pytest.mark.parametrize(
    "scoring", ["r2", make_scorer(r2_score), lambda model, X, y: model.score(X, y)]
)
def test_scorers_see_fitted_estimators(friedman, scoring):
    X, y = friedman
    default = LpReLURegressorCV(**GRID).fit(X, y)
    scored = LpReLURegressorCV(**GRID, scoring=scoring).fit(X, y)
    assert_allclose(
        scored.cv_results_["mean_test_score"], default.cv_results_["mean_test_score"], rtol=1e-9
    )


def test_another_scorer_may_choose_another_network(friedman):
    X, y = friedman
    model = LpReLURegressorCV(**GRID, scoring=make_scorer(max_error, greater_is_better=False)).fit(
        X, y
    )
    assert model.best_score_ < 0


def test_it_works_in_a_pipeline_and_in_cross_validation(iris):
    pipeline = make_pipeline(StandardScaler(), LpReLUClassifierCV(**GRID))
    assert cross_val_score(pipeline, *iris, cv=3).mean() > 0.85


# --- Parallel work


def test_two_processes_give_the_same_answer(friedman):
    alone = LpReLURegressorCV(**GRID, p=[0.4, 0.8]).fit(*friedman)
    together = LpReLURegressorCV(**GRID, p=[0.4, 0.8], n_jobs=2).fit(*friedman)
    assert_same_answer(alone, together)


def test_a_worker_that_dies_is_an_error(friedman):
    def die(model, X, y):
        os._exit(1)

    with pytest.raises(TerminatedWorkerError):
        LpReLURegressorCV(**GRID, scoring=die, n_jobs=2).fit(*friedman)


def test_a_random_state_object_is_drawn_from_once(friedman):
    states = [np.random.RandomState(3) for _ in range(2)]
    options = {**GRID, "p": [0.4, 0.8]}
    first, second = (
        LpReLURegressorCV(**{**options, "random_state": state}).fit(*friedman) for state in states
    )
    assert_same_answer(first, second)
    assert states[0].randint(1000) == states[1].randint(1000)


# --- Bad input


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"p": []}, "empty list"),
        ({"p": [0.5, 0.5]}, "p must not repeat an exponent"),
        ({"p": [0.5, 1.5]}, r"p must be in the range \(0, 1\]"),
        ({"p": [0.0]}, r"p must be in the range \(0, 1\]"),
        ({"p": 0.0}, "'p' parameter"),
        ({"alphas": []}, "at least one number"),
        ({"alphas": [0.1, 0.01]}, "alphas must increase"),
        ({"alphas": None, "n_alphas": 1}, "'n_alphas' parameter"),
        ({"selection": "max"}, "'selection' parameter"),
        ({"selection": -0.01}, "'selection' parameter"),
        ({"selection": "bic", "loss": "huber"}, "selection='bic'.*loss='huber'"),
        ({"scoring": "no_such_score"}, "'scoring' parameter"),
        ({"cv": 200}, "Cannot have number of splits n_splits=200"),
        ({"cv": 1}, "'cv' parameter|k-fold"),
        ({"cv": LeaveOneOut()}, r"LeaveOneOut\(\) leaves a single sample.*neg_mean_squared_error"),
        ({"device": "tpu"}, "device='tpu'"),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_bad_parameters_are_clear_errors(parameters, message):
    X, y = make_friedman1(12, 5, random_state=0)
    with pytest.raises(ValueError, match=message):
        LpReLURegressorCV(**{**GRID, "cv": 3, **parameters}).fit(X, y)


def test_more_folds_than_members_of_a_class():
    X, y = make_friedman1(30, 5, random_state=0)
    with pytest.raises(ValueError, match="n_splits=20"):
        LpReLUClassifierCV(**{**GRID, "cv": StratifiedKFold(20)}).fit(X, y > np.median(y))


def _no_training(*args, **kwargs):
    raise AssertionError("trained")


@pytest.mark.parametrize("scoring", [None, "r2", "d2_absolute_error_score"])
@pytest.mark.parametrize("cv", [LeaveOneOut(), 5])
def test_folds_without_a_score_are_refused_before_any_work(monkeypatch, scoring, cv):
    monkeypatch.setattr("sklearn_lpnet.fitting.path_following.walk", _no_training)
    X = np.linspace(0, 1, 9)[:, None]
    with pytest.raises(ValueError, match=r"single sample.*scoring='neg_mean_squared_error'"):
        LpReLURegressorCV(cv=cv, scoring=scoring).fit(X, X[:, 0])


def test_no_folds_and_folds_without_both_classes_are_refused_before_any_work(monkeypatch):
    monkeypatch.setattr("sklearn_lpnet.fitting.path_following.walk", _no_training)
    X = np.linspace(0, 1, 9)[:, None]
    used_up = KFold(3).split(X)
    list(used_up)
    with pytest.raises(ValueError, match=r"gives no folds.*use a list"):
        LpReLURegressorCV(cv=used_up).fit(X, X[:, 0])
    y = np.repeat(["a", "b", "c"], 3)
    for scoring, labels in (("roc_auc", np.where(y == "c", "a", y)), ("roc_auc_ovr", y)):
        with pytest.raises(ValueError, match=r"fold 0 lacks the class 'b'.*StratifiedKFold"):
            LpReLUClassifierCV(cv=KFold(3), scoring=scoring).fit(X, labels)


def test_single_rows_are_scored_by_the_squared_error():
    X = np.linspace(0, 1, 9)[:, None]
    options = {**GRID, "cv": LeaveOneOut(), "scoring": "neg_mean_squared_error"}
    model = LpReLURegressorCV(**options).fit(X, np.abs(X[:, 0] - 0.4))
    rows = np.arange(9) > 0
    path = lp_path(X[rows], np.abs(X[rows, 0] - 0.4), alphas=GRID["alphas"], **FAST)
    error = [(one.predict(X[:1])[0] - 0.4) ** 2 for one in path.estimators]
    assert_allclose(-model.cv_results_["split0_test_score"], error, rtol=1e-6)
    # Accuracy has no need of more.
    y = (X[:, 0] > 0.5).astype(int)
    LpReLUClassifierCV(**{**GRID, "cv": LeaveOneOut()}).fit(X, y)
