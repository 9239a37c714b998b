"""Programs as fused loops: one Python function of arrays and numbers that numba compiles to machine code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ncsolve.backends.layout import ATOM, BATCH, UNARY, Axes, Piece
from ncsolve.backends.loops import Loop, Task
from ncsolve.backends.native_tasks import NativeTasks, Sink
from ncsolve.backends.numpy_printer import identifier, literal, scalar
from ncsolve.backends.tiles import BLOCK, collides, parts, tasks_of, tiles
from ncsolve.graph.nodes import Index, Leaf, Subscript, Table
from ncsolve.graph.program import Op, Program

AHEAD, WIDE = 4, 8  # turns between asking for a row and using it; numbers in a cache line


class NativePrinter(NativeTasks):
    """Prints the loops that compute some sinks.

    `vectorised` are the functions that the runtime has in a form for loops: `rt.exp` instead of `math.exp`.
    """

    def __init__(
        self,
        program: Program,
        sinks: Sequence[Sink],
        n: int,
        batched: frozenset[str] = frozenset(),
        samples: Index | None = None,
        vectorised: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(program, sinks, n, batched, samples)
        self.vectorised = vectorised
        self._aliases: dict[str, str] = {}
        self._slicing: Index | None = None  # the index of a loop by blocks: arrays over it are slices from its start
        self._tiled = False
        self._buffers: set[str] = set()
        self._scratch: list[str] = []
        self.variables = {i: f"i{k}" for k, i in enumerate(self.order)}
        self.lines: list[str] = []
        self._allocate()
        self._emit(self.plan.items, {}, 0)
        self.lines[:0] = self._scratch

    # -- statements --------------------------------------------------------------------------------------------------

    def _allocate(self) -> None:
        for task in self.tasks:
            kept = self.plan.kept[task.id]
            if kept and task.id >= 0 and not task.whole:
                self.lines.append(f"a{task.id} = np.empty(({', '.join(self._length(i) for i in kept)},))")

    def _length(self, index: Index) -> str:
        return "m" if index is BATCH else str(index.size)

    def _emit(self, items: Sequence[Loop | Task], at: dict[Index, str], depth: int) -> None:
        pad = "    " * depth
        for item in items:
            if isinstance(item, Loop):
                self._start_reductions(item, at, pad)
                self._emit_loop(item, at, depth)
            else:
                self.lines += [pad + line for line in self._statement(item, at)]

    def _emit_loop(self, loop: Loop, at: dict[Index, str], depth: int) -> None:
        pad, variable = "    " * depth, self.variables[loop.index]
        inside = {**at, loop.index: variable}
        if collides(self, loop, at):
            self._emit_blocks(loop, pad)
        elif groups := tiles(self, loop, at):
            self._emit_tiles(loop, groups, pad)
        elif loop.index == self.samples:
            self.lines += [f"{pad}for row in range(len(rows)):", f"{pad}    {variable} = rows[row]"]
            start = len(self.lines)
            self._emit(loop.items, inside, depth + 1)
            self.lines[start:start] = self._prefetched(self.lines[start:], variable, pad + "    ")
        else:
            for items in parts(self, loop, at):
                self.lines.append(f"{pad}for {variable} in range({self._length(loop.index)}):")
                self._emit(items, inside, depth + 1)

    def _prefetched(self, body: Sequence[str], variable: str, pad: str) -> list[str]:
        """Asks for wide rows of data some turns ahead: rows drawn at random lie where no processor would guess."""
        text = "\n".join(body)
        wide = [n for n, a in self.arrays.items() if a.ndim == 2 and a.shape[1] >= WIDE and f"{n}[{variable}, " in text]
        lines = [f"{pad}ahead = rows[min(row + {AHEAD}, len(rows) - 1)]"] if wide else []
        for name in wide:
            lines.append(f"{pad}for line in range(0, {min(self.arrays[name].shape[1], 64 * WIDE)}, {WIDE}):")
            lines.append(f"{pad}    rt.prefetch({name}, ahead, line)")
        return lines

    # -- loops whose scatters collide: g[i] and g[i + 1] in one loop cannot become vector instructions ----------------

    def _emit_blocks(self, loop: Loop, pad: str) -> None:
        """Blocks of the range, each on slices that start at it; all sinks but the first go through a buffer."""
        variable, size = self.variables[loop.index], loop.index.size
        start = len(self.lines)
        sinks = [t for t in loop.tasks if t.id < 0]
        self._slicing = loop.index
        self._emit([t for t in loop.items if t not in sinks], {loop.index: variable}, 2 + len(pad) // 4)
        body, self.lines = self.lines[start:], self.lines[:start]
        flush: list[str] = []
        for k, task in enumerate(sinks):
            sink = self.sinks[task.id]
            value = self.read(sink.value, {loop.index: variable}).within(UNARY)
            if k == 0:
                body += [f"{pad}        {line}" for line in sink.write(self, {loop.index: variable}, value)]
            else:
                self.lines.append(f"{pad}buffer{k} = np.empty({BLOCK})")
                body.append(f"{pad}        buffer{k}[{variable}] = {value}")
                flush.append(f"{pad}    for {variable} in range(length):")
                flush += [
                    f"{pad}        {line}"
                    for line in sink.write(self, {loop.index: variable}, f"buffer{k}[{variable}]")
                ]
        self._slicing = None
        self.lines.append(f"{pad}for start in range(0, {size}, {BLOCK}):")
        self.lines.append(f"{pad}    length = min({BLOCK}, {size} - start)")
        self.lines += [f"{pad}    {new} = {old}[start:]" for old, new in self._aliases.items()]
        self.lines.append(f"{pad}    for {variable} in range(length):")
        self.lines += [*body, *flush]
        self._aliases.clear()

    # -- loops in which some functions would be vector instructions, if there were not other loops inside --------------

    def _emit_tiles(self, loop: Loop, groups: Sequence[Sequence[Loop | Task]], pad: str) -> None:
        """Blocks of the range; within a block, a loop of its own for every group."""
        variable, size = self.variables[loop.index], loop.index.size
        outer, self.lines = self.lines, []
        self._slicing, self._tiled = loop.index, True
        for group in groups:
            self.lines.append(f"{pad}    for {variable} in range(length):")
            stored = [t.id for t in tasks_of(group) if f"a{t.id}" in self._buffers]
            self.plan.kept.update(dict.fromkeys(stored, ()))
            self._emit(group, {loop.index: variable}, 2 + len(pad) // 4)
            self.plan.kept.update(dict.fromkeys(stored, (loop.index,)))
            self.lines += [f"{pad}        a{task}[{variable}] = t{task}" for task in stored]
        self._slicing, self._tiled = None, False
        body, self.lines = self.lines, outer
        self.lines += [f"{pad}{name} = np.empty({BLOCK})" for name in sorted(self._buffers)]
        self.lines.append(f"{pad}for start in range(0, {size}, {BLOCK}):")
        self.lines.append(f"{pad}    length = min({BLOCK}, {size} - start)")
        self.lines += [f"{pad}    {new} = {old}[start : start + length]" for old, new in self._aliases.items()]
        self.lines += body
        self._aliases.clear()
        self._buffers.clear()

    def buffer(self, task: int, index: Index) -> None:
        """Keep a task's value for the iterations of a block."""
        self.plan.kept[task] = (index,)
        self._buffers.add(f"a{task}")

    def scratch(self, task: int, index: Index) -> None:
        """Keep a task's value for the iterations of an inner loop."""
        self.plan.kept[task] = (index,)
        self._scratch.append(f"a{task} = np.empty({index.size})")

    def _places(self, axes: Axes, at: Mapping[Index, str]) -> str:
        """Where an array over some indices is read: at the local place where it is a slice."""
        return ", ".join(at[i] if k == 0 else self._place(i, at) for k, i in enumerate(axes))

    def _place(self, index: Index, at: Mapping[Index, str]) -> str:
        """The value of an index."""
        return f"(start + {at[index]})" if self._tiled and index == self._slicing else at[index]

    def _sliced(self, array: str, axes: Axes) -> str:
        """An array's name; in a loop by blocks, that of its slice from the start of the block."""
        if self._slicing is None or not axes or axes[0] != self._slicing or array in self._buffers:
            return array
        return self._aliases.setdefault(array, f"{array}_b")

    def vector(self, name: str, subscripts: Sequence[Subscript]) -> str:
        """The name of x, v or g as it is indexed here."""
        return name if self._tiled else self._sliced(name, tuple(i for s in subscripts for i in s.indices))

    def _start_reductions(self, loop: Loop, at: dict[Index, str], pad: str) -> None:
        """Accumulators start before the outermost loop that they are summed over."""
        for task in loop.tasks:
            if loop.index not in task.reduces or any(i in task.reduces for i in at):
                continue
            start = "-math.inf" if self.program.ops[task.id].kind == "peak" else "0.0"
            kept = self.plan.kept[task.id]
            if not kept:
                self.lines.append(f"{pad}t{task.id} = {start}")
            else:
                where = ", ".join(at.get(i, ":") for i in kept)
                self.lines.append(f"{pad}{self._sliced(f'a{task.id}', kept)}[{where}] = {start}")

    def _statement(self, task: Task, at: Mapping[Index, str]) -> list[str]:
        if task.id < 0:
            sink = self.sinks[task.id]
            return sink.write(self, at, self.read(sink.value, at).within(UNARY))
        op = self.program.ops[task.id]
        if task.whole:
            return [f"a{op.id} = {self._matrix_product(op)}"]
        target = self._name(op.id, at)
        if op.kind in ("sum", "contract"):
            factors = [self.read(a, at) for a in op.args]
            return [f"{target} += {' * '.join(f.within(ATOM) for f in factors)}"]
        if op.kind == "peak":
            return [f"{target} = max({target}, {self.read(op.args[0], at).code})"]
        if op.kind == "gather":
            leaf, subscripts = op.detail
            return [f"{target} = {self._load(leaf, subscripts, at)}"]
        args = [self.read(a, at) for a in op.args]
        if at and op.kind in self.vectorised:
            return [f"{target} = rt.{op.kind}({args[0].code})"]
        return [f"{target} = {scalar(op.kind, args).code}"]

    def _name(self, op: int, at: Mapping[Index, str]) -> str:
        kept = self.plan.kept[op]
        return f"{self._sliced(f'a{op}', kept)}[{self._places(kept, at)}]" if kept else f"t{op}"

    def read(self, op: int, at: Mapping[Index, str]) -> Piece:
        """The value of an operation at the current place of the loops."""
        if op in self.pieces:
            piece = self.pieces[op]
            array = self._sliced(piece.code, piece.axes)
            return Piece(f"{array}[{self._places(piece.axes, at)}]") if piece.axes else piece
        if self.program.ops[op].kind == "const":
            return Piece(literal(self.program.ops[op].detail))
        if self.is_whole(op):
            axes = self.whole_axes(op)
            return Piece(f"{self._sliced(f'a{op}', axes)}[{self._places(axes, at)}]")
        return Piece(self._name(op, at))

    def _matrix_product(self, op: Op) -> str:
        over: Axes = op.detail
        pieces = []
        for place, k in enumerate(self.factors(op)):
            code = self.pieces[k].code if k in self.pieces else f"a{k}"
            axes = self.whole_axes(k)
            summed_last = axes[-1] == over[0]
            pieces.append(code if summed_last == (place == 0) else f"{code}.T")
        return f"np.dot({pieces[0]}, {pieces[1]})"

    # -- loads -------------------------------------------------------------------------------------------------------

    def _load(self, leaf: Leaf, subscripts: tuple[Subscript, ...], at: Mapping[Index, str]) -> str:
        if leaf.role == "parameter":
            return f"p_{identifier(leaf.name)}"
        vector = self.vector("x" if leaf.role == "variable" else f"v{leaf.order}", subscripts)
        where = self.position(leaf, subscripts, at)
        return f"{vector}[{at[BATCH]}, {where}]" if leaf.role in self.batched_roles else f"{vector}[{where}]"

    def position(self, leaf: Leaf, subscripts: Sequence[Subscript], at: Mapping[Index, str]) -> str:
        """The place in the packed x, an integer expression in the loop variables."""
        offset, terms = leaf.offset, []
        strides = [math.prod(leaf.shape[k + 1 :]) for k in range(len(leaf.shape))]
        for subscript, stride in zip(subscripts, strides, strict=True):
            if isinstance(subscript, Table):
                where = self._places(subscript.indices, at)
                table = self._sliced(self._table(subscript.leaf), subscript.indices)
                terms.append(_times(f"{table}[{where}]", stride))
            else:
                offset += subscript.offset * stride
                if subscript.index is not None:
                    terms.append(_times(self._place(subscript.index, at), subscript.stride * stride))
        code = " + ".join(terms)
        if not terms:
            return str(offset)
        return code if offset == 0 else f"{code} + {offset}" if offset > 0 else f"{code} - {-offset}"

    def _table(self, leaf: Leaf) -> str:
        name = f"i{identifier(leaf.name)}"
        self.arrays[name] = np.ascontiguousarray(self.program.graph.arrays[leaf.name], dtype=np.int64)
        return name

    def slot(self, slots: NDArray[np.int64], indices: Axes, at: Mapping[Index, str]) -> str:
        """The place of an entry: a formula where the places are evenly spaced, else looked up in a table."""
        if slots.ndim == 0:
            return str(int(slots))
        steps = np.diff(slots) if slots.ndim == 1 else np.zeros(0)
        if len(steps) and (steps == steps[0]).all():
            return f"{_times(self._place(indices[0], at), int(steps[0]))} + {int(slots[0])}"
        name = f"s{len(self.arrays)}"
        self.arrays[name] = np.ascontiguousarray(slots)
        return f"{name}[{', '.join(self._place(i, at) for i in indices)}]"

    def parameters(self) -> list[str]:
        """The names of the parameters that the code reads."""
        return list(
            dict.fromkeys(o.detail[0].name for o in self.ops if o.kind == "gather" and o.detail[0].role == "parameter")
        )


def _times(code: str, factor: int) -> str:
    return code if factor == 1 else f"{factor} * {code}"
