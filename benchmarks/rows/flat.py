"""A flat expression over 30 Symbols without any structure: 60 random products of elementary functions."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

import ncsolve as nc
from rows._row import Array, Row


class Flat(Row):
    name = "flat, 30 variables"
    elementwise = True
    n = 30
    batch_size = 1000

    def expression(self, x: Any, lib: Any) -> Any:
        """The same expression over any kind of scalars, with the functions of their library."""
        rng = random.Random(7)
        factors: list[Callable[[Any, Any, Any], Any]] = [
            lambda a, b, c: lib.sin(a + b * c),
            lambda a, b, c: lib.exp(-(a**2)) * b + c,
            lambda a, b, c: lib.tanh(a * b) - c,
            lambda a, b, c: lib.log(1 + a**2 + b**2) * c,
            lambda a, b, c: a / (2 + lib.cos(b)) + c**3,
            lambda a, b, c: lib.sqrt(1 + a**2) * (b - c),
        ]
        total: Any = 0
        for _ in range(60):
            term: Any = rng.randint(1, 9) / 4
            for _ in range(rng.randint(1, 3)):
                term = term * rng.choice(factors)(*(x[k] for k in rng.sample(range(self.n), 3)))
            total = total + term
        return total

    @cached_property
    def _symbolic(self) -> tuple[list[sp.Symbol], sp.Expr]:
        x = list(sp.symbols(f"x:{self.n}"))
        return x, self.expression(x, sp)

    def problem(self) -> nc.Problem:
        x, objective = self._symbolic
        return nc.Problem(objective, variables=x)

    # -- as good as by hand: SymPy's derivatives, common sub-expressions shared --------------------------------------

    def numpy(self, column: str) -> Callable[..., Any]:
        x, f = self._symbolic
        if column in ("gradient", "batch"):
            module = "math" if column == "gradient" else "numpy"
            function = sp.lambdify(x, [f, *(f.diff(s) for s in x)], module, cse=True)
            if column == "batch":
                return lambda points: _split(np.stack(np.broadcast_arrays(*function(*points.T)), axis=1))
            return lambda point: _split(np.array(function(*point.tolist())))
        gradient = [f.diff(s) for s in x]
        if column == "hessian":
            function = sp.lambdify(x, [g.diff(s) for g in gradient for s in x], "math", cse=True)
            return lambda point: np.array(function(*point.tolist())).reshape(self.n, self.n)
        v = sp.symbols(f"v:{self.n}")
        products = [sum(g.diff(s) * d for s, d in zip(x, v, strict=True)) for g in gradient]
        function = sp.lambdify([*x, *v], products, "math", cse=True)
        return lambda point, direction: np.array(function(*point.tolist(), *direction.tolist()))

    # -- the others --------------------------------------------------------------------------------------------------

    def jax(self, jnp: Any) -> tuple[Callable[..., Any], tuple[Array, ...]]:
        return lambda x: self.expression(x, jnp), ()

    def casadi(self, ca: Any) -> tuple[Any, Any]:
        x = ca.SX.sym("x", self.n)
        return x, self.expression([x[k] for k in range(self.n)], ca)

    def symengine(self, x: list[Any], se: Any) -> Any:
        return self.expression(x, se)


def _split(values: Array) -> tuple[Any, Array]:
    return values[..., 0], values[..., 1:]
