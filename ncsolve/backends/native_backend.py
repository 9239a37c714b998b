"""The native backend: every derivative as one function of fused loops, compiled by numba and cached on disk.

The generated source is written to the cache folder under the hash of its text, so that another process that derives the
same function finds its machine code there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.backends.assembly import Pattern, is_sparse, pattern_of
from ncsolve.backends.layout import BATCH
from ncsolve.backends.native_printer import NativePrinter, Sink
from ncsolve.backends.numpy_backend import Key, nodes_of, order_of
from ncsolve.backends.numpy_printer import identifier
from ncsolve.errors import MissingExtra
from ncsolve.graph.derivation import Derivation
from ncsolve.graph.differentiate import Block
from ncsolve.graph.nodes import Gather, Index
from ncsolve.graph.program import Program

Function = Callable[..., Any]
At = Mapping[Index, str]
Writer = tuple[Any, ...]  # the index space of a sink, how it stores a value, and where, if it adds to g

_HEADER = """import math

import numpy as np
from numba import njit
from numba.types import Array, float64, int64

from ncsolve.backends import native_runtime as rt


@njit([({signature},)], cache=True, error_model="numpy", fastmath={{"reassoc", "contract", "arcp", "nsz"}})
"""


class NativeBackend:
    """The same functions as the NumPy backend's, as machine code."""

    name = "numba"

    def __init__(self, derivation: Derivation) -> None:
        if importlib.util.find_spec("numba") is None:
            raise MissingExtra("numba", "jit")
        self.derivation = derivation
        self.sources: dict[str, str] = {}
        self._functions: dict[Key, Function] = {}

    @property
    def sparse(self) -> bool:
        """Whether the Hessian is returned as a sparse array."""
        return is_sparse(self.derivation.blocks, self.derivation.n)

    def footprint(self, kind: str, roles: frozenset[str] = frozenset(), rows: bool = False) -> int:
        """The numbers that one point of a batch holds: its result."""
        return int(self.derivation.n ** (2 if "hessian" in kind else 1))

    def function(self, kind: str, roles: frozenset[str] = frozenset(), rows: bool = False) -> Function:
        """The function of a kind, as the NumPy backend's."""
        key = (kind, roles, rows)
        if key not in self._functions:
            self._functions[key] = self._make(*key)
        return self._functions[key]

    # -- the functions -----------------------------------------------------------------------------------------------

    def _make(self, kind: str, roles: frozenset[str], rows: bool) -> Function:
        d = self.derivation
        if kind == "gradient":
            sinks = [_store_value(), *(_scatter(g) for g in d.adjoint)]
            return self._compile(kind, ["x"], sinks, roles, rows, {"f": (), "g": (d.n,)})
        if kind == "product":
            return self._compile(kind, ["x", "v1"], [_scatter(g) for g in d.product], roles, rows, {"g": (d.n,)})
        if kind == "hessian" and not roles and not rows and self.sparse:
            return self._sparse_hessian()
        if kind in ("hessian", "dense_hessian"):
            return self._compile(kind, ["x"], [_dense_entry(b) for b in d.blocks], roles, rows, {"H": (d.n, d.n)})
        vectors = ["x", *(f"v{k}" for k in range(1, order_of(kind) + 1))]
        return self._compile(kind, vectors, [_store_value()], roles, rows, {"f": ()})

    def _sparse_hessian(self) -> Function:
        blocks = self.derivation.blocks
        pattern = pattern_of(self.derivation.graph, blocks, self.derivation.n)
        sinks = [_stored_entry(b, slots) for b, slots in zip(blocks, pattern.slots, strict=True)]
        entries = self._compile("hessian", ["x"], sinks, frozenset(), False, {"e": (len(pattern.indices),)})
        return NativeSparse(entries, pattern)

    # -- source and machine code -------------------------------------------------------------------------------------

    def _compile(
        self,
        kind: str,
        vectors: list[str],
        writers: Sequence[Writer],
        roles: frozenset[str],
        rows: bool,
        outputs: Mapping[str, tuple[int, ...]],
    ) -> Function:
        """A function of the vectors and the parameters, with one sink for each node, that returns the outputs."""
        program, ops = Program.of(self.derivation.graph, nodes_of(self.derivation, kind))
        sinks = [Sink(op, *writer) for op, writer in zip(ops, writers, strict=True)]
        printer = NativePrinter(program, sinks, self.derivation.n, roles, self.derivation.samples if rows else None)
        batch = ["m"] if roles else []
        lines = [f"m = len({'x' if 'variable' in roles else 'v1'})"] if roles else []
        for name, shape in outputs.items():
            sizes = [*batch, *map(str, shape)]
            lines.append(f"{name} = np.zeros(({', '.join(sizes)},))" if sizes else f"{name} = 0.0")
        parameters = printer.parameters()
        arguments = [
            *vectors,
            *(f"p_{identifier(p)}" for p in parameters),
            *printer.arrays,
            *(["rows"] if rows else []),
        ]
        name = kind + ("_batch" if roles else "") + ("_rows" if rows else "")
        body = [*lines, *printer.lines, f"return {', '.join(outputs)}"]
        self.sources[name] = f"def {name}({', '.join(arguments)}):\n" + "".join(f"    {line}\n" for line in body)
        types = [
            _array_type("float64", 2 if role in roles else 1)
            for role in ["variable", *["direction"] * (len(vectors) - 1)]
        ]
        types += ["float64"] * len(parameters)
        types += [_array_type(a.dtype.name, a.ndim) for a in printer.arrays.values()]
        types += [_array_type("int64", 1)] if rows else []
        compiled = _load(name, _HEADER.format(signature=", ".join(types)) + self.sources[name])
        return Native(compiled, len(vectors), tuple(parameters), tuple(printer.arrays.values()))


