"""Problems in Python files: FILE.py, or FILE.py:NAME where a file offers several."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from ncsolve.errors import NcsolveError, ProblemError, did_you_mean
from ncsolve.problem.arguments import converted
from ncsolve.problem.checks import checked_text
from ncsolve.problem.problem import Problem

__all__ = ["build", "is_file_reference", "load_file", "sourced", "split_reference"]


def is_file_reference(reference: str) -> bool:
    """Tell "FILE.py", "FILE.py:NAME" and paths from the bare names of the problem library."""
    path, _ = split_reference(reference)
    return path.endswith(".py") or "/" in path or "\\" in path


def split_reference(reference: str) -> tuple[str, str]:
    """Return (path, name) of "path.py:name"; the name is "" where none is given."""
    path, colon, name = reference.rpartition(":")
    return (path, name) if colon and path.endswith(".py") else (reference, "")


def load_file(reference: str, arguments: Mapping[str, Any] | None = None, known_as: str = "") -> Problem:
    """Return the problem that "FILE.py" or "FILE.py:NAME" refers to, a function called with `arguments`.

    FILE alone means `problem`, or the only one there. While the file runs, its folder can be imported from. `known_as`
    is the name in the library, for texts.
    Raises `ProblemError`, with the line of the file wherever there is one.
    """
    path_text, name = split_reference(reference)
    path = Path(path_text)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ProblemError(f"{path_text}: this file {what}.{_nearby(path)}")
    with _importable(path.resolve().parent), _located(path):
        module = _run(path)
        offered = _offered(module)
        name = name or _default_name(offered, path)
        if name not in offered and not hasattr(module, name):
            raise ProblemError(
                f"{path_text} has no problem '{name}'.{did_you_mean(name, offered)} It offers {_and(offered)}."
            )
        found = offered.get(name, getattr(module, name, None))
        where = known_as or f"{path_text}:{name}"
        problem = build(found, where, arguments or {})
    default_name = known_as or (path.stem if name == "problem" else name)
    return problem.replaced(
        name=checked_text(default_name, "name") if problem.name == "problem" else problem.name,
        description=problem.description or summary(found) or summary(module),
        source=sourced(where, arguments),
    )


def sourced(where: str, arguments: Mapping[str, Any] | None) -> str:
    """Return how the command line writes a problem: "rosenbrock -p n=1000"."""
    return where + "".join(f" -p {name}={value}" for name, value in (arguments or {}).items())


def build(found: Any, where: str, arguments: Mapping[str, Any]) -> Problem:
    """Return a `Problem` from one that is there already or from the function that makes it."""
    if isinstance(found, Problem):
        if arguments:
            raise ProblemError(
                f"{where} is a finished problem, not a function: it takes no -p {next(iter(arguments))}."
            )
        return found
    if not callable(found):
        raise ProblemError(f"{where} is a {type(found).__name__}, not a Problem or a function that returns one.")
    problem = found(**converted(arguments, found, where))
    if not isinstance(problem, Problem):
        raise ProblemError(f"{where}() returned a {type(problem).__name__}, not a Problem.")
    return problem


def summary(documented: Any) -> str:
    """Return the first line of a docstring, "" without one."""
    text = documented.__doc__ if isinstance(documented, (FunctionType, ModuleType)) else None
    return inspect.cleandoc(text).partition("\n")[0] if text else ""


_TOO_DEEP = (
    "Python's recursion limit was reached. If an expression is nested deeply here, SymPy cannot simplify it while it "
    "is built: build it with evaluate=False, as in sin(e, evaluate=False)"
)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextmanager
def _located(path: Path) -> Iterator[None]:
    """Turn whatever the file raises into one message with the file and the line."""
    compiled = str(path.resolve())
    try:
        yield
    except SyntaxError as error:
        file = path if error.filename in (None, compiled) else error.filename
        line = f", line {error.lineno}" if error.lineno else ""
        text = f": {error.text.strip()}" if error.text else ""
        raise ProblemError(f"{file}{line}: {error.msg}{text}") from error
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == compiled]
        line = f", line {lines[-1]}" if lines else ""
        if isinstance(error, NcsolveError) and not line:
            raise
        kind = "" if isinstance(error, NcsolveError) else f"{type(error).__name__}: "
        reason = _TOO_DEEP if isinstance(error, RecursionError) else f"{kind}{error}"
        raise ProblemError(f"{path}{line}: {reason}") from error


def _run(path: Path) -> ModuleType:
    """Execute the file as a module. Compiled here, so that no bytecode is written beside it."""
    path = path.resolve()
    module_name = f"ncsolve_problem_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None:
        raise ProblemError(f"{path}: this is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), module.__dict__)
    return module


def _offered(module: ModuleType) -> dict[str, Any]:
    """Every public module-level `Problem`, and every function of this module that returns one."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and (isinstance(value, Problem) or _makes_problem(name, value, module))
    }


def _makes_problem(name: str, value: Any, module: ModuleType) -> bool:
    """Judge a function by its annotation; without one, by its name or by whether it mentions `Problem`."""
    function = inspect.unwrap(value) if callable(value) else None
    if not isinstance(function, FunctionType) or function.__module__ != module.__name__:
        return False
    returns = function.__annotations__.get("return")
    if returns is None:
        return name == "problem" or "Problem" in function.__code__.co_names
    return returns is Problem or (isinstance(returns, str) and returns.split(".")[-1] == "Problem")


def _default_name(offered: Mapping[str, Any], path: Path) -> str:
    if "problem" in offered:
        return "problem"
    if not offered:
        raise ProblemError(
            f"{path} contains no problem. Write `problem = nc.Problem(...)`, or a function `problem` that returns one."
        )
    if len(offered) > 1:
        first = next(iter(offered))
        raise ProblemError(f"{path} offers {_and(offered)}. Say which one: {path}:{first}")
    return next(iter(offered))


def _and(names: Mapping[str, Any]) -> str:
    *most, last = names or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def _nearby(path: Path) -> str:
    folder = path.parent
    return did_you_mean(path.name, [file.name for file in folder.glob("*.py")]) if folder.is_dir() else ""
