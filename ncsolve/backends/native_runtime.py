"""The scalar functions that native code calls, compiled into it."""

from __future__ import annotations

from numba import njit

from ncsolve.backends import runtime
from ncsolve.backends.native_math import exp, log, log1p, tanh

__all__ = ["exp", "log", "log1p", "tanh"]

s_logaddexp = njit(cache=True, error_model="numpy")(runtime.s_logaddexp)
s_xlogy = njit(cache=True, error_model="numpy")(runtime.s_xlogy)
s_cosine = njit(cache=True, error_model="numpy")(runtime.s_cosine)
s_quotient = njit(cache=True, error_model="numpy")(runtime.s_quotient)
s_step = njit(cache=True, error_model="numpy")(runtime.s_step)
s_max = njit(cache=True, error_model="numpy")(runtime.s_max)
s_min = njit(cache=True, error_model="numpy")(runtime.s_min)
s_polygamma = njit(cache=True, error_model="numpy")(runtime.s_polygamma)
s_sign = njit(cache=True, error_model="numpy")(runtime.s_sign)
s_digamma = njit(cache=True, error_model="numpy")(runtime.s_digamma)
