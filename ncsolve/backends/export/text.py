"""Pieces of exported files: numbers as text, names that do not clash, and how a file begins and ends."""

from __future__ import annotations

import ast
import inspect
import keyword
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.backends.numpy_printer import identifier, literal
from ncsolve.errors import ProblemError
from ncsolve.problem import Problem

_FEW = 40  # numbers that are listed; the bytes of more are written in hexadecimal
_MOST_NUMBERS = 20_000_000  # in one array of a file
_WIDTH = 110


def heading(problem: Problem, library: str, result: str) -> str:
    """The docstring of a file: what it computes, and what the entries of x are."""
    title = f"{problem.name}: {problem.description}" if problem.description else problem.name
    layout = []
    for v in problem.variables[:20]:
        where = f"{v.offset}:{v.offset + v.size}" if v.shape else str(v.offset)
        layout.append(f"    x[{where}]  {v.name}{f' {v.shape}, in C order' if v.shape else ''}")
    more = [f"    ... {len(problem.variables) - 20} more"] if len(problem.variables) > 20 else []
    lines = [
        f"{title}.",
        "",
        f"value(x), gradient(x) and hessian(x) of a point x, shape ({problem.n},), by {library}. {result}",
        *(["The penalty is not part of it: this is the smooth part of the objective."] if problem.penalty else []),
        "Written by `ncsolve show --code`.",
        "",
        *layout,
        *more,
    ]
    text = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{text}\n"""'


def array_text(array: NDArray[Any], module: str) -> str:
    """An expression that makes the array, by a module with NumPy's interface: arange, array or frombuffer."""
    array = np.ascontiguousarray(array)
    shape = "" if array.ndim == 1 else f".reshape({array.shape})"
    if array.size > 2 and array.dtype.kind in "iu":
        flat = array.ravel()
        steps = np.diff(flat)
        if steps[0] and (steps == steps[0]).all():
            start, step = int(flat[0]), int(steps[0])
            return f"{module}.arange({start}, {start + step * array.size}, {step}){shape}"
    if array.size <= _FEW:
        kind = ", dtype=int" if array.dtype.kind in "iu" else ", dtype=float"
        return f"{module}.array({nested(array)}{kind})"
    return f'{module}.frombuffer({hexadecimal(array)}, dtype="{array.dtype.name}"){shape}'


def nested(array: NDArray[Any]) -> str:
    """Lists of numbers; nan and inf are not among data."""
    return repr(array.tolist())


def hexadecimal(array: NDArray[Any]) -> str:
    """The bytes of an array, little-endian, in lines; `bytes.fromhex` skips the line breaks."""
    if array.size > _MOST_NUMBERS:
        raise ProblemError(
            f"an exported file would hold an array of shape {array.shape}, {array.size:.3g} numbers, more than the "
            f"{_MOST_NUMBERS:.3g} that one can. Export a smaller instance"
        )
    digits = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes().hex()
    lines = "\n".join(digits[k : k + _WIDTH] for k in range(0, len(digits), _WIDTH))
    return f'bytes.fromhex("""\n{lines}\n""")'


class Names:
    """Python names for things of a file, each used once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)

    def new(self, wanted: str) -> str:
        name = identifier(wanted)
        while name in self.taken or keyword.iskeyword(name):
            name += "_"
        self.taken.add(name)
        return name


def parameter_names(problem: Problem, names: Names) -> dict[str, str]:
    """The name of each parameter as a constant of the file."""
    return {s.name: names.new(s.name) for s in problem.parameters}


def parameter_lines(problem: Problem, names: Mapping[str, str]) -> list[str]:
    return [f"{names[s.name]} = {literal(float(v))}" for s, v in problem.parameters.items()]


def row_constants(samples: int) -> dict[str, str]:
    """What stands for the size and weight of a subset of rows, when all are taken."""
    return {"_row_count": str(samples), "_row_weight": "1"}


def renamed(source: str, names: Mapping[str, str]) -> str:
    """The source with some of its names replaced, other than attributes and keywords."""
    if not names:
        return source
    pattern = re.compile(rf"(?<![\w.'\"])(?:{'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})(?!\w)")
    return pattern.sub(lambda match: names[match.group()], source)


def sources(names: Iterable[str], modules: Sequence[ModuleType], decorator: str = "") -> list[str]:
    """The functions and classes of these names with those that they use, first those that are used, without types.

    Of a name that several modules define, the first one's is taken.
    """
    found: dict[str, str] = {}

    def add(name: str) -> None:
        thing = next((vars(m)[name] for m in modules if callable(vars(m).get(name))), None)
        if thing is None or name in found:
            return
        tree = without_types(thing)
        for other in sorted(_names_read(tree) - {name}):
            add(other)
        found[name] = decorator + ast.unparse(tree)

    for name in sorted(names):
        add(name)
    return list(found.values())


def without_types(thing: Callable[..., Any] | type) -> ast.Module:
    """A function or class without annotations and comments."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in node.args.args:
                argument.annotation = None
    return tree


def _names_read(tree: ast.Module) -> set[str]:
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names - {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def assembled(parts: Iterable[Sequence[str]]) -> str:
    """Sections of lines, separated as PEP 8 has it."""
    return "\n\n\n".join("\n".join(part) for part in parts if part) + "\n"
