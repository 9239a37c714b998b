"""What first-order solvers share: a direction from gradients, a length for the step, full gradients or mini-batches."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.solving import option
from ncsolve_first_order.mini_batch import MiniBatches
from ncsolve_first_order.schedule import Scheduled
from ncsolve_first_order.searches import SEARCHES, Departure, check_search
from ncsolve_first_order.step_size import first_step_size, given_step_size

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Memory: TypeAlias = tuple[Any, ...]

BLOCK, LARGE = 8192, 100_000


@dataclass(frozen=True, slots=True)
class DescentState:
    x: Vector
    objective: float | None
    """None after mini-batches: the core evaluates f itself."""
    gradient: Vector | None
    memory: Memory
    """What the direction remembers: arrays and numbers, its own in every solver."""
    updates: int
    step_size: float
    stalled: bool = False
    level: tuple[float, float] = (math.nan, 0.0)
    """What a Barzilai-Borwein search remembers."""


@dataclass(frozen=True, slots=True)
class BatchState(DescentState):
    """After an iteration over mini-batches."""

    iteration: int = 0
    epochs: float = 0.0
    """How often the whole finite sum was looked at by mini-batches."""
    batch_size: int = 0
    """Of the next iteration."""
    probabilities: Vector | None = None
    """Of batches that differ in theirs."""


@dataclass(frozen=True)
class Descent(MiniBatches, Scheduled):
    """x+ = P(x + eta d): a solver says what d is, given a gradient and what it remembers; the options say the rest.

    eta is fixed (times its schedule), or found by a line search along d; the gradient is that of f, or its estimate by
    a mini-batch. P projects into the bounds.
    """

    line_search: Literal["armijo", "wolfe", "exact", "polyak", "barzilai-borwein"] | None = option(
        None, "rule that finds the length of each step, from step_size or the last one"
    )

    name: ClassVar[str]
    separable: ClassVar[bool] = False
    """Whether d and the memory, a tuple of vectors, are computed coordinate by coordinate."""
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = DescentState

    # -- what a solver defines -----------------------------------------------------------------------------------------

    def memory(self, x: Vector) -> Memory:
        """What is remembered at the start."""
        return ()

    @abstractmethod
    def direction(self, x: Vector, g: Vector, memory: Memory, k: int) -> tuple[Vector, Memory]:
        """d and the new memory of update k = 1, 2, ..."""

    def landed(self, memory: Memory, d: Vector, cut: NDArray[np.bool_]) -> Memory:
        """The memory after a step that bounds have cut short at some variables; d is what is left of the direction."""
        return memory

    def fixed_step_size(self, oracle: Oracle) -> float | None:
        """eta, where it is given or known: else it is searched for."""
        return given_step_size(self.step_size, oracle)

    def searched(self, oracle: Oracle, state: DescentState) -> DescentState:
        """A step whose length is neither given nor known."""
        return self.searched_along(oracle, state, "armijo")

    @property
    def limit_of_stability(self) -> float:
        """eta times the largest curvature must stay below this near a minimum; 0 where there is no such limit."""
        return 2.0

    # -- the solver contract -------------------------------------------------------------------------------------------

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> DescentState:
        check_search(oracle, self.line_search, self.name)
        if self.uses_batches:
            return self.first_batch_state(oracle, x0, rng)
        eta = self.fixed_step_size(oracle)
        if eta is None or self.line_search is not None:
            self.refuse_schedule(self.name, "it searches for the length of each step")
        f, g = oracle.value_and_gradient(x0)
        return DescentState(x0, f, g, self.memory(x0), 0, eta or first_step_size(x0, g))

    def step(self, oracle: Oracle, state: Any, rng: np.random.Generator) -> DescentState:
        if isinstance(state, BatchState):
            return self.batch_step(oracle, state, rng)
        if self.line_search is not None:
            return self.searched_along(oracle, state, self.line_search)
        eta = self.fixed_step_size(oracle)
        return self.searched(oracle, state) if eta is None else self.fixed(oracle, state, eta)

    # -- full gradients ------------------------------------------------------------------------------------------------

    def fixed(self, oracle: Oracle, state: DescentState, eta: float) -> DescentState:
        k = state.updates
        if not self.is_constant:
            eta *= self.factor(k)
        x, memory = self.moved(oracle, state.x, state.gradient, state.memory, k, eta)
        f, g = oracle.value_and_gradient(x)
        return DescentState(x, f, g, memory, k + 1, eta, stalled=eta == 0)  # a schedule that has ended

    def moved(self, oracle: Oracle, x: Vector, g: Vector, memory: Memory, k: int, eta: float) -> tuple[Vector, Memory]:
        """x+ = P(x + eta d) and the new memory."""
        if self.separable and len(x) > LARGE:
            y, memory = self.moved_in_blocks(x, g, memory, k, eta)
        else:
            d, memory = self.direction(x, g, memory, k + 1)
            y = eta * d
            y += x
        if oracle.lower is None:
            return y, memory
        z = oracle.project(y)
        cut = z != y
        return z, self.landed(memory, (z - x) / eta, cut) if eta > 0 and cut.any() else memory

    def moved_in_blocks(self, x: Vector, g: Vector, memory: Memory, k: int, eta: float) -> tuple[Vector, Memory]:
        """x + eta d and the new memory, in blocks whose temporaries stay in the cache."""
        y, new = np.empty_like(x), tuple(np.empty_like(a) for a in memory)
        for start in range(0, len(x), BLOCK):
            part = slice(start, start + BLOCK)
            d, kept = self.direction(x[part], g[part], tuple(a[part] for a in memory), k + 1)
            np.multiply(d, eta, out=y[part])
            y[part] += x[part]
            for whole, block in zip(new, kept, strict=True):
                whole[part] = block
        return y, new

    def searched_along(self, oracle: Oracle, state: DescentState, rule: str) -> DescentState:
        """A step by a line search; where d does not lead downhill, the memory is dropped and d = -g taken."""
        x, f, g, k = state.x, state.objective, state.gradient, state.updates
        d, memory = self.direction(x, g, state.memory, k + 1)
        if not float(g.dot(d)) < 0:
            d, memory = -g, self.memory(x)
        search = SEARCHES[rule]
        end = search(oracle, Departure(x, f, g, d, state.step_size, state.level))
        if end.stalled and memory:
            d, memory = -g, self.memory(x)
            end = search(oracle, Departure(x, f, g, d, first_step_size(x, g), state.level))
        return DescentState(end.x, end.f, end.g, memory, k + 1, end.step_size, end.stalled, end.level)

    # -- mini-batches --------------------------------------------------------------------------------------------------

    @property
    def uses_batches(self) -> bool:
        return self.batch_size is not None

    def batch_step_size(self, oracle: Oracle, x: Vector, rng: np.random.Generator) -> float:
        """eta with mini-batches, which no line search can find."""
        eta = self.fixed_step_size(oracle)
        if eta is None:
            raise OptionError(f"Solver '{self.name}' with mini-batches needs a step_size: only 'sgd' estimates one.")
        return eta

    def first_batch_state(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> BatchState:
        self.check_batches(oracle, self.name)
        if self.line_search is not None:
            raise OptionError(
                f"Solver '{self.name}' cannot search along the gradient of a mini-batch: leave out line_search or "
                "batch_size."
            )
        B = self.batch_at(0, oracle.rows)
        p = self.batch_probabilities(oracle, x0, rng)
        eta = self.batch_step_size(oracle, x0, rng)
        return BatchState(x0, None, None, self.memory(x0), 0, eta, batch_size=B, probabilities=p)

    def batch_step(self, oracle: Oracle, state: BatchState, rng: np.random.Generator) -> BatchState:
        """One iteration: an epoch of updates, each with the estimate of the gradient by a mini-batch."""
        gradient, N, iteration = oracle.row_gradient(rng), oracle.rows, state.iteration
        x, memory, k, eta, seen = state.x, state.memory, state.updates, state.step_size, 0
        constant = self.is_constant
        for rows, weight in self.batches(N, iteration, state.probabilities, rng):
            g = gradient(x, rows, weight)
            x, memory = self.moved(oracle, x, g, memory, k, eta if constant else eta * self.factor(k))
            k += 1
            seen += len(rows)
        return replace(
            state, x=x, memory=memory, updates=k, iteration=iteration + 1, epochs=state.epochs + seen / N,
            batch_size=self.batch_at(iteration + 1, N),
        )  # fmt: skip
