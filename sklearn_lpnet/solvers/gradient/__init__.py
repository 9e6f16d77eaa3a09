"""Gradient steps with thresholds, from random weights, in PyTorch."""
