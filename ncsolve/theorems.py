"""The front door to the theorems: `nc.verify`, and the catalogue by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ncsolve.errors import OptionError, PluginError, did_you_mean
from ncsolve.executors import Serial, in_order
from ncsolve.hooks import registry
from ncsolve.oracle import compile
from ncsolve.theory import NOT_APPLICABLE, Case, Request, Theorem, Verdict, checked_claims, run_case, verdict_on

if TYPE_CHECKING:
    from ncsolve.executors import Executor
    from ncsolve.problem import Problem
    from ncsolve.theory.proof import Box

__all__ = ["CaseResult", "catalogue", "check_catalogue", "find_theorem", "verify"]


def verify(
    problem: Problem,
    theorem: Any = None,
    solver: Any = None,
    options: Mapping[str, Any] | None = None,
    constants: Mapping[str, float] | None = None,
    x0: Any = None,
    seed: int = 0,
    max_iterations: int | None = None,
    as_demanded: bool = False,
    backend: str = "auto",
    certify: bool = False,
    box: Mapping[Any, Any] | None = None,
) -> list[Verdict]:
    """Check what theorems promise of a solver on this problem, by a run of it.

    Parameters
    ----------
    theorem
        A name or an id (`ncsolve theorems` lists them), a class or an instance. Without it, all theorems about the
        solver; without a solver either, all, each with the solver that it speaks of.
    options
        Options of the solver. Where they contradict what the theorem demands, the verdict is NOT-APPLICABLE;
        with `as_demanded` the demanded ones are taken.
    constants
        Claims to check: {"pl": 0.36, "minimum": 0}. They go before those that are computed or declared;
        strong_convexity 0 claims that f is convex.
    max_iterations
        Length of the run; without it, the theorem's own.

    certify
        Prove the constants in `box`, {variable: (low, high)} or the problem's bounds, see that every iterate stays
        there, and compare both sides in ball arithmetic: a rigorous verdict about this run. Needs python-flint.

    Returns a `Verdict` for each theorem, those that do not apply last. Raises OptionError for unknown names.
    """
    if max_iterations is not None and (not isinstance(max_iterations, Integral) or max_iterations < 2):
        raise OptionError(f"max_iterations must be an integer of at least 2, not {max_iterations!r}.")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise OptionError(f"seed must be an integer of at least 0, not {seed!r}.")
    chosen = [find_theorem(theorem)] if theorem is not None else catalogue()
    oracle = compile(problem, backend)
    named = None if solver is None else solver_class(solver)
    if theorem is None and named is not None:
        chosen = [each for each in chosen if named.name in each.solvers]
    start = None if x0 is None else np.array(problem.pack(x0, "x0"))
    claims = checked_claims(constants or {})
    proven = proven_box(problem, box, certify)
    verdicts = []
    for each in chosen:
        own = named or solver_class(each.solvers[0])
        request = Request(own, options or {}, claims, start, int(seed), max_iterations, as_demanded, proven)
        verdicts.append(verdict_on(each, oracle, request))
    return sorted(verdicts, key=lambda verdict: verdict.verdict == NOT_APPLICABLE)


def proven_box(problem: Problem, box: Mapping[Any, Any] | None, certify: bool) -> Box | None:
    if not certify:
        if box is not None:
            raise OptionError("box says where constants are proven: it needs certify, --certify.")
        return None
    from ncsolve.theory.proof import Box  # ball arithmetic takes long to import

    return Box.of(problem, box)


def solver_class(solver: Any) -> type:
    """The class of a solver that is given by name, as a class or as an instance."""
    if isinstance(solver, str):
        solver = registry().solver(solver)
    found: type = solver if isinstance(solver, type) else type(solver)
    if hasattr(found, "choose"):
        raise OptionError("Theorems speak of one solver each: name it instead of 'auto'.")
    return found


def catalogue() -> list[Theorem]:
    """All theorems that plugins provide, in their order; what is no `Theorem` is left out."""
    return [found() for found in registry().theorems().values() if issubclass(found, Theorem)]


def find_theorem(theorem: Any) -> Theorem:
    """The theorem of this name or id, in any case. Raises OptionError, with the nearest name."""
    if isinstance(theorem, Theorem):
        return theorem
    if isinstance(theorem, type) and issubclass(theorem, Theorem):
        return theorem()
    known = registry().theorems()
    aliases = {each.id.lower(): each for each in known.values() if getattr(each, "id", "")}
    wanted = str(theorem).lower().replace("_", "-")
    found = known.get(wanted) or aliases.get(wanted)
    if found is None:
        hint = did_you_mean(wanted, [*known, *aliases])
        raise OptionError(f"There is no theorem '{theorem}'.{hint} `ncsolve theorems` lists them.")
    if not issubclass(found, Theorem):
        raise PluginError(f"Theorem '{theorem}' is not a subclass of ncsolve.theory.Theorem.")
    made: Theorem = found()
    return made


@dataclass(frozen=True)
class CaseResult:
    """What became of one case of a theorem's own."""

    theorem: Theorem
    role: str
    """positive, witness or control"""
    wanted: str
    """The verdict that it must end with."""
    verdict: Verdict
    seconds: float

    @property
    def ok(self) -> bool:
        return self.verdict.verdict == self.wanted


def check_catalogue(theorems: Iterable[Theorem], executor: Executor | None = None) -> Iterator[CaseResult]:
    """Every theorem on its own positive cases, witnesses and negative controls, in order, here or on an executor."""
    chosen = list(theorems)
    tasks = [(k, j) for k, theorem in enumerate(chosen) for j in range(len(cases_of(theorem)))]
    return in_order((executor or Serial()).run(check_case, chosen, tasks))


def cases_of(theorem: Theorem) -> list[tuple[str, Case]]:
    """Its cases with their roles."""
    cases = [("witness" if case.witness else "positive", case) for case in theorem.positive()]
    return [*cases, *(("control", case) for case in theorem.controls())]


def check_case(theorems: Sequence[Theorem], task: tuple[int, int]) -> CaseResult:
    theorem = theorems[task[0]]
    role, case = cases_of(theorem)[task[1]]
    start = perf_counter()
    verdict = run_case(theorem, case, solver_class(theorem.solvers[0]), compile(case.problem()))
    small = replace(verdict, claims=(), gaps=None)
    return CaseResult(theorem, role, case.verdict, small, perf_counter() - start)
