"""What kind of point is x of a min-max problem: a local Nash equilibrium or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.face import Face, projected_gradient
from ncsolve.critical.point import CriticalPoint, Kind
from ncsolve.critical.spectrum import EPS, SAFETY

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["classify_equilibrium"]

Vector = NDArray[np.float64]

LARGEST = 2000  # variables up to which the blocks are factorised
PROBES = 3  # random points at which a block is looked at again


def classify_equilibrium(oracle: Oracle, x: Vector, gradient_tolerance: float) -> CriticalPoint:
    """Judge x (n,): minmax, not-minmax, degenerate, not-critical or undecided.

    With f minimised over u and maximised over v, x = (u, v) is a strict local Nash equilibrium where the gradient is
    zero, H_uu is positive and H_vv negative definite; an eigenvalue of the wrong sign shows that it is none. [Ratliff,
    Burden & Sastry 2016, Prop. 1 and 2] A block that is zero here and at random points is taken for that of an affine
    function, which is constant where its slope is zero. `index` counts the eigenvalues of the wrong sign,
    `eigenvalues` are those of H_uu, then those of H_vv, each ascending.

    Variables that bounds hold back are left out. An eigenvalue counts as zero up to rounding, and what the block
    changes by over the Newton step from x.
    """
    with oracle.uncounted(), np.errstate(all="ignore"):
        return _Judge(oracle, x, gradient_tolerance).judge()


@dataclass(frozen=True)
class _Block:
    """The eigenvalues of one player's Hessian, with the sign with which they should come."""

    eigenvalues: Vector
    sign: float
    tolerance: float
    affine: bool

    @property
    def wrong(self) -> int:
        return int(np.count_nonzero(self.sign * self.eigenvalues < -self.tolerance))

    @property
    def nullity(self) -> int:
        return int(np.count_nonzero(np.abs(self.eigenvalues) <= self.tolerance))

    def told(self) -> str:
        player = "minimised" if self.sign > 0 else "maximised"
        if not self.eigenvalues.size:
            return f"bounds hold all {player} variables"
        if self.affine:
            return f"f is affine in the {player} variables"
        low, high = self.eigenvalues[[0, -1]]
        return f"Hessian in the {player} variables from {low:.3g} to {high:.3g}"


class _Judge:
    def __init__(self, oracle: Oracle, x: Vector, tolerance: float) -> None:
        assert oracle.problem.signs is not None
        self.oracle, self.x, self.allowed, self.signs = oracle, x, tolerance, oracle.problem.signs
        self.objective, self.gradient = oracle.value_and_gradient(x)
        self.field = self.signs * self.gradient
        self.norm = float(np.abs(projected_gradient(oracle, x, self.field)).max())

    def judge(self) -> CriticalPoint:
        if not (np.isfinite(self.objective) and np.isfinite(self.norm)):
            return self.verdict("undecided", "f or its gradient is not finite here")
        if self.norm > self.allowed:
            return self.verdict("not-critical", "the players would move")
        if len(self.x) > LARGEST:
            return self.verdict("undecided", f"{len(self.x)} variables are too many to be judged")
        face, x = Face.of(self.oracle, self.x, self.field)
        H = self.oracle.hessian(x, dense=True)
        if not np.isfinite(H).all():
            return self.verdict("undecided", "the Hessian is not finite here")
        step = np.zeros_like(x)
        step[face.free] = np.linalg.lstsq(H[np.ix_(face.free, face.free)], -self.gradient[face.free])[0]
        there = self.oracle.hessian(self.oracle.project(x + step), dense=True)
        drift = float(np.abs(there - H).max()) * len(x)
        error = SAFETY * (EPS * len(x) * float(np.abs(H).max()) + drift)
        if not np.isfinite(error):
            return self.verdict("undecided", "the Hessian is not finite close by")
        return self.by_blocks([self.block(H, face.free[self.signs[face.free] == s], s, error) for s in (1.0, -1.0)])

    def block(self, H: Vector, of: NDArray[np.intp], sign: float, error: float) -> _Block:
        values = np.asarray(np.linalg.eigvalsh(H[np.ix_(of, of)]) if of.size else [], dtype=np.float64)
        return _Block(values, sign, error, bool(of.size) and not values.any() and self.is_affine(of))

    def is_affine(self, of: NDArray[np.intp]) -> bool:
        """Whether the block is zero at random points, too."""
        rng = np.random.default_rng(0)
        points = [self.oracle.project(self.x + rng.standard_normal(len(self.x))) for _ in range(PROBES)]
        return not any(self.oracle.hessian(point, dense=True)[np.ix_(of, of)].any() for point in points)

    def by_blocks(self, blocks: list[_Block]) -> CriticalPoint:
        wrong, null = sum(block.wrong for block in blocks), sum(block.nullity for block in blocks)
        told = "; ".join(block.told() for block in blocks)
        if wrong:
            kind: Kind = "not-minmax"
            told += f": {wrong} of the wrong sign, so that a player would leave"
        elif all(block.affine or not block.nullity for block in blocks):
            kind, told = "minmax", f"{told}: a local Nash equilibrium"
        else:
            kind, told = "degenerate", f"{told}: zero eigenvalues leave it open"
        found = np.concatenate([block.eigenvalues for block in blocks])
        return self.verdict(kind, told, wrong, null, found, blocks[0].tolerance)

    def verdict(
        self,
        kind: Kind,
        because: str,
        index: int = 0,
        nullity: int = 0,
        eigenvalues: Vector | None = None,
        tolerance: float = float("nan"),
    ) -> CriticalPoint:
        relation = "at most" if self.norm <= self.allowed else "above"
        explanation = f"{kind}: gradient {self.norm:.2g} ({relation} {self.allowed:g}); {because}."
        values = np.empty(0) if eigenvalues is None else eigenvalues
        return CriticalPoint(kind, index, nullity, values, tolerance, explanation, self.x, self.objective, self.norm)
