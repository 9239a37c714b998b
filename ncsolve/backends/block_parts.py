"""The parts that the systems of a block are the sum of, and their sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.graph.nodes import Index, Node, Table

Array = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Some entries of all systems' gradients (no `columns`) or matrices: `value`, or `weight` outer(`value`, `right`).

    `rows` and `columns` are places within a system, `axes` the indices of the value in the order of these places.
    """

    table: Table | None
    leading: tuple[Index, ...]
    axes: tuple[Index, ...]
    rows: Places
    columns: Places | None
    value: Node
    right: Node | None = None
    right_axes: tuple[Index, ...] = ()
    weight: Node | None = None
    mirrored: bool = False


def _slice_of(places: Places) -> Any:
    """A slice, where places are consecutive."""
    consecutive = len(places) > 0 and bool((np.diff(places) == 1).all())
    return slice(int(places[0]), int(places[-1]) + 1) if consecutive else places


def add_part(H: Array, g: Array, part: Part, value: Array) -> None:
    """Add the entries of a part, (m or 1, entries)."""
    everywhere: Any = slice(None)
    if part.columns is None:
        rows = _slice_of(part.rows)
        if isinstance(rows, slice):
            g[:, rows] += value
        else:
            np.add.at(g, (everywhere, part.rows), value)
        return
    np.add.at(H, (everywhere, part.rows, part.columns), value)
    if part.mirrored:
        np.add.at(H, (everywhere, part.columns, part.rows), value)


def sum_rows(H: Array, g: Array, parts: list[Part], values: list[Any], there: NDArray[np.bool_]) -> None:
    """Add what the rows of each system contribute; `there`, (m, rows), says which of the padded rows exist."""
    taken = iter(values)
    for part in parts:
        left = _by_system(next(taken), there, len(part.rows))
        weight = _by_system(1.0 if part.weight is None else next(taken), there, 1)[:, :, 0]
        weight = np.where(there, weight, 0.0)
        if part.right is None:
            add_part(H, g, part, np.vecmat(weight, left))
            continue
        assert part.columns is not None
        right = left if part.right is part.value else _by_system(next(taken), there, len(part.columns))
        products = (left * weight[:, :, None]).swapaxes(1, 2) @ right
        rows, columns = _slice_of(part.rows), _slice_of(part.columns)
        if isinstance(rows, slice) and isinstance(columns, slice):
            H[:, rows, columns] += products
        else:
            H[:, part.rows[:, None], part.columns] += products
        if part.mirrored:
            H[:, part.columns[:, None], part.rows] += products.swapaxes(1, 2)


def _by_system(value: Any, there: NDArray[np.bool_], entries: int) -> Array:
    """Values over rows and local axes as (systems, rows of each, entries); what is missing broadcasts."""
    value = np.asarray(value, dtype=float)
    if value.ndim < 2:
        value = value.reshape(-1, 1) if entries == 1 or value.ndim == 0 else value.reshape(1, -1)
    flat = np.broadcast_to(value.reshape(len(value), -1), (there.size, entries))
    return flat.reshape(*there.shape, entries)
