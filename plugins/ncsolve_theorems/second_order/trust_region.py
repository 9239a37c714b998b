"""TR1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.second_order.steps import ACCURACY, steps_of, untouched, zero

CRITICAL, FLAT = 1e-6, 1e-4


def shortened(study: Study) -> None:
    """Six tenths of the first step."""
    start, end = study.x[:2]
    study.x = np.array([start, start + 0.6 * (end - start)])


def downhill(study: Study) -> None:
    """Steepest descent to the boundary."""
    g = study.oracle.gradient(study.x0)
    study.x = np.array([study.x0, study.x0 - study.states[1].radius * g / np.linalg.norm(g)])


class TrustRegionStep(Theorem):
    """Every step s of an exact trust-region method solves its subproblem: (H + l I) s = -g with l >= 0, H + l I >= 0.

    $$(H + \\lambda I)\\,s = -\\nabla f, \\quad \\lambda \\ge 0, \\quad H + \\lambda I \\succeq 0, \\quad
    \\lambda\\,(\\Delta - |s|) = 0$$

    lambda is found from s by least squares. s minimises the quadratic model among all steps that are not longer, and so
    m(0) - m(s) >= |g| min(Delta, |g|/|H|) / 2, and |lambda_min| Delta^2 / 2 where lambda_min(H) < 0. Where the run
    ends at a critical point, H >= 0 there.
    """

    id: ClassVar[str] = "TR1"
    name: ClassVar[str] = "trust-region-step"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("trust-region",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is twice differentiable",)
    demand: ClassVar[str] = "scaling = none"
    reference: ClassVar[str] = "More & Sorensen 1983, Lemma 2.1, Thm 4.13"
    horizon: ClassVar[int] = 60

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"scaling": "none"}

    def refusal(self, study: Study) -> str:
        return "" if study.n <= 200 else "More than 200 variables: the eigenvalues cost too much."

    def claims(self, study: Study) -> Iterable[Claim]:
        steps = steps_of(study)
        yield zero("(H + l I) s = -g", [step.residual(step.shift) for step in steps])
        yield zero("l >= 0", [max(-step.shift / step.scale, 0.0) for step in steps])
        yield zero("H + l I >= 0", [max(-(step.lowest + step.shift) / step.scale, 0.0) for step in steps])
        known = [(step, study.states[step.k].radius) for step in steps if untouched(study, step.k)]
        slack = [min(abs(step.shift) / step.scale, abs(1 - step.length / radius)) for step, radius in known]
        yield zero("l (Delta - |s|) = 0", slack)
        cauchy, curved = [], []
        for step in steps:
            size, norm = float(np.linalg.norm(step.g)), float(np.linalg.norm(step.H, 2))
            longest = step.length if step.shift > ACCURACY * step.scale else np.inf
            fall = step.fall + ACCURACY * step.scale * step.length**2
            cauchy.append(size * min(longest, size / max(norm, 1e-300)) / 2 / fall)
            curved.append(max(-step.lowest, 0.0) * step.length**2 / 2 / fall)
        yield Claim.at_most("|g| min(Delta, |g|/|H|) / 2 <= m(0) - m(s), relative", cauchy, 1.0)
        yield Claim.at_most("|lambda_min| Delta^2 / 2 <= m(0) - m(s), relative", curved, 1.0)
        if np.abs(study.g[-1]).max() <= CRITICAL:
            lowest = -study.least_curvature(study.x[-1])
            yield Claim.at_most("-lambda_min(H) <= 1e-4 at the end", lowest, FLAT, first=len(study.x) - 1)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum, witness=True)
        yield Case(problems.saddle_well)
        yield Case(problems.logistic_ridge)
        yield Case(problems.saddle_well, x0=(0.5, 1e-8))

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), VIOLATED, mutate=shortened)
        yield Case(problems.rotated_sum, VIOLATED, mutate=downhill)
