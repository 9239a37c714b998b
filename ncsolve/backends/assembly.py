"""Source that puts the parts of a gradient and the element blocks of a Hessian where they belong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.backends.layout import ATOM, BATCH, Axes, Piece
from ncsolve.backends.numpy_printer import Printer, _slice, squeezed
from ncsolve.backends.sparse import dense
from ncsolve.graph.derivation import axis_positions, positions
from ncsolve.graph.differentiate import Block
from ncsolve.graph.graph import Graph
from ncsolve.graph.nodes import Affine, Gather, Index, Leaf, Subscript, Table

SPARSE_FROM = 50  # variables from which a Hessian may be sparse
_SPARSE_DENSITY = 0.15


def vector(printer: Printer, parts: Mapping[Gather, int], batch: bool) -> list[str]:
    """Lines that compute g, shape (n,) or (m, n), as the sum of the scattered parts."""
    n = printer.n
    if not batch and all(not g.indices for g in parts):
        entries = ["0.0"] * n
        for gather, op in parts.items():
            k = int(positions(printer.program.graph, gather))
            code = printer.pieces[op].within(ATOM if entries[k] != "0.0" else 0)
            entries[k] = code if entries[k] == "0.0" else f"{entries[k]} + {code}"
        return [f"g = np.array([{', '.join(entries)}], dtype=float)"]
    remaining = dict(parts)
    whole = next((g for g, op in parts.items() if _covers(printer, g, op, batch)), None)
    if whole is not None:
        lines = [f"g = {printer.piece(remaining.pop(whole)).code}"]
    else:
        lines = [f"g = np.zeros((len({_batch_vector(printer)}), {n}))" if batch else f"g = np.zeros({n})"]
    if not batch:
        lines += _differences(printer, remaining)
    for gather, op in remaining.items():
        product = None if batch else _sampled_product(printer, gather, op)
        lines += [product] if product else _scatter(printer, gather, printer.piece(op), n, batch)
    return lines


def _differences(printer: Printer, parts: dict[Gather, int]) -> list[str]:
    """Parts that are each other's negative, as of the two ends of a pair: one sparse matrix with entries 1 and -1."""
    lines = []
    for gather, op in list(parts.items()):
        opposite = printer.program.ops[op]
        other = next((g for g, o in parts.items() if opposite.kind == "neg" and o == opposite.args[0]), None)
        if other is None or other.indices != gather.indices or printer.samples in gather.indices:
            continue
        places = [positions(printer.program.graph, g).ravel() for g in (other, gather)]
        if len(gather.indices) < 2 or len(places[0]) <= 4 * printer.n:
            continue
        plus, minus = (_accumulator(where, printer.n) for where in places)
        piece = _spread(printer, printer.piece(parts.pop(other)), gather.indices, "")
        del parts[gather]
        lines.append(f"g += {printer.constant(plus - minus, 's')} @ {piece.within(ATOM)}.ravel()")
    return lines


def _covers(printer: Printer, gather: Gather, op: int, batch: bool) -> bool:
    """Whether a part is a new array with exactly one entry for every variable, in order."""
    piece, (leaf, subscripts) = printer.pieces[op], squeezed(gather.leaf, gather.subscripts)
    if piece.code.isidentifier() or printer.program.ops[op].kind in ("gather", "const") or leaf.size != printer.n:
        return False
    if len(gather.indices) != 1 or gather.indices[0].size != printer.n or printer.samples in gather.indices:
        return False
    return (
        subscripts == (Affine(gather.indices[0], 1, 0),) and piece.axes == ((BATCH,) if batch else ()) + gather.indices
    )


def _batch_vector(printer: Printer) -> str:
    return "x" if "variable" in printer.batched_roles else "v1"


