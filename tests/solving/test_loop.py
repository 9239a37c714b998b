"""The loop: what stops a run, what is recorded, and what a misbehaving solver cannot break."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import BudgetExhausted, OptionError
from ncsolve.solving import Criteria, Status, run
from ncsolve.solving.stopping import Iterations, Seconds

x, y = sp.symbols("x y")


@dataclass(frozen=True)
class PlainState:
    x: np.ndarray
    length: float = 0.0


@dataclass(frozen=True)
class Plain:
    """Gradient descent whose state holds x only. [test]"""

    step_size: float = 0.1
    name: ClassVar[str] = "plain"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    state_type: ClassVar[type] = PlainState

    def init(self, oracle: Any, x0: np.ndarray, rng: np.random.Generator) -> PlainState:
        return PlainState(x0)

    def step(self, oracle: Any, state: PlainState, rng: np.random.Generator) -> PlainState:
        s = -self.step_size * oracle.gradient(state.x)
        return PlainState(state.x + s, float(np.linalg.norm(s)))


@dataclass(frozen=True)
class FullState:
    x: np.ndarray
    objective: Any
    gradient: Any
    converged: bool = False
    stalled: bool = False
    message: str = ""


def solver(name, step, init=None, needs=("gradient",), state_type=object):
    """A solver class from its functions; `step(oracle, state, rng)`."""

    @dataclass(frozen=True)
    class Made:
        def init(self, oracle, x0, rng):
            return init(oracle, x0, rng) if init else PlainState(x0)

        def step(self, oracle, state, rng):
            return step(oracle, state, rng)

    Made.name, Made.needs, Made.state_type = name, frozenset(needs), state_type
    Made.__doc__ = f"{name}. [test]"
    return Made()


def stay(oracle, state, rng):
    return state


@pytest.fixture
def bowl():
    return nc.Problem((x - 1) ** 2 + 2 * (y + 1) ** 2, start={x: 3, y: 3}, name="bowl")


def descend(oracle, state, rng, step_size=0.1):
    return PlainState(state.x - step_size * oracle.gradient(state.x))


def test_converged_says_how_well(bowl):
    result = nc.solve(bowl, Plain())
    assert result.status is Status.CONVERGED
    assert result.point.kind == "minimum"
    assert result.success
    assert result.gradient_norm <= 1e-6
    assert result.message == f"the gradient is within the tolerance ({result.gradient_norm:.2g} <= 1e-06)"
    np.testing.assert_allclose(result.x, [1, -1], atol=1e-6)
    assert result.values == {"x": result.x[0], "y": result.x[1]}


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        ({"max_iterations": 3}, Status.ITERATIONS),
        ({"max_evaluations": 3}, Status.EVALUATIONS),
        ({"max_seconds": 1e-9}, Status.TIME),
        ({"target": 0.5}, Status.TARGET),
        ({"max_iterations": 0}, Status.ITERATIONS),
    ],
)
def test_each_limit_stops(bowl, limit, status):
    result = nc.solve(bowl, Plain(), **limit)
    assert result.status is status
    assert result.message.startswith(status.message)
    assert result.objective <= 36


def test_the_limit_of_evaluations_holds_within_a_step(bowl):
    def greedy(oracle, state, rng):
        for _ in range(1000):
            oracle.value(rng.standard_normal(2))
        return state

    result = nc.solve(bowl, solver("greedy", greedy), max_evaluations=50)
    assert result.status is Status.EVALUATIONS
    assert result.evaluations["value"] == 50


def test_the_time_limit_holds_within_a_step(bowl):
    def endless(oracle, state, rng):
        while True:
            oracle.value(rng.standard_normal(2))

    result = nc.solve(bowl, solver("endless", endless), max_seconds=0.05)
    assert result.status is Status.TIME
    assert result.seconds < 2


def test_the_time_limit_holds_where_one_point_is_asked_for_again_and_again(bowl):
    def stubborn(oracle, state, rng):
        while True:
            oracle.value(state.x)
            oracle.value_and_gradient(state.x)

    assert nc.solve(bowl, solver("stubborn", stubborn), max_seconds=0.05).status is Status.TIME


def test_limits_are_lifted_after_the_run(bowl):
    oracle = nc.compile(bowl)
    run(oracle, Plain(), criteria=Criteria(max_evaluations=2))
    assert oracle.value([0.0, 0.0]) == 3.0


def test_stalled_when_nothing_improves(bowl):
    result = nc.solve(bowl, solver("still", stay))
    assert result.status is Status.STALLED
    assert result.iterations == 100


def test_a_solver_may_say_that_it_is_stuck_or_done(bowl):
    def stuck(oracle, state, rng):
        return FullState(state.x, *oracle.value_and_gradient(state.x), stalled=True, message="the well is dry")

    def done(oracle, state, rng):
        return FullState(state.x, *oracle.value_and_gradient(state.x), converged=True)

    def start(oracle, x0, rng):
        return FullState(x0, *oracle.value_and_gradient(x0))

    result = nc.solve(bowl, solver("stuck", stuck, start))
    assert (result.status, result.message) == (Status.STALLED, "the well is dry")
    result = nc.solve(bowl, solver("done", done, start))
    assert result.status is Status.CONVERGED
    assert result.message == "solver 'done' has its own proof of convergence"
    assert result.point.kind == "not-critical"
    assert not result.success


def test_the_trace_has_a_row_for_every_iterate(bowl):
    result = nc.solve(bowl, Plain(), max_iterations=5)
    trace = result.trace
    assert list(trace) == ["iteration", "objective", "gradient_norm", "seconds", "evaluations", "length", "x"]
    np.testing.assert_array_equal(trace.iteration, np.arange(6))
    assert trace["x"].shape == (6, 2)
    oracle = nc.compile(bowl)
    np.testing.assert_array_equal(trace.objective, [oracle.value(point) for point in trace.x])
    np.testing.assert_array_equal(trace.evaluations, np.arange(1, 7))
    assert (np.diff(trace.seconds) >= 0).all()
    with pytest.raises(ValueError, match="read-only"):
        trace.objective[0] = 0
    with pytest.raises(AttributeError, match="The trace has no column 'radius'"):
        trace.radius  # noqa: B018


def test_large_problems_keep_no_path():
    v, i = sp.IndexedBase("v", shape=(20,)), sp.Symbol("i", integer=True)
    result = nc.solve(nc.Problem(sp.Sum(v[i] ** 2, (i, 0, 19)), start={v: 1.0}), Plain(), max_iterations=3)
    assert "x" not in result.trace


def test_points_are_counted_not_calls(bowl):
    def batch(oracle, state, rng):
        oracle.value(rng.standard_normal((10, 2)))
        return PlainState(state.x + 1)

    result = nc.solve(bowl, solver("batch", batch), max_iterations=2)
    assert result.evaluations == {"value": 2 * 10 + 3, "gradient": 3, "hessian": 0, "hvp": 0}


def test_judging_is_not_counted(bowl):
    result = nc.solve(bowl, Plain(), max_iterations=0)
    assert result.evaluations == {"value": 1, "gradient": 1, "hessian": 0, "hvp": 0}


# -- callbacks ---------------------------------------------------------------------------------------------------------


def test_callbacks_see_every_iterate_and_can_stop(bowl):
    seen = []

    def watch(look):
        seen.append(look)
        return look.iteration == 3

    result = nc.solve(bowl, Plain(), callbacks=[watch])
    assert result.status is Status.INTERRUPTED
    assert result.message == "a callback asked to stop"
    assert [look.iteration for look in seen] == [0, 1, 2, 3]
    assert seen[0].objective > seen[3].objective == result.objective
    assert seen[0].x.tolist() == [3, 3]


def test_a_stopping_test_is_a_callback(bowl):
    result = nc.solve(bowl, Plain(), callbacks=[Iterations(4) | Seconds(60)])
    assert (result.status, result.iterations) == (Status.ITERATIONS, 4)


def test_a_callback_that_raises_is_the_callers_own(bowl):
    def broken(look):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        nc.solve(bowl, Plain(), callbacks=[broken])


# -- what can go wrong -------------------------------------------------------------------------------------------------


def test_ctrl_c_keeps_the_best_point(bowl):
    def interrupted(oracle, state, rng):
        if oracle.points > 5:
            raise KeyboardInterrupt
        return descend(oracle, state, rng)

    result = nc.solve(bowl, solver("interrupted", interrupted))
    assert result.status is Status.INTERRUPTED
    assert result.objective == result.trace.objective.min() < 36


def test_a_solver_that_raises_fails_with_its_name_its_error_and_the_best_point(bowl):
    def broken(oracle, state, rng):
        if oracle.points >= 3:
            raise ZeroDivisionError("by nothing")
        return descend(oracle, state, rng)

    result = nc.solve(bowl, solver("broken", broken))
    assert result.status is Status.FAILED
    assert result.message == f"solver 'broken' ({__name__}) failed in step 3: ZeroDivisionError: by nothing"
    assert isinstance(result.error, ZeroDivisionError)
    assert result.error.__traceback__ is not None
    assert result.objective == result.trace.objective.min() < 36


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (lambda s: None, "AttributeError: 'NoneType' object has no attribute 'x'"),
        (lambda s: PlainState([1.0, 2.0]), "AttributeError: 'list' object has no attribute 'shape'"),
        (lambda s: PlainState(np.zeros(3)), "TypeError: its state has x of shape (3,) and type float64"),
        (lambda s: PlainState(np.zeros(2, int)), "TypeError: its state has x of shape (2,) and type int64"),
        (lambda s: FullState(s.x, 1.0, np.zeros(1)), "TypeError: its state has a gradient of shape (1,) and float64"),
        (lambda s: FullState(s.x, "low", np.zeros(2)), "ValueError: could not convert string to float: 'low'"),
    ],
)
def test_a_wrong_state_is_named(bowl, returned, text):
    result = nc.solve(bowl, solver("wrong", lambda oracle, state, rng: returned(state)))
    assert result.status is Status.FAILED
    wanted = "x must be a float64 array of shape (2,), objective a number and gradient like x"
    assert result.message == f"solver 'wrong' ({__name__}) failed in step 1: {text}. {wanted}"
    assert result.x.tolist() == [3, 3]


def test_a_state_of_another_type_is_named(bowl):
    made = solver("other", stay, lambda oracle, x0, rng: FullState(x0, 1.0, x0), state_type=PlainState)
    result = nc.solve(bowl, made)
    assert result.status is Status.FAILED
    assert "init() returned FullState, not its state_type PlainState" in result.message


def test_a_state_that_loses_its_numbers_is_named(bowl):
    def change(oracle, state, rng):
        return PlainState(state.x, None)

    result = nc.solve(bowl, solver("fickle", change))
    assert result.status is Status.FAILED
    assert "failed in step 1: TypeError" in result.message
    assert result.trace.rows == 1


def test_states_cannot_be_written_to(bowl):
    def scribble(oracle, state, rng):
        state.x[0] = 0
        return state

    result = nc.solve(bowl, solver("scribble", scribble))
    assert result.status is Status.FAILED
    assert result.message.endswith("x0 and returned states must not be written to: work on a copy")


def test_the_callers_x0_is_copied(bowl):
    x0 = np.array([2.0, 2.0])
    nc.solve(bowl, Plain(), x0=x0)
    x0[0] = 5.0
    assert x0.tolist() == [5.0, 2.0]


def test_a_wrong_objective_is_found_out(bowl):
    def start(oracle, x0, rng):
        return FullState(x0, 36.0, np.ones(2))

    def boast(oracle, state, rng):
        return FullState(state.x + 1, -100.0, np.ones(2))

    result = nc.solve(bowl, solver("boast", boast, start), max_iterations=5)
    assert result.status is Status.FAILED
    assert result.message == "solver 'boast' reports the objective -100 at a point where it is 59"


def test_a_wrong_gradient_is_found_out(bowl):
    def feign(oracle, x0, rng):
        return FullState(x0, oracle.value(x0), np.zeros(2))

    result = nc.solve(bowl, solver("feign", stay, feign))
    assert result.status is Status.FAILED
    assert result.message == "solver 'feign' reports a gradient within 1e-06 at a point where its norm is 16"


@pytest.mark.parametrize(
    ("objective", "slope", "what"),
    [(np.nan, 1.0, "an objective"), (-np.inf, 1.0, "an objective"), (5.0, np.nan, "a gradient")],
)
def test_numbers_that_are_not_finite_are_the_solvers_where_those_of_the_oracle_are(bowl, objective, slope, what):
    def lose(oracle, state, rng):
        return FullState(state.x - 1, objective, np.full(2, slope))

    def start(oracle, x0, rng):
        return FullState(x0, *oracle.value_and_gradient(x0))

    result = nc.solve(bowl, solver("lossy", lose, start))
    assert result.status is Status.FAILED
    assert result.message == f"solver 'lossy' reports {what} that is not finite where it is finite"
    assert (result.x.tolist(), result.objective) == ([3, 3], 36.0)


def test_a_budget_error_in_init_is_a_limit(bowl):
    def costly(oracle, x0, rng):
        raise BudgetExhausted("EVALUATIONS")

    result = nc.solve(bowl, solver("costly", stay, costly))
    assert result.status is Status.EVALUATIONS
    assert result.x.tolist() == [3, 3]


def test_a_solver_may_refuse_a_problem_before_the_first_step(bowl):
    def refuse(oracle, x0, rng):
        raise OptionError("too small for me")

    with pytest.raises(OptionError, match="too small for me"):
        nc.solve(bowl, solver("choosy", stay, refuse))


# -- values that are not finite ----------------------------------------------------------------------------------------


def test_a_nonfinite_value_is_explained_and_the_best_point_kept():
    problem = nc.Problem(x - sp.log(x) + y**2, start={x: 2.0, y: 1.0})
    result = nc.solve(problem, solver("leap", lambda oracle, state, rng: PlainState(state.x - 3.0)))
    assert result.status is Status.NONFINITE
    assert "log(x)" in result.message
    assert "x = -1" in result.message
    assert result.x.tolist() == [2.0, 1.0]


def test_a_start_outside_the_domain_is_explained():
    result = nc.solve(nc.Problem(x - sp.log(x)), Plain(), x0=[-1.0])
    assert result.status is Status.NONFINITE
    assert "log(x)" in result.message
    assert result.iterations == 0


@pytest.mark.parametrize("where", [np.nan, np.inf])
def test_a_nonfinite_iterate_is_no_answer_even_where_f_is_finite(where):
    problem = nc.Problem(sp.exp(-(x**2)) * 0 + y**2 + 1 / (1 + x**2), start={x: 1.0, y: 1.0})
    result = nc.solve(problem, solver("far", lambda oracle, state, rng: PlainState(np.array([where, 0.0]))))
    assert result.status is Status.NONFINITE
    assert np.isfinite(result.x).all()


def test_an_unbounded_objective_is_recognised():
    result = nc.solve(nc.Problem(x**3 + y), "lbfgs", x0=[-1.0, 0.0])
    assert result.status is Status.NONFINITE
    assert result.message.startswith("the objective falls without bound: it is -")


def test_a_step_that_is_too_long_is_hinted_at(bowl):
    result = nc.solve(nc.Problem(x**4, start={x: 3.0}), "gd", options={"step_size": 1.0})
    assert result.status is Status.NONFINITE
    assert result.hints == ("step_size = 1 is too long for the curvature met, 108: stay below 2 / 108 = 0.0185",)


@pytest.mark.parametrize("name", ["gd", "momentum", "lbfgs", "trust-region"])
def test_an_infinite_slope_between_bounds_is_no_critical_point(name):
    """The projected gradient is finite there: it ends at the bound."""
    result = nc.solve(nc.Problem(sp.sqrt(1 - x) + y**2, bounds={x: (-1, 2)}, start={x: 1.0, y: 0.0}), name)
    assert (result.status, result.iterations) == (Status.NONFINITE, 0)
    held = nc.solve(nc.Problem(sp.sqrt(x) + y**2, bounds={x: (0, 2)}, start={x: 0.0, y: 0.0}), name)
    assert held.status is Status.CONVERGED


# -- bounds ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def box():
    return nc.Problem((x - 3) ** 2 + y**2, bounds={x: (-1, 1), y: (-2, 2)}, start={x: 0, y: 1}, name="box")


def test_the_gradient_norm_is_that_of_the_projected_gradient(box):
    result = nc.solve(box, "lbfgs")
    assert result.status is Status.CONVERGED
    assert result.x.tolist() == [1, 0]
    assert result.gradient_norm == 0
    assert nc.compile(box).gradient(result.x)[0] == -4


def test_leaving_the_bounds_is_a_failure_with_a_name(box):
    result = nc.solve(box, Plain())
    assert result.status is Status.FAILED
    assert result.message == (
        "solver 'plain' left the bounds, which it does not declare to handle: choose one that does "
        "(x[0] = 1.08 is outside [-1, 1])"
    )
    assert (np.abs(result.x) <= [1, 2]).all()


def test_a_start_outside_the_bounds_is_refused(box):
    with pytest.raises(nc.NcsolveError) as caught:
        nc.solve(box, x0=[0, 3])
    assert str(caught.value) == "x0 lies outside the bounds: x[1] = 3 is not in [-2, 2]."
