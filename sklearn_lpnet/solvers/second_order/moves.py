"""Moves that no gradient makes: turn a neuron round, merge two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ...penalties.base import Penalty
from ...problem.problem import Problem
from ...problem.rows import BLOCK_ENTRIES
from .insertion import neuron_insertions, weight_insertions
from .point import Point, preactivations

#: Hyperplanes whose cosine exceeds this are tried as one, so many of them; networks of up to so
#: many neurons are turned.
NEARLY_EQUAL, MOST_MERGES, MOST_TURNS = 0.9, 12, 100
#: Neurons that are tried without.
MOST_REMOVALS = 3
#: Neurons that are tried as a line, where they have a price of their own.
MOST_STRAIGHTENED = 5
#: A sum smaller than this share of its terms may well be zero.
NEARLY_ZERO = 0.15
#: A move has to lower F by this share.
WORTHWHILE = 1e-3

#: Takes the point that a move leads to further, to come below a bound; None ends the search.
Settle = Callable[[Point, float], Point | None]


def first_better(problem: Problem, point: Point, settle: Settle) -> Point | None:
    """The first move that, once settled, lowers F; None if none does."""
    bound = point.objective * (1 - WORTHWHILE)
    for candidate in _candidates(problem, point):
        settled = settle(candidate, bound)
        if settled is None:
            return None
        if settled.objective < bound:
            return settled
    return None


def _candidates(problem: Problem, point: Point) -> Iterator[Point]:
    may_turn = problem.parametrization.turns_neurons
    if may_turn:
        yield from _turns(problem, point)
    yield from _merges(problem, point, may_turn)
    yield from _removals(point)
    if may_turn and problem.penalty.neuron_price:
        yield from _straightened(problem, point)
    yield from weight_insertions(problem, point)
    yield from neuron_insertions(problem, point)


def _turns(problem: Problem, point: Point) -> Iterator[Point]:
    """a max(0, z) = a z + a max(0, −z), where that makes the affine part cheaper."""
    cheapest = reoriented(problem, point)
    if cheapest is not point:
        yield cheapest


def _merges(problem: Problem, point: Point, may_turn: bool) -> Iterator[Point]:
    """Pairs of neurons whose hyperplanes nearly agree up to sign: all that oppose, then each."""
    ray = torch.column_stack([point.theta, point.bias])
    side = torch.where(preactivations(problem, point) > 0, 1.0, -1.0)
    agreement = _extreme(_cosine(ray), _cosine(side.T)).tril(diagonal=-1)
    if may_turn:
        yield from _joint_merge(problem, point, agreement)
    nearness = agreement.abs() if may_turn else agreement
    for pair in nearness.flatten().argsort(descending=True).tolist()[:MOST_MERGES]:
        k, other = divmod(pair, point.n_neurons)
        if nearness[k, other] < NEARLY_EQUAL:
            return
        if agreement[k, other] < 0:
            yield reoriented(problem, merged(turned(point, k), k, other))
        else:
            yield merged(point, k, other)


def _joint_merge(problem: Problem, point: Point, agreement: Tensor) -> Iterator[Point]:
    """All pairs that look in opposite ways merged at once.

    One merge alone leaves a slope in the affine part, which several together may cancel.
    """
    pairs: list[tuple[int, int]] = []
    free = set(range(point.n_neurons))
    for pair in agreement.flatten().argsort().tolist():
        other, k = divmod(pair, point.n_neurons)
        if agreement[other, k] > -NEARLY_EQUAL:
            break
        if k in free and other in free:
            free -= {k, other}
            pairs.append((k, other))
    if len(pairs) < 2:
        return
    # From the back, so that the places of the others stay as they are.
    for k, other in sorted(pairs, key=lambda pair: -pair[1]):
        point = merged(turned(point, k), k, other)
    yield reoriented(problem, point)


def _removals(point: Point) -> Iterator[Point]:
    """One neuron less, the smallest first: what the quadratic model may see too darkly."""
    size = point.theta.norm(dim=1)
    for k in size.argsort().tolist()[:MOST_REMOVALS]:
        yield _kept(point, torch.arange(point.n_neurons, device=size.device) != k)


def _straightened(problem: Problem, point: Point) -> Iterator[Point]:
    """One neuron's weights in the affine part instead, those first whose bend matters least.

    The line is the least squares fit of a neuron on its own argument.
    """
    z, weight = preactivations(problem, point), problem.weight[:, None]
    hidden = z.relu()
    mean_z, mean_hidden = (weight * z).sum(dim=0), (weight * hidden).sum(dim=0)
    variance = (weight * (z - mean_z).square()).sum(dim=0).clamp(min=1e-300)
    slope = (weight * (z - mean_z) * hidden).sum(dim=0) / variance
    line = mean_hidden + slope * (z - mean_z)
    bend = (weight * (hidden - line).square()).sum(dim=0)
    for k in bend.argsort().tolist()[:MOST_STRAIGHTENED]:
        direction, constant = point.direction[k], mean_hidden[k] - slope[k] * mean_z[k]
        yield replace(
            _kept(point, torch.arange(point.n_neurons, device=z.device) != k),
            skip=point.skip + slope[k] * torch.outer(direction, point.theta[k]),
            intercept=point.intercept + direction * (constant + slope[k] * point.bias[k]),
        )


def reoriented(problem: Problem, point: Point) -> Point:
    """The same function with neurons turned, one or two at a time, to make the affine part cheap.

    Entries of A that are small beside the terms that they are sums of are taken for zeros.
    """
    penalty = problem.penalty
    if not problem.parametrization.skip_is_penalized or not 0 < point.n_neurons <= MOST_TURNS:
        return point
    for _ in range(point.n_neurons):
        cost, k, other, skip = _cheapest_turn(point, penalty)
        if cost >= float(_column_cost(point.skip, penalty)) * (1 - 1e-9):
            break
        for index in {k, other}:
            point = turned(point, index)
        point = replace(point, skip=skip)
    return point


def _cheapest_turn(point: Point, penalty: Penalty) -> tuple[float, int, int, Tensor]:
    """Cost of the cheapest affine part, the one or two neurons to turn for it, and the part.

    Pairs of neurons have an affine part each: where it is large, some of the pairs at a time.
    """
    change = point.direction[:, :, None] * point.theta[:, None, :]
    other = (1 - torch.eye(len(change), device=change.device))[:, :, None, None]
    step = max(1, BLOCK_ENTRIES // change.numel())
    best = (float("inf"), 0, 0, point.skip)
    for low in range(0, len(change), step):
        first = change[low : low + step, None]
        both = first + change * other[low : low + step]
        size = torch.maximum(first.abs(), change.abs()).maximum(point.skip.abs())
        after = point.skip + both
        after = torch.where(after.abs() < NEARLY_ZERO * size, 0.0, after)
        cost = _column_cost(after, penalty)
        row, column = divmod(int(cost.argmin()), len(change))
        if float(cost[row, column]) < best[0]:
            best = (float(cost[row, column]), low + row, column, after[row, column])
    return best


def _column_cost(skip: Tensor, penalty: Penalty) -> Tensor:
    total: Tensor = penalty.value(skip.norm(dim=-2)).sum(dim=-1)
    return total


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
    if problem.parametrization.folds_always_on:
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
