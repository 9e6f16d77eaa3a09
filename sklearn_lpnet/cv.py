"""Estimators that choose alpha and p along regularization paths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from inspect import signature
from itertools import count
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import rankdata
from sklearn.base import _fit_context, is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, metadata_routing
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import _check_sample_weight
from threadpoolctl import ThreadpoolController

from .callbacks import Task, running
from .estimators import LpReLUClassifier, LpReLURegressor
from .network import Network
from .path import LpPath, checked_alphas, default_scores, path_of, path_template, seed_of

if TYPE_CHECKING:
    from .problem import Report

#: What a path makes no use of, among the parameters of the estimators.
_NOT_OF_A_PATH = (
    "alpha",
    "solver",
    "early_stopping",
    "validation_fraction",
    "n_iter_no_change",
    "time_limit",
    "warm_start",
)
#: How scores of folds choose, and criteria that need none.
_RULES = ("min", "paired", "1se")
_CRITERIA = ("aic", "bic", "ebic")
#: Polish that lowers F by less than this share has found nothing but rounding.
_NO_MATTER = 1e-9
#: Losses that are the negative logarithm of a likelihood, but for the scale of the noise.
_LIKELIHOODS = ("squared_error", "absolute_error", "quantile", "log_loss")


def _constraints(base: type) -> dict[str, list[Any]]:
    inherited: dict[str, list[Any]] = base._parameter_constraints  # type: ignore[attr-defined]
    return {
        **{name: kinds for name, kinds in inherited.items() if name not in _NOT_OF_A_PATH},
        "p": [Interval(Real, 0, 1, closed="right"), "array-like"],
        "alphas": ["array-like", None],
        "n_alphas": [Interval(Integral, 2, None, closed="left")],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "selection": [Interval(Real, 0, None, closed="left"), StrOptions({*_RULES, *_CRITERIA})],
        "consensus": ["boolean"],
        "n_jobs": [Integral, None],
    }


class _PathCV:
    """Fit by choosing a network on the paths of all data; for a mixin of an estimator."""

    _estimator_class: ClassVar[type]
    # The groups are for the splitter, which asks for them itself.
    __metadata_request__fit = {"groups": metadata_routing.UNUSED}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self: Any, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Fit the paths and choose a network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, as for the estimator without CV.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, nonnegative. They count in training and, where the scorer
            takes weights, in the scores of the folds. The mean over folds is a plain one.

        groups : array-like of shape (n_samples,), default=None
            Groups of the samples, for a splitter such as ``GroupKFold``.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        exponents = _exponents(self.p)
        alphas = checked_alphas(self.alphas, self.n_alphas)
        templates = [self._template(p) for p in exponents]
        uses_folds = self.selection not in _CRITERIA
        if not uses_folds and self.loss not in _LIKELIHOODS:
            raise ValueError(
                f"selection={self.selection!r} needs a loss that stands for a likelihood, which "
                f"loss={self.loss!r} does not; use a number or 'min', 'paired' or '1se'."
            )
        data = self._encoded(X, y, sample_weight, reset=True)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, data[0], dtype=np.float64)
        folds = self._folds(X, y, data, sample_weight, groups) if uses_folds else []
        for template in templates:
            _share_data_attributes(self, template)
        fit, path_tasks, fold_tasks = self._tasks(X, y, sample_weight, exponents, folds)
        seed = seed_of(self)
        run = Parallel(n_jobs=self.n_jobs, verbose=self.verbose)
        self.paths_: dict[float, LpPath] = dict(
            zip(
                exponents,
                run(
                    delayed(_whole_path)(
                        template,
                        data,
                        task,
                        seed=seed,
                        alphas=alphas,
                        n_alphas=self.n_alphas,
                        sample_weight=sample_weight,
                    )
                    for template, task in zip(templates, path_tasks, strict=True)
                ),
                strict=True,
            )
        )
        results: list[_AlongFold] = run(
            delayed(_along_fold)(template, path.alphas, path.path_norms == 0, fold, seed, task)
            for template, path, tasks in zip(
                templates, self.paths_.values(), fold_tasks, strict=True
            )
            for fold, task in zip(folds, tasks, strict=True)
        )
        self.n_splits_ = len(folds)
        self._choose(results, data)
        if fit is not None:
            fit.end({})
        return self

    @property
    def partial_fit(self) -> Any:
        """Not available: a path takes all of the data."""
        raise AttributeError(f"{type(self).__name__} has no partial_fit; use fit.")

    def get_metadata_routing(self: Any) -> MetadataRouter:
        """Return how metadata are routed to the splitter and the scorer.

        Returns
        -------
        routing : MetadataRouter
            The routing information.
        """
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        router.add(
            splitter=check_cv(self.cv, classifier=is_classifier(self)),
            method_mapping=MethodMapping().add(caller="fit", callee="split"),
        )
        if self.scoring is not None:
            router.add(
                scorer=check_scoring(self, self.scoring),
                method_mapping=MethodMapping().add(caller="fit", callee="score"),
            )
        return router

    def _template(self: Any, p: float) -> Any:
        """An estimator with the parameters that it shares with this one."""
        own = self.get_params(deep=False)
        names = self._estimator_class._get_param_names()
        shared = {name: own[name] for name in names if name in own}
        return path_template(self._estimator_class(**{**shared, "p": p, "verbose": 0}))

    def _folds(
        self: Any, X: Any, y: Any, data: Any, sample_weight: Any, groups: Any
    ) -> list[_Fold]:
        splitter = check_cv(self.cv, y, classifier=is_classifier(self))
        scorer = None if self.scoring is None else check_scoring(self, self.scoring)
        split_params, score_params = self._routed(scorer, sample_weight, groups)
        encoded, targets, weight = data
        folds: list[_Fold] = []
        for train, test in splitter.split(encoded, y, **split_params):
            parts = [
                (encoded[rows], targets[rows], weight[rows], _rows_of(sample_weight, rows))
                for rows in (train, test)
            ]
            for part, (_, _, part_weight, _) in zip(("training", "test"), parts, strict=True):
                if not part_weight.sum() > 0:
                    raise ValueError(
                        f"The {part} part of fold {len(folds)} has no sample of positive weight; "
                        "use a splitter that spreads them."
                    )
            scoring = None
            if scorer is not None:
                params = {name: _rows_of(value, test) for name, value in score_params.items()}
                scoring = _Scoring(scorer, _safe_indexing(X, test), _safe_indexing(y, test), params)
            folds.append(_Fold(train, parts[0][:3], parts[1], scoring))
        return folds

    def _tasks(
        self: Any, X: Any, y: Any, sample_weight: Any, exponents: list[float], folds: list[_Fold]
    ) -> tuple[Task | None, list[Task | None], list[list[Task | None]]]:
        """The tasks of the fit, of each path on all data, and of each path's folds."""
        fit = Task.of_fit(
            self,
            X,
            y,
            sample_weight,
            n_subtasks=len(exponents) * (1 + len(folds)),
            in_order=False,
        )
        if fit is None:
            return None, [None for _ in exponents], [[None for _ in folds] for _ in exponents]
        numbers = count()
        parts = [
            {
                "X": fold.train[0],
                "y": _rows_of(y, fold.rows),
                "sample_weight": _rows_of(sample_weight, fold.rows),
            }
            for fold in folds
        ]
        return (
            fit,
            [fit.subtask(f"path p={p:g}", next(numbers)) for p in exponents],
            [
                [
                    fit.subtask(f"fold {k} p={p:g}", next(numbers), **parts[k])
                    for k in range(len(folds))
                ]
                for p in exponents
            ],
        )

    def _routed(
        self: Any, scorer: Any, sample_weight: Any, groups: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Metadata for the splitter and for the scorer."""
        if _routing_enabled():
            routed = process_routing(self, "fit", sample_weight=sample_weight, groups=groups)
            return routed.splitter.split, routed.scorer.score if scorer is not None else {}
        weighted = scorer is not None and sample_weight is not None and _takes_weights(scorer)
        return {"groups": groups}, {"sample_weight": sample_weight} if weighted else {}

    def _choose(self: Any, results: list[_AlongFold], data: Any) -> None:
        """Fill in the results and expose the network that is chosen."""
        exponents = list(self.paths_)
        grid = [(p, index) for p, path in self.paths_.items() for index in range(len(path.alphas))]
        fitted = [self.paths_[p].estimators[index] for p, index in grid]
        table = _table(fitted)
        if results:
            _add_scores(table, results, self.n_splits_)
            self.best_index_ = _best(table, self.selection)
            self.best_score_ = float(table["mean_test_score"][self.best_index_])
        else:
            losses = np.concatenate([path.losses for path in self.paths_.values()])
            n_samples = int(np.count_nonzero(data[2]))
            criterion = _criterion(self.selection, self.loss, fitted, losses, n_samples)
            table["criterion"] = criterion
            table["rank_criterion"] = rankdata(criterion, method="min").astype(np.int32)
            self.best_index_ = int(criterion.argmin())
            self.best_score_ = -float(criterion[self.best_index_])
        self.cv_results_ = table
        self.p_, index = grid[self.best_index_]
        self.path_ = self.paths_[self.p_]
        self.best_estimator_ = self.path_.estimator_at(index)
        if self.polish:
            self.best_estimator_ = _polished(self.best_estimator_, data)
        if results and self._seeks_consensus():
            first = exponents.index(self.p_) * self.n_splits_
            of_folds = results[first : first + self.n_splits_]
            networks = [result.networks[index] for result in of_folds]
            networks.append(self.path_.estimators[index].network_)
            self.best_estimator_ = _in_consensus(self.best_estimator_, networks, data)
        for name, value in vars(self.best_estimator_).items():
            if name.endswith("_") and not name.startswith("_"):
                setattr(self, name, value)

    def _seeks_consensus(self: Any) -> bool:
        """Whether the network is to agree with what those of the folds say on average."""
        may = self.polish and self._loss().smooth and self.n_features_in_ > 1
        return bool(self.consensus and may)


class LpReLURegressorCV(_PathCV, LpReLURegressor):
    r"""Sparse ReLU network for regression, with alpha and p chosen along regularization paths.

    Parameters
    ----------
    p : float or list of float, default=0.5
        Exponent of the path norm, 0 < p <= 1. From a list the best is chosen.

    alphas : array-like of shape (n_alphas,), default=None
        The alphas to choose from, positive and increasing. By default there is a geometric grid
        for each p, from a tenth of what ``alpha="auto"`` stands for to the least alpha at which a
        constant is best.

    n_alphas : int, default=30
        Number of alphas of the automatic grid, at least 2.

    cv : int, cross-validation generator or iterable, default=None
        How the folds are made: a number of folds, a splitter, or pairs of training and test
        indices. None stands for 5 folds.

    scoring : str or callable, default=None
        What to maximize: the name of a scorer, or a callable ``scorer(estimator, X, y)``. By
        default R².

    selection : float or {"min", "paired", "1se", "aic", "bic", "ebic"}, default=0.005
        How the network is chosen:

        - float: the smallest network whose error is at most this share above the least error. An
          error is what the mean score over the folds lacks to 1, for scores such as R² and
          accuracy, or to 0, if no mean score is positive.
        - "min": the best mean score over the folds; of several, the smallest network. The same as
          0.0.
        - "paired": the smallest network that is not measurably worse than the best one. Fold by
          fold, its scores are compared with those of the best; the mean of the differences is to
          be within their standard error.
        - "1se": the smallest network whose mean score is within one standard error of the best.
        - "aic", "bic", "ebic": the least information criterion on the paths of all data, without
          folds (see Notes).

    consensus : bool, default=True
        Whether the network of the choice is also to agree with what the networks of the folds
        predict on average, where that takes no more weights (see Notes). Without folds, with one
        feature, ``polish=False`` or a loss that is not smooth there is nothing to do.

    n_neurons : int, default=100
        Number of neurons of a single fit before training. A path begins with half as many, but
        with no fewer than 50 if there are so many.

    loss : {"squared_error", "absolute_error", "huber", "quantile"}, default="squared_error"
        The loss. Where it is not smooth, the networks of a path are larger than they need be.

    penalize_bias, fit_intercept, skip_connection, standardize : as for the LpReLURegressor
        Parameters of every network.

    max_iter, tol, learning_rate, batch_size, polish, n_init : as for the LpReLURegressor
        Parameters of every network. `max_iter` counts the steps of a single fit, of which a path
        takes half to all for each network that it trains from random weights.

    device, dtype, quantile, huber_delta : as for the LpReLURegressor
        Parameters of every network.

    n_jobs : int, default=None
        Number of paths to walk side by side; None is 1, -1 all cores. Every path runs on one
        thread, and the answer is the same whatever `n_jobs` is.

    random_state : int, RandomState instance or None, default=None
        Determines the weights before training. One draw serves all paths.

    verbose : int, default=0
        Passed to joblib, which prints progress.

    Attributes
    ----------
    alpha_, p_ : float
        The choice.

    best_estimator_ : LpReLURegressor
        The network of the choice, fitted on all data.

    best_index_ : int
        Index of the choice into the columns of `cv_results_`.

    best_score_ : float
        Mean score over the folds of the choice; for an information criterion, minus its value.

    cv_results_ : dict of list or ndarray
        A row for each p and alpha, laid out as by GridSearchCV: "params", "param_alpha",
        "param_p", "split0_test_score" and so on, "mean_test_score", "std_test_score" and
        "rank_test_score". "n_nonzero_weights", "n_active_neurons" and "n_features_used" are those
        of the network on all data, "mean_n_nonzero_weights" and "mean_n_active_neurons" of those
        of the folds. Information criteria have "criterion" and "rank_criterion" in place of the
        scores.

    path_ : LpPath
        The path of `p_` on all data.

    paths_ : dict of LpPath
        The paths on all data, by p.

    n_splits_ : int
        Number of folds; 0 for information criteria.

    network_, coefs_, intercepts_, skip_coef_, objective_, and so on
        All fitted attributes of the LpReLURegressor, for the network of the choice.

    See Also
    --------
    LpReLURegressor : A single network.
    lp_path : The path itself.
    sklearn.linear_model.LassoCV : The same for linear models.

    Notes
    -----
    For every p the path on all data gives the grid of alphas. The same alphas are walked along on
    the training part of each fold; where the network on all data is a constant, so are those of the
    folds. The network of the choice is the one that the path on all data has there, after the moves
    of `polish` that a path has no time for. They lower its objective, so that it may differ from
    that of ``path_.estimator_at``.

    A small network varies more from one sample to the next than the mean of several does. So with
    `consensus`, the networks of the folds at the alpha of the choice and the one on all data are
    averaged, and the network is polished once more for the targets
    :math:`(y_i + \bar f(x_i)) / 2`, halfway from the data to what they say on average. The result
    is taken if it has no more weights. Its `objective_` is that of the data, and may be larger than
    without. Breiman and Shang's "Born again trees" (1996) learn from the mean of trees like this.

    From scikit-learn 1.9 on, callbacks such as ``ProgressBar()`` may be set by `set_callbacks`.
    Every path, on all data or on those of a fold, is a task to them. They cannot end the fit.

    With N samples, k = `n_parameters_` and L the mean loss in the units of training, the
    information criteria are

    .. math::

        \mathrm{AIC} = D + 2 k, \qquad
        \mathrm{BIC} = D + k \log N, \qquad
        \mathrm{EBIC} = \mathrm{BIC} + w \log d

    where w is `n_nonzero_weights_`, d the number of features, and the deviance D is
    :math:`N \log(2L)` for the squared error with one output (noise of unknown variance) and
    :math:`2 N \log L` for "absolute_error" and "quantile"; "huber" has none. With several outputs
    it is the sum under one variance.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_lpnet import LpReLURegressorCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LpReLURegressorCV(n_alphas=15, selection="1se", random_state=0).fit(X, y)
    >>> model.best_score_ > 0.4
    True
    >>> model.n_nonzero_weights_ < 20
    True
    """

    _estimator_class = LpReLURegressor
    _parameter_constraints: dict[str, list[Any]] = _constraints(LpReLURegressor)

    def __init__(
        self,
        *,
        p: Any = 0.5,
        alphas: Any = None,
        n_alphas: int = 30,
        cv: Any = None,
        scoring: Any = None,
        selection: float | str = 0.005,
        consensus: bool = True,
        n_neurons: int = 100,
        loss: str = "squared_error",
        penalize_bias: bool = False,
        fit_intercept: bool = True,
        skip_connection: bool | str = "auto",
        standardize: bool = True,
        max_iter: int | str = "auto",
        tol: float = 1e-4,
        learning_rate: float | str = "auto",
        batch_size: int | str = "auto",
        polish: bool = True,
        n_init: int = 1,
        device: str = "cpu",
        dtype: str = "float32",
        quantile: float = 0.5,
        huber_delta: float = 1.35,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.p = p
        self.alphas = alphas
        self.n_alphas = n_alphas
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.consensus = consensus
        self.n_neurons = n_neurons
        self.loss = loss
        self.penalize_bias = penalize_bias
        self.fit_intercept = fit_intercept
        self.skip_connection = skip_connection
        self.standardize = standardize
        self.max_iter = max_iter
        self.tol = tol
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.polish = polish
        self.n_init = n_init
        self.device = device
        self.dtype = dtype
        self.quantile = quantile
        self.huber_delta = huber_delta
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose


class LpReLUClassifierCV(_PathCV, LpReLUClassifier):
    r"""Sparse ReLU network for classification, with alpha and p chosen along regularization paths.

    Parameters
    ----------
    p : float or list of float, default=0.5
        Exponent of the path norm, 0 < p <= 1. From a list the best is chosen.

    alphas : array-like of shape (n_alphas,), default=None
        The alphas to choose from, positive and increasing. By default there is a geometric grid
        for each p, from a tenth of what ``alpha="auto"`` stands for to the least alpha at which a
        constant is best.

    n_alphas : int, default=30
        Number of alphas of the automatic grid, at least 2.

    cv : int, cross-validation generator or iterable, default=None
        How the folds are made: a number of folds, a splitter, or pairs of training and test
        indices. None stands for 5 folds, which are stratified by class.

    scoring : str or callable, default=None
        What to maximize: the name of a scorer, or a callable ``scorer(estimator, X, y)``. By
        default accuracy.

    selection : float or {"min", "paired", "1se", "aic", "bic", "ebic"}, default=0.005
        How the network is chosen:

        - float: the smallest network whose error is at most this share above the least error. An
          error is what the mean score over the folds lacks to 1, for scores such as R² and
          accuracy, or to 0, if no mean score is positive.
        - "min": the best mean score over the folds; of several, the smallest network. The same as
          0.0.
        - "paired": the smallest network that is not measurably worse than the best one. Fold by
          fold, its scores are compared with those of the best; the mean of the differences is to
          be within their standard error.
        - "1se": the smallest network whose mean score is within one standard error of the best.
        - "aic", "bic", "ebic": the least information criterion on the paths of all data, without
          folds (see Notes).

    consensus : bool, default=True
        Whether the network of the choice is also to agree with what the networks of the folds
        predict on average, where that takes no more weights (see Notes). Without folds, with one
        feature, ``polish=False`` or a loss that is not smooth there is nothing to do.

    n_neurons : int, default=100
        Number of neurons of a single fit before training. A path begins with half as many, but
        with no fewer than 50 if there are so many.

    loss : {"log_loss", "hinge"}, default="log_loss"
        The loss. For "hinge" the networks of a path are larger than they need be.

    penalize_bias, fit_intercept, skip_connection, standardize : as for the LpReLUClassifier
        Parameters of every network.

    max_iter, tol, learning_rate, batch_size, polish, n_init : as for the LpReLUClassifier
        Parameters of every network. `max_iter` counts the steps of a single fit, of which a path
        takes half to all for each network that it trains from random weights.

    device, dtype, class_weight : as for the LpReLUClassifier
        Parameters of every network.

    n_jobs : int, default=None
        Number of paths to walk side by side; None is 1, -1 all cores. Every path runs on one
        thread, and the answer is the same whatever `n_jobs` is.

    random_state : int, RandomState instance or None, default=None
        Determines the weights before training. One draw serves all paths.

    verbose : int, default=0
        Passed to joblib, which prints progress.

    Attributes
    ----------
    alpha_, p_ : float
        The choice.

    best_estimator_ : LpReLUClassifier
        The network of the choice, fitted on all data.

    best_index_ : int
        Index of the choice into the columns of `cv_results_`.

    best_score_ : float
        Mean score over the folds of the choice; for an information criterion, minus its value.

    cv_results_ : dict of list or ndarray
        A row for each p and alpha, laid out as by GridSearchCV: "params", "param_alpha",
        "param_p", "split0_test_score" and so on, "mean_test_score", "std_test_score" and
        "rank_test_score". "n_nonzero_weights", "n_active_neurons" and "n_features_used" are those
        of the network on all data, "mean_n_nonzero_weights" and "mean_n_active_neurons" of those
        of the folds. Information criteria have "criterion" and "rank_criterion" in place of the
        scores.

    path_ : LpPath
        The path of `p_` on all data.

    paths_ : dict of LpPath
        The paths on all data, by p.

    n_splits_ : int
        Number of folds; 0 for information criteria.

    classes_ : ndarray of shape (n_classes,)
        The classes, sorted; for several labels, their numbers.

    network_, coefs_, intercepts_, skip_coef_, objective_, and so on
        All fitted attributes of the LpReLUClassifier, for the network of the choice.

    See Also
    --------
    LpReLUClassifier : A single network.
    lp_path : The path itself.
    sklearn.linear_model.LogisticRegressionCV : The same for linear models.

    Notes
    -----
    For every p the path on all data gives the grid of alphas. The same alphas are walked along on
    the training part of each fold; where the network on all data is a constant, so are those of the
    folds. The network of the choice is the one that the path on all data has there, after the moves
    of `polish` that a path has no time for. They lower its objective, so that it may differ from
    that of ``path_.estimator_at``.

    A small network varies more from one sample to the next than the mean of several does. So with
    `consensus`, the probabilities of the networks of the folds at the alpha of the choice and of
    the one on all data are averaged, and the network is polished once more for targets halfway from
    the labels to these. The result is taken if it has no more weights. Its `objective_` is that of
    the labels, and may be larger than without.

    From scikit-learn 1.9 on, callbacks such as ``ProgressBar()`` may be set by `set_callbacks`.
    Every path, on all data or on those of a fold, is a task to them. They cannot end the fit.

    With N samples, k = `n_parameters_` and L the mean loss in the units of training, the
    information criteria are

    .. math::

        \mathrm{AIC} = D + 2 k, \qquad
        \mathrm{BIC} = D + k \log N, \qquad
        \mathrm{EBIC} = \mathrm{BIC} + w \log d

    where w is `n_nonzero_weights_`, d the number of features, and the deviance D is
    :math:`2 N L` for "log_loss"; "hinge" has none.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_lpnet import LpReLUClassifierCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = LpReLUClassifierCV(n_alphas=15, cv=3, random_state=0).fit(X, y)
    >>> model.best_score_ > 0.9
    True
    >>> model.n_nonzero_weights_ < 50
    True
    """

    _estimator_class = LpReLUClassifier
    _parameter_constraints: dict[str, list[Any]] = _constraints(LpReLUClassifier)

    def __init__(
        self,
        *,
        p: Any = 0.5,
        alphas: Any = None,
        n_alphas: int = 30,
        cv: Any = None,
        scoring: Any = None,
        selection: float | str = 0.005,
        consensus: bool = True,
        n_neurons: int = 100,
        loss: str = "log_loss",
        penalize_bias: bool = False,
        fit_intercept: bool = True,
        skip_connection: bool | str = "auto",
        standardize: bool = True,
        max_iter: int | str = "auto",
        tol: float = 1e-4,
        learning_rate: float | str = "auto",
        batch_size: int | str = "auto",
        polish: bool = True,
        n_init: int = 1,
        device: str = "cpu",
        dtype: str = "float32",
        class_weight: dict[Any, float] | list[dict[Any, float]] | str | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.p = p
        self.alphas = alphas
        self.n_alphas = n_alphas
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.consensus = consensus
        self.n_neurons = n_neurons
        self.loss = loss
        self.penalize_bias = penalize_bias
        self.fit_intercept = fit_intercept
        self.skip_connection = skip_connection
        self.standardize = standardize
        self.max_iter = max_iter
        self.tol = tol
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.polish = polish
        self.n_init = n_init
        self.device = device
        self.dtype = dtype
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose


@dataclass(frozen=True)
class _Scoring:
    """A scorer, and what it is called with besides an estimator."""

    scorer: Any
    X: Any
    y: Any
    params: dict[str, Any]

    def __call__(self, estimator: Any) -> float:
        return self.scorer(estimator, self.X, self.y, **self.params)


@dataclass(frozen=True)
class _AlongFold:
    """The networks of a fold's path, their test scores, their numbers of weights and neurons."""

    networks: list[Network]
    scores: np.ndarray
    sizes: np.ndarray


@dataclass(frozen=True)
class _Fold:
    """Encoded data of a fold: X, targets, weights; for the test also the weights of scores."""

    rows: np.ndarray
    train: tuple[Any, np.ndarray, np.ndarray]
    test: tuple[Any, np.ndarray, np.ndarray, np.ndarray | None]
    scoring: _Scoring | None


def _whole_path(template: Any, data: Any, task: Task | None, **options: Any) -> LpPath:
    with running(task), _one_thread():
        path, interrupted = path_of(template, *data, **options)
        if interrupted:
            raise KeyboardInterrupt
    return path


def _along_fold(
    template: Any, alphas: np.ndarray, flat: np.ndarray, fold: _Fold, seed: int, task: Task | None
) -> _AlongFold:
    """Walk along a fold. Where the network on all data is flat, so is that of the fold.

    Otherwise such an alpha could have the scores of networks, and a constant be chosen by them.
    """
    from .training import Settings
    from .walk import walk

    settings = Settings.of(template, template._loss())
    with running(task), _one_thread():
        walked = walk(settings, *fold.train, seed=seed, alphas=alphas)
        if walked.interrupted:
            raise KeyboardInterrupt
        trained = [
            walked.flattest if is_flat else one
            for one, is_flat in zip(walked.trained, flat, strict=True)
        ]
        fitted = [template._fitted_copy(settings, one) for one in trained]
        networks = [one.network for one in trained]
        if fold.scoring is not None:
            scores = np.array([fold.scoring(estimator) for estimator in fitted], dtype=np.float64)
        else:
            X, targets, _, sample_weight = fold.test
            scores = default_scores(template, networks, X, targets, sample_weight)
    sizes = [(one.n_nonzero_weights_, one.n_active_neurons_) for one in fitted]
    return _AlongFold(networks, scores, np.array(sizes))


@cache
def _thread_pools() -> ThreadpoolController:
    """The libraries that have threads of their own; to look for them takes milliseconds."""
    return ThreadpoolController()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run on one thread, so that the last bit does not depend on how the work is spread."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _thread_pools().limit(limits=1):
            yield
    finally:
        torch.set_num_threads(n_threads)


def _exponents(p: Any) -> list[float]:
    """The exponents as a list without repetitions."""
    exponents = [float(one) for one in np.atleast_1d(np.asarray(p, dtype=np.float64)).ravel()]
    if not exponents:
        raise ValueError("p must be a number or a list of at least one, got an empty list.")
    if not all(0 < one <= 1 for one in exponents):
        raise ValueError(f"p must be in the range (0, 1], got {p!r}.")
    if len(set(exponents)) < len(exponents):
        raise ValueError(f"p must not repeat an exponent, got {p!r}.")
    return exponents


def _share_data_attributes(source: Any, target: Any) -> None:
    """Hand on what has been learned of the data: features, classes, the shape of y."""
    for name in ("n_features_in_", "feature_names_in_", "classes_", "_encoding", "_flat_targets"):
        if name in vars(source):
            setattr(target, name, vars(source)[name])
    if hasattr(target, "feature_names_in_") and not hasattr(source, "feature_names_in_"):
        del target.feature_names_in_


def _rows_of(values: Any, rows: np.ndarray) -> Any:
    return None if values is None else _safe_indexing(values, rows)


def _takes_weights(scorer: Any) -> bool:
    function = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in signature(function).parameters


def _table(fitted: list[Any]) -> dict[str, Any]:
    """The columns of `cv_results_` that do not need folds."""
    params = [{"alpha": one.alpha, "p": one.p} for one in fitted]
    return {
        "params": params,
        "param_alpha": np.ma.array([one["alpha"] for one in params]),
        "param_p": np.ma.array([one["p"] for one in params]),
        "n_nonzero_weights": np.array([one.n_nonzero_weights_ for one in fitted]),
        "n_active_neurons": np.array([one.n_active_neurons_ for one in fitted]),
        "n_features_used": np.array([len(one.network_.used_features) for one in fitted]),
    }


def _add_scores(table: dict[str, Any], results: list[_AlongFold], n_splits: int) -> None:
    """Add the columns of the folds; results are in the order of p, then of folds."""
    scores = np.concatenate(
        [
            np.column_stack([one.scores for one in results[start : start + n_splits]])
            for start in range(0, len(results), n_splits)
        ]
    )
    sizes = np.concatenate(
        [
            np.mean([one.sizes for one in results[start : start + n_splits]], axis=0)
            for start in range(0, len(results), n_splits)
        ]
    )
    for k, column in enumerate(scores.T):
        table[f"split{k}_test_score"] = column
    mean = scores.mean(axis=1)
    if np.isnan(mean).all():
        raise ValueError(
            "No network has a score: the scorer returned nan in every row. R² needs at least two "
            "samples a fold; use fewer folds, or another scoring such as 'neg_mean_squared_error'."
        )
    table["mean_test_score"] = mean
    table["std_test_score"] = scores.std(axis=1)
    table["mean_n_nonzero_weights"], table["mean_n_active_neurons"] = sizes.T
    worst_first = np.where(np.isnan(mean), -np.inf, mean)
    table["rank_test_score"] = rankdata(-worst_first, method="min").astype(np.int32)


def _best(table: dict[str, Any], rule: float | str) -> int:
    """The smallest network among those of the best score, or close enough to it by the rule."""
    mean = np.where(np.isnan(table["mean_test_score"]), -np.inf, table["mean_test_score"])
    best = int(mean.argmax())
    scores = np.array([table[name] for name in table if name.startswith("split")])
    behind: Any = 0.0
    if not isinstance(rule, str):
        behind = rule * abs(float(mean[best] > 0) - mean[best])
    elif rule != "min" and len(scores) > 1:
        spread = scores[:, best] if rule == "1se" else scores[:, [best]] - scores
        behind = spread.std(axis=0, ddof=1) / np.sqrt(len(scores))
    eligible = np.flatnonzero(mean >= mean[best] - behind)
    order = np.lexsort((-mean[eligible], table["n_nonzero_weights"][eligible]))
    return int(eligible[order[0]])


def _polished(
    chosen: Any, data: tuple[Any, np.ndarray, np.ndarray], targets: np.ndarray | None = None
) -> Any:
    """The network of a path after the moves that a path has no time for.

    With `targets` it is polished for these, and the chosen one stays if that takes more weights.
    """
    from .training import Settings
    from .walk import polished

    settings = Settings.of(chosen, chosen._loss())
    report = _report_of(chosen)
    with _one_thread():
        trained = polished(
            settings, *data, chosen.network_, alpha=chosen.alpha_, report=report, targets=targets
        )
    if report.interrupted:
        raise KeyboardInterrupt
    fitted = chosen._fitted_copy(settings, trained)
    if targets is None:
        better = trained.objective < chosen.objective_ * (1 - _NO_MATTER)
    else:
        better = fitted.n_nonzero_weights_ <= chosen.n_nonzero_weights_
    return fitted if better else chosen


def _in_consensus(
    chosen: Any, networks: list[Network], data: tuple[Any, np.ndarray, np.ndarray]
) -> Any:
    """The network polished for targets halfway from the data to what networks say on average."""
    X, targets, _ = data
    predicted = [_in_units_of_targets(chosen, network.evaluate(X)) for network in networks]
    return _polished(chosen, data, (targets + np.mean(predicted, axis=0)) / 2)


def _in_units_of_targets(estimator: Any, outputs: np.ndarray) -> np.ndarray:
    """The outputs of a network as what it was trained for: numbers, or probabilities."""
    return estimator._encoding.probabilities(outputs) if is_classifier(estimator) else outputs


def _report_of(fitted: Any) -> Report:
    """The report of a fit, for what comes after it."""
    from .problem import Report

    history = {name: list(column) for name, column in fitted.history_.items()}
    return Report(n_iter=fitted.n_iter_, converged=True, history=history)


def _criterion(
    name: str, loss: str, fitted: list[Any], losses: np.ndarray, n_samples: int
) -> np.ndarray:
    """AIC, BIC or extended BIC of each network, up to a constant."""
    n_outputs, n_features = fitted[0].network_.n_outputs, fitted[0].n_features_in_
    if loss == "log_loss":
        deviance = 2 * n_samples * losses
    else:
        # Gaussian noise of unknown variance, or Laplace noise of unknown scale.
        by_output = np.maximum(losses, np.finfo(np.float64).tiny) / n_outputs
        log_size = np.log(2 * by_output) if loss == "squared_error" else 2 * np.log(by_output)
        deviance = n_samples * n_outputs * log_size
    n_parameters = np.array([one.n_parameters_ for one in fitted])
    if name == "aic":
        return deviance + 2 * n_parameters
    bic = deviance + np.log(n_samples) * n_parameters
    if name == "bic":
        return bic
    n_weights = np.array([one.n_nonzero_weights_ for one in fitted])
    return bic + n_weights * np.log(n_features)
