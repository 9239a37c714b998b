"""What kind of point is x where there are constraints: KKT residuals, then the Hessian of the Lagrangian.

On the null space Z of the gradients of the active constraints the reduced Hessian Z^T (Hess_x L) Z decides.
[Nocedal & Wright 2006, Thm 12.5, 12.6]
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical import words
from ncsolve.critical.cone import copositivity
from ncsolve.critical.inertia import Inertia
from ncsolve.critical.kkt import KKT, active, conditions, constraints_of, estimate, violation_slope
from ncsolve.critical.noise import rounding_of
from ncsolve.critical.point import CriticalPoint, Kind
from ncsolve.critical.spectrum import EPS, SAFETY, Dense
from ncsolve.critical.symmetry import orbit

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["classify_constrained"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

LARGEST = 2000  # variables up to which null spaces are computed
STEPS = 10  # of Newton's method
REACH = 1e-2  # as far as it may lead, relative to 1 + |x|
CLOSE = 1e-6  # as far as from a point that is not critical itself
MULTIPLICITY = 3  # of a root of the gradient's: from near one of t^k Newton's step is 1/k of the way
DEPENDENT = 1e-9  # what is left of a unit gradient that others span
WEAK = 1e-7  # a multiplier of at most this part of the gradient's size does not push


@dataclass(frozen=True, eq=False)
class _Active:
    """The constraints that hold as equations, bounds among them, as rows (k, n) with their multipliers y (k,)."""

    rows: Matrix
    y: Vector
    pushes: NDArray[np.bool_]
    """Inequalities and bounds with a positive multiplier."""
    weak: NDArray[np.bool_]
    """Those with a multiplier of zero."""

    @property
    def regular(self) -> bool:
        """LICQ: their gradients are linearly independent."""
        return self._split[1] == len(self.rows)

    def null_space(self, without_weak: bool = False) -> Matrix:
        Q, rank = _split(self.rows[~self.weak]) if without_weak and self.weak.any() else self._split
        return Q[:, rank:]

    @cached_property
    def _split(self) -> tuple[Matrix, int]:
        return _split(self.rows)


def _split(rows: Matrix) -> tuple[Matrix, int]:
    """An orthogonal Q, the first columns of which span the rows (k, n), and their rank."""
    if not len(rows):
        return np.eye(rows.shape[1]), 0
    from scipy.linalg import qr

    size = np.linalg.norm(rows, axis=1, keepdims=True)
    Q, R, _ = qr((rows / np.where(size > 0, size, 1.0)).T, pivoting=True)
    return np.asarray(Q), int(np.count_nonzero(np.abs(np.diag(R)) > DEPENDENT))


def classify_constrained(oracle: Oracle, x: Vector, tolerance: float, multipliers: Any = None) -> CriticalPoint:
    """Judge x (n,) of a problem with constraints; `multipliers` (m,) are those of a solver, if there are any."""
    with oracle.uncounted(), np.errstate(all="ignore"):
        return _Judge(oracle, np.array(x, dtype=float), tolerance, multipliers).judge()


class _Judge:
    def __init__(self, oracle: Oracle, x: Vector, tolerance: float, multipliers: Any) -> None:
        self.oracle, self.x, self.allowed = oracle, x, tolerance
        self.constraints = constraints_of(oracle)
        self.objective, gradient = oracle.value_and_gradient(x)
        self.kkt = estimate(oracle, x, gradient, multipliers, enough=tolerance)
        self.scale = 1 + float(np.abs(x).max(initial=0.0))

    def judge(self) -> CriticalPoint:
        if not (np.isfinite(self.objective) and np.isfinite(self.kkt.residual)):
            return self.verdict("undecided", "objective, constraints or a derivative are not finite here")
        critical = self.kkt.residual <= self.allowed
        x, kkt = self.refined(REACH if critical else CLOSE)
        self.ahead = self.step_left(x, kkt)
        if not critical and kkt.residual > max(1e-3 * self.allowed, 1e-10 * self.scale):
            return self.verdict("not-critical", self.why_not())
        if len(x) > LARGEST:
            return self.verdict("undecided", f"{len(x)} variables are too many for a reduced Hessian")
        held = self.held(x, kkt)
        H = np.asarray(_dense(self.constraints.hessian(x, kkt.multipliers)))
        if not np.isfinite(H).all():
            return self.verdict("undecided", "the Hessian of the Lagrangian is not finite here")
        return self.by_curvature(x, kkt, held, H)

    # -- where the critical point is ---------------------------------------------------------------------------------

    def refined(self, reach: float) -> tuple[Vector, KKT]:
        """Newton's method on the KKT equations of the active constraints, where it stays close and gets closer."""
        x, kkt = self.x, self.kkt
        if len(x) > LARGEST:
            return x, kkt
        rows = self.rows_held(x, kkt)
        for _ in range(STEPS):
            if kkt.residual <= EPS * self.scale:
                break
            moved = self.newton_step(x, kkt.multipliers, rows)
            if moved is None or float(np.abs(moved[0] - self.x).max()) > reach * self.scale:
                break
            new = conditions(self.oracle, moved[0], self.oracle.gradient(moved[0]), moved[1])
            if not new.residual < kkt.residual:
                break
            x, kkt = moved[0], new
        return x, kkt

    def newton_step(self, x: Vector, y: Vector, rows: NDArray[np.intp]) -> tuple[Vector, Vector] | None:
        slope = self.oracle.gradient(x) + self.constraints.push(x, y)
        added, J = self.constraints.second(x, y)
        H, J = _sum(self.oracle.hessian(x), added), J[rows]
        free = np.ones(len(x), bool)
        if self.oracle.lower is not None and self.oracle.upper is not None:
            near = CLOSE * (1 + np.abs(x))
            at_bound = ((x - self.oracle.lower <= near) & (slope > 0)) | ((self.oracle.upper - x <= near) & (slope < 0))
            free = ~at_bound
            x = np.where(at_bound, np.where(slope > 0, self.oracle.lower, self.oracle.upper), x)
        n = int(free.sum())
        b = -np.concatenate([slope[free], self.constraints.values(x)[rows]])
        step = _solution(H[free][:, free], J[:, free], b)
        if step is None:
            return None
        x, y = x.copy(), y.copy()
        x[free] += step[:n]
        y[rows] += step[n:]
        return self.oracle.project(x), y

    def step_left(self, x: Vector, kkt: KKT) -> Vector:
        """The next step of Newton's method, which would not have come closer."""
        if len(x) > LARGEST:
            return np.zeros_like(x)
        moved = self.newton_step(x, kkt.multipliers, self.rows_held(x, kkt))
        step = np.zeros_like(x) if moved is None else moved[0] - x
        return step * min(1.0, REACH * self.scale / (float(np.abs(step).max()) or 1.0))

    def rows_held(self, x: Vector, kkt: KKT) -> NDArray[np.intp]:
        """The equalities and the active inequalities with a multiplier that is not negative."""
        rows = active(self.oracle, x, self.constraints.values(x), self.constraints.jacobian(x))
        return rows[(rows < self.constraints.equalities) | (kkt.multipliers[rows] >= -self.allowed)]

    def why_not(self) -> str:
        """Which of the conditions fails; where constraints are violated, whether anything close by is better."""
        if self.kkt.feasibility <= self.allowed:
            return "the KKT conditions do not hold"
        slope = violation_slope(self.oracle, self.x)
        if slope <= self.allowed * 1e2:
            return (
                "infeasible: the constraints are violated and the violation has a critical point here "
                f"(its slope is {slope:.2g}), so nothing close by is better"
            )
        return "the constraints are violated"

    # -- what it is --------------------------------------------------------------------------------------------------

    def held(self, x: Vector, kkt: KKT) -> _Active:
        c, y = self.constraints, kkt.multipliers
        J = c.jacobian(x)
        chosen = active(self.oracle, x, c.values(x), J)
        slope = self.oracle.gradient(x) + c.push(x, y)
        rows, multipliers = [_dense(J)[chosen]], [y[chosen]]
        inequality = [chosen >= c.equalities]
        if self.oracle.lower is not None and self.oracle.upper is not None:
            for bound, sign in ((self.oracle.lower, -1.0), (self.oracle.upper, 1.0)):
                at = np.flatnonzero(np.abs(x - bound) <= CLOSE * (1 + np.abs(x)))
                rows.append(sign * np.eye(len(x))[at])
                multipliers.append(-sign * slope[at])
                inequality.append(np.ones(len(at), bool))
        all_y, signed = np.concatenate(multipliers), np.concatenate(inequality)
        size = 1e-10 + WEAK * (1 + float(np.abs(all_y).max(initial=0.0)))
        return _Active(np.vstack(rows), all_y, signed & (all_y > size), signed & (all_y <= size))

    def by_curvature(self, x: Vector, kkt: KKT, held: _Active, H: Matrix) -> CriticalPoint:
        Z = held.null_space()
        counted = self.inertia(x, kkt, H, Z)
        told = [] if held.regular else ["the gradients of the active constraints are linearly dependent (LICQ fails)"]
        moved = self.moved(x, Z, counted)
        if moved:
            told.append(f"its null space is tangent to a {moved}-dimensional symmetry of f and the constraints")
        if held.weak.any():
            told.append(f"{_count(held.weak.sum())} active without pushing: strict complementarity fails")
        flat = counted.nullity - moved
        kind: Kind = "minimum"
        if counted.negative:
            rises = counted.positive or held.pushes.any()
            kind = "saddle" if rises else ("maximum" if not flat and not held.weak.any() else "degenerate")
            if not held.regular:
                kind = "degenerate"
        elif flat:
            kind = "degenerate"
            told.append("second derivatives leave open how f behaves on the null space of the reduced Hessian")
        elif held.weak.any():
            kind = self.on_cone(x, kkt, held, H, Z)
        witness = Z @ counted.spectrum.lowest if counted.negative else None
        away = float(np.linalg.norm(x - self.x))
        told += [f"the critical point itself is {away:.2g} away"] if away > EPS * self.scale else []
        return self.verdict(kind, "; ".join(told), counted, held, witness)

    def inertia(self, x: Vector, kkt: KKT, H: Matrix, Z: Matrix) -> Inertia:
        """Signs of the reduced Hessian that stay when x moves by what rounding and Newton's method leave open."""
        R = Z.T @ H @ Z
        shift = rounding_of(x) + MULTIPLICITY * self.ahead
        elsewhere = _dense(self.constraints.hessian(self.oracle.project(x + shift), kkt.multipliers))
        change = Z.T @ (elsewhere - H) @ Z if np.isfinite(elsewhere).all() else 0 * R
        change = change + SAFETY * len(x) * EPS * float(np.abs(H).max(initial=0.0)) * np.eye(len(R))
        spectrum = Dense((R + R.T) / 2)
        return Inertia(spectrum, spectrum.separate(change), change)

    def moved(self, x: Vector, Z: Matrix, counted: Inertia) -> int:
        """Dimension of the symmetries of f and all constraints that move x, where they fill null directions."""
        if not counted.nullity or self.oracle.lower is not None:
            return 0
        tangents = orbit(_Invariants(self.oracle), x)  # type: ignore[arg-type]
        null = Z @ np.linalg.qr(counted.separation.null)[0]
        outside = np.linalg.norm(tangents - null @ (null.T @ tangents))
        return int(tangents.shape[1]) if outside <= CLOSE * np.linalg.norm(tangents) else 0

    def on_cone(self, x: Vector, kkt: KKT, held: _Active, H: Matrix, Z: Matrix) -> Kind:
        """With inequalities that are active without pushing: the Hessian on the critical cone.

        Positive on the space that the others leave: a minimum. Else, with Y moving each of them inwards by one and R
        positive, the Schur complement of R decides on directions v >= 0.
        """
        wide = held.null_space(without_weak=True)
        if not wide.shape[1] or self.inertia(x, kkt, H, wide).negative + self.inertia(x, kkt, H, wide).nullity == 0:
            return "minimum"
        if not held.regular:
            return "degenerate"
        Y = -np.linalg.pinv(held.rows)[:, held.weak]
        R = Z.T @ H @ Z
        S = Y.T @ H @ Y
        if Z.shape[1]:
            S = S - (Y.T @ H @ Z) @ np.linalg.solve(R, Z.T @ H @ Y)
        sign = copositivity((S + S.T) / 2, 1e-9 * float(np.abs(H).max())).kind
        if sign == "positive":
            return "minimum"
        rises = Z.shape[1] > 0 or held.pushes.any()
        return "saddle" if sign == "negative" and rises else "degenerate"

    def verdict(
        self,
        kind: Kind,
        because: str,
        counted: Inertia | None = None,
        held: _Active | None = None,
        witness: Vector | None = None,
    ) -> CriticalPoint:
        kkt = self.kkt
        told = [f"KKT residuals: {kkt} (allowed {self.allowed:g})"]
        if held is not None:
            told.append(f"{_count(len(held.rows))} active")
        if counted is not None:
            curvature = words.curvature(counted) if counted.spectrum.size else "no direction is free to move"
            told.append(curvature.replace("Hessian eigenvalue", "reduced Hessian eigenvalue"))
        told += [because] if because else []
        return CriticalPoint(
            kind=kind,
            index=counted.negative if counted else 0,
            nullity=counted.nullity if counted else 0,
            eigenvalues=counted.spectrum.eigenvalues if counted else np.empty(0),
            tolerance=counted.tolerance if counted else 0.0,
            explanation=f"{kind}: {'; '.join(told)}.",
            x=self.x,
            objective=self.objective,
            gradient_norm=kkt.residual,
            witness=witness,
            kkt=kkt,
        )


