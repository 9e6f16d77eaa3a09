"""Estimators that choose alpha and p along regularization paths."""

from __future__ import annotations

from itertools import count
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import rankdata
from sklearn.base import _fit_context, is_classifier
from sklearn.metrics import check_scoring, get_scorer_names, r2_score
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

from ..estimators.callbacks import Task
from .consensus import in_consensus, polished_choice
from .folds import (
    AlongFold,
    Fold,
    Scoring,
    along_fold,
    check_scores_exist,
    knowing_classes,
    rows_of,
    takes_weights,
    whole_path,
)
from .path import LpPath, checked_alphas, path_template, seed_of
from .rules import CRITERIA, RULES, add_scores, best_index, criterion_of, table_of

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


def path_constraints(base: type) -> dict[str, list[Any]]:
    inherited: dict[str, list[Any]] = base._parameter_constraints  # type: ignore[attr-defined]
    return {
        **{name: kinds for name, kinds in inherited.items() if name not in _NOT_OF_A_PATH},
        "p": [Interval(Real, 0, 1, closed="right"), "array-like"],
        "alphas": ["array-like", None],
        "n_alphas": [Interval(Integral, 2, None, closed="left")],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "selection": [Interval(Real, 0, None, closed="left"), StrOptions({*RULES, *CRITERIA})],
        "consensus": ["boolean"],
        "n_jobs": [Integral, None],
    }


class PathCV:
    """Fit by choosing a network on the paths of all data; a mixin of the CV classes."""

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
            Weights of the samples, nonnegative; integers are counts. They count in training and,
            where the scorer takes weights, in the scores of the folds. The mean over folds is a
            plain one.

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
        uses_folds = self.selection not in CRITERIA
        if not uses_folds and self._loss().deviance(np.ones(1), 1, 1) is None:
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
                    delayed(whole_path)(
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
        results: list[AlongFold] = run(
            delayed(along_fold)(template, path.alphas, path.path_norms == 0, fold, seed, task)
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

    def __getattr__(self, name: str) -> Any:
        if name == "partial_fit":
            raise AttributeError(f"{type(self).__name__} has no partial_fit; use fit.")
        # Once more, for the error that it was.
        return super().__getattribute__(name)

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

    def _folds(self: Any, X: Any, y: Any, data: Any, sample_weight: Any, groups: Any) -> list[Fold]:
        splitter = check_cv(self.cv, y, classifier=is_classifier(self))
        scorer = None if self.scoring is None else check_scoring(self, self.scoring)
        split_params, score_params = self._routed(scorer, sample_weight, groups)
        classes = None
        if is_classifier(self) and not self._encoding.multilabel:
            classes = self.classes_
            scorer = None if scorer is None else knowing_classes(scorer, classes)
        encoded, targets, weight = data
        folds: list[Fold] = []
        for train, test in splitter.split(encoded, y, **split_params):
            parts = [
                (encoded[rows], targets[rows], weight[rows], rows_of(sample_weight, rows))
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
                params = {name: rows_of(value, test) for name, value in score_params.items()}
                scoring = Scoring(scorer, _safe_indexing(X, test), _safe_indexing(y, test), params)
            folds.append(Fold(train, parts[0][:3], parts[1], scoring))
        default = None if is_classifier(self) else r2_score
        check_scores_exist(folds, scorer or default, cv=self.cv, classes=classes)
        return folds

    def _tasks(
        self: Any, X: Any, y: Any, sample_weight: Any, exponents: list[float], folds: list[Fold]
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
                "y": rows_of(y, fold.rows),
                "sample_weight": rows_of(sample_weight, fold.rows),
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
            # What is None has not been passed: nobody needs to have asked for it.
            given = {"sample_weight": sample_weight, "groups": groups}
            given = {name: value for name, value in given.items() if value is not None}
            routed = process_routing(self, "fit", **given)
            return routed.splitter.split, routed.scorer.score if scorer is not None else {}
        weighted = scorer is not None and sample_weight is not None and takes_weights(scorer)
        return {"groups": groups}, {"sample_weight": sample_weight} if weighted else {}

    def _choose(self: Any, results: list[AlongFold], data: Any) -> None:
        """Fill in the results and expose the network that is chosen."""
        exponents = list(self.paths_)
        grid = [(p, index) for p, path in self.paths_.items() for index in range(len(path.alphas))]
        fitted = [self.paths_[p].estimators[index] for p, index in grid]
        table = table_of(fitted)
        if results:
            add_scores(table, results, self.n_splits_)
            self.best_index_ = best_index(table, self.selection)
            self.best_score_ = float(table["mean_test_score"][self.best_index_])
        else:
            losses = np.concatenate([path.losses for path in self.paths_.values()])
            n_samples = float(data[2].sum())
            criterion = criterion_of(self.selection, self._loss(), fitted, losses, n_samples)
            table["criterion"] = criterion
            table["rank_criterion"] = rankdata(criterion, method="min").astype(np.int32)
            self.best_index_ = int(criterion.argmin())
            self.best_score_ = -float(criterion[self.best_index_])
        self.cv_results_ = table
        self.p_, index = grid[self.best_index_]
        self.path_ = self.paths_[self.p_]
        self.best_estimator_ = self.path_.estimator_at(index)
        if self.polish:
            self.best_estimator_ = polished_choice(self.best_estimator_, data)
        if results and self._seeks_consensus():
            first = exponents.index(self.p_) * self.n_splits_
            of_folds = results[first : first + self.n_splits_]
            networks = [result.networks[index] for result in of_folds]
            networks.append(self.path_.estimators[index].network_)
            self.best_estimator_ = in_consensus(self.best_estimator_, networks, data)
        for name, value in vars(self.best_estimator_).items():
            if name.endswith("_") and not name.startswith("_"):
                setattr(self, name, value)

    def _seeks_consensus(self: Any) -> bool:
        """Whether the network is to agree with what those of the folds say on average."""
        may = self.polish and self._loss().smooth and self.n_features_in_ > 1
        return bool(self.consensus and may)


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
    for name in (
        "n_features_in_",
        "feature_names_in_",
        "classes_",
        "_encoding",
        "_flat_targets",
        "_offset_ratios",
    ):
        if name in vars(source):
            setattr(target, name, vars(source)[name])
    if hasattr(target, "feature_names_in_") and not hasattr(source, "feature_names_in_"):
        del target.feature_names_in_
