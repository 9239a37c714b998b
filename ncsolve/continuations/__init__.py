"""WHAT BECOMES OF THEM: critical points followed along a parameter, with their folds and branch points."""

from ncsolve.continuations.diagram import Branch, Diagram, Segment, Special
from ncsolve.continuations.find import continuation

__all__ = ["Branch", "Diagram", "Segment", "Special", "continuation"]
