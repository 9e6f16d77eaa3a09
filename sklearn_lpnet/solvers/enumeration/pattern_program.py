"""The mixed-integer program for sparsest interpolants over given activation patterns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp

from ...network.network import Network
from ...network.parametrization import Parametrization

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

#: Columns smaller than this are rounding errors.
_NEGLIGIBLE = 1e-10
#: In place of a switch, for columns that are always free.
_FREE = -1


@dataclass(frozen=True, eq=False)
class PatternProgram:
    r"""Continuous columns u, binary switches z, and what ties them.

    .. math::

        \min \text{cost} \cdot z \quad \text{s.t.} \quad \text{outputs}\, u = y, \quad
        \text{cone}\, u \ge 0, \quad |u_j| \le \text{limit}_j z_{\text{switch}_j}

    The columns are :math:`(\theta, \beta)` of one neuron after the other, the affine map, and the
    intercept.

    Attributes
    ----------
    X : ndarray of shape (n_points, n_features)
    y : ndarray of shape (n_points,)
        Data in units in which they are about 1.
    sign : ndarray of shape (n_neurons,)
        Output directions of the neurons: 1 and -1 for one pattern after the other.
    free_biases : bool
        Whether biases do not count as weights.
    has_affine, affine_is_neuron, has_intercept : bool
        Whether there is an affine map, whether it is a neuron that is on for all data rather than
        a skip connection, and whether there is an intercept.
    outputs : ndarray of shape (n_points, n_columns)
        What a unit of each column adds to the outputs.
    cone : sparse matrix of shape (n_inequalities, n_columns)
        Nonnegative if the neurons have their patterns.
    switch : ndarray of shape (n_columns,)
        Number of the switch that must be on for the column not to be zero; -1 for none.
    limit : ndarray of shape (n_columns,)
        Bounds on the columns.
    cost : ndarray of shape (n_switches,)
        What each switch adds to the count: 0 or 1.
    constant : int
        What counts anyway.
    implied : ndarray of shape (n_implications, 2)
        Pairs of switches of which the first needs the second.
    neurons : ndarray of shape (n_neuron_switches,)
        The switches of whole neurons, where there are any.
    max_neurons : int or None
        How many of these may be on.
    """

    X: FloatArray
    y: FloatArray
    sign: FloatArray
    free_biases: bool
    has_affine: bool
    affine_is_neuron: bool
    has_intercept: bool
    outputs: FloatArray
    cone: Any
    switch: IndexArray
    limit: FloatArray
    cost: IndexArray
    constant: int
    implied: IndexArray
    neurons: IndexArray
    max_neurons: int | None

    @classmethod
    def of(
        cls,
        X: FloatArray,
        y: FloatArray,
        patterns: BoolArray,
        *,
        parametrization: Parametrization,
        count: str,
        limit: float,
        max_neurons: int | None,
    ) -> PatternProgram:
        """The program over all neurons with these patterns.

        Parameters
        ----------
        X, y : ndarray of shape (n_points, n_features) and (n_points,)
            Data in units in which they are about 1.
        patterns : ndarray of shape (n_patterns, n_points)
            As :func:`~sklearn_lpnet.solvers.enumeration.patterns.activation_patterns` returns them.
        parametrization : Parametrization
            What is penalized and what is free.
        count : {"weights", "parameters"}
            What is minimized.
        limit : float
            Bound on the weights of neurons, and on the affine map if it counts.
        max_neurons : int or None
            Most neurons.
        """
        free_biases = parametrization.has_free_biases
        affine_is_neuron = parametrization.allows_shift and not parametrization.has_skip
        has_affine = affine_is_neuron or parametrization.has_skip
        columns = _Columns(
            X,
            limit,
            free_biases=free_biases,
            neuron_cost=int(count == "parameters" and free_biases),
            switch_neurons=max_neurons is not None or (count == "parameters" and free_biases),
        )
        keep = patterns.any(axis=1)
        if parametrization.fit_intercept and has_affine:
            # Neurons that are on for all data are the affine part.
            keep &= ~patterns.all(axis=1)
            if parametrization.skip_is_free and count == "weights":
                # To turn a neuron round costs nothing.
                keep &= patterns[:, 0]
        sign = []
        for pattern in patterns[keep]:
            # One neuron of each sign is enough (Lemma 4.1).
            for direction in (1.0, -1.0):
                columns.add_neuron(pattern, direction)
                sign.append(direction)
        if has_affine:
            counted = not parametrization.skip_is_free or count == "parameters"
            columns.add_affine(counted=counted, as_neuron=affine_is_neuron)
        if parametrization.fit_intercept:
            columns.add_free(np.ones((len(X), 1)))
        return cls(
            X=X,
            y=y,
            sign=np.array(sign),
            free_biases=free_biases,
            has_affine=has_affine,
            affine_is_neuron=affine_is_neuron,
            has_intercept=parametrization.fit_intercept,
            outputs=np.hstack([np.zeros((len(X), 0)), *columns.outputs]),
            cone=columns.cone(),
            switch=np.array(columns.switch, dtype=np.intp),
            limit=np.array(columns.limit),
            cost=np.array(columns.cost, dtype=np.intp),
            constant=int(count == "parameters" and parametrization.fit_intercept),
            implied=np.array(columns.implied, dtype=np.intp).reshape(-1, 2),
            neurons=np.array(columns.neurons, dtype=np.intp),
            max_neurons=max_neurons,
        )

    @property
    def counted(self) -> BoolArray:
        """Mask of the columns that cost something."""
        return self.switch != _FREE

    def usable(self, on: BoolArray) -> BoolArray:
        """Mask of the columns that need no switch but those that are `on`."""
        return np.append(on, True)[self.switch]

    def solve(self, least: int, cuts: list[IndexArray], time_limit: float) -> OptimizeResult:
        """Run HiGHS for a count of `least` or more, with a switch on among those of each cut.

        Its variables are the switches and then the columns.
        """
        n_switches, n_columns = len(self.cost), len(self.switch)
        width = n_switches + n_columns
        blank = sparse.csr_array((len(self.y), n_switches))
        constraints = [
            LinearConstraint(sparse.hstack([blank, self.outputs], format="csr"), self.y, self.y)
        ]

        def require(rows: Any, lower: Any, upper: Any) -> None:
            if rows.shape[0]:
                constraints.append(LinearConstraint(sparse.csr_array(rows), lower, upper))

        require(
            sparse.hstack([sparse.csr_array((self.cone.shape[0], n_switches)), self.cone]),
            0,
            np.inf,
        )
        tied = np.flatnonzero(self.counted)
        for side in (1.0, -1.0):
            row = np.arange(len(tied))
            at = np.append(self.switch[tied], n_switches + tied)
            value = np.append(self.limit[tied], np.full(len(tied), side))
            require(
                sparse.csr_array((value, (np.tile(row, 2), at)), shape=(len(tied), width)),
                0,
                np.inf,
            )
        implied = np.zeros((len(self.implied), width))
        implied[np.arange(len(implied)), self.implied[:, 0]] = -1
        implied[np.arange(len(implied)), self.implied[:, 1]] = 1
        require(implied, 0, np.inf)
        if self.max_neurons is not None:
            neurons = np.zeros((1, width))
            neurons[0, self.neurons] = 1
            require(neurons, 0, self.max_neurons)
        objective = np.append(self.cost, np.zeros(n_columns))
        require(objective[None], least - self.constant, np.inf)
        excluded = np.zeros((len(cuts), width))
        for row_of_cut, cut in zip(excluded, cuts, strict=True):
            row_of_cut[cut] = 1
        require(excluded, 1, np.inf)
        limit = np.append(np.ones(n_switches), self.limit)
        return milp(
            objective,
            integrality=np.append(np.ones(n_switches), np.zeros(n_columns)),
            bounds=Bounds(np.append(np.zeros(n_switches), -self.limit), limit),
            constraints=constraints,
            options={"time_limit": time_limit},
        )

    def least_l1(self, weight: FloatArray, usable: BoolArray) -> tuple[FloatArray | None, bool]:
        """Interpolant of least weighted ℓ1 norm on some of the columns.

        None if there is none or none was found, and whether it is sure that there is none.
        """
        columns = np.flatnonzero(usable)
        outputs, cone = self.outputs[:, columns], self.cone[:, columns]
        cone = cone[np.diff(cone.indptr) > 0]
        solution = linprog(
            np.tile(weight[columns], 2),
            A_ub=sparse.hstack([-cone, cone], format="csr"),
            b_ub=np.zeros(cone.shape[0]),
            A_eq=np.hstack([outputs, -outputs]),
            b_eq=self.y,
            bounds=np.column_stack([np.zeros(2 * len(columns)), np.tile(self.limit[columns], 2)]),
            method="highs-ds",
            options={
                "primal_feasibility_tolerance": 1e-10,
                "dual_feasibility_tolerance": 1e-10,
            },
        )
        if solution.x is None:
            return None, solution.status == 2
        u = np.zeros(len(self.switch))
        u[columns] = solution.x[: len(columns)] - solution.x[len(columns) :]
        u[np.abs(u) < _NEGLIGIBLE] = 0
        support = np.flatnonzero(u)
        for _ in range(2):
            miss = self.y - self.outputs @ u
            u[support] += np.linalg.lstsq(self.outputs[:, support], miss, rcond=None)[0]
        return u, False

    def network(self, u: FloatArray) -> Network:
        """The network with the columns u."""
        n_neurons, n_features = len(self.sign), self.X.shape[1]
        neurons, rest = np.split(u, [n_neurons * (n_features + 1)])
        ray = neurons.reshape(n_neurons, n_features + 1)
        used = ray[:, :-1].any(axis=1) | (ray[:, -1] > 0)
        network = Network(
            direction=self.sign[used, None],
            theta=ray[used, :-1],
            bias=ray[used, -1],
            intercept=rest[-1:] if self.has_intercept else np.zeros(1),
            skip=(rest[:n_features] if self.has_affine else np.zeros(n_features))[None],
        )
        if self.affine_is_neuron:
            network = network.skip_as_neurons(self.X.min(axis=0), self.X.max(axis=0))
        return network


@dataclass(eq=False)
class _Columns:
    """The columns and switches so far."""

    X: FloatArray
    weight_limit: float
    free_biases: bool
    neuron_cost: int
    switch_neurons: bool
    outputs: list[FloatArray] = field(default_factory=list)
    sides: list[FloatArray] = field(default_factory=list)
    switch: list[int] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    cost: list[int] = field(default_factory=list)
    implied: list[tuple[int, int]] = field(default_factory=list)
    neurons: list[int] = field(default_factory=list)

    def add_neuron(self, pattern: BoolArray, direction: float) -> None:
        inputs = np.column_stack([self.X, np.ones(len(self.X))])
        self.outputs.append(np.where(pattern[:, None], direction * inputs, 0.0))
        self.sides.append(np.where(pattern[:, None], inputs, -inputs))
        theta = self._add_weights(self.X.shape[1], self.weight_limit)
        bias_limit = (self.X.shape[1] + 1) * self.weight_limit
        if not self.free_biases:
            self._switch_neuron(theta + self._add_weights(1, bias_limit))
        elif self.switch_neurons and pattern.all():
            self.switch.append(self._switch_neuron(theta))
            self.limit.append(bias_limit)
        else:
            # On other patterns there is no bias without weights.
            self._switch_neuron(theta)
            self.switch.append(_FREE)
            self.limit.append(np.inf)

    def add_affine(self, *, counted: bool, as_neuron: bool) -> None:
        if not counted:
            self.add_free(self.X)
            return
        self.outputs.append(self.X)
        weights = self._add_weights(self.X.shape[1], self.weight_limit)
        if as_neuron:
            self._switch_neuron(weights)

    def add_free(self, outputs: FloatArray) -> None:
        self.outputs.append(outputs)
        self.switch += [_FREE] * outputs.shape[1]
        self.limit += [np.inf] * outputs.shape[1]

    def cone(self) -> Any:
        blocks = [sparse.csr_array(side) for side in self.sides]
        missing = len(self.switch) - sum(block.shape[1] for block in blocks)
        blocks.append(sparse.csr_array((0, missing)))
        return sparse.csr_array(sparse.block_diag(blocks, format="csr"))

    def _add_weights(self, number: int, limit: float) -> list[int]:
        new = list(range(len(self.cost), len(self.cost) + number))
        self.cost += [1] * number
        self.switch += new
        self.limit += [limit] * number
        return new

    def _switch_neuron(self, weights: list[int]) -> int:
        """Add the switch of a whole neuron, where one is called for."""
        if not self.switch_neurons:
            return _FREE
        neuron = len(self.cost)
        self.cost.append(self.neuron_cost)
        self.neurons.append(neuron)
        self.implied += [(weight, neuron) for weight in weights]
        return neuron
