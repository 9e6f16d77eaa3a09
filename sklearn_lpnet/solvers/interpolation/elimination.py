"""Interpolants with fewer parameters: along curves of interpolants, from cell to cell."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import scipy.linalg

from ...network.arrays import powers
from .cells import BoolArray, FloatArray, IntArray, Patterned

#: Crossings of walls on the way to a zero before giving up.
MAX_CROSSINGS = 500
#: Rank-one updates before the factorization is made anew, and the least pivot of an update.
_MAX_UPDATES, _LEAST_PIVOT = 50, 1e-6
#: A direction shorter than this, in units of what it was to be, is none.
_NO_DIRECTION = 1e-7


def eliminate(
    network: Patterned, goal: int, deadline: float, *, max_candidates: int | None = None
) -> Patterned:
    """Take parameter after parameter away, until there are `goal` or none can go.

    Candidates, at most `max_candidates` for one to go, are tried in the order of the path norm
    that is to be expected without them.
    """
    while network.n_parameters > goal and time.perf_counter() < deadline:
        for candidate in _by_expected_norm(network)[:max_candidates]:
            fewer = _without(network, candidate, deadline)
            if fewer is not None or time.perf_counter() >= deadline:
                break
        else:
            return network
        if fewer is None:
            return network
        network = fewer
    return network


def perturb(network: Patterned, rng: np.random.Generator) -> Patterned:
    """An interpolant near by with some more parameters, from which other ones can go."""
    for _ in range(rng.integers(1, 4)):
        move = (_enter, _turn, _sprout)[rng.integers(3)]
        network = move(network, rng) or network
    return network


def _by_expected_norm(network: Patterned) -> list[int]:
    """Parameters that can move, by the path norm once they are zero were the pattern to last."""
    setting = network.setting
    row, column = network.coordinates
    scale = network.scales(row, column)
    jacobian = network.jacobian(row, column) * scale
    Q = scipy.linalg.qr(jacobian.T, mode="economic", check_finite=False)[0]
    projection = np.eye(len(row)) - Q @ Q.T
    n_rows = len(network.table)
    mobile = np.diag(projection) > 1e-8
    able = np.flatnonzero(mobile & setting.rows(setting.removable, n_rows)[row, column])
    if not len(able):
        return []
    value = network.table[row, column] / scale
    moves = projection[:, able] * (-value[able] / np.diag(projection)[able])
    after = np.abs(value[:, None] + moves) * scale[:, None]
    after[able, np.arange(len(able))] = 0.0
    expected = setting.rows(setting.price, n_rows)[row, column] @ powers(after, setting.p)
    return able[np.argsort(expected, kind="stable")].tolist()


def _without(network: Patterned, candidate: int, deadline: float) -> Patterned | None:
    """The network with one parameter fewer, most likely the candidate, or None."""
    curve = _Curve.at(network)
    if curve is None:
        return None
    arrived = curve.follow(candidate, deadline)
    if arrived is None:
        return None
    fewer = arrived.tidy().corrected()
    if fewer is None or fewer.n_parameters >= network.n_parameters:
        return None
    return fewer


class _Curve:
    r"""The interpolants around one, as far as its cell reaches, and then on into the next.

    With patterns fixed the outputs are linear, :math:`J z = y`, and the interpolants around a
    network of more parameters than samples are z plus the null space of J. An orthonormal basis
    of it and the pseudo-inverse of J are kept. To cross a wall, where a sample changes sides,
    changes a row of J, and to run along one adds a row: updates of rank one.
    """

    basis: FloatArray
    pseudo_inverse: FloatArray

    def __init__(self, network: Patterned, row: IntArray, column: IntArray) -> None:
        self.network, self.row, self.column = network, row, column
        setting = network.setting
        self.X1, self.on = setting.X1, network.on.copy()
        self.value = network.table[row, column].copy()
        self.scale = network.scales(row, column)
        self.removable = setting.rows(setting.removable, len(network.table))[row, column]
        self.members = [np.flatnonzero(row == k) for k in range(len(network.table))]
        self.inputs = self.X1 @ network.table.T
        self.walls: list[tuple[int, int]] = []

    @classmethod
    def at(cls, network: Patterned) -> _Curve | None:
        """The interpolants around this one, or None if it is alone or the data degenerate."""
        row, column = network.coordinates
        curve = cls(network, row, column)
        if len(row) <= network.setting.n_samples or not curve._factorize():
            return None
        return curve

    def follow(self, candidate: int, deadline: float) -> Patterned | None:
        """Move the candidate to zero; the network when some parameter has arrived there.

        Where the way on from a wall leads back to the cell before, the curve runs along the wall.
        None where so many walls meet that there is no way on, or no time.
        """
        crossed: list[tuple[int, int]] = []
        for _ in range(MAX_CROSSINGS):
            direction = self._direction(candidate)
            if direction is None or time.perf_counter() > deadline:
                return None
            step, zero, wall = self._next_event(direction)
            if not np.isfinite(step):
                return None
            self.value += step * direction
            self.inputs += step * self._input_changes(direction)
            if zero is not None:
                self.value[zero] = 0.0
                return self._arrived(zero)
            assert wall is not None
            self.inputs[wall] = 0.0
            if step * abs(direction[candidate]) > 1e-12 * abs(self.value[candidate]):
                crossed = []
            if not (self._run_along if wall in crossed else self._cross)(*wall):
                return None
            crossed.append(wall)
        return None

    def _direction(self, candidate: int) -> FloatArray | None:
        """The least move that takes the candidate to zero, or None if it cannot move."""
        wish = self.basis[candidate]
        if not self.basis.shape[1] or np.linalg.norm(wish) < _NO_DIRECTION:
            return None
        move = self.scale * (self.basis @ wish)
        return -move * self.value[candidate] / move[candidate]

    def _next_event(
        self, direction: FloatArray
    ) -> tuple[float, int | None, tuple[int, int] | None]:
        """The length of the step to the first zero or wall, and which it is."""
        changes = self._input_changes(direction)
        hits: BoolArray = np.where(self.on, changes < 0, changes > 0)
        hits[:, 0] = False
        for wall in self.walls:
            hits[wall] = False
        hit = np.flatnonzero(hits)
        to_wall = np.maximum(-self.inputs.ravel()[hit] / changes.ravel()[hit], 0.0)
        falling = np.flatnonzero(self.removable & (direction * self.value < 0))
        to_zero = -self.value[falling] / direction[falling]
        first_wall = to_wall.min(initial=np.inf)
        first_zero = to_zero.min(initial=np.inf)
        if first_zero <= first_wall:
            if not np.isfinite(first_zero):
                return np.inf, None, None
            return first_zero, int(falling[to_zero.argmin()]), None
        sample, neuron = divmod(int(hit[to_wall.argmin()]), self.on.shape[1])
        return first_wall, None, (sample, neuron)

    def _input_changes(self, direction: FloatArray) -> FloatArray:
        table = np.zeros_like(self.network.table)
        table[self.row, self.column] = direction
        return self.X1 @ table.T

    def _wall_normal(self, sample: int, neuron: int) -> FloatArray:
        """Derivative of a neuron's input by its scaled parameters."""
        members = self.members[neuron]
        return self.X1[sample, self.column[members]] * self.scale[members]

    def _cross(self, sample: int, neuron: int) -> bool:
        """Hand a sample to the other side; False where the equations become dependent."""
        was_on = self.on[sample, neuron]
        self.on[sample, neuron] = not was_on
        sign = self.network.sign[neuron] * (-1.0 if was_on else 1.0)
        change, members = sign * self._wall_normal(sample, neuron), self.members[neuron]
        by_row = change @ self.pseudo_inverse[members]
        pivot = 1.0 + by_row[sample]
        self.n_updates += 1
        if abs(pivot) < _LEAST_PIVOT or self.n_updates >= _MAX_UPDATES:
            return self._factorize()
        column = self.pseudo_inverse[:, sample] / pivot
        length = self._rotate(change @ self.basis[members])
        self.pseudo_inverse -= np.outer(column, by_row)
        if self.basis.shape[1]:
            # The others are orthogonal to the column.
            first = self.basis[:, 0] - length * column
            first /= np.linalg.norm(first)
            self.basis[:, 0] = first
            self.pseudo_inverse -= np.outer(first, first @ self.pseudo_inverse)
        return True

    def _run_along(self, sample: int, neuron: int) -> bool:
        """Stay on a wall; False where the equations become dependent."""
        normal, members = self._wall_normal(sample, neuron), self.members[neuron]
        length = self._rotate(normal @ self.basis[members])
        if abs(length) < _NO_DIRECTION * np.linalg.norm(normal):
            return False
        self.walls.append((sample, neuron))
        column = self.basis[:, 0] / length
        self.basis = self.basis[:, 1:]
        by_row = normal @ self.pseudo_inverse[members]
        self.pseudo_inverse -= np.outer(column, by_row)
        self.pseudo_inverse = np.column_stack([self.pseudo_inverse, column])
        return True

    def _rotate(self, components: FloatArray) -> float:
        """Rotate the basis so that only its first vector has a component; return that."""
        if not len(components):
            return 0.0
        length = -np.copysign(np.linalg.norm(components), components[0])
        mirror = components.copy()
        mirror[0] -= length
        square = mirror @ mirror
        if square > 0:
            self.basis -= np.outer(self.basis @ mirror, (2 / square) * mirror)
        return float(length)

    def _factorize(self) -> bool:
        """Compute basis and pseudo-inverse anew, and correct the values; False without rank."""
        n_samples = self.network.setting.n_samples
        jacobian = self.network.sign[self.row] * self.on[:, self.row] * self.X1[:, self.column]
        equations = np.zeros((n_samples + len(self.walls), len(self.row)))
        equations[:n_samples] = jacobian * self.scale
        for m, (sample, neuron) in enumerate(self.walls):
            members = self.members[neuron]
            equations[n_samples + m, members] = self._wall_normal(sample, neuron)
        n_equations = len(equations)
        if n_equations > len(self.row):
            return False
        Q, R = scipy.linalg.qr(equations.T, check_finite=False)
        R = R[:n_equations]
        pivot = np.abs(np.diag(R))
        if not pivot.min() > 1e-11 * pivot.max():
            return False
        left = scipy.linalg.solve_triangular(R, np.eye(n_equations), check_finite=False)
        self.pseudo_inverse = Q[:, :n_equations] @ left.T
        self.basis = Q[:, n_equations:]
        self.n_updates = 0
        missing = self.network.setting.y - jacobian @ self.value
        self.value += self.scale * (self.pseudo_inverse[:, :n_samples] @ missing)
        table = np.zeros_like(self.network.table)
        table[self.row, self.column] = self.value
        self.inputs = self.X1 @ table.T
        return True

    def _arrived(self, zero: int) -> Patterned:
        table, support = self.network.table.copy(), self.network.support.copy()
        table[self.row, self.column] = self.value
        support[self.row[zero], self.column[zero]] = False
        return replace(self.network, table=table, on=self.on, support=support)


