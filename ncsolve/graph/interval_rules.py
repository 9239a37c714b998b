"""The enclosure of every element-wise operation of a program."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ncsolve.graph import intervals as iv
from ncsolve.graph.intervals import EMPTY, LINE, ZERO, Array, Flags, Interval, choose, hull, widened

_PI = float(np.nextafter(np.pi, np.inf))
_SPECIAL_UNITS = 64  # in the last place: more than SciPy's functions err by
_NEAR_ROOTS = 1e-14  # how much log Gamma and digamma may be wrong where they are close to 0
_SMALL = 1e-290  # below, numbers begin to lose digits

# -- functions that rise or fall -------------------------------------------------------------------------------------


def _rising(
    function: Callable[..., Array],
    a: Interval,
    domain: tuple[float, float] = (-np.inf, np.inf),
    image: tuple[float, float] = (-np.inf, np.inf),
    units: int = iv.UNITS,
) -> Interval:
    """An increasing function; one that is 0 at 0 is so exactly."""
    inside = a.within(*domain)
    at_lo, at_hi = function(inside.lo), function(inside.hi)
    wide = widened(at_lo, at_hi, units)
    lo = np.where((inside.lo == 0) & (at_lo == 0), 0.0, np.maximum(wide.lo, image[0]))
    return Interval(lo, np.where((inside.hi == 0) & (at_hi == 0), 0.0, np.minimum(wide.hi, image[1])))


def _falling(function: Callable[..., Array], a: Interval, **limits: Any) -> Interval:
    return iv.neg(_rising(lambda z: -function(z), a, **limits))


def _exact(function: Callable[..., Array], *args: Interval) -> Interval:
    """An increasing function without rounding."""
    return Interval(function(*(a.lo for a in args)), function(*(a.hi for a in args)))


def _special(name: str) -> Callable[..., Any]:
    def function(*args: Array) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*args)

    return function


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def _softplus(z: Array) -> Array:
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def _hypot(a: Interval, b: Interval) -> Interval:
    wide = widened(np.hypot(a.mignitude, b.mignitude), np.hypot(a.magnitude, b.magnitude))
    return Interval(np.maximum(wide.lo, np.maximum(a.mignitude, b.mignitude)), wide.hi)


def _logaddexp(a: Interval, b: Interval) -> Interval:
    return widened(np.logaddexp(a.lo, b.lo), np.logaddexp(a.hi, b.hi))


def _cosine(a: Interval, b: Interval) -> Interval:
    """x / hypot(x, y): rises with x, falls with |y| for x > 0, rises for x < 0; 0 at the origin."""

    def at(x: Array, y: Array, bound: float) -> Array:
        size = np.hypot(x, y)
        return np.where(np.isinf(x) | ((size < _SMALL) & (x != 0)), bound, np.where(x == 0, 0.0, x / size))

    near, far = iv.absolute(b).lo, iv.absolute(b).hi
    wide = widened(at(a.lo, np.where(a.lo < 0, near, far), -1.0), at(a.hi, np.where(a.hi > 0, near, far), 1.0))
    lo, hi = np.maximum(wide.lo, -1.0), np.minimum(wide.hi, 1.0)
    inside = Interval(np.where(a.lo >= 0, np.maximum(lo, 0.0), lo), np.where(a.hi <= 0, np.minimum(hi, 0.0), hi))
    return choose(np.isnan(a.lo) | np.isnan(b.lo), EMPTY, inside)


def _xlogy(a: Interval, b: Interval) -> Interval:
    """x log(y), and 0 where x = 0. Of x log(x), which falls until 1/e, both ends are known."""
    if a is b:
        return _x_log_x(a)
    product = iv.mul(a, RULES["log"](b))
    return choose(a.contains(0), hull(product, ZERO), product)


def _x_log_x(a: Interval) -> Interval:
    def at(x: Array) -> Array:
        return np.where(x == 0, 0.0, np.where(np.isinf(x), np.inf, x * np.log(x)))

    inside, least = a.within(0, np.inf), np.exp(-1.0)
    ends = at(inside.lo), at(inside.hi)
    lo = np.where(inside.contains(least), -least, np.minimum(*ends))
    return widened(lo, np.maximum(*ends))


# -- periodic functions and angles -----------------------------------------------------------------------------------


def reaches(a: Interval, phase: float, period: float) -> Flags:
    """Whether phase + k period lies in the interval for some integer k (or so close that rounding leaves it open)."""
    first, last = (a.lo - phase) / period, (a.hi - phase) / period
    slack = 8 * iv.EPS * (1 + np.maximum(np.abs(first), np.abs(last)))
    return ~(np.floor(last + slack) < np.ceil(first - slack)) & ~np.isnan(a.lo)


def _wave(function: Callable[[Array], Array], top: float, a: Interval) -> Interval:
    """sin or cos, whose value is 1 at top + 2 k pi."""
    ends = function(a.lo), function(a.hi)
    wide = widened(np.minimum(*ends), np.maximum(*ends))
    lo = np.where(reaches(a, top - np.pi, 2 * np.pi), -1.0, np.maximum(wide.lo, -1.0))
    hi = np.where(reaches(a, top, 2 * np.pi), 1.0, np.minimum(wide.hi, 1.0))
    return choose(np.isnan(a.lo), EMPTY, Interval(lo, hi))


def _tan(a: Interval) -> Interval:
    return choose(reaches(a, np.pi / 2, np.pi), LINE, widened(np.tan(a.lo), np.tan(a.hi)))


def _atan2(y: Interval, x: Interval) -> Interval:
    """The angle of the points of a rectangle: at its corners, unless it crosses the negative half of the x axis."""

    def angle(p: Array, q: Array) -> Interval:
        t = np.arctan2(p + 0.0, q + 0.0)
        return widened(t, t)

    found = iv.corners(angle, y, x)
    found = choose(y.contains(0) & x.contains(0), hull(found, ZERO), found)
    crosses = (y.lo < 0) & (y.hi >= 0) & (x.lo < 0)
    return choose(crosses, Interval(np.asarray(-_PI), np.asarray(_PI)), found.within(-_PI, _PI))


def _valley(name: str, where: float, least: float, a: Interval) -> Interval:
    """Gamma or log Gamma: convex above 0, with its minimum in between; not enclosed where arguments may be negative."""
    function = _special(name)
    ends = [np.where((name == "gammaln") & (e < _SMALL), -np.log(e), function(e)) for e in (a.lo, a.hi)]
    wide = widened(np.where(a.contains(where), least, np.minimum(*ends)), np.maximum(*ends), _SPECIAL_UNITS)
    return choose(a.lo <= 0, LINE, Interval(wide.lo - _NEAR_ROOTS, wide.hi + _NEAR_ROOTS))


def _digamma(a: Interval) -> Interval:
    psi = _special("digamma")
    wide = widened(psi(a.lo), psi(a.hi), _SPECIAL_UNITS)
    return choose(a.lo <= 0, LINE, Interval(wide.lo - _NEAR_ROOTS, wide.hi + _NEAR_ROOTS))


def _polygamma(n: Interval, a: Interval) -> Interval:
    """|psi_n| falls above 0."""
    known = (n.lo == n.hi) & (n.lo >= 1) & (n.lo == np.floor(n.lo))
    order = np.where(known, n.lo, 1.0).astype(int)
    ends = [_special("polygamma")(order, end) for end in (a.lo, a.hi)]
    return choose(known & (a.lo > 0), widened(np.minimum(*ends), np.maximum(*ends), _SPECIAL_UNITS), LINE)


RULES: dict[str, Callable[..., Interval]] = {
    "add": iv.add, "sub": iv.sub, "mul": iv.mul, "div": iv.div, "neg": iv.neg, "square": iv.square, "sqrt": iv.sqrt,
    "abs": iv.absolute, "mod": iv.mod, "pow": iv.power, "quotient": iv.quotient,
    "exp": partial(_rising, np.exp, image=(0, np.inf)), "expm1": partial(_rising, np.expm1, image=(-1, np.inf)),
    "log": partial(_rising, np.log, domain=(0, np.inf)), "log1p": partial(_rising, np.log1p, domain=(-1, np.inf)),
    "sinh": partial(_rising, np.sinh), "tanh": partial(_rising, np.tanh, image=(-1, 1)),
    "cosh": lambda a: _rising(np.cosh, iv.absolute(a), image=(1, np.inf)),
    "asin": partial(_rising, np.arcsin, domain=(-1, 1)), "atan": partial(_rising, np.arctan, image=(-_PI / 2, _PI / 2)),
    "acos": partial(_falling, np.arccos, domain=(-1, 1), image=(-_PI, 0)), "asinh": partial(_rising, np.arcsinh),
    "acosh": partial(_rising, np.arccosh, domain=(1, np.inf), image=(0, np.inf)),
    "atanh": partial(_rising, np.arctanh, domain=(-1, 1)), "atan2": _atan2,
    "erf": partial(_rising, _special("erf"), image=(-1, 1), units=_SPECIAL_UNITS),
    "erfc": partial(_falling, _special("erfc"), image=(-2, 0), units=_SPECIAL_UNITS),
    "sin": partial(_wave, np.sin, np.pi / 2), "cos": partial(_wave, np.cos, 0.0), "tan": _tan,
    "gamma": partial(_valley, "gamma", 1.4616321449683623, 0.885603194410888),
    "loggamma": partial(_valley, "gammaln", 1.4616321449683623, -0.1214862905358496),
    "digamma": _digamma, "polygamma": _polygamma,
    "sigmoid": partial(_rising, _sigmoid, image=(0, 1)), "softplus": partial(_rising, _softplus, image=(0, np.inf)),
    "logaddexp": _logaddexp, "xlogy": _xlogy, "hypot": _hypot, "cosine": _cosine,
    "sign": partial(_exact, np.sign), "floor": partial(_exact, np.floor), "ceil": partial(_exact, np.ceil),
    "step": partial(_exact, lambda z: np.heaviside(z, 0.5)),
    "max": partial(_exact, np.maximum), "min": partial(_exact, np.minimum), "where": iv.choice,
    "and": partial(_exact, np.minimum), "or": partial(_exact, np.maximum), "not": iv.negation,
    "lt": iv.less, "gt": lambda a, b: iv.less(b, a), "le": lambda a, b: iv.negation(iv.less(b, a)),
    "ge": lambda a, b: iv.negation(iv.less(a, b)), "eq": iv.equal, "ne": lambda a, b: iv.negation(iv.equal(a, b)),
}  # fmt: skip


@np.errstate(all="ignore")
def apply(kind: str, *args: Interval) -> Interval:
    """An element-wise operation of a program; the operands broadcast. The same object twice is the same number twice.

    Of an operation that is not known nothing is known.
    """
    if kind not in RULES:
        return Interval.unbounded(np.broadcast_shapes(*(a.lo.shape for a in args)))
    return RULES[kind](*args)
