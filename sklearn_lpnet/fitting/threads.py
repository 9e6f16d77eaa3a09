"""How many threads PyTorch and the numerical libraries may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from threadpoolctl import ThreadpoolController

from ..problem.problem import Problem
from .settings import Settings

# Multiplications in a gradient step for each thread. With fewer, threads wait for each other,
# and where other processes keep the cores busy they wait long.
_WORK_PER_THREAD = 2**24


@contextmanager
def threads_for(settings: Settings, problem: Problem) -> Iterator[None]:
    """Let PyTorch use as many threads as the work of a gradient step is worth."""
    rows = settings.rows_a_step(problem.n_samples) or problem.n_samples
    inputs_and_outputs = problem.n_features + problem.n_outputs
    work = rows * settings.n_neurons * settings.n_init * inputs_and_outputs
    n_threads = torch.get_num_threads()
    torch.set_num_threads(min(n_threads, 1 + work // _WORK_PER_THREAD))
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@cache
def _thread_pools() -> ThreadpoolController:
    """The libraries that have threads of their own; to look for them takes milliseconds."""
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run on one thread, so that the last bit does not depend on how the work is spread."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _thread_pools().limit(limits=1):
            yield
    finally:
        torch.set_num_threads(n_threads)
