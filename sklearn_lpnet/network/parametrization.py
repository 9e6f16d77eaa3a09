"""What of a network is penalized, what is free, and what there is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from .network import Network

Skip: TypeAlias = Literal["none", "penalized", "free"]


class Tables(NamedTuple):
    """What holds for the parameters of the affine part and for those of each neuron.

    Each has a first row for the affine part, a second one for any neuron, a column for each
    feature, and a last one for intercept and bias.

    Attributes
    ----------
    priced : ndarray of shape (2, n_features + 1)
        Whether the parameter is penalized.
    allowed : ndarray of shape (2, n_features + 1)
        Whether there is such a parameter.
    removable : ndarray of shape (2, n_features + 1)
        Whether it counts only while it is not zero.
    """

    priced: npt.NDArray[np.bool_]
    allowed: npt.NDArray[np.bool_]
    removable: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Parametrization:
    """Which parameters a network has, and which of them cost something.

    *Weights* are the penalized parameters that are not zero: their number is the path norm for
    p = 0. *Parameters* are the weights and the free ones: the bias of each neuron unless biases
    are penalized, the intercept if there is one, and the nonzero entries of a free skip
    connection.

    Nothing outside of this module compares these attributes: solvers ask what follows from them.

    Attributes
    ----------
    penalize_bias : bool
        Whether biases are weights.
    fit_intercept : bool
        Whether there is an intercept, which is free.
    skip : {"none", "penalized", "free"}
        The affine skip connection.
    """

    penalize_bias: bool = False
    fit_intercept: bool = True
    skip: Skip = "penalized"

    @classmethod
    def asked_for(
        cls,
        skip_connection: bool | str,
        *,
        penalize_bias: bool,
        fit_intercept: bool,
        automatic: Skip,
        trains_affine_neuron: bool,
    ) -> tuple[Parametrization, bool]:
        """What an estimator's parameters ask for, and whether neurons replace the affine part.

        Parameters
        ----------
        skip_connection : {"auto", "penalized"} or bool
        penalize_bias, fit_intercept : bool
        automatic : {"none", "penalized", "free"}
            What ``skip_connection="auto"`` stands for; a penalized skip connection is an always-on
            neuron, so with penalized biases there is none in its place.
        trains_affine_neuron : bool
            Whether a network without skip connection is trained with a penalized one, which turns
            into neurons at the end. That takes a bias that costs nothing, and an intercept to take
            the bias back.
        """
        skip: Skip = "free" if skip_connection else "none"
        becomes_neuron = False
        if skip_connection == "penalized":
            skip = "penalized"
        elif skip_connection == "auto":
            skip = "none" if automatic == "penalized" and penalize_bias else automatic
        elif not skip_connection and trains_affine_neuron and fit_intercept and not penalize_bias:
            skip, becomes_neuron = "penalized", True
        return cls(bool(penalize_bias), bool(fit_intercept), skip), becomes_neuron

    def __str__(self) -> str:
        biases = "penalized biases" if self.penalize_bias else "free biases"
        intercept = "an intercept" if self.fit_intercept else "no intercept"
        article = {"none": "no", "penalized": "a penalized", "free": "a free"}[self.skip]
        return f"{biases}, {intercept} and {article} skip connection"

    @property
    def skip_connection(self) -> bool | str:
        """The skip connection as the parameter of an estimator asks for it."""
        return "penalized" if self.skip_is_penalized else self.has_skip

    @property
    def has_skip(self) -> bool:
        return self.skip != "none"

    @property
    def skip_is_free(self) -> bool:
        return self.skip == "free"

    @property
    def skip_is_penalized(self) -> bool:
        return self.skip == "penalized"

    @property
    def has_free_biases(self) -> bool:
        return not self.penalize_bias

    @property
    def allows_shift(self) -> bool:
        """Whether a shift of X changes no cost: each neuron's bias makes up for it freely."""
        return self.fit_intercept and not self.penalize_bias

    @property
    def folds_always_on(self) -> bool:
        """Whether there is an affine part to take neurons that are on for all data."""
        return self.fit_intercept and self.has_skip

    @property
    def turns_neurons(self) -> bool:
        """Whether the affine part takes a neuron's slope when it is turned round."""
        return self.allows_shift and self.has_skip

    @property
    def is_spline(self) -> bool:
        """Whether for one feature the cost is that of the slope changes alone."""
        return self.allows_shift and self.skip_is_free

    def penalized(self, theta: Any, bias: Any, skip_size: Any) -> list[Any]:
        """Of weights, biases and sizes of skip columns those that are penalized."""
        parts = [theta]
        if self.penalize_bias:
            parts.append(bias)
        if self.skip_is_penalized:
            parts.append(skip_size)
        return parts

    def tables(self, n_features: int) -> Tables:
        """What holds for each parameter of a network with one output."""
        priced = np.ones((2, n_features + 1), dtype=bool)
        priced[0, :-1], priced[0, -1] = self.skip_is_penalized, False
        priced[1, -1] = self.penalize_bias
        allowed = np.ones_like(priced)
        allowed[0, :-1], allowed[0, -1] = self.has_skip, self.fit_intercept
        removable = priced.copy()
        removable[0, :-1] = self.has_skip
        return Tables(priced, allowed, removable)

    def contributing(self, active: Any, bias: Any) -> Any:
        """Which neurons matter: without an intercept, those with nothing but a bias as well."""
        return active if self.fit_intercept else active | (bias > 0)

    def affine_columns(self, n_features: int) -> slice:
        """The columns of (x, 1) that an affine part without penalty reads."""
        start = 0 if self.skip_is_free else n_features
        return slice(start, n_features + int(self.fit_intercept))

    def with_parts_of(self, network: Network) -> Parametrization:
        """This, and besides what a network has: an intercept, a skip connection that is paid."""
        skip: Skip = "penalized" if network.skip.any() and not self.has_skip else self.skip
        return Parametrization(
            self.penalize_bias, self.fit_intercept or bool(network.intercept.any()), skip
        )

    def n_weights(self, network: Network) -> int:
        """Number of weights of a network."""
        return network.n_nonzero_weights(**self._penalties)

    def n_parameters(self, network: Network) -> int:
        """Number of parameters of a network."""
        return network.n_parameters(**self._penalties, fit_intercept=self.fit_intercept)

    def path_norm(self, network: Network, p: float) -> float:
        """Path norm of a network."""
        return network.path_norm(p, **self._penalties)

    def price(self, network: Network, value: Callable[[Any], Any]) -> float:
        """The same with another price in place of the power p."""
        return network.price(value, **self._penalties)

    @property
    def _penalties(self) -> dict[str, bool]:
        return {"penalize_bias": self.penalize_bias, "penalize_skip": not self.skip_is_free}

    @property
    def constants_are_free(self) -> bool:
        """Whether a constant costs no weight, as an intercept or as the bias of an idle neuron."""
        return self.fit_intercept or self.has_free_biases

    def fewest_parameters(self, n_points: int, n_features: int) -> int:
        r"""Fewest parameters of an interpolant, with probability one.

        On given activation patterns the outputs of the networks with P given parameters are a
        linear space of dimension P at most, and there are finitely many choices of patterns and
        parameters. So labels drawn from a density lie in none of these spaces for P < N. The
        bound is N, or the next number that the parameters of such a network can come to.
        """
        count = n_points
        while not self._comes_to(count, n_features):
            count += 1
        return count

    def fewest_weights(self, n_points: int, n_features: int) -> int:
        """Fewest weights of an interpolant, with probability one.

        An active neuron brings one free parameter, its bias, or none where biases are penalized,
        and a weight at least. Weights and free parameters together are N at least.
        """
        free = n_features if self.skip_is_free else 0
        missing = n_points - self.constants_are_free - free
        return max(0, missing if self.penalize_bias else (missing + 1) // 2)

    def fewest_weights_for_knots(self, n_knots: int) -> int:
        """Fewest weights of a network of one feature whose slope changes at `n_knots` points.

        A neuron changes the slope at one point, and at 0 if its bias is zero.
        """
        return max(0, 2 * n_knots - 1) if self.penalize_bias else n_knots

    def fewest_parameters_for_knots(self, n_knots: int) -> int:
        """Fewest parameters of such a network."""
        neurons = self.fewest_weights_for_knots(n_knots) if self.penalize_bias else 2 * n_knots
        return neurons + self.fit_intercept

    def _comes_to(self, count: int, n_features: int) -> bool:
        """Whether networks with `count` parameters exist."""
        rest = count - self.fit_intercept
        if self.penalize_bias or not self.fit_intercept or rest < 0:
            return rest >= 0
        # A neuron is a free bias and up to n_features weights.
        for in_skip in range(1 + (n_features if self.has_skip else 0)):
            in_neurons = rest - in_skip
            if in_neurons == 0 or (in_neurons >= 2 and (n_features > 1 or in_neurons % 2 == 0)):
                return True
        return False
