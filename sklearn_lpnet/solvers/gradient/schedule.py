"""Learning rate and smoothing over the iterations of proximal Adam."""

from __future__ import annotations

from dataclasses import dataclass

from .stack import Phase

EPS_START, EPS_END = 0.1, 1e-4
#: Shares of the iterations: without penalty, and while ε falls; the rest is for the final ε.
WARM, ANNEAL = 0.05, 0.85
#: Batches over all passes of `proximal_partial`: the penalty sets in after the first number of
#: them, and ε is at its end after the second.
PASSES_WARM, PASSES_SETTLED = 100, 400


@dataclass(frozen=True)
class Schedule:
    """Learning rate and ε over the iterations."""

    n_iter: int
    rate: float
    n_warm: int
    n_anneal: int
    eps_start: float

    @classmethod
    def cold(cls, n_iter: int, rate: float) -> Schedule:
        return cls(n_iter, rate, round(WARM * n_iter), round(ANNEAL * n_iter), EPS_START)

    @classmethod
    def warm(cls, n_iter: int, rate: float) -> Schedule:
        return cls(n_iter, rate, 0, round(ANNEAL * n_iter), 0.1 * EPS_START)

    @classmethod
    def passes(cls, rate: float) -> Schedule:
        n_anneal = PASSES_SETTLED - PASSES_WARM
        return cls(PASSES_SETTLED, rate, PASSES_WARM, n_anneal, EPS_START)

    @property
    def settled_from(self) -> int:
        """First iteration at the final ε."""
        return self.n_warm + self.n_anneal

    def at(self, iteration: int) -> Phase:
        if iteration < self.n_warm:
            return Phase(self.rate, None)
        if iteration < self.settled_from:
            share = (iteration - self.n_warm) / self.n_anneal
            eps = self.eps_start * (EPS_END / self.eps_start) ** share
            return Phase(self.rate * min(1.0, 0.1 + 1.8 * (1 - share)), eps)
        share = (iteration - self.settled_from) / max(1, self.n_iter - self.settled_from)
        return Phase(self.rate * (0.1 * (1 - share) + 0.003), EPS_END)
