"""Why a value is not finite: the smallest sub-expression that is not, though all that goes into it is.

The operations of value and gradient are evaluated one at a time. From a result that is not finite, the search goes back
through operands that are not finite either, at one place of the index space, until it meets an operation whose operands
are all finite there. Branches of a Piecewise that are not taken are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.backends import runtime as rt
from ncsolve.backends.layout import ATOM, LOOSE, PRODUCT, SUM, UNARY, Piece
from ncsolve.backends.numpy_printer import function_name
from ncsolve.graph.derivation import Derivation, positions
from ncsolve.graph.formula import Writer
from ncsolve.graph.nodes import ROW_WEIGHT, Gather, Index, Leaf, MatrixFunction, Subscript, unique
from ncsolve.graph.program import MATRIX, Op, Program
from ncsolve.graph.sparse import look_up
from ncsolve.problem.stored import StoredArray

Place = Mapping[Index, int]

_DEPTH = 5  # operations nested in a text before it is cut short
_MOST_VALUES = 6
_MOST_VISITED = 1000
_MOST_NUMBERS = 100_000_000  # in an array that is searched
_NAMES = {"abs": "Abs", "ceil": "ceiling", "max": "Max", "min": "Min"}
_INFIX = {"add": (" + ", SUM), "sub": (" - ", SUM), "mul": ("*", PRODUCT), "div": ("/", PRODUCT)}
_COMPARE = {"lt": " < ", "le": " <= ", "gt": " > ", "ge": " >= ", "eq": " == ", "ne": " != "}
_LOGIC = {"and": " & ", "or": " | "}


def explain_nonfinite(derivation: Derivation, x: NDArray[np.float64], parameters: Mapping[str, float]) -> str:
    """A sentence about the first sub-expression of f, or else of grad f, that is not finite at x (n,); "" if all is."""
    if derivation.graph.stored:
        return _of_stored(derivation.graph.stored)
    adjoint = derivation.adjoint
    program, (value, *parts) = Program.of(derivation.graph, [derivation.value, *adjoint.values()])
    if any(op.size > _MOST_NUMBERS for op in program.used([value, *parts])):
        return "the arrays of the objective are too large to be searched for what is not finite"
    evaluated = Evaluated(program, [value, *parts], x, parameters)
    for root in (value, *parts):
        if (place := evaluated.nonfinite(root, {})) is not None:
            culprit, there = evaluated.culprit(root, place)
            where = "" if root == value else "in the gradient, "
            return where + Sentence(evaluated, derivation).about(culprit, there)
    return _overflow(evaluated, derivation, dict(zip(adjoint, parts, strict=True)))


def _of_stored(stored: Mapping[str, StoredArray]) -> str:
    """The first number that is not finite in data that are not in memory."""
    for name, array in stored.items():
        row = 0
        for block in array.blocks():
            if not np.isfinite(block).all():
                first, *rest = np.unravel_index(int(np.argmin(np.isfinite(block))), block.shape)
                place = ", ".join(str(int(k)) for k in (row + first, *rest))
                return f"data '{name}' has {block[(first, *rest)]} at [{place}]"
            row += len(block)
    return f"its data ({', '.join(stored)}) are finite, but are not in memory to be searched for what overflows"


def _overflow(evaluated: Evaluated, derivation: Derivation, parts: Mapping[Gather, int]) -> str:
    """The case that all parts of the gradient are finite, but not their sum."""
    gradient = np.zeros(derivation.n)
    with np.errstate(all="ignore"):
        for gather, op in parts.items():
            where = positions(derivation.graph, gather)
            np.add.at(gradient, where, np.broadcast_to(evaluated.over(op, gather.indices), where.shape))
    if np.isfinite(gradient).all():
        return ""
    name = _variable(derivation, int(np.argmin(np.isfinite(gradient))))
    return f"the derivative with respect to {name} overflows: its terms are finite, their sum is not"


def _variable(derivation: Derivation, position: int) -> str:
    """The name of an entry of the packed x."""
    v = next(v for v in derivation.variables if v.offset <= position < v.offset + v.size)
    place = np.unravel_index(position - v.offset, v.shape) if v.shape else ()
    return v.name + (f"[{', '.join(str(int(k)) for k in place)}]" if v.shape else "")


def names_inside(op: Op) -> dict[Index, Index]:
    """For each index of the argument of a "relabel", its name outside."""
    back: dict[Index, Index] = {new: old for old, new in op.detail}
    return {back.get(i, i): i for i in op.indices}


class Evaluated:
    """The values of all operations at one point, as arrays with one axis for each of their indices."""

    def __init__(
        self, program: Program, roots: Sequence[int], x: NDArray[np.float64], parameters: Mapping[str, float]
    ) -> None:
        self.program = program
        self.x = x
        self.parameters = parameters
        self.values: dict[int, NDArray[np.float64]] = {}
        with np.errstate(all="ignore"):
            for op in program.used(roots):
                self.values[op.id] = np.asarray(self._value(op), dtype=float)

    def _value(self, op: Op) -> Any:
        if op.kind == "const":
            return op.detail
        if op.kind == "gather":
            return self._gather(*op.detail)
        over: Any = op.detail
        if op.kind in ("sum", "peak"):
            axes = tuple(self.program.ops[op.args[0]].indices.index(i) for i in over)
            return (np.sum if op.kind == "sum" else np.max)(self.values[op.args[0]], axis=axes)
        if op.kind == "contract":
            spaces = [self.program.ops[a].indices for a in op.args]
            letters = {i: k for k, i in enumerate(unique(i for space in spaces for i in space))}
            spelled: list[Any] = [[letters[i] for i in space] for space in (*spaces, op.indices)]
            factors: list[Any] = [self.values[a] for a in op.args]
            return np.einsum(factors[0], spelled[0], factors[1], spelled[1], spelled[2])
        if op.kind == "relabel":
            return self.values[op.args[0]]
        if op.kind in MATRIX:
            return getattr(rt, op.kind)(self.matrices(op))
        library, name = function_name(op.kind).split(".")
        return getattr({"np": np, "rt": rt}[library], name)(*(self.over(a, op.indices) for a in op.args))

    def _gather(self, leaf: Leaf, subscripts: tuple[Subscript, ...]) -> Any:
        if leaf.role == "parameter":
            return self.parameters[leaf.name]
        graph = self.program.graph
        array = self.x if leaf.role == "variable" else graph.arrays[leaf.name]
        return look_up(array, positions(graph, Gather(leaf, subscripts)))

    def over(self, op: int, indices: Sequence[Index]) -> NDArray[np.float64]:
        """The values with one axis for each of the indices, of length one where they do not depend on it."""
        own = self.program.ops[op].indices
        values = self.values[op].transpose([own.index(i) for i in indices if i in own])
        return values.reshape([i.size if i in own else 1 for i in indices])

    def matrices(self, op: Op) -> NDArray[np.float64]:
        """The argument of a matrix function, the matrices in the last two axes."""
        axes = op.detail[0]
        lead = (i for i in self.program.ops[op.args[0]].indices if i not in axes)
        return self.over(op.args[0], (*lead, *axes))

    def at(self, op: int, place: Place) -> float:
        return float(self.values[op][tuple(place[i] for i in self.program.ops[op].indices)])

    def nonfinite(self, op: int, place: Place) -> dict[Index, int] | None:
        """The first place, among those that agree with the given one, where an operation's value is not finite."""
        axes = self.program.ops[op].indices
        free = [i for i in axes if i not in place]
        values = self.values[op][tuple(place.get(i, slice(None)) for i in axes)]
        bad = ~np.isfinite(values)
        if not bad.any():
            return None
        first = np.unravel_index(int(np.argmax(bad)), bad.shape)
        return {**place, **dict(zip(free, map(int, first), strict=True))}

    def culprit(self, op: int, place: Place) -> tuple[Op, Place]:
        """The operation, and the place, where a value that is not finite comes from."""
        while True:
            current = self.program.ops[op]
            args = current.args
            if current.kind == "where":
                args = (args[1] if self.at(args[0], place) else args[2],)
            own = {i: k for i, k in place.items() if i in current.indices}
            inside = {i: own[j] for i, j in names_inside(current).items()} if current.kind == "relabel" else own
            found = next(((a, p) for a in args if (p := self.nonfinite(a, inside)) is not None), None)
            if found is None:
                return current, own
            op, place = found


