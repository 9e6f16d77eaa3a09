"""Losses with their gradients and curvatures, in closed form."""