def _scatter(printer: Printer, gather: Gather, piece: Piece, n: int, batch: bool) -> list[str]:
    leading: Axes = (BATCH,) if batch else ()
    prefix = ":, " if batch else ""
    piece = dense(piece)
    if _is_view(gather) and printer.samples not in gather.indices:
        leaf, subscripts = squeezed(gather.leaf, gather.subscripts)
        code = piece.aligned((*leading, *gather.indices)).code
        if leaf.shape == ():
            return [f"g[{prefix}{leaf.offset}] += {code}"]
        if len(leaf.shape) == 1:
            assert isinstance(subscripts[0], Affine)
            return [f"g[{prefix}{_shifted(subscripts[0], leaf.offset, n)}] += {code}"]
        shape = ", ".join(map(str, leaf.shape))
        shape = f"len({_batch_vector(printer)}), {shape}" if batch else shape
        keys = [_slice(s, size) for s, size in zip(subscripts, leaf.shape, strict=True)]
        target = f"g[{prefix}{leaf.offset}:{leaf.offset + leaf.size}].reshape({shape})"
        return [f"{target}[{', '.join([*([':'] * batch), *keys])}] += {code}"]
    grid = gather.indices
    full = _spread(printer, piece, (*leading, *grid), f"len({_batch_vector(printer)}), " if batch else "")
    if printer.samples in grid:
        return [_scatter_rows(printer, gather, full, batch)]
    where = positions(printer.program.graph, gather)
    count = int(where.size)
    if batch:
        name = printer.constant(_accumulator(where.ravel(), n), "s")
        return [f"g += ({name} @ {full.within(ATOM)}.reshape(len({_batch_vector(printer)}), {count}).T).T"]
    if len(grid) > 1 and count > 4 * n:
        name = printer.constant(_accumulator(where.ravel(), n), "s")
        return [f"g += {name} @ {full.within(ATOM)}.ravel()"]
    return [f"g += np.bincount({printer.constant(where.ravel(), 'i')}, {full.within(ATOM)}.ravel(), {n})"]


def _sampled_product(printer: Printer, gather: Gather, op: int) -> str | None:
    """g[row[k], c] += w[k] V[column[k], c] as a sparse matrix, of a pattern that is known, times V."""
    program = printer.program
    table = _row_table(gather.leaf, gather.subscripts)
    if table is None or program.ops[op].kind != "mul" or printer.piece(op).code.isidentifier():
        return None
    factors = [program.ops[a] for a in program.ops[op].args]
    for weight, values in (factors, factors[::-1]):
        if values.kind != "gather" or weight.indices != table.indices or printer.samples in table.indices:
            continue
        leaf, subscripts = values.detail
        other = _row_table(leaf, subscripts)
        if leaf.role == "data" or other is None or subscripts[1] != gather.subscripts[1]:
            continue
        if other.indices != table.indices:
            continue
        row, column = (program.graph.arrays[t.leaf.name].astype(np.int64) for t in (table, other))
        product = SampledProduct(row, column, (gather.leaf.shape[0], leaf.shape[0]))
        name = printer.constant(product, "s")
        target = f"g[{gather.leaf.offset}:{gather.leaf.offset + gather.leaf.size}].reshape{gather.leaf.shape}"
        return f"{target}[...] += {name}({printer.piece(weight.id).code}, {printer.view(leaf)})"
    return None


def _row_table(leaf: Leaf, subscripts: tuple[Subscript, ...]) -> Table | None:
    """The table of rows, when a gather is U[row[k], c] with all of the columns c."""
    if len(subscripts) != 2 or not isinstance(subscripts[0], Table) or len(subscripts[0].indices) != 1:
        return None
    column = subscripts[1]
    if not isinstance(column, Affine) or column.index is None:
        return None
    return subscripts[0] if (column.stride, column.offset, column.index.size) == (1, 0, leaf.shape[1]) else None


class SampledProduct:
    """(w, V) -> the sum over k of w[k] V[column[k]] into row[k]."""

    def __init__(self, row: NDArray[np.int64], column: NDArray[np.int64], shape: tuple[int, int]) -> None:
        self.shape = shape
        self.order = np.argsort(row, kind="stable")
        self.indices = column[self.order].astype(np.int32)
        self.indptr = np.searchsorted(row[self.order], np.arange(shape[0] + 1)).astype(np.int32)

    def __call__(self, weights: NDArray[np.float64], values: NDArray[np.float64]) -> Any:
        from scipy.sparse import csr_array

        return csr_array((weights[self.order], self.indices, self.indptr), shape=self.shape) @ values


