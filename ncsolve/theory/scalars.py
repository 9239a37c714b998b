"""The objective of a small problem written out over scalar symbols, with every number exact."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import sympy as sp

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["MOST", "written_out"]

MOST = 4  # variables


def written_out(problem: Problem) -> tuple[sp.Expr, list[sp.Symbol]] | None:
    """f and its variables in packed order; None for matrices, data, and more than 4 variables."""
    symbols = [(problem.variables.symbols[v.name], v.shape) for v in problem.variables]
    if problem.n > MOST or problem.data or any(isinstance(symbol, sp.MatrixSymbol) for symbol, _ in symbols):
        return None
    f = problem.objective.doit().xreplace({s: sp.Rational(float(v)) for s, v in problem.parameters.items()})
    x: list[sp.Symbol] = []
    entries: dict[sp.Basic, sp.Symbol] = {}
    for symbol, shape in symbols:
        if not shape:
            x.append(symbol)
        for place in product(*map(range, shape)) if shape else ():
            x.append(sp.Dummy(f"{symbol}_{'_'.join(map(str, place))}", real=True))
            entries[symbol[place]] = x[-1]
    f = f.xreplace(entries)
    f = f.xreplace({v: sp.Rational(v) for v in f.atoms(sp.Float)})
    return (f, x) if not f.atoms(sp.Sum, sp.Indexed) and f.free_symbols <= set(x) else None
