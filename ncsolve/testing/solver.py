"""The kit for solvers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ncsolve import api
from ncsolve.errors import MissingExtra, OptionError
from ncsolve.hooks import registry
from ncsolve.oracle import Oracle, compile
from ncsolve.penalties import L1
from ncsolve.solving import Result, Status, check_contract, check_needs, configure, options_of, summary_of
from ncsolve.testing import problems

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["SolverTests"]

SUCCESS = (Status.CONVERGED, Status.TARGET)


class SolverTests:
    """What every solver must pass. Subclass it in a test file and set `solver`:

    class TestMySolver(SolverTests):
        solver = MySolver

    A test passes where the kit's problem does not offer what the solver needs. What is not set here is taken from the
    solver's own `kit: ClassVar`, a mapping of the names below, where it has one: so does `ncsolve plugins test`.
    """

    solver: ClassVar[Any]
    """A solver class, or the name of a registered one."""
    options: ClassVar[Mapping[str, Any]] = {}
    """Options that the runs of the kit use."""
    accuracy: ClassVar[float] = 1e-8
    """Part of the first objective gap, f(x0) - min f, that may be left at the end: larger for stochastic solvers."""
    converges: ClassVar[bool] = True
    """Whether a run on a smooth problem ends with CONVERGED, as against running to its limit."""
    max_iterations: ClassVar[int] = 20_000

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        solver = getattr(cls, "solver", None)
        if solver is not None:
            known = registry().solver(solver) if isinstance(solver, str) else solver
            for name, value in getattr(known, "kit", {}).items():
                if name not in cls.__dict__:
                    setattr(cls, name, value)

    # -- what it says of itself ----------------------------------------------------------------------------------------

    def test_contract(self) -> None:
        """Name, needs, methods and options are declared as the contract asks."""
        check_contract(self._class())

    def test_docstring(self) -> None:
        """The first line says what it is and names a [reference]."""
        line = summary_of(self._class())
        assert line, f"solver '{self._name()}' has no docstring: its first line is what `ncsolve solvers` shows"
        assert re.search(r"\[.+\]", line), f"the first line of the docstring names no [reference]: {line!r}"

    def test_options(self) -> None:
        """The defaults are valid and survive the way through text; unknown and absurd values are refused."""
        cls = self._class()
        defaults = {option.name: option.default for option in options_of(cls)}
        for name, value in defaults.items():
            given = getattr(configure(cls, {name: str(value)}), name) if isinstance(value, (Real, str)) else value
            assert given == value, f"option '{name}' given as the text {str(value)!r} becomes {given!r}"
        for name, value in [("no_such_option", 1), *((name, object()) for name in defaults)]:
            try:
                configure(cls, {name: value})
            except OptionError:
                continue
            raise AssertionError(f"option '{name}' accepts {value!r}")

    # -- how it behaves as a function ----------------------------------------------------------------------------------

    def test_inputs_are_not_written_to(self) -> None:
        """Neither x0 nor a state changes once handed over; init and step are functions of their arguments."""
        for oracle in self._oracles(self._problem("quadratic")):
            x0 = oracle.problem.start_point(np.random.default_rng(0))
            before = x0.copy()
            first = [(state, _data(state)) for state in self._states(oracle, x0)]
            again = [_data(state) for state in self._states(oracle, x0)]
            assert np.array_equal(x0, before), "x0 was written to"
            for state, copied in first:
                assert _same(_data(state), copied), "a state was written to after it was returned"
            assert _same([copied for _, copied in first], again), "two runs from the same x0 and seed differ"

    def test_states_are_data(self) -> None:
        """A state consists of arrays, numbers and tuples or dataclasses of them, so that it can be saved; x is (n,)."""
        for oracle in self._oracles(self._problem("quadratic")):
            for state in self._states(oracle, oracle.problem.start_point(np.random.default_rng(0))):
                assert state.x.shape == (oracle.n,), f"x has shape {state.x.shape}, not ({oracle.n},)"
                assert state.x.dtype == np.float64, f"x has type {state.x.dtype}, not float64"
                _data(state)

    def test_same_seed_same_bits(self) -> None:
        """Two runs with the same seed agree in every bit."""
        first, second = (self._solve(self._problem("valley"), max_iterations=50) for _ in range(2))
        if first and second:
            assert np.array_equal(first.x, second.x), "two runs with the same seed end at different points"
            for name in ("objective", "gradient_norm", "evaluations"):
                assert np.array_equal(first.trace[name], second.trace[name]), f"their traces differ in {name}"

    # -- what it achieves ----------------------------------------------------------------------------------------------

    def test_quadratic(self) -> None:
        """It minimises a convex quadratic."""
        self._minimises(self._problem("quadratic"))

    def test_valley(self) -> None:
        """It minimises a smooth non-convex function of two variables."""
        self._minimises(self._problem("valley"))

    def test_one_variable(self) -> None:
        """n = 1 is no special case."""
        self._minimises(self._problem("one_variable"))

    def test_penalty(self) -> None:
        """A solver that needs "prox" minimises with a penalty, and finds the zero that it makes."""
        result = self._solve(problems.sparse())
        if result:
            self._minimises(problems.sparse())
            assert result.x[1] == 0 or not self.converges, f"x[1] = {result.x[1]}, where the penalty makes it 0"

    def test_start_at_the_minimum(self) -> None:
        """A run that starts at the minimum ends there."""
        problem = self._problem("quadratic")
        result = self._solve(problem, x0=problem.known[0].point)
        if result:
            self._check_gap(result, problem, allowed=self.accuracy)

    # -- what it never does --------------------------------------------------------------------------------------------

    def test_stays_inside_bounds(self) -> None:
        """A solver that declares "bounds" minimises in a box and never leaves it."""
        if "bounds" in self._class().needs:
            problem = self._problem("box")
            lower, upper = problem.lower, problem.upper
            assert lower is not None
            assert upper is not None
            outside: list[Any] = []

            def watch(look: Any) -> None:
                if (look.x < lower).any() or (look.x > upper).any():
                    outside.append(look.x)

            self._minimises(problem, callbacks=[watch])
            assert not outside, f"it left the bounds, to {outside[0]}"

    def test_survives_undefined_values(self) -> None:
        """Where the objective is undefined for some x, nothing is raised and the best point is finite."""
        result = self._solve(self._problem("half_plane"))
        if result:
            assert np.isfinite([*result.x, result.objective]).all(), f"the best point is {result.x}"

    def test_no_success_at_a_saddle(self) -> None:
        """From a start that leads to a saddle, no run is a success there, whether or not the core may escape."""
        for escape in (True, False):
            result = self._solve(self._problem("saddle"), escape=escape)
            if result and result.success:
                assert result.objective < -0.2, f"success is reported at {result.x}, next to the saddle at 0"

    def test_limits_hold(self) -> None:
        """A run stops at its limits of iterations and of evaluations."""
        for limit in ("max_iterations", "max_evaluations"):
            result = self._solve(self._problem("valley"), gradient_tolerance=0.0, **{limit: 3})
            if result:
                used = (
                    result.iterations if limit == "max_iterations" else int(result.trace["evaluations"].max(initial=0))
                )
                assert used <= 3, f"{limit} = 3, but {used} were used"

    # -- how it is done ------------------------------------------------------------------------------------------------

    def _class(self) -> Any:
        solver = type(self).solver
        return registry().solver(solver) if isinstance(solver, str) else solver

    def _name(self) -> str:
        return str(self._class().name)

    def _problem(self, name: str) -> Problem:
        """A problem of the kit; for a solver that needs a penalty with one of strength 0, which changes nothing."""
        problem: Problem = getattr(problems, name)(L1(0.0) if "prox" in self._class().needs else None)
        return problem

    def _oracles(self, problem: Problem) -> Iterator[Oracle]:
        """The oracle of a problem, if it offers what the solver needs."""
        oracle = compile(problem)
        cls = self._class()
        try:
            check_needs(cls if hasattr(cls, "choose") else configure(cls, self.options), oracle)
        except (OptionError, MissingExtra):
            return
        yield oracle

    def _states(self, oracle: Oracle, x0: Any, steps: int = 5) -> Iterator[Any]:
        """The first states, each before the next one is asked for."""
        solver, _ = api.resolve(self._class(), self.options, oracle)
        rng = np.random.default_rng(0)
        with np.errstate(all="ignore"):
            if hasattr(solver, "drive"):
                yield from _reported(solver, oracle, x0, rng, 1 + steps)
                return
            state = solver.init(oracle, x0, rng)
            yield state
            for _ in range(steps):
                state = solver.step(oracle, state, rng)
                yield state

    def _solve(self, problem: Problem, **arguments: Any) -> Result | None:
        """One run, which must not fail, or None where the problem does not offer what the solver needs."""
        for _ in self._oracles(problem):
            arguments = {"max_iterations": self.max_iterations, **arguments}
            result = api.solve(problem, self._class(), options=self.options, **arguments)
            assert result.status is not Status.FAILED, result.message
            return result
        return None

    def _minimises(self, problem: Problem, **arguments: Any) -> None:
        result = self._solve(problem, **arguments)
        if result:
            if self.converges:
                assert result.status in SUCCESS, f"on {problem.name} it ends with {result.status}: {result.message}"
                assert result.point.kind == "minimum", f"on {problem.name} it ends at {result.point.explanation}"
            self._check_gap(result, problem, allowed=self.accuracy)

    def _check_gap(self, result: Result, problem: Problem, allowed: float) -> None:
        oracle = compile(problem)
        first = oracle.objective(problem.start_point(np.random.default_rng(0)))
        lowest = min(oracle.objective(oracle.pack(known.point)) for known in problem.known)
        gap = (result.objective - lowest) / (first - lowest)
        assert gap <= allowed, f"on {problem.name} it leaves {gap:.2g} of the first gap, not at most {allowed:g}"


class _Enough(Exception):
    """Ends the run of a solver that has a loop of its own."""


def _reported(solver: Any, oracle: Oracle, x0: Any, rng: np.random.Generator, count: int) -> list[Any]:
    """The first states that such a solver reports."""
    states: list[Any] = []

    def report(state: Any) -> None:
        states.append(state)
        if len(states) == count:
            raise _Enough

    with suppress(_Enough):
        solver.drive(oracle, x0, rng, report)
    return states


def _data(value: Any) -> Any:
    """A copy of a state as nested lists. Raises AssertionError for what is no data."""
    if isinstance(value, np.ndarray):
        assert value.dtype.kind in "fiub", f"an array of type {value.dtype} is no data that can be saved"
        return value.tolist()
    if value is None or isinstance(value, (Real, np.generic)):
        return value
    if is_dataclass(value):
        return [_data(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, (tuple, list)):
        return [_data(item) for item in value]
    raise AssertionError(f"a state holds a {type(value).__name__}, which is neither an array nor a number")


def _same(a: Any, b: Any) -> bool:
    """Equality of nested lists, NaN equal to itself."""
    return repr(a) == repr(b)
