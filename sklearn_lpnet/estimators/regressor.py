"""The estimator for regression."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from ..losses.table import REGRESSION
from .regression import RegressionMixin
from .training import TrainingMixin, trains_in_passes


class LpReLURegressor(RegressionMixin, TrainingMixin):
    r"""Sparse ReLU network for regression, regularized by the ℓp path norm.

    The network has one hidden layer,

    .. math::

        f(x) = \sum_k v_k \max(0, w_k \cdot x + b_k) + A x + c,

    and minimizes, over all of its weights,

    .. math::

        \frac{\sum_i s_i \, \ell(y_i, f(x_i))}{\sum_i s_i}
        + \alpha \sum_k \sum_j \left( \|v_k\|_2 |w_{kj}| \right)^p

    with sample weights :math:`s_i`. For p < 1 most of the weights end as exact zeros, so the
    fitted network is small and reads few of the features.

    Parameters
    ----------
    p : float, default=0.5
        Exponent of the path norm, 0 < p <= 1. The smaller, the sparser the network. With
        ``alpha=0`` it may be 0, which counts the nonzero weights.

    alpha : float or "auto", default="auto"
        Strength of the penalty. "auto" sets it from the data; `alpha_` holds the value. Then a
        network also gives way to the constant or to a linear function that it is not significantly
        better than (see Notes). With 0 the network interpolates: of all networks with
        :math:`f(x_i) = y_i` for every sample of positive weight, one of small path norm, which is
        what small alphas tend to. This takes the squared error and one output.

    n_neurons : int, default=100
        Number of neurons before training, the most that the network can have. With ``alpha=0``
        there are as many as it takes, but no more than one for each sample.

    loss : {"squared_error", "absolute_error", "huber", "quantile"}, default="squared_error"
        The loss :math:`\ell`. The squared error is :math:`\frac12 (y - f)^2`.

    solver : {"auto", "proximal", "adam", "vertex", "univariate"}, default="auto"
        How the network is trained. "auto" is "proximal" for positive alpha; for ``alpha=0`` it is
        "univariate" where there is one feature and the affine part and biases are free, else
        "vertex".

        - "proximal": a proximal form of Adam that minimizes the objective itself.
        - "adam": Adam with a reweighted soft threshold after each step, the algorithm of [1]_.
          There alpha acts after Adam's normalization of the gradient, as weight decay does in
          AdamW, so it is not on the scale of the objective.
        - "vertex": interpolates, for ``alpha=0``. Linear programs lead to a local minimum of the
          path norm; from there the network moves along curves of interpolants that take weight
          after weight to zero, until there are as many parameters as samples. No network with
          fewer parameters interpolates labels in general position. If it does not come to that,
          and for ``p=1``, it takes the one of least path norm of the interpolants found. See
          `time_limit`. Beyond 2000 samples the network varies along one direction alone.
        - "univariate": interpolates one feature, for ``alpha=0``. The network is a global
          minimizer of the path norm, found in linear time. It has a free skip connection, free
          biases and an intercept.

    penalize_bias : bool, default=False
        Whether the biases :math:`b_k` count as weights in the penalty.

    fit_intercept : bool, default=True
        Whether the network has the output intercept c. It is never penalized.

    skip_connection : {"auto", "penalized"} or bool, default="auto"
        The affine part A:

        - True: it is there, without a penalty.
        - "penalized": column j pays :math:`\|A_{:j}\|_2^p`. With free biases this is what a
          neuron pays that is on for all data.
        - False: there is none. Where biases are free, an affine part found in training is
          written as neurons that are on for all data.
        - "auto": "penalized" for the solvers "proximal" and "vertex" with free biases, True for
          "univariate", else False.

        The solver "adam" knows True and False, where False is the network without one.

    standardize : bool, default=True
        Whether to train on standardized features and targets. The network is then scaled back,
        which leaves its zeros. A change of units or a shift of X or y changes nothing but the
        units of the predictions, and alpha has one meaning for all data. With
        ``penalize_bias=True`` or ``fit_intercept=False`` features are scaled but not centred, and
        for the latter targets neither.

    max_iter : int or "auto", default="auto"
        Number of gradient steps; for the solver "adam" of passes over the data. "auto" is 600,
        and for the solver "proximal" 4000 where a step sees a batch of the samples. More steps
        end with a lower objective and, without `polish`, a smaller network.

    tol : float, default=1e-4
        Training ends early when the objective changes by less than this share of itself between
        two entries of `history_`. With 0 it never does.

    learning_rate : float or "auto", default="auto"
        Step size at the start; "auto" is 0.02 for "proximal" and 0.01 for "adam", and half as
        much for mini-batches.

    batch_size : int or "auto", default="auto"
        Samples a gradient step. "auto" takes all of up to 4096, and else 1024 at a time.

    polish : bool, default=True
        Whether second-order steps follow the solver "proximal": Newton steps, deletions of
        weights and neurons by what they are worth, and moves that no gradient makes, as long as
        the objective falls. It removes most of the weights that training leaves. It needs a
        smooth loss: "absolute_error" and "quantile" are left as trained.

    n_init : int, default=1
        Number of random starts, trained side by side. The network of the lowest objective wins.
        The solver "vertex" divides its time between them.

    time_limit : float, default=10.0
        Seconds that the solver "vertex" may take. It ends before where no network with fewer
        parameters is to be expected; where it does not, the result depends on the speed of the
        machine. The first interpolant is found whatever the limit, so that large data take longer.

    early_stopping : bool, default=False
        Whether to hold out validation data, to end training when the score on them stops rising,
        and to keep the network with the best score. The score is the share of the loss of the
        best constant that the network takes away: R² for the squared error. It counts from when
        the solver has finished thinning out the network.

    validation_fraction : float, default=0.1
        Share of the distinct samples to hold out with ``early_stopping=True``.

    n_iter_no_change : int, default=10
        Number of entries of `history_` to wait for a better validation score, by `tol` at least.

    warm_start : bool, default=False
        Whether `fit` goes on from the network of the previous fit. Neurons that it has lost do
        not come back, but a network without neurons starts anew.

    device : str, default="cpu"
        Where to train: "cpu", "cuda", "cuda:i" for GPU number i, or "auto" for a GPU where there
        is one. Predictions are made on the CPU.

    dtype : {"float32", "float64"}, default="float32"
        Precision of training.

    quantile : float, default=0.5
        The quantile that ``loss="quantile"`` predicts, between 0 and 1.

    huber_delta : float, default=1.35
        The residual beyond which ``loss="huber"`` is linear. With ``standardize=True`` its unit
        is the standard deviation of y.

    random_state : int, RandomState instance or None, default=None
        Determines the weights before training, the order of batches, and the validation data.
        The order of the samples has no influence.

    verbose : int, default=0
        If positive, training prints a line for each entry of `history_`.

    Attributes
    ----------
    alpha_ : float
        The strength of the penalty.

    n_active_neurons_ : int
        Number of neurons that have a nonzero input weight and output weight.

    n_nonzero_weights_ : int
        Number of nonzero terms of the path norm: input weights, with ``penalize_bias=True``
        biases, and unless ``skip_connection=True`` columns of the skip connection.

    n_nonzero_coefs_ : int
        Number of nonzero weights of both layers and of the skip connection, biases apart: what is
        to be compared with the weights of other networks. A neuron counts one for each input that
        it reads and one for each output that it goes to.

    n_parameters_ : int
        `n_nonzero_weights_` and the number of free parameters: unpenalized biases, the intercept,
        and the nonzero entries of an unpenalized skip connection.

    path_norm_ : float
        Path norm of the network, in the units of X and y.

    objective_ : float
        The objective, in the units of training (see `standardize`); for ``alpha=0`` that is the
        path norm.

    coefs_ : list of two ndarrays of shape (n_features, n_active) and (n_active, n_outputs)
        Input and output weights of the active neurons in balanced form: those of one neuron have
        the same Euclidean norm.

    intercepts_ : list of two ndarrays of shape (n_active,) and (n_outputs,)
        Biases of these neurons, and the intercept. The outputs are
        ``np.maximum(X @ coefs_[0] + intercepts_[0], 0) @ coefs_[1] + X @ skip_coef_.T +
        intercepts_[1]``.

    skip_coef_ : ndarray of shape (n_outputs, n_features)
        The skip connection; zeros where there is none.

    feature_importances_ : ndarray of shape (n_features,)
        Share of each feature in the path norm for p = 1, in the units of training.

    network_ : Network
        The network in path coordinates, in the units of X and y.

    history_ : dict of list
        The course of training: "iteration", "objective", "loss", "n_active_neurons" and
        "n_nonzero_weights".

    n_iter_ : int
        Number of gradient steps made by `fit`, or of calls to `partial_fit`.

    validation_scores_ : list of float or None
        Validation scores, an entry for each of `history_`; None without `early_stopping`.

    best_validation_score_ : float or None
        Validation score of the network that was kept; None without `early_stopping`.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit. Defined only when X has feature names that are all
        strings.

    See Also
    --------
    LpReLUClassifier : The same network for classification.
    sklearn.neural_network.MLPRegressor : A dense network.
    sklearn.linear_model.Lasso : Linear model with an ℓ1 penalty.

    Notes
    -----
    With ``alpha="auto"``, a smooth loss, `polish`, an affine part and free biases, and at most 1000
    features, the network is compared with what noise would explain. A weight has to lower the loss
    by more than one regressor does for labels in random order in 97.5% of draws, and by more than
    the BIC asks for; a neuron by one weight more, for its knot is searched for. Where at this price
    the best network is constant or linear, it takes the place of the one of least objective. So
    labels that have nothing to do with X give a constant in about 97% of cases. With a given alpha
    the network is that of least objective found.

    From scikit-learn 1.9 on, `set_callbacks` takes callbacks of `sklearn.callback`, such as
    ``ProgressBar()`` and ``ScoringMonitor(scoring="r2")``. They follow `fit` step by step,
    a step being an entry of `history_`; for ``alpha=0`` they see its beginning and its end. One
    that returns True at the end of a step ends training there: the network is then the one so
    far, without `polish`, and no warning says that training has not converged.

    References
    ----------
    .. [1] J. Nakhleh and R. Nowak, "Global Minimizers of ℓp-Regularized Objectives Yield the
       Sparsest ReLU Neural Networks", arXiv:2505.21791, 2025.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_lpnet import LpReLURegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = LpReLURegressor(random_state=0).fit(X_train, y_train)
    >>> model.score(X_test, y_test) > 0.3
    True
    >>> model.n_nonzero_weights_ < 50
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **TrainingMixin._parameter_constraints,
        "loss": [StrOptions(REGRESSION.keys())],
        "time_limit": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        p: float = 0.5,
        alpha: float | str = "auto",
        n_neurons: int = 100,
        loss: str = "squared_error",
        solver: str = "auto",
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
        time_limit: float = 10.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        device: str = "cpu",
        dtype: str = "float32",
        quantile: float = 0.5,
        huber_delta: float = 1.35,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.p = p
        self.alpha = alpha
        self.n_neurons = n_neurons
        self.loss = loss
        self.solver = solver
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
        self.time_limit = time_limit
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.device = device
        self.dtype = dtype
        self.quantile = quantile
        self.huber_delta = huber_delta
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. A sparse matrix is made dense a batch of rows at a time.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, nonnegative. Integers are counts: a weight of 3 is the same as
            the sample three times. Of others only the ratios matter, and they are worth
            (Σ s)²/Σ s² samples.

        Returns
        -------
        self : LpReLURegressor
            The fitted estimator.
        """
        self._check_before_fit()
        self._fit(X, y, sample_weight)
        return self

    @available_if(trains_in_passes)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Make one pass over some samples, for data that arrive in parts.

        The first call fixes the standardization and, with ``alpha="auto"``, alpha: give it
        enough samples to represent the rest. Over the calls the penalty sets in after 100
        batches of 200 samples and is complete after 400. A call to `fit` forgets these passes,
        and a call to this method after `fit` starts anew.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Some of the training data.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Their weights, nonnegative. Only the ratios within a call matter, but for alpha="auto"
            on the first call, as in `fit`.

        Returns
        -------
        self : LpReLURegressor
            The fitted estimator.
        """
        self._check_before_fit()
        X, targets, weight = self._encoded(X, y, sample_weight, reset=not hasattr(self, "network_"))
        self._partial_fit(X, targets, weight)
        return self
