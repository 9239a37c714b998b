"""The NumPy backend: readable source for every derivative of a derivation, made into functions when first called."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import numpy as np

from ncsolve.backends.assembly import dense_hessian, is_sparse, sparse_hessian, vector
from ncsolve.backends.layout import BATCH, Piece
from ncsolve.backends.numpy_printer import Printer, execute
from ncsolve.graph.derivation import Derivation
from ncsolve.graph.nodes import Node
from ncsolve.graph.program import Program

_LARGE = 100_000  # numbers of a temporary that is released as soon as it is not needed any more

Function = Callable[..., Any]
Key = tuple[str, frozenset[str], bool]


class NumpyBackend:
    """Makes functions f(x, p) of a point or a batch x and the parameters p ({name: number}).

    `roles` says which vectors carry a batch axis: none for a single point, {"variable"} for a batch of points,
    {"variable", "direction"} for a batch of both, {"direction"} for many directions at one point.
    """

    name = "numpy"

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        self.sources: dict[str, str] = {}
        self._functions: dict[Key, Function] = {}
        self._programs: dict[str, tuple[Program, list[int]]] = {}
        self._footprints: dict[tuple[str, frozenset[str]], int] = {}

    def function(self, kind: str, roles: frozenset[str] = frozenset(), rows: bool = False) -> Function:
        """One of "value", "gradient" (with the value), "product", "hessian", "dense_hessian", "directional_k".

        With `rows`, its last argument is an integer array: the rows of the finite sum that it evaluates.
        """
        key = (kind, roles, rows)
        if key not in self._functions:
            self._functions[key] = self._make(*key)
        return self._functions[key]

    @property
    def sparse(self) -> bool:
        """Whether the Hessian is returned as a sparse array."""
        return is_sparse(self.derivation.blocks, self.derivation.n)

    def program(self, kind: str) -> tuple[Program, list[int]]:
        """The operations of a function of a kind, and which of them are its results."""
        if kind not in self._programs:
            self._programs[kind] = Program.of(self.derivation.graph, nodes_of(self.derivation, kind))
        return self._programs[kind]

    def footprint(self, kind: str, roles: frozenset[str] = frozenset()) -> int:
        """The numbers that one point (of a batch) holds in temporaries, roughly, known before any of them is made."""
        if (kind, roles) not in self._footprints:
            program, roots = self.program(kind)
            own: set[int] = set()  # what depends on x; in a batch, what each point has of its own
            for o in program.used(roots):
                read = o.kind == "gather" and o.detail[0].role in roles if roles else o.level > 1
                if read or any(a in own for a in o.args):
                    own.add(o.id)
            sizes = sum(program.ops[k].size for k in own if program.ops[k].kind != "const")
            self._footprints[kind, roles] = sizes + int(self.derivation.n ** (2 if "hessian" in kind else 1))
        return self._footprints[kind, roles]

    # -- one function ------------------------------------------------------------------------------------------------

    def _make(self, kind: str, roles: frozenset[str], rows: bool) -> Function:
        d, vectors = self.derivation, ["x"]
        program, ops = self.program(kind)
        printer = Printer(program, ops, d.n, roles, d.samples if rows else None)
        if kind == "gradient":
            lines = vector(printer, dict(zip(d.adjoint, ops[1:], strict=True)), bool(roles))
            value = _scalar(printer.piece(ops[0]), roles)
            if large := _large(printer):
                lines, value = _released([f"f = {value}", *lines], large), "f"
            lines.append(f"return {value}, g")
        elif kind == "product":
            vectors.append("v1")
            lines = [*vector(printer, dict(zip(d.product, ops, strict=True)), bool(roles)), "return g"]
        elif kind in ("hessian", "dense_hessian"):
            pairs = list(zip(d.blocks, ops, strict=True))
            sparse = kind == "hessian" and not roles and not rows and self.sparse
            lines = sparse_hessian(printer, pairs, d.n) if sparse else dense_hessian(printer, pairs, d.n, bool(roles))
            lines.append("return H")
        else:
            vectors += [f"v{k}" for k in range(1, order_of(kind) + 1)]
            lines = [f"return {_scalar(printer.piece(ops[0]), roles)}"]
        name = kind + ("_batch" if roles else "") + ("_rows" if rows else "")
        header = ", ".join([*vectors, "p", *(["rows"] if rows else [])])
        source = f"def {name}({header}):\n" + "".join(f"    {line}\n" for line in (*printer.lines, *lines))
        self.sources[name] = source
        return Quiet(execute(source, printer.namespace, f"<ncsolve {name}>")[name])


_SILENCE = copy_context()
_SILENCE.run(np.seterr, all="ignore")


class Quiet:
    """A function that returns nan and inf without a warning; a context costs a tenth of what `np.errstate` does."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def __call__(self, *given: Any) -> Any:
        return _SILENCE.copy().run(self.function, *given)


def _large(printer: Printer) -> list[str]:
    """The names of the temporaries that are worth being released early."""
    return [f"t{o.id}" for o in printer.ops if o.size >= _LARGE]


def _released(lines: list[str], names: list[str]) -> list[str]:
    """The lines, each followed by the release of those names that no later one has."""
    result: list[str] = []
    left = set(names)
    for line in reversed(lines):
        last = sorted(left & set(re.findall(r"\bt\d+\b", line)))
        result += [f"del {', '.join(last)}", line] if last else [line]
        left -= set(last)
    return result[::-1]


def nodes_of(derivation: Derivation, kind: str) -> list[Node]:
    """What a function of a kind computes, before it is put into place."""
    if kind == "gradient":
        return [derivation.value, *derivation.adjoint.values()]
    if kind == "product":
        return list(derivation.product.values())
    if kind in ("hessian", "dense_hessian"):
        return [b.coefficient for b in derivation.blocks]
    return [derivation.directional(order_of(kind))]


def order_of(kind: str) -> int:
    """k of "directional_k"; the value is the derivative of order 0."""
    return 0 if kind == "value" else int(kind.removeprefix("directional_"))


def _scalar(piece: Piece, roles: frozenset[str]) -> str:
    """The value to return: a float, or one per point of the batch."""
    if not roles or BATCH in piece.axes:
        return piece.code
    vector = "x" if "variable" in roles else "v1"
    return f"np.full(len({vector}), {piece.code}, dtype=float)"
