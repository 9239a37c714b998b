"""Kits that every plugin must pass, ours and a stranger's."""

from ncsolve.testing.solver import SolverTests

__all__ = ["SolverTests"]
