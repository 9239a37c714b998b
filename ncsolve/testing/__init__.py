"""Kits that every plugin must pass, ours and a stranger's."""

from ncsolve.testing.solver import SolverTests
from ncsolve.testing.theorem import TheoremTests

__all__ = ["SolverTests", "TheoremTests"]
