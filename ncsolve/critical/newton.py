"""From x to the critical point near it, by Newton's method on the gradient: to a minimum and to a saddle alike.

It stays close, also by sparse Hessians, and says what rounding leaves open; `critical.modes` leads many from afar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.face import Face
from ncsolve.critical.noise import Noise, rounding_of
from ncsolve.critical.spectrum import COMPLETE, EPS, SAFETY, Spectrum, spectrum_of

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Refined", "hessian_on", "refine"]

Vector = NDArray[np.float64]

MAX_HESSIANS = 40
MULTIPLICITY = 10  # from near a root of t^k, Newton's method ends k-1 times its first step away
CONTRACTION = 1 / 8  # of steps with one and the same Hessian: what h <= 1/4 guarantees
DAMPING = (1.0, 0.5, 0.25, 0.125)
ROUNDS = 5  # fresh starts where the bounds that hold x changed, or the Hessian did


@dataclass(frozen=True, eq=False)
class Refined:
    """Where Newton's method ended: x, the gradient there, and the free Hessian at `base`, which is x or just before it.

    `noise` is that of the gradient at x. `settled`: what is left of Newton's step is rounding. `in_reach`: it was not
    stopped for wandering off.
    """

    x: Vector
    gradient: Vector
    face: Face
    base: Vector
    hessian: Any
    spectrum: Spectrum
    noise: Noise
    settled: bool
    in_reach: bool


def refine(oracle: Oracle, x: Vector, gradient: Vector, reach: float | None) -> Refined | None:
    """Newton's method from x on the face of the bounds, at most `reach` (1 + |x|) far. None: the Hessian is not finite.

    Without a `reach`, a root of multiplicity 10 may lie as far as its convergence from here lets expect.
    """
    face, at = Face.of(oracle, x, gradient)
    gradient = gradient if np.array_equal(at, x) else oracle.gradient(at)
    for _ in range(ROUNDS):
        for lowering in (True, False):
            newton = _Newton(oracle, face, at, gradient, reach, lowering)
            if not newton.run():
                return None
            refined = newton.result()
            if newton.rank is None or newton.is_at_root(refined.noise):
                break
        face, at = Face.of(oracle, refined.x, refined.gradient)
        same = np.array_equal(at, refined.x) and np.array_equal(face.free, refined.face.free)
        if same and (refined.settled or np.array_equal(refined.base, refined.x)):
            return refined
        gradient = oracle.gradient(at)
    return refined


def hessian_on(oracle: Oracle, x: Vector, free: NDArray[np.intp]) -> Any:
    """The Hessian at x in the free variables, dense if small, else as the oracle gives it; None if it is not finite."""
    hessian = oracle.hessian(x)
    if free.size < x.size:
        hessian = hessian[np.ix_(free, free)] if isinstance(hessian, np.ndarray) else hessian.tocsr()[free][:, free]
    if free.size <= COMPLETE and not isinstance(hessian, np.ndarray):
        hessian = hessian.toarray()
    entries = hessian if isinstance(hessian, np.ndarray) else hessian.data
    return hessian if np.isfinite(entries).all() else None


class _Newton:
    """One run on one face: the Hessian is kept while steps shrink fast, steps are extrapolated where they do not.

    Where critical points form a manifold, H close to it has eigenvalues that are not zero but mean nothing. With
    `lowering` Newton's method goes on with the `rank` eigenvalues that stand out, which converges quadratically to the
    manifold [Zeng 2023]. What it ends at counts only if the whole gradient is rounding there.
    """

    def __init__(
        self, oracle: Oracle, face: Face, x: Vector, gradient: Vector, reach: float | None, lowering: bool
    ) -> None:
        self.lowering = lowering
        self.rank: int | None = None
        self.oracle, self.face = oracle, face
        self.start, self.x, self.gradient = x, x, gradient
        self.limit = None if reach is None else reach * (1 + float(np.abs(x).max(initial=0.0)))
        self.rounding = rounding_of(x)
        self.in_reach, self.vanishing = True, False

    def run(self) -> bool:
        """Go as far as steps shrink; False if a Hessian is not finite."""
        previous = np.inf
        for _ in range(MAX_HESSIANS):
            hessian = hessian_on(self.oracle, self.x, self.face.free)
            if hessian is None:
                return False
            self.base, self.hessian, self.spectrum = self.x, hessian, spectrum_of(hessian)
            self.aim()
            size = self.size
            if self.limit is None:
                self.limit = MULTIPLICITY * size
            if self.vanishing:
                break
            ratio = size / previous
            extrapolated = 0.3 < ratio < 0.95 and self.advance(1 / (1 - ratio), CONTRACTION * size)
            if not extrapolated and not any(self.advance(times, size) for times in DAMPING):
                if self.rank is not None or not self.lower_rank():
                    break
                extrapolated, size = True, self.size
            previous = np.inf if extrapolated else size
            if self.contract(size):
                break
        return True

    def lower_rank(self) -> bool:
        """Go on with the eigenvalues that stand out, if there is a gap and the step by them leads to a shorter one."""
        self.rank = self.spectrum.rank if self.lowering else None
        if self.rank is None:
            return False
        self.aim()
        if self.advance(1.0, CONTRACTION * self.size):
            return True
        self.rank = None
        self.aim()
        return False

    def is_at_root(self, noise: Noise) -> bool:
        """Whether nothing is left of the gradient but rounding."""
        return bool((np.abs(self.gradient) <= SAFETY * noise.error)[self.face.free].all())

    def contract(self, size: float) -> bool:
        """Steps with the Hessian at hand while each is at most 1/8 of the last; True when they end in rounding."""
        contracting = False
        while not self.vanishing:
            new = self.size
            if new > CONTRACTION * size or not self.advance(1.0, new):
                return contracting and new > size / 2
            size, contracting = new, True
        return True

    def aim(self) -> None:
        """Newton's `step` (n,) by the Hessian at hand, its `size`; `vanishing` when it is below the rounding of x."""
        self.step = np.zeros_like(self.x)
        self.step[self.face.free] = -self.spectrum.solve(self.gradient[self.face.free], self.rank)
        self.size = float(np.linalg.norm(self.step))
        self.vanishing = bool((np.abs(self.step) <= np.maximum(EPS * np.abs(self.x), self.rounding)).all())

    def advance(self, times: float, below: float) -> bool:
        """Go `times` the step, if that is in reach and the next step by the same Hessian is shorter than `below`."""
        assert self.limit is not None
        before = self.x, self.gradient, self.step, self.size, self.vanishing
        x = self.oracle.project(self.x + times * self.step)
        if float(np.linalg.norm(x - self.start)) > self.limit:
            self.in_reach = False
            return False
        self.x, self.gradient = x, self.oracle.gradient(x)
        self.aim()
        if self.size < below:
            self.in_reach = True
            return True
        self.x, self.gradient, self.step, self.size, self.vanishing = before
        return False

    def result(self) -> Refined:
        noise = Noise.at(self.oracle, self.x)
        uncertainty = self.spectrum.spread(noise.error[self.face.free])
        settled = self.vanishing or self.size <= float(np.linalg.norm(uncertainty))
        return Refined(
            self.x, self.gradient, self.face, self.base, self.hessian, self.spectrum, noise, settled, self.in_reach
        )
