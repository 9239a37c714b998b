"""Proof that a box contains exactly one critical point, with its exact index: Krawczyk's test in ball arithmetic.

With X a box around c, Y close to H(c)^-1 and

    K(X) = c - Y grad f(c) + (I - Y H(X)) (X - c),

K(X) in the interior of X proves that X contains one and only one zero of grad f, which lies in K(X). [Krawczyk 1969;
Moore 1977] Its index is that of Q^T H(X) Q for any regular Q (Sylvester): where Gershgorin's discs, computed in balls,
avoid 0, they count the negative eigenvalues of every matrix in H(X), and Q is regular.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.balls import Balls, Objects, ball, ends, flint
from ncsolve.critical.point import CriticalPoint, Kind
from ncsolve.critical.system import refuse, system_of
from ncsolve.errors import ProblemError

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Certificate", "Certifier", "certified", "certifier_of", "kind_of"]

Array = NDArray[np.float64]

PRECISION = 128  # bits
RADII = (1e-4, 1e-6, 1e-8, 1e-10, 1e-12)  # of the boxes that are tried, relative to 1 + |x|
NEWTON = 6  # steps to the centre of the box
CONTRACTIONS = 3  # of the box after the proof
MOST_VARIABLES = 64


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is proven of one critical point x* of f."""

    lower: Array
    """x* >= lower, shape (n,)."""
    upper: Array
    """x* <= upper, shape (n,)."""
    index: int
    """Number of negative eigenvalues of the Hessian at x*; none of them is zero."""
    value: tuple[float, float]
    """Bounds of f(x*)."""
    alone_lower: Array
    """There is no other critical point above this, shape (n,) ..."""
    alone_upper: Array
    """... and below this."""

    @property
    def center(self) -> Array:
        return np.asarray(self.lower / 2 + self.upper / 2)

    @property
    def width(self) -> float:
        return float((self.upper - self.lower).max(initial=0.0))


