"""The kit finds what is wrong: each of these solvers breaks one rule, and exactly the test of that rule goes red."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from ncsolve.errors import OptionError, PluginError
from ncsolve.solving import option
from ncsolve.testing import SolverTests

TESTS = [name for name in dir(SolverTests) if name.startswith("test_")]


@dataclass(frozen=True)
class State:
    x: Any
    objective: float
    gradient: Any
    step_size: float
    extra: Any = None


@dataclass(frozen=True)
class Good:
    """Projected gradient descent with backtracking. [Bertsekas 1976]"""

    first: float = option(1.0, "first step", above=0)
    steps: int = option(1, "of them", at_least=1)
    label: str = "good"

    name: ClassVar[str] = "good"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = State

    def init(self, oracle, x0, rng):
        return State(x0, *oracle.value_and_gradient(x0), self.first)

    def step(self, oracle, state, rng):
        eta = 2 * state.step_size
        while eta > 1e-300:
            x = oracle.project(state.x - eta * state.gradient)
            if oracle.value(x) <= state.objective + 0.3 * state.gradient @ (x - state.x):
                return State(x, *oracle.value_and_gradient(x), eta)
            eta /= 2
        return state


def changed(base, **attributes):
    return type("Changed", (base,), {"__doc__": base.__doc__, **attributes})


def failing(solver, **attributes):
    """The names of the tests of the kit that a solver fails."""
    kit = type("Kit", (SolverTests,), {"solver": solver, "max_iterations": 2000, **attributes})()
    failed = []
    for name in TESTS:
        try:
            getattr(kit, name)()
        except (AssertionError, PluginError, OptionError, ValueError, TypeError):
            failed.append(name)
    return failed


def test_a_good_solver_passes():
    assert failing(Good) == []


def test_a_name_stands_for_a_registered_solver():
    assert failing("gd") == []


@pytest.mark.parametrize(
    ("change", "tests"),
    [
        ({"name": "two words"}, ["test_contract"]),
        ({"needs": frozenset({"gradient", "bounds", "luck"})}, ["test_contract"]),
        ({"__doc__": "No reference."}, ["test_docstring"]),
        ({"__doc__": ""}, ["test_docstring"]),
    ],
)
def test_declarations(change, tests):
    assert failing(changed(Good, **change)) == tests


def changed_step(step):
    """A subclass of Good whose step is step(good_step, self, oracle, state, rng)."""

    def new(self, oracle, state, rng):
        return step(lambda s: Good.step(self, oracle, s, rng), oracle, state, rng)

    return changed(Good, step=new)


def test_writing_into_a_state():
    def step(good, oracle, state, rng):
        state.gradient[:] = 0
        return good(state)

    assert "test_inputs_are_not_written_to" in failing(changed_step(step))


def test_hidden_randomness():
    def step(good, oracle, state, rng):
        after = good(state)
        x = oracle.project(after.x * (1 + 1e-9 * np.random.default_rng().random()))
        return State(x, *oracle.value_and_gradient(x), after.step_size)

    failed = failing(changed_step(step))
    assert "test_same_seed_same_bits" in failed
    assert "test_inputs_are_not_written_to" in failed


def test_a_state_that_cannot_be_saved():
    def step(good, oracle, state, rng):
        return replace(good(state), extra={"a": 1})

    assert failing(changed_step(step)) == ["test_inputs_are_not_written_to", "test_states_are_data"]


def test_leaving_the_bounds():
    class Free(Good):
        """Ignores them. [test]"""

        def step(self, oracle, state, rng):
            x = state.x - 0.04 * state.gradient
            return State(x, *oracle.value_and_gradient(x), 0.04)

    assert failing(Free, accuracy=1e-6) == ["test_stays_inside_bounds"]
    assert failing(changed(Free, needs=frozenset({"gradient"})), accuracy=1e-6) == []


def test_standing_still():
    failed = failing(changed_step(lambda good, oracle, state, rng: state))
    assert {"test_quadratic", "test_valley", "test_one_variable", "test_stays_inside_bounds"} <= set(failed)
    assert "test_docstring" not in failed


def test_raising_where_values_are_undefined():
    def step(good, oracle, state, rng):
        if not np.isfinite(oracle.value(state.x + 10 * state.gradient)):
            raise ArithmeticError("undefined")
        return good(state)

    assert failing(changed_step(step)) == ["test_survives_undefined_values"]


def test_claiming_convergence_at_a_saddle():
    @dataclass(frozen=True)
    class Boastful:
        """Reports the gradient as zero everywhere. [test]"""

        name: ClassVar[str] = "boastful"
        needs: ClassVar[frozenset[str]] = frozenset({"gradient"})

        def init(self, oracle, x0, rng):
            return State(x0, oracle.value(x0), np.zeros_like(x0), 1.0)

        def step(self, oracle, state, rng):
            return state

    assert "test_no_success_at_a_saddle" in failing(Boastful)


def test_options_that_take_anything():
    @dataclass(frozen=True)
    class Anything(Good):
        """Takes any object for its options. [test]"""

        loose: Any = field(default=1.0)

    assert failing(Anything) == ["test_options"]


def test_a_noisy_solver_may_ask_for_less():
    class Noisy(Good):
        """Adds noise to its gradients. [test]"""

        name = "noisy"

        def init(self, oracle, x0, rng):
            return State(x0, *oracle.value_and_gradient(x0), 0.02)

        def step(self, oracle, state, rng):
            noise = 0.01 * rng.standard_normal(len(state.x))
            x = oracle.project(state.x - 0.02 * (state.gradient + noise))
            return State(x, *oracle.value_and_gradient(x), 0.02)

    assert failing(Noisy, accuracy=1e-3, converges=False) == []
    assert "test_quadratic" in failing(Noisy)


def test_a_solver_that_needs_what_the_kit_has_not_is_not_blamed():
    assert failing(changed(Good, needs=frozenset({"box", "prox"}))) == []


def test_a_solver_that_claims_to_know_penalties():
    assert failing(changed(Good, needs=frozenset({"prox"}))) == ["test_penalty"]
