"""A problem as a numba file: the fused loops of the native backend, compiled when they are first called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ncsolve.backends import runtime
from ncsolve.backends.assembly import pattern_of
from ncsolve.backends.evaluator import Evaluator
from ncsolve.backends.export import support
from ncsolve.backends.export.numpy_file import RESERVED, Pool
from ncsolve.backends.export.text import (
    Names,
    assembled,
    heading,
    parameter_lines,
    parameter_names,
    row_constants,
    sources,
)
from ncsolve.backends.native_backend import Writer, _dense_entry, _scatter, _store_value, _stored_entry
from ncsolve.backends.native_printer import NativePrinter
from ncsolve.backends.native_tasks import Sink
from ncsolve.backends.numpy_backend import nodes_of
from ncsolve.backends.numpy_printer import identifier
from ncsolve.errors import ProblemError
from ncsolve.graph import Derivation, derive
from ncsolve.graph.program import Program
from ncsolve.problem import Problem

_SCALAR = '@njit(error_model="numpy")\n'
_LOOPS = '@njit(error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})\n'

INTERFACE = '''
def value(x):
    """f(x), a float"""
    return float(_value(_point(x){value}))


def gradient(x):
    """The gradient, shape ({n},)"""
    return _gradient(_point(x){gradient})


def hessian(x):
    """The Hessian, {n} x {n}{sparse}"""
{hessian}


def _point(x):
    x = np.ascontiguousarray(x, dtype=np.float64)
    if x.shape != ({n},):
        raise ValueError(f"expected a point of shape ({n},), got {{x.shape}}")
    return x
'''

DENSE = "    return _hessian(_point(x){arguments})"
SPARSE = "    return pattern.assemble(_hessian(_point(x){arguments}))"
BY_PRODUCTS = """    x = _point(x)
    H = np.array([_product(x, v{arguments}) for v in np.eye({n})])
    return (H + H.T) / 2"""


def numba_file(problem: Problem) -> str:
    """The source of the file. Raises `ProblemError` for what has no native form."""
    derivation = derive(problem)
    evaluator, pool = Evaluator(derivation, "numpy"), Pool(Names({*RESERVED, "f"}))
    names = parameter_names(problem, pool.names)
    constants = {**names, **row_constants(derivation.samples.size if derivation.samples else 0)}
    last = "product" if evaluator.by_products else "hessian"
    functions, arguments = [], {}
    for kind in ("value", "gradient", last):
        try:
            source, given = _generated(derivation, kind, evaluator.sparse, constants, pool)
        except NotImplementedError as reason:
            raise ProblemError(f"{problem.name} cannot be written for numba: {reason}. --code numpy can") from None
        functions.append(source)
        arguments[kind] = given
    sparse = last == "hessian" and evaluator.sparse
    form = BY_PRODUCTS if last == "product" else SPARSE if sparse else DENSE
    if sparse:
        pool.add({"pattern": pattern_of(derivation.graph, derivation.blocks, problem.n)})
    code = "\n\n\n".join(functions)
    scalar = sources(set(re.findall(r"\brt\.(\w+)", code)), (runtime,), _SCALAR)
    interface = INTERFACE.format(
        n=problem.n,
        value=arguments["value"],
        gradient=arguments["gradient"],
        hessian=form.format(n=problem.n, arguments=arguments[last]),
        sparse=", a Sparse" if sparse else "",
    )
    imports = ["import math", "", "import numpy as np", "from numba import njit"]
    head = [heading(problem, "numba", "The first call of each compiles it."), "", *imports]
    helpers = [*scalar, *sources(pool.kinds, (support,))]
    body = [code.replace("rt.", "").strip(), interface.strip()]
    return assembled([head, parameter_lines(problem, names), *_each(helpers), pool.text("np"), *_each(body)])


def _each(texts: Sequence[str]) -> list[list[str]]:
    return [[text] for text in texts]


def _generated(
    derivation: Derivation, kind: str, sparse: bool, constants: Mapping[str, str], pool: Pool
) -> tuple[str, str]:
    """The source of a compiled function, and what it is called with after the vectors: ", lam, c3"."""
    program, ops = Program.of(derivation.graph, nodes_of(derivation, kind))
    writers, result = _writers(derivation, kind, sparse)
    if kind == "gradient":
        ops = ops[1:]
    printer = NativePrinter(program, [Sink(op, *w) for op, w in zip(ops, writers, strict=True)], derivation.n)
    inside = [f"p_{identifier(p)}" for p in printer.parameters()]
    outside = [constants[p] for p in printer.parameters()]
    arrays: dict[str, Any] = dict(printer.arrays)
    renaming = pool.add(arrays)
    header = ", ".join(["x", *(["v1"] if kind == "product" else []), *inside, *arrays])
    name, start = result
    lines = [f"{name} = {start}", *printer.lines, f"return {name}"]
    source = f"{_LOOPS}def _{kind}({header}):\n" + "".join(f"    {line}\n" for line in lines)
    given = [*outside, *(renaming.get(a, a) for a in arrays)]
    return source.strip(), "".join(f", {g}" for g in given)


def _writers(derivation: Derivation, kind: str, sparse: bool) -> tuple[list[Writer], tuple[str, str]]:
    """What stores each node of a kind, and the result with what it starts as."""
    n = derivation.n
    if kind == "value":
        return [_store_value()], ("f", "0.0")
    if kind == "gradient":
        return [_scatter(g) for g in derivation.adjoint], ("g", f"np.zeros({n})")
    if kind == "product":
        return [_scatter(g) for g in derivation.product], ("g", f"np.zeros({n})")
    if not sparse:
        return [_dense_entry(b) for b in derivation.blocks], ("H", f"np.zeros(({n}, {n}))")
    pattern = pattern_of(derivation.graph, derivation.blocks, n)
    entries = [_stored_entry(b, slots) for b, slots in zip(derivation.blocks, pattern.slots, strict=True)]
    return entries, ("e", f"np.zeros({len(pattern.indices)})")
