"""Blocks of rows that lie on a dask cluster: functions go to them, sums come back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.problem.stored import StoredArray

__all__ = ["Cluster", "current_client"]

Array = NDArray[np.float64]


def current_client() -> Any:
    """The dask.distributed client that the user has made, or None; dask is never imported for it."""
    distributed = sys.modules.get("distributed")
    try:
        return distributed.default_client() if distributed is not None else None
    except ValueError:
        return None


class Cluster:
    """The rows of dask arrays, one block for each chunk of the first array, placed on the workers once."""

    def __init__(self, client: Any, arrays: Mapping[str, StoredArray]) -> None:
        self.client = client
        self.names = tuple(arrays)
        sizes = next(iter(arrays.values())).array.chunks[0]
        self.starts = np.cumsum((0, *sizes[:-1])).tolist()
        self.sizes = list(sizes)
        placed = []
        for stored in arrays.values():
            whole_rows = {0: sizes, **dict.fromkeys(range(1, stored.ndim), -1)}
            chunks = stored.array.astype(float).rechunk(whole_rows)
            placed.append(client.compute(chunks.to_delayed().ravel().tolist()))
        self.blocks = list(zip(*placed, strict=True))
        self._sent: dict[Any, Any] = {}

    def map(self, function: Callable[..., Any], arrays: Sequence[Array], parameters: Mapping[str, float]) -> list[Any]:
        """function(*arrays, parameters, rows) of every block, in order, each weighted to stand for all rows."""
        if function not in self._sent:
            self._sent[function] = self.client.scatter(function, broadcast=True, hash=False)
        weight = {"_row_weight": float(len(self.blocks))}
        tasks = [
            self.client.submit(
                _evaluate, self._sent[function], arrays, {**parameters, **weight, "_row_count": float(size)},
                self.names, start, *block, pure=False,
            )
            for start, size, block in zip(self.starts, self.sizes, self.blocks, strict=True)
        ]  # fmt: skip
        results: list[Any] = self.client.gather(tasks)
        return results


def _evaluate(
    function: Callable[..., Any],
    arrays: Sequence[Array],
    parameters: Mapping[str, Any],
    names: Sequence[str],
    start: int,
    *block: Array,
) -> Any:
    """On a worker: one function of one block."""
    rows = np.arange(start, start + len(block[0]))
    return function(*arrays, {**parameters, **dict(zip(names, block, strict=True))}, rows)
