"""Interval arithmetic on arrays, rounded outward: [lo, hi] contains the result at every point of the operands.

Sums, products, quotients and roots are rounded only where they are inexact, which error-free transformations tell, so
that a bound that is attained stays attained: sqrt(1 - x**2) over [-1, 1] does not leave its domain. Everything else is
widened by more units in the last place than NumPy and SciPy err by.

An operation on a set that leaves its domain is enclosed where it is defined: log([-1, 1]) = [-inf, 0]. Where it is
defined nowhere the result is empty, [nan, nan]. An infinite end means unbounded; lo < inf and hi > -inf always. Truth
values are 0 and 1, and [0, 1] where a condition holds at some points only.

`interval_rules.apply` knows all element-wise operations of a program; the reductions are here: `total`, `peak` and
`inner`.

Reference: IEEE 1788-2015; Rump, "Verification methods" (2010); Dekker's and Knuth's error-free transformations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

EPS = 2.0**-52
_TINY = 5e-324
_HUGE = float(np.finfo(float).max)
_UNRELIABLE = 2.0**-960  # products below this lose their rounding error to underflow
UNITS = 8  # in the last place: more than NumPy's functions err by
_FEW_TERMS = 16  # of a sum, added up one by one


@dataclass(frozen=True)
class Interval:
    """Two arrays of the same shape; those of a single number are the same object."""

    lo: Array
    hi: Array

    @classmethod
    def point(cls, value: Array | float) -> Interval:
        array = np.asarray(value, dtype=float)
        return cls(array, array)

    @classmethod
    def unbounded(cls, shape: tuple[int, ...]) -> Interval:
        return cls(np.full(shape, -np.inf), np.full(shape, np.inf))

    def map(self, rearrange: Callable[[Array], Array]) -> Interval:
        """The same view or selection of both ends."""
        lo = rearrange(self.lo)
        return Interval(lo, lo if self.hi is self.lo else rearrange(self.hi))

    def contains(self, value: Array | float) -> Flags:
        return np.asarray((self.lo <= value) & (value <= self.hi))

    def within(self, low: float, high: float) -> Interval:
        """The part in [low, high]."""
        lo, hi = np.maximum(self.lo, low), np.minimum(self.hi, high)
        return choose(lo <= hi, Interval(lo, hi), EMPTY)

    @property
    def magnitude(self) -> Array:
        """max |a|"""
        return np.asarray(np.maximum(np.abs(self.lo), np.abs(self.hi)))

    @property
    def mignitude(self) -> Array:
        """min |a|"""
        least = np.minimum(np.abs(self.lo), np.abs(self.hi))
        return np.where((self.lo < 0) & (self.hi > 0), 0.0, least)


EMPTY = Interval.point(np.nan)
ZERO = Interval.point(0.0)
LINE = Interval(np.asarray(-np.inf), np.asarray(np.inf))


def hull(a: Interval, b: Interval) -> Interval:
    """The smallest interval that contains both; an empty one adds nothing."""
    return Interval(np.fmin(a.lo, b.lo), np.fmax(a.hi, b.hi))


def choose(condition: Flags, a: Interval, b: Interval) -> Interval:
    return Interval(np.where(condition, a.lo, b.lo), np.where(condition, a.hi, b.hi))


# -- rounding --------------------------------------------------------------------------------------------------------


def _directed(value: Array, error: Array, sign: Array | float = 0.0) -> Interval:
    """value + error, where error is the rounding error of value or nan if unknown, and its sign, if that is known."""
    lo = np.where(error >= 0, value, np.nextafter(value, -np.inf))
    hi = np.where(error <= 0, value, np.nextafter(value, np.inf))
    return Interval(np.where(sign > 0, np.maximum(lo, 0.0), lo), np.where(sign < 0, np.minimum(hi, 0.0), hi))


def _sum(a: Array, b: Array) -> Interval:
    """Knuth: a + b = s + e exactly."""
    s = a + b
    t = s - a
    return _directed(s, (a - (s - t)) + (b - t))


def _product_error(a: Array, b: Array, p: Array) -> Array:
    """Dekker: a b - p exactly, where p = a b rounded; nan where it cannot be told."""
    c, d = 134217729.0 * a, 134217729.0 * b
    ah, bh = c - (c - a), d - (d - b)
    al, bl = a - ah, b - bh
    error = al * bl - (((p - ah * bh) - al * bh) - ah * bl)
    return np.where((np.abs(p) >= _UNRELIABLE) & np.isfinite(error), error, np.nan)


def _product(a: Array, b: Array) -> Interval:
    """Where one factor is 0 the product is, even if the other is infinite."""
    p = a * b
    zero = ((a == 0) & ~np.isnan(b)) | ((b == 0) & ~np.isnan(a))
    error = np.where(zero, 0.0, _product_error(a, b, p))
    return _directed(np.where(zero, 0.0, p), error, np.sign(a) * np.sign(b))


def _ratio(a: Array, b: Array) -> Interval:
    """Where b is 0 the ratio has no meaning; where both are infinite it is 0, as of the finite numbers in between."""
    q = a / b
    p = q * b
    error = ((a - p) - _product_error(q, b, p)) * np.sign(b)
    error = np.where((a == 0) | np.isinf(b), 0.0, np.where(np.abs(q) < _UNRELIABLE, np.nan, error))
    return _directed(np.where(np.isinf(a) & np.isinf(b), 0.0, q), error, np.sign(a) * np.sign(b))


def widened(lo: Array, hi: Array, units: int = UNITS) -> Interval:
    """Apart by so many units in the last place."""
    lo, hi = np.minimum(lo, _HUGE), np.maximum(hi, -_HUGE)
    return Interval(
        lo - (np.abs(lo) * (units * EPS) + units * _TINY), hi + (np.abs(hi) * (units * EPS) + units * _TINY)
    )


def corners(f: Callable[[Array, Array], Interval], a: Interval, b: Interval) -> Interval:
    """The hull of an operation on the ends of two intervals."""
    lows = [a.lo] if a.lo is a.hi else [a.lo, a.hi]
    highs = [b.lo] if b.lo is b.hi else [b.lo, b.hi]
    results = [f(p, q) for p in lows for q in highs]
    return Interval(
        reduce(np.minimum, (r.lo for r in results)),
        reduce(np.maximum, (r.hi for r in results)),
    )


# -- arithmetic ------------------------------------------------------------------------------------------------------


def add(a: Interval, b: Interval) -> Interval:
    return Interval(_sum(a.lo, b.lo).lo, _sum(a.hi, b.hi).hi)


def neg(a: Interval) -> Interval:
    lo = -a.hi
    return Interval(lo, lo if a.lo is a.hi else -a.lo)


def sub(a: Interval, b: Interval) -> Interval:
    return ZERO if a is b else add(a, neg(b))


def mul(a: Interval, b: Interval) -> Interval:
    return square(a) if a is b else corners(_product, a, b)


def div(a: Interval, b: Interval) -> Interval:
    """Over the divisors that are not 0."""
    touching = b.contains(0)
    if not touching.any():
        return corners(_ratio, a, b)
    left = corners(_ratio, a, Interval(b.lo, np.where(b.hi >= 0, -0.0, b.hi)))
    right = corners(_ratio, a, Interval(np.where(b.lo <= 0, 0.0, b.lo), b.hi))
    halves = hull(choose(b.lo < 0, left, EMPTY), choose(b.hi > 0, right, EMPTY))
    across = choose((a.lo == 0) & (a.hi == 0), ZERO, LINE)
    return choose(touching & a.contains(0) & (b.lo < b.hi), across, halves)


def quotient(a: Interval, b: Interval) -> Interval:
    """a / b, and 0 where b = 0."""
    return choose(b.contains(0), hull(div(a, b), ZERO), div(a, b))


def square(a: Interval) -> Interval:
    small, large = a.mignitude, a.magnitude
    return Interval(_product(small, small).lo, _product(large, large).hi)


def absolute(a: Interval) -> Interval:
    return Interval(a.mignitude, a.magnitude)


def _root(a: Array) -> Interval:
    s = np.sqrt(a)
    p = s * s
    return _directed(s, np.where(a == 0, 0.0, (a - p) - _product_error(s, s, p)), 1.0)


def sqrt(a: Interval) -> Interval:
    inside = a.within(0, np.inf)
    return Interval(_root(inside.lo).lo, _root(inside.hi).hi)


def mod(a: Interval, b: Interval) -> Interval:
    """a - b floor(a / b), which has the sign of b."""
    ratio = div(a, b)
    k = np.floor(ratio.lo)
    same = (k == np.floor(ratio.hi)) & ~b.contains(0)
    period = Interval(np.minimum(b.lo, 0), np.maximum(b.hi, 0))
    rest = add(a, neg(mul(b, Interval.point(np.where(same, k, 0.0)))))
    rest = Interval(np.maximum(rest.lo, period.lo), np.minimum(rest.hi, period.hi))
    return choose(same, rest, period)


def _powers(a: Array, b: Array) -> Interval:
    p = np.power(a, b)
    return widened(p, p)


def power(a: Interval, b: Interval) -> Interval:
    """a**b: of negative numbers where b is an integer."""
    above = corners(_powers, a.within(0, np.inf), b)
    mirrored = corners(_powers, neg(a).within(0, np.inf), b)
    above, mirrored = (Interval(np.maximum(p.lo, 0.0), p.hi) for p in (above, mirrored))
    integer = (b.lo == b.hi) & (b.lo == np.floor(b.lo))
    odd = b.lo != 2 * np.floor(b.lo / 2)
    below = choose(integer, choose(odd, neg(mirrored), mirrored), Interval(-mirrored.hi, mirrored.hi))
    return choose((a.lo < 0) & (np.floor(b.hi) >= np.ceil(b.lo)), hull(above, below), above)


# -- conditions ------------------------------------------------------------------------------------------------------


def truth(always: Flags, never: Flags) -> Interval:
    return Interval(always.astype(float), (~never).astype(float))


def negation(a: Interval) -> Interval:
    return Interval(1.0 - a.hi, 1.0 - a.lo)


def less(a: Interval, b: Interval) -> Interval:
    return truth(a.hi < b.lo, a.lo >= b.hi)


def equal(a: Interval, b: Interval) -> Interval:
    return truth((a.lo == a.hi) & (b.lo == b.hi) & (a.lo == b.lo), (a.hi < b.lo) | (a.lo > b.hi))


def choice(condition: Interval, a: Interval, b: Interval) -> Interval:
    return choose(condition.lo == 1, a, choose(condition.hi == 0, b, hull(a, b)))


# -- reductions ------------------------------------------------------------------------------------------------------


@np.errstate(all="ignore")
def total(a: Interval, axes: tuple[int, ...]) -> Interval:
    """The sum over axes, whatever the order in which it is added up.

    |fl(sum) - sum| <= (k - 1) u / (1 - (k - 1) u) sum |a|   [Higham 2002, 4.2]; few terms are added up one by one.
    """
    count = int(np.prod([a.lo.shape[k] for k in axes], dtype=np.int64))
    if count <= _FEW_TERMS:
        rows = a.map(lambda v: np.moveaxis(v, axes, range(len(axes))).reshape(count, *np.delete(v.shape, axes)))
        zero = Interval.point(np.zeros(rows.lo.shape[1:]))
        return reduce(add, (rows.map(lambda v, k=k: v[k]) for k in range(count)), zero)  # type: ignore[misc]
    slack = 2 * count * EPS
    lo, hi = np.minimum(a.lo.sum(axes), _HUGE), np.maximum(a.hi.sum(axes), -_HUGE)
    return Interval(lo - slack * np.abs(a.lo).sum(axes), hi + slack * np.abs(a.hi).sum(axes))


def peak(a: Interval, axes: tuple[int, ...]) -> Interval:
    """The maximum over axes."""
    return Interval(a.lo.max(axes), a.hi.max(axes))


@np.errstate(all="ignore")
def inner(spell: Callable[[Any, Any], Any], a: Interval, b: Interval, count: int) -> Interval:
    """A sum of `count` products by matrix multiplication: `spell` is an einsum of two arrays.

    With midpoints m and radii r: m_a m_b +- (|m_a| r_b + r_a (|m_b| + r_b)). [Rump 1999]
    """
    finite = [np.isfinite(v.lo) & np.isfinite(v.hi) for v in (a, b)]
    mids = [np.where(f, v.lo / 2 + v.hi / 2, 0.0) for f, v in zip(finite, (a, b), strict=True)]
    radii = [
        np.where(f, np.nextafter(np.maximum(v.hi - m, m - v.lo), np.inf) * (v.lo < v.hi), 0.0)
        for f, v, m in zip(finite, (a, b), mids, strict=True)
    ]
    middle = spell(mids[0], mids[1])
    spread = spell(np.abs(mids[0]), radii[1]) + spell(radii[0], np.abs(mids[1]) + radii[1])
    slack = 4 * (count + 4) * EPS * (spell(np.abs(mids[0]), np.abs(mids[1])) + spread) + count * _TINY
    lo, hi = middle - spread - slack, middle + spread + slack
    if not all(f.all() for f in finite):  # an infinite factor counts where the other is not 0
        present = [np.where((v.lo == 0) & (v.hi == 0), 0.0, 1.0) for v in (a, b)]
        loose = spell(1.0 - finite[0], present[1]) + spell(present[0], 1.0 - finite[1]) > 0
        lo, hi = np.where(loose, -np.inf, lo), np.where(loose, np.inf, hi)
    if (a.lo >= 0).all() and (b.lo >= 0).all():
        lo = np.maximum(lo, 0.0)
    return Interval(np.minimum(lo, _HUGE), np.maximum(hi, -_HUGE))


@np.errstate(all="ignore")
def inverse(a: Interval) -> tuple[Interval, Flags]:
    """The inverses of matrices in the last two axes, and whether every matrix in the interval is known to be regular.

    With C close to the inverse of the midpoint and rho = |I - C A| < 1:  |A^-1 - C|_ij <= rho / (1 - rho) max_k |C_kj|
    """
    n = a.lo.shape[-1]
    finite: Any = np.all(np.isfinite(a.lo) & np.isfinite(a.hi), axis=(-2, -1), keepdims=True)
    middle = np.where(finite, a.lo / 2 + a.hi / 2, np.eye(n))
    radius = np.where(finite, np.nextafter(np.maximum(a.hi - middle, middle - a.lo), np.inf), 1.0)
    sign: Any = np.linalg.slogdet(middle)[0]
    C = np.linalg.inv(np.where(sign[..., None, None] != 0, middle, np.eye(n)))
    size = np.abs(C) @ (np.abs(middle) + radius)
    rest = np.abs(np.eye(n) - C @ middle) + np.abs(C) @ radius + 4 * (n + 4) * EPS * (size + np.eye(n))
    rho = rest.sum(-1).max(-1) * (1 + n * 2 * EPS)
    regular = finite[..., 0, 0] & (sign != 0) & (rho < 1)
    bound = (rho / (1 - rho) * (1 + 8 * EPS))[..., None, None] * np.abs(C).max(-2, keepdims=True)
    return choose(regular[..., None, None], widened(C - bound, C + bound), LINE), regular
