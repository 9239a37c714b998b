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
        return sp.log(y) if argindex == 1 else quotient(x, y)


class xlog1py(_Real):
    """x log(1 + y), which is 0 at x = 0"""

    nargs = 2

    @staticmethod
    def defined(x: sp.Expr, y: sp.Expr) -> sp.Expr:
        return x * sp.log(1 + y)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x, y = self.args
        return log1p(y) if argindex == 1 else quotient(x, 1 + y)


class power(_Real):
    """s**p of a sum of squares or an absolute value s, p > 0 a number: where s = 0 all its derivatives count as 0"""

    nargs = 2

    @staticmethod
    def defined(s: sp.Expr, p: sp.Expr) -> sp.Expr:
        return s**p

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        s, p = self.args
        return p * quotient(self, s)


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
    sigmoid, softplus, logaddexp, expm1, log1p, xlogy, xlog1py, power, hypot, cosine, quotient, step,
)  # fmt: skip

_MOST_EXPONENTIALS = 64


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


def logarithm_of(term: sp.Expr) -> sp.Expr | None:
    """log(term) without forming the term, where it is written by exponentials and positive numbers; else None."""
    if term.is_Number:
        return sp.log(term) if term > 0 else None
    if isinstance(term, sp.exp):
        return term.args[0]
    if isinstance(term, sigmoid):
        return -softplus(-term.args[0])
    if term.is_Pow and term.args[1].is_Number:
        inner = logarithm_of(term.args[0])
        return None if inner is None else term.args[1] * inner
    if not (term.is_Mul or term.is_Add) or len(term.args) > _MOST_EXPONENTIALS:
        return None
    parts = [logarithm_of(part) for part in term.args]
    if any(part is None for part in parts):
        return None
    return sp.Add(*parts) if term.is_Mul else log_of_sum(parts)


