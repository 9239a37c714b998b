"""Where operations are undefined or overflow: sets of values of their arguments.

    log(u): u <= 0      a / b: b = 0      a**e, e not an integer: a < 0      tan, Gamma: poles      exp(u): u > 709.78

A guard of an operation is a condition that holds wherever its value is used, as x > 0 does for the logarithm in
Piecewise((log(x), x > 0), (0, True)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import sympy as sp

from ncsolve.graph.interval_rules import apply, reaches
from ncsolve.graph.intervals import Flags, Interval, inverse
from ncsolve.graph.program import MATRIX, Op, Program

Test = Callable[..., Flags]
Says = Callable[..., str]
Guards = frozenset[tuple[int, bool]]
"""Conditions, and whether they are true or false, wherever an operation is used."""
Fact = tuple[str, int, int]
"""A comparison that holds: its kind and the two operations that it compares."""

JUMPS = frozenset({"where", "sign", "step", "floor", "ceil", "mod", "cosine", "quotient", "atan2"})
"""Operations that are not continuous where they are defined."""
NEGATED = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}
MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}
_EXPONENT, _HYPERBOLIC, _FACTORIAL = 709.782712893384, 710.4758600739439, 171.6243769563027
_LIMITS = np.array([0.0, 1.0, 1.5, 2.0, _FACTORIAL, _EXPONENT, _HYPERBOLIC])  # of the sets below, and what lies between
_PROBES = np.concatenate([sign * np.nextafter(_LIMITS, towards) for sign in (-1, 1) for towards in (-np.inf, np.inf)])
_PROBES = np.concatenate([_PROBES, _LIMITS, -_LIMITS, [-1e300, 1e300]])
"""Values that tell the sets of values apart, each of which is bounded by some of the limits."""


@dataclass(frozen=True)
class Singularity:
    """A set of values of some arguments for which an operation has no finite value.

    Of intervals, `may` tells whether they contain such values, `must` whether they contain no others; `says` is the
    condition in words, of expressions. A `pole` is a set of single values between those that are defined.
    """

    op: int
    args: tuple[int, ...]
    may: Test
    must: Test
    says: Says
    overflow: bool = False
    pole: bool = False


def singularities(program: Program, roots: Sequence[int]) -> list[Singularity]:
    """All singularities of the operations that the roots use, those of smaller expressions first."""
    return [s for op in program.used(roots) for s in _of_operation(program, op)]


def _of_operation(program: Program, op: Op) -> Iterator[Singularity]:
    if op.kind in _DOMAINS:
        args = op.args[1:] if op.kind == "polygamma" else op.args
        yield Singularity(op.id, args, *_DOMAINS[op.kind], pole=op.kind in _POLES)
    if op.kind in _OVERFLOWS:
        yield Singularity(op.id, op.args, *_OVERFLOWS[op.kind], overflow=True)
    if op.kind in ("div", "mod"):
        yield Singularity(op.id, (factor(program, op.args[1]),), has_zero, _is_zero, "{} = 0".format, pole=True)
    if op.kind == "quotient" and _is_root(program, *op.args):
        yield Singularity(op.id, (factor(program, op.args[1]),), has_zero, _is_zero, "{} = 0".format, pole=True)
    if op.kind == "xlogy":
        yield _log_of_second(op)
    if op.kind == "pow":
        yield from _powers(program, op)
    if op.kind in ("inverse", "logdet", "logabsdet"):
        yield Singularity(op.id, op.args, _may_be_singular, _never, "{} is singular".format)


def covers(wide: Singularity, narrow: Singularity) -> bool:
    """Whether the first is met wherever the second one is: as u <= 0 is where u = 0, of the same u."""
    if wide.args != narrow.args or len(wide.args) > 1:
        return False
    points = Interval.point(_PROBES)
    return bool(np.all(wide.must(points) | ~np.asarray(narrow.may(points))))


def factor(program: Program, divisor: int) -> int:
    """An operation that is 0 where the divisor is: x for x**2, x**3, Abs(x), sqrt(x), 2*x."""
    while True:
        op = program.ops[divisor]
        args = [program.ops[a] for a in op.args]
        power = op.kind == "pow" and args[1].kind == "const" and args[1].detail > 0
        if op.kind in ("square", "sqrt", "abs", "neg") or power:
            divisor = op.args[0]
        elif op.kind == "mul" and args[0].kind == "const" and args[0].detail != 0:
            divisor = op.args[1]
        elif op.kind == "mul" and (same := {factor(program, a) for a in op.args} - {divisor}) and len(same) == 1:
            divisor = same.pop()
        else:
            return divisor


def _is_root(program: Program, a: int, b: int) -> bool:
    """Whether a is b**e with e < 1, so that a / b has no bound where b is small."""
    root = program.ops[a]
    if root.kind == "pow":
        exponent = program.ops[root.args[1]]
        return root.args[0] == b and exponent.kind == "const" and exponent.detail < 1
    return root.kind == "sqrt" and root.args[0] == b


# -- sets of values --------------------------------------------------------------------------------------------------


def has_zero(u: Interval) -> Flags:
    return u.contains(0)


def _is_zero(u: Interval) -> Flags:
    return np.asarray((u.lo == 0) & (u.hi == 0))


def _never(*args: Interval) -> Flags:
    return np.zeros((), dtype=bool)


def _has_pole(u: Interval) -> Flags:
    """Whether 0 or a negative integer is contained."""
    return np.asarray(np.floor(np.minimum(u.hi, 0)) >= np.ceil(u.lo))


def _is_pole(u: Interval) -> Flags:
    return np.asarray((u.lo == u.hi) & (u.lo <= 0) & (u.lo == np.floor(u.lo)))


def _may_be_singular(matrices: Interval) -> Flags:
    return np.asarray(~inverse(matrices)[1])


def _below(limit: float) -> tuple[Test, Test, Says]:
    return lambda u: u.lo < limit, lambda u: u.hi < limit, f"{{}} < {limit:g}".format


def _above(limit: float) -> tuple[Test, Test, Says]:
    return lambda u: u.hi > limit, lambda u: u.lo > limit, f"{{}} > {limit:.6g}".format


def _beyond(limit: float) -> tuple[Test, Test, Says]:
    """Where the absolute value is larger."""
    return lambda u: u.magnitude > limit, lambda u: u.mignitude > limit, f"Abs({{}}) > {limit:.6g}".format


_GAMMA = _has_pole, _is_pole, "{} is 0 or a negative integer".format
_POLES = frozenset({"tan", "gamma", "loggamma", "digamma", "polygamma"})
_DOMAINS: dict[str, tuple[Test, Test, Says]] = {
    "log": (lambda u: u.lo <= 0, lambda u: u.hi <= 0, "{} <= 0".format),
    "log1p": (lambda u: u.lo <= -1, lambda u: u.hi <= -1, lambda u: f"{1 + u} <= 0"),
    "sqrt": _below(0),
    "acosh": _below(1),
    "asin": _beyond(1),
    "acos": _beyond(1),
    "atanh": (lambda u: u.magnitude >= 1, lambda u: u.mignitude >= 1, "Abs({}) >= 1".format),
    "atan2": (
        lambda y, x: y.contains(0) & x.contains(0),
        lambda y, x: _is_zero(y) & _is_zero(x),
        "{0} = 0 and {1} = 0".format,
    ),
    "tan": (partial(reaches, phase=np.pi / 2, period=np.pi), _never, "cos({}) = 0".format),
    **dict.fromkeys(("gamma", "loggamma", "digamma", "polygamma"), _GAMMA),
}
_OVERFLOWS = {
    "exp": _above(_EXPONENT),
    "expm1": _above(_EXPONENT),
    "gamma": _above(_FACTORIAL),
    "sinh": _beyond(_HYPERBOLIC),
    "cosh": _beyond(_HYPERBOLIC),
}


def _log_of_second(op: Op) -> Singularity:
    """x log(y) is 0 at x = 0, whatever y."""
    if op.args[0] == op.args[1]:
        return Singularity(op.id, op.args[:1], *_below(0))
    return Singularity(
        op.id,
        op.args,
        lambda x, y: (y.lo <= 0) & ~_is_zero(x),
        lambda x, y: (y.hi <= 0) & ~x.contains(0),
        lambda x, y: f"{y} <= 0",
    )


def _powers(program: Program, op: Op) -> Iterator[Singularity]:
    """a**b: of a negative number when b is no integer, of 0 when b < 0; where b varies it may overflow, too."""

    def whole(b: Interval) -> Flags:
        return np.asarray((b.lo == b.hi) & (b.lo == np.floor(b.lo)))

    def may(a: Interval, b: Interval) -> Flags:
        return np.asarray(((a.lo < 0) & ~whole(b)) | (a.contains(0) & (b.lo < 0)))

    def must(a: Interval, b: Interval) -> Flags:
        broken = (np.floor(b.hi) < np.ceil(b.lo)) & (a.hi < 0)
        return np.asarray(broken | (_is_zero(a) & (b.hi < 0)))

    def says(a: sp.Expr, b: sp.Expr) -> str:
        return f"{a} < 0" if b.is_positive else f"{a} < 0 (or = 0 while {b} < 0)"

    yield Singularity(op.id, op.args, may, must, says)
    if program.ops[op.args[1]].kind != "const":

        def exponent(a: Interval, b: Interval) -> Interval:
            return apply("mul", b, apply("log", apply("abs", a)))

        yield Singularity(
            op.id,
            op.args,
            lambda a, b: exponent(a, b).hi > _EXPONENT,
            lambda a, b: (exponent(a, b).lo > _EXPONENT + 1) & (a.lo > 0),
            lambda a, b: f"{b}*log({a}) > {_EXPONENT:.6g}",
            overflow=True,
        )


# -- guards ----------------------------------------------------------------------------------------------------------


def guards(program: Program, roots: Sequence[int]) -> dict[int, Guards]:
    """The guards of each operation that the roots use: what all of its uses have in common."""
    found: dict[int, Guards] = dict.fromkeys(roots, frozenset())
    for op in reversed(program.used(roots)):
        outer = found[op.id]
        if op.kind in ("sum", "contract", "peak"):  # a condition on a summed index is none inside the sum
            outer = frozenset(g for g in outer if not set(program.ops[g[0]].indices) & set(op.detail))
        elif op.kind == "relabel" or op.kind in MATRIX:
            outer = frozenset(g for g in outer if not program.ops[g[0]].indices)
        for place, a in enumerate(op.args):
            own = outer | {(op.args[0], place == 1)} if op.kind == "where" and place else outer
            found[a] = found[a] & own if a in found else own
    return found


def facts(program: Program, condition: int, truth: bool) -> Iterator[Fact]:
    """The comparisons that hold when a condition is true, or false."""
    op = program.ops[condition]
    if op.kind == "not":
        yield from facts(program, op.args[0], not truth)
    elif op.kind == ("and" if truth else "or"):
        for a in op.args:
            yield from facts(program, a, truth)
    elif op.kind in NEGATED:
        kind = op.kind if truth else NEGATED[op.kind]
        yield kind, *op.args  # type: ignore[misc]
        yield MIRRORED[kind], op.args[1], op.args[0]


def restricted(u: Interval, kind: str, v: Interval) -> Interval:
    """The part of u that can satisfy a comparison with some number in v, as floating-point numbers."""
    lo, hi = u.lo, u.hi
    if kind in ("gt", "ge", "eq"):
        lo = np.fmax(lo, np.nextafter(v.lo, np.inf) if kind == "gt" else v.lo)
    if kind in ("lt", "le", "eq"):
        hi = np.fmin(hi, np.nextafter(v.hi, -np.inf) if kind == "lt" else v.hi)
    if kind == "ne":
        lo = np.where((v.lo == v.hi) & (lo == v.lo), np.nextafter(lo, np.inf), lo)
        hi = np.where((v.lo == v.hi) & (hi == v.hi), np.nextafter(hi, -np.inf), hi)
    nothing = ~(lo <= hi)
    return Interval(np.where(nothing, np.nan, lo), np.where(nothing, np.nan, hi))


def holds(conditions: Sequence[tuple[int, bool]], values: Mapping[int, Interval]) -> tuple[Flags, Flags]:
    """Whether all conditions can hold, and whether they do."""
    can, do = np.ones((), dtype=bool), np.ones((), dtype=bool)
    for condition, truth in conditions:
        value = values[condition]
        can = can & (value.hi == 1 if truth else value.lo == 0)
        do = do & (value.lo == 1 if truth else value.hi == 0)
    return can, do
