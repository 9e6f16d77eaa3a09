"""The training problem in standardised units: the door between estimators and solvers."""
