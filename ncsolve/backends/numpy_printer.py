"""Programs as NumPy source: one expression per operation, nested where it is used once.

Scalars (no index, no batch) are Python floats and use `math`; everything else is NumPy. Operations on data alone are
evaluated once, when the function is made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.backends.layout import ATOM, BATCH, LOOSE, PRODUCT, SUM, UNARY, Axes, Piece, contraction, union
from ncsolve.backends.sparse import dense, sparse_contraction, sparse_elementwise
from ncsolve.graph.nodes import Affine, Index, Leaf, Subscript, Table, unique
from ncsolve.graph.program import MATRIX, Op, Program
from ncsolve.graph.sparse import is_sparse

_MATH = {"abs": "abs", "ceil": "math.ceil", "floor": "math.floor", "loggamma": "math.lgamma"}
_NUMPY = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "atan2": "arctan2", "max": "maximum", "min": "minimum", "and": "logical_and", "or": "logical_or",
    "not": "logical_not", "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "neg": "negative",
    "pow": "power", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
    "ne": "not_equal",
}  # fmt: skip
_RUNTIME = {"xlogy", "cosine", "quotient", "step", "erf", "erfc", "gamma", "loggamma", "digamma", "polygamma"}
_SCALAR_RUNTIME = {"logaddexp", "xlogy", "cosine", "quotient", "step", "sign", "max", "min", "digamma", "polygamma"}
_INFIX = {"add": ("+", SUM), "sub": ("-", SUM), "mul": ("*", PRODUCT), "div": ("/", PRODUCT)}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_INLINE_LIMIT = 90  # characters of an expression that may still be nested in another


def identifier(name: str) -> str:
    """A valid Python name made from any symbol's name."""
    word = re.sub(r"\W", "_", name, flags=re.ASCII)
    return word if word and not word[0].isdigit() else f"_{word}"


def function_name(kind: str) -> str:
    """The function of arrays that computes an elementwise operation: np.arctan2, or rt.xlogy of `backends.runtime`."""
    return f"rt.{kind}" if kind in _RUNTIME else f"np.{_NUMPY.get(kind, kind)}"


