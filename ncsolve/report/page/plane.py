"""The plane of a page: two variables, the objective on a grid of them, and the paths of the runs in it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError, did_you_mean
from ncsolve.oracle import compile
from ncsolve.report.page.runs import Run, best_run
from ncsolve.report.page.thin import packed
from ncsolve.report.plot import window

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Plane", "entries_of", "plane_of", "view"]

Array = NDArray[np.float64]

SIZES = (161, 81, 41)
"""Points along each axis, the first that can be evaluated in time."""
MOST_SECONDS = 4.0
WIDE = 8.0
"""Bounds of so many times the surroundings of the runs are shown as a whole."""
FAR = 3.0
"""Paths that leave the surroundings of starts and ends by so many of their widths leave the picture."""


@dataclass(frozen=True)
class Plane:
    """f over two entries of x, the others as at `base`."""

    entries: tuple[int, int]
    names: tuple[str, str]
    base: Array
    lower: Array
    upper: Array
    z: Array
    """(size, size), rows from low to high values of the second entry."""

    def to_json(self) -> dict[str, Any]:
        finite = self.z[np.isfinite(self.z)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        return {
            "names": self.names,
            "lower": self.lower,
            "upper": self.upper,
            "size": len(self.z),
            "z": packed(self.z),
            "low": low,
            "high": high,
            "bend": _bend(finite - low),
        }


def _bend(above: Array) -> float:
    """c of the heights log(1 + (f - low) / c): a low quantile of f - low where f is steep, 0 for plain heights."""
    if not above.size or above.max() <= 0:
        return 0.0
    middle, low = np.quantile(above, [0.5, 0.02])
    return float(max(low, above.max() * 1e-9)) if above.max() > 8 * middle else 0.0


def entries_of(problem: Problem, text: str | None) -> tuple[int, int] | None:
    """Places in x of "x[0],x[3]"; without a text those of two variables, None for more. Raises OptionError."""
    if text is None:
        return (0, 1) if problem.n == 2 else None
    names = {problem.variables.entry(k).replace(" ", ""): k for k in range(min(problem.n, 10_000))}
    asked = _split(text)
    for name in asked:
        if name not in names:
            raise OptionError(f"--plane: there is no '{name}' in x of '{problem.name}'.{did_you_mean(name, names)}")
    if len(asked) != 2 or asked[0] == asked[1]:
        raise OptionError(f"--plane takes two different entries of x, such as x[0],x[3], not {text!r}.")
    return names[asked[0]], names[asked[1]]


def _split(text: str) -> list[str]:
    """At commas that are not inside an index."""
    parts, depth = [""], 0
    for letter in text.replace(" ", ""):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def plane_of(problem: Problem, runs: Sequence[Run], entries: tuple[int, int], box: tuple[Array, Array] | None) -> Plane:
    """f on a grid over the box, or around all starts, ends and known points."""
    base = best_run(runs).x
    x = problem.start_point(np.random.default_rng(0)) if base is None or base.shape != (problem.n,) else base
    lower, upper = view(problem, runs) if box is None else box
    where = list(entries)
    corners = lower[where], upper[where]
    z = _grid(problem, x, entries, *corners)
    return Plane(entries, (problem.variables.entry(where[0]), problem.variables.entry(where[1])), x, *corners, z)


def view(problem: Problem, runs: Sequence[Run]) -> tuple[Array, Array]:
    """Corners (n,) of a box around what was met: starts, ends and known points, and the paths that stay near."""
    paths = [run.trace["x"] for run in runs if "x" in run.trace and run.trace["x"].shape[1:] == (problem.n,)]
    ends = [run.x for run in runs if run.converged and run.x is not None and run.x.shape == (problem.n,)]
    known = [problem.pack(known.point) for known in problem.known]
    anchors = [*ends, *known, *(path[0] for path in paths if len(path))]
    if not anchors:
        anchors = [problem.start_point(np.random.default_rng(0))]
    met = np.array(anchors)
    met = met[np.isfinite(met).all(axis=1)]
    low, high = met.min(axis=0), met.max(axis=0)
    reach = FAR * np.maximum(high - low, 0.1 * (1 + np.abs(met).max(axis=0)))
    near = [np.clip(path[np.isfinite(path).all(axis=1)], low - reach, high + reach) for path in paths]
    low, high = window(np.vstack([met, *near]), problem)
    if problem.lower is None or problem.upper is None:
        return low, high
    near_bounds = bool((problem.upper - problem.lower <= WIDE * (high - low)).all())
    return (problem.lower, problem.upper) if near_bounds else (low, high)


def _grid(problem: Problem, base: Array, entries: tuple[int, int], lower: Array, upper: Array) -> Array:
    """f on the finest grid that is evaluated in time, (size, size); nan where it is not finite."""
    oracle = compile(problem, "numpy")
    began = time.perf_counter()
    oracle.objective(np.tile(base, (SIZES[-1], 1)))
    each = (time.perf_counter() - began) / SIZES[-1]
    size = next((size for size in SIZES if size**2 * each <= MOST_SECONDS), SIZES[-1])
    u, v = np.linspace(lower, upper, size).T
    z = np.empty((size, size))
    x = np.tile(base, (size, 1))
    x[:, entries[0]] = u
    for row in range(size):
        x[:, entries[1]] = v[row]
        z[row] = oracle.objective(x)
    return np.where(np.isfinite(z), z, np.nan)


def coordinates(trace: Mapping[str, NDArray[Any]], plane: Plane) -> Array | None:
    """The path of a run in the plane, (rows, 2); None where its trace holds no iterates."""
    x = trace.get("x")
    return None if x is None or x.shape[1:] != plane.base.shape else np.asarray(x[:, list(plane.entries)], dtype=float)
