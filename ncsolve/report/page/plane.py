"""The plane of a page: two variables, the objective on a grid of them, and the paths of the runs in it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
"""Points along each axis, the first that can be evaluated in time and has room."""
MOST_SECONDS = 4.0
MOST_VALUES = 140_000
"""On the grids of all planes of a page: 5 of the finest, 21 of the next."""
WIDE = 8.0
"""Bounds of so many times the surroundings of the runs are shown as a whole."""
MOST_CURVES = 20
"""Constraints h(x) = 0 whose curves are drawn."""
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
    outside: Array | None = None
    """The largest c of the constraints c(x) <= 0, in the same places."""
    on: tuple[Array, ...] = ()
    """The values of each constraint h(x) = 0."""

    def to_json(self) -> dict[str, Any]:
        finite = self.z[np.isfinite(self.z)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        return {
            "names": self.names,
            "lower": self.lower,
            "upper": self.upper,
            "size": len(self.z),
            "z": packed(self.z),
            "outside": None if self.outside is None else packed(self.outside),
            "on": [packed(values) for values in self.on],
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


def plane_of(
    problem: Problem, runs: Sequence[Run], entries: tuple[int, int], box: tuple[Array, Array] | None, planes: int = 1
) -> Plane:
    """f on a grid over the box, or around all starts, ends and known points; one of so many planes of a page."""
    base = best_run(runs).x
    x = problem.start_point(np.random.default_rng(0)) if base is None or base.shape != (problem.n,) else base
    lower, upper = view(problem, runs) if box is None else box
    where = list(entries)
    corners = lower[where], upper[where]
    constraints = compile(problem, "numpy").constraints
    grids = 1 if constraints is None else 2 + min(constraints.equalities, MOST_CURVES)
    z = _grid(problem, x, entries, *corners, MOST_VALUES // (planes * grids))
    names = problem.variables.entry(where[0]), problem.variables.entry(where[1])
    return Plane(entries, names, x, *corners, z, *_constraints(problem, _points(x, entries, *corners, len(z))))


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


def _grid(problem: Problem, base: Array, entries: tuple[int, int], lower: Array, upper: Array, most: int) -> Array:
    """f on the finest grid of at most so many points that is evaluated in time, (size, size); nan where not finite."""
    oracle = compile(problem, "numpy")
    began = time.perf_counter()
    oracle.objective(np.tile(base, (SIZES[-1], 1)))
    each = (time.perf_counter() - began) / SIZES[-1]
    size = next((size for size in SIZES if size**2 * each <= MOST_SECONDS and size**2 <= most), SIZES[-1])
    z = np.array([oracle.objective(x) for x in _points(base, entries, lower, upper, size)])
    return np.where(np.isfinite(z), z, np.nan)


def _points(base: Array, entries: tuple[int, int], lower: Array, upper: Array, size: int) -> Iterator[Array]:
    """The grid row by row, each (size, n)."""
    u, v = np.linspace(lower, upper, size).T
    for second in v:
        x = np.tile(base, (size, 1))
        x[:, entries[0]], x[:, entries[1]] = u, second
        yield x


def _constraints(problem: Problem, rows: Iterable[Array]) -> tuple[Array | None, tuple[Array, ...]]:
    """The largest c(x) and every h(x) on the grid, (size, size) each."""
    constraints = compile(problem, "numpy").constraints
    if constraints is None:
        return None, ()
    with np.errstate(all="ignore"):
        values = np.array([constraints.values(x) for x in rows])
    h, c = values[..., : constraints.equalities], values[..., constraints.equalities :]
    return (c.max(axis=-1) if c.shape[-1] else None), tuple(np.moveaxis(h, -1, 0))[:MOST_CURVES]


def coordinates(trace: Mapping[str, NDArray[Any]], plane: Plane) -> Array | None:
    """The path of a run in the plane, (rows, 2); None where its trace holds no iterates."""
    x = trace.get("x")
    return None if x is None or x.shape[1:] != plane.base.shape else np.asarray(x[:, list(plane.entries)], dtype=float)
