"""The sign of a form of even degree on the unit sphere: a quartic in d variables as a symmetric tensor."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sign", "cubic_peak", "quartic_sign"]

Vector = NDArray[np.float64]
Tensor = NDArray[np.float64]

STARTS, ITERATIONS = 64, 200


class Sign(NamedTuple):
    """Sign of a form on the sphere, and the unit vectors of the lowest and the highest value found there."""

    kind: Literal["positive", "negative", "both", "open"]
    lowest: Vector
    highest: Vector


def cubic_peak(cubic: Tensor) -> Vector:
    """A unit vector z at which the cubic form C[z, z, z] is large and positive, where the form is not zero."""
    z = _ascend(cubic)
    values = np.einsum("ijk,si,sj,sk->s", cubic, z, z, z)
    return np.asarray(z[np.argmax(values)])


def quartic_sign(quartic: Tensor, tolerance: float) -> Sign:
    """Decide the sign of Q[z, z, z, z] over |z| = 1 beyond `tolerance`.

    Exact for d <= 2, by the roots of the derivative on the circle. For d > 2 a value of either sign is found by local
    search, and one sign everywhere is proven by a sum of squares: sufficient, not necessary, hence "open".
    """
    exact = quartic.shape[0] <= 2
    candidates = _circle(quartic) if exact else np.concatenate([_ascend(quartic), _ascend(-quartic)])
    values = np.einsum("ijkl,si,sj,sk,sl->s", quartic, *[candidates] * 4)
    low, high = int(np.argmin(values)), int(np.argmax(values))
    kind: Literal["positive", "negative", "both", "open"]
    if values[low] < -tolerance and values[high] > tolerance:
        kind = "both"
    elif values[low] > tolerance and (exact or _sum_of_squares(quartic) > tolerance):
        kind = "positive"
    elif values[high] < -tolerance and (exact or _sum_of_squares(-quartic) > tolerance):
        kind = "negative"
    else:
        kind = "open"
    return Sign(kind, candidates[low], candidates[high])


def _circle(quartic: Tensor) -> Tensor:
    """Unit vectors at which the form is stationary on the circle (d = 2), or the one there is (d = 1)."""
    if quartic.shape[0] == 1:
        return np.ones((1, 1))
    a = [float(quartic[(0,) * (4 - k) + (1,) * k]) * weight for k, weight in enumerate((1, 4, 6, 4, 1))]
    # q(s, t) = sum a_k s^(4-k) t^k; on the circle q' = s q_t - t q_s, a form again
    slope = np.zeros(5)
    for k in range(1, 5):
        slope[k - 1] += k * a[k]
    for k in range(4):
        slope[k + 1] -= (4 - k) * a[k]
    ratios = np.roots(slope[::-1])
    angles = np.concatenate([np.arctan(ratios.real), [0.0, np.pi / 2]])
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _ascend(form: Tensor) -> Tensor:
    """Local maximisers of a form on the sphere from fixed random starts: shifted power iteration. [Kolda, Mayo 2011]"""
    d, degree = form.shape[0], form.ndim
    z = np.random.default_rng(2).standard_normal((STARTS, d))
    z = np.concatenate([z, np.eye(d)])
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    shift = (degree - 1) * float(np.linalg.norm(form))
    matrix = form.reshape(d, -1)
    for _ in range(ITERATIONS if shift > 0 else 0):
        power = z
        for _ in range(degree - 2):
            power = (power[:, :, None] * z[:, None, :]).reshape(len(z), -1)
        z = power @ matrix.T + shift * z
        z /= np.linalg.norm(z, axis=1, keepdims=True)
    return np.asarray(z)


def _sum_of_squares(quartic: Tensor) -> float:
    """A lower bound of the form on the sphere: the largest smallest eigenvalue of M + alpha K over alpha.

    M is the quartic as a matrix on the entries of z z^T, and K = (sum_i z_i^2)^2 - sum_ij (z_i z_j)^2, which is zero.
    """
    d = quartic.shape[0]
    first, second = np.triu_indices(d)
    weight = np.where(first == second, 1.0, np.sqrt(2.0))
    M = quartic[first[:, None], second[:, None], first, second] * weight * weight[:, None]
    identity = np.eye(len(first))
    diagonal = (first == second).astype(float)
    K = np.outer(diagonal, diagonal) - identity
    low, high = -2 * float(np.abs(M).sum()), 2 * float(np.abs(M).sum())
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if np.linalg.eigvalsh(M + left * K)[0] < np.linalg.eigvalsh(M + right * K)[0]:
            low = left
        else:
            high = right
    return float(np.linalg.eigvalsh(M + (low + high) / 2 * K)[0])
