"""Moves that no gradient makes: turn a neuron round, merge two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ..problem import Problem
from .insertion import neuron_insertions, weight_insertions
from .quadratic import Point

#: Hyperplanes whose cosine exceeds this are tried as one.
NEARLY_EQUAL, MOST_MERGES, MOST_TURNS = 0.9, 12, 8
#: A sum smaller than this share of its terms may well be zero.
NEARLY_ZERO = 0.15

Settle = Callable[[Problem, Point], Point]


def first_better(problem: Problem, point: Point, settle: Settle) -> Point | None:
    """The first move that, once settled, lowers F; None if none does."""
    for candidate in _candidates(problem, point):
        settled = settle(problem, candidate)
        if settled.objective < point.objective * (1 - 1e-6):
            return settled
    return None


def _candidates(problem: Problem, point: Point) -> Iterator[Point]:
    may_turn = problem.skip != "none" and problem.fit_intercept and not problem.penalize_bias
    if may_turn:
        yield from _turns(problem, point)
    yield from _merges(point, may_turn)
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


def _merges(point: Point, may_turn: bool) -> Iterator[Point]:
    """Pairs of neurons whose hyperplanes nearly agree up to sign, nearest first."""
    ray = torch.column_stack([point.theta, point.bias])
    ray = ray / ray.norm(dim=1, keepdim=True).clamp(min=1e-300)
    cosine = ray @ ray.T
    nearness = (cosine.abs() if may_turn else cosine).tril(diagonal=-1)
    for pair in nearness.flatten().argsort(descending=True).tolist()[:MOST_MERGES]:
        k, other = divmod(pair, point.n_neurons)
        if nearness[k, other] < NEARLY_EQUAL:
            return
        first = turned(point, k) if cosine[k, other] < 0 else point
        yield merged(first, k, other)


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
    keep = torch.arange(point.n_neurons, device=pair.device) != other
    return replace(point, theta=theta[keep], bias=bias[keep], direction=directions[keep])
