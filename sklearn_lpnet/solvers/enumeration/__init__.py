"""Exact search over activation patterns: mixed-integer programs on a few points."""
