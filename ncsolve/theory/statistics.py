"""Tests whose error is known: betting e-values, chi-square over independent chains, Clopper-Pearson."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncsolve.theory.claim import LEVEL, Claim

__all__ = ["expectation_at_most", "frequencies", "never", "variance_is"]

STAKES = np.arange(1, 25) / 25


def expectation_at_most(what: str, sample: ArrayLike, bound: float, checks: int = 1, first: int = 0) -> Claim:
    """E[Y] <= B for independent Y >= 0 of any law, by betting.

    e_n = mean over stakes l of prod_{i <= n} (1 + l (Y_i / B - 1)) is a supermartingale if E[Y] <= B, so that
    max_n e_n reaches checks / LEVEL with probability at most LEVEL / checks [Ville 1939; Waudby-Smith & Ramdas 2024].
    The claim compares logarithms.
    """
    y = np.asarray(sample, dtype=float) / bound
    wealth = np.log1p(STAKES[:, None] * (y[None, :] - 1)).cumsum(axis=1)
    top = wealth.max(axis=0)
    e = top + np.log(np.exp(wealth - top).mean(axis=0))
    best = float(e.max()) if np.isfinite(y).all() else math.inf
    return Claim.at_most(f"{what} (log e-value)", best, math.log(checks / LEVEL), first, statistical=True)


def variance_is(what: str, sample: NDArray[np.float64], variance: float, mean: float = 0.0, checks: int = 1) -> Claim:
    """Independent normal values have this mean and variance: sum (y - mean)^2 / variance is chi-square, two-sided.

    Where it is one of several `checks`, each has its part of the level.
    """
    from scipy.stats import chi2

    statistic = float(((sample - mean) ** 2).sum() / variance)
    p = 2 * min(chi2.cdf(statistic, sample.size), chi2.sf(statistic, sample.size))
    return rejecting(what, p, checks)


def frequencies(what: str, counts: ArrayLike, probabilities: ArrayLike, checks: int = 1) -> Claim:
    """Counts follow these probabilities: chi-square goodness of fit, cells with fewer than 5 expected merged."""
    from scipy.stats import chi2

    seen, law = np.asarray(counts, float), np.asarray(probabilities, float)
    expected = law * seen.sum()
    small = expected < 5
    seen = np.append(seen[~small], seen[small].sum())
    expected = np.append(expected[~small], expected[small].sum())
    seen, expected = seen[expected > 0], expected[expected > 0]
    statistic = float(((seen - expected) ** 2 / expected).sum())
    return rejecting(what, float(chi2.sf(statistic, max(1, len(seen) - 1))), checks)


def never(what: str, failures: int, runs: int, allowed: float) -> Claim:
    """An event of probability at most `allowed` was seen `failures` times in so many runs: exact binomial test."""
    from scipy.stats import binom

    p = float(binom.sf(failures - 1, runs, allowed)) if failures else 1.0
    return rejecting(what, p)


def rejecting(what: str, p: float, checks: int = 1) -> Claim:
    """p >= LEVEL / checks"""
    return Claim.at_most(f"{what} (p-value {p:.3g})", LEVEL / checks, p if math.isfinite(p) else 0.0, statistical=True)