class Printer:
    """Prints the operations that some roots need.

    `batched` are the leaf roles that carry a leading batch axis. `samples`, if given, is the index of a finite sum of
    which the code evaluates a subset, the argument `rows`.
    """

    def __init__(
        self,
        program: Program,
        roots: Sequence[int],
        n: int,
        batched: frozenset[str] = frozenset(),
        samples: Index | None = None,
    ) -> None:
        self.program = program
        self.n = n
        self.samples = samples
        self.batched_roles = batched
        self.ops = program.used(roots)
        self.lines: list[str] = []
        self.namespace: dict[str, Any] = {}
        self.pieces: dict[int, Piece] = {}
        self._views: dict[Leaf, str] = {}
        self._arrays: dict[str, str] = {}
        self._uses = Counter(a for o in self.ops for a in o.args) + Counter(roots)
        squares = [program.ops[o.args[0]] for o in self.ops if o.kind == "sum"]
        self._uses.update(o.args[0] for o in squares if o.kind == "square")  # a dot product names its operand
        self._batched: dict[int, bool] = {}
        self._known: set[int] = set()  # operations on data alone that do not depend on which rows are asked for
        self._sliced: dict[int, Piece] = {}
        for o in self.ops:
            over = o.detail if o.kind in ("sum", "contract", "peak") else ()
            if o.level == 0 and samples not in over and all(a in self._known for a in o.args):
                self._known.add(o.id)
            own = o.kind == "gather" and o.detail[0].role in batched
            self._batched[o.id] = own or any(self._batched[a] for a in o.args)
        for o in self.ops:
            self._print(o)

    # -- operations --------------------------------------------------------------------------------------------------

    def _print(self, op: Op) -> None:
        piece = self._piece(op)
        if op.id in self._known and op.kind != "const":
            piece = self._constant(op, piece)
        elif (
            op.kind not in ("const", "gather", "relabel") and (self._uses[op.id] > 1 or len(piece.code) > _INLINE_LIMIT)
        ) or (op.kind in ("gather", "relabel") and self._uses[op.id] > 1 and not piece.code.isidentifier()):
            self.lines.append(f"t{op.id} = {piece.code}")
            piece = replace(piece, code=f"t{op.id}", binds=ATOM)
        self.pieces[op.id] = piece

    def _constant(self, op: Op, piece: Piece) -> Piece:
        """The value of an operation on data, computed now."""
        value = evaluate(piece.code, self.namespace)
        if not piece.axes:
            return Piece(literal(float(value)), (), ATOM if float(value) >= 0 else UNARY)
        name = piece.code if piece.code.isidentifier() else f"c{op.id}"
        self.namespace[name] = value
        return replace(piece, code=name, binds=ATOM)

    def piece(self, op: int) -> Piece:
        """An operation as others see it: of an array with one entry a row, the rows asked for."""
        piece = self.pieces[op]
        if self.samples not in piece.axes or op not in self._known:
            return piece
        if op not in self._sliced:
            axis = piece.axes.index(self.samples)
            rows = "[rows]" if axis == 0 else "[:, rows]" if piece.sparse else f".take(rows, {axis})"
            self.lines.append(f"r{op} = {piece.within(ATOM)}{rows}")
            self._sliced[op] = replace(piece, code=f"r{op}", binds=ATOM)
        return self._sliced[op]

    def _piece(self, op: Op) -> Piece:
        if op.kind == "const":
            return Piece(literal(op.detail))
        if op.kind == "gather":
            return self._gather(*op.detail)
        args = [self.pieces[a] if op.id in self._known else self.piece(a) for a in op.args]
        if op.kind in ("sum", "peak"):
            return self._reduction(op, args[0])
        if op.kind == "contract":
            multiply = sparse_contraction if args[0].sparse or args[1].sparse else contraction
            return multiply(args[0], args[1], op.detail)
        if op.kind == "relabel":
            names = dict(op.detail)
            return replace(args[0], axes=tuple(names.get(i, i) for i in args[0].axes))
        if op.kind in MATRIX:
            return _matrix_function(op, dense(args[0]))
        if any(a.sparse for a in args):
            if (piece := sparse_elementwise(op.kind, args)) is not None:
                return piece
            args = [dense(a) for a in args]
        return self._elementwise(op, args)

    def _elementwise(self, op: Op, args: list[Piece]) -> Piece:
        axes = union(args)
        args = [a.aligned(axes) for a in args]
        if not axes and not self.batched_roles and op.id not in self._known:
            return scalar(op.kind, args)
        raises = not axes and op.kind in ("div", "pow", "square")  # on numbers of Python, where NumPy gives nan or inf
        if not raises and (piece := _operator(op.kind, args, axes)) is not None:
            return piece
        return Piece(f"{function_name(op.kind)}({', '.join(a.code for a in args)})", axes)

    def _reduction(self, op: Op, arg: Piece) -> Piece:
        over: Axes = op.detail
        arg = dense(arg) if op.kind == "peak" else arg
        axes = tuple(i for i in arg.axes if i not in over)
        name = "sum" if op.kind == "sum" else "max"
        where = ", ".join(str(arg.axes.index(i)) for i in over)
        call = "" if not axes else where if len(over) == 1 else f"({where})"
        inner = self.program.ops[op.args[0]]
        if op.kind == "sum" and inner.kind in ("square", "mul") and not arg.code.isidentifier() and not arg.sparse:
            a, b = (self.piece(k) for k in (inner.args * 2)[:2])
            if not axes and a.code.isidentifier() and b.code.isidentifier() and a.axes == b.axes == arg.axes:
                return Piece(f"float(np.vdot({a.code}, {b.code}))")
            if a.axes == b.axes == arg.axes and over == arg.axes[-1:]:
                return Piece(f"np.vecdot({a.code}, {b.code})", axes)
        code = f"{arg.within(ATOM)}.{name}({call})"
        return Piece(code if axes else f"float({code})", axes)

    # -- gathers -----------------------------------------------------------------------------------------------------

    def _gather(self, leaf: Leaf, subscripts: tuple[Any, ...]) -> Piece:
        batch = (BATCH,) if leaf.role in self.batched_roles else ()
        if leaf.role == "parameter":
            return Piece(f"p[{leaf.name!r}]")
        leaf, subscripts = squeezed(leaf, subscripts)
        if leaf.shape == ():
            vector = self._vector(leaf)
            if leaf.role == "data":
                return Piece(self._array(leaf))
            return Piece(f"{vector}[:, {leaf.offset}]" if batch else f"{vector}.item({leaf.offset})", batch)
        counts = Counter(i for s in subscripts for i in s.indices)
        fancy = [
            isinstance(s, Table) or (s.index is not None and (counts[s.index] > 1 or self._of_rows(leaf, s.index)))
            for s in subscripts
        ]
        basic = [":" if f else _slice(s, n) for f, s, n in zip(fancy, subscripts, leaf.shape, strict=True)]
        view = self.view(leaf)
        if any(b != ":" for b in basic):
            view = f"{view}[{', '.join([':'] * len(batch) + basic)}]"
        sparse = leaf.role == "data" and is_sparse(self.program.graph.arrays[leaf.name])
        if sparse and (any(fancy) or not all(s.indices for s in subscripts)):
            return self._sparse_entries(leaf, subscripts)
        if not any(fancy):
            axes = (*batch, *(s.index for s in subscripts if s.index is not None))
            return Piece(view if axes else f"float({view})", axes, sparse=sparse)
        return self._fancy(leaf, view, subscripts, fancy, batch)

    def _sparse_entries(self, leaf: Leaf, subscripts: tuple[Any, ...]) -> Piece:
        """Some entries of a sparse matrix, as a dense array."""
        grid = unique(i for s in subscripts for i in s.indices)
        keys = [self._positions(s, grid, rows=False) if s.indices else str(s.offset) for s in subscripts]
        return Piece(f"rt.entries({self._array(leaf)}, {', '.join(keys)})", grid)

    def _of_rows(self, leaf: Leaf, index: Index) -> bool:
        """Whether an axis is read at the rows asked for; data are read whole, and sliced where they are used."""
        return index == self.samples and leaf.role in ("variable", "direction")

    def _fancy(
        self, leaf: Leaf, view: str, subscripts: tuple[Affine | Table, ...], fancy: list[bool], batch: Axes
    ) -> Piece:
        """Advanced indexing, on what basic indexing has left of the axes."""
        kept = [(s, f) for s, f in zip(subscripts, fancy, strict=True) if f or s.indices]
        grid = unique(i for s, f in kept if f for i in s.indices)
        rows = leaf.role != "data" and self.samples in grid
        keys = [self._positions(s, grid, rows) if f else ":" for s, f in kept]
        places = [k for k, (_, f) in enumerate(kept) if f]
        before = tuple(s.indices[0] for s, f in kept[: places[0]] if not f)
        after = tuple(s.indices[0] for s, f in kept[places[0] :] if not f)
        if places == list(range(places[0], places[-1] + 1)):
            axes = (*batch, *before, *grid, *after)
        else:
            axes = (*grid, *batch, *before, *after)
        while keys[-1] == ":":
            keys.pop()
        if len(keys) == 1 and not batch and leaf.role != "data":
            return Piece(f"{view}.take({keys[0]}, 0)", axes)
        return Piece(f"{view}[{', '.join([':'] * len(batch) + keys)}]", axes)

    def _positions(self, subscript: Affine | Table, grid: Axes, rows: bool) -> str:
        """The name of an array of positions along one axis, over the grid of indices that are looked up together."""
        if isinstance(subscript, Table):
            values = self.program.graph.arrays[subscript.leaf.name]
        else:
            assert subscript.index is not None
            values = subscript.offset + subscript.stride * np.arange(subscript.index.size)
        name = self.constant(aligned_array(values, subscript.indices, grid), "i")
        if not rows or self.samples not in subscript.indices:
            return name
        axis = grid.index(self.samples)
        return f"{name}[rows]" if axis == 0 else f"{name}.take(rows, {axis})"

    def constant(self, value: Any, prefix: str) -> str:
        for name, known in self.namespace.items():
            if name.startswith(prefix) and known is value:
                return name
        name = f"{prefix}_{sum(n.startswith(prefix + '_') for n in self.namespace)}"
        self.namespace[name] = value
        return name

    def _array(self, leaf: Leaf) -> str:
        """The name of a data array; integers are floats here, since their products would overflow."""
        if leaf.name not in self._arrays:
            name, array = "d_" + identifier(leaf.name), self.program.graph.arrays[leaf.name]
            while name in self.namespace:
                name += "_"
            self._arrays[leaf.name] = name
            self.namespace[name] = array if array.dtype.kind == "f" else array.astype(float)
        return self._arrays[leaf.name]

    def _vector(self, leaf: Leaf) -> str:
        return "x" if leaf.role == "variable" else f"v{leaf.order}"

    def view(self, leaf: Leaf) -> str:
        if leaf.role == "data":
            return self._array(leaf)
        if leaf.role == "stored":
            return f"p[{leaf.name!r}]"
        if leaf not in self._views:
            vector = self._vector(leaf)
            batch = ":, " if leaf.role in self.batched_roles else ""
            code = f"{vector}[{batch}{leaf.offset}:{leaf.offset + leaf.size}]"
            if leaf.size == self.n:
                code = vector
                if len(leaf.shape) == 1:
                    return vector
            if len(leaf.shape) > 1:
                shape = ", ".join(map(str, leaf.shape))
                code += f".reshape(len({vector}), {shape})" if batch else f".reshape({shape})"
            name = "_".join([vector, identifier(leaf.name)])
            while name in self._views.values():
                name += "_"
            self._views[leaf] = name
            self.lines.append(f"{name} = {code}")
        return self._views[leaf]


