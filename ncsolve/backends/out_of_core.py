"""Finite sums over data that are not in memory: value and derivatives are added up over blocks of rows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ncsolve.backends.cluster import Cluster, current_client
from ncsolve.backends.evaluator import BLOCK, Array, Evaluator, Rows, mean
from ncsolve.graph import Derivation
from ncsolve.problem.stored import CACHED

__all__ = ["evaluator_of"]


def evaluator_of(derivation: Derivation, backend: str) -> Evaluator:
    """What evaluates a derivation."""
    return OutOfCore(derivation, backend) if derivation.graph.stored else Evaluator(derivation, backend)


class OutOfCore(Evaluator):
    """Reads the rows that a function needs, each block once, and gives them to it beside the parameters.

    Reading bounds the time, so that NumPy evaluates whatever the backend asked for. Chunks of dask arrays are placed on
    the workers of the current client, if there is one, and evaluated where they lie.
    """

    def __init__(self, derivation: Derivation, backend: str) -> None:
        super().__init__(derivation, backend)
        self.choice = "numpy"
        self.stored = derivation.graph.stored
        assert derivation.samples is not None
        self.rows = derivation.samples.size

    @cached_property
    def by_products(self) -> bool:
        """Never: every product would read all rows again."""
        return False

    @cached_property
    def sparse(self) -> bool:
        """Never: blocks of rows are added up densely."""
        return False

    def point(self, kind: str, *arrays: Array, parameters: Mapping[str, float], rows: Rows | None = None) -> Any:
        if rows is None and self.cluster is not None:
            return mean(self.cluster.map(self.numpy.function(kind, rows=True), arrays, parameters))
        if rows is None:
            return self._by_rows(kind, self._size(kind), *arrays, parameters)
        return super().point(kind, *arrays, parameters=self._with_data(parameters, rows), rows=rows)

    def batch(
        self,
        kind: str,
        roles: frozenset[str],
        *arrays: Array,
        parameters: Mapping[str, float],
        rows: Rows | None = None,
    ) -> Any:
        if rows is not None:
            return super().batch(kind, roles, *arrays, parameters=self._with_data(parameters, rows), rows=rows)
        if self.cluster is not None:
            return mean(self.cluster.map(self.numpy.function(kind, roles, rows=True), arrays, parameters))
        blocks = self.row_blocks(self._size(kind))
        return mean(self.batch(kind, roles, *arrays, parameters={**parameters, **w}, rows=some) for w, some in blocks)

    def together(self, kind: str, roles: frozenset[str], rows: Rows | None = None) -> int:
        """All points, as long as rows are not chosen: what is read is read for all of them."""
        return sys.maxsize if rows is None else super().together(kind, roles, rows)

    @cached_property
    def cluster(self) -> Cluster | None:
        """Where all of the data are dask arrays and there is a client: the workers on which their chunks are placed."""
        client = current_client()
        whole = all(array.distributed and array.shape[0] == self.rows for array in self.stored.values())
        return Cluster(client, self.stored) if client is not None and whole else None

    def _with_data(self, parameters: Mapping[str, Any], rows: Rows) -> Mapping[str, Any]:
        return {**parameters, **{name: array.read(rows) for name, array in self.stored.items()}}

    def _size(self, kind: str) -> int:
        """The rows of a block that stay in the cache between being read and being used, with what is made of them."""
        bytes_a_row = sum(array.row_bytes for array in self.stored.values())
        numbers_a_row = self.numpy.footprint(kind) / self.rows
        return max(1, min(CACHED // bytes_a_row, int(BLOCK // max(numbers_a_row, 1))))
