"""DECLARE: what a problem is, where it comes from, and nothing about how it is computed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ncsolve.problem.files import load_file
    from ncsolve.problem.known import KnownPoint, Maximum, Minimum, Saddle
    from ncsolve.problem.library import Entry, entries, load
    from ncsolve.problem.problem import Problem
    from ncsolve.problem.start import He, Normal, Sampler, Uniform, Xavier
    from ncsolve.problem.variables import Variable

_MODULE_OF = {
    "Dropout": "dropout",
    "Entry": "library",
    "He": "start",
    "KnownPoint": "known",
    "Maximum": "known",
    "MinMax": "minmax",
    "Minimum": "known",
    "Normal": "start",
    "Problem": "problem",
    "Saddle": "known",
    "Sampler": "start",
    "Uniform": "start",
    "Variable": "variables",
    "Xavier": "start",
    "entries": "library",
    "load": "library",
    "load_file": "files",
}

__all__ = [
    "Dropout",
    "Entry",
    "He",
    "KnownPoint",
    "Maximum",
    "MinMax",
    "Minimum",
    "Normal",
    "Problem",
    "Saddle",
    "Sampler",
    "Uniform",
    "Variable",
    "Xavier",
    "entries",
    "load",
    "load_file",
]


def __getattr__(name: str) -> Any:
    """Import late: listing the problem library must not pay for SymPy."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
