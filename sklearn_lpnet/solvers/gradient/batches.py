"""The rows of each step."""

from __future__ import annotations

import torch
from torch import Tensor

from ...problem.problem import Problem


class Batches:
    """Rows, labels and weights of each step.

    Mini-batches are consecutive rows from a random offset: the rows come in an order
    that does not depend on their values (`merge_rows`), and a slice costs no copy.
    """

    def __init__(
        self, problem: Problem, batch_size: int | None, generator: torch.Generator
    ) -> None:
        self.problem, self.generator = problem, generator
        n = problem.n_samples
        self.size = n if batch_size is None else min(batch_size, n)
        self.full = self.size == n
        if self.full:
            self.whole = (problem.rows.all(), problem.y, problem.weight[:, None])
        self.position = n

    def next(self) -> tuple[Tensor, Tensor, Tensor]:
        if self.full:
            return self.whole
        n = self.problem.n_samples
        if self.position + self.size > n:
            spare = n % self.size
            self.position = int(torch.randint(spare + 1, (1,), generator=self.generator))
        rows = slice(self.position, self.position + self.size)
        self.position += self.size
        weight = self.problem.weight[rows, None] * (n / self.size)
        return self.problem.rows.take(rows), self.problem.y[rows], weight
