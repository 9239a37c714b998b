"""k-means clustering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.solving import option
from ncsolve_blocks.assignment import Assignment, assign, seeds

if TYPE_CHECKING:
    from ncsolve.graph.clusters import Clustering
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class KMeansState:
    x: Vector
    objective: float
    gradient: Vector
    assignment: Assignment
    changed: int
    converged: bool = False

    message: ClassVar[str] = "every centre is the mean of its points, and no point changes its centre"


@dataclass(frozen=True)
class KMeans:
    """Lloyd's algorithm for sum_i min_k |a_i - c_k|^2. [Lloyd 1982; Hamerly 2010; Arthur & Vassilvitskii 2007]

    Each point to its nearest centre, each centre to the mean of its points: the objective never rises, and the labels
    come to rest after finitely many iterations. Triangle inequalities spare most distances. Without a declared start
    the first centres are drawn by k-means++, and so are centres without points. With `batch_size` an iteration is one
    pass in mini-batches, a centre moving to each of its points by 1/(points so far) [Sculley 2010].
    """

    batch_size: int | None = option(None, "points of a mini-batch; none: all", at_least=1)

    name: ClassVar[str] = "kmeans"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "clusters"})
    state_type: ClassVar[type] = KMeansState

    def check(self, oracle: Oracle) -> None:
        """Raise OptionError for more centres or a larger batch than there are points."""
        problem = oracle.clustering
        assert problem is not None
        points = len(problem.points)
        if problem.clusters > points:
            raise OptionError(f"Solver 'kmeans' cannot find {problem.clusters} clusters among {points} points.")
        if self.batch_size is not None and self.batch_size > points:
            raise OptionError(
                f"Option 'batch_size' of solver 'kmeans' is {self.batch_size}, but there are {points} points."
            )

    def draw_start(self, oracle: Oracle, rng: np.random.Generator) -> Vector:
        """All centres by k-means++, shape (n,)."""
        problem = _problem(oracle)
        unset = np.zeros((problem.clusters, problem.points.shape[1]))
        return seeds(problem.points, unset, np.ones(problem.clusters, dtype=bool), rng).ravel()

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> KMeansState:
        problem = _problem(oracle)
        centres = x0.reshape(problem.clusters, -1)
        return _state(oracle, problem, centres, assign(problem.points, centres))

    def step(self, oracle: Oracle, state: KMeansState, rng: np.random.Generator) -> KMeansState:
        problem, before = _problem(oracle), state.assignment
        centres = state.x.reshape(problem.clusters, -1)
        empty = before.counts == 0
        if self.batch_size is not None:
            moved = self.pass_in_batches(problem.points, centres, before.counts, rng)
        else:
            moved = np.where(empty[:, None], centres, before.sums / np.maximum(before.counts, 1)[:, None])
        if empty.any():
            moved = seeds(problem.points, moved, empty, rng)
        lengths = np.sqrt(np.einsum("kd,kd->k", moved - centres, moved - centres))
        found = assign(problem.points, moved, before, lengths)
        return _state(oracle, problem, moved, found, at_rest=not found.changed and not lengths.any())

    def pass_in_batches(self, points: Array, centres: Array, counts: Array, rng: np.random.Generator) -> Array:
        """The centres after every point has been seen once, in batches drawn without replacement."""
        assert self.batch_size is not None
        centres, seen = centres.copy(), np.maximum(counts, 1)
        order = rng.permutation(len(points))
        for start in range(0, len(order), self.batch_size):
            batch = points[order[start : start + self.batch_size]]
            found = assign(batch, centres)
            seen += found.counts
            centres += (found.sums - found.counts[:, None] * centres) / seen[:, None]
        return centres


def _problem(oracle: Oracle) -> Clustering:
    problem = oracle.clustering
    assert problem is not None
    return problem


def _state(
    oracle: Oracle, problem: Clustering, centres: Array, found: Assignment, at_rest: bool = False
) -> KMeansState:
    """f = s SSE, and its gradient 2 s (n_k c_k - sum of the points of centre k), from one pass over the points."""
    oracle.charge("value", "gradient")
    gradient = 2 * problem.scale * (found.counts[:, None] * centres - found.sums)
    f = problem.scale * found.sse
    return KMeansState(centres.ravel(), f, gradient.ravel(), found, found.changed, at_rest)
