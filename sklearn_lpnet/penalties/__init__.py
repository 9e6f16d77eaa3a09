"""Penalties: the concave prices of weights."""
