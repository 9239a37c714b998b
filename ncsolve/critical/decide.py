"""From signs to the kind: whether f rises, falls or does both, on the free variables and into the box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.cone import copositivity
from ncsolve.critical.face import NEAR
from ncsolve.critical.inertia import Inertia
from ncsolve.critical.lie import group_name
from ncsolve.critical.newton import Refined
from ncsolve.critical.point import Kind
from ncsolve.critical.probe import Curve, line
from ncsolve.critical.reduction import NullSpace, Reduced
from ncsolve.critical.spectrum import SAFETY, Dense
from ncsolve.critical.symmetry import generators

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Decision", "Degeneracy", "decide", "degeneracy"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decision:
    """The kind, what the bounds had to say, and curves along which f falls, if it does."""

    kind: Kind
    bounds: str
    falling: list[Curve]


@dataclass(frozen=True, eq=False)
class Degeneracy:
    """Of a null space: symmetries of f move x in `moved` dimensions; on the `rest` higher derivatives tell.

    `group` is the name of the symmetries where it is known, of `dimension`.
    """

    moved: int
    rest: Reduced | None
    dimension: int = 0
    group: str = ""


def degeneracy(oracle: Oracle, refined: Refined, inertia: Inertia) -> Degeneracy:
    """Why the Hessian is singular, and what higher derivatives say where no symmetry explains it."""
    free = refined.face.free

    def solve(b: Vector) -> Vector:
        full = np.zeros_like(b)
        full[free] = inertia.separation.solve(b[free])
        return full

    U = np.zeros((refined.x.size, inertia.nullity))
    U[free] = np.linalg.qr(inertia.separation.null)[0]
    moved, dimension, group = 0, 0, ""
    if free.size == refined.x.size:
        found = generators(oracle, refined.x)
        tangents = found.tangents(refined.x)
        inside = U.T @ tangents
        if np.linalg.norm(tangents - U @ inside) <= NEAR * np.linalg.norm(tangents):
            moved = tangents.shape[1]
            U = U @ np.linalg.svd(inside)[0][:, moved:]
            dimension, group = len(found), group_name(found) if moved else ""
    if not U.shape[1]:
        return Degeneracy(moved, None, dimension, group)
    slope = np.abs(U.T @ refined.gradient) + np.abs(U).T @ refined.noise.error
    rest = NullSpace(oracle, refined.x, free, U, float(slope.max()), solve).reduce()
    return Degeneracy(moved, rest, dimension, group)


def decide(oracle: Oracle, refined: Refined, inertia: Inertia, reduced: Reduced | None) -> Decision:
    """The kind by the free variables and the multipliers of the others; then by the bounds that do not push."""
    face = refined.face
    multipliers = face.multipliers(refined.gradient)
    strong = multipliers > refined.noise.error[face.fixed]
    trend = reduced.trend if reduced else "none"
    falls = inertia.negative > 0 or trend in ("falls", "both")
    rises = inertia.positive > 0 or strong.any() or trend in ("rises", "both")
    kind: Kind = "maximum" if falls else "minimum"
    if falls and rises:
        kind = "saddle"
    elif trend == "open":
        kind = "degenerate"
    falling: list[Curve] = []
    if inertia.negative:
        lowest = _embed(refined, inertia.spectrum.lowest)
        falling = [line(lowest), line(-lowest)]
    elif reduced and reduced.curve:
        falling = [reduced.curve]
    bounds = ""
    if strong.any():
        least = multipliers[strong].min()
        bounds = f"{_variables(strong.sum())} held at a bound that pushes back with at least {least:.3g}"
    if strong.all() or kind == "saddle":
        return Decision(kind, bounds, falling)
    return _on_cone(oracle, refined, inertia, Decision(kind, bounds, falling), strong)


def _on_cone(
    oracle: Oracle, refined: Refined, inertia: Inertia, decision: Decision, strong: NDArray[np.bool_]
) -> Decision:
    """The kind when bounds with a zero multiplier hold x: by the Hessian on the cone of directions into the box.

    With H positive (negative) definite in the free variables F, the Schur complement S of F in the Hessian decides by
    its sign on directions v >= 0 of the variables W at those bounds.
    """
    face = refined.face
    weak, inward = face.fixed[~strong], face.inward[~strong]
    told = f"{_variables(weak.size)} held at a bound that does not push back"
    bounds = f"{decision.bounds}, {told}" if decision.bounds else told
    H = oracle.hessian(refined.x, dense=True)
    H_fw = H[np.ix_(face.free, weak)] * inward
    H_ww = H[np.ix_(weak, weak)] * inward * inward[:, None]
    response = -np.column_stack([inertia.separation.solve(column) for column in H_fw.T]) if face.free.size else H_fw
    S = H_ww + H_fw.T @ response
    if inertia.nullity or not np.isfinite(S).all():
        return Decision("degenerate", bounds, decision.falling)
    tolerance = SAFETY * float(abs(inertia.change).max()) if face.free.size else 0.0
    tolerance += Dense(H_ww).rounding
    up, down = copositivity(S, tolerance), copositivity(-S, tolerance)
    falling = decision.falling
    if up.direction is not None:
        direction = np.zeros_like(refined.x)
        direction[weak] = inward * up.direction
        direction[face.free] = response @ up.direction
        falling = [*falling, line(direction)]
    can_rise = inertia.positive > 0 or strong.any() or down.kind == "negative"
    can_fall = inertia.negative > 0 or up.kind == "negative"
    if can_rise and can_fall:
        return Decision("saddle", bounds, falling)
    if not inertia.negative and up.kind == "positive":
        return Decision("minimum", bounds, falling)
    if not inertia.positive and not strong.any() and down.kind == "positive":
        return Decision("maximum", bounds, falling)
    return Decision("degenerate", bounds, falling)


def _embed(refined: Refined, v: Vector) -> Vector:
    full = np.zeros_like(refined.x)
    full[refined.face.free] = v
    return full


def _variables(count: int) -> str:
    return "1 variable is" if count == 1 else f"{count} variables are"
