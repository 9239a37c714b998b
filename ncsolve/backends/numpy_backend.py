"""The NumPy backend: readable source for every derivative of a derivation, made into functions when first called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ncsolve.backends.assembly import dense_hessian, is_sparse, sparse_hessian, vector
from ncsolve.backends.layout import BATCH, Piece
from ncsolve.backends.numpy_printer import Printer, execute
from ncsolve.graph.derivation import Derivation
from ncsolve.graph.nodes import Gather, Node
from ncsolve.graph.program import Program

Function = Callable[..., Any]


class NumpyBackend:
    """Makes functions f(x, p) of a point or a batch x and the parameters p ({name: number}).

    `roles` says which vectors carry a batch axis: none for a single point, {"variable"} for a batch of points,
    {"variable", "direction"} for a batch of both, {"direction"} for many directions at one point.
    """

    name = "numpy"

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        self.sources: dict[str, str] = {}
        self._functions: dict[tuple[str, frozenset[str]], Function] = {}
        self._footprints: dict[tuple[str, frozenset[str]], int] = {}

    def function(self, kind: str, roles: frozenset[str] = frozenset()) -> Function:
        """One of "value", "gradient" (which returns the value, too), "product", "hessian", "dense_hessian", "directional_k"."""
        key = (kind, roles)
        if key not in self._functions:
            self._functions[key] = self._make(kind, roles)
        return self._functions[key]

    @property
    def sparse(self) -> bool:
        """Whether the Hessian is returned as a sparse array."""
        return is_sparse(self.derivation.blocks, self.derivation.n)

    def footprint(self, kind: str, roles: frozenset[str]) -> int:
        """The numbers that one point of a batch holds in temporaries, roughly."""
        self.function(kind, roles)
        return self._footprints[kind, roles]

    # -- one function ------------------------------------------------------------------------------------------------

    def _make(self, kind: str, roles: frozenset[str]) -> Function:
        if kind == "value":
            header, lines, printer = self._value(roles)
        elif kind == "gradient":
            header, lines, printer = self._gradient(roles)
        elif kind == "product":
            header, lines, printer = self._product(roles)
        elif kind in ("hessian", "dense_hessian"):
            header, lines, printer = self._hessian(roles, dense=kind == "dense_hessian" or bool(roles))
        else:
            header, lines, printer = self._directional(int(kind.removeprefix("directional_")), roles)
        name = f"{kind}_batch" if roles else kind
        source = f"def {name}({header}):\n" + "".join(f"    {line}\n" for line in (*printer.lines, *lines))
        self.sources[name] = source
        n = self.derivation.n
        self._footprints[kind, roles] = printer.footprint + (n * n if "hessian" in kind else n)
        function: Function = execute(source, printer.namespace, f"<ncsolve {name}>")[name]
        return function

    def _printer(self, nodes: Sequence[Node], roles: frozenset[str]) -> tuple[Printer, list[int]]:
        program, ops = Program.of(self.derivation.graph, nodes)
        return Printer(program, ops, self.derivation.n, roles), ops

    def _value(self, roles: frozenset[str]) -> tuple[str, list[str], Printer]:
        printer, (op,) = self._printer([self.derivation.value], roles)
        return "x, p", [f"return {_scalar(printer.pieces[op], roles)}"], printer

    def _gradient(self, roles: frozenset[str]) -> tuple[str, list[str], Printer]:
        adjoint = self.derivation.adjoint
        printer, (op, *parts) = self._printer([self.derivation.value, *adjoint.values()], roles)
        lines = vector(printer, dict(zip(adjoint, parts, strict=True)), bool(roles))
        return "x, p", [*lines, f"return {_scalar(printer.pieces[op], roles)}, g"], printer

    def _product(self, roles: frozenset[str]) -> tuple[str, list[str], Printer]:
        product: dict[Gather, Node] = self.derivation.product
        printer, parts = self._printer(list(product.values()), roles)
        lines = vector(printer, dict(zip(product, parts, strict=True)), bool(roles))
        return "x, v1, p", [*lines, "return g"], printer

    def _hessian(self, roles: frozenset[str], dense: bool) -> tuple[str, list[str], Printer]:
        blocks, n = self.derivation.blocks, self.derivation.n
        printer, ops = self._printer([b.coefficient for b in blocks], roles)
        pairs = list(zip(blocks, ops, strict=True))
        if not dense and self.sparse:
            lines = sparse_hessian(printer, pairs, n)
        else:
            lines = dense_hessian(printer, pairs, n, bool(roles))
        return "x, p", [*lines, "return H"], printer

    def _directional(self, order: int, roles: frozenset[str]) -> tuple[str, list[str], Printer]:
        printer, (op,) = self._printer([self.derivation.directional(order)], roles)
        header = ", ".join(["x", *(f"v{k}" for k in range(1, order + 1)), "p"])
        return header, [f"return {_scalar(printer.pieces[op], roles)}"], printer


def _scalar(piece: Piece, roles: frozenset[str]) -> str:
    """The value to return: a float, or one per point of the batch."""
    if not roles or BATCH in piece.axes:
        return piece.code
    vector = "x" if "variable" in roles else "v1"
    return f"np.full(len({vector}), {piece.code}, dtype=float)"
