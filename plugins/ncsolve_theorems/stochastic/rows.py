"""The randomness of a finite sum is enumerable: every row's gradient, and many independent runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ncsolve.theory import Claim, Study
from ncsolve_theorems.common import EPS, outcomes, runs, values_at

MOST_ROWS = 2000
ONE_ROW = {
    "batch_size": 1,
    "sampling": "uniform",
    "inner_steps": 1,
    "momentum": 0.0,
    "schedule": "constant",
    "warm_up": 0,
    "batch_growth": 1.0,
    "line_search": None,
}
"""One iteration of `sgd` is one update by one row, drawn uniformly."""


def one_row_demand(step_size: float, updates: int = 1) -> Mapping[str, Any]:
    return {**ONE_ROW, "step_size": step_size, "inner_steps": updates}


def too_many_rows(study: Study) -> str:
    return "" if study.oracle.rows <= MOST_ROWS else f"{study.oracle.rows} rows are too many to enumerate."


def row_gradients(study: Study, x: np.ndarray) -> np.ndarray:
    """g_i(x), unbiased estimates of the gradient, (rows, n)."""
    x = np.ascontiguousarray(x)
    gradient, rows = study.oracle.row_gradient(), np.arange(study.oracle.rows)
    with study.oracle.uncounted():
        return np.array([gradient(x, rows[k : k + 1], float(len(rows))) for k in rows])


def row_hessians(study: Study) -> np.ndarray:
    """H_i(x0), (rows, n, n)."""
    with study.oracle.uncounted():
        return np.array([study.oracle.hessian(study.x0, dense=True, rows=[row]) for row in range(study.oracle.rows)])


def noise_at(study: Study, x: np.ndarray) -> np.ndarray:
    g = row_gradients(study, x)
    return np.asarray(g - g.mean(axis=0))


def additive_noise(study: Study) -> np.ndarray | None:
    """g_i - g, (rows, n), where it is the same at every x."""
    here = noise_at(study, study.x0)
    there = noise_at(study, study.x0 + 1.0)
    return here if np.allclose(here, there, rtol=1e-9, atol=1e-12) else None


def is_one_row_step(study: Study, steps: np.ndarray | None = None) -> Claim:
    """x+ = x - eta g_i(x) for some row i, at every iterate with the same eta, or with its own."""
    eta = np.broadcast_to(study.option("step_size") if steps is None else steps, len(study.x) - 1)
    misses, allowed = [], []
    for x, after, length in zip(study.x, study.x[1:], eta, strict=False):
        moves = length * row_gradients(study, x)
        misses.append(np.abs(after - (x - moves)).max(axis=1).min())
        allowed.append(64 * EPS * (np.abs(x).max() + np.abs(moves).max()))
    return Claim.equal("x+ = x - eta g_i(x)", np.array(misses), np.zeros(len(misses)), np.array(allowed))


def expected_values(study: Study) -> tuple[np.ndarray, np.ndarray]:
    """E f(x+) and E |g_i - g|^2 at every iterate but the last, exact: the mean over all rows that may be drawn."""
    means, variances = [], []
    for state in study.states[:-1]:
        means.append(values_at(study, outcomes(study, state, study.oracle.rows)).mean())
        variances.append((noise_at(study, state.x) ** 2).sum(axis=1).mean())
    return np.array(means), np.array(variances)


def noise_variance(noise: np.ndarray) -> float:
    """E |g_i - g|^2"""
    return float((noise**2).sum(axis=1).mean())


class Loud:
    """One update of `sgd` at a time, its noise 1.6 times as large: a wrong solver."""

    def __init__(self, solver: Any) -> None:
        self.solver = solver

    def __getattr__(self, name: str) -> Any:
        return getattr(self.solver, name)

    def step(self, oracle: Any, state: Any, rng: np.random.Generator) -> Any:
        after = self.solver.step(oracle, state, rng)
        mean = state.x - self.solver.step_size * self.solver.factor(state.updates) * oracle.gradient(state.x)
        return replace(after, x=mean + 1.6 * (after.x - mean))


def louder(study: Study) -> None:
    """The noise of every update is 1.6 times as large."""
    study.solver = Loud(study.solver)


def values_after(study: Study, count: int, moments: tuple[int, ...]) -> np.ndarray:
    """f - f* after so many updates of `count` independent runs, (moments, count), not below 0."""
    x = np.array([[states[k].x for k in moments] for states in runs(study, count, max(moments))])
    f = np.array([values_at(study, points) for points in x.swapaxes(0, 1)])
    return np.maximum(f - study.minimum, 0.0)
