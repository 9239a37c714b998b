"""A problem as a NumPy file: the functions that the NumPy backend evaluates, with all that they use written out."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.backends import runtime
from ncsolve.backends.assembly import Pattern, SampledProduct, dense_hessian, sparse_hessian, vector
from ncsolve.backends.evaluator import Evaluator
from ncsolve.backends.export import support
from ncsolve.backends.export.text import (
    Names,
    array_text,
    assembled,
    heading,
    parameter_lines,
    parameter_names,
    renamed,
    row_constants,
    sources,
)
from ncsolve.backends.numpy_backend import nodes_of
from ncsolve.backends.numpy_printer import Printer
from ncsolve.errors import ProblemError
from ncsolve.graph import Derivation, derive
from ncsolve.graph.program import Program
from ncsolve.problem import Problem

RESERVED = {"x", "g", "H", "e", "b", "p", "np", "math", "njit", "value", "gradient", "hessian", "product"}

INTERFACE = '''
def value(x):
    """f(x), a float"""
    return float(_defined(_value, x, ()))


def gradient(x):
    """The gradient, shape ({n},)"""
    return _defined(_gradient, x, ({n},))


def hessian(x):
    """The Hessian, {n} x {n}{sparse}"""
    return _defined(_hessian, x, ({n}, {n}))
'''

CHECKED = '''
def _defined(function, x, shape):
    """function(x); nan where numbers of Python have no value"""
    x = np.ascontiguousarray(x, dtype=float)
    if x.shape != ({n},):
        raise ValueError(f"expected a point of shape ({n},), got {{x.shape}}")
    try:
        with np.errstate(all="ignore"):
            return function(x)
    except (ArithmeticError, ValueError):
        return np.full(shape, np.nan)
'''

BY_PRODUCTS = '''
def _hessian(x):
    """Column by column, which is cheaper here"""
    H = np.array([_product(x, v) for v in np.eye({n})])
    return (H + H.T) / 2
'''


def numpy_file(problem: Problem) -> str:
    """The source of the file. Raises `ProblemError` where it would be too large."""
    derivation = derive(problem)
    evaluator = Evaluator(derivation, "numpy")
    pool = Pool(Names(RESERVED))
    names = parameter_names(problem, pool.names)
    constants = {**names, **row_constants(derivation.samples.size if derivation.samples else 0)}
    functions = []
    for kind in ("value", "gradient", "product" if evaluator.by_products else "hessian"):
        source, namespace = _generated(derivation, kind, evaluator.sparse)
        source = re.sub(r"\bp\[(['\"])(.*?)\1\]", lambda match: constants[match[2]], source)
        functions.append(renamed(source, pool.add(namespace)))
    if evaluator.by_products:
        functions.append(BY_PRODUCTS.format(n=problem.n))
    code = "\n\n\n".join(f.strip() for f in functions)
    data = pool.text("np")
    helpers = sources(set(re.findall(r"\brt\.(\w+)", code)) | pool.kinds, (support, runtime))
    sparse = evaluator.sparse and not evaluator.by_products
    interface = INTERFACE.format(n=problem.n, sparse=", a Sparse" if sparse else "")
    body = [code.replace("rt.", ""), CHECKED.format(n=problem.n).strip(), interface.strip()]
    imports = ["import numpy as np"]
    if re.search(r"\bmath\.", "\n".join([*helpers, *body])):
        imports = ["import math", "", *imports]
    head = [heading(problem, "NumPy", "Nothing else is needed."), "", *imports]
    constants_at_top = parameter_lines(problem, names)
    return assembled([head, constants_at_top, *([h] for h in helpers), data, *([part] for part in body)])


def _generated(derivation: Derivation, kind: str, sparse: bool) -> tuple[str, dict[str, Any]]:
    """The source of a function of one point, as the NumPy backend has it, and the arrays that it reads."""
    n, nodes = derivation.n, nodes_of(derivation, kind)
    program, ops = Program.of(derivation.graph, nodes)
    printer = Printer(program, ops, n)
    if kind == "gradient":
        lines = [*vector(printer, dict(zip(derivation.adjoint, ops[1:], strict=True)), False), "return g"]
    elif kind == "product":
        lines = [*vector(printer, dict(zip(derivation.product, ops, strict=True)), False), "return g"]
    elif kind == "hessian":
        pairs = list(zip(derivation.blocks, ops, strict=True))
        lines = sparse_hessian(printer, pairs, n) if sparse else dense_hessian(printer, pairs, n, False)
        lines.append("return H")
    else:
        lines = [f"return {printer.piece(ops[0]).code}"]
    header = f"def _{kind}(x{', v1' if kind == 'product' else ''}):\n"
    return header + "".join(f"    {line}\n" for line in (*printer.lines, *lines)), printer.namespace


class Pool:
    """The arrays of several functions, equal ones under one name."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._things: dict[str, Any] = {}
        self._known: dict[Any, str] = {}

    def add(self, namespace: dict[str, Any]) -> dict[str, str]:
        """Take in what a generated function reads, and return {its name there: its name in the file}."""
        found = {name: self.name(name, thing) for name, thing in namespace.items()}
        return {old: new for old, new in found.items() if old != new}

    def name(self, wanted: str, thing: Any) -> str:
        key = _content(thing)
        if key not in self._known:
            self._known[key] = self.names.new(wanted)
            self._things[self._known[key]] = thing
        return self._known[key]

    @property
    def kinds(self) -> set[str]:
        """The classes of what is no array."""
        return {_kind(thing) for thing in self._things.values() if not isinstance(thing, np.ndarray)}

    def text(self, module: str) -> list[str]:
        """The definitions of all arrays."""
        return [f"{name} = {_written(thing, module)}" for name, thing in self._things.items()]


def _arrays(thing: Any) -> tuple[NDArray[Any], ...]:
    """The arrays that a sparse matrix, a pattern or a sampled product is made of, as `support` takes them."""
    if isinstance(thing, Pattern):
        return thing.indices, thing.indptr
    if isinstance(thing, SampledProduct):
        return thing.order, thing.indices, thing.indptr
    if hasattr(thing, "tocsr"):
        csr = thing.tocsr()
        return csr.data, csr.indices, csr.indptr
    raise ProblemError(f"an exported file cannot hold a {type(thing).__name__}")


def _kind(thing: Any) -> str:
    return "Sparse" if hasattr(thing, "tocsr") else type(thing).__name__


def _content(thing: Any) -> Any:
    if isinstance(thing, np.ndarray):
        return thing.dtype.str, thing.shape, thing.tobytes()
    return type(thing).__name__, tuple(_content(a) for a in _arrays(thing))


def _written(thing: Any, module: str) -> str:
    if isinstance(thing, np.ndarray):
        return array_text(thing, module)
    arrays = [array_text(a, module) for a in _arrays(thing)]
    return f"{_kind(thing)}({', '.join([*arrays, str(tuple(int(k) for k in thing.shape))])})"
