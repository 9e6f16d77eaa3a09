"""The solvers, a room for each kind; `table` has them by name."""
