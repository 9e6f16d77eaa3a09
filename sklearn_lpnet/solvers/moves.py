"""Moves that no gradient makes: turn a neuron round, merge two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ..problem import Problem
from .insertion import neuron_insertions, weight_insertions
from .quadratic import Point, preactivations

#: Hyperplanes whose cosine exceeds this are tried as one.
NEARLY_EQUAL, MOST_MERGES, MOST_TURNS = 0.9, 12, 8
#: A sum smaller than this share of its terms may well be zero.
NEARLY_ZERO = 0.15

#: Takes the point that a move leads to further; None ends the search.
Settle = Callable[[Point], Point | None]


def first_better(problem: Problem, point: Point, settle: Settle) -> Point | None:
    """The first move that, once settled, lowers F; None if none does."""
    for candidate in _candidates(problem, point):
        settled = settle(candidate)
        if settled is None:
            return None
        if settled.objective < point.objective * (1 - 1e-6):
            return settled
    return None


def _candidates(problem: Problem, point: Point) -> Iterator[Point]:
    may_turn = problem.skip != "none" and problem.fit_intercept and not problem.penalize_bias
    if may_turn:
        yield from _turns(problem, point)
    yield from _merges(problem, point, may_turn)
    yield from weight_insertions(problem, point)
    yield from neuron_insertions(problem, point)


def _turns(problem: Problem, point: Point) -> Iterator[Point]:
    """a max(0, z) = a z + a max(0, −z), where that makes the affine part cheaper."""
    if problem.skip != "penalized" or point.n_neurons == 0:
        return
    change = point.direction[:, :, None] * point.theta[:, None, :]
    after = point.skip + change
    size = torch.maximum(point.skip.expand_as(change).abs(), change.abs())
    after = torch.where(after.abs() < NEARLY_ZERO * size, 0.0, after)
    cost = _column_cost(after, problem.penalty.p) - _column_cost(point.skip, problem.penalty.p)
    for k in cost.argsort().tolist()[:MOST_TURNS]:
        if cost[k] < 0:
            yield turned(point, k)


def _column_cost(skip: Tensor, p: float) -> Tensor:
    size = skip.norm(dim=-2)
    return torch.where(size > 0, size.pow(p), 0.0).sum(dim=-1)


def _merges(problem: Problem, point: Point, may_turn: bool) -> Iterator[Point]:
    """Pairs of neurons whose hyperplanes nearly agree up to sign, nearest first."""
    ray = torch.column_stack([point.theta, point.bias])
    side = torch.where(preactivations(problem, point) > 0, 1.0, -1.0)
    agreement = _extreme(_cosine(ray), _cosine(side.T))
    nearness = (agreement.abs() if may_turn else agreement).tril(diagonal=-1)
    for pair in nearness.flatten().argsort(descending=True).tolist()[:MOST_MERGES]:
        k, other = divmod(pair, point.n_neurons)
        if nearness[k, other] < NEARLY_EQUAL:
            return
        first = turned(point, k) if agreement[k, other] < 0 else point
        yield merged(first, k, other)


def _cosine(rows: Tensor) -> Tensor:
    rows = rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-300)
    return rows @ rows.T


def _extreme(a: Tensor, b: Tensor) -> Tensor:
    """Of two numbers the one that is further from zero."""
    return torch.where(a.abs() >= b.abs(), a, b)


def turned(point: Point, k: int) -> Point:
    """The same function with neuron k turned round."""
    theta, bias = point.theta.clone(), point.bias.clone()
    theta[k], bias[k] = -theta[k], -bias[k]
    return replace(
        point,
        theta=theta,
        bias=bias,
        skip=point.skip + torch.outer(point.direction[k], point.theta[k]),
        intercept=point.intercept + point.direction[k] * point.bias[k],
    )


def merged(point: Point, k: int, other: int) -> Point:
    """Neuron k takes over neuron `other`: the best rank-one form of the sum of their a θᵀ."""
    pair = torch.tensor([k, other], device=point.bias.device)
    rays = torch.column_stack([point.theta, point.bias])
    total = point.direction[pair].T @ rays[pair]
    left, value, right = torch.linalg.svd(total, full_matrices=False)
    ray, direction = right[0] * value[0], left[:, 0]
    if ray @ rays[k] < 0:
        ray, direction = -ray, -direction
    used = (point.theta[pair] != 0).any(dim=0)
    theta, bias, directions = point.theta.clone(), point.bias.clone(), point.direction.clone()
    theta[k], bias[k], directions[k] = torch.where(used, ray[:-1], 0.0), ray[-1], direction
    both = replace(point, theta=theta, bias=bias, direction=directions)
    return _kept(both, torch.arange(point.n_neurons, device=pair.device) != other)


def simplified(problem: Problem, point: Point) -> Point:
    """The same fit with no more neurons than there are directions and activation patterns.

    Neurons that are off for every row go; those that are on for every row fold into the
    affine part where there is one; those of one direction and one pattern become one, by
    adding up. The path norm never rises (Lemma 4.1).
    """
    if point.n_neurons == 0:
        return point
    on = preactivations(problem, point) > 0
    point = _kept(point, on.any(dim=0))
    on = on[:, on.any(dim=0)]
    if problem.skip != "none" and problem.fit_intercept:
        point, on = _always_on_folded(point, on)
    key = torch.cat([on.T.to(point.bias.dtype), point.direction], dim=1)
    kinds, member = key.unique(dim=0, return_inverse=True)
    if len(kinds) == point.n_neurons:
        return point
    total = point.theta.new_zeros(len(kinds), problem.n_features + 1)
    total.index_add_(0, member, torch.column_stack([point.theta, point.bias]))
    direction = kinds[:, len(on) :]
    return replace(point, theta=total[:, :-1], bias=total[:, -1], direction=direction)


def _always_on_folded(point: Point, on: Tensor) -> tuple[Point, Tensor]:
    always = on.all(dim=0)
    if not bool(always.any()):
        return point, on
    direction = point.direction[always]
    folded = replace(
        _kept(point, ~always),
        skip=point.skip + direction.T @ point.theta[always],
        intercept=point.intercept + direction.T @ point.bias[always],
    )
    return folded, on[:, ~always]


def _kept(point: Point, keep: Tensor) -> Point:
    return replace(
        point, theta=point.theta[keep], bias=point.bias[keep], direction=point.direction[keep]
    )
