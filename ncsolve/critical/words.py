"""The sentence that says what decided, with its numbers."""

from __future__ import annotations

from ncsolve.critical.inertia import Inertia
from ncsolve.critical.reduction import Reduced

__all__ = ["curvature", "higher", "ordinal"]


def curvature(inertia: Inertia, tolerance: float) -> str:
    """ "2 of 5 eigenvalues of the Hessian are negative, from -3 to 8 (tolerance 1e-14)" """
    spectrum = inertia.spectrum
    size = spectrum.size
    if size == 0:
        return "no variable is free to move"
    counts = {"negative": inertia.negative, "zero within the tolerance": inertia.nullity}
    told = [f"{count} of {size} {_eigenvalues(size)} {_is(count)} {name}" for name, count in counts.items() if count]
    if not told:
        told = [f"all {size} eigenvalues are positive" if size > 1 else "the one eigenvalue is positive"]
    low, high = spectrum.eigenvalues[0], spectrum.eigenvalues[-1]
    extent = f"from {low:.3g} to {high:.3g}" if size > 1 else f"{low:.3g}"
    how = "" if spectrum.complete else ", counted by a symmetric factorisation"
    return f"of the Hessian {' and '.join(told)}: {extent}, tolerance {tolerance:.1g}{how}"


def higher(reduced: Reduced) -> str:
    """What the derivatives on the null space said."""
    order, value = ordinal(reduced.order), f"{reduced.value:.3g}"
    if reduced.trend == "open":
        return f"derivatives up to the {order} leave open how f behaves on its null space"
    if reduced.order % 2:
        return f"f changes sign along its null space, where the {order} derivative is {value}"
    behaviour = {
        "rises": f"f rises on its null space, where the {order} derivative is at least {value}",
        "falls": f"f falls on its null space, where the {order} derivative is at most {value}",
        "both": f"f falls along a curve in its null space, where the {order} derivative is {value}, and rises along another",
    }
    return behaviour[reduced.trend]


def ordinal(k: int) -> str:
    return {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}[k]


def _eigenvalues(size: int) -> str:
    return "eigenvalues" if size > 1 else "eigenvalue"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
