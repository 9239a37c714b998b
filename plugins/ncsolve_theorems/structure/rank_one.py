"""ALS1."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np
import sympy as sp

from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems

POINTS = 5
SMALLEST = 1e-6
"""Tangents below this are those of rounding."""


@cache
def rank_one(*values: float) -> Problem:
    """|M - u v'|^2 / 2, M 5 x 4 with these singular values, from v in the span of the right singular vectors."""
    rng = np.random.default_rng(9)
    m, n = 5, 4
    U, V = (np.linalg.qr(rng.standard_normal((k, k)))[0][:, : len(values)] for k in (m, n))
    u, v, M = sp.IndexedBase("u", shape=(m,)), sp.IndexedBase("v", shape=(n,)), sp.IndexedBase("M", shape=(m, n))
    i, j = sp.symbols("i j", integer=True)
    f = sp.Sum((M[i, j] - u[i] * v[j]) ** 2, (i, 0, m - 1), (j, 0, n - 1)) / 2
    start = {u: 1.0, v: V.sum(axis=1)}
    return Problem(f, name="rank-one", data={M: (U * values) @ V.T}, start=start, blocks=[u, v])


def noisy(study: Study) -> None:
    """After every sweep a hundredth of random numbers is added."""
    study.x = study.x + 1e-2 * np.random.default_rng(0).standard_normal(study.x.shape)


class Factor(NamedTuple):
    M: np.ndarray
    second: np.ndarray
    """Places in x of the block that is minimised last."""


class RankOnePower(Theorem):
    """Alternating least squares for the best rank-one matrix is the power method: the angle falls by (s2/s1)^2 a sweep.

    $$f = \\tfrac12\\|M - u v^T\\|_F^2: \\qquad v_+ = \\frac{M^T M v}{|M^T M v|}\\,|v_+|, \\qquad
    \\tan\\angle(v_+, v_1) \\le \\left(\\frac{s_2}{s_1}\\right)^2 \\tan\\angle(v, v_1), \\qquad f_+ \\le f$$

    s1 > s2 are the largest singular values of M; equality in the plane of v1 and v2. Proof: u+ = M v/|v|^2 and v+ =
    M'u+/|u+|^2.
    """

    id: ClassVar[str] = "ALS1"
    name: ClassVar[str] = "als-rank-one"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("als",)
    assumptions: ClassVar[tuple[str, ...]] = ("f = |M - uv'|^2 / 2", "s1 > s2", "v0 is not orthogonal to v1")
    reference: ClassVar[str] = "Golub & Van Loan 2013, section 8.2; proof above"
    horizon: ClassVar[int] = 60

    def refusal(self, study: Study) -> str:
        factor = self.factor(study)
        if factor is None:
            return "f is not |M - uv'|^2 / 2 in two blocks u and v."
        s = np.append(np.linalg.svd(factor.M, compute_uv=False), 0.0)
        if not s[0] > s[1] * (1 + SMALLEST):
            return f"The largest singular values of M are equal: {s[0]:.6g}."
        return "" if np.isfinite(self.tangents(study, factor, study.x0[None])[0]) else "v0 is orthogonal to v1."

    def factor(self, study: Study) -> Factor | None:
        """M from the mixed derivatives at 0, if f is what they say at random points."""
        oracle, blocks = study.oracle, study.oracle.structure.blocks
        if len(blocks) != 2 or study.n > 500:
            return None
        places = oracle.problem.unpack(np.arange(float(study.n)))
        first, second = (np.concatenate([np.ravel(places[k]) for k in b.names]).astype(int) for b in blocks)
        origin = np.zeros(study.n)
        M, c = -study.hessian(origin)[np.ix_(first, second)], oracle.value(origin)
        if not np.isfinite(M).all():
            return None
        rng = np.random.default_rng(0)
        for _ in range(POINTS):
            x = rng.standard_normal(study.n)
            u, v = x[first], x[second]
            if not np.isclose(oracle.value(x), c - u @ M @ v + (u @ u) * (v @ v) / 2, rtol=1e-9):
                return None
        return Factor(M, second)

    def tangents(self, study: Study, factor: Factor, rows: np.ndarray) -> np.ndarray:
        """tan of the angle between v and v1."""
        v1 = np.linalg.svd(factor.M)[2][0]
        v = rows[:, factor.second]
        along = v @ v1
        across = np.linalg.norm(v - along[:, None] * v1, axis=1)
        return np.where(np.abs(along) > 0, across / np.maximum(np.abs(along), 1e-300), np.inf)

    def claims(self, study: Study) -> Iterable[Claim]:
        factor = self.factor(study)
        assert factor is not None
        s = np.append(np.linalg.svd(factor.M, compute_uv=False), 0.0)
        tangent = self.tangents(study, factor, study.x)
        count = int(np.argmax(tangent <= SMALLEST)) or len(tangent)
        falls = tangent[1:count] / tangent[: count - 1]
        yield Claim.at_most("tan(v+, v1)/tan(v, v1) <= (s2/s1)^2", falls, (s[1] / s[0]) ** 2 * (1 + SMALLEST), first=1)
        yield Claim.at_most("f+ <= f", study.f[1:], study.f[:-1], first=1)
        power = study.x[:-1][:, factor.second] @ factor.M.T @ factor.M
        after = study.x[1:][:, factor.second]
        power *= np.linalg.norm(after, axis=1, keepdims=True) / np.linalg.norm(power, axis=1, keepdims=True)
        yield Claim.equal("v+ ~ M'M v", after, power, 1e-9 * np.linalg.norm(after, axis=1), first=1)

    def rate(self, study: Study) -> float:
        factor = self.factor(study)
        assert factor is not None
        s = np.append(np.linalg.svd(factor.M, compute_uv=False), 0.0)
        return float((s[1] / s[0]) ** 4)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: rank_one(3.0, 2.0), witness=True)
        yield Case(lambda: rank_one(4.0, 3.0, 2.0, 1.0))

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: rank_one(3.0, 2.0), VIOLATED, mutate=noisy)
        yield Case(lambda: rank_one(2.0, 2.0, 1.0), NOT_APPLICABLE)
        yield Case(problems.saddle_well, NOT_APPLICABLE)