def _scatter_rows(printer: Printer, gather: Gather, full: Piece, batch: bool) -> str:
    """As any scatter to positions, but these depend on the rows asked for."""
    leaf, at = gather.leaf, _row_positions(printer, gather, gather.indices, gather.indices)
    part = "" if leaf.size == printer.n else f"{leaf.offset}:{leaf.offset + leaf.size}"
    if not batch:
        return f"g{part and f'[{part}]'} += np.bincount({at}, {full.within(ATOM)}.ravel(), {leaf.size})"
    m = f"len({_batch_vector(printer)})"
    at = f"(np.arange({m})[:, None] * {leaf.size} + {at}).ravel()"
    sums = f"np.bincount({at}, {full.within(ATOM)}.ravel(), {m} * {leaf.size}).reshape({m}, {leaf.size})"
    return f"g{part and f'[:, {part}]'} += {sums}"


def _row_positions(printer: Printer, gather: Gather, indices: Axes, grid: Axes) -> str:
    """Where in its leaf a gather reads at the rows asked for, over the grid, flattened.

    `indices` are the gather's own, by the names that they have in the grid. Computed from one number a row: the
    positions of all entries of a long sum would be many times its data.
    """
    names = dict(zip(gather.indices, indices, strict=True))
    parts: list[str] = []
    fixed = np.zeros([1] * len(grid), dtype=np.int64)
    for k, subscript in enumerate(gather.subscripts):
        stride, own = math.prod(gather.leaf.shape[k + 1 :]), subscript.renamed(names)
        values = axis_positions(printer.program.graph, own, grid)
        values = stride * values if stride > 1 else values
        if printer.samples in own.indices:
            parts.append(f"{printer.constant(values, 'i')}.take(rows, {grid.index(printer.samples)})")
        else:
            fixed = fixed + values
    if fixed.any() or not parts:
        parts.append(printer.constant(fixed, "i") if fixed.size > 1 else str(fixed.item()))
    code = " + ".join(parts)
    if set(indices) < set(grid):
        sizes = ", ".join("len(rows)" if i == printer.samples else str(i.size) for i in grid)
        return f"np.broadcast_to({code}, ({sizes})).ravel()"
    return f"({code}).ravel()" if len(parts) > 1 else f"{code}.ravel()"


def _is_view(gather: Gather) -> bool:
    return all(isinstance(s, Affine) for s in gather.subscripts) and len(gather.indices) == sum(
        len(s.indices) for s in gather.subscripts
    )


def _shifted(subscript: Affine, offset: int, n: int) -> str:
    return _slice(Affine(subscript.index, subscript.stride, subscript.offset + offset), n)


def _spread(printer: Printer, piece: Piece, axes: Axes, leading: str) -> Piece:
    """The piece as an array with all of the axes at their full length."""
    piece = dense(piece)
    if set(piece.axes) == set(axes):
        return piece.transposed(axes)
    sizes = leading + "".join("len(rows), " if i == printer.samples else f"{i.size}, " for i in axes if i is not BATCH)
    return Piece(f"np.broadcast_to({piece.aligned(axes).code}, ({sizes}))", axes)


def _accumulator(where: NDArray[np.int64], n: int) -> Any:
    """The sparse matrix that adds entries up at their positions: shape (n, entries)."""
    from scipy.sparse import csr_array

    count = len(where)
    return csr_array((np.ones(count), (where, np.arange(count))), shape=(n, count))


# -- Hessians --------------------------------------------------------------------------------------------------------