def squeezed(leaf: Leaf, subscripts: tuple[Subscript, ...]) -> tuple[Leaf, tuple[Any, ...]]:
    """A variable without its axes of length one: a column is a vector."""
    kept = [k for k, (s, size) in enumerate(zip(subscripts, leaf.shape, strict=True)) if size > 1 or s.indices]
    if leaf.role == "data" or len(kept) == len(leaf.shape):
        return leaf, subscripts
    return replace(leaf, shape=tuple(leaf.shape[k] for k in kept)), tuple(subscripts[k] for k in kept)


def _matrix_function(op: Op, arg: Piece) -> Piece:
    """A function of the matrix in the last two axes."""
    matrix, results = op.detail
    lead = tuple(i for i in arg.axes if i not in matrix)
    return Piece(f"rt.{op.kind}({arg.transposed((*lead, *matrix)).code})", (*lead, *results))


def _operator(kind: str, args: list[Piece], axes: Axes) -> Piece | None:
    """What arrays and numbers spell alike."""
    if kind in _INFIX:
        sign, binds = _INFIX[kind]
        return Piece(f"{args[0].within(binds)} {sign} {args[1].within(binds + 1)}", axes, binds)
    if kind == "neg":
        return Piece(f"-{args[0].within(UNARY)}", axes, UNARY)
    if kind == "square":
        if not axes and args[0].code.isidentifier():
            return Piece(f"{args[0].code} * {args[0].code}", axes, PRODUCT)
        return Piece(f"{args[0].within(ATOM)}**2", axes, UNARY)
    if kind == "pow" and axes:
        return Piece(f"{args[0].within(ATOM)}**{args[1].within(ATOM)}", axes, UNARY)
    if kind in _COMPARE:
        return Piece(f"{args[0].within(SUM)} {_COMPARE[kind]} {args[1].within(SUM)}", axes, LOOSE)
    return None


