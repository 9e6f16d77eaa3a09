"""What a solver tells of its progress, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..network.network import Network


@dataclass(frozen=True)
class Progress:
    """What a solver tells its monitor at a reporting step.

    Attributes
    ----------
    iteration : int
    objective, loss : float
        F and the mean loss of the best model so far.
    n_active_neurons, n_nonzero_weights : int
    settled : bool
        False while the network is still being thinned out: too early to stop.
    network : callable
        Builds the present `Network` on demand.
    """

    iteration: int
    objective: float
    loss: float
    n_active_neurons: int
    n_nonzero_weights: int
    settled: bool
    network: Callable[[], Network]


#: Called at reporting steps; True ends the training.
Monitor = Callable[[Progress], bool]


@dataclass
class Report:
    """How a training run went.

    Attributes
    ----------
    n_iter : int
    converged : bool
    interrupted : bool
        Ended by KeyboardInterrupt.
    diverged : bool
        The objective left the finite numbers, or ended above that of the constant network.
    history : dict of list
        iteration, objective, loss, n_active_neurons, n_nonzero_weights at reporting steps.
    other_starts : list of Network
        Where the other random starts ended, by increasing F.
    """

    n_iter: int = 0
    converged: bool = False
    interrupted: bool = False
    diverged: bool = False
    history: dict[str, list[float]] = field(
        default_factory=lambda: {
            "iteration": [],
            "objective": [],
            "loss": [],
            "n_active_neurons": [],
            "n_nonzero_weights": [],
        }
    )
    other_starts: list[Network] = field(default_factory=list)

    def record(self, progress: Progress) -> None:
        """Append one reporting step."""
        for name, column in self.history.items():
            column.append(getattr(progress, name))
