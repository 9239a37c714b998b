"""DERIVE: from a SymPy objective to an array graph and its derivatives."""

from ncsolve.graph.derivation import Derivation, derive

__all__ = ["Derivation", "derive"]
