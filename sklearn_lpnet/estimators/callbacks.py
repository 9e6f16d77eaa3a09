"""The tasks of a fit, as the callbacks of scikit-learn see them; it has them from 1.9 on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..fitting.outcome import Trained

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """In place of the mixin that gives estimators their `set_callbacks`."""


@dataclass(frozen=True)
class Task:
    """A node of the tree of tasks, and what the callbacks are told of it besides.

    It may be pickled, and begun in another process.

    Attributes
    ----------
    context : CallbackContext
    estimator : estimator
        The one that is being fitted.
    X, y : array-like
        The training data of the task, as the user gave them.
    sample_weight : array-like or None
    """

    context: Any
    estimator: Any
    X: Any
    y: Any
    sample_weight: Any

    @classmethod
    def of_fit(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        n_subtasks: int,
        in_order: bool = True,
    ) -> Task | None:
        """Begin the root of the tree, with up to `n_subtasks` below it; None without callbacks.

        Subtasks that do not run in order bear a number.
        """
        if not has_callbacks(estimator):
            return None
        context = estimator._init_callback_context(
            max_subtasks=n_subtasks, sequential_subtasks=in_order
        )
        task = cls(context, estimator, X, y, sample_weight)
        task.begin()
        return task

    def subtask(self, name: str, number: int | None = None, **data: Any) -> Task:
        """A leaf below this task, on the same data or others; it has yet to begin."""
        context = self.context.subcontext(task_name=name, task_id=number)
        return replace(self, context=context, **data)

    def begin(self) -> None:
        """Tell the callbacks that the task begins."""
        self.context.call_on_fit_task_begin(**self._told)

    def end(self, attributes: Any = None) -> bool:
        """Tell the callbacks that the task ends; True if one of them wants to end its kind.

        Parameters
        ----------
        attributes : dict, callable or None
            The fitted attributes by which a copy of the estimator becomes what it would be if the
            fit ended here, or what returns them, which is called where a callback asks for the
            copy; None if there is no such copy.
        """
        return self.context.call_on_fit_task_end(**self._told, reconstruction_attributes=attributes)

    @property
    def _told(self) -> dict[str, Any]:
        weights = None if self.sample_weight is None else {"sample_weight": self.sample_weight}
        return {"estimator": self.estimator, "X": self.X, "y": self.y, "metadata": weights}


class TrainingTasks:
    """The tasks of a training run: the fit, and below it one at a time."""

    def __init__(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        sample_weight: Any,
        attributes: Callable[[Trained], dict[str, Any]],
    ) -> None:
        """Take the data as the user gave them, and what turns a result into fitted attributes."""
        self.data = (estimator, X, y, sample_weight)
        self.attributes = attributes
        self.fit: Task | None = None
        self.running: Task | None = None

    def begin(self, n_subtasks: int = 0) -> None:
        """Begin the fit, of up to `n_subtasks`."""
        self.fit = Task.of_fit(*self.data, n_subtasks=n_subtasks)

    def begin_subtask(self, name: str) -> None:
        """Begin the next subtask of the fit."""
        if self.fit is not None:
            self.running = self.fit.subtask(name)
            self.running.begin()

    def end_subtask(self, trained: Callable[[], Trained] | None = None) -> bool:
        """End the subtask that has begun, if one has; True if a callback wants to end training.

        `trained` builds what training comes to if it ends there; None if nothing has been done.
        """
        task, self.running = self.running, None
        if task is None:
            return False
        return task.end(None if trained is None else lambda: self.attributes(trained()))

    def end(self) -> None:
        """End the fit; the estimator has its fitted attributes by now."""
        if self.fit is not None:
            self.fit.end({})


def has_callbacks(estimator: Any) -> bool:
    """Whether callbacks are set on an estimator, by the user or by one that it is a part of."""
    return bool(getattr(estimator, "_skl_callbacks", None))


@contextmanager
def running(task: Task | None) -> Iterator[None]:
    """Begin and end a task, if there is one."""
    if task is not None:
        task.begin()
    yield
    if task is not None:
        task.end()
