"""POLY1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import convex


def too_long(study: Study) -> None:
    """One step, times 1.1."""
    start, end = study.x[:2]
    study.x = np.array([start, start + 1.1 * (end - start)])


class GDPolyak(Theorem):
    """Polyak's step (f - f*)/|g|^2 brings every minimiser of a convex f nearer, by (f - f*)^2 / |g|^2 at least.

    $$|x_+ - x_*|^2 \\le |x - x_*|^2 - \\frac{(f(x) - f_*)^2}{|\\nabla f(x)|^2}$$

    Proof: expand the square, and g'(x - x*) >= f(x) - f*.
    """

    id: ClassVar[str] = "POLY1"
    name: ClassVar[str] = "gd-polyak"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("gd",)
    constants: ClassVar[tuple[str, ...]] = ("strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is convex", "f* is known")
    demand: ClassVar[str] = "line_search = polyak"
    reference: ClassVar[str] = "Polyak 1969; proof above"
    nonsmooth: ClassVar[bool] = True

    def refusal(self, study: Study) -> str:
        return convex(study) or ("The problem has a penalty." if study.oracle.penalty is not None else "")

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"line_search": "polyak", "batch_size": None}

    def claims(self, study: Study) -> Iterable[Claim]:
        ahead = study.distance[1:] ** 2
        promise = study.distance[:-1] ** 2 - study.gap[:-1] ** 2 / study.slope[:-1]
        yield Claim.at_most("|x+ - x*|^2 <= |x - x*|^2 - (f - f*)^2/|g|^2", ahead, promise)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), witness=True)
        yield Case(problems.euclidean_norm, constants={"strong_convexity": 0}, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.euclidean_norm, VIOLATED, constants={"strong_convexity": 0}, mutate=too_long)
        yield Case(problems.pl_sine, NOT_APPLICABLE)