def scalar(kind: str, args: list[Piece]) -> Piece:
    """An operation on numbers, by `math`."""
    if (piece := _operator(kind, args, ())) is not None:
        return piece
    if kind == "where":
        condition, yes, no = (a.within(LOOSE) for a in args)
        return Piece(f"({yes} if {condition} else {no})")
    if kind in ("and", "or"):
        return Piece(f"({f' {kind} '.join(a.within(SUM) for a in args)})")
    if kind == "not":
        return Piece(f"(not {args[0].within(SUM)})")
    if kind == "mod":
        return Piece(f"{args[0].within(PRODUCT)} % {args[1].within(UNARY)}", (), PRODUCT)
    name = f"rt.s_{kind}" if kind in _SCALAR_RUNTIME else _MATH.get(kind, f"math.{kind}")
    return Piece(f"{name}({', '.join(a.code for a in args)})")


def literal(value: Any) -> str:
    if value != value:
        return "math.nan"
    if value in (float("inf"), float("-inf")):
        return "math.inf" if value > 0 else "(-math.inf)"
    return repr(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _slice(subscript: Affine, size: int) -> str:
    """One axis of a basic index: a position, or a slice over the affine values."""
    if subscript.index is None:
        return str(subscript.offset)
    start, stride, count = subscript.offset, subscript.stride, subscript.index.size
    if (start, stride, count) == (0, 1, size):
        return ":"
    last = start + stride * (count - 1)
    if stride == 1:
        return f"{start or ''}:{last + 1}"
    stop = last + (1 if stride > 0 else -1)
    return f"{start}:{stop if stop >= 0 else ''}:{stride}"


def aligned_array(values: NDArray[Any], indices: Axes, grid: tuple[Index, ...]) -> NDArray[Any]:
    """An array over some indices, transposed and reshaped to broadcast over a grid."""
    present = tuple(i for i in grid if i in indices)
    values = values.transpose([indices.index(i) for i in present])
    return values.reshape([i.size if i in indices else 1 for i in grid])


def evaluate(expression: str, namespace: dict[str, Any]) -> Any:
    """The value of a generated expression. The text comes from a graph, never from a user."""
    with np.errstate(all="ignore"):
        return execute(f"result = {expression}\n", namespace)["result"]


def execute(source: str, namespace: dict[str, Any], filename: str = "<ncsolve>") -> dict[str, Any]:
    """The names that generated source defines."""
    import math

    from ncsolve.backends import runtime

    scope: dict[str, Any] = {"np": np, "math": math, "rt": runtime, **namespace}
    exec(compile(source, filename, "exec"), scope)
    return scope
