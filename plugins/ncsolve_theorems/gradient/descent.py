"""GD1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ncsolve.theory import VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import UnitStep


class GDDescent(UnitStep):
    """Every step of length 1/L lowers an L-smooth f by |g|^2 / 2L and by |g+|^2 / 4L more, convex or not.

    $$f(x) - f(x_+) \\ge \\frac{|\\nabla f(x)|^2}{2L} + \\frac{|\\nabla f(x_+)|^2}{4L}$$

    Proof: the interpolation inequality of L-smooth functions, f(y) >= f(x) - L/4 |x - y|^2 + <g_x + g_y, y - x>/2 +
    |g_x - g_y|^2 / 4L, with x+ for x and x for y, and x - x+ = g/L.
    """

    id: ClassVar[str] = "GD1"
    name: ClassVar[str] = "gd-descent"
    kind: ClassVar[str] = "every iterate"
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth",)
    reference: ClassVar[str] = "Taylor, Hendrickx & Glineur 2017, Thm 4 (interpolation); proof above"

    def claims(self, study: Study) -> Iterable[Claim]:
        L, f, s = study.L, study.f, study.slope
        yield Claim.at_most("|g|^2/2L + |g+|^2/4L <= f - f+", s[:-1] / (2 * L) + s[1:] / (4 * L), f[:-1] - f[1:])

    def positive(self) -> Iterable[Case]:
        yield Case(problems.composition)
        yield Case(problems.parabola, witness=True)
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), witness=True)

    def controls(self) -> Iterable[Case]:
        for factor in (0.3, 2.2):
            yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), VIOLATED, sabotage={"step_size": factor / 10})
