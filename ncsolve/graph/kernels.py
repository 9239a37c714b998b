"""Kernels: the scalar SymPy expressions inside pointwise nodes, their stable forms and their derivatives.

Rewriting happens before differentiation, so that the derivative of a stable form is stable too. The functions defined
here carry their own derivatives; every backend knows how to print them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

import sympy as sp
from sympy.core.function import ArgumentIndexError

from ncsolve.errors import ProblemError


class _Real(sp.Function):  # type: ignore[misc]
    """A function of real arguments with real values; `defined` writes it by SymPy's own functions."""

    defined: ClassVar[Callable[..., sp.Expr]]

    def _eval_is_extended_real(self) -> bool:
        return True

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.defined(*self.args)._eval_evalf(prec)


class sigmoid(_Real):
    """1 / (1 + exp(-z))"""

    nargs = 1

    @staticmethod
    def defined(z: sp.Expr) -> sp.Expr:
        return 1 / (1 + sp.exp(-z))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        z = self.args[0]
        return sigmoid(z) * sigmoid(-z)


class softplus(_Real):
    """log(1 + exp(z)), without overflow for large z"""

    nargs = 1

    @staticmethod
    def defined(z: sp.Expr) -> sp.Expr:
        return sp.log(1 + sp.exp(z))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sigmoid(self.args[0])


class logaddexp(_Real):
    """log(exp(a) + exp(b)), without overflow"""

    nargs = 2

    @staticmethod
    def defined(a: sp.Expr, b: sp.Expr) -> sp.Expr:
        return sp.log(sp.exp(a) + sp.exp(b))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        return sigmoid(a - b if argindex == 1 else b - a)


class expm1(_Real):
    """exp(z) - 1, without cancellation at small z"""

    nargs = 1

    @staticmethod
    def defined(z: sp.Expr) -> sp.Expr:
        return sp.exp(z) - 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.exp(self.args[0])


class log1p(_Real):
    """log(1 + z), without cancellation at small z"""

    nargs = 1

    @staticmethod
    def defined(z: sp.Expr) -> sp.Expr:
        return sp.log(1 + z)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 1 / (1 + self.args[0])


class xlogy(_Real):
    """x log(y), which is 0 at x = 0"""

    nargs = 2

    @staticmethod
    def defined(x: sp.Expr, y: sp.Expr) -> sp.Expr:
        return x * sp.log(y)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x, y = self.args
        return sp.log(y) if argindex == 1 else x / y


class hypot(_Real):
    """sqrt(x**2 + y**2), without overflow"""

    nargs = 2

    @staticmethod
    def defined(x: sp.Expr, y: sp.Expr) -> sp.Expr:
        return sp.sqrt(x**2 + y**2)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x, y = self.args
        return cosine(x, y) if argindex == 1 else cosine(y, x)


class cosine(_Real):
    """x / sqrt(x**2 + y**2), and 0 at the kink x = y = 0 (an element of Clarke's subdifferential of hypot)"""

    nargs = 2

    @staticmethod
    def defined(x: sp.Expr, y: sp.Expr) -> sp.Expr:
        return x / sp.sqrt(x**2 + y**2)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x, y = self.args
        if argindex == 1:
            return quotient(cosine(y, x) ** 2, hypot(x, y))
        return -quotient(cosine(x, y) * cosine(y, x), hypot(x, y))


class quotient(_Real):
    """x / y, and 0 where y = 0: a derivative of a norm at its kink"""

    nargs = 2

    @staticmethod
    def defined(x: sp.Expr, y: sp.Expr) -> sp.Expr:
        return x / y

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x, y = self.args
        return quotient(sp.S.One, y) if argindex == 1 else -quotient(quotient(x, y), y)


class step(_Real):
    """The derivative of Max(z, 0): 1 above 0, 0 below, 1/2 at the kink (an element of Clarke's subdifferential)"""

    nargs = 1

    @staticmethod
    def defined(z: sp.Expr) -> sp.Expr:
        return sp.Heaviside(z, sp.Rational(1, 2))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero


FUNCTIONS: tuple[type[_Real], ...] = (
    sigmoid, softplus, logaddexp, expm1, log1p, xlogy, hypot, cosine, quotient, step,
)  # fmt: skip

_STABLE_HEADS = (sp.log, sp.exp, sp.Pow, sp.Mul, sp.Add)


def stabilise(expression: sp.Expr) -> sp.Expr:
    """One node of an expression, its arguments being stable already, in a form that neither overflows nor cancels."""
    if expression.is_Pow:
        return _stable_power(expression)
    if isinstance(expression, sp.log):
        return _stable_log(expression)
    if expression.is_Add:
        return _stable_sum(expression)
    if expression.is_Mul:
        return _stable_product(expression)
    return expression


def _logistic_argument(base: sp.Expr) -> sp.Expr | None:
    """z when base is 1 + exp(z)."""
    if base.is_Add and len(base.args) == 2 and base.args[0] is sp.S.One and isinstance(base.args[1], sp.exp):
        return base.args[1].args[0]
    return None


