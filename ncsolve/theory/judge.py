"""From a theorem, a problem and a solver to a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.solving import check_needs, configure
from ncsolve.theory.claim import LEVEL, Claim, Violation, comparisons
from ncsolve.theory.constants import SAMPLED, constants_of
from ncsolve.theory.refute import refutations
from ncsolve.theory.study import Missing, Refused, Study
from ncsolve.theory.theorem import Case, Theorem
from ncsolve.theory.verdict import HOLDS, INCONCLUSIVE, NOT_APPLICABLE, VIOLATED, Verdict

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle
    from ncsolve.theory.proof import Box

__all__ = ["Request", "run_case", "verdict_on"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Request:
    """What a theorem shall be checked with."""

    solver: Any
    """A solver class."""
    options: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    x0: Vector | None = None
    seed: int = 0
    horizon: int | None = None
    as_demanded: bool = False
    """Whether what the theorem demands goes before the options given."""
    box: Box | None = None
    """Where constants are proven and the verdict shall be rigorous."""
    secret: Mapping[str, Any] = field(default_factory=dict)
    mutate: Callable[[Study], None] | None = None
    identity: bool = True


def verdict_on(theorem: Theorem, oracle: Oracle, request: Request) -> Verdict:
    """Run the solver as the theorem demands and compare both sides of every claim."""
    name = request.solver.name
    plain = Verdict(theorem.name, NOT_APPLICABLE, "", oracle.problem.name, name, theorem.kind)
    if name not in theorem.solvers:
        spoken = ", ".join(f"'{solver}'" for solver in theorem.solvers)
        return replace(plain, reason=f"The theorem speaks of {spoken}, not of '{name}'.")
    if reason := unsuitable(theorem, oracle, request):
        return replace(plain, reason=reason)
    study = study_of(theorem, oracle, request)
    try:
        if reason := theorem.refusal(study):
            return replace(plain, reason=reason, constants=dict(study.used))
        if reason := settle_options(theorem, study, request):
            return replace(plain, reason=reason, constants=dict(study.used))
        plain = replace(plain, options=dict(study.options))
        if request.mutate:
            request.mutate(study)
        return certified(theorem, study, compare(theorem, study, plain, request.identity), request.box)
    except Missing as missing:
        return replace(plain, verdict=INCONCLUSIVE, reason=str(missing), constants=dict(study.used))
    except Refused as refused:
        return replace(plain, reason=str(refused), constants=dict(study.used))


def certified(theorem: Theorem, study: Study, verdict: Verdict, box: Box | None) -> Verdict:
    if box is None:
        return verdict
    from ncsolve.theory.proof import proven  # ball arithmetic takes long to import

    return proven(theorem, study, verdict, box)


def unsuitable(theorem: Theorem, oracle: Oracle, request: Request) -> str:
    """What the problem has that theorems do not speak of, or lacks that the solver needs."""
    problem = oracle.problem
    if problem.signs is not None:
        return "It is a min-max problem; the theorem speaks of a minimum."
    if problem.constrained:
        return "The problem has constraints; the theorem speaks of none."
    if problem.lower is not None and theorem.kind in ("expectation", "distribution", "almost surely"):
        return "The problem has bounds, which may cut steps short; the theorem speaks of none."
    if oracle.penalty is not None and not theorem.nonsmooth:
        return "The problem has a penalty; the theorem speaks of a smooth objective."
    if oracle.penalty is None and not oracle.structure.smooth:
        return f"The objective is not smooth: {', '.join(oracle.structure.kinks)}." if not theorem.nonsmooth else ""
    try:
        check_needs(request.solver, oracle, own=False)
    except OptionError as error:
        return str(error)
    return ""


def study_of(theorem: Theorem, oracle: Oracle, request: Request) -> Study:
    x0 = request.x0
    if x0 is None:
        x0 = oracle.problem.start_point(np.random.default_rng(request.seed))
    known = constants_of(oracle, request.constants, x0)
    proven = request.box.constants if request.box else {}
    if request.box:
        known = request.box.merged(known, request.constants)

    def make(options: Mapping[str, Any]) -> Any:
        return configure(request.solver, options)

    horizon = request.horizon or theorem.horizon
    return Study(oracle, known, x0, request.seed, horizon, make, secret=request.secret, proven=proven)


def settle_options(theorem: Theorem, study: Study, request: Request) -> str:
    """Take the options demanded and those given; in words, where they contradict each other."""
    given = {name: getattr(configure(request.solver, request.options), name) for name in request.options}
    study.options = dict(given)
    demanded = dict(theorem.demands(study))
    for name, wanted in demanded.items():
        if name in given and not request.as_demanded and not same(given[name], wanted):
            return (
                f"Option '{name}' = {given[name]} was given, but the theorem demands {wanted} ({theorem.demand}). "
                "Leave it out, or ask for the demanded one: --as-demanded."
            )
    study.options = {**given, **demanded}
    try:
        check_needs(study.declared, study.oracle)
    except OptionError as error:
        return str(error)
    return ""


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=1e-12)
    return bool(a == b)


def compare(theorem: Theorem, study: Study, plain: Verdict, with_identity: bool) -> Verdict:
    """The update first, then every claim above the rounding floor, then the constants."""
    if reason := at_bounds(study):
        return replace(plain, reason=reason, constants=dict(study.used))
    identity = theorem.identity(study) if with_identity else None
    if identity is not None and (violation := identity.violation()):
        said = f"The update is not the one that the theorem speaks of: {identity.what} fails at {violation.iteration}."
        return replace(plain, verdict=VIOLATED, reason=said, constants=dict(study.used), first_violation=violation)
    with np.errstate(all="ignore"):
        claims = tuple(theorem.claims(study))
        if theorem.kind in ("every iterate", "horizon"):
            claims = tuple(claim.limited(study.comparable) for claim in claims)
        verdict = replace(
            plain,
            constants=dict(study.used),
            claims=claims,
            gaps=study.gap if "states" in study.__dict__ and "minimum" in study.used else None,
            tightness=largest([claim.tightness() for claim in claims]),
            measured_rate=measured_rate(study),
            theoretical_rate=theorem.rate(study),
            level=LEVEL if any(claim.statistical for claim in claims) else None,
        )
    return decided(verdict, study, claims)


def decided(verdict: Verdict, study: Study, claims: tuple[Claim, ...]) -> Verdict:
    violations = [violation for claim in claims if (violation := claim.violation())]
    sampled = [name for name, constant in study.used.items() if constant.provenance == SAMPLED]
    refuted = refutations(study) if "states" in study.__dict__ else []
    if sampled:
        said = f"The constants {', '.join(sampled)} are only sampled: that can refute, never confirm"
        seen = "the claims fail with them" if violations else "the claims hold with them"
        return replace(verdict, verdict=INCONCLUSIVE, reason=f"{said}. In this run {seen}.")
    if violations:
        first = min(violations, key=lambda violation: violation.iteration)
        return replace(verdict, verdict=VIOLATED, reason=failed(first, refuted), first_violation=first)
    if refuted:
        return replace(verdict, verdict=NOT_APPLICABLE, reason=f"The constant {refuted[0]}.")
    if not any(len(claim.left) for claim in claims):
        return replace(verdict, verdict=INCONCLUSIVE, reason="Nothing to compare above the rounding floor.")
    return replace(verdict, verdict=HOLDS, reason=comparisons(claims))


def failed(first: Violation, refuted: list[str]) -> str:
    return f"{first} The constant {refuted[0]}." if refuted else str(first)


def at_bounds(study: Study) -> str:
    """Where a bound cut a step short: what is said of plain steps is not said of projected ones."""
    lower, upper = study.oracle.lower, study.oracle.upper
    if lower is None or upper is None:
        return ""
    touching = np.flatnonzero(((study.x <= lower) | (study.x >= upper)).any(axis=1))
    return f"Iterate {touching[0]} lies on a bound; the theorem speaks of none." if len(touching) else ""


def largest(numbers: list[float]) -> float:
    return max((number for number in numbers if not math.isnan(number)), default=math.nan)


def measured_rate(study: Study) -> float:
    """The factor by which f - f* fell in an iteration, over the second half of what stands above the floor."""
    if "states" not in study.__dict__ or "minimum" not in study.used:
        return math.nan
    gap = study.gap[: study.comparable]
    gap = gap[np.isfinite(gap) & (gap > 0)]
    half = len(gap) // 2
    if len(gap) < 3 or half >= len(gap) - 1:
        return math.nan
    return float((gap[-1] / gap[half]) ** (1 / (len(gap) - 1 - half)))


def run_case(theorem: Theorem, case: Case, solver: Any, oracle: Oracle) -> Verdict:
    """The verdict on one of a theorem's own cases. In a control the claims must bite, so the identity is left out."""
    control = bool(case.sabotage or case.mutate)
    x0 = None if case.x0 is None else np.asarray(case.x0, dtype=float)
    given: dict[str, Any] = {"options": case.options, "constants": case.constants, "seed": case.seed}
    changed: dict[str, Any] = {"secret": case.sabotage, "mutate": case.mutate, "identity": not control}
    request = Request(solver, x0=x0, horizon=case.horizon, **given, **changed)
    return verdict_on(theorem, oracle, request)
