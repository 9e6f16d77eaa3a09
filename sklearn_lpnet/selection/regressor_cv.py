"""Regression with alpha and p chosen along regularization paths."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..estimators.regression import RegressionMixin
from ..estimators.regressor import LpReLURegressor
from .cv import PathCV, path_constraints


class LpReLURegressorCV(PathCV, RegressionMixin):
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
    _parameter_constraints: dict[str, list[Any]] = path_constraints(LpReLURegressor)

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