def _enter(network: Patterned, rng: np.random.Generator) -> Patterned | None:
    """Give a neuron, or the affine part, a parameter that it has not."""
    allowed = network.setting.rows(network.setting.allowed, len(network.table))
    row, column = np.nonzero(allowed & ~network.support)
    if not len(row):
        return None
    i = rng.integers(len(row))
    table, support = network.table.copy(), network.support.copy()
    typical = np.median(np.abs(table[support]))
    table[row[i], column[i]] = 1e-3 * typical * rng.choice([-1.0, 1.0])
    support[row[i], column[i]] = True
    return replace(network, table=table, support=support).corrected()


def _turn(network: Patterned, rng: np.random.Generator) -> Patterned | None:
    """Turn a neuron round: :math:`a \\max(0, z) = a z + a \\max(0, -z)`."""
    if len(network.table) == 1 or not network.setting.allowed[0].all():
        return None
    k = rng.integers(1, len(network.table))
    table, on, support = network.table.copy(), network.on.copy(), network.support.copy()
    table[0] += network.sign[k] * table[k]
    support[0] |= support[k]
    table[k] *= -1
    on[:, k] = ~on[:, k]
    return replace(network, table=table, on=on, support=support)


def _sprout(network: Patterned, rng: np.random.Generator) -> Patterned | None:
    """Add a small neuron that reads one feature, with its kink between two samples."""
    setting = network.setting
    feature = rng.integers(setting.X1.shape[1] - 1)
    kink = setting.X1[rng.integers(setting.n_samples, size=2), feature].mean()
    neuron = np.zeros(setting.X1.shape[1])
    neuron[feature] = 1e-2 * np.median(np.abs(network.table[network.support]))
    neuron[feature] *= rng.choice([-1.0, 1.0])
    neuron[-1] = -neuron[feature] * kink
    grown = replace(
        network,
        sign=np.append(network.sign, rng.choice([-1.0, 1.0])),
        table=np.vstack([network.table, neuron]),
        on=np.column_stack([network.on, setting.X1 @ neuron > 0]),
        support=np.vstack([network.support, (neuron != 0) | ~setting.removable[1]]),
    )
    return grown.corrected()
