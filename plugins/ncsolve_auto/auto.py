"""The choice of a solver by size and structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ncsolve.errors import OptionError

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

DENSE = 200  # variables up to which an exact dense Hessian and its factorisation are cheap


@dataclass(frozen=True)
class Auto:
    """Chooses a solver by the number of variables and says why. [Nocedal & Wright 2006, ch. 4 and 7]

    Up to 200 variables an exact Hessian costs little and saves many iterations: trust-region. Beyond, its
    factorisation grows with n^3: lbfgs. Both keep inside bounds. With a penalty prox-gradient.
    """

    name: ClassVar[str] = "auto"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})

    def choose(self, oracle: Oracle, solvers: Mapping[str, type]) -> tuple[str, str]:
        """Return the name of a solver and the reason, in words."""
        if oracle.penalty is not None and "prox-gradient" in solvers:
            return "prox-gradient", f"the objective has the penalty {oracle.penalty}"
        small = f"n = {oracle.n} with an exact dense Hessian"
        large = f"n = {oracle.n}, too large for dense Hessians"
        ranked = {"trust-region": small, "lbfgs": large} if oracle.n <= DENSE else {"lbfgs": large}
        for name, reason in {**ranked, "gd": "no solver that uses curvature is installed"}.items():
            if name in solvers:
                return name, reason
        raise OptionError(
            "Solver 'auto' finds nothing to choose from. `ncsolve plugins list` says which plugins are broken."
        )
