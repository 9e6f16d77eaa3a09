"""One feature: networks are splines with free knots."""
