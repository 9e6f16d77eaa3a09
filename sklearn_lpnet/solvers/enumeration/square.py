"""Interpolants with as many parameters as points, by enumeration of square linear systems."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, islice, product
from math import comb, prod

import numpy as np
import numpy.typing as npt

from .pattern_program import PatternProgram

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]

#: Systems beyond which a way to share out the parameters is left out.
_MAX_SYSTEMS = 500_000
#: Systems that are solved at once.
_CHUNK = 8192
#: Determinants below this count as zero, and inequalities may be missed by this share.
_SINGULAR, _SLACK = 1e-10, 1e-11


def square_interpolants(program: PatternProgram, deadline: float) -> Iterator[FloatArray]:
    """Find interpolants with as many parameters as there are points.

    Patterns and supports with N parameters in all determine the parameters, by N linear
    equations. What is left to check is that each neuron has its pattern; its sign follows. For
    labels in general position no interpolant has fewer parameters.

    Parameters
    ----------
    program : PatternProgram
        All neurons.
    deadline : float
        When to give up, on the clock of :func:`time.monotonic`.

    Yields
    ------
    ndarray of shape (n_columns,)
        Columns of the program: one interpolant at most for each way to share out N parameters
        among neurons. Ways with too many systems are left out.
    """
    parts = _parts(program)
    n_free = len(program.y) - program.has_intercept
    ways = [
        sizes
        for number in range(n_free + 1)
        for sizes in combinations_with_replacement(sorted(parts), number)
        if sum(sizes) == n_free
    ]
    n_systems = {
        sizes: prod(comb(len(parts[size]), sizes.count(size)) for size in set(sizes))
        for sizes in ways
    }
    for sizes in sorted(ways, key=n_systems.__getitem__):
        if n_systems[sizes] <= _MAX_SYSTEMS:
            yield from islice(_solutions(program, parts, sizes, deadline), 1)


@dataclass(frozen=True, eq=False)
class _Part:
    """Some columns of one neuron, or one of the skip connection.

    Attributes
    ----------
    columns, opposite : ndarray of shape (n_parameters,)
        Columns of the neuron with the sign 1, and of that with the sign -1.
    cone : ndarray of shape (n_points, n_parameters)
        Zero for the skip connection.
    """

    columns: IndexArray
    opposite: IndexArray
    cone: FloatArray


def _parts(program: PatternProgram) -> dict[int, list[_Part]]:
    """What interpolants are put together from, by numbers of parameters."""
    n_points, n_features = program.X.shape
    width = n_features + 1
    cone = program.cone.toarray()
    parts: dict[int, list[_Part]] = {}
    for k in np.flatnonzero(program.sign > 0):
        sides = cone[k * n_points : (k + 1) * n_points]
        for inside in _supports(n_features, program.free_biases):
            # Without weights only an always-on neuron has a bias.
            if inside != (n_features,) or np.all(sides[:, k * width + n_features] > 0):
                columns = k * width + np.array(inside)
                part = _Part(columns, columns + width, sides[:, columns])
                parts.setdefault(len(inside), []).append(part)
    if program.has_affine and not program.affine_is_neuron:
        for j in range(n_features):
            column = np.array([len(program.sign) * width + j])
            parts.setdefault(1, []).append(_Part(column, column, np.zeros((n_points, 1))))
    return parts


def _supports(n_features: int, free_biases: bool) -> list[tuple[int, ...]]:
    """Which of the parameters of a neuron may be nonzero; the last is the bias."""
    supports = [
        support
        for number in range(1, n_features + 2)
        for support in combinations(range(n_features + 1), number)
    ]
    return [support for support in supports if not free_biases or support[-1] == n_features]


def _solutions(
    program: PatternProgram,
    parts: dict[int, list[_Part]],
    sizes: tuple[int, ...],
    deadline: float,
) -> Iterator[FloatArray]:
    """The interpolants with parts of these sizes."""
    outputs = {
        size: np.stack([program.outputs[:, part.columns] for part in parts[size]])
        for size in set(sizes)
    }
    cones = {size: np.stack([part.cone for part in parts[size]]) for size in set(sizes)}
    choices = product(
        *(combinations(range(len(parts[n])), sizes.count(n)) for n in sorted(set(sizes)))
    )
    ones = np.ones((1, len(program.y), int(program.has_intercept)))
    end = np.cumsum(sizes)
    while time.monotonic() < deadline and (chunk := list(islice(choices, _CHUNK))):
        chosen = np.array([[i for group in choice for i in group] for choice in chunk], dtype=int)
        chosen = chosen.reshape(len(chunk), len(sizes))
        system = np.concatenate(
            [outputs[n][chosen[:, j]] for j, n in enumerate(sizes)]
            + [np.repeat(ones, len(chunk), axis=0)],
            axis=2,
        )
        regular = np.abs(np.linalg.det(system)) > _SINGULAR
        chosen, system = chosen[regular], system[regular]
        u = np.linalg.solve(system, np.tile(program.y[:, None], (len(chosen), 1, 1)))[..., 0]
        slack = _SLACK * (1 + np.abs(u).max(axis=1, keepdims=True))
        fits, flipped = np.ones(len(chosen), dtype=bool), []
        for j, n in enumerate(sizes):
            side = np.einsum("spn,sn->sp", cones[n][chosen[:, j]], u[:, end[j] - n : end[j]])
            positive = np.all(side >= -slack, axis=1)
            fits &= positive | np.all(side <= slack, axis=1)
            flipped.append(~positive)
        for s in np.flatnonzero(fits):
            solution = np.zeros(len(program.switch))
            if program.has_intercept:
                solution[-1] = u[s, -1]
            for j, n in enumerate(sizes):
                part, values = parts[n][chosen[s, j]], u[s, end[j] - n : end[j]]
                columns = part.opposite if flipped[j][s] else part.columns
                solution[columns] = -values if flipped[j][s] else values
            yield solution
