"""Dates, times and durations, which NumPy takes for numbers in whatever unit they have."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

_VALUES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


def refuse_dates(values: Any, name: str) -> None:
    """Raise for dates, times or durations in an array, a series or a frame.

    As numbers they would depend on the unit of their type, and a missing one would be -9e18.
    """
    if values is None or getattr(getattr(values, "dtype", None), "kind", "O") in tuple("biufc"):
        return
    for where, column in _columns(values):
        kind = _kind_of(column)
        if kind is not None:
            raise ValueError(
                f"{name} must hold numbers, but {where or 'it'} holds dates or times ({kind}). "
                "Convert them to numbers in a unit of your choice, such as days since a date: "
                "(dates - numpy.datetime64('2000-01-01')) / numpy.timedelta64(1, 'D'), or "
                "durations / numpy.timedelta64(1, 'D')."
            )


def _columns(values: Any) -> Iterator[tuple[str, Any]]:
    """What to call a column, and the column: an array, a series, or a type where that says all."""
    names = getattr(values, "column_names", getattr(values, "columns", None))
    if names is not None and hasattr(values, "__getitem__"):
        for name in names:
            yield f"column {str(name)!r}", values[name]
        return
    if isinstance(values, list | tuple):
        try:
            values = np.asarray(values)
        except (TypeError, ValueError):
            # Of no shape: that is told elsewhere.
            return
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype.kind == "O":
        for j, column in enumerate(values.T):
            yield f"column {j}", column
    else:
        yield "", values


def _kind_of(column: Any) -> str | None:
    """The type of dates or times that a column holds."""
    kind = getattr(column, "dtype", getattr(column, "type", None))
    kind = getattr(getattr(kind, "categories", None), "dtype", kind)
    if re.match("date|time|duration|period", str(kind).lower()):
        return str(kind)
    if str(kind).lower() != "object":
        return None
    return next((type(one).__name__ for one in np.ravel(column) if isinstance(one, _VALUES)), None)
