"""PENALISE: non-smooth terms p(x) with closed-form proximal operators. NumPy only; they know no problem."""

from ncsolve.penalties.base import Active, Penalty
from ncsolve.penalties.convex import L1, L2, ElasticNet
from ncsolve.penalties.groups import GroupLasso, GroupMCP
from ncsolve.penalties.indicators import Box, Simplex
from ncsolve.penalties.nonconvex import L0, MCP, SCAD, CappedL1, LHalf, LogSum
from ncsolve.penalties.spectral import NuclearNorm
from ncsolve.penalties.total import Part, TotalPenalty

__all__ = [
    "L0",
    "L1",
    "L2",
    "MCP",
    "SCAD",
    "Active",
    "Box",
    "CappedL1",
    "ElasticNet",
    "GroupLasso",
    "GroupMCP",
    "LHalf",
    "LogSum",
    "NuclearNorm",
    "Part",
    "Penalty",
    "Simplex",
    "TotalPenalty",
]
