"""The theory of least path norms made computable: exact univariate solutions, p* and bounds."""

from ..solvers.enumeration.milp import SparsestInterpolant, sparsest_interpolant_milp
from ..solvers.splines.univariate import Interpolant
from .bounds import SparsityBounds, sparsity_bounds
from .certificates import Certificate, certificate
from .exponents import CriticalExponent, MinimizerBreakpoints, critical_p, minimizer_breakpoints
from .minimum import min_path_norm_interpolant

__all__ = [
    "Certificate",
    "CriticalExponent",
    "Interpolant",
    "MinimizerBreakpoints",
    "SparsestInterpolant",
    "SparsityBounds",
    "certificate",
    "critical_p",
    "min_path_norm_interpolant",
    "minimizer_breakpoints",
    "sparsest_interpolant_milp",
    "sparsity_bounds",
]
