"""GD4'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import convex


def steepest() -> Any:
    return problems.quadratic_form(np.diag([1.0, 3.0, 10.0]), np.array([1.0, 0.0, 0.1]), "steepest")


class GDExactSearch(Theorem):
    """With an exact line search f - f* falls by ((L - m)/(L + m))^2 in every step on an m-strongly convex f.

    $$f(x_k) - f_* \\le \\left(\\frac{L - m}{L + m}\\right)^{2k} (f(x_0) - f_*)$$
    """

    id: ClassVar[str] = "GD4s"
    name: ClassVar[str] = "gd-exact-search"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("gd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f is m-strongly convex, m > 0")
    demand: ClassVar[str] = "line_search = exact"
    reference: ClassVar[str] = "de Klerk, Glineur & Taylor 2017, Thm 1.2"

    def refusal(self, study: Study) -> str:
        return convex(study) or ("" if study.constant("strong_convexity") > 0 else "f is convex, but not strongly.")

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"line_search": "exact", "batch_size": None}

    def claims(self, study: Study) -> Iterable[Claim]:
        gap = study.gap
        bound = self.rate(study) ** np.arange(len(gap)) * gap[0]
        yield Claim.at_most("f_k - f* <= ((L-m)/(L+m))^2k (f0 - f*)", gap, bound)

    def rate(self, study: Study) -> float:
        L, m = study.L, study.constant("strong_convexity")
        return ((L - m) / (L + m)) ** 2

    def positive(self) -> Iterable[Case]:
        yield Case(steepest, witness=True)
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0))

    def controls(self) -> Iterable[Case]:
        for eta in (0.9, 1.9):
            step = eta * 2 / 11
            yield Case(steepest, VIOLATED, sabotage={"line_search": None, "step_size": step})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
