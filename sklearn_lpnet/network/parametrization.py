"""Which networks are compared when parameters are counted, and the fewest that they can do with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .network import Network

Skip: TypeAlias = Literal["none", "penalized", "free"]


@dataclass(frozen=True)
class Convention:
    """A class of networks with one output, and which of their parameters cost nothing.

    *Weights* are the penalized parameters that are not zero: their number is the path norm for
    p = 0. *Parameters* are the weights and the free ones: the bias of each neuron unless biases
    are penalized, the intercept if there is one, and the nonzero entries of a free skip
    connection.

    Attributes
    ----------
    penalize_bias : bool
        Whether biases are weights.
    fit_intercept : bool
        Whether there is an intercept, which is free.
    skip : {"none", "penalized", "free"}
        The affine skip connection.
    """

    penalize_bias: bool
    fit_intercept: bool
    skip: Skip

    def __str__(self) -> str:
        biases = "penalized biases" if self.penalize_bias else "free biases"
        intercept = "an intercept" if self.fit_intercept else "no intercept"
        article = {"none": "no", "penalized": "a penalized", "free": "a free"}[self.skip]
        return f"{biases}, {intercept} and {article} skip connection"

    def n_weights(self, network: Network) -> int:
        """Number of weights of a network."""
        return network.n_nonzero_weights(
            penalize_bias=self.penalize_bias, penalize_skip=self.skip != "free"
        )

    def n_parameters(self, network: Network) -> int:
        """Number of parameters of a network."""
        return network.n_parameters(
            penalize_bias=self.penalize_bias,
            penalize_skip=self.skip != "free",
            fit_intercept=self.fit_intercept,
        )

    def path_norm(self, network: Network, p: float) -> float:
        """Path norm of a network."""
        return network.path_norm(
            p, penalize_bias=self.penalize_bias, penalize_skip=self.skip != "free"
        )

    @property
    def constants_are_free(self) -> bool:
        """Whether a constant costs no weight, as an intercept or as the bias of an idle neuron."""
        return self.fit_intercept or not self.penalize_bias

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
        free = n_features if self.skip == "free" else 0
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
        for in_skip in range(1 + (0 if self.skip == "none" else n_features)):
            in_neurons = rest - in_skip
            if in_neurons == 0 or (in_neurons >= 2 and (n_features > 1 or in_neurons % 2 == 0)):
                return True
        return False
