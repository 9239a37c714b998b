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
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.backends.assembly import is_sparse, pattern_of
from ncsolve.backends.layout import BATCH
from ncsolve.backends.native_printer import NativePrinter
from ncsolve.backends.native_tasks import Sink
from ncsolve.backends.numpy_backend import Key, nodes_of, order_of
from ncsolve.backends.numpy_printer import execute, identifier
from ncsolve.errors import MissingExtra
from ncsolve.extras import installed
from ncsolve.graph.derivation import Derivation
from ncsolve.graph.differentiate import Block
from ncsolve.graph.nodes import Gather, Index
from ncsolve.graph.program import Program

Function = Callable[..., Any]
At = Mapping[Index, str]
Writer = tuple[Any, ...]  # the index space of a sink, how it stores a value, and where, if it adds to g

LONGEST = 3000
"""Lines of a function up to which it is compiled: beyond, LLVM takes minutes for what runs in microseconds."""
_VECTORISED = frozenset({"exp", "log", "log1p", "tanh"})  # of native_math
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
        if not installed("numba"):
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
        return lambda *given: pattern.assemble(entries(*given))

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
        """A function of the vectors, the parameters {name: number} and perhaps rows, with one sink for each node."""
        program, ops = Program.of(self.derivation.graph, nodes_of(self.derivation, kind))
        sinks = [Sink(op, *writer) for op, writer in zip(ops, writers, strict=True)]
        samples = self.derivation.samples if rows else None
        printer = NativePrinter(program, sinks, self.derivation.n, roles, samples, _VECTORISED)
        stored = {name: ("m", *shape) if roles else shape for name, shape in outputs.items() if roles or shape}
        arguments = {name: _array_type(a.dtype.name, a.ndim) for name, a in printer.arrays.items()}
        arguments |= {name: _array_type("float64", 2 if _role(name) in roles else 1) for name in vectors}
        arguments |= {"rows": _array_type("int64", 1)} if rows else {}
        arguments |= {name: _array_type("float64", len(shape), written=True) for name, shape in stored.items()}
        parameters = {f"p_{identifier(name)}": f"p[{name!r}]" for name in printer.parameters()}
        arguments |= dict.fromkeys(parameters, "float64")
        length = [f"m = len({'x' if 'variable' in roles else 'v1'})"] if roles else []
        lines = [*length, *(f"{name}[...] = 0.0" if name in stored else f"{name} = 0.0" for name in outputs)]
        number = next((name for name in outputs if name not in stored), None)
        lines += [*printer.lines, *([f"return {number}"] if number else [])]
        name = kind + ("_batch" if roles else "") + ("_rows" if rows else "")
        if sum(line.count("\n") + 1 for line in lines) > LONGEST:
            raise NotImplementedError
        self.sources[name] = _function(name, arguments, lines)
        compiled = _load(name, _HEADER.format(signature=", ".join(arguments.values())) + self.sources[name])
        # what allocates the outputs and calls: generated as well, since unpacking arguments takes as long as a call
        given = [parameters.get(name, name) for name in arguments if name not in printer.arrays]
        lines = [*length, *(f"{name} = empty(({', '.join(map(str, shape))},))" for name, shape in stored.items())]
        lines += [f"{number or '_'} = compiled({', '.join(given)})", f"return {', '.join(outputs)}"]
        compiled = partial(compiled, *printer.arrays.values()) if printer.arrays else compiled
        call = _function("call", [*vectors, "p", *(["rows"] if rows else [])], lines)
        function: Function = execute(call, {"compiled": compiled, "empty": np.empty})["call"]
        return function


def _function(name: str, arguments: Iterable[str], lines: Iterable[str]) -> str:
    return f"def {name}({', '.join(arguments)}):\n" + "".join(f"    {line}\n" for line in lines)


def _role(vector: str) -> str:
    return "variable" if vector == "x" else "direction"


def _array_type(dtype: str, ndim: int, written: bool = False) -> str:
    """A contiguous array; one that is only read may be of either kind."""
    return f'Array({dtype}, {ndim}, "C"{"" if written else ", True"})'


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


@cache
def _runtime() -> bytes:
    """The text of what is compiled into every function: numba looks at the caller's own file only."""
    from ncsolve.backends import native_math, native_runtime, runtime

    modules = (native_math, native_runtime, runtime)
    return b"".join(Path(module.__file__).read_bytes() for module in modules if module.__file__)


def _load(name: str, source: str) -> Function:
    """The compiled function of a module that is written once and named by its content and that of the runtime."""
    digest = hashlib.sha256(source.encode() + _runtime()).hexdigest()[:20]
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
    (compiled,) = getattr(module, name).overloads.values()
    function: Function = compiled.entry_point  # the one signature there is: nothing to resolve in a call
    return function
