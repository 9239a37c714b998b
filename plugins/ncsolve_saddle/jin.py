"""The parameters of perturbed gradient descent that the theory asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameters:
    """eta, the radius r of the noise in the gradient, the wait T after it, and the decrease F that it must bring."""

    step_size: float
    radius: float
    wait: int
    decrease: float

    @classmethod
    def of(cls, smoothness: float, hessian_lipschitz: float, epsilon: float, iota: float) -> Parameters:
        """eta = 1/l, r = eps / (400 i^3), T = l i / sqrt(rho eps), F = sqrt(eps^3/rho) / (50 i^3). [Jin et al. 2021]"""
        return cls(
            1 / smoothness,
            epsilon / (400 * iota**3),
            math.ceil(smoothness * iota / math.sqrt(hessian_lipschitz * epsilon)),
            math.sqrt(epsilon**3 / hessian_lipschitz) / (50 * iota**3),
        )


def iota_for(n: int, smoothness: float, hessian_lipschitz: float, epsilon: float, gap: float, failure: float) -> float:
    """The smallest integer i with N i^2 2^(8-i) l sqrt(n) / sqrt(rho eps) <= failure, N = 400 gap l i^4 / eps^2.

    N bounds the iterations of a run from f(x0) = f* + gap; the whole run then fails with at most that probability
    [Jin et al. 2021, Lemma 20 and Theorem 18].
    """
    scale = 400 * max(gap, epsilon**2 / smoothness) * smoothness / epsilon**2
    scale *= smoothness * math.sqrt(n) / math.sqrt(hessian_lipschitz * epsilon)
    iota = 9  # from here on i^6 2^-i falls
    while math.log2(scale) + 6 * math.log2(iota) + 8 - iota > math.log2(failure):
        iota += 1
    return float(iota)
