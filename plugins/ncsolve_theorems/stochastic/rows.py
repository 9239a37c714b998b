"""The randomness of a finite sum is enumerable: every row's gradient, and many independent runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ncsolve.theory import Claim, Study
from ncsolve_theorems.common import EPS, values_at

MOST_ROWS = 2000
ONE_ROW = {
    "batch_size": 1,
    "sampling": "uniform",
    "inner_steps": 1,
    "momentum": 0.0,
    "schedule": "constant",
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
    with study.oracle.uncounted():
        return np.array([study.oracle.gradient(x, rows=[row]) for row in range(study.oracle.rows)])


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


def is_one_row_step(study: Study) -> Claim:
    """x+ = x - eta g_i(x) for some row i."""
    eta, misses, allowed = study.option("step_size"), [], []
    for x, after in zip(study.x, study.x[1:], strict=False):
        steps = eta * row_gradients(study, x)
        misses.append(np.abs(after - (x - steps)).max(axis=1).min())
        allowed.append(64 * EPS * (np.abs(x).max() + np.abs(steps).max()))
    return Claim.equal("x+ = x - eta g_i(x)", np.array(misses), np.zeros(len(misses)), np.array(allowed))


def expected_values(study: Study, eta: float) -> tuple[np.ndarray, np.ndarray]:
    """E f(x - eta g_i(x)) and E |g_i - g|^2 at every iterate but the last, exact."""
    means, variances = [], []
    for x in study.x[:-1]:
        g = row_gradients(study, x)
        means.append(values_at(study, x - eta * g).mean())
        variances.append(((g - g.mean(axis=0)) ** 2).sum(axis=1).mean())
    return np.array(means), np.array(variances)


def runs(study: Study, count: int, steps: int) -> list[list[Any]]:
    """The states of so many independent runs, by their seeds."""
    return [study.states_from(study.solver, study.x0, study.seed + 1 + k, steps) for k in range(count)]
