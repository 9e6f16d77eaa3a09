"""Activation patterns: which subsets of the data a neuron can be active on, enumerated exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = list[tuple[int, ...]]


def activation_patterns(X: npt.ArrayLike, *, bias: bool = True) -> npt.NDArray[np.bool_]:
    r"""Enumerate the activation patterns of a ReLU neuron on data.

    These are the vectors :math:`[w \cdot x_i + b > 0]_i` over all :math:`(w, b)` for which no
    :math:`w \cdot x_i + b` is zero. Each neuron whatsoever agrees with one of them on the data,
    but for samples on its hyperplane, where it is zero either way.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        A few finite points; the number of operations grows like ``n_samples ** (n_features + 1)``.
    bias : bool, default=True
        Whether neurons have a bias b. Without one, a sample at the origin counts as inactive.

    Returns
    -------
    ndarray of shape (n_patterns, n_samples)
        The patterns in lexicographic order; the first is all False, and with biases the last is
        all True.

    Notes
    -----
    A pattern is an open cone in the space of :math:`(w, b)`. On one of its extreme rays u the
    samples :math:`\tilde x_i = (x_i, 1)` with :math:`u \cdot \tilde x_i = 0` span a hyperplane, and
    the cone has there one of the sign patterns of these samples alone. So all patterns are found
    from the hyperplanes that the data span, and by recursion from the data within them. Floats
    are fractions, so the arithmetic is exact.

    Samples in general position have :math:`2 \sum_{i=0}^{d} \binom{N - 1}{i}` patterns with biases
    (Cover, 1965).

    Examples
    --------
    >>> from sklearn_lpnet.solvers.enumeration.patterns import activation_patterns
    >>> activation_patterns([[0.0], [1.0], [2.0]]).astype(int)
    array([[0, 0, 0],
           [0, 0, 1],
           [0, 1, 1],
           [1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    rows = _integer_rows(np.asarray(X, dtype=np.float64), bias)
    nonzero = [i for i, row in enumerate(rows) if any(row)]
    signs = _sign_patterns([rows[i] for i in nonzero])
    patterns = np.zeros((len(signs), len(rows)), dtype=bool)
    patterns[:, nonzero] = np.array(sorted(signs)).reshape(len(signs), len(nonzero)) > 0
    return patterns


def _integer_rows(X: np.ndarray, bias: bool) -> Rows:
    """Each row, with a 1 for the bias, times a positive number that makes it integer."""
    rows = []
    for values in X.tolist():
        exact = [Fraction(value) for value in [*values, 1.0][: None if bias else -1]]
        common = max(value.denominator for value in exact)  # they are powers of two
        rows.append(tuple(int(value * common) for value in exact))
    return rows


def _sign_patterns(rows: Rows) -> set[tuple[int, ...]]:
    """All vectors of the signs of ``row . u`` without a zero; no row may be zero."""
    columns = _independent_columns(rows)
    rows = [tuple(row[j] for j in columns) for row in rows]
    rank = len(columns)
    if rank == len(rows):
        return set(product((-1, 1), repeat=rank))
    if rank == 1:
        signs = tuple(_sign(row[0]) for row in rows)
        return {signs, tuple(-s for s in signs)}
    patterns: set[tuple[int, ...]] = set()
    done: set[tuple[int, ...]] = set()
    for chosen in combinations(rows, rank - 1):
        normal = _normal(chosen)
        signs = tuple(_sign(_dot(row, normal)) for row in rows)
        on = tuple(i for i, s in enumerate(signs) if s == 0)
        if not any(normal) or on in done:
            continue
        done.add(on)
        for inner in _sign_patterns([rows[i] for i in on]):
            for side in (-1, 1):
                pattern = [side * s for s in signs]
                for i, s in zip(on, inner, strict=True):
                    pattern[i] = s
                patterns.add(tuple(pattern))
    return patterns


def _independent_columns(rows: Rows) -> list[int]:
    """Indices of columns that are a basis of the column space, by Gaussian elimination."""
    rest = [[Fraction(value) for value in row] for row in rows]
    columns: list[int] = []
    for j in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rest if row[j]), None)
        if pivot is None:
            continue
        columns.append(j)
        rest.remove(pivot)
        rest = [_minus(row, row[j] / pivot[j], pivot) for row in rest]
    return columns


def _minus(row: list[Fraction], factor: Fraction, pivot: list[Fraction]) -> list[Fraction]:
    return [a - factor * b for a, b in zip(row, pivot, strict=True)] if factor else row


def _normal(rows: Sequence[tuple[int, ...]]) -> list[int]:
    """A vector orthogonal to n - 1 rows of length n: zero if and only if they are dependent."""
    return [
        (-1) ** j * _determinant([row[:j] + row[j + 1 :] for row in rows])
        for j in range(len(rows) + 1)
    ]


def _determinant(rows: Sequence[tuple[int, ...]]) -> int:
    if not rows:
        return 1
    first, *rest = rows
    return sum(
        (-1) ** j * value * _determinant([row[:j] + row[j + 1 :] for row in rest])
        for j, value in enumerate(first)
        if value
    )


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
