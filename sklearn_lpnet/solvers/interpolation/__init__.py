"""Interpolation for any number of features: linear programs, then fewer parameters."""
