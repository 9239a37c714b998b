"""KMPP."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache
from itertools import product
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import expectation_at_most, frequencies
from ncsolve_theorems import problems

DRAWS, MOST = 1500, 60_000


@cache
def nine_points(apart: float = 10.0) -> Problem:
    """Three triples around the corners of a triangle, three clusters: OPT is enumerated."""
    corners = apart * np.array([[0.0, 0.0], [1.0, 0.0], [0.3, 0.8]])
    points = (corners[:, None] + np.random.default_rng(3).standard_normal((3, 3, 2))).reshape(9, 2)
    A, C = sp.IndexedBase("A", shape=(9, 2)), sp.IndexedBase("C", shape=(3, 2))
    i, d = sp.symbols("i d", integer=True)
    squares = [sp.Sum((A[i, d] - C[k, d]) ** 2, (d, 0, 1)) for k in range(3)]
    nearest = sp.Min(*squares, evaluate=False)
    return Problem(sp.Sum(nearest, (i, 0, 8)), name="nine-points", data={A: points})


class OtherSeeds:
    """Seeds by a rule that does not look at distances: which points, from (rng, points, clusters)."""

    def __init__(self, rule: Callable[[np.random.Generator, int, int], np.ndarray]) -> None:
        self.rule = rule

    def draw_start(self, oracle: Any, rng: np.random.Generator) -> np.ndarray:
        points, k = oracle.clustering.points, oracle.clustering.clusters
        return np.ravel(points[self.rule(rng, len(points), k)])


def first_points(study: Study) -> None:
    """All seeds are the first point."""
    study.solver = OtherSeeds(lambda rng, n, k: np.zeros(k, dtype=int))


def uniform_points(study: Study) -> None:
    """Seeds are drawn uniformly."""
    study.solver = OtherSeeds(lambda rng, n, k: rng.choice(n, k, replace=False))


class Seeding(Theorem):
    """The first centres that k-means++ draws are worse than the best by a factor 8 (log k + 2) at most, in the mean.

    $$E\\,\\varphi \\le 8\\,(\\ln k + 2)\\,\\varphi_{\\mathrm{OPT}}, \\qquad
    P(a_i \\text{ is the next centre}) = \\frac{D(a_i)^2}{\\sum_j D(a_j)^2}$$

    phi is the sum of squared distances to the nearest centre, D the distance to the nearest one so far; OPT is the
    least phi, enumerated over all partitions. Checked by betting on 1500 draws; and that they are drawn so, by
    chi-square on the pairs of the first two seeds.
    """

    id: ClassVar[str] = "KMPP"
    name: ClassVar[str] = "kmeans-seeding"
    kind: ClassVar[str] = "expectation"
    solvers: ClassVar[tuple[str, ...]] = ("kmeans",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "f is a sum of squared distances to the nearest centre",
        "no start is declared",
        "few points, all different",
    )
    reference: ClassVar[str] = "Arthur & Vassilvitskii 2007, Thm 1.1"
    nonsmooth: ClassVar[bool] = True

    def refusal(self, study: Study) -> str:
        clustering = study.oracle.clustering
        if clustering is None:
            return "f is no sum of squared distances to the nearest centre."
        points, k = clustering.points, clustering.clusters
        if k ** (len(points) - 1) > MOST:
            return f"{len(points)} points in {k} clusters are too many partitions to enumerate."
        return "" if len(np.unique(points, axis=0)) == len(points) else "Two points are equal."

    def claims(self, study: Study) -> Iterable[Claim]:
        clustering, rng = study.oracle.clustering, np.random.default_rng(study.seed)
        points, k = clustering.points, clustering.clusters
        seeds = np.array([study.solver.draw_start(study.oracle, rng).reshape(k, -1) for _ in range(DRAWS)])
        phi = ((points[None, :, None] - seeds[:, None]) ** 2).sum(axis=3).min(axis=2).sum(axis=1)
        yield expectation_at_most("phi of the seeds", phi, 8 * (math.log(k) + 2) * best_partition(points, k))
        if k == 1:
            return
        drawn = np.abs(seeds[:, :2, None] - points).sum(axis=3).argmin(axis=2)
        squares = ((points[:, None] - points) ** 2).sum(axis=2)
        law = squares / squares.sum(axis=1, keepdims=True) / len(points)
        counts = np.bincount(drawn[:, 0] * len(points) + drawn[:, 1], minlength=law.size)
        yield frequencies("first two seeds", counts, law.ravel())

    def positive(self) -> Iterable[Case]:
        yield Case(nine_points, witness=True)
        yield Case(lambda: nine_points(2.0), seed=1)

    def controls(self) -> Iterable[Case]:
        yield Case(nine_points, VIOLATED, mutate=first_points)
        yield Case(nine_points, VIOLATED, mutate=uniform_points)
        yield Case(problems.pl_sine, NOT_APPLICABLE)


def best_partition(points: np.ndarray, k: int) -> float:
    """OPT: the least sum of squared distances to the means over all partitions into k clusters."""
    n = len(points)
    labels = np.array([(0, *rest) for rest in product(range(k), repeat=n - 1)])
    total = np.full(len(labels), float((points**2).sum()))
    for cluster in range(k):
        inside = (labels == cluster).astype(float)
        sums = inside @ points
        total -= (sums**2).sum(axis=1) / np.maximum(inside.sum(axis=1), 1.0)
    return float(total.min())
