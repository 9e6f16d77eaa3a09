"""What looks at training at its reporting steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from ..network.network import Network
from ..problem.problem import Problem
from ..problem.progress import Monitor, Progress, Report
from .early_stopping import EarlyStopping
from .outcome import Trained
from .results import or_constant, progress_of
from .settings import Settings


class Tasks(Protocol):
    """The tasks of a training run as something outside follows them: callbacks, for instance."""

    def begin(self, n_subtasks: int = 0) -> None:
        """Begin the fit, of up to `n_subtasks`."""

    def begin_subtask(self, name: str) -> None:
        """Begin the next subtask of the fit."""

    def end_subtask(self, trained: Callable[[], Trained] | None = None) -> bool:
        """End the subtask that has begun; True ends training.

        `trained` builds what training comes to if it ends there; None if nothing has been done.
        """


class Watch:
    """What looks at training at its reporting steps: `verbose`, early stopping and callbacks."""

    def __init__(
        self,
        settings: Settings,
        problem: Problem,
        stopping: EarlyStopping | None,
        tasks: Tasks | None,
        result: Callable[[Network, Report], Trained],
    ) -> None:
        self.problem, self.stopping, self.tasks, self.result = problem, stopping, tasks, result
        self.printer = PrintProgress() if settings.verbose else None
        self.steps_left = settings.most_reports(problem.n_samples)
        self.seen = Report()
        self.stopped_by_callback = False

    @property
    def stopped_early(self) -> bool:
        """Whether early stopping has ended training."""
        return self.stopping is not None and self.stopping.stopped

    @property
    def monitor(self) -> Monitor | None:
        """What the solver is to call, if anything."""
        looks = (self.printer, self.stopping, self.tasks)
        return None if all(look is None for look in looks) else self

    def begin(self) -> None:
        """Begin a reporting step."""
        if self.tasks is not None and self.steps_left > 0:
            self.steps_left -= 1
            self.tasks.begin_subtask("training-step")

    def __call__(self, progress: Progress) -> bool:
        """Look at the end of a reporting step; True ends training."""
        self.seen.record(progress)
        self.seen.n_iter = progress.iteration
        if self.printer is not None:
            self.printer(progress)
        stop = self.stopping is not None and self.stopping(progress)
        self.stopped_by_callback = self._end_step(progress.network, self.seen)
        if stop or self.stopped_by_callback:
            return True
        self.begin()
        return False

    def end(self, network: Network, report: Report) -> None:
        """Look at what is left when the solver has ended."""
        n_recorded, n_seen = (len(one.history["iteration"]) for one in (report, self.seen))
        if n_recorded > n_seen and np.isfinite(report.history["objective"][-1]):
            # A solver that has come to rest does not ask whether to go on.
            last: dict[str, Any] = {name: column[-1] for name, column in report.history.items()}
            self.steps_left = 0
            self(Progress(**last, settled=True, network=lambda: network))
        elif report.n_iter > self.seen.n_iter:
            self._end_step(lambda: network, replace(self.seen, n_iter=report.n_iter))
        elif self.tasks is not None:
            self.tasks.end_subtask()

    def begin_polish(self) -> None:
        """Begin what follows the solver."""
        if self.tasks is not None:
            self.tasks.begin_subtask("polish")

    def end_polish(self, network: Network, report: Report) -> None:
        """Look at the network that polish leaves."""
        if self.printer is not None and not report.interrupted:
            self.printer(progress_of(self.problem, network, report.n_iter))
        self._end_subtask(lambda: network, report)

    def _end_step(self, network: Callable[[], Network], report: Report) -> bool:
        """End a reporting step; True if a callback ends training with it."""
        best = None if self.stopping is None else self.stopping.best_network
        return self._end_subtask(network if best is None else lambda: best, report)

    def _end_subtask(self, network: Callable[[], Network], report: Report) -> bool:
        """End a task with what training comes to if it ends there; True if a callback wants to."""
        if self.tasks is None:
            return False

        def trained() -> Trained:
            history = {name: list(column) for name, column in report.history.items()}
            kept, _ = or_constant(self.problem, network(), diverged=False)
            return self.result(kept, replace(report, history=history))

        return self.tasks.end_subtask(trained)


class PrintProgress:
    """A monitor that prints an aligned line a call."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        print("iteration     objective          loss  neurons  weights      time")

    def __call__(self, progress: Progress) -> bool:
        print(
            f"{progress.iteration:9d}  {progress.objective:12.6g}  {progress.loss:12.6g}  "
            f"{progress.n_active_neurons:7d}  {progress.n_nonzero_weights:7d}  "
            f"{time.perf_counter() - self.start:7.1f}s",
            flush=True,
        )
        return False
