"""The exact minimiser of an objective over a block of variables in which it is quadratic, system by system.

Within the block f(y) = f(x) + g'(y - x) + (y - x)'H(y - x)/2 exactly. Where it separates (`ncsolve.graph.blocks`), H is
block diagonal: a stack of small matrices, formed and solved in chunks of systems and never as one. A second derivative
that is an outer product, H[key(k)] += w[k] l[k] l[k]', is summed by one matrix product per system.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.backends.block_parts import Part, add_part, sum_rows
from ncsolve.backends.numpy_printer import Printer, execute
from ncsolve.backends.row_systems import RowSystems, chunks_of, row_systems
from ncsolve.backends.sparse import dense
from ncsolve.backends.stacks import SINGULAR, NotConvex, minimise
from ncsolve.extras import installed
from ncsolve.graph import Derivation
from ncsolve.graph.blocks import VariableBlock, subscripts_of, whole_indices
from ncsolve.graph.nodes import Affine, Gather, Index, Node, Subscript, Table
from ncsolve.graph.program import Program

__all__ = ["BlockSystems", "NotConvex", "block_systems"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]

_CHUNK = 300_000
"""Numbers that the matrices, or the rows, of one chunk of systems may hold, so that they stay in the cache."""
_FEW = 100
"""Systems of one chunk, where their sizes are not looked at."""
NATIVE_FROM = 1e7
"""Multiplications for the matrices of a block from which native code is worth its loading."""
_LARGEST = 4000
"""Unknowns of a single system up to which its matrix is formed."""


def block_systems(derivation: Derivation, block: VariableBlock) -> BlockSystems | None:
    """The systems of a block, or None where it is not quadratic or they cannot be formed."""
    if not block.quadratic or block.size > _LARGEST:
        return None
    try:
        return BlockSystems(derivation, block)
    except NotImplementedError:
        return None


class BlockSystems:
    """All systems of one block. Raises NotImplementedError where its second derivatives have a form not known here."""

    def __init__(self, derivation: Derivation, block: VariableBlock) -> None:
        self.derivation, self.block = derivation, block
        self._starts = np.concatenate([[0], np.cumsum([v.size // block.systems for v in block.variables])]).tolist()
        parts = [*self._gradient_parts(), *self._matrix_parts()]
        self._whole = [p for p in parts if p.table is None]
        self._by_table: dict[Table, list[Part]] = {}
        for part in parts:
            if part.table is not None:
                self._by_table.setdefault(part.table, []).append(part)

    def minimiser(self, x: Array, parameters: Mapping[str, float], lower: Array | None, upper: Array | None) -> Array:
        """x with the block moved to its minimiser within the bounds, of several the one nearest to x.

        Raises NotConvex where f has no minimum over the block.
        """
        parameters = {**parameters, "_row_weight": 1.0, "_row_count": float(self._row_count)}
        y = np.array(x)
        state, low, high = self._stacked(x), self._stacked(lower), self._stacked(upper)
        assert state is not None
        with np.errstate(all="ignore"):
            whole = self._whole_values(x, parameters)
            native = self._row_systems if low is None else None
            left = None if native is None else self._solved_natively(native, state, whole, x, parameters)
            for chosen in self._chunks if left is None else _parted(left):
                H, g = self._assembled(chosen, whole, x, parameters)
                bounds = None if low is None or high is None else (low[chosen], high[chosen])
                state[chosen] = minimise(H, g, state[chosen], bounds)
        self._unstack(state, y)
        return y

    # -- native code ---------------------------------------------------------------------------------------------------

    @cached_property
    def _row_systems(self) -> RowSystems | None:
        """What native code needs to know, where it is installed and worth its loading."""
        work = self._row_count * self.block.size**2
        if work < NATIVE_FROM or not installed("numba"):
            return None
        d = self.derivation
        return row_systems(d.graph, self._by_table, d.samples, lambda g: self._variable(g) is not None)

    @cached_property
    def _row_terms(self) -> Any:
        """f(x, p, rows): c0 and w of the row systems."""
        native, samples = self._row_systems, self.derivation.samples
        assert native is not None
        assert samples is not None
        return self._printed([(native.offset, (samples,)), (native.weight, (samples,))], rows=True)

    def _solved_natively(
        self, native: RowSystems, state: Array, whole: list[Array], x: Array, parameters: Mapping[str, float]
    ) -> Places:
        """Move systems to their minimisers; those that are left, since they are not safely positive definite."""
        from ncsolve.backends.native_systems import solve_systems

        order, begin = self._orders[native.table]
        other, F = self.derivation.graph.arrays[native.other.leaf.name], native.features(x, self.block.size)
        left = []
        for first, last in chunks_of(begin):
            chosen = np.arange(first, last)
            rows = order[begin[first] : begin[last]].astype(np.int64)  # one type: compiled once
            c0, w = (_column(values, len(rows)) for values in self._row_terms(x, parameters, rows))
            H, g = self._own(chosen, whole)
            limits = begin[first : last + 1] - begin[first]
            stays = solve_systems(rows, limits, other, F, c0, w, H, g, state[first:last], SINGULAR * self.block.size)
            left.append(chosen[stays])
        return np.concatenate(left)

    # -- systems and places --------------------------------------------------------------------------------------------

    @property
    def _row_count(self) -> int:
        return self.derivation.samples.size if self.derivation.samples else 0

    def _stacked(self, x: Array | None) -> Array | None:
        """The block's part of x, one row per system."""
        if x is None:
            return None
        parts = []
        for variable, keys in zip(self.block.variables, self.block.keys, strict=True):
            array = x[variable.slice].reshape(variable.shape)
            parts.append(np.moveaxis(array, keys, range(len(keys))).reshape(self.block.systems, -1))
        return np.concatenate(parts, axis=1)

    def _unstack(self, rows: Array, x: Array) -> None:
        for k, (variable, keys) in enumerate(zip(self.block.variables, self.block.keys, strict=True)):
            array = np.moveaxis(x[variable.slice].reshape(variable.shape), keys, range(len(keys)))
            array[...] = rows[:, self._starts[k] : self._starts[k + 1]].reshape(array.shape)

    @cached_property
    def _chunks(self) -> list[Places]:
        """The systems of each chunk: those with about as many rows of the finite sum together."""
        rows = sum((np.diff(begin) for _, begin in self._orders.values()), np.zeros(self.block.systems, dtype=np.int64))
        order, p = np.argsort(rows, kind="stable"), self.block.size
        costs = p * np.maximum(p, rows[order])
        chunks, start = [], 0
        while start < len(order):
            stop = len(order)
            while stop - start > 1 and (stop - start) * costs[stop - 1] > _CHUNK:  # padded to the last, the longest
                stop = start + (stop - start) // 2
            chunks.append(order[start:stop])
            start = stop
        return chunks

    def _variable(self, gather: Gather) -> int | None:
        """Which of the block's variables a gather reads."""
        leaf = gather.leaf
        same = (k for k, v in enumerate(self.block.variables) if (v.offset, v.size) == (leaf.offset, leaf.size))
        return next(same, None)

    def _key(self, k: int, subscripts: tuple[Subscript, ...]) -> tuple[tuple[Index, ...], Table | None]:
        """The indices that number the systems, or the table that holds the system of each row of the finite sum."""
        keys = tuple(subscripts[a] for a in self.block.keys[k])
        shape = self.block.variables[k].shape
        whole = [i for a, s in zip(self.block.keys[k], keys, strict=True) for i in whole_indices(s, shape[a])]
        if len(whole) == len(keys) == len(set(whole)):
            return tuple(whole), None
        samples = self.derivation.samples
        if len(keys) == 1 and isinstance(keys[0], Table) and samples is not None and keys[0].indices == (samples,):
            return (samples,), keys[0]
        raise NotImplementedError

    def _places(self, k: int, subscripts: tuple[Subscript, ...], space: tuple[Index, ...]) -> Places:
        """Where in a system the entries of a gather stand, over an index space, flattened."""
        shape, keys = self.block.variables[k].shape, self.block.keys[k]
        place = np.zeros([i.size for i in space], dtype=np.int64)
        for a, subscript in enumerate(subscripts):
            if a in keys:
                continue
            if not isinstance(subscript, Affine):
                raise NotImplementedError
            place *= shape[a]
            if subscript.index is None:
                place += subscript.offset
            else:
                values = subscript.offset + subscript.stride * np.arange(subscript.index.size)
                place += values.reshape([-1 if i == subscript.index else 1 for i in space])
        places: Places = place.ravel() + self._starts[k]
        return places

    # -- what the entries are ------------------------------------------------------------------------------------------

    def _gradient_parts(self) -> Iterator[Part]:
        for gather, adjoint in self.derivation.adjoint.items():
            if (k := self._variable(gather)) is not None:
                leading, table = self._key(k, gather.subscripts)
                local = tuple(i for i in gather.indices if i not in leading)
                part = Part(table, leading, local, self._places(k, gather.subscripts, local), None, adjoint)
                yield self._outer(part, local, ()) if table is not None else part

    def _matrix_parts(self) -> Iterator[Part]:
        for block in self.derivation.blocks:
            j, k = self._variable(block.row), self._variable(block.column)
            if j is None or k is None:
                continue
            row, column = subscripts_of(block)
            leading, table = self._key(j, row)
            space = tuple(i for i in block.indices if i not in leading)
            rows, columns = self._places(j, row, space), self._places(k, column, space)
            own = tuple(i for i in block.row.indices if i not in leading)
            other = tuple(i for i in space if i not in own)
            part = Part(table, leading, space, rows, columns, block.coefficient, mirrored=block.mirrored)
            yield self._outer(part, own, other) if table is not None else part

    def _outer(self, part: Part, own: tuple[Index, ...], other: tuple[Index, ...]) -> Part:
        """The part as an outer product of something of the rows and something of the columns, if it is one."""
        graph = self.derivation.graph
        left: list[sp.Expr] = []
        right: list[sp.Expr] = []
        weight: list[sp.Expr] = []
        for factor in sp.Mul.make_args(graph.inline(part.value)):
            indices = set(graph.pointwise(factor).indices)
            if indices & set(own) and indices & set(other):
                return part
            (left if indices & set(own) else right if indices & set(other) else weight).append(factor)
        value, weighted = graph.pointwise(sp.Mul(*left)), graph.pointwise(sp.Mul(*weight))
        if part.columns is None:
            return replace(part, value=value, weight=weighted)
        shape = (math.prod(i.size for i in own), math.prod(i.size for i in other))
        rows, columns = part.rows.reshape(shape)[:, 0], part.columns.reshape(shape)[0]
        opposite = graph.pointwise(sp.Mul(*right))
        if _same_gather(value, own, opposite, other):
            opposite = value
        return replace(
            part, axes=own, rows=rows, columns=columns, value=value, weight=weighted, right=opposite, right_axes=other
        )

    # -- their values --------------------------------------------------------------------------------------------------

    def _function(self, parts: list[Part], rows: bool) -> Any:
        """f(x, p[, rows]): the values of all parts, aligned to their axes."""
        wanted: list[tuple[Node, tuple[Index, ...]]] = []
        for part in parts:
            wanted.append((part.value, (*part.leading, *part.axes)))
            if part.weight is not None:
                wanted.append((part.weight, part.leading))
            if part.right is not None and part.right is not part.value:
                wanted.append((part.right, (*part.leading, *part.right_axes)))
        return self._printed(wanted, rows)

    def _printed(self, wanted: list[tuple[Node, tuple[Index, ...]]], rows: bool) -> Any:
        program, ops = Program.of(self.derivation.graph, [node for node, _ in wanted])
        printer = Printer(program, ops, self.derivation.n, frozenset(), self.derivation.samples if rows else None)
        codes = [dense(printer.piece(op)).aligned(axes).code for op, (_, axes) in zip(ops, wanted, strict=True)]
        lines = [*printer.lines, f"return [{', '.join(codes)}]"]
        source = f"def entries(x, p{', rows' if rows else ''}):\n" + "".join(f"    {line}\n" for line in lines)
        return execute(source, printer.namespace, "<ncsolve block>")["entries"]

    @cached_property
    def _whole_function(self) -> Any:
        return self._function(self._whole, rows=False)

    @cached_property
    def _row_functions(self) -> dict[Table, Any]:
        return {table: self._function(parts, rows=True) for table, parts in self._by_table.items()}

    @cached_property
    def _orders(self) -> dict[Table, tuple[NDArray[np.unsignedinteger], Places]]:
        """The rows of the finite sum, ordered by system, and where each system's rows begin."""
        orders: dict[Table, tuple[NDArray[np.unsignedinteger], Places]] = {}
        for table in self._by_table:
            key = self.derivation.graph.arrays[table.leaf.name]
            ends = np.cumsum(np.bincount(key, minlength=self.block.systems))
            order = np.argsort(key, kind="stable").astype(np.min_scalar_type(len(key)))
            orders[table] = order, np.concatenate([[0], ends])
        return orders

    def _whole_values(self, x: Array, parameters: Mapping[str, float]) -> list[Array]:
        """Of each part without a table its values, (systems or 1, entries)."""
        values = self._whole_function(x, parameters) if self._whole else []
        count = self.block.systems
        shaped = []
        for part, value in zip(self._whole, values, strict=True):
            value = np.asarray(value, dtype=float)
            varies = value.ndim > len(part.axes) and any(s > 1 for s in value.shape[: value.ndim - len(part.axes)])
            sizes = [i.size for i in (*(part.leading if varies else ()), *part.axes)]
            if not varies and value.ndim > len(part.axes):
                value = value.reshape(value.shape[value.ndim - len(part.axes) :])
            shaped.append(np.broadcast_to(value, sizes).reshape(count if varies else 1, -1))
        return shaped

    def _own(self, chosen: Places, whole: list[Array]) -> tuple[Array, Array]:
        """What comes from no table: matrices, (m, p, p), or (1, p, p) if all have the same, and gradients, (m, p)."""
        m, p = len(chosen), self.block.size
        one = all(len(value) == 1 for part, value in zip(self._whole, whole, strict=True) if part.columns is not None)
        H, g = np.zeros((1 if one else m, p, p)), np.zeros((m, p))
        for part, value in zip(self._whole, whole, strict=True):
            add_part(H, g, part, value[chosen] if len(value) > 1 else value)
        return H, g

    def _assembled(
        self, chosen: Places, whole: list[Array], x: Array, parameters: Mapping[str, float]
    ) -> tuple[Array, Array]:
        """The matrices, (m, p, p), and gradients, (m, p), of some systems."""
        H, g = self._own(chosen, whole)
        if len(H) < len(chosen):
            H = np.repeat(H, len(chosen), axis=0)
        for table, parts in self._by_table.items():
            order, begin = self._orders[table]
            count = begin[chosen + 1] - begin[chosen]
            longest = int(count.max())
            if longest:
                places = np.arange(longest)
                there = places < count[:, None]
                rows = order[np.where(there, begin[chosen][:, None] + places, 0)]
                values = self._row_functions[table](x, parameters, rows.ravel())
                sum_rows(H, g, parts, values, there)
        return H, g


def _parted(systems: Places) -> Iterator[Places]:
    """Few systems at a time, for those that native code leaves."""
    return (systems[k : k + _FEW] for k in range(0, len(systems), _FEW))


def _column(values: Any, count: int) -> Array:
    """Values of rows, which may be one of all, as a float array of its own."""
    return np.array(np.broadcast_to(np.asarray(values, dtype=float).reshape(-1), count), order="C")


def _same_gather(a: Node, own: tuple[Index, ...], b: Node, other: tuple[Index, ...]) -> bool:
    """Whether b is a, by other names of its indices."""
    if not (isinstance(a, Gather) and isinstance(b, Gather) and a.leaf == b.leaf and len(own) == len(other)):
        return False
    names = dict(zip(own, other, strict=True))
    return tuple(s.renamed(names) for s in a.subscripts) == b.subscripts
