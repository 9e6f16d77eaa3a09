"""Recovery of known networks: the phase diagram

Teachers have M neurons that each read 3 of 10 features (`recovery.Teacher`), and the labels are
exact. The student is fitted at alpha = 1e-4, and goes on at 1e-6. A teacher is recovered if the
student's function differs by less than a thousandth of the labels' deviation on fresh points, with
no more weights. Each field of the picture is the share of teachers recovered.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from recovery import recovered

SAMPLES, NEURONS, N_TEACHERS = (50, 100, 200, 400, 800), (2, 4, 6, 8), 5
#: Samples for each of the teacher's weights from which on recovery is expected.
ENOUGH = 12


def run(recorder: Any) -> None:
    """A table, a picture and a check."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    samples, neurons, n_teachers = SAMPLES, NEURONS, N_TEACHERS
    if recorder.quick:
        samples, neurons, n_teachers = (100, 400), (2, 4), 2
    shares, seconds = np.zeros((2, len(neurons), len(samples)))
    for i, m in enumerate(neurons):
        for j, n in enumerate(samples):
            runs = [recovered((n, 10, m, 3), seed) for seed in range(n_teachers)]
            shares[i, j], _, seconds[i, j] = np.mean(np.array(runs, dtype=float), axis=0)
    rows = [
        {"neurons": m}
        | {f"N = {n}": f"{share:.0%}" for n, share in zip(samples, shares[i], strict=True)}
        | {"seconds a fit": float(seconds[i].mean())}
        for i, m in enumerate(neurons)
    ]
    recorder.table("shares", rows, f"Share of {n_teachers} teachers recovered")
    recorder.figure("heat_map", _heat_map(shares, samples, neurons), "Share of teachers recovered")
    enough = np.array(samples) >= ENOUGH * 3 * np.array(neurons)[:, None]
    recorder.check(
        f"Teachers are recovered from {ENOUGH} samples a weight on",
        f"{shares[enough].mean():.0%} of {n_teachers * enough.sum()} teachers",
        "at least 90%",
        shares[enough].mean() >= 0.9,
    )


def _heat_map(shares: np.ndarray, samples: tuple[int, ...], neurons: tuple[int, ...]) -> Any:
    from matplotlib.figure import Figure
    from recovery import paint

    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    paint(figure, shares, samples, neurons)
    return figure
