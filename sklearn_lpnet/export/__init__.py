"""A fitted network as a formula, a C function, a PyTorch module, or an ONNX model.

Neither PyTorch nor ONNX is imported until it is asked for.
"""

from .c import to_c
from .latex import export_latex
from .onnx import register_onnx_converters, to_onnx
from .pytorch import to_torch
from .text import export_text

__all__ = [
    "export_latex",
    "export_text",
    "register_onnx_converters",
    "to_c",
    "to_onnx",
    "to_torch",
]
