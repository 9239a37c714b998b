"""Elementary functions that become vector instructions inside a loop, where the C library takes one number at a time.

No branches and no tables: the argument is reduced to a small interval, a polynomial follows, and special cases are
selected at the end. Errors stay below 2 units in the last place, and nan, infinities, signed zeros and subnormal
numbers are those of the C library. [Tang 1989; Moshier, Cephes; Sun's fdlibm]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# no reassociation: the additions of 1.5 * 2^52 below round to integers because they are not simplified away
_OPTIONS: Any = {"cache": True, "error_model": "numpy", "fastmath": {"contract"}, "forceinline": True}

Function = TypeVar("Function", bound=Callable[..., float])


def _compiled(function: Function) -> Function:
    compiled: Function = njit(**_OPTIONS)(function)
    return compiled


_ROUND = 6755399441055744.0  # 1.5 * 2^52: adding it leaves the nearest integer in the low bits
_ROUND_BITS = 0x4338000000000000
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_HALF_ROOT = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)
_ONE = 0x3FF0000000000000
_TWO_54 = 18014398509481984.0


def _to_float(context: Any, bits: Any) -> Any:
    """The float of these bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


def _to_bits(context: Any, value: Any) -> Any:
    """The bits of a float."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


_float: Any = intrinsic(_to_float)
_bits: Any = intrinsic(_to_bits)


@_compiled
def _power_of_two(rounded: float) -> float:
    """2^k for k + 1.5 * 2^52, -1022 <= k <= 1023"""
    power: float = _float((_bits(rounded) - _ROUND_BITS + 1023) << 52)
    return power


@_compiled
def exp(x: float) -> float:
    """x = k ln 2 + r with |r| <= ln(2) / 2: 2^k times the Taylor polynomial of degree 13 at r."""
    x = -746.0 if x < -746.0 else x
    x = 710.0 if x > 710.0 else x
    k = (x * _LOG2_E + _ROUND) - _ROUND
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    p = 1 / 6227020800.0
    p = p * r + 1 / 479001600.0
    p = p * r + 1 / 39916800.0
    p = p * r + 1 / 3628800.0
    p = p * r + 1 / 362880.0
    p = p * r + 1 / 40320.0
    p = p * r + 1 / 5040.0
    p = p * r + 1 / 720.0
    p = p * r + 1 / 120.0
    p = p * r + 1 / 24.0
    p = p * r + 1 / 6.0
    p = p * r + 0.5
    p = 1.0 + (r + r * r * p)
    half = k * 0.5 + _ROUND  # in two steps, the first of which neither overflows nor underflows
    return p * _power_of_two(half) * _power_of_two((k - (half - _ROUND)) + _ROUND)


@_compiled
def tanh(x: float) -> float:
    """A rational function up to 0.625, beyond it 1 - 2 / (exp(2|x|) + 1)."""
    a, z = abs(x), x * x
    above = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    below = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3
    far = 1.0 - 2.0 / (exp(a + a) + 1.0)
    return math.copysign(a + a * z * (above / below) if a < 0.625 else far, x)


@_compiled
def _log_sum(u: float, c: float, shift: float) -> float:
    """log(u) + c + shift ln 2: u = 2^k (1 + f) with |f| below sqrt(2) - 1, s = f / (2 + f), log(1 + f) = 2 artanh(s)"""
    bits = _bits(u) + (_ONE - _HALF_ROOT)
    exponent = np.int64(np.uint64(bits) >> np.uint64(52)) - 1023
    k = (_float(exponent + _ROUND_BITS) - _ROUND) + shift
    f = _float(_bits(u) - (exponent << 52)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = 1.479819860511658591e-01
    r = r * z + 1.531383769920937332e-01
    r = r * z + 1.818357216161805012e-01
    r = r * z + 2.222219843214978396e-01
    r = r * z + 2.857142874366239149e-01
    r = r * z + 3.999999999940941908e-01
    r = r * z + 6.666666666666735130e-01
    half = 0.5 * f * f
    total: float = k * _LN2_HIGH - ((half - (s * (half + z * r) + (k * _LN2_LOW + c))) - f)
    return total


@_compiled
def log(x: float) -> float:
    """By the binary exponent; subnormal numbers are scaled first."""
    tiny = x < 2.2250738585072014e-308
    y = _log_sum(x * _TWO_54 if tiny else x, 0.0, -54.0 if tiny else 0.0)
    y = y if x < math.inf else x
    return y if x > 0.0 else (-math.inf if x == 0.0 else math.nan)


@_compiled
def log1p(x: float) -> float:
    """log(1 + x), corrected by what the sum 1 + x has rounded away."""
    u = 1.0 + x
    lost = (1.0 - (u - x) if x > 1.0 else x - (u - 1.0)) / u
    y = _log_sum(u, lost, 0.0)
    y = y if x < math.inf else x
    y = x if x == 0.0 else y
    return y if x > -1.0 else (-math.inf if x == -1.0 else math.nan)
