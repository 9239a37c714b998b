"""The problem library: shipped problem files and problems of plugins, by bare name."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncsolve.errors import NcsolveError, ProblemError, did_you_mean
from ncsolve.problem.arguments import signature
from ncsolve.texts import in_words

if TYPE_CHECKING:
    from ncsolve.problem.problem import Problem

__all__ = ["Entry", "entries", "folder", "load"]


@dataclass(frozen=True)
class Entry:
    """One line of a listing."""

    name: str
    summary: str
    parameters: tuple[str, ...]
    """Of its function, as written: ("n: int = 10",)."""
    origin: str
    """Either "library" or "plugin"."""


def folder() -> Path:
    """Return where the shipped problem files are: inside an installed wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_problems"
    return installed if installed.is_dir() else package.parent / "problems"


def entries(registered: Mapping[str, Any] | None = None) -> list[Entry]:
    """List the library by name without executing anything, and what plugins have registered: {name: factory}."""
    shipped = [Entry(name, each.summary, each.parameters, "library") for name, each in _shipped().items()]
    added = [_describe(name, factory) for name, factory in (registered or {}).items()]
    return sorted(shipped + added, key=lambda entry: entry.name)


def load(
    reference: str, arguments: Mapping[str, Any] | None = None, registered: Mapping[str, Any] | None = None
) -> Problem:
    """Return the problem for "FILE.py", "FILE.py:NAME" or a bare name of the library, built with `arguments`.

    `arguments` are the texts of -p, or values; `registered` holds the problems of plugins, {name: factory or Problem}.
    """
    from ncsolve.problem.files import build, is_file_reference, load_file, sourced

    if is_file_reference(reference):
        return load_file(reference, arguments)
    shipped, registered, name = _shipped(), registered or {}, _canonical(reference)
    if name in shipped:
        return load_file(shipped[name].reference, arguments, known_as=name)
    if reference in registered:
        try:
            problem = build(registered[reference], reference, arguments or {})
        except NcsolveError:
            raise
        except Exception as error:
            raise ProblemError(f"{reference}: {in_words(error)}") from error
        return problem.replaced(name=reference, source=sourced(reference, arguments))
    hint = did_you_mean(name, [*shipped, *registered]) or " `ncsolve problems` lists them."
    is_here = Path(f"{reference}.py").is_file()
    raise ProblemError(
        f"There is no problem '{reference}' in the library." + (f" Did you mean {reference}.py?" if is_here else hint)
    )


def _canonical(name: str) -> str:
    return name.replace("_", "-")


@dataclass(frozen=True)
class _Shipped:
    """One problem of a shipped file: a function, or a module-level `problem`."""

    path: Path
    function: ast.FunctionDef | None
    summary: str

    @property
    def reference(self) -> str:
        return f"{self.path}:{self.function.name if self.function else 'problem'}"

    @property
    def parameters(self) -> tuple[str, ...]:
        return _written_parameters(self.function) if self.function else ()


@cache
def _shipped() -> Mapping[str, _Shipped]:
    """The shipped problems by name: a file with a `problem` has its name, in others every function has its own."""
    found: dict[str, _Shipped] = {}
    for path in sorted(folder().glob("[!_]*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef) and _returns_problem(n)}
        if "problem" in functions or not functions:
            found[_canonical(path.stem)] = _Shipped(path, functions.get("problem"), _first_line(tree))
        else:
            found |= {_canonical(name): _Shipped(path, n, _first_line(n)) for name, n in functions.items()}
    return found


def _returns_problem(function: ast.FunctionDef) -> bool:
    returns = ast.unparse(function.returns) if function.returns else ""
    return not function.name.startswith("_") and returns.rpartition(".")[2] == "Problem"


def _first_line(documented: ast.Module | ast.FunctionDef) -> str:
    return (ast.get_docstring(documented) or "").partition("\n")[0]


def _written_parameters(function: ast.FunctionDef) -> tuple[str, ...]:
    arguments = function.args.args
    defaults = [None] * (len(arguments) - len(function.args.defaults)) + list(function.args.defaults)
    return tuple(
        ast.unparse(argument) + (f" = {ast.unparse(default)}" if default else "")
        for argument, default in zip(arguments, defaults, strict=True)
    )


def _describe(name: str, factory: Any) -> Entry:
    if not callable(factory):
        return Entry(name, getattr(factory, "description", ""), (), "plugin")
    summary = (inspect.getdoc(factory) or "").partition("\n")[0]
    return Entry(name, summary, tuple(map(str, signature(factory).values())), "plugin")
