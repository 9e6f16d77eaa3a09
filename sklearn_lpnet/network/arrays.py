"""Powers, norms and comparisons of rows, safe from overflow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[Any]


def powers(values: FloatArray, p: float) -> FloatArray:
    """Powers ``|values|**p`` in float64, with ``0**0 = 0``."""
    size = np.abs(values).astype(np.float64)
    return np.where(size > 0, size**p, 0.0)


def row_norms(rows: FloatArray) -> FloatArray:
    """Euclidean norm of each row in float64; squares of tiny or huge entries do no harm."""
    largest = np.abs(rows).max(axis=1, initial=0.0).astype(np.float64)
    unit = rows / np.where(largest > 0, largest, 1.0)[:, None]
    return largest * np.sqrt(np.square(unit).sum(axis=1))


def first_equal_row(rows: FloatArray, rtol: float) -> npt.NDArray[np.intp]:
    """For each row the first one that it equals, entry by entry to a relative tolerance."""
    # Equal rows have equal signs, which leaves few pairs of rows to compare.
    same_signs: dict[bytes, list[int]] = {}
    for k, signs in enumerate(np.sign(rows).astype(np.int8)):
        same_signs.setdefault(signs.tobytes(), []).append(k)
    first = np.arange(len(rows))
    for members in same_signs.values():
        rest = np.array(members)
        while len(rest):
            leader = rows[rest[0]]
            equal = (np.abs(rows[rest] - leader) <= rtol * np.abs(leader)).all(axis=1)
            first[rest[equal]] = rest[0]
            rest = rest[~equal]
    return first
