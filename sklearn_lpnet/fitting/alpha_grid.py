"""The alphas that a path steps through."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

#: From one alpha of the walk to the next, from those up to this multiple of the least one.
DENSE_FACTOR, DENSE_UP_TO = 1.9, 20.0
#: From one alpha of the walk to the next beyond it, where a single weight is a large step.
FACTOR, MOST_STEPS = 1.7, 100


def _factor(multiple: float) -> float:
    """From an alpha of the walk, a multiple of the least one, to the next."""
    return DENSE_FACTOR if multiple < DENSE_UP_TO else FACTOR


def steps_from(lowest: float) -> Iterator[float]:
    """From the least alpha up, without end but for `MOST_STEPS`."""
    at = lowest
    for _ in range(MOST_STEPS):
        yield at
        at *= _factor(at / lowest)


def steps_through(alphas: np.ndarray) -> Iterator[float]:
    """From the first of the alphas to the last: past close ones, by stages to distant ones."""
    lowest, last = float(alphas[0]), float(alphas[-1])
    at = lowest
    yield at
    while at < last:
        ahead, factor = float(alphas[alphas > at][0]), _factor(at / lowest)
        if ahead <= at * factor:
            at = min(at * factor, last)
        else:
            at *= (ahead / at) ** (1 / np.ceil(np.log(ahead / at) / np.log(factor)))
            at = ahead if at * (1 + 1e-9) >= ahead else at
        yield at
