"""Data that do not fit into memory: arrays that stay in a file, or on a cluster, and are read row by row."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import ProblemError

__all__ = ["StoredArray", "not_in_memory", "stored_array", "with_stored"]

IN_MEMORY = 64_000_000
"""Bytes of float64 up to which an array is read at once, wherever it lies."""
CACHED = 2_000_000
"""Bytes of rows that are read together, so that they are still in the cache when they are used."""


class StoredArray:
    """A real array (N, ...) of which some rows at a time are read, always as float64 in C order.

    It has a shape and a dtype, but does not turn into a NumPy array by itself.
    """

    def __init__(self, array: Any, what: str) -> None:
        self.what = what
        self.array = array
        self.shape: tuple[int, ...] = tuple(int(size) for size in array.shape)
        self.ndim = len(self.shape)
        self.dtype = np.dtype(np.float64)

    @property
    def distributed(self) -> bool:
        """Whether it is a dask array, whose chunks may lie on other machines."""
        return hasattr(self.array, "dask")

    @property
    def row_bytes(self) -> int:
        """Of one row, as it is read."""
        return 8 * math.prod(self.shape[1:])

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The rows asked for, shape (len(rows), ...)."""
        start, count = int(rows[0]), len(rows)
        if int(rows[-1]) - start == count - 1 and (np.diff(rows) == 1).all():
            return self._slice(start, start + count)
        return self._converted(self.array[rows])

    def blocks(self) -> Iterator[NDArray[np.float64]]:
        """All rows, in order, a block at a time."""
        size = max(1, CACHED // self.row_bytes)
        for start in range(0, self.shape[0], size):
            yield self._slice(start, min(start + size, self.shape[0]))

    def _slice(self, start: int, stop: int) -> NDArray[np.float64]:
        if self._file is None:
            return self._converted(self.array[start:stop])
        # read, not mapped: what a process has mapped counts as its memory for as long as nobody else wants it
        path, offset, dtype = self._file
        row = math.prod(self.shape[1:])
        with open(path, "rb", buffering=0) as file:
            file.seek(offset + start * row * dtype.itemsize)
            read = np.fromfile(file, dtype, (stop - start) * row)
        if len(read) < (stop - start) * row:
            raise ProblemError(f"{self.what}: the file '{path}' is shorter than when it was opened.")
        return self._converted(read.reshape(stop - start, *self.shape[1:]))

    @cached_property
    def _file(self) -> tuple[str, int, np.dtype[Any]] | None:
        """Where the rows lie one after another in a file that holds what the array holds: its path, and from where."""
        array = self.array
        whole = isinstance(array, np.memmap) and type(array.base).__name__ == "mmap"
        if not whole or array.filename is None or array.mode == "c" or not array.flags.c_contiguous:
            return None
        return os.fspath(array.filename), int(array.offset), array.dtype

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens the file for itself: rows do not travel."""
        if self._file is None:
            return StoredArray, (self.array, self.what)
        return _mapped, (*self._file, self.shape, self.what)

    @staticmethod
    def _converted(rows: Any) -> NDArray[np.float64]:
        rows = rows.compute() if hasattr(rows, "compute") else rows
        return np.ascontiguousarray(rows, dtype=np.float64)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise not_in_memory(self.what)


def _mapped(path: str, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> StoredArray:
    try:
        return StoredArray(np.memmap(path, dtype, "r", offset, shape), what)
    except (OSError, ValueError) as error:
        raise ProblemError(f"{what}: '{path}' cannot be read: {error}.") from None


def not_in_memory(what: str) -> ProblemError:
    """The answer to those who need all of an array."""
    return ProblemError(f"{what} is not in memory, and what is asked for needs all of it. Give a NumPy array for this.")


def with_stored(data: Any) -> Any:
    """The data of a problem, with a StoredArray for what shall not be read into memory."""
    if not isinstance(data, Mapping):
        return data
    return {key: stored_array(value, f"data: '{getattr(key, 'name', key)}'") for key, value in data.items()}


def stored_array(value: Any, what: str) -> Any:
    """A StoredArray for a large numpy.memmap or dask array, or the path of a large .npy file; else the value itself."""
    if isinstance(value, (str, Path)) and str(value).endswith(".npy"):
        value = _opened(Path(value), what)
    is_dask = hasattr(value, "dask") and hasattr(value, "compute")
    if not (isinstance(value, np.memmap) or is_dask):
        return value
    if any(math.isnan(size) for size in value.shape):
        raise ProblemError(f"{what} has an unknown number of rows: call its compute_chunk_sizes() first.")
    if value.dtype.kind not in "biuf":
        raise ProblemError(f"{what} must hold real numbers, not {value.dtype}.")
    if value.ndim == 0 or 8 * math.prod(value.shape) <= IN_MEMORY:
        return value.compute() if is_dask else np.array(value)
    return StoredArray(value, what)


def _opened(path: Path, what: str) -> Any:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise ProblemError(f"{what}: '{path}' cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise ProblemError(f"{what}: '{path}' is no .npy file of numbers: {error}.") from None
