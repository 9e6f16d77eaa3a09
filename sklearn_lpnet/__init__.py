"""Sparse single-hidden-layer ReLU networks by lp path-norm regularisation."""

__version__ = "0.1.0"
