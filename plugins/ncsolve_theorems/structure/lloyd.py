"""KM1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ncsolve.problem import load
from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem


def jittered(study: Study) -> None:
    """The centres are moved at random after every iteration."""
    study.x = study.x + np.random.default_rng(0).standard_normal(study.x.shape)


class Lloyd(Theorem):
    """Lloyd's algorithm never raises the sum of squares, and comes to rest after finitely many iterations.

    $$f = \\sum_i \\min_k |a_i - c_k|^2: \\qquad f(c_{t+1}) \\le f(c_t), \\qquad c_T = c_{T+1} \\text{ for some } T$$

    Proof: both half-steps minimise, and there are finitely many assignments. At rest every centre is the mean of its
    points, so that the gradient vanishes; that is checked of a run that ended by itself.
    """

    id: ClassVar[str] = "KM1"
    name: ClassVar[str] = "kmeans-monotone"
    kind: ClassVar[str] = "horizon"
    solvers: ClassVar[tuple[str, ...]] = ("kmeans",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is a sum of squared distances to the nearest centre",)
    demand: ClassVar[str] = "batch_size = none"
    reference: ClassVar[str] = "Lloyd 1982"
    horizon: ClassVar[int] = 300
    nonsmooth: ClassVar[bool] = True

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"batch_size": None}

    def claims(self, study: Study) -> Iterable[Claim]:
        f = study.f
        yield Claim.at_most("f+ <= f", f[1:], f[:-1], first=1)
        if len(f) > study.horizon:
            return
        size = 1e-9 * max(1.0, float(np.abs(study.g[0]).max()))
        yield Claim.equal("g = 0 at the end", study.g[-1:], np.zeros((1, study.n)), size, len(f) - 1)

    def positive(self) -> Iterable[Case]:
        yield Case(partial(load, "clusters"), witness=True)
        yield Case(partial(load, "clusters", {"table": "wine"}))

    def controls(self) -> Iterable[Case]:
        yield Case(partial(load, "clusters"), VIOLATED, mutate=jittered)
