"""Sizes that are written as symbols: MatrixSymbol("A", m, n), Sum(..., (i, 0, m - 1))."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sympy as sp

from ncsolve.errors import ProblemError
from ncsolve.problem.arrays import broadcast_to_shape
from ncsolve.problem.survey import Survey, name_of

__all__ = ["sizes_of", "with_sizes", "without_sizes"]

Sizes = Mapping[sp.Symbol, sp.Integer]


def sizes_of(found: Survey, data: Any, start: Any, parameters: Any) -> Sizes:
    """The values of the symbols in shapes and in limits of sums, as far as parameters, data and starts give them."""
    arrays = {name_of(array): tuple(getattr(array, "shape", None) or ()) for array in found.free}
    wanted = {str(s): s for s in (*found.open, *(s for shape in arrays.values() for s in shape if s.is_Symbol))}
    sizes: dict[sp.Symbol, sp.Integer] = {}
    source: dict[sp.Symbol, str] = {}
    stated = [
        *_by_parameters(parameters, wanted),
        *_by_arrays("data", data, arrays),
        *_by_arrays("start", start, arrays),
    ]
    for symbol, size, what in stated:
        if sizes.setdefault(symbol, size) != size:
            raise ProblemError(f"The size {symbol} is {sizes[symbol]} by {source[symbol]}, but {size} by {what}.")
        source.setdefault(symbol, what)
    return sizes


Stated = Iterator[tuple[sp.Symbol, sp.Integer, str]]
"""Symbols, their sizes, and what says so."""


def _by_parameters(parameters: Any, wanted: Mapping[str, sp.Symbol]) -> Stated:
    for key, value in _items(parameters):
        if (name := str(key)) in wanted:
            number = broadcast_to_shape(value, (), f"parameters: '{name}'").item()
            if number != int(number):
                raise ProblemError(f"parameters: '{name}' is the size of an array or of a sum, not {value}.")
            yield wanted[name], sp.Integer(int(number)), f"parameters: '{name}'"


def _by_arrays(kind: str, values: Any, arrays: Mapping[str, tuple[Any, ...]]) -> Stated:
    for key, value in _items(values):
        name = key if isinstance(key, str) else str(getattr(key, "name", ""))
        shape, actual = arrays.get(name, ()), _actual_shape(value)
        if len(actual) == 1 and len(shape) == 2 and shape[1] == 1:
            actual = (*actual, 1)
        if len(shape) == len(actual):
            for symbol, size in zip(shape, actual, strict=True):
                if symbol.is_Symbol:
                    yield symbol, sp.Integer(int(size)), f"{kind}: '{name}'"


def _actual_shape(value: Any) -> tuple[int, ...]:
    try:
        return tuple(getattr(value, "shape", None) or np.shape(value))
    except ValueError:  # a ragged list, which is refused elsewhere
        return ()


def with_sizes(objective: sp.Expr, sizes: Sizes) -> sp.Expr:
    """The objective with numbers for sizes."""
    try:
        return objective.xreplace(sizes)
    except ValueError as error:  # of which SymPy's ShapeError is one
        given = ", ".join(f"{symbol} = {size}" for symbol, size in sizes.items())
        raise ProblemError(f"With {given} the shapes of the objective's matrices do not fit: {error}.") from error


def without_sizes(parameters: Any, sizes: Sizes) -> Any:
    """The parameters that are no sizes."""
    names = {str(symbol) for symbol in sizes}
    return {key: value for key, value in _items(parameters) if str(key) not in names} or None


def _items(values: Any) -> list[tuple[Any, Any]]:
    return list(values.items()) if isinstance(values, Mapping) else []
