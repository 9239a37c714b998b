"""How many eigenvalues of the Hessian at the critical point near x are negative, zero and positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.newton import Refined, hessian_on
from ncsolve.critical.noise import rounding_of
from ncsolve.critical.spectrum import EPS, SAFETY, Separation, Spectrum, spectrum_of

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["LEEWAY", "Inertia", "inertia"]

LEEWAY = EPS**0.25
"""How far off, relative to 1 + |x|, a critical point is believed to be at most once Newton's method has settled."""


@dataclass(frozen=True, eq=False)
class Inertia:
    """The signs of the eigenvalues in `spectrum`, by a separation from zero that allowed for this `change` of H."""

    spectrum: Spectrum
    separation: Separation
    change: Any

    @property
    def negative(self) -> int:
        return self.separation.negative

    @property
    def nullity(self) -> int:
        return self.separation.nullity

    @property
    def positive(self) -> int:
        return self.spectrum.size - self.negative - self.nullity

    @property
    def tolerance(self) -> float:
        """The size that separates zero eigenvalues from the others: that of rounding, where there is room for it."""
        spectrum = self.spectrum
        magnitude = np.sort(np.abs(spectrum.eigenvalues))
        if not magnitude.size or not spectrum.complete:
            return spectrum.rounding
        rounding = SAFETY * spectrum.size * EPS * float(magnitude[-1])
        zeros, others = magnitude[: self.nullity], magnitude[self.nullity :]
        return max(float(zeros.max(initial=0.0)), min(rounding, float(others.min(initial=np.inf)) / 2))


def inertia(oracle: Oracle, refined: Refined) -> Inertia | None:
    """Count signs that stay when x moves as far as rounding leaves the critical point open. None: H is not finite."""
    free = refined.face.free
    error = refined.noise.error[free] + np.abs(refined.gradient[free])
    spectrum, hessian = refined.spectrum, refined.hessian
    for last in (False, True):
        moved = hessian_on(oracle, _elsewhere(oracle, refined, spectrum.spread(error)), free)
        if moved is None:
            return None
        change = moved - hessian
        result = Inertia(spectrum, spectrum.separate(change), change)
        if last or not result.nullity:
            return result
        hessian = hessian_on(oracle, refined.x, free)
        if hessian is None:
            return None
        spectrum = spectrum_of(hessian, all_of_it=True)
    raise AssertionError("unreachable")


def _elsewhere(oracle: Oracle, refined: Refined, spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """x, moved by the spread (at most the leeway) and by rounding."""
    x = refined.x.copy()
    free = refined.face.free
    longest, length = LEEWAY * (1 + float(np.abs(x).max())), float(np.linalg.norm(spread))
    x[free] += spread * min(1.0, longest / length if length else 1.0) + rounding_of(x)[free]
    return np.asarray(oracle.project(x))
