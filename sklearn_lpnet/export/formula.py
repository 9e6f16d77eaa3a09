"""A fitted network as a sum of terms, and how its numbers and names are written."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..estimators.inspection import feature_units_of, network_of
from ..network.arrays import FloatArray
from ..network.network import Network

#: A coefficient and what it multiplies: a feature, the text of a factor, or None for a constant.
Term = tuple[float, int | str | None]

#: Offsets in standard deviations up to which the digits asked for will do.
_USUAL_OFFSET = 15.0


class Notation(NamedTuple):
    """How numbers, names, products and ReLUs are written."""

    number: Callable[[float], str]
    names: list[str]
    product: str
    hinge: str

    def sum(self, terms: Sequence[Term], *, continues: bool = False) -> str:
        """The terms with their signs; a sum that continues another begins with a sign."""
        text = ""
        for coefficient, factor in terms:
            if text or continues:
                text += " - " if coefficient < 0 else " + "
            elif coefficient < 0:
                text += "-"
            text += self._product(abs(coefficient), factor)
        return text or self.number(0.0)

    def _product(self, size: float, factor: int | str | None) -> str:
        number = self.number(size)
        if factor is None:
            return number
        name = factor if isinstance(factor, str) else self.names[factor]
        return name if number == self.number(1.0) else f"{number}{self.product}{name}"


class Neuron(NamedTuple):
    """``gain * direction * max(0, sum of the terms)``; the size is its part of the path norm."""

    rank: int
    size: float
    direction: FloatArray
    gain: float
    terms: list[Term]

    def text(self, notation: Notation) -> str:
        return notation.hinge.replace("{}", notation.sum(self.terms))


class Formula(NamedTuple):
    """One output: affine terms, and neurons with their coefficients."""

    affine: list[Term]
    neurons: list[tuple[float, Neuron]]

    def hinges(self, notation: Notation) -> list[Term]:
        return [(coefficient, neuron.text(notation)) for coefficient, neuron in self.neurons]


def formulas_of(estimator: Any) -> list[Formula]:
    """The formula of each output, with its terms in the order of their importance."""
    network, units = network_of(estimator), feature_units_of(estimator)
    neurons = neurons_of(network, units)
    formulas = []
    for output, (intercept, skip) in enumerate(zip(network.intercept, network.skip, strict=True)):
        affine: list[Term] = [(float(intercept), None)] if intercept else []
        used = np.flatnonzero(skip)
        by_size = used[np.argsort(-np.abs(skip[used]) * units[used], kind="stable")]
        affine += [(float(skip[j]), int(j)) for j in by_size]
        shares = [neuron.size * abs(neuron.direction[output]) for neuron in neurons]
        largest_first = np.argsort(-np.array(shares), kind="stable")
        weights = [
            (neurons[k].gain * float(neurons[k].direction[output]), neurons[k])
            for k in largest_first
            if neurons[k].direction[output]
        ]
        formulas.append(Formula(affine, weights))
    return formulas


def neurons_of(network: Network, units: FloatArray) -> list[Neuron]:
    """The neurons, largest part of the path norm first."""
    size = np.abs(network.theta) @ units
    return [
        Neuron(rank, float(size[k]), network.direction[k], *_inside(network, units, k))
        for rank, k in enumerate(np.argsort(-size, kind="stable"))
    ]


def _inside(network: Network, units: FloatArray, k: int) -> tuple[float, list[Term]]:
    """Gain of a neuron, and the terms inside of its ReLU: the first is positive if one is."""
    theta, bias = network.theta[k], float(network.bias[k])
    read = np.flatnonzero(theta)
    gain = 1.0
    if len(read) == 1:
        # With its weight taken out, what is left shows the knot: x - 6.94.
        weight = abs(float(theta[read[0]]))
        if np.isfinite(bias / weight):
            gain = weight
    order = read[np.argsort(-np.abs(theta[read]) * units[read], kind="stable")]
    terms: list[Term] = [(float(theta[j]) / gain, int(j)) for j in order]
    if bias:
        terms.append((bias / gain, None))
    terms.sort(key=lambda term: term[0] < 0)
    return gain, terms


def sufficient_digits(estimator: Any, digits: int | None) -> int | None:
    """As many more digits as offsets of features take that are large beside their spread."""
    if digits is not None and not (isinstance(digits, int | np.integer) and digits >= 1):
        raise ValueError(f"digits must be a positive integer or None, got {digits!r}.")
    ratios = getattr(estimator, "_offset_ratios", None)
    used = network_of(estimator).used_features
    if digits is None or ratios is None or not len(used):
        return digits
    ratio = float(np.max(ratios[used]))
    return digits if ratio <= _USUAL_OFFSET else digits + int(np.ceil(np.log10(ratio)))


def decimal(digits: int | None) -> Callable[[float], str]:
    """Write numbers with so many significant digits, or all of them."""

    def write(value: float) -> str:
        if digits is None:
            return repr(float(value))
        text = format(value, f".{digits}g")
        return format(value, ".0f") if "e+" in text and value < 1e15 else text

    return write


def scientific(decimal: Callable[[float], str]) -> Callable[[float], str]:
    """The same in LaTeX, with powers of ten."""
    return lambda value: re.sub(r"e\+?(-?)0*(\d+)", r" \\cdot 10^{\1\2}", decimal(value))


def c_literal(dtype: str) -> Callable[[float], str]:
    """Write numbers as literals of C that are read back as they are."""

    def write(value: float) -> str:
        if dtype == "double":
            return repr(float(value))
        limits = np.finfo(np.float32)
        if value and not float(limits.tiny) <= value <= float(limits.max):
            raise ValueError(f"{value!r} is beyond the range of float; use dtype='double'.")
        text = format(np.float32(value), ".9g")
        return f"{text}f" if re.search("[.e]", text) else f"{text}.0f"

    return write


def identifiers(names: list[str]) -> list[str]:
    """Distinct names of Python; names that are some already stay as they are."""
    taken = {"max", "y", "decision"}
    made: dict[int, str] = {}
    candidates = [_identifier(name) for name in names]
    # Stable: first the names that need no change.
    for j in sorted(range(len(names)), key=lambda j: candidates[j] != names[j]):
        candidate = candidates[j]
        while candidate in taken or keyword.iskeyword(candidate):
            candidate += "_"
        taken.add(candidate)
        made[j] = candidate
    return [made[j] for j in range(len(names))]


def _identifier(name: str) -> str:
    name = unicodedata.normalize("NFKC", name)
    parts = "".join(sign if f"_{sign}".isidentifier() else " " for sign in name).split()
    name = "_".join(parts)
    return name if name.isidentifier() else f"_{name}"


def mathrm(name: str) -> str:
    special = {"\\": r"\backslash ", "^": r"\wedge ", "~": r"\sim ", "-": r"\text{-}", " ": r"\ "}
    escaped = "".join(
        special.get(sign, f"\\{sign}" if sign in "_%&#${}" else sign) for sign in name
    )
    return rf"\mathrm{{{escaped}}}"
