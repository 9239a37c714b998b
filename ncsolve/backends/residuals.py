"""The residuals of a sum of squares, f = sum_k r_k(x)^2, and their exact Jacobian, as NumPy functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.backends.assembly import _grid_positions, _size, _spread
from ncsolve.backends.layout import ATOM
from ncsolve.backends.numpy_printer import Printer, execute
from ncsolve.graph import Derivation
from ncsolve.graph.differentiate import Block, jacobian
from ncsolve.graph.nodes import Affine, Gather, Leaf, Node
from ncsolve.graph.program import Program
from ncsolve.graph.structure import residuals

Array = NDArray[np.float64]

_DENSE = 20_000
"""Entries up to which a Jacobian is dense, however many of them are zero."""
_DENSITY = 0.2
_ARITHMETIC = (ValueError, OverflowError, ZeroDivisionError)


class Residuals:
    """r(x), shape (m,), and J(x) = dr/dx, shape (m, n): dense, or a CSR array where most of it is zero.

    Each residual carries the root of its weight, so that f = |r|^2 exactly as the objective is written.
    """

    def __init__(self, derivation: Derivation, parameters: Mapping[str, float]) -> None:
        self.derivation = derivation
        graph = derivation.graph
        pairs = residuals(derivation, dict(parameters))
        self.nodes: list[Node] = [graph.pointwise(sp.sqrt(graph.inline(w)) * graph.inline(r)) for w, r in pairs]
        self.offsets = np.concatenate([[0], np.cumsum([_size(node.indices) for node in self.nodes])]).astype(int)
        self.m = int(self.offsets[-1])

    def values(self, x: Array, parameters: Mapping[str, float]) -> Array:
        """r(x); nan where it does not exist."""
        try:
            result: Array = self._values(x, parameters)
        except _ARITHMETIC:
            return np.full(self.m, np.nan)
        return result

    def jacobian(self, x: Array, parameters: Mapping[str, float]) -> Any:
        """J(x); nan where it does not exist."""
        try:
            entries = self._entries(x, parameters)
        except _ARITHMETIC:
            entries = np.full(len(self._places[0]), np.nan)
        return self._assemble(entries)

    # -- how they are computed -----------------------------------------------------------------------------------------

    @cached_property
    def _values(self) -> Any:
        return self._function("residuals", self.nodes, [node.indices for node in self.nodes])

    @cached_property
    def _blocks(self) -> list[Block]:
        """dr[I] / du[J] for each residual r and each gather u of a variable that it reads."""
        graph = self.derivation.graph
        gathers = [g for g in graph.reachable(self.nodes) if isinstance(g, Gather) and g.leaf.role == "variable"]
        blocks = []
        for gather in gathers:
            for k, terms in enumerate(jacobian(graph, self.nodes, gather)):
                blocks += [Block(self._row(k), gather, columns, c, mirrored=False) for columns, c in terms.items()]
        return blocks

    def _row(self, k: int) -> Gather:
        """Where residual k stands among all residuals, said as if those were a variable that it reads."""
        indices = self.nodes[k].indices
        leaf = Leaf("variable", "residual", tuple(i.size for i in indices), int(self.offsets[k]))
        return Gather(leaf, tuple(Affine(i, 1, 0) for i in indices))

    @cached_property
    def _entries(self) -> Any:
        return self._function("jacobian", [b.coefficient for b in self._blocks], [b.indices for b in self._blocks])

    @cached_property
    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the entries."""
        none = np.zeros(0, dtype=np.int64)
        grids = [_grid_positions(self.derivation.graph, block) for block in self._blocks]
        rows, columns = ([none, *(grid[side].ravel() for grid in grids)] for side in (0, 1))
        return np.concatenate(rows), np.concatenate(columns)

    @cached_property
    def sparse(self) -> bool:
        """Whether the Jacobian is a sparse array."""
        size = self.m * self.derivation.n
        return size > _DENSE and len(self._places[0]) < _DENSITY * size

    def _assemble(self, entries: Array) -> Any:
        shape = (self.m, self.derivation.n)
        if self.sparse:
            accumulate, indices, indptr = self._pattern
            from scipy.sparse import csr_array

            return csr_array((accumulate @ entries, indices, indptr), shape=shape)
        return np.bincount(self._flat, entries, shape[0] * shape[1]).reshape(shape)

    @cached_property
    def _flat(self) -> NDArray[np.int64]:
        return self._places[0] * self.derivation.n + self._places[1]

    @cached_property
    def _pattern(self) -> tuple[Any, NDArray[np.int32], NDArray[np.int32]]:
        """What adds entries up at the same place, and the columns and row starts of a CSR array."""
        from scipy.sparse import csr_array

        n = self.derivation.n
        places, slots = np.unique(self._flat, return_inverse=True)
        accumulate = csr_array((np.ones(len(slots)), (slots, np.arange(len(slots)))), shape=(len(places), len(slots)))
        indptr = np.searchsorted(places, np.arange(self.m + 1) * n)
        return accumulate, (places % n).astype(np.int32), indptr.astype(np.int32)

    def _function(self, name: str, nodes: list[Node], spaces: list[Any]) -> Any:
        """f(x, p): the nodes over their index spaces, flattened, one after the other."""
        program, ops = Program.of(self.derivation.graph, nodes)
        printer = Printer(program, ops, self.derivation.n)
        codes = []
        for op, space in zip(ops, spaces, strict=True):
            full = _spread(printer, printer.piece(op), space, "")
            codes.append(f"*{full.within(ATOM)}.ravel()" if space else full.code)
        result = f"np.array([{', '.join(codes)}], dtype=float)"
        if all(spaces) and codes:
            parts = [code.removeprefix("*") for code in codes]
            result = parts[0] if len(parts) == 1 else f"np.concatenate([{', '.join(parts)}])"
        lines = [*printer.lines, f"return {result}"]
        source = f"def {name}(x, p):\n" + "".join(f"    {line}\n" for line in lines)
        return execute(source, printer.namespace, f"<ncsolve {name}>")[name]


