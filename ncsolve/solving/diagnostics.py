"""How far the samples of several chains can be trusted: R-hat and the effective sample size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded when they are used
from numpy.typing import NDArray

__all__ = ["Diagnostics", "diagnose", "effective_sample_size", "r_hat"]

Array = NDArray[np.float64]

FEWEST = 4  # draws of a chain: two for each half
_BLOCK = 2**22  # numbers that are transformed at a time


@dataclass(frozen=True)
class Diagnostics:
    """Of samples of shape (kept iterations, chains, n); nan where fewer than four iterations were kept."""

    r_hat: Array
    """(n,) rank-normalised split R-hat: above 1.01 the chains have not mixed."""
    effective_sample_size: Array
    """(n,) bulk effective sample size over all chains: that many independent draws would know the mean as well."""
    acceptance: float | None
    """Mean part of the proposals that was accepted, for solvers that propose."""


def diagnose(samples: Array, acceptance: float | None = None) -> Diagnostics:
    """R-hat and effective sample size of each variable from samples of shape (draws, chains, n)."""
    columns = range(samples.shape[2])
    return Diagnostics(
        np.array([r_hat(samples[:, :, k]) for k in columns]),
        np.array([effective_sample_size(samples[:, :, k]) for k in columns]),
        acceptance,
    )


def r_hat(draws: Array) -> float:
    """Rank-normalised split R-hat of draws (iterations, chains): the larger of bulk and folded. [Vehtari et al. 2021]

    R-hat = sqrt(var+ / W),  var+ = (N-1)/N W + B/N,

    with W the mean variance within the half chains, B/N the variance of their means. It compares halves, so that a
    trend within each chain is seen, and ranks, so that infinite variances do no harm; folding at the median finds
    chains that differ in their spread alone.
    """
    halves = split(draws)
    if not len(halves):
        return float("nan")
    folded = np.abs(halves - np.median(halves))
    return max(_potential_scale_reduction(rank_normalised(z)) for z in (halves, folded))


def effective_sample_size(draws: Array) -> float:
    """Bulk effective sample size of draws (iterations, chains). [Vehtari et al. 2021, eqs. 10 to 13; Geyer 1992]

    M N / tau,  tau = -1 + 2 sum_k P_k,  P_k = rho_2k + rho_2k+1,

    with the autocorrelations rho_t = 1 - (W - mean acov_t) / var+ of the rank-normalised half chains, summed while
    P_k > 0 and made monotone (Geyer's initial sequence).
    """
    halves = split(draws)
    if not len(halves):
        return float("nan")
    z = rank_normalised(halves)
    length = len(z)
    autocovariance = _mean_autocovariance(z)
    within = autocovariance[0] * length / (length - 1)
    total = autocovariance[0] + float(z.mean(axis=0).var(ddof=1))
    if not total > 0:
        return float("nan")
    rho = 1 - (within - autocovariance) / total
    rho[0] = 1.0
    pairs = rho[: length // 2 * 2].reshape(-1, 2).sum(axis=1)
    positive = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    tau = -1 + 2 * float(np.minimum.accumulate(pairs[:positive]).sum())
    size = z.size
    return size / max(tau, 1 / math.log10(size))


def split(draws: Array) -> Array:
    """(iterations // 2, 2 chains): each chain cut into halves, its middle draw dropped where their number is odd."""
    half = len(draws) // 2
    if len(draws) < FEWEST:
        return np.empty((0, 2 * draws.shape[1]))
    return np.concatenate([draws[:half], draws[-half:]], axis=1)


def rank_normalised(draws: Array) -> Array:
    """Normal scores of the ranks among all draws: Phi^-1((rank - 3/8) / (size + 1/4)). [Blom 1958]"""
    _, place, ties = np.unique(draws, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place].reshape(draws.shape)
    scores: Array = scipy.special.ndtri((ranks - 0.375) / (draws.size + 0.25))
    return scores


def _potential_scale_reduction(z: Array) -> float:
    length = len(z)
    within = float(z.var(axis=0, ddof=1).mean())
    between = float(z.mean(axis=0).var(ddof=1))
    if within == 0:
        return float("inf") if between else float("nan")
    return float(np.sqrt((length - 1) / length + between / within))


def _mean_autocovariance(z: Array) -> Array:
    """acov_t = (1/N) sum_i (z_i - mean)(z_i+t - mean), mean over chains, shape (N,), by the power spectrum."""
    length = len(z)
    padded = scipy.fft.next_fast_len(2 * length)
    power = sum(
        (np.abs(scipy.fft.rfft(block - block.mean(axis=0), padded, axis=0)) ** 2).sum(axis=1)
        for block in _blocks(z, padded)
    )
    mean: Array = scipy.fft.irfft(power, padded)[:length] / (length * z.shape[1])
    return mean


def _blocks(z: Array, length: int) -> Iterator[Array]:
    """The chains, as many at a time as memory allows."""
    size = max(1, _BLOCK // length)
    for k in range(0, z.shape[1], size):
        yield z[:, k : k + size]
