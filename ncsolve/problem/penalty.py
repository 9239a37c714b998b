"""The argument `penalty` of a problem: which entries of x each penalty applies to, with numbers for its symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.errors import ProblemError, did_you_mean
from ncsolve.penalties import Part, Penalty, TotalPenalty
from ncsolve.penalties.separable import Separable
from ncsolve.problem.variables import Layout, Variable, listed, resolve

__all__ = ["Declared", "checked_penalties", "lay_out_penalties", "symbols_of"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Declared:
    """The penalties as declared, each on one slice of x; their parameters may still be symbols."""

    parts: tuple[Part, ...]
    lower: Vector | None
    upper: Vector | None

    def at(self, parameters: Mapping[sp.Symbol, float]) -> TotalPenalty | None:
        """With numbers for the symbols; None where there is no penalty. Raises ProblemError for one out of range."""
        if not self.parts:
            return None
        parts = (Part(part.penalty.at(parameters), part.place, part.shape, part.name) for part in self.parts)
        return TotalPenalty(tuple(parts), self.lower, self.upper)


def checked_penalties(penalty: Any) -> tuple[Penalty, ...]:
    """A penalty, a list of them or None, as a tuple."""
    given = () if penalty is None else tuple(penalty) if isinstance(penalty, (list, tuple)) else (penalty,)
    for each in given:
        if isinstance(each, type) and issubclass(each, Penalty):
            raise ProblemError(f"penalty: {each.__name__} is a class. Write nc.{each.__name__}(...).")
        if not isinstance(each, Penalty):
            raise ProblemError(
                f"penalty: {each!r} is not a penalty. Give nc.L1(0.1), nc.MCP(...), ... or a list of them; "
                "what is smooth belongs to the objective."
            )
    return given


def symbols_of(penalties: tuple[Penalty, ...]) -> list[sp.Symbol]:
    """The parameters that the penalties are declared with, in a deterministic order."""
    return sorted({symbol for penalty in penalties for symbol in penalty.symbols}, key=str)


def lay_out_penalties(
    penalties: tuple[Penalty, ...],
    layout: Layout,
    parameters: Mapping[sp.Symbol, float],
    lower: Vector | None,
    upper: Vector | None,
) -> Declared:
    """Find the place of each penalty in x. Raises ProblemError where two overlap, or one does not fit."""
    for symbol in symbols_of(penalties):
        if symbol not in parameters:
            raise ProblemError(
                f"penalty: '{symbol}' has no value.{did_you_mean(str(symbol), map(str, parameters))} "
                "Give it under parameters."
            )
    taken: dict[str, Penalty] = {}
    parts: list[Part] = []
    for penalty in penalties:
        variables = _variables(penalty, layout)
        for variable in variables:
            what = f"penalty: {penalty} on '{variable.name}'"
            if variable.name in taken:
                raise ProblemError(
                    f"penalty: {taken[variable.name]} and {penalty} overlap on '{variable.name}'. "
                    "Only penalties on different variables have a prox together."
                )
            taken[variable.name] = penalty
            penalty.check_shape(variable.shape, what)
            _check_bounds(penalty, variable, lower, upper, what)
        parts += _parts(penalty, variables)
    return Declared(tuple(parts), lower, upper)


def _variables(penalty: Penalty, layout: Layout) -> list[Variable]:
    """Those that `on` names, in the order of x."""
    if penalty.on is None:
        return list(layout)
    keys = penalty.on if isinstance(penalty.on, (list, tuple)) else (penalty.on,)
    names = [resolve(key, layout.symbols, f"penalty: {penalty}", "variable") for key in keys]
    return [variable for variable in layout if variable.name in names]


def _check_bounds(penalty: Penalty, variable: Variable, lower: Vector | None, upper: Vector | None, what: str) -> None:
    if isinstance(penalty, Separable) or lower is None or upper is None:
        return
    if np.isfinite(lower[variable.slice]).any() or np.isfinite(upper[variable.slice]).any():
        raise ProblemError(f"{what}, which has bounds: together they have no closed-form prox. Leave one of them out.")


def _parts(penalty: Penalty, variables: list[Variable]) -> list[Part]:
    """One for each variable; for a separable penalty, variables that are neighbours in x go together."""
    if not isinstance(penalty, Separable):
        return [Part(penalty, variable.slice, variable.shape, variable.name) for variable in variables]
    runs: list[list[Variable]] = []
    for variable in variables:
        if runs and runs[-1][-1].slice.stop == variable.offset:
            runs[-1].append(variable)
        else:
            runs.append([variable])
    places = [slice(run[0].offset, run[-1].slice.stop) for run in runs]
    names = [listed(variable.name for variable in run) for run in runs]
    return [Part(penalty, at, (at.stop - at.start,), name) for at, name in zip(places, names, strict=True)]
