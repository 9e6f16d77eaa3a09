r"""Piecewise-linear fits of every size for one feature and the squared error.

A network of one feature is continuous and piecewise linear:

    f(x) = c + a x + Σ_k δ_k max(0, x − t_k)

Inner products of 1, x, hinges and steps, with each other and with y, are polynomials in the knots
whose coefficients are sums over the samples beyond a knot. So after one sort a fit, and the
gradient and the Gauss–Newton Hessian in coefficients and knots, cost O(k² + k log N) whatever the
number N of samples. That is cheap enough to look for the best knots directly: the best fit of each
size first, without penalty; then each of them followed along alpha.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dposv

from ...network.arrays import powers
from ...network.network import Network

FloatArray = npt.NDArray[np.float64]

#: Places that one more knot is tried at, and the most knots.
N_PLACES, MOST_KNOTS = 2000, 60
#: Knots are added until the BIC has not fallen for so many, and this share of those before.
PATIENCE, PATIENCE_SHARE = 4, 0.25
#: Rounds of taking away and adding, over all sizes.
N_SWEEPS = 2
#: Added to the diagonal of scaled Gram matrices.
RIDGE = 1e-12
#: Steps that move knots, their damping and its factors, and the share of the loss that ends them.
MOST_STEPS, DAMPING, EASE, STIFFEN, TRIES, CONVERGED = 12, 1e-3, 0.2, 10.0, 5, 1e-6
#: Hinges explained by the others to this share are no candidates.
COLLINEAR = 1e-7


@dataclass(frozen=True)
class PiecewiseLinear:
    """A continuous piecewise-linear function, and half its mean squared error.

    Attributes
    ----------
    knots : ndarray of shape (k,)
        Increasing.
    coefficients : ndarray of shape (k + 2,)
        Intercept, slope on the left, and slope changes.
    loss : float
    """

    knots: FloatArray
    coefficients: FloatArray
    loss: float

    @property
    def n_knots(self) -> int:
        return len(self.knots)

    def path_norm(self, p: float) -> float:
        """Sum of the slope changes to the power p."""
        return float(powers(self.coefficients[2:], p).sum())

    def __call__(self, x: FloatArray) -> FloatArray:
        hinges = np.maximum(np.subtract.outer(x, self.knots), 0)
        return self.coefficients[0] + self.coefficients[1] * x + hinges @ self.coefficients[2:]

    def to_network(self) -> Network:
        """The same function as a network, a neuron a knot, and the affine part apart."""
        change = self.coefficients[2:]
        size = np.abs(change)
        return Network(
            np.sign(change)[:, None],
            size[:, None],
            -size * self.knots,
            self.coefficients[:1].copy(),
            self.coefficients[1:2].reshape(1, 1).copy(),
        )


class Moments:
    """Sums over the samples beyond any place: what least squares needs to know of the data.

    Parameters
    ----------
    x, y, weight : ndarray of shape (n_rows,)
        The weights sum to one.
    n_samples : float or None
        The number of samples that the rows are worth, by default the number of rows.
    """

    def __init__(
        self, x: FloatArray, y: FloatArray, weight: FloatArray, n_samples: float | None = None
    ) -> None:
        self.n_samples = float(len(x)) if n_samples is None else n_samples
        order = np.argsort(x, kind="stable")
        self.x, y, weight = x[order], y[order], weight[order]
        weighted = weight * np.stack([np.ones_like(y), self.x, self.x**2, y, self.x * y])
        self.sums = np.zeros((5, len(y) + 1))
        self.sums[:, :-1] = np.cumsum(weighted[:, ::-1], axis=1)[:, ::-1]
        self.square = float(weight @ y**2)

    def beyond(self, places: FloatArray) -> FloatArray:
        """Sums of 1, x, x², y and x y over the samples to the right of each place."""
        return self.sums[:, np.searchsorted(self.x, places, side="right")]

    def hinges(self, t: FloatArray, u: FloatArray) -> FloatArray:
        """Inner products of the hinges at t with those at u."""
        t = t[:, None]
        one, x, xx, _, _ = self.beyond(np.maximum(t, u))
        return xx - (t + u) * x + t * u * one

    def normal_equations(self, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Gram matrix of 1, x and the hinges at t, and their products with y."""
        k = len(t)
        one, x, xx, y, xy = self.beyond(t)
        gram, right = np.empty((k + 2, k + 2)), np.empty(k + 2)
        total = self.sums[:, 0]
        gram[0, 0], gram[0, 1], gram[1, 1] = total[:3]
        gram[0, 2:], gram[1, 2:] = x - t * one, xx - t * x
        gram[2:, 2:] = self.hinges(t, t)
        gram[1:, 0], gram[2:, 1] = gram[0, 1:], gram[1, 2:]
        right[:2], right[2:] = total[3:], xy - t * y
        return gram, right

    def model(self, fit: PiecewiseLinear) -> tuple[FloatArray, FloatArray]:
        """Gradient and Gauss–Newton Hessian of the loss in coefficients and knots."""
        t, change = fit.knots, fit.coefficients[2:]
        k = len(t)
        one, x, _, y, _ = self.beyond(t)
        hessian, right = np.empty((2 * k + 2, 2 * k + 2)), np.empty(2 * k + 2)
        hessian[: k + 2, : k + 2], right[: k + 2] = self.normal_equations(t)
        step = np.empty((k + 2, k))
        beyond_both, x_beyond_both = self.beyond(np.maximum.outer(t, t))[:2]
        step[0], step[1], step[2:] = one, x, x_beyond_both - t[:, None] * beyond_both
        # The derivative by a knot is a step of minus the slope change.
        hessian[: k + 2, k + 2 :] = -step * change
        hessian[k + 2 :, : k + 2] = hessian[: k + 2, k + 2 :].T
        hessian[k + 2 :, k + 2 :] = beyond_both * np.multiply.outer(change, change)
        right[k + 2 :] = -change * y
        return hessian[:, : k + 2] @ fit.coefficients - right, hessian

    def fit_with(self, t: FloatArray, coefficients: FloatArray | None = None) -> PiecewiseLinear:
        """The function with these knots, by default the least squares fit."""
        gram, right = self.normal_equations(t)
        if coefficients is None:
            coefficients = _solved(gram, right)
        loss = self.square - coefficients @ (2 * right - gram @ coefficients)
        return PiecewiseLinear(t, coefficients, max(0.5 * float(loss), 0.0))


