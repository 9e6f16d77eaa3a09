"""Equal rows become one, in an order that does not depend on their values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

Matrix: TypeAlias = "np.ndarray | TakenRows | sp.csr_array"


class TakenRows:
    """The rows of an array without repetitions, in an order of their own, gathered when read.

    Attributes
    ----------
    X : ndarray of shape (n, d)
    index : ndarray of int
    shape : tuple of int
    """

    def __init__(self, X: np.ndarray, index: np.ndarray) -> None:
        self.X, self.index = X, index
        self.shape = (len(index), X.shape[1])

    def __getitem__(self, key: Any) -> np.ndarray:
        rows, *columns = key if isinstance(key, tuple) else (key,)
        return self.X[(self.index[rows], *columns)]


def stored(X: Matrix) -> np.ndarray | sp.csr_array:
    """The rows as they are stored, for what depends neither on their order nor on repetitions."""
    return X.X if isinstance(X, TakenRows) else X


def merge_rows(
    X: np.ndarray | sp.csr_array, y: np.ndarray, weight: np.ndarray
) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """Equal rows (x, y) become one with their weights added, in an order of their own.

    The order is a fixed shuffle of the lexicographic one. So a fit does not depend on the
    order of the rows, nor on their units; a weight of 3 is the same, to the last bit, as
    the row three times; and the first n rows are a sample of all. Rows of weight zero go.
    """
    if not np.all(weight > 0):
        keep = np.flatnonzero(weight > 0)
        X, y, weight = X[keep], y[keep], weight[keep]
    order, first = _lexicographic_order(itertools.chain(_columns(X), y.T), len(y))
    head = order[first]
    total = np.bincount(np.cumsum(first) - 1, weights=weight[order])
    shuffle = np.random.default_rng(0).permutation(len(head))
    head = head[shuffle]
    rows = X[head] if sp.issparse(X) else TakenRows(X, head)
    return rows, y[head], total[shuffle]


def _columns(X: Any) -> Iterator[np.ndarray]:
    """The columns of an array or a CSR matrix, one at a time."""
    if not sp.issparse(X):
        yield from X.T
        return
    by_column = X.tocsc()
    for j in range(X.shape[1]):
        yield by_column[:, [j]].toarray().ravel()


def _lexicographic_order(columns: Iterable[np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows in order, and which of them differ from the one before.

    A column is looked at only for the rows that the columns before it have not told apart.
    """
    order = np.arange(n)
    first = order == 0
    for column in columns:
        last = np.append(first[1:], True)
        tied = np.flatnonzero(~(first & last))
        if len(tied) == 0:
            break
        group = np.cumsum(first)[tied]
        value = column[order[tied]]
        rank = np.lexsort((value, group))
        value, order[tied] = value[rank], order[tied[rank]]
        first[tied[1:]] |= value[1:] != value[:-1]
    return order, first