def is_sparse(blocks: list[Block], n: int) -> bool:
    """Whether the element blocks leave most of the Hessian zero."""
    entries = sum((1 + b.mirrored) * _size(b.indices) for b in blocks)
    return n >= SPARSE_FROM and entries <= _SPARSE_DENSITY * n * n


def _size(indices: tuple[Index, ...]) -> int:
    return int(np.prod([i.size for i in indices], dtype=float))


def _grid_positions(graph: Graph, block: Block) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of a block's entries, over its index space."""
    space = block.indices
    rows = positions(graph, block.row)
    columns = positions(graph, block.column, block.columns)
    column_indices = tuple(dict.fromkeys(block.columns))

    def over_space(values: NDArray[np.int64], own: tuple[Index, ...]) -> NDArray[np.int64]:
        present = [i for i in space if i in own]
        values = values.transpose([own.index(i) for i in present])
        return np.broadcast_to(values.reshape([i.size if i in own else 1 for i in space]), [i.size for i in space])

    return over_space(rows, block.row.indices), over_space(columns, column_indices)


def dense_hessian(printer: Printer, blocks: list[tuple[Block, int]], n: int, batch: bool) -> list[str]:
    """Lines that compute H, shape (n, n) or (m, n, n)."""
    if not batch and n <= 12 and all(not b.indices for b, _ in blocks):
        return _written_out(printer, blocks, n)
    lines = [f"H = np.zeros((len(x), {n}, {n}))" if batch else f"H = np.zeros(({n}, {n}))"]
    for block, op in blocks:
        lines += _dense_block(printer, block, printer.piece(op), n, batch)
    return lines


def _written_out(printer: Printer, blocks: list[tuple[Block, int]], n: int) -> list[str]:
    entries: dict[tuple[int, int], list[str]] = {}
    for block, op in blocks:
        r, c = (int(p) for p in _grid_positions(printer.program.graph, block))
        for place in {(r, c), (c, r)} if block.mirrored and r != c else {(r, c)}:
            code = printer.pieces[op].within(ATOM)
            entries.setdefault(place, []).append(f"2 * {code}" if block.mirrored and r == c else code)
    rows = [", ".join(" + ".join(entries.get((r, c), ["0.0"])) for c in range(n)) for r in range(n)]
    return [f"H = np.array([{', '.join(f'[{row}]' for row in rows)}], dtype=float)"]


def _dense_block(printer: Printer, block: Block, piece: Piece, n: int, batch: bool) -> list[str]:
    leading: Axes = (BATCH,) if batch else ()
    prefix, count = (":, ", "len(x), ") if batch else ("", "")
    rows, columns = block.row.indices, tuple(dict.fromkeys(block.columns))
    if not block.indices:
        row, column = (int(p) for p in _grid_positions(printer.program.graph, block))
        lines = [f"H[{prefix}{row}, {column}] += {piece.code}"]
        return [*lines, f"H[{prefix}{column}, {row}] += {piece.code}"] if block.mirrored else lines
    if printer.samples not in block.indices and not set(rows) & set(columns) and len(columns) == len(block.columns):
        r, c = (positions(printer.program.graph, g).ravel() for g in (block.row, block.column))
        if (rs := _range(r)) and (cs := _range(c)):
            full = _spread(printer, piece, (*leading, *rows, *columns), count)
            name = full.code
            if len(rows) != 1 or len(columns) != 1:
                name = f"{full.within(ATOM)}.reshape({count}{len(r)}, {len(c)})"
            lines = [f"b = {name}", f"H[{prefix}{rs}, {cs}] += b"]
            if block.mirrored:
                lines.append(f"H[{prefix}{cs}, {rs}] += b.{'swapaxes(1, 2)' if batch else 'T'}")
            return lines
    full = _spread(printer, piece, (*leading, *block.indices), count)
    lines = [f"b = {full.within(ATOM)}.reshape({count}-1)"]
    if printer.samples in block.indices:
        return lines + _entries_of_rows(printer, block, batch)
    r2, c2 = (p.ravel() for p in _grid_positions(printer.program.graph, block))
    targets = [r2 * n + c2] + ([c2 * n + r2] if block.mirrored else [])
    flat = f"H.reshape({count}-1)"
    for where in targets:
        if len(np.unique(where)) < len(where):
            name = printer.constant(_accumulator(where, n * n), "s")
            lines.append(f"H += ({name} @ b.T).T.reshape(H.shape)")
        elif (step := _range(where)) is not None:
            lines.append(f"{flat}[{prefix}{step}] += b")
        else:
            lines.append(f"{flat}[{prefix}{printer.constant(where, 'i')}] += b")
    return lines


