"""What the theorems about Gaussian chains share: f a quadratic with H > 0, x counted along its eigenvectors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ncsolve.theory import Claim, Study
from ncsolve.theory.statistics import variance_is

CHAINS = 4000


def not_gaussian(study: Study) -> str:
    """The refusal where f is not a quadratic with H > 0."""
    definite = study.oracle.structure.quadratic and study.least_curvature(study.x0) > 0
    return "" if definite else "f is not a quadratic with H > 0."


def covariance_is(what: str, standard: np.ndarray) -> Iterator[Claim]:
    """Chains (chains, n) are independent standard normal vectors: the variance 1 of x_i, and of (x_i + x_j)/sqrt(2)."""
    n = min(standard.shape[1], 3)
    pairs = [(i, j) for i in range(n) for j in range(i)]
    checks = n + len(pairs)
    for k in range(n):
        yield variance_is(f"{what}: variable {k + 1}", standard[:, k], 1.0, checks=checks)
    for i, j in pairs:
        along = (standard[:, i] + standard[:, j]) / np.sqrt(2)
        yield variance_is(f"{what}: variables {j + 1} and {i + 1}", along, 1.0, checks=checks)