def _array_type(dtype: str, ndim: int) -> str:
    """Read-only, which takes arrays of either kind."""
    return f'Array({dtype}, {ndim}, "C", True)'


@dataclass(frozen=True, slots=True)
class Native:
    """Machine code with its arrays, called as f(x, ..., p) or f(x, ..., p, rows); p is the dictionary of parameters."""

    compiled: Function
    vectors: int
    parameters: tuple[str, ...]
    arrays: tuple[Any, ...]

    def __call__(self, *given: Any) -> Any:
        k = self.vectors
        if not self.parameters and not self.arrays:
            return self.compiled(*given[:k], *given[k + 1 :])
        return self.compiled(*given[:k], *(given[k][name] for name in self.parameters), *self.arrays, *given[k + 1 :])


@dataclass(frozen=True, slots=True)
class NativeSparse:
    """Machine code for the stored entries of a sparse matrix, and their pattern."""

    entries: Function
    pattern: Pattern

    def __call__(self, *given: Any) -> Any:
        return self.pattern.assemble(self.entries(*given))


def _store_value() -> Writer:
    def write(printer: NativePrinter, at: At, value: str) -> list[str]:
        return [f"f[{at[BATCH]}] = {value}" if BATCH in at else f"f = 1.0 * {value}"]

    return (), write


def _scatter(gather: Gather) -> Writer:
    def write(printer: NativePrinter, at: At, value: str) -> list[str]:
        where = printer.position(gather.leaf, gather.subscripts, at)
        return [f"{printer.vector('g', gather.subscripts)}[{_lead(at)}{where}] += {value}"]

    return gather.indices, write, (gather.leaf, gather.subscripts)


def _dense_entry(block: Block) -> Writer:
    def write(printer: NativePrinter, at: At, value: str) -> list[str]:
        there = dict(zip(block.column.indices, (at[i] for i in block.columns), strict=True))
        row = printer.position(block.row.leaf, block.row.subscripts, at)
        column = printer.position(block.column.leaf, block.column.subscripts, there)
        lines = [f"H[{_lead(at)}{row}, {column}] += {value}"]
        return [*lines, f"H[{_lead(at)}{column}, {row}] += {value}"] if block.mirrored else lines

    return block.indices, write


def _stored_entry(block: Block, slots: Sequence[NDArray[np.int64]]) -> Writer:
    """The entries of a block, each in its place among the stored ones of a sparse Hessian."""

    def write(printer: NativePrinter, at: At, value: str) -> list[str]:
        where = [printer.slot(s.reshape([i.size for i in block.indices]), block.indices, at) for s in slots]
        return [f"e[{w}] += {value}" for w in where]

    return block.indices, write


def _lead(at: At) -> str:
    return f"{at[BATCH]}, " if BATCH in at else ""


def cache_folder() -> Path:
    """Where generated modules are kept: NCSOLVE_CACHE, else the user's cache folder, else a temporary one."""
    base = os.environ.get("NCSOLVE_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "ncsolve" / f"native-{sys.version_info.major}.{sys.version_info.minor}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="ncsolve-"))
    return folder


def _load(name: str, source: str) -> Function:
    """The compiled function of a module that is written once and named by its content."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:20]
    path = cache_folder() / f"k{digest}.py"
    if not path.exists():
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(source)
        os.replace(temporary, path)
    spec = importlib.util.spec_from_file_location(f"ncsolve_native_{digest}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # numba looks its cached functions' modules up by name
    spec.loader.exec_module(module)
    function: Function = getattr(module, name)
    return function