class _Invariants:
    """f + y^T (h, c) with other y at every point, as if it were an oracle: what leaves all of that, leaves each."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle, self.problem, self.project = oracle, oracle.problem, oracle.project
        self.constraints = constraints_of(oracle)

    def gradient(self, x: Vector) -> Vector:
        points = np.atleast_2d(x)
        pushes = self.constraints.pushes(points, self._multipliers(len(points)))
        return self.oracle.gradient(x) + pushes.reshape(x.shape)

    def hvp(self, x: Vector, directions: Matrix) -> Matrix:
        (y,) = self._multipliers(1)
        curved = [self.constraints.curve(x, y, v) for v in directions]
        return np.asarray(self.oracle.hvp(x, directions) + np.array(curved))

    def _multipliers(self, count: int) -> Matrix:
        return np.random.default_rng(7).standard_normal((count, self.constraints.m))


def _dense(matrix: Any) -> Matrix:
    dense: Matrix = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    return dense


def _solution(H: Any, J: Any, b: Vector) -> Vector | None:
    """K^-1 b for K = [[H, J^T], [J, 0]], or where K is singular the shortest that comes closest; None if not finite."""
    from scipy.linalg import LinAlgError, LinAlgWarning, solve
    from scipy.sparse import block_array
    from scipy.sparse.linalg import splu

    if not np.isfinite(b).all():
        return None
    if not isinstance(H, np.ndarray) and not isinstance(J, np.ndarray):
        try:
            step: Vector = splu(block_array([[H, J.T], [J, None]], format="csc")).solve(b)
        except (RuntimeError, ValueError):  # exactly singular, or not finite
            step = np.full(len(b), np.nan)
        if np.isfinite(step).all():
            return step
    H, J = _dense(H), _dense(J)
    K = np.block([[H, J.T], [J, np.zeros((len(J), len(J)))]])
    if not np.isfinite(K).all():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", LinAlgWarning)
            return np.asarray(solve(K, b, assume_a="sym"))
    except (LinAlgError, LinAlgWarning):
        return np.asarray(np.linalg.lstsq(K, b)[0])


def _sum(A: Any, B: Any) -> Any:
    """A + B, sparse where both are."""
    return A + B if isinstance(A, np.ndarray) == isinstance(B, np.ndarray) else _dense(A) + _dense(B)


def _count(count: int) -> str:
    return "1 constraint is" if count == 1 else f"{count} constraints are"
