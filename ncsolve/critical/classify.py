"""What kind of point is x: the judgement from exact derivatives, with the error of each of them measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncsolve.critical import words
from ncsolve.critical.constrained import classify_constrained
from ncsolve.critical.decide import Degeneracy, decide, degeneracy
from ncsolve.critical.equilibrium import classify_equilibrium
from ncsolve.critical.face import NEAR, Face, projected_gradient
from ncsolve.critical.inertia import LEEWAY, Inertia, inertia
from ncsolve.critical.newton import Refined, hessian_on, refine
from ncsolve.critical.noise import hessian_jumps
from ncsolve.critical.penalised import classify_penalised
from ncsolve.critical.point import CriticalPoint, Kind
from ncsolve.critical.probe import fall_along, line, probe
from ncsolve.critical.products import lanczos
from ncsolve.critical.reduction import Reduced
from ncsolve.critical.spectrum import EPS, SAFETY, spectrum_of

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["classify"]

Vector = NDArray[np.float64]

AFFORDABLE = 5000  # variables up to which a dense Hessian is computed
LARGE, HOPELESS = 1000, 100  # with more variables and a gradient this many times the tolerance nothing is searched for
STEPS = 200  # of Lanczos where it is not
FAILURE = 1e-6  # probability that its random start hides an eigenvalue
FAR = 1e-2  # a critical point further away than this, relative to 1 + |x|, must have the index that x has


def classify(
    oracle: Oracle, x: ArrayLike, gradient_tolerance: float = 1e-6, multipliers: Vector | None = None
) -> CriticalPoint:
    """Judge a point x (n,): minimum, saddle, maximum, degenerate, not-critical or undecided.

    x is critical when the infinity norm of its (projected) gradient is at most `gradient_tolerance`, or when Newton's
    method finds a critical point within 1e-6 (1 + |x|). The kind is that of the critical point to which Newton's method
    leads from x: by the exact Hessian, and where that is singular by symmetries of f and by derivatives up to the sixth
    on its null space. An eigenvalue counts as nonzero when it exceeds four times its error: that of rounding, and its
    change over the distance within which rounding leaves the critical point open. Evaluations are not counted.

    With a penalty p it is F = f + p that is judged, by its Hessian on the manifold on which p is smooth, and the
    gradient is the proximal one.

    Of a min-max problem it is an equilibrium that is judged: see `classify_equilibrium`.

    With constraints, see `classify_constrained`; `multipliers` (m,) are a guess, such as a solver's.

    Never raises for what f does: where f or a derivative is not finite, the explanation says so.
    """
    point = np.array(x, dtype=np.float64)
    if oracle.problem.signs is not None:
        return classify_equilibrium(oracle, point, gradient_tolerance)
    if oracle.problem.constrained:
        return classify_constrained(oracle, np.array(x, dtype=np.float64), gradient_tolerance, multipliers)
    with oracle.uncounted():
        if oracle.penalty is not None:
            return classify_penalised(oracle, point, gradient_tolerance, _judge)
        return _judge(oracle, point, gradient_tolerance)


def _judge(oracle: Any, x: Vector, gradient_tolerance: float) -> CriticalPoint:
    return _Judge(oracle, x, gradient_tolerance).judge()


class _Judge:
    """One judgement: x with f and its gradient, and the ways to a verdict."""

    def __init__(self, oracle: Oracle, x: Vector, gradient_tolerance: float) -> None:
        self.oracle, self.x, self.allowed = oracle, x, gradient_tolerance
        self.objective, self.gradient = oracle.value_and_gradient(x)
        self.norm = float(np.abs(projected_gradient(oracle, x, self.gradient)).max(initial=0.0))
        self.critical = self.norm <= gradient_tolerance
        self.scale = 1 + float(np.abs(x).max(initial=0.0))

    def judge(self) -> CriticalPoint:
        if not np.isfinite(self.objective) or not np.isfinite(self.gradient).all():
            reason = self.oracle.explain_nonfinite(self.x) or f"f = {self.objective:g}"
            return self.verdict("undecided", f"f or its gradient is not finite here: {reason}")
        outside = np.abs(self.oracle.project(self.x) - self.x)
        if (outside > NEAR * (1 + np.abs(self.x))).any():
            worst = int(np.argmax(outside))
            return self.verdict("not-critical", f"x[{worst}] = {self.x[worst]:g} is outside its bounds")
        if self.x.size > LARGE and self.norm > HOPELESS * self.allowed:
            return self.verdict("not-critical", f"with {self.x.size} variables none is looked for from so far away")
        if self.x.size > AFFORDABLE and not self.oracle.structure.sparse:
            return self.by_products()
        refined = refine(self.oracle, self.x, self.gradient, reach=None if self.critical else NEAR)
        if refined is None:
            return self.without_hessian()
        if refined.noise.jump > self.allowed:
            return self.at_kink(f"the gradient jumps by {refined.noise.jump:.3g} here")
        return self.smooth(refined)

    def smooth(self, refined: Refined) -> CriticalPoint:
        """By eigenvalues; and where these leave it open, by higher derivatives."""
        if not self.critical and not self.found(refined):
            here = Inertia(refined.spectrum, refined.spectrum.separate(0 * refined.hessian), None)
            return self.verdict("not-critical", "no critical point lies within 1e-6 (1 + |x|)", here)
        counted = inertia(self.oracle, refined)
        if counted is None:
            return self.without_hessian()
        singular = Degeneracy(0, None)
        if counted.nullity and not (counted.negative and counted.positive):
            singular = degeneracy(self.oracle, refined, counted)
        reduced = singular.rest
        is_open = reduced is not None and reduced.trend == "open"
        if is_open and refined.x.size <= AFFORDABLE and hessian_jumps(self.oracle, refined.x):
            return self.at_kink("the Hessian jumps here")
        told = words.degeneracy(singular)
        if not self.is_close(refined, counted, reduced):
            told.append("no critical point is found close to x")
            return self.verdict("undecided", "; ".join(told), counted)
        decision = decide(self.oracle, refined, counted, reduced)
        witness = fall_along(self.oracle, self.x, self.objective, refined.x, decision.falling)
        kind = decision.kind
        if witness is None and kind in ("saddle", "maximum") and not counted.negative:
            kind = "undecided"
            told.append("no lower value of f is seen, though")
        if witness is None and decision.falling:
            witness = decision.falling[0](np.ones(1))[0]
        told += [decision.bounds] if decision.bounds else []
        away = float(np.linalg.norm(refined.x - self.x))
        told += [f"the critical point itself is {away:.2g} away"] if away > EPS * self.scale else []
        return self.verdict(kind, "; ".join(told), counted, witness, words.up_to(singular))

    def found(self, refined: Refined) -> bool:
        """Whether Newton's method came to a critical point, in its reach."""
        left = np.abs(projected_gradient(self.oracle, refined.x, refined.gradient))
        return refined.settled and refined.in_reach and bool((left <= np.fmax(self.allowed, refined.noise.error)).all())

    def is_close(self, refined: Refined, counted: Inertia, reduced: Reduced | None) -> bool:
        """Whether the critical point that is being judged is where Newton's method ended, and belongs to x."""
        spectrum, free = counted.spectrum, refined.face.free
        if float(np.abs(refined.x - self.x).max(initial=0.0)) > FAR * self.scale:
            here = hessian_on(self.oracle, self.x, free)
            if here is None or spectrum_of(here).negative != counted.negative:
                return False
        if reduced and reduced.trend == "open":
            # a slope where H is flat, beyond what curvature within rounding could make of it
            flat = spectrum.flat.T
            slope, error = np.abs(flat @ refined.gradient[free]), np.abs(flat) @ refined.noise.error[free]
            return refined.settled and bool((slope <= error + spectrum.rounding * self.scale).all())
        if reduced and not refined.settled:
            across = float(np.abs(counted.separation.solve(refined.gradient[free])).max())
            return bool(max(across, reduced.distance) <= LEEWAY * self.scale)
        return refined.settled

    def without_hessian(self) -> CriticalPoint:
        kind: Kind = "undecided" if self.critical else "not-critical"
        return self.verdict(kind, "the Hessian is not finite here")

    def at_kink(self, why: str) -> CriticalPoint:
        """By values around x, where derivatives say nothing."""
        seen = probe(self.oracle, self.x, self.objective)
        told = f"{why}; of {seen.directions} directions tried f is higher in {seen.higher} and lower in {seen.lower}"
        kind: Kind = "undecided"
        if seen.higher == seen.directions:
            kind = "minimum"
        elif not self.critical:
            kind = "not-critical"
        elif seen.lower == seen.directions:
            kind = "maximum"
        elif seen.lower and seen.higher:
            kind = "saddle"
        return self.verdict(kind, f"{told} (values seen, not a proof)", witness=seen.witness)

    def by_products(self) -> CriticalPoint:
        """By Lanczos on Hessian-vector products at x itself, for n too large for a Hessian."""
        if not self.critical:
            return self.verdict("not-critical", f"{self.x.size} variables are too many to look for one nearby")
        face, x = Face.of(self.oracle, self.x, self.gradient)
        if not face.free.size:
            return self.verdict("minimum" if face.fixed.size else "degenerate", "no variable is free to move")

        def embed(v: Vector) -> Vector:
            full = np.zeros_like(x)
            full[face.free] = v
            return full

        ritz = lanczos(lambda v: self.oracle.hvp(x, embed(v))[face.free], face.free.size, STEPS)
        low, high = float(ritz.values[0]), float(ritz.values[-1])
        if not np.isfinite([low, high]).all():
            return self.without_hessian()
        tolerance = SAFETY * (ritz.residual + EPS * float(np.sqrt(face.free.size)) * max(-low, high))
        told = f"{ritz.values.size} Lanczos steps on the Hessian found eigenvalues from {low:.3g} to {high:.3g}"
        if low < -tolerance:
            kind: Kind = "saddle" if high > 0 or face.fixed.size else "undecided"
            told += ", so there are at least as many negative ones as counted here"
        else:
            kind = "minimum" if low > tolerance else "undecided"
            bound = ritz.lower_bound(face.free.size, FAILURE)
            told += f"; with probability 1 - {FAILURE:g} none is below {bound:.3g}"
        witness = None
        if kind == "saddle":
            lowest = embed(ritz.lowest)
            witness = fall_along(self.oracle, x, self.objective, x, [line(lowest), line(-lowest)])
            witness = lowest if witness is None else witness
        judged = self.verdict(kind, told, witness=witness)
        negative = int(np.count_nonzero(ritz.values < -tolerance))
        return replace(judged, index=negative, eigenvalues=ritz.values[[0, -1]], tolerance=tolerance)

    def verdict(
        self,
        kind: Kind,
        because: str,
        counted: Inertia | None = None,
        witness: Vector | None = None,
        up_to: str = "",
    ) -> CriticalPoint:
        tolerance = counted.tolerance if counted else 0.0
        projected = "" if self.oracle.lower is None else "projected "
        told = [f"{projected}gradient {self.norm:.2g} ({'at most' if self.critical else 'above'} {self.allowed:g})"]
        told += [words.curvature(counted)] if counted else []
        told += [because] if because else []
        return CriticalPoint(
            kind=kind,
            index=counted.negative if counted else 0,
            nullity=counted.nullity if counted else 0,
            eigenvalues=counted.spectrum.eigenvalues if counted else np.empty(0),
            tolerance=tolerance,
            explanation=f"{kind}{up_to}: {'; '.join(told)}.",
            x=self.x,
            objective=self.objective,
            gradient_norm=self.norm,
            witness=witness,
        )
