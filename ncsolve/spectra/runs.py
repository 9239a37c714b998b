"""Points that runs were at: the end of a kept run with its iterates, and the iterates of a run that is made now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import StoreError
from ncsolve.store import read_arrays

if TYPE_CHECKING:
    from ncsolve.problem import Problem
    from ncsolve.solving import Look, Result

__all__ = ["Snapshots", "kept_end", "kept_path", "run_and_keep"]

Array = NDArray[np.float64]

MOST = 400  # iterates


class Snapshots:
    """A callback that keeps iterates, evenly spread: of twice as many, every other one."""

    def __init__(self) -> None:
        self.x: list[Array] = []
        self.every, self.seen = 1, 0

    def __call__(self, look: Look) -> None:
        if self.seen % self.every == 0:
            self.x.append(look.x.copy())
        self.seen += 1
        if len(self.x) >= MOST:
            self.x, self.every = self.x[::2], 2 * self.every


def run_and_keep(problem: Problem, solver: str, options: Mapping[str, Any], **limits: Any) -> tuple[Result, Array]:
    """A run and its iterates (k, n), its result the last of them."""
    from ncsolve.api import solve

    snapshots = Snapshots()
    result = solve(problem, solver, options=options, callbacks=[snapshots], **limits)
    return result, np.array([*snapshots.x, result.x])


def kept_end(folder: Path, problem: Problem) -> Array:
    """The x (n,) that a kept run ended with. Raises StoreError where there is none, or of another size."""
    try:
        run = json.loads((folder / "run.json").read_text())
        x = np.load(folder / "x.npy", allow_pickle=False) if run.get("x_file") else np.array(run["x"], dtype=np.float64)
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{folder} holds no result of a run: it is what `ncsolve solve --out` writes.") from None
    if x.shape != (problem.n,):
        raise StoreError(f"{folder}: the run has {x.size} variables, and '{problem.name}' has {problem.n}.")
    return np.asarray(x, dtype=np.float64)


def kept_path(folder: Path, problem: Problem) -> Array:
    """The iterates (k, n) of a kept run; its trace holds them for few variables only."""
    end = kept_end(folder, problem)
    trace = read_arrays(folder / "trace.npz")
    if "x" not in trace or not len(trace["x"]):
        raise StoreError(
            f"{folder}: the trace of a run keeps its iterates up to 10 variables only. Make the run here: -s SOLVER."
        )
    return np.concatenate([trace["x"], end[None]])
