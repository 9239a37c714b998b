"""The values of a population, here or by workers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary, finalize

import numpy as np
from numpy.typing import NDArray

from ncsolve.backends.evaluator import BATCH
from ncsolve.errors import BudgetExhausted
from ncsolve.executors import Patient, choose, in_order
from ncsolve.oracle import Oracle, compile

if TYPE_CHECKING:
    from ncsolve.executors import Session
    from ncsolve.problem import Problem

__all__ = ["end_workers", "values_of"]

Vector = NDArray[np.float64]
Points = NDArray[np.float64]
Block = tuple[Points, str]
"""Points that are evaluated in one go, and the backend."""


class Spread(Protocol):
    """A solver that says where the values of its population are computed."""

    @property
    def workers(self) -> int: ...

    @property
    def executor(self) -> str: ...


def values_of(oracle: Oracle, points: Points, solver: Spread) -> Vector:
    """f at points (m, n) in one call, shape (m,). What is not finite counts as +inf: nothing is worse.

    Raises BudgetExhausted where the limit does not leave all of them.
    """
    if len(points) > oracle.remaining[0]:
        raise BudgetExhausted("EVALUATIONS")
    here = solver.workers == 1 and solver.executor == "processes"
    values = np.asarray(oracle.value(points) if here else _elsewhere(oracle, points, solver))
    finite = np.isfinite(values)
    return values if np.count_nonzero(finite) == len(values) else np.where(finite, values, np.inf)


_sessions: WeakKeyDictionary[Oracle, tuple[Session[Block, Vector], Callable[[], object]]] = WeakKeyDictionary()
"""Workers that have compiled a problem live as long as its oracle, or until what is beside them is called."""


def end_workers(oracle: Oracle) -> None:
    """No more values are wanted."""
    if oracle in _sessions:
        _sessions.pop(oracle)[1]()


def _elsewhere(oracle: Oracle, points: Points, solver: Spread) -> Vector:
    """The values, block by block: those blocks in which a batch is evaluated anyway, so that the bits are the same.

    A population that is one block is evaluated here, for it takes less time than to send it.
    """
    executor = Patient(choose(solver.executor, solver.workers))
    size = oracle.evaluator.together("value", BATCH)
    if len(points) <= size:
        return np.asarray(oracle.value(points))
    if oracle.remaining[1] <= 0:
        raise BudgetExhausted("TIME")
    if oracle not in _sessions:
        stack = ExitStack()
        _sessions[oracle] = stack.enter_context(executor.open(_values, oracle.problem)), finalize(oracle, stack.close)
    backend = oracle.evaluator.backend_for("value", BATCH, len(points))
    blocks = ((points[k : k + size], backend) for k in range(0, len(points), size))
    values = np.concatenate(list(in_order(_sessions[oracle][0].run(blocks))))
    oracle.add_counts({"value": len(points)}, len(points))
    return values


def _values(problem: Problem, block: Block) -> Vector:
    points, backend = block
    return np.asarray(compile(problem, backend).value(points))
