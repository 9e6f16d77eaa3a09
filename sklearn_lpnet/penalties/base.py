"""What a penalty has to give."""

from __future__ import annotations

import torch
from torch import Tensor


def soft_threshold(u: Tensor, threshold: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    r"""Shrink towards zero: :math:`\operatorname{sign}(u) \max(0, |u| - t)`.

    Parameters
    ----------
    u : Tensor
        Values.
    threshold : Tensor or float
        Nonnegative threshold t that broadcasts with u; infinity gives zero.
    out : Tensor, optional
        Where to write the result.

    Returns
    -------
    Tensor
        Shrunk values, with exact zeros where :math:`|u| \le t`.
    """
    return torch.sub(u, torch.clamp(u, -threshold, threshold), out=out)  # type: ignore[arg-type]
