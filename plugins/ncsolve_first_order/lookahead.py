"""Lookahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.solving import check_needs, configure, option

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class LookaheadState:
    x: Vector
    objective: float
    gradient: Vector
    inner: Any
    """The state of the inner solver, moved to x."""
    stalled: bool = False


@dataclass(frozen=True)
class Lookahead:
    """Lookahead, x+ = x + alpha (y - x), where y is k steps of another solver ahead. [Zhang, Lucas, Hinton & Ba 2019]

    The inner solver keeps its momentum and its means from one iteration to the next.
    """

    inner: str = option("adam", "name of the solver that runs ahead")
    inner_options: str = option("", 'its options, such as "step_size=0.01 beta1=0.8"')
    inner_steps: int = option(5, "k, steps of the inner solver in one iteration", at_least=1)
    interpolation: float = option(0.5, "alpha, part of the way that is gone", above=0, at_most=1)

    name: ClassVar[str] = "lookahead"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = LookaheadState
    kit: ClassVar[Mapping[str, Any]] = {"options": {"inner_options": "step_size=0.05"}, "accuracy": 1e-6}
    """It goes half of the way to a bound in every iteration."""

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> LookaheadState:
        solver = self.solver()
        check_needs(solver, oracle)
        if oracle.lower is not None and "bounds" not in solver.needs:
            raise OptionError(f"Solver 'lookahead' around '{self.inner}' cannot keep within bounds: name another one.")
        f, g = oracle.value_and_gradient(x0)
        return LookaheadState(x0, f, g, solver.init(oracle, x0, rng))

    def step(self, oracle: Oracle, state: LookaheadState, rng: np.random.Generator) -> LookaheadState:
        solver, ahead = self.solver(), state.inner
        for _ in range(self.inner_steps):
            ahead = solver.step(oracle, ahead, rng)
            if at_rest(ahead):
                break
        stalled = bool((ahead.x == state.x).all())
        x = oracle.project(state.x + self.interpolation * (ahead.x - state.x))
        f, g = oracle.value_and_gradient(x)
        return LookaheadState(x, f, g, moved_to(ahead, x, f, g), stalled)

    def solver(self) -> Any:
        """The inner solver with its options."""
        from ncsolve.hooks import registry

        cls: Any = registry().solver(self.inner)
        if hasattr(cls, "choose") or cls is Lookahead:
            raise OptionError(f"Solver 'lookahead' cannot run around '{self.inner}': name one that takes steps itself.")
        pairs = [word.partition("=") for word in self.inner_options.split()]
        if any(not separator for _, separator, _ in pairs):
            raise OptionError(
                f"Option 'inner_options' of solver 'lookahead' must be like \"step_size=0.01 beta1=0.8\", not "
                f"{self.inner_options!r}."
            )
        return configure(cls, {name: value for name, _, value in pairs})


def at_rest(state: Any) -> bool:
    """Whether a solver cannot go on from its state: it says so, or the gradient is exactly zero."""
    g = getattr(state, "gradient", None)
    return bool(getattr(state, "stalled", False)) or (g is not None and not g.any())


def moved_to(state: Any, x: Vector, f: float, g: Vector) -> Any:
    """The same state at another point; what it does not know about its point is not added."""
    values = {"x": x, "objective": f, "gradient": g, "stalled": False}
    known = {name for name in values if getattr(state, name, None) is not None}
    return replace(state, **{name: value for name, value in values.items() if name in known})