def _entries_of_rows(printer: Printer, block: Block, batch: bool) -> list[str]:
    places = []
    for gather, indices in ((block.row, block.row.indices), (block.column, block.columns)):
        at = _row_positions(printer, gather, indices, block.indices)
        places.append(f"{gather.leaf.offset} + {at}" if gather.leaf.offset else at)
    r, c = places
    lead = "slice(None), " if batch else ""
    lines = [f"np.add.at(H, ({lead}{r}, {c}), b)"]
    return [*lines, f"np.add.at(H, ({lead}{c}, {r}), b)"] if block.mirrored else lines


def _range(where: NDArray[np.int64]) -> str | None:
    """Positions as a slice, when they are evenly spaced and rising."""
    if len(where) == 1:
        return f"{where[0]}:{where[0] + 1}"
    steps = np.diff(where)
    if len(where) and steps[0] > 0 and (steps == steps[0]).all():
        return f"{where[0]}:{where[-1] + 1}" + (f":{steps[0]}" if steps[0] > 1 else "")
    return None


@dataclass(frozen=True)
class Pattern:
    """Where the entries of element blocks go in a CSR array: computed once, from the graph.

    `slots` are the places of each block's entries among the stored ones, and of its transpose's where it is mirrored.
    """

    shape: tuple[int, int]
    slots: tuple[tuple[NDArray[np.int64], ...], ...]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int32]

    def assemble(self, entries: NDArray[np.float64]) -> Any:
        """The Hessian that has these entries."""
        from scipy.sparse import csr_array

        return csr_array((entries, self.indices, self.indptr), shape=self.shape)


def pattern_of(graph: Graph, blocks: list[Block], n: int) -> Pattern:
    """The pattern of a Hessian."""
    grids = [tuple(p.ravel() for p in _grid_positions(graph, block)) for block in blocks]
    where = [[r * n + c, c * n + r][: 1 + block.mirrored] for block, (r, c) in zip(blocks, grids, strict=True)]
    places = np.unique(np.concatenate([w for pair in where for w in pair]))
    slots = tuple(tuple(np.searchsorted(places, w) for w in pair) for pair in where)
    indptr = np.searchsorted(places, np.arange(n + 1) * n).astype(np.int32)
    return Pattern((n, n), slots, (places % n).astype(np.int32), indptr)


def sparse_hessian(printer: Printer, blocks: list[tuple[Block, int]], n: int) -> list[str]:
    """Lines that compute H as a CSR array."""
    pattern = pattern_of(printer.program.graph, [b for b, _ in blocks], n)
    printer.namespace["pattern"] = pattern
    lines = [f"e = np.zeros({len(pattern.indices)})"]
    for (block, op), slots in zip(blocks, pattern.slots, strict=True):
        full = _spread(printer, printer.piece(op), block.indices, "")
        value = f"{full.within(ATOM)}.ravel()" if len(block.indices) > 1 else full.code
        if block.mirrored and not value.isidentifier():
            lines.append(f"b = {value}")
            value = "b"
        for where in slots:
            if (places := _range(where)) is not None:
                lines.append(f"e[{places}] += {value}")
            elif len(np.unique(where)) == len(where):
                lines.append(f"e[{printer.constant(where, 'i')}] += {value}")
            else:
                lines.append(f"e += np.bincount({printer.constant(where, 'i')}, {value}, {len(pattern.indices)})")
    return [*lines, "H = pattern.assemble(e)"]
