"""Proximal stochastic variance-reduced gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ncsolve_proximal.prox_step import into_domain
from ncsolve_stochastic.svrg import SVRG, SVRGState, Vector

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle


@dataclass(frozen=True)
class ProxSVRG(SVRG):
    """Prox-SVRG, x+ = prox_eta p(x - eta (g_B(x) - g_B(s) + grad f(s))), s a snapshot. [Xiao & Zhang 2014]

    SVRG with a proximal step in place of the projection: it converges linearly for a strongly convex F, and for a
    non-convex f the proximal gradient tends to 0 [Reddi, Sra, Póczos & Smola 2016].
    """

    name: ClassVar[str] = "prox-svrg"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "prox", "samples", "bounds"})

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> SVRGState:
        return super().init(oracle, into_domain(oracle, x0), rng)

    def land(self, oracle: Oracle, v: Vector, eta: float) -> Vector:
        return oracle.prox(v, eta)
