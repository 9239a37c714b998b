"""The scalar functions that native code calls, compiled into it."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core.cgutils import get_item_pointer
from numba.extending import intrinsic

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


@intrinsic
def prefetch(typing_context: Any, array: Any, row: Any, column: Any) -> Any:
    """Asks for the cache line of array[row, column], without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table, (pointer, *indices) = signature.args[0], arguments
        cell = context.make_array(table)(context, builder, pointer)
        item = get_item_pointer(context, builder, table, cell, indices)  # type: ignore[no-untyped-call]
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        read, keep, data = (number(k) for k in (0, 3, 1))
        builder.call(function, [builder.bitcast(item, byte), read, keep, data])
        return context.get_dummy_value()

    return types.none(array, types.int64, types.int64), generate
