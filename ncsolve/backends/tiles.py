"""Loops by blocks of rows: what stands between inner loops runs as a loop of its own, in vector instructions.

for i:                                   for each block:
    z = sum over j of A[i, j] w[j]           for i in the block: z[i] = sum over j of A[i, j] w[j]
    d = exp(z) ...                  ->       for i in the block: d[i] = exp(z[i]) ...
    for j: g[j] += d A[i, j]                 for i in the block: for j: g[j] += d[i] A[i, j]

The rows of A are still read once from memory: a block fits into the cache. Products by BLAS would be faster still, but
take numba five seconds to compile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ncsolve.backends.loops import Loop, Task
from ncsolve.graph.nodes import Affine, Index

if TYPE_CHECKING:
    from ncsolve.backends.native_printer import NativePrinter

_ROWS = 256  # below this many, one block would be all

BLOCK = 512  # iterations whose buffers stay in the first-level cache
_STORES = 2  # from which a loop is too entangled for the compiler to see that its arrays are apart

Group = Sequence[Loop | Task]


def tiles(printer: NativePrinter, loop: Loop, at: Mapping[Index, str]) -> list[list[Loop | Task]]:
    """The items of a loop by groups: each loop inside, and what stands between; empty where blocks gain nothing.

    Values that go from one group to another are given a buffer.
    """
    inside = [isinstance(item, Loop) for item in loop.items]
    direct = [item for item in loop.items if isinstance(item, Task) and item.id >= 0]
    if at or loop.index.size < _ROWS or loop.index == printer.samples or printer.batched_roles or not any(inside):
        return []
    if not any(printer.program.ops[task.id].kind in printer.vectorised for task in direct):
        return []
    groups: list[list[Loop | Task]] = []
    for k, item in enumerate(loop.items):
        if k and not inside[k] and not inside[k - 1]:
            groups[-1].append(item)
        else:
            groups.append([item])
    owner = {task.id: k for k, group in enumerate(groups) for task in tasks_of(group)}
    crossing = [a for k, group in enumerate(groups) for t in tasks_of(group) for a in t.args if owner.get(a, k) != k]
    if any(loop.index not in kept for a in crossing if (kept := printer.plan.kept[a])):
        return []  # a vector that every iteration fills anew
    for a in dict.fromkeys(crossing):
        if not printer.plan.kept[a]:
            printer.buffer(a, loop.index)
    return groups


def tasks_of(items: Group) -> Iterator[Task]:
    for item in items:
        if isinstance(item, Loop):
            yield from tasks_of(item.items)
        else:
            yield item


def parts(printer: NativePrinter, loop: Loop, at: Mapping[Index, str]) -> list[Group]:
    """The items of an inner loop; what leads to a function that could be vectorised is a part of its own, first."""
    tasks = [item for item in loop.items if isinstance(item, Task)]
    ops = printer.program.ops
    heavy = {t.id for t in tasks if t.id >= 0 and ops[t.id].kind in printer.vectorised}
    if not at or loop.index.size > BLOCK or not heavy or len(tasks) < len(loop.items):
        return [loop.items]
    for task in reversed(tasks):
        if task.id in heavy:
            heavy.update(task.args)
    first, rest = ([t for t in tasks if (t.id in heavy) == wanted] for wanted in (True, False))
    if sum(t.id < 0 or bool(printer.plan.kept[t.id]) for t in rest) < _STORES:
        return [loop.items]
    for a in dict.fromkeys(a for t in rest for a in t.args):
        if any(t.id == a for t in first) and not printer.plan.kept[a]:
            printer.scratch(a, loop.index)
    return [first, rest]


def collides(printer: NativePrinter, loop: Loop, at: Mapping[Index, str]) -> bool:
    """Whether a flat loop scatters to several offsets of the same evenly spaced positions."""
    if at or loop.index.size < 2 * BLOCK or loop.index == printer.samples:
        return False
    if any(isinstance(item, Loop) for item in loop.items):
        return False
    sinks = [printer.sinks[t.id] for t in loop.tasks if t.id < 0]
    loads = [
        printer.program.ops[t.id].detail for t in loop.tasks if t.id >= 0 and printer.program.ops[t.id].kind == "gather"
    ]
    places = [s.place for s in sinks if s.place is not None] + [
        d for d in loads if d[0].role in ("variable", "direction")
    ]
    if len(sinks) < 2 or any(s.place is None for s in sinks):
        return False
    return all(
        leaf.shape and len(subscripts) == 1 and isinstance(subscripts[0], Affine) and subscripts[0].stride == 1
        for leaf, subscripts in places
        if subscripts
    )
