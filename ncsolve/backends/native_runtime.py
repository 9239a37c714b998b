"""The scalar functions that native code calls, compiled into it."""

from __future__ import annotations

import math

from numba import njit

from ncsolve.backends import runtime

s_logaddexp = njit(cache=True, error_model="numpy")(runtime.s_logaddexp)
s_xlogy = njit(cache=True, error_model="numpy")(runtime.s_xlogy)
s_cosine = njit(cache=True, error_model="numpy")(runtime.s_cosine)
s_quotient = njit(cache=True, error_model="numpy")(runtime.s_quotient)
s_step = njit(cache=True, error_model="numpy")(runtime.s_step)
s_max = njit(cache=True, error_model="numpy")(runtime.s_max)
s_min = njit(cache=True, error_model="numpy")(runtime.s_min)
s_polygamma = njit(cache=True, error_model="numpy")(runtime.s_polygamma)
s_sign = njit(cache=True, error_model="numpy")(runtime.s_sign)


@njit(cache=True, error_model="numpy")
def s_digamma(z: float) -> float:
    """The derivative of log gamma: recurrence up to 6, then the asymptotic series; reflection below 0."""
    if z <= 0 and z == math.floor(z):
        return math.nan
    result = 0.0
    if z < 0:
        result = -math.pi / math.tan(math.pi * z)
        z = 1 - z
    while z < 10:
        result -= 1 / z
        z += 1
    w = 1 / (z * z)
    series = w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132)))))
    return result + math.log(z) - 0.5 / z - series
