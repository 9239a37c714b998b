"""The sentence that says what decided, with its numbers."""

from __future__ import annotations

from ncsolve.critical.decide import Degeneracy
from ncsolve.critical.inertia import Inertia
from ncsolve.critical.reduction import Reduced

__all__ = ["curvature", "degeneracy", "up_to"]


def curvature(inertia: Inertia) -> str:
    """For example: 5 Hessian eigenvalues: 2 negative, 3 positive (from -3 to 8, zero up to 1e-14)."""
    spectrum = inertia.spectrum
    size = spectrum.size
    if size == 0:
        return "no variable is free to move"
    signs = {"negative": inertia.negative, "zero": inertia.nullity, "positive": inertia.positive}
    counts = ", ".join(f"{count if count < size else 'all'} {sign}" for sign, count in signs.items() if count)
    low, high = spectrum.eigenvalues[0] + 0.0, spectrum.eigenvalues[-1] + 0.0
    zero = f"zero up to {inertia.tolerance:.1g}" + ("" if spectrum.complete else ", by a symmetric factorisation")
    if size == 1:
        return f"Hessian eigenvalue {low:.3g} ({zero})"
    return f"{size} Hessian eigenvalues: {counts} (from {low:.3g} to {high:.3g}, {zero})"


def degeneracy(singular: Degeneracy) -> list[str]:
    """Why the Hessian is singular."""
    told = []
    if singular.moved:
        where = "part of its null space is" if singular.rest else "its null space is"
        told.append(f"{where} tangent to {_symmetry(singular)} of f, up to which this holds")
    return [*told, higher(singular.rest)] if singular.rest else told


def up_to(singular: Degeneracy) -> str:
    """For example: ", up to a 4-dimensional GL(2) symmetry", where nothing else is in the null space."""
    return f", up to {_symmetry(singular)}" if singular.moved and not singular.rest else ""


def _symmetry(singular: Degeneracy) -> str:
    orbit = "" if singular.moved == singular.dimension else "orbit of a "
    group = f"{singular.group} " if singular.group else ""
    return f"a {singular.moved}-dimensional {orbit}{group}symmetry"


def higher(reduced: Reduced) -> str:
    """What the derivatives on the null space said."""
    order, value = ordinal(reduced.order), f"{reduced.value:.3g}"
    if reduced.trend == "open":
        return f"derivatives up to the {order} leave open how f behaves on its null space"
    if reduced.order % 2:
        return f"f falls and rises along its null space, where the {order} derivative is {value}"
    behaviour = {
        "rises": f"f rises on its null space, where the {order} derivative is at least {value}",
        "falls": f"f falls on its null space, where the {order} derivative is at most {value}",
        "both": f"f falls and rises on its null space, where the {order} derivative is as low as {value}",
    }
    return behaviour[reduced.trend]


def ordinal(k: int) -> str:
    return {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}[k]
