"""JUDGE: what kind of point x is, from exact derivatives. Needs an oracle and no solver."""

from ncsolve.critical.classify import classify
from ncsolve.critical.point import CriticalPoint

__all__ = ["CriticalPoint", "classify"]