def best_fits(data: Moments, most_knots: int = MOST_KNOTS) -> list[PiecewiseLinear]:
    """The best least squares fit found with 0, 1, 2 and more knots.

    Knots are added one at a time where the loss falls most, and all knots moved after each. From
    the largest fit down the knots that matter least are taken away, and from the smallest up others
    are added again: each size keeps its best fit.
    """
    distinct = np.unique(data.x)
    places = distinct[1:-1]
    if len(places) > N_PLACES:
        places = places[np.linspace(0, len(places) - 1, N_PLACES).round().astype(int)]
    fits = [data.fit_with(np.empty(0))]
    criteria = [bic(data, fits[0])]
    # A knot and a slope change for each two samples would interpolate.
    while len(fits) <= min(most_knots, (len(distinct) - 3) // 2):
        best = int(np.argmin(criteria))
        if len(fits) - 1 - best > PATIENCE + PATIENCE_SHARE * best:
            break
        more = _with_one_more(data, fits[-1], places)
        if more is None:
            break
        fits.append(more)
        criteria.append(bic(data, more))
    for _ in range(N_SWEEPS):
        if not _swept(data, fits, places):
            break
    return fits


def followed(
    data: Moments, fits: Iterable[PiecewiseLinear], alpha: float, p: float
) -> list[PiecewiseLinear]:
    """The local minima of F that the fits lead to, the one of least F last.

    The fits are to be those of a smaller alpha, or best fits. F of a fit rises with alpha as fast
    as its path norm is large: one that is behind another in both will stay behind, and is left out.
    """
    return _undominated([penalized_fit(data, fit, alpha, p) for fit in fits], alpha, p)


def penalized_fit(data: Moments, start: PiecewiseLinear, alpha: float, p: float) -> PiecewiseLinear:
    """Newton steps from a fit to a local minimum of loss + alpha Σ|δ|^p; knots may vanish."""
    fit, damping = start, DAMPING
    for _ in range(MOST_STEPS):
        before = fit.loss + alpha * fit.path_norm(p)
        trial, damping = _newton_step(data, fit, alpha, p, damping)
        if trial is None:
            break
        fit = trial
        if before - (fit.loss + alpha * fit.path_norm(p)) <= CONVERGED * before:
            break
    return fit


def _newton_step(
    data: Moments, fit: PiecewiseLinear, alpha: float, p: float, damping: float
) -> tuple[PiecewiseLinear | None, float]:
    """The first damped step that lowers F, None if there is none, and the next damping."""
    k = fit.n_knots
    change = fit.coefficients[2:]
    bound = fit.loss + alpha * fit.path_norm(p)
    gradient, hessian = data.model(fit)
    size = np.abs(change)
    majorizer = np.zeros(2 * k + 2)
    with np.errstate(divide="ignore", over="ignore"):
        # Too much for a number where a slope change is almost zero: then there is no step.
        majorizer[2 : k + 2] = alpha * p * size ** (p - 2)
    if not np.all(np.isfinite(majorizer)):
        return None, damping
    gradient[2 : k + 2] += majorizer[2 : k + 2] * change
    scale = hessian.diagonal() + majorizer
    for _ in range(TRIES):
        system = hessian + np.diag((p - 1) * majorizer + damping * scale)
        step = _positive_definite_solved(system, -gradient)
        if step is not None:
            # Half of this is what the step promises, the rest a margin for the model's error.
            if -(gradient @ step) <= CONVERGED * bound:
                return None, damping
            coefficients = fit.coefficients + step[: k + 2]
            knots = np.clip(fit.knots + step[k + 2 :], data.x[0], data.x[-1])
            stays = coefficients[2:] * change > 0
            order = np.argsort(knots[stays])
            slopes = coefficients[2:][stays][order]
            trial = data.fit_with(knots[stays][order], np.append(coefficients[:2], slopes))
            if trial.loss + alpha * trial.path_norm(p) < bound:
                return trial, max(damping * EASE, 1e-9)
        damping *= STIFFEN
    return None, damping


def _swept(data: Moments, fits: list[PiecewiseLinear], places: FloatArray) -> bool:
    """One round of taking away from each size and adding to each; whether a fit was replaced."""
    replaced = False
    for k in range(len(fits) - 1, 0, -1):
        fewer = _with_one_less(data, fits[k])
        if fewer.loss < fits[k - 1].loss * (1 - CONVERGED):
            fits[k - 1], replaced = fewer, True
    for k in range(len(fits) - 1):
        more = _with_one_more(data, fits[k], places)
        if more is not None and more.loss < fits[k + 1].loss * (1 - CONVERGED):
            fits[k + 1], replaced = more, True
    return replaced


def _with_one_more(
    data: Moments, fit: PiecewiseLinear, places: FloatArray
) -> PiecewiseLinear | None:
    """One more knot where it lowers the loss most, then all of them moved."""
    gram, _ = data.normal_equations(fit.knots)
    one, x, xx, y, xy = data.beyond(places)
    cross = np.column_stack([x - places * one, xx - places * x, data.hinges(places, fit.knots)])
    total = xx - places * (2 * x - places * one)
    left = total - np.einsum("ij,ji->i", cross, _solved(gram, cross.T))
    slope = xy - places * y - cross @ fit.coefficients
    new = left > COLLINEAR * total
    gain = np.where(new, slope**2 / np.where(new, left, 1.0), 0.0)
    if len(gain) == 0 or not gain.max() > 0:
        return None
    knots = np.sort(np.append(fit.knots, places[gain.argmax()]))
    return _moved(data, data.fit_with(knots))


def _with_one_less(data: Moments, fit: PiecewiseLinear) -> PiecewiseLinear:
    """One knot less, the one that matters least, then all of them moved."""
    gram, _ = data.normal_equations(fit.knots)
    inverse = _solved(gram, np.eye(len(gram)))
    rise = fit.coefficients[2:] ** 2 / inverse.diagonal()[2:]
    return _moved(data, data.fit_with(np.delete(fit.knots, rise.argmin())))


def _moved(data: Moments, fit: PiecewiseLinear) -> PiecewiseLinear:
    """Move all knots by damped Gauss–Newton steps; the coefficients are solved for each time."""
    k, damping = fit.n_knots, DAMPING
    scale = np.zeros(2 * k + 2)
    for _ in range(MOST_STEPS if k else 0):
        before = fit.loss
        gradient, hessian = data.model(fit)
        scale[k + 2 :] = hessian.diagonal()[k + 2 :]
        for _ in range(TRIES):
            step = _solved(hessian + np.diag(damping * scale), -gradient)[k + 2 :]
            knots = np.sort(np.clip(fit.knots + step, data.x[0], data.x[-1]))
            trial = data.fit_with(knots)
            if trial.loss < fit.loss:
                fit, damping = trial, max(damping * EASE, 1e-9)
                break
            damping *= STIFFEN
        if before - fit.loss <= 1e2 * CONVERGED * before:
            break
    return fit


def bic(data: Moments, fit: PiecewiseLinear) -> float:
    """Bayesian information criterion of a fit, its knots counted as parameters."""
    n_parameters = 2 * fit.n_knots + 2
    loss = max(fit.loss, 1e-15 * data.square, np.finfo(np.float64).tiny)
    return data.n_samples * float(np.log(loss)) + np.log(data.n_samples) * n_parameters


def _undominated(fits: list[PiecewiseLinear], alpha: float, p: float) -> list[PiecewiseLinear]:
    """By decreasing F, those with less path norm than all that have a smaller F: the best last."""
    path_norms = [fit.path_norm(p) for fit in fits]
    objectives = [fit.loss + alpha * norm for fit, norm in zip(fits, path_norms, strict=True)]
    kept: list[PiecewiseLinear] = []
    least = np.inf
    for i in np.lexsort((path_norms, objectives)):
        if path_norms[i] < least:
            least = path_norms[i]
            kept.append(fits[i])
    return kept[::-1]


def _solved(gram: FloatArray, right: FloatArray) -> FloatArray:
    """Solution of the system, scaled to a unit diagonal, with a ridge against singularity."""
    size = np.sqrt(np.maximum(gram.diagonal(), np.finfo(np.float64).tiny))
    scaled = gram / np.multiply.outer(size, size)
    scaled[np.diag_indices_from(scaled)] += RIDGE
    shape = (-1,) + (1,) * (right.ndim - 1)
    # Too large a solution is no better than others: its loss is not finite either.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.linalg.solve(scaled, right / size.reshape(shape)) / size.reshape(shape)


def _positive_definite_solved(system: FloatArray, right: FloatArray) -> FloatArray | None:
    """Solution of the system; None if it is not positive definite."""
    size = np.sqrt(np.maximum(system.diagonal(), np.finfo(np.float64).tiny))
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = system / np.multiply.outer(size, size)
    scaled[np.diag_indices_from(scaled)] += RIDGE
    _, solution, info = dposv(scaled, right / size)
    return None if info else solution / size
