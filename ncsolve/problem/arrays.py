"""Numbers and arrays as users write them, turned into checked real NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import ProblemError
from ncsolve.problem.stored import StoredArray

__all__ = ["broadcast_to_shape", "data_array", "real_array"]


def real_array(value: Any, what: str, finite: bool = True) -> NDArray[np.float64]:
    """Return `value` as a new float array of its own shape. `what` begins the text of an error."""
    array = _numeric(value, what)
    if np.iscomplexobj(array):
        raise ProblemError(f"{what} is complex. Only real numbers are possible here.")
    array = array.astype(np.float64)
    if finite and not np.isfinite(array).all():
        raise ProblemError(f"{what} contains {_first_nonfinite(array)}. Every number must be finite.")
    return array


def data_array(value: Any, what: str) -> Any:
    """Return data as a read-only array in C order: integers as int64, everything else as float64.

    A sparse matrix stays one: a float64 `csr_array` without explicit zeros.
    """
    if isinstance(value, StoredArray):
        return value
    if hasattr(value, "tocsr"):
        return _sparse_array(value, what)
    array = _numeric(value, what)
    if np.ma.is_masked(value):
        raise ProblemError(f"{what} has masked entries. Leave them out, or list the others with their indices.")
    if array.dtype.kind in "iu" and (array <= np.iinfo(np.int64).max).all():
        array = np.array(array, dtype=np.int64, order="C")
    else:
        array = np.array(real_array(array, what), order="C")
    array.flags.writeable = False
    return array


def _sparse_array(value: Any, what: str) -> Any:
    from scipy.sparse import csr_array

    if len(value.shape) != 2:
        raise ProblemError(f"{what} is sparse and has shape {value.shape}. Only matrices can be sparse here.")
    matrix = csr_array(value.tocsr(), copy=True)
    matrix = csr_array((real_array(matrix.data, what), matrix.indices, matrix.indptr), shape=matrix.shape)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    matrix.data.flags.writeable = False
    return matrix


def broadcast_to_shape(value: Any, shape: tuple[int, ...], what: str, finite: bool = True) -> NDArray[np.float64]:
    """Return `value` with exactly this shape. A single number fills it; any other shape is an error."""
    array = real_array(value, what, finite)
    if array.shape == shape:
        return array
    if array.ndim:
        wanted = f"a number or an array of shape {shape}" if shape else "one number"
        raise ProblemError(f"{what} has shape {array.shape}, but it must be {wanted}.")
    return np.broadcast_to(array, shape)


def _numeric(value: Any, what: str) -> NDArray[Any]:
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O":
            array = _from_objects(array)
    except OverflowError:
        raise ProblemError(f"{what} has a number that is too large for a float.") from None
    except (TypeError, ValueError):
        array = np.asarray("not numeric")
    if array.dtype.kind not in "biufc":
        raise ProblemError(f"{what} must be a number or an array of numbers, not {_short(value)}.")
    return array


def _from_objects(array: NDArray[Any]) -> NDArray[Any]:
    """Exact SymPy and Python numbers become floats, complex ones stay complex so that the caller can refuse them."""
    numbers = [complex(item) for item in array.ravel()]
    values = np.array(numbers, dtype=np.complex128).reshape(array.shape)
    return values if values.imag.any() else values.real


def _first_nonfinite(array: NDArray[np.float64]) -> str:
    where = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
    place = f" at [{', '.join(map(str, where))}]" if where else ""
    return f"{array[where]}{place}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"a {type(value).__name__}"
