"""A rigorous verdict about one run: constants proven in a box, and both sides of every claim in ball arithmetic.

Iterates are floats, so exact numbers. f and its gradient are enclosed there, the theorem's formulas are evaluated on
the enclosures, and left <= right is decided for certain. What stays in floating point is the update itself: the
solver's step is that of the theorem to rounding, which the identity check reports, hence the tolerance of `claim`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.balls import Balls, flint
from ncsolve.critical.certificate import Certifier
from ncsolve.critical.system import system_of
from ncsolve.errors import ProblemError
from ncsolve.landscapes.find import box_of
from ncsolve.oracle import compile
from ncsolve.theory.certified import constants
from ncsolve.theory.claim import TOLERANCE, Claim, Violation, comparisons
from ncsolve.theory.constants import CERTIFIED, CLOSED_FORM, DECLARED, Constant, declared
from ncsolve.theory.number import Number, Objects, Undecided, numbers
from ncsolve.theory.refute import contradiction, implied
from ncsolve.theory.study import Study
from ncsolve.theory.verdict import HOLDS, INCONCLUSIVE, VIOLATED, Verdict

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle
    from ncsolve.problem import Problem
    from ncsolve.theory.theorem import Theorem

__all__ = ["Box", "proven"]

Vector = NDArray[np.float64]

BITS = (128, 512, 2048)
"""Precisions that are tried in turn."""
NAMED = 3
"""Variables up to which a box is written out."""


@dataclass(frozen=True)
class Box:
    """Where constants were proven, and these: {} and no sides where f is quadratic and needs none."""

    constants: Mapping[str, Constant]
    lower: Vector | None = None
    upper: Vector | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, problem: Problem, box: Mapping[Any, Any] | None) -> Box:
        """Prove what can be proven. Raises MissingExtra without python-flint, ProblemError where no box is given."""
        flint()
        if compile(problem).structure.quadratic:
            return cls(constants(problem))
        lower, upper = box_of(problem, box)
        key = ("proven", tuple(problem.parameters.values()), lower.tobytes(), upper.tobytes())
        found = problem.once(key, lambda: constants(problem, box))
        rigorous = {k: c for k, c in found.items() if c.provenance in (CERTIFIED, CLOSED_FORM)}
        return cls(rigorous, lower, upper, tuple(map(problem.variables.entry, range(problem.n))))

    def merged(self, known: Mapping[str, Constant], claims: Mapping[str, float]) -> dict[str, Constant]:
        """What is known, with what is proven: it goes before what the problem declares, and confirms what is claimed.

        A claimed constant that it implies is certified, too.
        """
        merged = dict(known)
        for name, constant in self.constants.items():
            follows = name in known and implied(name, known[name].value, constant)
            if name in claims and not follows:
                continue
            keep = follows and (name in claims or name == "minimum")
            merged[name] = replace(constant, value=known[name].value) if keep else constant
        return merged

    def outside(self, x: NDArray[np.float64]) -> int | None:
        """The first of the iterates (K, n) that is not in the box."""
        if self.lower is None or self.upper is None:
            return None
        bad = np.flatnonzero(~((x >= self.lower) & (x <= self.upper)).all(axis=1))
        return int(bad[0]) if len(bad) else None

    def __str__(self) -> str:
        if self.lower is None or self.upper is None:
            return "R^n"
        if len(self.names) > NAMED:
            return f"the box of {len(self.names)} variables"
        sides = zip(self.names, self.lower, self.upper, strict=True)
        return ", ".join(f"{low:g} <= {name} <= {high:g}" for name, low, high in sides)


def proven(theorem: Theorem, study: Study, verdict: Verdict, box: Box) -> Verdict:
    """The verdict of the floating-point check, decided anew in balls, or INCONCLUSIVE with what is in the way."""
    if verdict.verdict not in (HOLDS, VIOLATED):
        return verdict
    if theorem.kind == "identity":
        return replace(verdict, proof="none: an identity is checked to rounding")
    certified = [name for name, constant in study.used.items() if constant.provenance in (CERTIFIED, CLOSED_FORM)]
    certified = [] if box.lower is None else certified
    k = box.outside(study.x)
    if certified and k is not None:
        at = np.array2string(study.x[k], threshold=6)
        said = f"Iterate {k}, x = {at}, lies outside the box, {box}: nothing is proven there of {', '.join(certified)}."
        larger = f"{said} Give a larger one: --box."
        return replace(verdict, verdict=INCONCLUSIVE, reason=larger, proof="none", first_violation=None)
    outcome = Outcome([], f"Claims of kind '{theorem.kind}' are of a law, which no run proves")
    if not any(claim.statistical for claim in verdict.claims):
        outcome = evaluated(theorem, study)
    if outcome.missing:
        said = f"{outcome.missing}. In floating point: {verdict.verdict}. {verdict.reason}"
        return replace(verdict, verdict=INCONCLUSIVE, reason=said, proof="none", first_violation=None)
    verdict = replace(verdict, reason=verdict.reason + corrections(study, box))
    where = f"every iterate in {box}" if certified else "no box needed"
    believed = [name for name, constant in study.used.items() if constant.provenance == DECLARED]
    if believed and verdict.holds:
        where = f"{where}; {', '.join(believed)} as declared, not proven"
    proof = f"{outcome.compared} comparisons in {outcome.bits}-bit balls, {outcome.strict} without tolerance; {where}"
    if not outcome.violations:
        reason = verdict.reason if verdict.holds else comparisons(verdict.claims)
        return replace(verdict, verdict=HOLDS, reason=reason, proof=proof, first_violation=None)
    first = min(outcome.violations, key=lambda violation: violation.iteration)
    reason = str(first) if verdict.holds else verdict.reason
    proof = f"left > right is certain; {where}"
    return replace(verdict, verdict=VIOLATED, reason=reason, first_violation=first, proof=proof)


def corrections(study: Study, box: Box) -> str:
    """What the problem says of itself and is refuted in the box; the certified constants were used instead."""
    said = declared(study.oracle)
    wrong = [name for name in study.used if name in said and name in box.constants]
    return "".join(
        f" The problem declares {name} = {said[name]:.6g}, which is wrong: {sentence}."
        for name in wrong
        if (sentence := contradiction(name, said[name], box.constants[name]))
    )


@dataclass(frozen=True)
class Outcome:
    """What balls say of the claims."""

    violations: list[Violation]
    missing: str = ""
    """Why they say nothing."""
    compared: int = 0
    strict: int = 0
    """Comparisons in which left <= right is certain without tolerance."""
    bits: int = 0


def evaluated(theorem: Theorem, study: Study) -> Outcome:
    """Compare both sides of all claims, with more bits where fewer leave something open."""
    missing = ""
    for bits in BITS:
        with flint().ctx.workprec(bits):
            try:
                balls = BallStudy.over(study)
                claims = [claim.limited(study.comparable) for claim in theorem.claims(balls)]
                return compared([claim for claim in claims if claim.allowed is None], bits)
            except Undecided as open_:
                missing = f"{bits} bits leave a comparison open: {open_}"
            except (TypeError, ValueError, AttributeError, ArithmeticError, ProblemError) as error:
                return Outcome([], f"A side of the theorem has no form in balls ({error})")
    return Outcome([], missing)


def compared(claims: list[Claim], bits: int) -> Outcome:
    """Raises Undecided where a ball meets the tolerance."""
    violations, total, strict = [], 0, 0
    for claim in claims:
        for k, (left, right) in enumerate(zip(map(Number.of, claim.left), map(Number.of, claim.right), strict=True)):
            tolerance = TOLERANCE * max(1.0, abs(left.middle), abs(right.middle))
            total += 1
            if left <= right + tolerance:
                strict += bool((right - left).ball >= 0)
                continue
            low, high = left.middle, right.middle
            violations.append(Violation(claim.what, claim.first + k, low, high, (left - right).middle))
            break
    return Outcome(violations, "" if total else "Nothing was compared", total, strict, bits)


@dataclass
class BallStudy(Study):
    """A study whose iterates, values, gradients and constants are enclosures; its run is that of another."""

    of: Study = field(kw_only=True)

    @classmethod
    def over(cls, study: Study) -> BallStudy:
        return cls(**{each.name: getattr(study, each.name) for each in fields(study)}, of=study)

    def __post_init__(self) -> None:
        self.oracle = BallOracle(self.of.oracle)  # type: ignore[assignment]

    @property
    def floats(self) -> Study:
        return self.of

    def constant(self, name: str) -> Any:
        value = super().constant(name)
        constant = self.known[name]
        if name == "minimum" and np.isfinite([constant.lower, constant.upper]).all():
            return Number.between(constant.lower, constant.upper)
        return Number.of(value)

    @cached_property
    def states(self) -> list[Any]:
        return [Lifted(state) for state in self.of.states]

    @cached_property
    def x(self) -> Any:
        return numbers(self.of.x)

    @cached_property
    def _evaluated(self) -> Any:
        return self.oracle.value_and_gradient(self.x)

    @cached_property
    def slope(self) -> Any:
        return (self.g**2).sum(axis=1)

    @cached_property
    def best(self) -> Any:
        """An enclosure of the minimiser, proven by Krawczyk's test."""
        (found,) = Certifier(self.of.oracle.problem).prove(self.of.best[None])
        if found is None:
            raise ValueError("the minimiser is not proven")
        return np.array([Number.between(*ends) for ends in zip(found.lower, found.upper, strict=True)], dtype=object)

    @property
    def distance(self) -> Any:
        return np.sqrt(((self.x - self.best) ** 2).sum(axis=1))

    @property
    def comparable(self) -> int:
        return self.of.comparable

    def hessian(self, x: Any) -> Any:
        return self.oracle.hessian(x)

    def least_curvature(self, x: Any) -> Any:
        """The lowest of enclosures of all eigenvalues."""
        H = [[entry.ball for entry in row] for row in self.hessian(x)]
        found = [value.real for value in flint().acb_mat(H).eig(multiple=True)]
        lower, upper = min(found, key=lambda v: float(v.lower())), min(found, key=lambda v: float(v.upper()))
        return Number(lower.lower().union(upper.upper()))


class Lifted:
    """The state of a solver with exact numbers in the place of floats."""

    def __init__(self, state: Any) -> None:
        self.state = state

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.state, name)
        if isinstance(value, float):
            return Number.of(value)
        return numbers(value) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


class BallOracle:
    """An oracle that encloses; what is not evaluated is asked of the other."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle, self.balls = oracle, Balls(system_of(oracle.problem))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.oracle, name)

    def value(self, x: Any) -> Any:
        return self._at(self.balls.value, x)

    def gradient(self, x: Any) -> Any:
        return self._at(self.balls.gradient, x)

    def hessian(self, x: Any, dense: bool = True) -> Any:
        return self._at(self.balls.hessian, x)

    def value_and_gradient(self, x: Any) -> Any:
        return self.value(x), self.gradient(x)

    @staticmethod
    def _at(evaluate: Any, x: Any) -> Any:
        """At a point (n,) or points (m, n)."""
        points = np.atleast_2d(numbers(x))
        balls: Objects = np.frompyfunc(lambda number: number.ball, 1, 1)(points)
        found = np.frompyfunc(Number, 1, 1)(evaluate(balls))
        return found if np.ndim(x) == 2 else found[0]