class Sentence:
    """Says in the user's names what an operation is, at one place, and what went into it."""

    def __init__(self, evaluated: Evaluated, derivation: Derivation) -> None:
        self.evaluated = evaluated
        self.derivation = derivation
        self.ops = evaluated.program.ops
        self.writer = Writer(derivation.graph, {v.name: v.symbol for v in derivation.variables})

    def about(self, op: Op, place: Place) -> str:
        at = {i: sp.Integer(k) for i, k in place.items()}
        subject = f"{self.text(op.id, at).code} is {self.evaluated.at(op.id, place):g}"
        if op.kind in MATRIX:
            return f"{subject}: the matrix {self._matrix(op, place)}"
        if op.kind in ("sum", "contract"):
            return f"{subject}: its terms are finite, their sum overflows"
        inputs = {a: self.text(a, at).code for a in op.args if self.ops[a].kind != "const"}
        seen = {text: self.evaluated.at(a, place) for a, text in inputs.items()}
        for text, value in self._elements(op.args, at, place).items():
            seen.setdefault(text, value)
        listed = [f"{text} = {value!r}" for text, value in list(seen.items())[:_MOST_VALUES]]
        return f"{subject} where {', '.join(listed)}" if listed else subject

    def _elements(self, args: Sequence[int], at: Mapping[Index, sp.Basic], place: Place) -> dict[str, float]:
        """The variables' elements that go into some operations, other than those that are summed on the way."""
        found: dict[str, float] = {}
        stack, seen = list(args), set(args)
        while stack and len(seen) < _MOST_VISITED:
            op = self.ops[stack.pop()]
            if op.kind == "gather" and op.level == 2:
                found[self.text(op.id, at).code] = self.evaluated.at(op.id, place)
            elif op.kind not in {"sum", "contract", "peak", "relabel", *MATRIX}:
                stack += [a for a in op.args if a not in seen]
                seen.update(op.args)
        return dict(sorted(found.items()))

    # -- texts -------------------------------------------------------------------------------------------------------

    def text(self, op_id: int, at: Mapping[Index, sp.Basic], depth: int = _DEPTH) -> Piece:
        """An operation written out, as deep as a reader can follow."""
        op = self.ops[op_id]
        if op.kind == "const":
            return Piece(f"{op.detail:.6g}", (), ATOM if op.detail >= 0 else UNARY)
        if op.kind == "gather":
            return self._gather(op.detail, at)
        if depth == 0:
            return Piece("(...)")
        if op.kind in ("sum", "contract", "peak"):
            return self._sum(op, at, depth)
        if op.kind == "relabel":
            return self.text(op.args[0], {i: at[j] for i, j in names_inside(op).items()}, depth)
        if op.kind in MATRIX:
            return Piece(str(self.writer.expression(self._function(op), {i: at[i] for i in op.indices})))
        real = [a for a in op.args if self.ops[a].kind != "gather" or self.ops[a].detail[0] != ROW_WEIGHT]
        if len(real) < len(op.args):  # a factor 1 that nobody has written
            return self.text(real[0], at, depth)
        args = [self.text(a, at, depth - 1) for a in op.args]
        if op.kind in _INFIX:
            sign, binds = _INFIX[op.kind]
            return Piece(f"{args[0].within(binds)}{sign}{args[1].within(binds + 1)}", (), binds)
        if op.kind == "neg":
            return Piece(f"-{args[0].within(UNARY)}", (), UNARY)
        if op.kind in ("square", "pow"):
            exponent = "2" if op.kind == "square" else args[1].within(ATOM)
            return Piece(f"{args[0].within(ATOM)}**{exponent}", (), UNARY)
        if op.kind in _COMPARE:
            return Piece(f"{args[0].within(SUM)}{_COMPARE[op.kind]}{args[1].within(SUM)}", (), LOOSE)
        if op.kind in _LOGIC:
            return Piece(f"({args[0].within(ATOM)}{_LOGIC[op.kind]}{args[1].within(ATOM)})")
        if op.kind == "where":
            return Piece(f"Piecewise(({args[1].code}, {args[0].code}), ({args[2].code}, True))")
        if op.kind == "quotient":
            return Piece(f"{args[0].within(PRODUCT)}/{args[1].within(UNARY)}", (), PRODUCT)
        return Piece(f"{_NAMES.get(op.kind, op.kind)}({', '.join(a.code for a in args)})")

    def _gather(self, element: tuple[Leaf, tuple[Subscript, ...]], at: Mapping[Index, sp.Basic]) -> Piece:
        graph = self.derivation.graph
        gather = graph.gather(*element)
        assert isinstance(gather, Gather)
        here = {i: at[i] for i in gather.indices}
        if gather.leaf.role == "variable" and all(k.is_Integer for k in here.values()):
            place = tuple(int(here[i]) for i in gather.indices)
            return Piece(_variable(self.derivation, int(positions(graph, gather)[place])))
        return Piece(str(self.writer.element(gather, here)))

    def _function(self, op: Op) -> MatrixFunction:
        """The node that a matrix function computes."""
        program, graph = self.evaluated.program, self.derivation.graph
        return next(n for n in graph.meanings if isinstance(n, MatrixFunction) and program.operation_of(n) == op.id)

    def _matrix(self, op: Op, place: Place) -> str:
        """A matrix and what is wrong with it."""
        name = self.writer.meaning(self._function(op), {i: sp.Integer(k) for i, k in place.items()})
        lead = tuple(k for i, k in place.items() if i not in op.detail[1])
        sign, logarithm = np.linalg.slogdet(self.evaluated.matrices(op)[lead])
        if sign < 0 and op.kind == "logdet":
            return f"{name} has a negative determinant"
        if sign == 0 or op.kind == "inverse":
            return f"{name} is singular"
        return f"{name} has a determinant of {sign:g}*exp({logarithm:.6g})"

    def _sum(self, op: Op, at: Mapping[Index, sp.Basic], depth: int) -> Piece:
        over: tuple[Index, ...] = op.detail
        inner = {i: at[i] for i in op.indices}
        for index in over:
            inner[index] = self.writer.meaning_of(index, inner.values())
        terms = [self.text(a, inner, depth - 1) for a in op.args]
        body = terms[0].code if len(terms) == 1 else "*".join(t.within(PRODUCT) for t in terms)
        limits = self.writer.total(sp.Symbol("_"), {i: inner[i] for i in over}).limits
        head = "Max" if op.kind == "peak" else "Sum"
        return Piece(f"{head}({body}, {', '.join(str(tuple(limit)) for limit in limits)})")
