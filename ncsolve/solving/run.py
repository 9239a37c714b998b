"""Solve: the loop, then the judgement, then the escape from what is no minimum."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from ncsolve.critical import CriticalPoint, classify
from ncsolve.critical.stationarity import stationarity
from ncsolve.errors import BudgetExhausted, OptionError, PluginError, ProblemError, StoreError
from ncsolve.solving.asking import asked, who
from ncsolve.solving.checkpoint import Keeper, is_resumable
from ncsolve.solving.contract import words_of
from ncsolve.solving.criteria import DEFAULT_ITERATIONS, Criteria
from ncsolve.solving.escape import is_escapable, step_off
from ncsolve.solving.hints import hints_for
from ncsolve.solving.loop import Callback, Loop
from ncsolve.solving.minima import Found, found_by
from ncsolve.solving.options import option_values
from ncsolve.solving.result import Result, versions
from ncsolve.solving.samples import check_burn_in
from ncsolve.solving.solver import check_needs
from ncsolve.solving.status import Status
from ncsolve.solving.trace import Escape
from ncsolve.texts import in_words

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle
    from ncsolve.problem import Problem

__all__ = ["metrics_at", "random_start", "run"]

Vector = NDArray[np.float64]


def run(
    oracle: Oracle,
    solver: Any,
    *,
    x0: Any = None,
    seed: int = 0,
    spawn_key: tuple[int, ...] = (),
    criteria: Criteria | None = None,
    escape: bool = True,
    callbacks: Iterable[Callback] = (),
    keeper: Keeper | None = None,
) -> Result:
    """Run a solver instance from x0, or from the problem's start, and judge what it finds.

    Where the run ends at a saddle or a maximum and `escape` is on, the core steps off along a direction in which the
    objective falls and runs the solver again, within the same limits and the same trace. The same seed (and spawn key,
    see numpy.random.SeedSequence) gives the same bits.

    x0 is {variable: value} or an array (n,). A callback is called with a `Look` after every iteration; it stops the
    run by returning a `Status`, or True (INTERRUPTED); every stopping test is such a callback.

    `keeper` saves marks of a solver that can go on from one. Where it has a mark already the run goes on from there,
    with the same iterates, counts and random numbers as if it had never stopped; only the limits may be others.

    Raises ProblemError or OptionError where problem, solver and x0 do not fit; what happens later is in the `Result`.
    """
    check_needs(solver, oracle)
    criteria = (criteria or Criteria()).bounded(getattr(solver, "default_iterations", DEFAULT_ITERATIONS))
    check_burn_in(solver, criteria)
    if criteria.target is not None and oracle.problem.signs is not None:
        raise OptionError("A min-max problem has no target: a low objective is good for one of its players only.")
    rng = np.random.default_rng(SeedSequence(seed, spawn_key=spawn_key))
    keeper = keeper if is_resumable(solver) else None
    mark = None if keeper is None else keeper.mark
    if mark is not None:
        x = mark.merit["best_x"]
        oracle.restore(mark.begun)
    else:
        x = _first_point(oracle, solver, rng) if x0 is None else _checked_start(oracle, x0)
    loop = Loop(oracle, solver, rng, criteria.test(), callbacks, keeper)
    loop.start -= 0.0 if mark is None else mark.seconds
    before = dict(oracle.counts)
    deadline = None if criteria.max_seconds is None else loop.start + criteria.max_seconds
    oracle.limit(criteria.max_evaluations, deadline)
    if mark is not None:
        loop.resume(mark)
    try:
        with np.errstate(all="ignore"):
            answer = _search(loop, x, criteria, escape)
            if keeper is not None and loop.mark is not None:
                keeper.finish(loop.mark.complete(loop.recorder.numbers))
            return _result(loop, answer, criteria, seed, before)
    finally:
        oracle.limit()


@dataclass(frozen=True)
class _Answer:
    """A point with what the core itself finds there, whatever the solver said."""

    status: Status
    x: Vector
    objective: float
    gradient_norm: float
    point: CriticalPoint


def _search(loop: Loop, x: Vector, criteria: Criteria, escape: bool) -> _Answer:
    """Run, judge, step off, and again. At most 10 + n times: a point of index k may need k escapes."""
    merit = loop.merit
    resumed_from, escapes = loop.leg if loop.mark else (math.inf, 10 + loop.oracle.n if escape else 0)
    while True:
        loop.leg = resumed_from, escapes
        status = loop.advance(x)
        _save_meanwhile(loop)
        answer = _answer(loop, status, x, criteria)
        if escapes == 0 or answer.status not in (Status.CONVERGED, Status.STALLED):
            return answer
        if criteria.max_iterations is not None and loop.iteration >= criteria.max_iterations:
            return answer  # stepping off is an iteration, too
        escapes -= 1
        if merit.best_x is not None and merit.best_objective < resumed_from and loop.passed_lower:
            resumed_from, x = merit.best_objective, merit.best_x
        elif is_escapable(answer.point):
            try:
                lower = step_off(loop.oracle, answer.point)
            except BudgetExhausted as exhausted:
                return replace(answer, status=Status[exhausted.reason])
            except KeyboardInterrupt:
                return replace(answer, status=Status.INTERRUPTED)
            if lower is None:
                return answer
            loop.recorder.escapes.append(Escape(loop.iteration, answer.point))
            x = lower
        else:
            return answer
        loop.iteration += 1


def _save_meanwhile(loop: Loop) -> None:
    """Have the last mark saved while its point is judged; what goes wrong is told at the end."""
    if loop.keeper is not None and loop.mark is not None:
        with suppress(StoreError):
            loop.keeper.save(loop.mark.complete(loop.recorder.numbers), loop.seconds)


def _answer(loop: Loop, status: Status, x0: Vector, criteria: Criteria) -> _Answer:
    """Evaluate and judge the point where the run converged, else the best one seen, else where it began."""
    oracle, merit, tolerance = loop.oracle, loop.merit, criteria.gradient_tolerance
    x, claimed = (x0, math.nan) if merit.best_x is None else (merit.best_x, merit.best_objective)
    if status is Status.CONVERGED and loop.last is not None:
        x, claimed = loop.last.x, loop.last.objective
    f, norm = claimed, math.nan
    with oracle.uncounted():
        try:
            value, g = oracle.value_and_gradient(x)
            f, norm = value + oracle.penalty_value(x), float(np.abs(stationarity(oracle, x, g)).max())
            multipliers = getattr(loop.last.state, "multipliers", None) if loop.last and loop.last.x is x else None
            point = classify(oracle, x, tolerance, multipliers)
            norm = point.gradient_norm if point.kkt else norm
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
            point = CriticalPoint(
                "undecided", 0, 0, np.empty(0), math.nan, "Interrupted before it was judged.", x, f, norm
            )
    wrong = _wrong_numbers(loop, status, f, claimed, norm, tolerance)
    if wrong:
        loop.detail, status = wrong, Status.FAILED
    return _Answer(status, x, f, norm, point)


def _wrong_numbers(loop: Loop, status: Status, f: float, claimed: float, norm: float, tolerance: float) -> str:
    """What is wrong with the numbers by which a solver claims success, "" where they are right."""
    name = loop.solver.name
    if abs(f - claimed) > 1e-6 * (abs(f) + abs(claimed) + abs(loop.merit.first_objective)):
        return f"solver '{name}' reports the objective {claimed:.6g} at a point where it is {f:.6g}"
    by_gradient = status is Status.CONVERGED and not getattr(loop.last and loop.last.state, "converged", False)
    if by_gradient and norm > 2 * tolerance:
        return f"solver '{name}' reports a gradient within {tolerance:g} at a point where its norm is {norm:.3g}"
    return ""


def _result(loop: Loop, answer: _Answer, criteria: Criteria, seed: int, before: Mapping[str, int]) -> Result:
    oracle, solver, samples = loop.oracle, loop.solver, loop.samples.array()
    values = oracle.unpack(answer.x)
    minima: tuple[Found, ...] = ()
    try:
        minima = found_by(oracle, loop.last and loop.last.state)
    except Exception as error:
        answer, loop.error = replace(answer, status=Status.FAILED), error
        loop.detail = f"{who(solver)} reports minima that are none: {in_words(error)}"
    return Result(
        problem=oracle.problem.name,
        solver=solver.name,
        status=answer.status,
        message=_message(loop, answer, criteria),
        point=answer.point,
        x=answer.x,
        values=values,
        objective=answer.objective,
        gradient_norm=answer.gradient_norm,
        iterations=loop.iteration,
        evaluations={kind: count - before.get(kind, 0) for kind, count in oracle.counts.items()},
        seconds=loop.seconds,
        seed=seed,
        options=option_values(solver),
        versions=versions(),
        trace=loop.recorder.trace(),
        hints=hints_for(oracle, solver, answer.status, answer.point, sampler=samples is not None),
        error=loop.error,
        samples=samples,
        minima=minima,
        metrics=metrics_at(oracle.problem, values),
    )


def metrics_at(problem: Problem, values: dict[str, Any]) -> dict[str, float]:
    """The problem's own numbers at a point. Raises ProblemError where its function fails."""
    return {name: _metric(name, function, values) for name, function in problem.metrics.items()}


