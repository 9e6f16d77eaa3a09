"""Pictures of fitted networks and of their training, in scikit-learn's Display convention.

matplotlib is imported when something is drawn.
"""

from .displays.function import FunctionDisplay
from .displays.network import ImportanceDisplay, NetworkDisplay
from .displays.training import HistoryDisplay, PathDisplay

__all__ = [
    "FunctionDisplay",
    "HistoryDisplay",
    "ImportanceDisplay",
    "NetworkDisplay",
    "PathDisplay",
]
