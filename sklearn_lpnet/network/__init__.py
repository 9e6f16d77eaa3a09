"""A one-hidden-layer ReLU network in path coordinates, with NumPy alone."""

from .network import Network

__all__ = ["Network"]
