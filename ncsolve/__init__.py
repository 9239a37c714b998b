"""Write a non-convex objective as on paper; get exact derivatives, any solver, and an answer that is judged.

>>> import sympy as sp, ncsolve as nc
>>> x, y = sp.symbols("x y")
>>> result = nc.solve(nc.Problem((1 - x)**2 + 100 * (y - x**2)**2, start={x: -1.2, y: 1}))
>>> result.point.kind
'minimum'
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; importing `typing` takes longer than all the rest
if TYPE_CHECKING:
    from typing import Any

    __version__: str
    from ncsolve import testing
    from ncsolve.api import classify, resume, solve, symmetry
    from ncsolve.continuations import Diagram, continuation
    from ncsolve.critical import CriticalPoint
    from ncsolve.errors import NcsolveError
    from ncsolve.hooks import hookimpl
    from ncsolve.landscapes import Landscape, landscape, recheck
    from ncsolve.oracle import Oracle, compile
    from ncsolve.penalties import (
        L0,
        L1,
        L2,
        MCP,
        SCAD,
        Box,
        CappedL1,
        ElasticNet,
        GroupLasso,
        GroupMCP,
        LHalf,
        LogSum,
        NuclearNorm,
        Simplex,
    )
    from ncsolve.problem import Dropout, He, Maximum, Minimum, MinMax, Normal, Problem, Saddle, Uniform, Xavier, load
    from ncsolve.rates import rate
    from ncsolve.solving import Look, Result, Status, Trace, option
    from ncsolve.spectra import Section, Segment, Spectrum, section, segment, spectrum
    from ncsolve.store import Checkpoint
    from ncsolve.theorems import verify
    from ncsolve.theory import Theorem, Verdict
    from ncsolve.theory.certified import constants
    from ncsolve.tuning import tune

_HOME = {
    "api": ("classify", "resume", "solve", "symmetry"),
    "continuations": ("Diagram", "continuation"),
    "critical": ("CriticalPoint",),
    "errors": ("NcsolveError",),
    "hooks": ("hookimpl",),
    "landscapes": ("Landscape", "landscape", "recheck"),
    "oracle": ("Oracle", "compile"),
    "penalties": (
        "L0",
        "L1",
        "L2",
        "MCP",
        "SCAD",
        "Box",
        "CappedL1",
        "ElasticNet",
        "GroupLasso",
        "GroupMCP",
        "LHalf",
        "LogSum",
        "NuclearNorm",
        "Simplex",
    ),
    "problem": (
        "Dropout",
        "He",
        "Maximum",
        "MinMax",
        "Minimum",
        "Normal",
        "Problem",
        "Saddle",
        "Uniform",
        "Xavier",
        "load",
    ),
    "rates": ("rate",),
    "solving": ("Look", "Result", "Status", "Trace", "option"),
    "spectra": ("Section", "Segment", "Spectrum", "section", "segment", "spectrum"),
    "store": ("Checkpoint",),
    "theorems": ("verify",),
    "theory": ("Theorem", "Verdict"),
    "theory.certified": ("constants",),
    "tuning": ("tune",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "L0",
    "L1",
    "L2",
    "MCP",
    "SCAD",
    "Box",
    "CappedL1",
    "Checkpoint",
    "CriticalPoint",
    "Diagram",
    "Dropout",
    "ElasticNet",
    "GroupLasso",
    "GroupMCP",
    "He",
    "LHalf",
    "Landscape",
    "LogSum",
    "Look",
    "Maximum",
    "MinMax",
    "Minimum",
    "NcsolveError",
    "Normal",
    "NuclearNorm",
    "Oracle",
    "Problem",
    "Result",
    "Saddle",
    "Section",
    "Segment",
    "Simplex",
    "Spectrum",
    "Status",
    "Theorem",
    "Trace",
    "Uniform",
    "Verdict",
    "Xavier",
    "classify",
    "compile",
    "constants",
    "continuation",
    "hookimpl",
    "landscape",
    "load",
    "option",
    "rate",
    "recheck",
    "resume",
    "section",
    "segment",
    "solve",
    "spectrum",
    "symmetry",
    "testing",
    "tune",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import late: `import ncsolve` costs neither NumPy nor SymPy."""
    from importlib import import_module

    if name == "testing":
        return import_module("ncsolve.testing")
    if name == "__version__":
        return import_module("importlib.metadata").version("ncsolve")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'ncsolve' has no attribute '{name}'")
    value = getattr(import_module(f"ncsolve.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
