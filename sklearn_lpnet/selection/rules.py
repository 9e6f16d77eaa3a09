"""Which network of the paths is chosen: rules and information criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import rankdata

from .folds import AlongFold

if TYPE_CHECKING:
    from ..losses.base import Loss

#: How scores of folds choose, and criteria that need none.
RULES = ("min", "paired", "1se")
CRITERIA = ("aic", "bic", "ebic")


def table_of(fitted: list[Any]) -> dict[str, Any]:
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


def add_scores(table: dict[str, Any], results: list[AlongFold], n_splits: int) -> None:
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
            "No network has a score: the scorer returned nan in folds "
            f"{np.flatnonzero(np.isnan(scores).any(axis=0)).tolist()}. Use a scoring that exists "
            "for their test parts, or other folds."
        )
    table["mean_test_score"] = mean
    table["std_test_score"] = scores.std(axis=1)
    table["mean_n_nonzero_weights"], table["mean_n_active_neurons"] = sizes.T
    worst_first = np.where(np.isnan(mean), -np.inf, mean)
    table["rank_test_score"] = rankdata(-worst_first, method="min").astype(np.int32)


def best_index(table: dict[str, Any], rule: float | str) -> int:
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


def criterion_of(
    name: str, loss: Loss, fitted: list[Any], losses: np.ndarray, n_samples: float
) -> np.ndarray:
    """AIC, BIC or extended BIC of each network, up to a constant."""
    n_outputs, n_features = fitted[0].network_.n_outputs, fitted[0].n_features_in_
    deviance = loss.deviance(losses, n_samples, n_outputs)
    n_parameters = np.array([one.n_parameters_ for one in fitted])
    if name == "aic":
        return deviance + 2 * n_parameters
    bic = deviance + np.log(n_samples) * n_parameters
    if name == "bic":
        return bic
    n_weights = np.array([one.n_nonzero_weights_ for one in fitted])
    return bic + n_weights * np.log(n_features)