def _metric(name: str, function: Callable[[dict[str, Any]], float], values: dict[str, Any]) -> float:
    try:
        return float(function(dict(values)))
    except Exception as error:
        raise ProblemError(f"metrics: '{name}' fails at the result with {in_words(error)}") from error


def _message(loop: Loop, answer: _Answer, criteria: Criteria) -> str:
    """Why the run stopped, in one sentence."""
    said = answer.status.message
    if answer.status is Status.CONVERGED and answer.point.kkt:
        said = "the KKT residuals are within the tolerance"
    parts = [loop.detail or said]
    if answer.status is Status.CONVERGED and not loop.detail:
        parts.append(f"({answer.gradient_norm:.2g} <= {criteria.gradient_tolerance:g})")
    said = words_of(loop.last and loop.last.state)
    if said and getattr(loop.last and loop.last.state, "stalled", False) and said not in parts:
        parts.append(f"and {said}")
    if loop.recorder.escapes:
        left = ", ".join(f"{escape.point.kind} at iteration {escape.iteration}" for escape in loop.recorder.escapes)
        parts.append(f"after leaving a {left}")
    return " ".join(parts)


def _first_point(oracle: Oracle, solver: Any, rng: np.random.Generator) -> Vector:
    """The problem's start; where it declares none, the solver's own way to draw one, if it has any."""
    problem = oracle.problem
    return problem.start_point(rng) if problem.start.is_declared else random_start(oracle, solver, rng)


