"""The estimator for classification."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels

from ..losses.table import CLASSIFICATION
from .base import reweighted
from .classification import ClassificationMixin, columns_of
from .targets import LabelEncoding
from .training import TrainingMixin, trains_in_passes


def _classifies_in_passes(classifier: Any) -> bool:
    if classifier.class_weight == "balanced":
        raise AttributeError(
            "partial_fit is not available for class_weight='balanced', which takes the classes of "
            "all samples; give the weights as a dict."
        )
    return trains_in_passes(classifier)


class LpReLUClassifier(ClassificationMixin, TrainingMixin):
    r"""Sparse ReLU network for classification, regularized by the ℓp path norm.

    The network has one hidden layer,

    .. math::

        f(x) = \sum_k v_k \max(0, w_k \cdot x + b_k) + A x + c,

    and minimizes, over all of its weights,

    .. math::

        \frac{\sum_i s_i \, \ell(y_i, f(x_i))}{\sum_i s_i}
        + \alpha \sum_k \sum_j \left( \|v_k\|_2 |w_{kj}| \right)^p

    with sample weights :math:`s_i`. For p < 1 most of the weights end as exact zeros, so the
    fitted network is small and reads few of the features. There is one output for two classes,
    else one for each class, or for each label of a binary indicator matrix.

    Parameters
    ----------
    p : float, default=0.5
        Exponent of the path norm, 0 < p <= 1. The smaller, the sparser the network.

    alpha : float or "auto", default="auto"
        Strength of the penalty, positive. "auto" sets it from the data; `alpha_` holds the value.
        Then a network also gives way to the class shares if it is not significantly better than
        they are (see Notes).

    n_neurons : int, default=100
        Number of neurons before training, the most that the network can have.

    loss : {"log_loss", "hinge"}, default="log_loss"
        The loss :math:`\ell`. For several classes, "log_loss" is the cross-entropy of the softmax
        and "hinge" the multiclass hinge loss of Crammer and Singer; several labels add their
        binary losses. Probabilities are available for "log_loss".

    solver : {"auto", "proximal", "adam"}, default="auto"
        How the network is trained:

        - "proximal": a proximal form of Adam that minimizes the objective itself. "auto" is this.
        - "adam": Adam with a reweighted soft threshold after each step, the algorithm of [1]_.
          There alpha acts after Adam's normalization of the gradient, as weight decay does in
          AdamW, so it is not on the scale of the objective.

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
        - "auto": "penalized" for the solver "proximal" with free biases, else False.

        The solver "adam" knows True and False, where False is the network without one.

    standardize : bool, default=True
        Whether to train on standardized features. The network is then scaled back, which leaves
        its zeros. A change of units or a shift of X changes nothing, and alpha has one meaning
        for all data. With ``penalize_bias=True`` or ``fit_intercept=False`` features are scaled
        but not centred.

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
        smooth loss: "hinge" is left as trained.

    n_init : int, default=1
        Number of random starts, trained side by side. The network of the lowest objective wins.

    early_stopping : bool, default=False
        Whether to hold out validation data, of each class a share, to end training when the
        accuracy on them stops rising, and to keep the network of the best accuracy. It counts
        from when the solver has finished thinning out the network.

    validation_fraction : float, default=0.1
        Share of the distinct samples to hold out with ``early_stopping=True``.

    n_iter_no_change : int, default=10
        Number of entries of `history_` to wait for a better accuracy, by `tol` at least.

    warm_start : bool, default=False
        Whether `fit` goes on from the network of the previous fit. Neurons that it has lost do
        not come back, but a network without neurons starts anew.

    device : str, default="cpu"
        Where to train: "cpu", "cuda", "cuda:i" for GPU number i, or "auto" for a GPU where there
        is one. Predictions are made on the CPU.

    dtype : {"float32", "float64"}, default="float32"
        Precision of training.

    class_weight : dict, list of dict or "balanced", default=None
        Weights of the classes, which multiply those of the samples. "balanced" gives every class
        the same total weight. For several labels, a list has a dict for each, and factors
        multiply.

    random_state : int, RandomState instance or None, default=None
        Determines the weights before training, the order of batches, and the validation data.
        The order of the samples has no influence.

    verbose : int, default=0
        If positive, training prints a line for each entry of `history_`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted; for several labels, their numbers.

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
        Path norm of the network, in the units of X.

    objective_ : float
        The objective, in the units of training (see `standardize`).

    coefs_ : list of two ndarrays of shape (n_features, n_active) and (n_active, n_outputs)
        Input and output weights of the active neurons in balanced form: those of one neuron have
        the same Euclidean norm.

    intercepts_ : list of two ndarrays of shape (n_active,) and (n_outputs,)
        Biases of these neurons, and the intercept. The outputs, which `decision_function`
        returns, are ``np.maximum(X @ coefs_[0] + intercepts_[0], 0) @ coefs_[1] +
        X @ skip_coef_.T + intercepts_[1]``.

    skip_coef_ : ndarray of shape (n_outputs, n_features)
        The skip connection; zeros where there is none.

    feature_importances_ : ndarray of shape (n_features,)
        Share of each feature in the path norm for p = 1, in the units of training.

    network_ : Network
        The network in path coordinates, in the units of X.

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
    LpReLURegressor : The same network for regression.
    sklearn.neural_network.MLPClassifier : A dense network.
    sklearn.linear_model.LogisticRegression : Linear model, with an ℓ1 penalty where asked for.

    Notes
    -----
    With ``alpha="auto"``, the log loss, `polish`, an affine part and free biases, and at most 1000
    features, the network is compared with what noise would explain. A weight has to lower the loss
    by more than one regressor does for labels in random order in 97.5% of draws, and by more than
    the BIC asks for; a neuron by one weight more, for its knot is searched for. Where at this price
    nothing is better than the shares of the classes, they take the place of the network. With a
    given alpha the network is that of least objective found.

    From scikit-learn 1.9 on, `set_callbacks` takes callbacks of `sklearn.callback`, such as
    ``ProgressBar()`` and ``ScoringMonitor(scoring="accuracy")``. They follow `fit` step by step,
    a step being an entry of `history_`. One that returns True at the end of a step ends training
    there: the network is then the one so far, without `polish`, and no warning says that training
    has not converged.

    References
    ----------
    .. [1] J. Nakhleh and R. Nowak, "Global Minimizers of ℓp-Regularized Objectives Yield the
       Sparsest ReLU Neural Networks", arXiv:2505.21791, 2025.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_lpnet import LpReLUClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = LpReLUClassifier(random_state=0).fit(X_train, y_train)
    >>> model.score(X_test, y_test) > 0.9
    True
    >>> model.n_nonzero_weights_ < 100
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **TrainingMixin._parameter_constraints,
        "loss": [StrOptions(CLASSIFICATION.keys())],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        *,
        p: float = 0.5,
        alpha: float | str = "auto",
        n_neurons: int = 100,
        loss: str = "log_loss",
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
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        device: str = "cpu",
        dtype: str = "float32",
        class_weight: dict[Any, float] | list[dict[Any, float]] | str | None = None,
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
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.device = device
        self.dtype = dtype
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. A sparse matrix is made dense a batch of rows at a time.

        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Classes, or a binary indicator matrix with a column for each label.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, nonnegative. Integers are counts: a weight of 3 is the same as
            the sample three times. Of others only the ratios matter, and they are worth
            (Σ s)²/Σ s² samples.

        Returns
        -------
        self : LpReLUClassifier
            The fitted estimator.
        """
        self._check_before_fit()
        before = {
            name: vars(self)[name] for name in ("_encoding", "classes_") if name in vars(self)
        }
        try:
            self._fit(X, y, sample_weight)
        except BaseException:
            # A fit that fails leaves the network of the one before, and so its classes.
            self.__dict__.update(before)
            raise
        return self

    @available_if(_classifies_in_passes)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one pass over some samples, for data that arrive in parts.

        The first call fixes the standardization and, with ``alpha="auto"``, alpha: give it
        enough samples to represent the rest. Over the calls the penalty sets in after 100
        batches of 200 samples and is complete after 400. A call to `fit` forgets these passes,
        and a call to this method after `fit` starts anew.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Some of the training data.

        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Their classes, or a binary indicator matrix.

        classes : array-like of shape (n_classes,), default=None
            All classes that there may be; for a binary indicator matrix, ``range(n_labels)``.
            It has to be given at the first call.

        sample_weight : array-like of shape (n_samples,), default=None
            Their weights, nonnegative. Only the ratios within a call matter, but for alpha="auto"
            on the first call, as in `fit`.

        Returns
        -------
        self : LpReLUClassifier
            The fitted estimator.
        """
        self._check_before_fit()
        X, y, weight = self._validated(
            X, y, sample_weight, reset=not hasattr(self, "network_"), y_numeric=False
        )
        y = columns_of(y)
        if not hasattr(self, "_encoding") and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None:
            encoding = LabelEncoding.of(y, unique_labels(classes))
            if hasattr(self, "_encoding") and not encoding.same_as(self._encoding):
                raise ValueError(
                    f"classes={classes!r} is not the same as on the last call to partial_fit, "
                    f"{self.classes_.tolist()}."
                )
            self._encoding, self.classes_ = encoding, encoding.classes
        weight = reweighted(weight, self._encoding.class_weights(self.class_weight, y, weight))
        self._partial_fit(X, self._encoding.encode(y, signed=self._signed), weight)
        return self