class LeastSquares:
    """The residuals of an oracle's objective, counted: r(x) as a value of f, J(x) as a gradient, which it contains."""

    def __init__(
        self, residuals: Residuals, parameters: Mapping[str, float], count: Callable[[str, int], None]
    ) -> None:
        self._residuals, self._parameters, self._count = residuals, parameters, count
        self.m = residuals.m
        """Number of residuals."""
        self._at: Array = np.empty(0)
        self._values: Array | None = None
        self._slopes: Any = None

    @property
    def sparse(self) -> bool:
        """Whether the Jacobian is a sparse array."""
        return self._residuals.sparse

    def residuals(self, x: Array) -> Array:
        """r(x), shape (m,), with f(x) = |r(x)|^2. At the point just evaluated it is free."""
        self._move_to(x)
        if self._values is None:
            self._count("value", 1)
            with np.errstate(all="ignore"):
                self._values = self._residuals.values(self._at, self._parameters)
        return self._values

    def jacobian(self, x: Array) -> Any:
        """J(x), shape (m, n), dense or CSR, with grad f = 2 J'r. At the point just evaluated it is free."""
        self._move_to(x)
        if self._slopes is None:
            self._count("gradient", 1)
            with np.errstate(all="ignore"):
                self._slopes = self._residuals.jacobian(self._at, self._parameters)
        return self._slopes

    def snapshot(self) -> tuple[Array, bool, bool]:
        """The last point, and whether residuals and Jacobian are known there: what is free next."""
        return self._at, self._values is not None, self._slopes is not None

    def restore(self, saved: tuple[Array, bool, bool]) -> None:
        """Go on from a snapshot: what was known is computed again, uncounted."""
        self._at, values, slopes = saved
        with np.errstate(all="ignore"):
            self._values = self._residuals.values(self._at, self._parameters) if values else None
            self._slopes = self._residuals.jacobian(self._at, self._parameters) if slopes else None

    def _move_to(self, x: Array) -> None:
        if not np.array_equal(x, self._at):
            self._at = np.array(x, dtype=float)
            self._values = self._slopes = None