def random_start(oracle: Oracle, solver: Any, rng: np.random.Generator) -> Vector:
    """A random point, in the solver's own way where it has one."""
    own: Callable[[Oracle, np.random.Generator], Vector] | None = getattr(solver, "draw_start", None)
    if own is None:
        return oracle.problem.random_point(rng)
    x: Vector = asked(solver, "draw_start()", own, oracle, rng)
    right = isinstance(x, np.ndarray) and x.shape == (oracle.n,) and x.dtype == np.float64
    if not (right and np.isfinite(x).all() and (oracle.project(x) == x).all()):
        raise PluginError(
            f"{who(solver)} draws the start {x!r}, not {oracle.n} finite numbers (float64) inside the bounds."
        )
    return x


def _checked_start(oracle: Oracle, x0: Any) -> Vector:
    """x0 as an array (n,), inside the bounds."""
    x = np.array(oracle.problem.pack(x0, "x0"))
    if oracle.lower is not None and oracle.upper is not None and not (oracle.project(x) == x).all():
        k = int(np.argmax(np.maximum(oracle.lower - x, x - oracle.upper)))
        raise ProblemError(
            f"x0 lies outside the bounds: x[{k}] = {x[k]:.6g} is not in [{oracle.lower[k]:.6g}, {oracle.upper[k]:.6g}]."
        )
    return x
