"""How many eigenvalues of the Hessian at the critical point near x are negative, zero and positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.newton import Refined, hessian_on
from ncsolve.critical.noise import rounding_of
from ncsolve.critical.reduction import LEEWAY
from ncsolve.critical.spectrum import Spectrum, spectrum_of, with_zeros

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Inertia", "inertia"]


@dataclass(frozen=True, eq=False)
class Inertia:
    """`suspects` marks the eigenvalues among spectrum.values that count as zero; `change` is the change of H that was allowed for."""

    spectrum: Spectrum
    hessian: Any
    suspects: NDArray[np.bool_]
    change: Any

    @property
    def nullity(self) -> int:
        return int(np.count_nonzero(self.suspects))

    @property
    def negative(self) -> int:
        return self.spectrum.negative - int(np.count_nonzero(self.spectrum.values[self.suspects] < 0))

    @property
    def positive(self) -> int:
        return self.spectrum.size - self.negative - self.nullity

    @property
    def counted(self) -> bool:
        """False when there may be more zeros than the eigenvalues that were computed."""
        return self.spectrum.complete or not self.suspects.all()


def inertia(oracle: Oracle, refined: Refined) -> Inertia | None:
    """Count signs that stay when x moves as far as rounding leaves the critical point open. None: H is not finite there."""
    free = refined.face.free
    error = refined.noise.error[free] + np.abs(refined.gradient[free])
    spectrum, hessian = refined.spectrum, refined.hessian
    for last in (False, True):
        moved = hessian_on(oracle, _elsewhere(oracle, refined, spectrum.spread(error)), free)
        if moved is None:
            return None
        change = moved - hessian
        result = Inertia(spectrum, hessian, spectrum.suspects(change), change)
        if last or not result.nullity:
            return result
        hessian = hessian_on(oracle, refined.x, free)
        if hessian is None:
            return None
        spectrum = with_zeros(spectrum_of(hessian), hessian)
    raise AssertionError("unreachable")


def _elsewhere(oracle: Oracle, refined: Refined, spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """x, moved by the spread (at most the leeway) and by rounding."""
    x = refined.x.copy()
    longest = LEEWAY * (1 + float(np.abs(x).max()))
    length = float(np.linalg.norm(spread))
    x[refined.face.free] += spread * min(1.0, longest / length if length else 1.0) + rounding_of(x)[refined.face.free]
    return np.asarray(oracle.project(x))
