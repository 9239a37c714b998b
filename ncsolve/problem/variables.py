"""The unknowns of a problem and their places in the packed vector x of shape (n,)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from ncsolve.errors import ProblemError, did_you_mean
from ncsolve.problem.arrays import broadcast_to_shape, real_array
from ncsolve.problem.survey import Survey, describe, name_of

__all__ = ["Layout", "Variable", "by_name", "in_default_order", "lay_out", "listed", "resolve"]


@dataclass(frozen=True)
class Variable:
    """One unknown: a scalar or an array, flattened in C order into x[offset : offset + size]."""

    symbol: sp.Basic
    name: str
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def slice(self) -> slice:
        return slice(self.offset, self.offset + self.size)


class Layout(tuple[Variable, ...]):
    """All unknowns, in the order of x. Converts between values by name and x of shape (n,)."""

    @cached_property
    def n(self) -> int:
        return sum(variable.size for variable in self)

    @cached_property
    def symbols(self) -> dict[str, sp.Basic]:
        return {variable.name: variable.symbol for variable in self}

    @cached_property
    def named(self) -> dict[str, Variable]:
        return {variable.name: variable for variable in self}

    def by_variable(self, values: Mapping[Any, Any], what: str) -> dict[Variable, Any]:
        """Return `values` keyed by variable, in the order of x. `what` begins the text of an error."""
        given = {resolve(key, self.symbols, what, "variable"): value for key, value in values.items()}
        return {variable: given[variable.name] for variable in self if variable.name in given}

    def entry(self, k: int) -> str:
        """Return the name of x[k]: "y" or "X[2, 0]"."""
        variable = next(v for v in self if v.offset <= k < v.offset + v.size)
        if not variable.shape:
            return variable.name
        place = np.unravel_index(k - variable.offset, variable.shape)
        return f"{variable.name}[{', '.join(str(int(i)) for i in place)}]"

    def pack(self, values: Any, what: str) -> NDArray[np.float64]:
        """Return a new x from {variable: number or array}, complete, or from an array of shape (n,)."""
        if not isinstance(values, Mapping):
            return self._checked_vector(values, what)
        given = self.by_variable(values, what)
        if len(given) < len(self):
            missing = listed(variable.name for variable in self if variable not in given)
            raise ProblemError(f"{what}: there is no value for {missing}. Every variable needs one.")
        x = np.empty(self.n)
        for variable, value in given.items():
            x[variable.slice] = broadcast_to_shape(value, variable.shape, f"{what}: '{variable.name}'").ravel()
        return x

    def unpack(self, x: ArrayLike) -> dict[str, Any]:
        """Return {name: float or array} from x of shape (n,), {name: array of shape (m, ...)} from a batch (m, n)."""
        x = np.asarray(x, dtype=np.float64)
        if x.shape[-1:] != (self.n,):
            raise ProblemError(f"x has shape {x.shape}, but the problem has n = {self.n}.")
        parts = {v.name: x[..., v.slice].reshape(x.shape[:-1] + v.shape) for v in self}
        return {name: float(part) if part.ndim == 0 else part for name, part in parts.items()}

    def _checked_vector(self, values: Any, what: str) -> NDArray[np.float64]:
        x = real_array(values, what)
        if x.shape != (self.n,):
            variables = listed(v.name + (f"{list(v.shape)}" if v.shape else "") for v in self)
            raise ProblemError(
                f"{what} has shape {x.shape}, but the variables {variables} need ({self.n},). "
                "To name them use {variable: value}."
            )
        return x


def by_name(symbols: Iterable[sp.Basic]) -> dict[str, sp.Basic]:
    """Return the symbols by name. Errors: two with the same name; names that no file nor picture can hold."""
    table: dict[str, sp.Basic] = {}
    for symbol in symbols:
        name = name_of(symbol)
        if any("\ud800" <= c <= "\udfff" for c in name):
            raise ProblemError(f"A symbol is called {name!r}, which is no text: it has half of a pair of surrogates.")
        other = table.setdefault(name, symbol)
        if other is not symbol and other != symbol:
            one, two = sorted((describe(other), describe(symbol)))
            raise ProblemError(
                f"Two different symbols are called '{name}': {one} and {two}. "
                "Create the symbol once, or give the two different names."
            )
    return table


def listed(names: Iterable[str], most: int = 8) -> str:
    """Return names for an error text, the first few of them."""
    ordered = sorted(names, key=_natural)
    return ", ".join(ordered[:most]) + (f", ... ({len(ordered)} in all)" if len(ordered) > most else "")


def resolve(key: Any, table: Mapping[str, sp.Basic], what: str, kind: str) -> str:
    """Return the name that `key` (a symbol or its name) has in `table`, or raise with what is there instead."""
    if isinstance(key, sp.Indexed):
        base = name_of(key.base)
        raise ProblemError(f"{what}: {key} is one element of '{base}'. Give an array for the whole of '{base}'.")
    if not isinstance(key, (str, sp.Symbol, sp.IndexedBase, sp.MatrixSymbol)):
        raise ProblemError(f"{what}: {key!r} is not a symbol. Give a {kind} or its name.")
    name = key if isinstance(key, str) else name_of(key)
    if name not in table:
        there = f"The {kind}s are {listed(table)}." if table else f"There are no {kind}s."
        raise ProblemError(f"{what}: there is no {kind} '{name}'.{did_you_mean(name, table)} {there}")
    if not isinstance(key, str) and key != table[name] and not _same_but_for_sizes(key, table[name]):
        raise ProblemError(
            f"{what}: {describe(key)} is another symbol than the objective's {describe(table[name])}. "
            "Use the same object in both places."
        )
    return name


def _same_but_for_sizes(key: sp.Basic, known: sp.Basic) -> bool:
    """Whether an array is the known one, whose sizes are numbers by now, as it was declared: with sizes by name."""
    if type(key) is not type(known) or not (shape := getattr(key, "shape", None)) or len(shape) != len(known.shape):
        return False
    return all(a == b or not a.is_Integer for a, b in zip(shape, known.shape, strict=True))


def lay_out(symbols: Mapping[str, sp.Basic], start: Any, found: Survey) -> Layout:
    """Give every unknown its shape and offset. An `IndexedBase` without shape takes the shape of its array start."""
    variables: list[Variable] = []
    offset = 0
    for name, symbol in symbols.items():
        _check_real(symbol, name)
        shape = _shape(symbol, name, start if len(symbols) == 1 or isinstance(start, Mapping) else None)
        rank = found.ranks.get(symbol, len(shape))
        if rank != len(shape):
            raise ProblemError(f"Variable '{name}' has shape {shape}, but is used with {_indices(rank)}.")
        variables.append(Variable(symbol, name, shape, offset))
        offset += variables[-1].size
    return Layout(variables)


def in_default_order(symbols: Mapping[str, sp.Basic]) -> dict[str, sp.Basic]:
    """Order by name as people count: x1, x2, x10."""
    return {name: symbols[name] for name in sorted(symbols, key=_natural)}


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(int(part) if part.isdigit() else -1, part) for part in parts]


def _indices(rank: int) -> str:
    return f"{rank} index" if rank == 1 else f"{rank} indices"


def _check_real(symbol: sp.Basic, name: str) -> None:
    if isinstance(symbol, sp.MatrixSymbol):
        return
    if symbol.is_extended_real is False:
        raise ProblemError(f"Variable '{name}' is declared not real. All unknowns are real numbers.")
    if symbol.is_integer:
        raise ProblemError(
            f"Variable '{name}' is declared integer. Unknowns are real numbers: drop integer=True, "
            "or give it a value under parameters=."
        )


def _shape(symbol: sp.Basic, name: str, start: Any) -> tuple[int, ...]:
    if isinstance(symbol, sp.Symbol):
        return ()
    shape: Sequence[Any] | None = symbol.shape
    if shape is None:
        shape = _shape_of_start(symbol, name, start)
    if not shape or not all(isinstance(size, (int, np.integer, sp.Integer)) and size > 0 for size in shape):
        example = (
            f'MatrixSymbol("{name}", 10, 3)'
            if isinstance(symbol, sp.MatrixSymbol)
            else f'IndexedBase("{name}", shape=(10,))'
        )
        raise ProblemError(
            f"Variable '{name}' needs a shape of positive integers, which {tuple(shape or ())} is not. "
            f"Declare {example}, or give its values under data= if it is known."
        )
    return tuple(int(size) for size in shape)


def _shape_of_start(symbol: sp.Basic, name: str, start: Any) -> tuple[int, ...]:
    if isinstance(start, Mapping):
        start = start.get(symbol, start.get(name))
    return np.shape(start) if isinstance(start, (np.ndarray, list, tuple)) else ()
