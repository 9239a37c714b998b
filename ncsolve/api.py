"""The front door: `nc.solve` and `nc.classify`, which know problems, solvers and backends by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any

from ncsolve.critical import CriticalPoint
from ncsolve.critical import classify as classify_point
from ncsolve.critical.certificate import Certifier, certified
from ncsolve.errors import OptionError
from ncsolve.hooks import registry
from ncsolve.oracle import Oracle, compile
from ncsolve.solving import Criteria, Look, Result, configure, run, run_starts
from ncsolve.solving.switch import continued, is_stalled

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["classify", "resolve", "solve"]


def solve(
    problem: Problem,
    solver: Any = "auto",
    x0: Any = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    max_iterations: int | None = None,
    max_evaluations: int | None = None,
    max_seconds: float | None = None,
    gradient_tolerance: float = 1e-6,
    target: float | None = None,
    starts: int = 1,
    escape: bool = True,
    backend: str = "auto",
    callbacks: Iterable[Callable[[Look], Any]] = (),
    checkpoint: Any = None,
    certify: bool = False,
) -> Result:
    """Minimise a problem and judge what was found.

    Parameters
    ----------
    solver
        A name (`ncsolve solvers` lists them), a solver class or an instance. "auto" chooses one and says why.
    x0
        {variable: value} or an array (n,); without it the problem's own start.
    seed
        The same seed gives the same bits.
    options
        Options of the solver by name; text is converted.
    max_iterations, max_evaluations, max_seconds
        Limits of each run; without any of them 100 000 iterations. Evaluations are counted in points, of every kind.
    gradient_tolerance
        CONVERGED when the infinity norm of the (projected) gradient is at most this.
    target
        TARGET when the objective is at most this.
    starts
        Number of starting points: the first as above, the others random. The best result is returned, with all in
        `runs`.
    escape
        Step off a saddle or a maximum and go on.
    callbacks
        Called with a `Look` after every iteration; returning True stops (INTERRUPTED), a `Status` stops with it.
    certify
        Prove the judgement of the point in ball arithmetic where that is possible; the explanation says why not.
        Needs python-flint.

    Returns a `Result`: `status` says why it stopped, `point` what x is. What goes wrong during the run is told there;
    what is wrong before it raises an `NcsolveError`.
    """
    if checkpoint is not None:
        raise OptionError(
            "checkpoint comes with runs that can be resumed, which this version cannot do yet. Leave it out."
        )
    if isinstance(starts, bool) or not isinstance(starts, Integral) or starts < 1:
        raise OptionError(f"starts must be an integer of at least 1, not {starts!r}.")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise OptionError(f"seed must be an integer of at least 0, not {seed!r}.")
    if certify:
        Certifier(problem)  # what cannot be certified at all is told before the run
    criteria = Criteria(gradient_tolerance, target, max_iterations, max_evaluations, max_seconds)
    oracle = compile(problem, backend)
    chosen, why = resolve(solver, options or {}, oracle)
    arguments: dict[str, Any] = {"x0": x0, "criteria": criteria, "escape": escape, "callbacks": callbacks}
    if starts == 1:
        result = run(oracle, chosen, seed=int(seed), **arguments)
        if why and is_stalled(result):
            result = _switched(solver, chosen.name, oracle, result, seed=int(seed), **arguments)
    else:
        result = run_starts(partial(compile, problem, backend), chosen, int(starts), seed=int(seed), **arguments)
    if certify:
        result = replace(result, point=certified(problem, result.point))
    return replace(result, message=f"{result.message}; {why}") if why else result


def _switched(solver: Any, stalled: str, oracle: Oracle, result: Result, **arguments: Any) -> Result:
    """Go on with another solver, if the one that chose has an idea."""
    chooser = configure(registry().solver(solver) if isinstance(solver, str) else solver, {})
    choice = chooser.instead(oracle, stalled, registry().solvers()) if hasattr(chooser, "instead") else None
    if choice is None:
        return result
    name, reason = choice
    chosen = configure(registry().solver(name), {})

    def again(criteria: Criteria) -> Result:
        return run(oracle, chosen, **{**arguments, "x0": result.x, "criteria": criteria})

    return continued(result, arguments["criteria"], again, f"{stalled} stalled, {name} went on, {reason}")


def classify(problem: Problem, x: Any, gradient_tolerance: float = 1e-6, certify: bool = False) -> CriticalPoint:
    """Judge a point, {variable: value} or an array (n,): what kind of critical point it is, with the evidence.

    With `certify` also prove it in ball arithmetic, where that is possible; the explanation says why not.
    """
    point = classify_point(compile(problem), problem.pack(x, "x"), gradient_tolerance)
    return certified(problem, point) if certify else point


def resolve(solver: Any, options: Mapping[str, Any], oracle: Oracle) -> tuple[Any, str]:
    """Return a configured solver instance, and why it was chosen where a chooser chose it."""
    if isinstance(solver, str):
        solver = registry().solver(solver)
    if not hasattr(solver, "choose"):
        return configure(solver, options), ""
    name, why = configure(solver, {}).choose(oracle, registry().solvers())
    return configure(registry().solver(name), options), f"{solver.name} chose {name}: {why}"
