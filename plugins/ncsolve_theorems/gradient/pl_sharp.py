"""GD3b."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ncsolve.theory import VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import UnitStep


class GDSharp(UnitStep):
    """Under the Polyak-Lojasiewicz inequality every step multiplies f - f* by 2(1 - q)/(2 + q) at most, q = mu/L.

    $$f(x_{k+1}) - f_* \\le \\frac{2(1 - q)}{2 + q}\\,(f(x_k) - f_*), \\qquad q = \\mu/L$$

    Proof: GD1 with the inequality at both ends of the step, (1 + q/2)(f+ - f*) <= (1 - q)(f - f*).
    """

    id: ClassVar[str] = "GD3b"
    name: ClassVar[str] = "gd-pl-sharp"
    kind: ClassVar[str] = "every iterate"
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "pl", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "|g|^2 / 2 >= mu (f - f*)")
    reference: ClassVar[str] = "Abbaszadehpeivasti, de Klerk & Zamani 2023, Thm 3"

    def claims(self, study: Study) -> Iterable[Claim]:
        gap, rate = study.gap, self.rate(study)
        yield Claim.at_most("f+ - f* <= 2(1 - q)/(2 + q) (f - f*)", gap[1:], rate * gap[:-1], first=1)

    def rate(self, study: Study) -> float:
        q = study.mu / study.L
        return 2 * (1 - q) / (2 + q)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.pl_sine, witness=True)
        yield Case(lambda: problems.pl_sine(pl=1 / 32))
        yield Case(problems.composition)
        yield Case(lambda: problems.degenerate(1), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.pl_sine, VIOLATED, constants={"pl": 0.36})
        yield Case(lambda: problems.degenerate(1), VIOLATED, constants={"pl": 1.5})
        yield Case(lambda: problems.degenerate(1), VIOLATED, sabotage={"step_size": 0.2 / 4})
