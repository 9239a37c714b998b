"""f on a line or a plane through a point, and the way of a run in that plane with its true values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError, did_you_mean
from ncsolve.oracle import compile
from ncsolve.spectra.directions import eigen_directions, path_directions, random_directions
from ncsolve.spectra.segments import values_of

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["CHOICES", "Section", "section"]

Array = NDArray[np.float64]

CHOICES = ("random", "eigen", "pca")
MARGIN = 0.15  # around a path
POINTS = {1: 201, 2: 41}


@dataclass(frozen=True, eq=False, repr=False)
class Section:
    """f(x + sum_k u_k d_k) on a grid, at d = 1 or 2 directions."""

    problem: Problem
    x: Array
    kind: str
    """random, eigen, pca or given."""
    directions: Array
    """(d, n)"""
    weights: Array
    """(d,): the eigenvalues of eigen, the explained parts of pca; else empty."""
    axes: tuple[Array, ...]
    """The values of each u_k, (p,)."""
    objective: Array
    """(p,) or (p, p): first axis u_0."""
    path: Array
    """(k, d): the way of the run, projected; (0, d) without one."""
    path_objective: Array
    """(k,): the true values along it."""
    plane_objective: Array
    """(k,): the values at its projections. What differs happened outside the plane."""

    def __repr__(self) -> str:
        return self.summary()

    def to_json(self) -> dict[str, Any]:
        """What `ncsolve slice --json` prints."""
        keys = ("kind", "directions", "weights", "axes", "objective", "path", "path_objective", "plane_objective")
        return {"problem": self.problem.name, "x": self.x, **{key: getattr(self, key) for key in keys}}

    def summary(self) -> str:
        shape = " x ".join(str(len(axis)) for axis in self.axes)
        ends = ", ".join(f"{axis[0]:.4g} to {axis[-1]:.4g}" for axis in self.axes)
        finite = self.objective[np.isfinite(self.objective)]
        lowest = f"{finite.min():.8g} to {finite.max():.8g}" if finite.size else "nowhere finite"
        lines = [
            f"'{self.problem.name}' along {len(self.axes)} {self.kind} direction{'s' * (len(self.axes) > 1)}, "
            f"{shape} points",
            f"  range         {ends}",
            f"  objective     {lowest}",
        ]
        if self.kind == "eigen":
            lines.append(f"  eigenvalues   {'  '.join(f'{v:.6g}' for v in self.weights)}")
        if self.kind == "pca":
            lines.append(f"  explained     {'  '.join(f'{100 * v:.3g} %' for v in self.weights)} of the path")
            off = float(np.abs(self.path_objective - self.plane_objective).max())
            lines.append(f"  off the plane f along the path differs from f in the plane by at most {off:.4g}")
        return "\n".join(lines)


def section(
    problem: Problem,
    x: Any,
    directions: Any = "random",
    dimensions: int | None = None,
    radius: float = 1.0,
    points: int | None = None,
    path: Any = None,
    seed: int = 0,
) -> Section:
    """Look at f on a line or a plane through x.

    Parameters
    ----------
    directions
        "random", each filter scaled to that of x; "eigen", along the highest and the lowest eigenvalue of the Hessian;
        "pca", the principal directions of `path`; or an array (d, n).
    dimensions, points
        1 or 2, and the points along each, 201 on a line and 41 in a plane. Without it a plane, where there is one.
    radius
        u runs from -radius to radius; with a path, over all of it.
    path
        The iterates of a run, (k, n): shown in the plane, with their true values.
    """
    point = problem.pack(x, "x")
    wanted = min(2, problem.n) if dimensions is None else dimensions
    found, kind, weights = _directions(problem, point, directions, wanted, path, seed)
    count = len(found)
    points = POINTS[count] if points is None else points
    if points < 2 or not radius > 0:
        raise OptionError("slice: points must be at least 2, and radius above 0.")
    oracle = compile(problem)
    way: Array = np.empty((0, count))
    true: Array = np.empty(0)
    if path is not None:
        iterates = np.asarray(path, dtype=np.float64)
        way = np.asarray(np.linalg.lstsq(found.T, (iterates - point).T, rcond=None)[0].T)
        true = values_of(oracle, iterates)
    axes = tuple(_axis(way[:, k], radius, points) for k in range(count))
    u = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    f = values_of(oracle, point + u.reshape(-1, count) @ found).reshape(u.shape[:-1])
    projected = values_of(oracle, point + way @ found) if len(way) else np.empty(0)
    return Section(problem, point, kind, found, weights, axes, f, way, true, projected)


def _directions(
    problem: Problem, x: Array, wanted: Any, dimensions: int, path: Any, seed: int
) -> tuple[Array, str, Array]:
    """The directions (d, n), their kind, and what is known of them."""
    if dimensions not in (1, 2):
        raise OptionError(f"slice: dimensions must be 1 or 2, not {dimensions}.")
    if dimensions > problem.n:
        raise OptionError(f"slice: '{problem.name}' has {problem.n} variable: one direction is all there is.")
    if not isinstance(wanted, str):
        given = np.array(wanted, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != problem.n or len(given) not in (1, 2):
            raise OptionError(f"slice: directions must have shape (1 or 2, {problem.n}), not {given.shape}.")
        return given, "given", np.empty(0)
    if wanted not in CHOICES:
        raise OptionError(f"slice: directions are {', '.join(CHOICES)}, not '{wanted}'.{did_you_mean(wanted, CHOICES)}")
    if wanted == "random":
        return random_directions(problem, x, dimensions, np.random.default_rng(seed)), wanted, np.empty(0)
    if wanted == "eigen":
        found, values = eigen_directions(problem, x, dimensions, seed)
        return found, wanted, values
    if path is None:
        raise OptionError("slice: directions 'pca' are those of a path, and there is none.")
    found, explained = path_directions(np.asarray(path, dtype=np.float64), dimensions)
    return found, wanted, explained


def _axis(way: Array, radius: float, points: int) -> Array:
    """From -radius to radius, or over a path with a margin."""
    if not len(way):
        return np.linspace(-radius, radius, points)
    low, high = min(0.0, float(way.min())), max(0.0, float(way.max()))
    margin = MARGIN * (high - low) or radius
    return np.linspace(low - margin, high + margin, points)
