"""Limits hold where a run escapes, and where a solver never evaluates; flat witnesses do not stop an escape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.problem import load
from ncsolve.solving import Status

x, y = sp.symbols("x y")


@pytest.mark.parametrize("limit", range(8))
def test_stepping_off_is_an_iteration(limit):
    saddle = nc.Problem(x**2 - y**2 + y**4, start={x: 1, y: 0})
    result = nc.solve(saddle, "newton", max_iterations=limit)
    assert result.iterations <= limit
    assert result.trace.iteration[-1] <= limit


def test_a_saddle_whose_witness_is_flat_is_left():
    result = nc.solve(load("biggs-exp6"), "bfgs")
    assert [escape.point.kind for escape in result.trace.escapes] == ["saddle"]
    assert result.success
    assert result.objective < 1e-9


@dataclass(frozen=True)
class Idle:
    """Moves on without ever asking for a value. [none]"""

    name: ClassVar[str] = "idle"
    needs: ClassVar[frozenset[str]] = frozenset()
    state_type: ClassVar[type] = object

    def init(self, oracle, x0, rng):
        return IdleState(x0, 1.0, np.ones_like(x0))

    def step(self, oracle, state, rng):
        return IdleState(state.x, state.objective * (1 - 1e-6), state.gradient)


@dataclass(frozen=True)
class IdleState:
    x: np.ndarray
    objective: float
    gradient: np.ndarray


def test_the_time_limit_holds_for_steps_that_never_evaluate():
    result = nc.solve(nc.Problem(x**2, start={x: 1}), Idle, max_seconds=0.05)
    assert result.seconds < 0.5
    assert result.trace.seconds[-1] >= 0.05
    assert result.status in (Status.TIME, Status.FAILED)  # its numbers are wrong, and it is told
