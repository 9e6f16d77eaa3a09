"""What each step of Algorithm 1 reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...problem.problem import Problem


@dataclass(frozen=True)
class Block:
    """Rows of a step: (x, 1), their transpose, the affine part's columns, y and weights (n, 1)."""

    rows: Tensor
    columns: Tensor
    affine_rows: Tensor
    y: Tensor
    weight: Tensor

    @classmethod
    def of(cls, problem: Problem, rows: Tensor, index: Tensor | slice) -> Block:
        """The rows of `index`, given themselves."""
        affine_rows = rows[:, problem.parametrization.affine_columns(problem.n_features)]
        return cls(rows, rows.T, affine_rows, problem.y[index], problem.weight[index, None])


class AdamBatches:
    """What each step reads: a mini-batch, or all rows in as few blocks as memory allows."""

    def __init__(
        self, problem: Problem, batch_size: int | None, generator: torch.Generator
    ) -> None:
        self.problem, self.generator = problem, generator
        n = problem.n_samples
        self.size = n if batch_size is None else min(batch_size, n)
        self.whole: list[Block] = []
        self.queue: list[Tensor] = []

    def next(self, width: int) -> Iterable[Block]:
        """The blocks of the next step, for `width` neurons."""
        if self.whole:
            return self.whole
        problem, n = self.problem, self.problem.n_samples
        if self.size == n:
            return self._all_rows(width)
        if not self.queue:
            order = torch.randperm(n, generator=self.generator).to(problem.device)
            self.queue = list(order.split(self.size))
        index = self.queue.pop()
        block = Block.of(problem, problem.rows.take(index), index)
        return [replace(block, weight=block.weight * (n / len(index)))]

    def _all_rows(self, width: int) -> Iterable[Block]:
        if not self.problem.fits_one_block(width):
            return all_blocks(self.problem, width)
        # Kept, since neurons only become fewer.
        self.whole = [Block.of(self.problem, self.problem.rows.all(), slice(None))]
        return self.whole


def all_blocks(problem: Problem, width: int) -> Iterator[Block]:
    """All rows, small blocks of them at a time."""
    for index, rows in problem.rows.blocks(width):
        yield Block.of(problem, rows, index)