def _stable_power(power: sp.Expr) -> sp.Expr:
    base, exponent = power.args
    if (z := _logistic_argument(base)) is not None and exponent.is_Integer and exponent < 0:
        return sigmoid(-z) ** -exponent
    if exponent.is_Rational and abs(exponent) == sp.Rational(1, 2) and base.is_Add and len(base.args) == 2:
        legs = [_root(term) for term in base.args]
        if None not in legs and any(leg.free_symbols for leg in legs):
            return hypot(*legs) ** (2 * exponent)
    return power


def _root(term: sp.Expr) -> sp.Expr | None:
    """The square root of a term that is a perfect square or a nonnegative number."""
    if term.is_Number:
        return sp.sqrt(term) if term >= 0 else None
    if term.is_Pow and term.args[1] == 2:
        return term.args[0]
    return None


def _stable_log(logarithm: sp.Expr) -> sp.Expr:
    argument = logarithm.args[0]
    if isinstance(argument, sigmoid):
        return -softplus(-argument.args[0])
    if isinstance(argument, expm1):
        return logarithm
    if not argument.is_Add:
        return logarithm
    number, rest = argument.as_coeff_Add()
    if number == 1:
        return softplus(rest.args[0]) if isinstance(rest, sp.exp) else log1p(rest)
    if len(argument.args) == 2 and all(isinstance(a, sp.exp) for a in argument.args):
        return logaddexp(*(a.args[0] for a in argument.args))
    return logarithm


def _stable_sum(total: sp.Expr) -> sp.Expr:
    number, rest = total.as_coeff_Add()
    if abs(number) == 1 and isinstance(-number * rest, sp.exp):
        return -number * expm1((-number * rest).args[0])
    return total


def _stable_product(product: sp.Expr) -> sp.Expr:
    """exp(z) sigmoid(-z) is sigmoid(z); x log(x) is 0 at 0."""
    args = list(product.args)
    for exponential in [a for a in args if isinstance(a, sp.exp)]:
        z = exponential.args[0]
        if (s := sigmoid(-z)) in args:
            args.remove(exponential)
            args.remove(s)
            return stabilise(sp.Mul(*args, sigmoid(z)))
    for logarithm in [a for a in args if isinstance(a, sp.log)]:
        if (x := logarithm.args[0]) in args:
            args.remove(logarithm)
            args.remove(x)
            return sp.Mul(*args, xlogy(x, x))
    return product


_RULES: dict[type[sp.Basic], Callable[..., tuple[sp.Expr | int, ...]]] = {
    sp.Abs: lambda z: (sp.sign(z),),
    sp.sign: lambda z: (0,),
    sp.floor: lambda z: (0,),
    sp.ceiling: lambda z: (0,),
    sp.Heaviside: lambda z, *at_zero: (0, *(0 for _ in at_zero)),
    sp.Max: lambda a, b: (step(a - b), step(b - a)),
    sp.Min: lambda a, b: (step(b - a), step(a - b)),
    sp.Mod: lambda p, q: (1, -sp.floor(p / q)),
}


@lru_cache(maxsize=100_000)
def derivative(kernel: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """d kernel / d symbol. At a kink, one element of Clarke's subdifferential: sign(0) = 0, Max by halves.

    Kernels are small, so that the rules of calculus, applied to each sub-expression once, are far faster than `sp.diff`.
    """
    if symbol not in kernel.free_symbols:
        return sp.S.Zero
    if kernel.is_Symbol:
        return sp.S.One
    if isinstance(kernel, sp.Piecewise):
        pieces = [(derivative(piece.expr, symbol), piece.cond) for piece in kernel.args]
        return sp.Piecewise(*pieces, evaluate=False) if any(d != 0 for d, _ in pieces) else sp.S.Zero
    args = kernel.args
    moving = [(k, derivative(arg, symbol)) for k, arg in enumerate(args) if symbol in arg.free_symbols]
    if kernel.is_Add:
        return sp.Add(*(d for _, d in moving))
    if kernel.is_Mul:
        return sp.Add(*(sp.Mul(*args[:k], d, *args[k + 1 :]) for k, d in moving))
    if kernel.is_Pow:
        base, exponent = args
        if symbol not in exponent.free_symbols:
            return exponent * base ** (exponent - 1) * moving[0][1]
        return kernel * derivative(exponent * sp.log(base), symbol)
    partial = _RULES[kernel.func](*args) if kernel.func in _RULES else {k: _partial(kernel, k) for k, _ in moving}
    return sp.Add(*(partial[k] * d for k, d in moving))


def _partial(function: sp.Expr, place: int) -> sp.Expr:
    try:
        result = function.fdiff(place + 1)
    except (ArgumentIndexError, AttributeError):
        result = None
    if result is None or result.has(sp.Derivative, sp.Subs):
        raise ProblemError(f"the derivative of {function.func.__name__}(...) is not known")
    return result
