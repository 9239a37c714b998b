"""Judging a point of F = f + p: by the Hessian of F on its active manifold, and by what holds x on it.

Where p is partly smooth at x, -grad f lies inside the subdifferential of p, and F has a minimum on the manifold with a
positive definite Hessian, x is a strict minimum of F, and a proximal step from nearby lands on the manifold.
[Lewis 2002, Hare & Lewis 2004]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.face import NEAR
from ncsolve.critical.manifold import OnManifold
from ncsolve.critical.point import CriticalPoint, Kind
from ncsolve.critical.spectrum import EPS, SAFETY
from ncsolve.critical.stationarity import stationarity
from ncsolve.penalties import Box, Part, Simplex
from ncsolve.penalties.separable import Separable

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["classify_penalised"]

Vector = NDArray[np.float64]
Judge = Callable[[Any, Vector, float], CriticalPoint]

LARGEST = 1000  # entries of a matrix up to which its Hessian on a manifold of one rank is computed
SLACK = 1e-12  # relative to the gradient: rounding of what holds an entry


def classify_penalised(oracle: Oracle, x: Vector, allowed: float, smooth: Judge) -> CriticalPoint:
    """Judge x (n,); `smooth` judges an oracle without a penalty at a point, with a gradient tolerance."""
    return _Penalised(oracle, x, allowed, smooth).judge()


class _Penalised:
    """One judgement: x, F and the proximal gradient there."""

    def __init__(self, oracle: Oracle, x: Vector, allowed: float, smooth: Judge) -> None:
        assert oracle.penalty is not None
        self.oracle, self.penalty, self.x, self.allowed, self.smooth = oracle, oracle.penalty, x, allowed, smooth
        f, self.gradient = oracle.value_and_gradient(x)
        self.objective = f + oracle.penalty_value(x)
        self.proximal = stationarity(oracle, x, self.gradient)
        self.norm = float(np.abs(self.proximal).max(initial=0.0))
        self.told = [
            f"proximal gradient {self.norm:.2g} ({'at most' if self.norm <= allowed else 'above'} {allowed:g})"
        ]

    def judge(self) -> CriticalPoint:
        if not np.isfinite(self.oracle.value(self.x)) or not np.isfinite(self.gradient).all():
            reason = self.oracle.explain_nonfinite(self.x)
            return self.verdict("undecided", f"f or its gradient is not finite here: {reason}")
        if not np.isfinite(self.objective):
            return self.verdict("not-critical", f"x lies outside the domain of {self.penalty}")
        if (np.abs(self.oracle.project(self.x) - self.x) > NEAR * (1 + np.abs(self.x))).any():
            return self.verdict("not-critical", "x lies outside its bounds")
        close = self.x - self.oracle.proximal_step(self.x) * self.proximal
        if self.norm > self.allowed and (np.abs(close - self.x) > NEAR * (1 + np.abs(self.x))).any():
            least = float(np.abs(self.penalty.least_subgradient(self.x, self.gradient)).max())
            if least > self.allowed:
                return self.verdict("not-critical", "a proximal step leads away")
            self.told.append(f"a proximal step leads away, but 0 is within {least:.2g} of the subdifferential of F")
            close = self.x
        return self.on_manifold(close)

    def on_manifold(self, close: Vector) -> CriticalPoint:
        """`close` lies on the manifold; x may be next to it."""
        active = [(part, self._active(part, close)) for part in self.penalty]
        ranks = [(part, each.rank) for part, each in active if each.rank is not None]
        if large := [part for part, _ in ranks if part.place.stop - part.place.start > LARGEST]:
            return self.verdict("undecided", f"{large[0].name} is too large for a Hessian among matrices of its rank")
        free, slack = np.ones(self.x.size, bool), np.full(self.x.size, np.inf)
        for part, each in active:
            free[part.place], slack[part.place] = each.free, each.slack
        pivots = [(part.place.start + each.pivot, part.place) for part, each in active if each.pivot is not None]
        moving = free.copy()
        moving[[pivot for pivot, _ in pivots]] = True
        held = ~moving
        rounding = max(self.allowed, SLACK * float(np.abs(self.gradient).max(initial=0.0)))
        weak = held & (slack <= rounding)
        forces = [float(each.slack.min()) for _, each in active if each.rank is not None]
        self._tell_held(held, slack)
        self._tell_ranks(ranks, forces)
        if min([*slack[held], *forces], default=0.0) < -rounding:
            return self.verdict("not-critical", "some are held too weakly: F falls where they leave it")
        at = np.where(moving, self.x, close)
        judged = self._judged(OnManifold(self.oracle, at, free, pivots, ranks))
        kind: Kind = judged.kind
        if kind == "maximum" and (held.any() or np.isfinite(forces).any()):
            kind = "saddle"
        if kind == "minimum" and weak.any():
            self.told.append(f"{np.count_nonzero(weak)} of them without force")
            kind = "minimum" if not forces and self._rises(at, free | weak, weak, pivots) else "degenerate"
        if kind == "minimum" and min(forces, default=np.inf) <= rounding:
            kind = "degenerate"
        return replace(
            self.verdict(kind, ""),
            index=judged.index,
            nullity=judged.nullity,
            witness=judged.witness,
            eigenvalues=judged.eigenvalues,
            tolerance=judged.tolerance,
        )

    def _active(self, part: Any, x: Vector) -> Any:
        """The manifold of one penalty; where an entry is held at a bound as well, only one side of it counts."""
        here, g = x[part.place], self.gradient[part.place]
        active = part.penalty.active(here.reshape(part.shape), g.reshape(part.shape))
        lower, upper = self.oracle.lower, self.oracle.upper
        if lower is None or upper is None or active.free.all() or not hasattr(part.penalty, "edge"):
            return active
        edge = part.penalty.edge()
        right = np.where(here < upper[part.place], edge + g, np.inf)
        left = np.where(here > lower[part.place], edge - g, np.inf)
        return replace(active, slack=np.where(active.free, np.inf, np.minimum(left, right)))

    def _judged(self, manifold: OnManifold) -> CriticalPoint:
        """F on the manifold, judged as a smooth function."""
        if manifold.n == 0:
            self.told.append("nothing is free to move")
            nothing = np.empty(0)
            return CriticalPoint("minimum", 0, 0, nothing, 0.0, "", self.x, self.objective, self.norm)
        slope = float(np.abs(manifold.gradient(manifold.start)).max())
        allowed = max(self.allowed, slope) if self.norm <= self.allowed else self.allowed
        judged = self.smooth(manifold, manifold.start, allowed)
        if judged.nullity and not judged.index and not manifold.has_higher_derivatives:
            zeros = (
                f"{judged.nullity} of {manifold.n} Hessian eigenvalues are zero, and no higher derivatives are known"
            )
            judged = replace(judged, kind="degenerate", explanation=f"degenerate: {zeros}")
        free = "its free variable" if manifold.n == 1 else f"its {manifold.n} free variables"
        self.told.append(f"F in {free}: {judged.explanation.partition(': ')[2].rstrip('.')}")
        moved = None if judged.witness is None else manifold.point(manifold.start + judged.witness)
        witness = None if moved is None else moved - manifold.point(manifold.start)
        return replace(judged, witness=witness)

    def _rises(self, x: Vector, free: NDArray[np.bool_], weak: NDArray[np.bool_], pivots: Any) -> bool:
        """Whether the Hessian stays positive definite with the entries that nothing holds among the free ones."""
        smooth_beyond = (Separable, Box, Simplex)
        if not all(isinstance(part.penalty, smooth_beyond) for part in self.penalty if weak[part.place].any()):
            return False
        wider = OnManifold(self.oracle, x, free, pivots, [])
        values = np.linalg.eigvalsh(wider.hessian(wider.start, dense=True))
        return bool(values[0] > SAFETY * values.size * EPS * np.abs(values).max())

    def _tell_held(self, held: NDArray[np.bool_], slack: Vector) -> None:
        if held.any():
            by = ", ".join(dict.fromkeys(str(part) for part in self.penalty if held[part.place].any()))
            least = float(slack[held].min())
            force = "a jump" if np.isinf(least) else f"a force of at least {least:.3g}"
            self.told.append(f"{np.count_nonzero(held)} of {self.x.size} variables held by {by} with {force}")

    def _tell_ranks(self, ranks: list[tuple[Part, int]], forces: list[float]) -> None:
        for (part, rank), force in zip(ranks, forces, strict=True):
            held = "is full" if np.isinf(force) else f"is held by {part.penalty} with a force of {force:.3g}"
            self.told.append(f"the rank {rank} of {part.name} {held}")

    def verdict(self, kind: Kind, because: str) -> CriticalPoint:
        told = "; ".join([*self.told, because] if because else self.told)
        return CriticalPoint(kind, 0, 0, np.empty(0), 0.0, f"{kind}: {told}.", self.x, self.objective, self.norm)
