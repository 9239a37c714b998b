"""The PL constant over a box, proven: the least q(x) = |grad f|^2 / (2 (f - f*)), where f* is the least value there.

For boxes B the best of three bounds is taken: the lowest eigenvalue m of H on the hull of B and the minimiser x*, as
f(x) - f* <= |grad f(x)|^2 / (2 m) there, which resolves 0/0; enclosures of |grad f|^2 and f - f*, by mean values;
and the centred form of q, with grad q = (H - q I) grad f / (f - f*).
Reference: Karimi, Nutini & Schmidt (2016); Neumaier, "Interval Methods for Systems of Equations" (1990), section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ncsolve.graph import intervals as iv
from ncsolve.graph.intervals import Array, Interval
from ncsolve.theory.branch import AT_ONCE, Field, divided, lowest_eigenvalue

__all__ = ["Basin", "Ratio", "basin"]

HALVINGS = 40  # of the neighbourhood of a minimiser, until f is strongly convex there
SURE = 1e-9  # values closer to f* are not divided by


@dataclass(frozen=True)
class Basin:
    """The only minimiser in the box lies in [x_lo, x_hi], its value in [f_lo, f_hi]; `proven` over the whole box."""

    x_lo: Array
    x_hi: Array
    f_lo: float
    f_hi: float
    proven: bool


class Ratio:
    """A bound for `least`: of q in the free variables of a field."""

    def __init__(self, field: Field, found: Basin) -> None:
        self.field, self.found = field, found
        self.minimum = Interval(np.asarray(found.f_lo), np.asarray(found.f_hi))

    @np.errstate(all="ignore")
    def __call__(self, low: Array, high: Array) -> tuple[Array, Array]:
        field, found = self.field, self.found
        convex = lowest_eigenvalue(field.hessian(np.minimum(low, found.x_lo), np.maximum(high, found.x_hi)))
        H = field.hessian(low, high)
        at = centred(field, low, high, H)
        squared = iv.total(iv.square(at.gradient), (1,))
        gap = iv.sub(at.value, self.minimum)
        two = Interval.point(2.0)
        apart = iv.div(Interval.point(squared.lo), iv.mul(two, Interval.point(np.maximum(gap.hi, 0.0)))).lo
        q = iv.div(squared, iv.mul(two, gap))
        swing = iv.sub(_times(H, at.gradient), iv.mul(q.map(_column), at.gradient))
        slope = iv.div(swing, gap.map(_column))
        middle = iv.total(iv.square(at.middle_gradient), (1,))
        rise = iv.sub(at.middle_value, self.minimum)
        center = iv.div(middle, iv.mul(two, rise))
        form = iv.add(center, iv.total(iv.mul(slope, at.offset), (1,))).lo
        form = np.where((gap.lo > 0) & (rise.lo > 0), form, 0.0)
        smooth = (np.isfinite(H.lo) & np.isfinite(H.hi)).all(axis=(1, 2))
        bound = np.where(smooth, np.fmax.reduce([convex, apart, form, np.zeros(len(low))]), 0.0)
        attained = (middle.lo / 2 + middle.hi / 2) / (rise.lo + rise.hi)
        return bound, np.where(rise.lo > SURE * max(1.0, abs(found.f_hi)), attained, np.nan)


@dataclass(frozen=True)
class Centred:
    """f and its gradient over boxes, by mean values where these are narrower, and at the middles."""

    offset: Interval
    value: Interval
    gradient: Interval
    middle_value: Interval
    middle_gradient: Interval


def centred(field: Field, low: Array, high: Array, H: Interval) -> Centred:
    """f(c) + G (x - c) and grad f(c) + H (x - c), cut with the plain enclosures."""
    c = low / 2 + high / 2
    offset = iv.sub(Interval(low, high), Interval.point(c)).map(lambda v: v[:, field.free])
    g, f = field.gradient(c, c), field.value(c, c)
    gradient = _both(field.gradient(low, high), iv.add(g, _times(H, offset)))
    value = _both(field.value(low, high), iv.add(f, iv.total(iv.mul(gradient, offset), (1,))))
    bent = iv.mul(Interval.point(0.5), iv.total(iv.mul(_times(H, offset), offset), (1,)))
    second = iv.add(iv.add(f, iv.total(iv.mul(g, offset), (1,))), bent)
    return Centred(offset, _both(value, second), gradient, f, g)


@np.errstate(all="ignore")
def basin(field: Field, x: Array, lower: Array, upper: Array, most: int, until: float = math.inf) -> Basin | None:
    """The minimiser near x where f is strongly convex, proven least in the box by excluding all that is not near it.

    Around x, with H >= m I as far as |grad f(x)| / m, there is one minimiser x*, |x* - x| <= |grad f(x)| / m, and
    f(x) - f* <= |grad f(x)|^2 / (2 m). None where H is not positive definite, or x* not inside the box.
    """
    free = field.free
    width = np.zeros_like(x)
    width[free] = (upper - lower)[free] / 2
    m = 0.0
    for _ in range(HALVINGS):
        near = x - width, x + width
        m = float(lowest_eigenvalue(field.hessian(near[0][None], near[1][None]))[0])
        if m > 0:
            break
        width = width / 2
    slope = iv.sqrt(iv.total(iv.square(field.gradient(x[None], x[None])), (1,))).hi
    if not m > 0 or not np.isfinite(slope).all():
        return None
    away = float(iv.div(Interval.point(slope), Interval.point(m)).hi[0])
    radius = np.zeros_like(x)
    radius[free] = away
    x_lo, x_hi = np.where(radius > 0, np.nextafter(x - radius, -np.inf), x), np.nextafter(x + radius, np.inf)
    x_hi = np.where(radius > 0, x_hi, x)
    inside = (x_lo > np.fmax(lower, near[0])) & (x_hi < np.fmin(upper, near[1]))
    if not inside[free].all():
        return None
    f = field.value(x[None], x[None])
    below = iv.div(iv.square(Interval.point(slope)), Interval.point(2 * m))
    f_lo, f_hi = float(iv.sub(f, below).lo[0]), float(f.hi[0])
    return Basin(x_lo, x_hi, f_lo, f_hi, _is_least(field, near, f_hi, lower, upper, most, until))


def _is_least(
    field: Field, near: tuple[Array, Array], f_hi: float, lower: Array, upper: Array, most: int, until: float
) -> bool:
    """Whether f > f_hi in the box wherever it is not `near`, where f is convex."""
    low, high, boxes = lower[None], upper[None], 1
    while len(low) and boxes <= most and perf_counter() < until:
        value = centred(field, low, high, field.hessian(low, high)).value
        within = (low >= near[0]).all(axis=1) & (high <= near[1]).all(axis=1)
        if (value.hi < f_hi).any() and (value.hi[~within] < f_hi).any():
            return False
        open_ = ~within & ~(value.lo > f_hi)
        if open_.sum() > AT_ONCE:
            return False
        low, high = divided(low[open_], high[open_]) if open_.any() else (low[:0], high[:0])
        boxes += len(low)
    return not len(low)


def _times(H: Interval, v: Interval) -> Interval:
    """H v: (m, n)"""
    return iv.total(iv.mul(H, v.map(lambda w: w[:, None, :])), (2,))


def _both(a: Interval, b: Interval) -> Interval:
    """Where both hold."""
    return Interval(np.fmax(a.lo, b.lo), np.fmin(a.hi, b.hi))


def _column(values: Array) -> Array:
    return values[:, None]
