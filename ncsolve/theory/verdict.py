"""What became of a theorem on a problem: the verdict, with everything that it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.display import Displayed
from ncsolve.theory.claim import Claim, Violation
from ncsolve.theory.constants import Constant

__all__ = ["HOLDS", "INCONCLUSIVE", "NOT_APPLICABLE", "VIOLATED", "Verdict"]

HOLDS, VIOLATED, NOT_APPLICABLE, INCONCLUSIVE = "HOLDS", "VIOLATED", "NOT-APPLICABLE", "INCONCLUSIVE"


@dataclass(frozen=True)
class Verdict(Displayed):
    """HOLDS, VIOLATED, NOT-APPLICABLE or INCONCLUSIVE, about one theorem, one problem and one run."""

    theorem: str
    verdict: str
    reason: str
    """Which assumption fails and where, what is missing, or what was compared."""
    problem: str = ""
    solver: str = ""
    kind: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Those that were given and those that the theorem demands; of the others the run had the defaults."""
    constants: Mapping[str, Constant] = field(default_factory=dict)
    first_violation: Violation | None = None
    tightness: float = math.nan
    """Largest left side / right side: 1 where the run attains the bound."""
    measured_rate: float = math.nan
    theoretical_rate: float = math.nan
    level: float | None = None
    """Of a statistical check: the probability of rejecting a true statement."""
    proof: str = ""
    """With --certify: what was compared in ball arithmetic and where, or why nothing was."""
    claims: tuple[Claim, ...] = field(default=(), repr=False)
    gaps: NDArray[np.float64] | None = field(default=None, repr=False)
    """f(x_k) - f*."""

    @property
    def holds(self) -> bool:
        return self.verdict == HOLDS

    def to_json(self) -> dict[str, Any]:
        """Plain data, as `ncsolve verify --json` prints it."""
        v = self.first_violation
        violation = None
        if v is not None:
            violation = {"claim": v.what, "iteration": v.iteration, "left": v.left, "right": v.right, "by": v.excess}
        constants = {name: {"value": c.value, "provenance": c.provenance} for name, c in self.constants.items()}
        return {
            "theorem": self.theorem,
            "verdict": self.verdict,
            "reason": self.reason,
            "solver": self.solver,
            "kind": self.kind,
            "options": dict(self.options),
            "constants": constants,
            "first_violation": violation,
            "tightness": self.tightness,
            "measured_rate": self.measured_rate,
            "theoretical_rate": self.theoretical_rate,
            "level": self.level,
            "proof": self.proof or None,
        }

    def __str__(self) -> str:
        lines = [f"{self.theorem}: {self.verdict}", f"  {self.reason}"]
        if self.constants:
            given = ", ".join(f"{name} = {c.value:.6g} ({c.provenance})" for name, c in self.constants.items())
            lines.append(f"  constants: {given}")
        if (v := self.first_violation) is not None:
            lines.append(f"  first violation: iterate {v.iteration}, {v.what}: {v.left:.6g} > {v.right:.6g}")
        numbers = [
            f"{word} {value:.6g}"
            for word, value in (
                ("tightness", self.tightness),
                ("measured rate", self.measured_rate),
                ("theoretical rate", self.theoretical_rate),
            )
            if not math.isnan(value)
        ]
        if self.level is not None:
            numbers.append(f"level {self.level:g}")
        shown = [", ".join(numbers), f"proof: {self.proof}" if self.proof else ""]
        return "\n".join([*lines, *(f"  {line}" for line in shown if line)])