def log_of_sum(logarithms: list[sp.Expr]) -> sp.Expr:
    """log(exp(a) + exp(b) + ...), by pairs."""
    while len(logarithms) > 1:
        pairs = (logarithms[k : k + 2] for k in range(0, len(logarithms), 2))
        logarithms = [_log_of_two(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return logarithms[0]


def _log_of_two(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    if a == 0 or b == 0:
        return softplus(a + b)
    return logaddexp(a, b)


def _stable_power(power: sp.Expr) -> sp.Expr:
    base, exponent = power.args
    pair = base.is_Add and len(base.args) == 2
    if pair and base.args[0] is sp.S.One and isinstance(base.args[1], sp.exp) and exponent.is_Integer and exponent < 0:
        return sigmoid(-base.args[1].args[0]) ** -exponent
    if pair and exponent.is_Rational and exponent.q == 2:
        legs = [_root(term) for term in base.args]
        if all(leg is not None for leg in legs) and any(symbols_in(leg) for leg in legs):
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
    if (stable := logarithm_of(argument)) is not None:
        return stable
    if isinstance(argument, sp.cosh):
        return logaddexp(argument.args[0], -argument.args[0]) - sp.log(2)
    if argument.is_Add and not isinstance(argument, expm1) and argument.args[0] is sp.S.One:
        return log1p(argument - 1)
    return logarithm


def _stable_sum(total: sp.Expr) -> sp.Expr:
    """exp(z) - 1 without cancellation; 1 - sigmoid(z) is sigmoid(-z)."""
    number, rest = total.as_coeff_Add()
    if abs(number) == 1 and isinstance(-number * rest, sp.exp):
        return -number * expm1((-number * rest).args[0])
    if abs(number) == 1 and isinstance(-number * rest, sigmoid):
        return number * sigmoid(-(-number * rest).args[0])
    return total


def _stable_product(product: sp.Expr) -> sp.Expr:
    """Quotients of exponentials are formed in the exponent, exp(z) sigmoid(-z) is sigmoid(z), x log(x) is 0 at 0."""
    args = list(product.args)
    for exponential in [a for a in args if isinstance(a, sp.exp)]:
        s = sigmoid(-exponential.args[0])
        power = next((a for a in args if a.as_base_exp()[0] == s and a.as_base_exp()[1].is_positive), None)
        if power is not None:
            rest = [a for a in args if a not in (exponential, power)]
            return stabilise(sp.Mul(*rest, power / s, sigmoid(exponential.args[0])))
    sums = [a for a in args if a.is_Pow and a.args[0].is_Add and a.args[1].is_negative and logarithm_of(a) is not None]
    if sums and (exponentials := [a for a in args if isinstance(a, sp.exp)]):
        rest = [a for a in args if a not in sums and a not in exponentials]
        return sp.Mul(*rest, sp.exp(sp.Add(*(logarithm_of(a) for a in sums + exponentials))))
    for k, logarithm in enumerate(args):
        others = args[:k] + args[k + 1 :]
        if isinstance(logarithm, sp.log):
            factors = sp.Mul.make_args(logarithm.args[0])
            if (x := next((a for a in others if a in factors and not a.is_Number), None)) is not None:
                return sp.Mul(*(a for a in others if a != x), xlogy(x, logarithm.args[0]))
        if isinstance(logarithm, log1p) and (x := 1 + logarithm.args[0]) in others:
            return sp.Mul(*(a for a in others if a != x), xlog1py(x, logarithm.args[0]))
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


@lru_cache(maxsize=200_000)
def symbols_in(kernel: sp.Basic) -> frozenset[sp.Symbol]:
    """The symbols of a kernel; SymPy's own `free_symbols` walks through everything each time."""
    return frozenset((kernel,)) if kernel.is_Symbol else frozenset().union(*(symbols_in(a) for a in kernel.args))


@lru_cache(maxsize=200_000)
def weight(kernel: sp.Basic) -> int:
    """The size of an expression as a tree."""
    return 1 + sum(weight(a) for a in kernel.args)


@lru_cache(maxsize=100_000)
def derivative(kernel: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """d kernel / d symbol. At a kink, one element of Clarke's subdifferential: sign(0) = 0, Max by halves.

    Kernels are small: the rules of calculus, applied to each sub-expression once, are far faster than `sp.diff`.
    """
    if symbol not in symbols_in(kernel):
        return sp.S.Zero
    if kernel.is_Symbol:
        return sp.S.One
    if isinstance(kernel, sp.Piecewise):
        pieces = [(derivative(piece.expr, symbol), piece.cond) for piece in kernel.args]
        return sp.Piecewise(*pieces, evaluate=False) if any(d != 0 for d, _ in pieces) else sp.S.Zero
    args = kernel.args
    moving = [(k, derivative(arg, symbol)) for k, arg in enumerate(args) if symbol in symbols_in(arg)]
    if kernel.is_Add:
        return sp.Add(*(d for _, d in moving))
    if kernel.is_Mul:
        return sp.Add(*(sp.Mul(*args[:k], *(() if d is sp.S.One else (d,)), *args[k + 1 :]) for k, d in moving))
    if kernel.is_Pow:
        base, exponent = args
        if symbol not in symbols_in(exponent):
            return sp.Mul(exponent, base ** (exponent - 1), moving[0][1])
        return kernel * derivative(exponent * sp.log(base), symbol)
    partial = _RULES[kernel.func](*args) if kernel.func in _RULES else {k: _partial(kernel, k) for k, _ in moving}
    return sp.Add(*(partial[k] if d is sp.S.One else partial[k] * d for k, d in moving))


def _partial(function: sp.Expr, place: int) -> sp.Expr:
    try:
        result = function.fdiff(place + 1)
    except (ArgumentIndexError, AttributeError):
        result = None
    if result is None or result.has(sp.Derivative, sp.Subs):
        raise ProblemError(f"the derivative of {function.func.__name__}(...) is not known")
    return result