class Certifier:
    """Proves critical points of one problem."""

    def __init__(self, problem: Problem) -> None:
        self.flint = flint()
        refuse(problem)
        if problem.n > MOST_VARIABLES:
            raise ProblemError(
                f"'{problem.name}' has {problem.n} variables: certificates are for at most {MOST_VARIABLES}."
            )
        self.n = problem.n
        self.one = _exact(np.eye(self.n))
        with self.flint.ctx.workprec(PRECISION):
            self.balls = Balls(system_of(problem))

    def prove(self, points: Array) -> list[Certificate | None]:
        """A certificate of the critical point close to each point (m, n), or None where none could be proven."""
        with self.flint.ctx.workprec(PRECISION):
            return self._prove(np.asarray(points, dtype=float))

    def prove_again(self, enclosures: Sequence[tuple[Array, Array]]) -> list[Certificate | None]:
        """Of boxes [lower, upper] that are said to hold one critical point each: a certificate, or None."""
        if not enclosures:
            return []
        with self.flint.ctx.workprec(PRECISION):
            X = np.stack([ball(lower, upper) for lower, upper in enclosures])
            middles = np.asarray(np.frompyfunc(lambda v: v.mid(), 1, 1)(X), dtype=object)
            gradients, hessians = self.balls.gradient(middles), self.balls.hessian(X)
            inverses = [_inverse(_middle(h)) for h in hessians]
            regular = [k for k, inverse in enumerate(inverses) if inverse is not None]
            indices: dict[int, int] = {}
            for k in regular:
                image = self._image(middles[k], X[k], gradients[k], hessians[k], inverses[k])
                index = index_of(hessians[k])
                if index is not None and all(b.contains_interior(a) for a, b in zip(image, X[k], strict=True)):
                    indices[k], X[k] = index, image
            (lower, upper), (low, high) = ends(X), ends(self.balls.value(X))
        return [
            Certificate(lower[k], upper[k], indices[k], (low[k], high[k]), lower[k], upper[k]) if k in indices else None
            for k in range(len(X))
        ]

    def _prove(self, points: Array) -> list[Certificate | None]:
        found: list[Certificate | None] = [None] * len(points)
        if not len(points):
            return found
        centers, inverses = self._newton(points)
        open_ = [k for k in range(len(points)) if inverses[k] is not None]
        for radius in RADII:
            if not open_:
                break
            boxes = self._around(centers[open_], radius)
            narrowed = self._krawczyk(centers[open_], boxes, [inverses[k] for k in open_])
            proven = [j for j, box in enumerate(narrowed) if box is not None]
            chosen = [open_[j] for j in proven]
            for k, j, certificate in zip(
                chosen, proven, self._certificates(centers[chosen], [narrowed[j] for j in proven], inverses, chosen),
                strict=True,
            ):  # fmt: skip
                if certificate is not None:
                    low, high = ends(boxes[j])
                    found[k] = replace(certificate, alone_lower=_up(low), alone_upper=_down(high))
            open_ = [k for k in open_ if found[k] is None]
        return found

    def _newton(self, points: Array) -> tuple[Objects, list[Any]]:
        """Exact centres close to zeros of the gradient, and inverses of the Hessian there as exact matrices."""
        centers = ball(points, points)
        for _ in range(2):
            inverses = [_inverse(_middle(h)) for h in self.balls.hessian(centers)]
            for _ in range(NEWTON // 2):
                steps = self.balls.gradient(centers)
                for k, inverse in enumerate(inverses):
                    if inverse is not None:
                        moved = [c - d for c, d in zip(centers[k], self._times(inverse, steps[k]), strict=True)]
                        if all(v.is_finite() for v in moved):
                            centers[k] = [v.mid() for v in moved]
        return centers, [_inverse(_middle(h)) for h in self.balls.hessian(centers)]

    def _around(self, centers: Objects, radius: float) -> Objects:
        boxes = np.empty(centers.shape, dtype=object)
        for k, row in enumerate(centers):
            size = radius * (1 + max((abs(float(c)) for c in row), default=0.0))
            boxes[k] = [self.flint.arb(c, size) for c in row]
        return boxes

    def _times(self, matrix: Any, vector: Sequence[Any]) -> list[Any]:
        product = matrix * self.flint.arb_mat(self.n, 1, list(vector))
        return [product[i, 0] for i in range(self.n)]

    def _image(self, c: Objects, X: Objects, g: Objects, H: Objects, Y: Any) -> list[Any]:
        """K(X), with g = grad f(c) and H = the Hessian over X."""
        step = self._times(Y, list(g))
        spread = self._times(self.one - Y * _matrix(H), [a - b for a, b in zip(X, c, strict=True)])
        return [a - s + d for a, s, d in zip(c, step, spread, strict=True)]

    def _images(self, centers: Objects, boxes: Objects, inverses: Sequence[Any]) -> list[list[Any]]:
        """K(X) of each box."""
        gradients, hessians = self.balls.gradient(centers), self.balls.hessian(boxes)
        parts = zip(centers, boxes, gradients, hessians, inverses, strict=True)
        return [self._image(*part) for part in parts]

    def _krawczyk(self, centers: Objects, boxes: Objects, inverses: Sequence[Any]) -> list[list[Any] | None]:
        """K(X) where it lies in the interior of X."""
        images = self._images(centers, boxes, inverses)
        return [
            image if all(b.contains_interior(a) for a, b in zip(image, box, strict=True)) else None
            for image, box in zip(images, boxes, strict=True)
        ]

    def _certificates(
        self, centers: Objects, boxes: Sequence[Any], inverses: Sequence[Any], chosen: Sequence[int]
    ) -> list[Certificate | None]:
        if not chosen:
            return []
        X = np.empty(centers.shape, dtype=object)
        for k, box in enumerate(boxes):
            X[k] = box
        for _ in range(CONTRACTIONS):  # K(X) contains every zero in X, whatever c in X; so does their intersection
            middles = np.asarray(np.frompyfunc(lambda v: v.mid(), 1, 1)(X), dtype=object)
            for k, image in enumerate(self._images(middles, X, [inverses[j] for j in chosen])):
                X[k] = [a.intersection(b) if b.is_finite() else a for a, b in zip(X[k], image, strict=True)]
        values, hessians = self.balls.value(X), self.balls.hessian(X)
        value_lower, value_upper = ends(values)
        lower, upper = ends(X)
        return [
            None
            if (index := index_of(hessians[k])) is None
            else Certificate(lower[k], upper[k], index, (value_lower[k], value_upper[k]), lower[k], upper[k])
            for k in range(len(chosen))
        ]


def certifier_of(problem: Problem) -> Certifier:
    """The certifier of a problem, made once for its parameters."""
    return problem.once(("certifier", *problem.parameters.values()), lambda: Certifier(problem))


def index_of(hessian: Objects) -> int | None:
    """The number of negative eigenvalues that all symmetric matrices in H (n, n) share, None where it is not proven."""
    n = len(hessian)
    middle = _middle(hessian)
    if not np.isfinite(middle).all():
        return None
    values, vectors = np.linalg.eigh((middle + middle.T) / 2)
    if not np.abs(values).min(initial=1.0) > 0:
        return None
    Q = _exact(vectors / np.sqrt(np.abs(values)))
    D = Q.transpose() * _matrix(hessian) * Q
    negative, zero = 0, flint().arb(0)
    for i in range(n):
        radius = sum((abs(D[i, j]) for j in range(n) if j != i), zero)
        if D[i, i] + radius < 0:
            negative += 1
        elif not D[i, i] - radius > 0:
            return None
    return negative


def kind_of(index: int, n: int) -> Kind:
    """What a nondegenerate critical point with this index is."""
    return "minimum" if index == 0 else "maximum" if index == n else "saddle"


def certified(problem: Problem, point: CriticalPoint) -> CriticalPoint:
    """The judgement with a proof, or with the reason why there is none.

    Raises `MissingExtra` without python-flint, `ProblemError` where f has no rigorous form in balls.
    """
    certifier = Certifier(problem)
    if point.nullity or point.kind not in ("minimum", "maximum", "saddle"):
        why = "its Hessian is singular" if point.nullity else f"it is {point.kind}"
        return _told(point, f"Not certified: {why}, which Krawczyk's test cannot decide.")
    certificate = certifier.prove(point.x[None])[0]
    if certificate is None:
        return _told(point, "Not certified: Krawczyk's test did not succeed in any box around x.")
    low, high = (np.inf * sign if end is None else end for end, sign in ((problem.lower, -1), (problem.upper, 1)))
    if (certificate.lower < low).any() or (certificate.upper > high).any():
        return _told(point, "Not certified: the critical point close to x is not proven to lie inside the bounds.")
    away = float(np.maximum(point.x - certificate.lower, certificate.upper - point.x).max())
    proven = certificate.index == point.index and kind_of(certificate.index, point.x.size) == point.kind
    if not proven or away > 1e-2 * (1 + float(np.abs(point.x).max())):
        what = f"the critical point that is proven, of index {certificate.index}, is {away:.2g} away"
        return _told(point, f"Not certified: {what}.")
    low, high = certificate.value
    return replace(
        _told(
            point,
            f"Proven in ball arithmetic: one critical point, of index {certificate.index}, lies within {away:.2g} of x;"
            f" there f is in [{low:.17g}, {high:.17g}].",
        ),
        certified=True,
        certificate=certificate,
    )


def _told(point: CriticalPoint, sentence: str) -> CriticalPoint:
    return replace(point, explanation=f"{point.explanation} {sentence}")


# -- matrices ----------------------------------------------------------------------------------------------------------


def _middle(values: Objects) -> Array:
    return np.array([[float(v.mid()) if v.is_finite() else np.nan for v in row] for row in values])


def _inverse(matrix: Array) -> Any:
    """Of floats, as an exact ball matrix; None where there is none."""
    if not np.isfinite(matrix).all():
        return None
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return None
    return _exact(inverse) if np.isfinite(inverse).all() else None


def _exact(matrix: NDArray[Any]) -> Any:
    rows, columns = matrix.shape
    return flint().arb_mat(rows, columns, matrix.ravel().tolist())


def _matrix(values: Objects) -> Any:
    rows, columns = values.shape
    return flint().arb_mat(rows, columns, list(values.flat))


def _up(values: Array) -> Array:
    return np.nextafter(np.nextafter(values, np.inf), np.inf)


def _down(values: Array) -> Array:
    return np.nextafter(np.nextafter(values, -np.inf), -np.inf)
