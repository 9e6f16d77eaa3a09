"""Networks of one feature, from the best knots instead of random weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ...losses.regression import SquaredError
from ...network.network import Network
from ...penalties.lp import LpPenalty
from ...problem.problem import Problem
from .knots import Moments, PiecewiseLinear, best_fits, bic, followed

#: Alphas to choose from by the BIC, as multiples of what a weight is worth there.
CHOICES = np.geomspace(0.05, 300.0, 30)
#: The loss that exact fits are taken to have.
SMALLEST_LOSS = 1e-6


def refuses(problem: Problem) -> str | None:
    """They are for splines with free knots, the squared error, and the ℓp path norm."""
    if problem.n_features > 1 or problem.n_outputs > 1 or not problem.parametrization.turns_neurons:
        return "Best knots are for one feature, one output, and an affine part that takes slopes."
    if not (isinstance(problem.loss, SquaredError) and isinstance(problem.penalty, LpPenalty)):
        return f"Best knots are for the squared error and ℓp, not {problem.loss, problem.penalty}."
    return None


class BestKnots:
    """The best piecewise-linear fits of every size, ready to be followed along alpha.

    They minimise F with the affine part free. Where it is penalised they are good starts.

    Parameters
    ----------
    problem : Problem
        One that is not refused; its alpha is not used.
    """

    def __init__(self, problem: Problem) -> None:
        columns = (problem.rows.take(slice(None))[:, 0], problem.y[:, 0], problem.weight)
        x, y, weight = (column.cpu().numpy().astype(np.float64) for column in columns)
        self.data = Moments(x, y, weight / weight.sum(), problem.n_effective)
        self.fits = best_fits(self.data)
        assert isinstance(problem.penalty, LpPenalty)
        self.p = float(problem.penalty.p)

    def network(self, alpha: float) -> Network:
        """The network of least F at an alpha, the affine part being free."""
        return next(self.networks([alpha]))

    def networks(self, alphas: Iterable[float]) -> Iterator[Network]:
        """Those of increasing alphas, each found from the ones before."""
        return (fit.to_network() for fit in self._along(alphas))

    def automatic_alpha(self) -> float:
        """The alpha whose network has the least BIC."""
        n = self.data.n_samples
        best = min(self.fits, key=lambda fit: bic(self.data, fit))
        alphas = max(best.loss, SMALLEST_LOSS) * np.log(n) / n * CHOICES
        criteria = [bic(self.data, fit) for fit in self._along(alphas)]
        return float(alphas[int(np.argmin(criteria))])

    def _along(self, alphas: Iterable[float]) -> Iterator[PiecewiseLinear]:
        fits = self.fits
        for alpha in alphas:
            fits = followed(self.data, fits, float(alpha), self.p)
            yield fits[-1]
