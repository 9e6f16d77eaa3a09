"""Pictures of fitted networks and of their training, in scikit-learn's Display convention.

matplotlib is imported when something is drawn.
"""

from .function import FunctionDisplay
from .network import ImportanceDisplay, NetworkDisplay
from .training import HistoryDisplay, PathDisplay

__all__ = [
    "FunctionDisplay",
    "HistoryDisplay",
    "ImportanceDisplay",
    "NetworkDisplay",
    "PathDisplay",
]
