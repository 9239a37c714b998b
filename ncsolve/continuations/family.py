"""f(x, lam) with its derivatives in both, in scaled unknowns z = (x, lam) / scale of shape (n + 1,).

    F(z) = grad_x f,    J(z) = (H + s T T^T, d grad_x f / d lam)

lam is one more variable of the same expression, so that J is part of an exact Hessian. The columns of T are tangents of
the symmetries of f: there H is zero along T, and s T T^T makes J regular without moving a critical point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.continuations.root import root
from ncsolve.critical.lie import is_isometric
from ncsolve.critical.symmetry import generators
from ncsolve.oracle import Oracle, compile
from ncsolve.problem import Problem

if TYPE_CHECKING:
    from ncsolve.critical.symmetry import Generators

__all__ = ["Family"]

Array = NDArray[np.float64]

GENERIC = 0.5 * (5**0.5 - 1)  # a place in the range at which no symmetry holds by chance
TINY = 1e-15  # a value of the parameter, relative to the range, that is rounding


class Family:
    """The functions of x that a parameter passes through, between two of its values."""

    def __init__(self, problem: Problem, parameter: sp.Symbol, low: float, high: float, size: float) -> None:
        rest = {s: v for s, v in problem.parameters.items() if s != parameter}
        shapes = {v.symbol: np.zeros(v.shape) for v in problem.variables}
        whole = Problem(
            problem.objective,
            name=problem.name,
            variables=[*(v.symbol for v in problem.variables), parameter],
            parameters=rest,
            data=problem.data,
            start=shapes,
        )
        self.problem, self.parameter, self.n = problem, parameter, problem.n
        self.oracle = compile(whole)
        self.low, self.high = low, high
        self.scale = np.append(np.full(self.n, size), high - low)
        middle = self.at(low + GENERIC * (high - low))
        self.symmetries: Generators = generators(middle, problem.random_point(np.random.default_rng(0)))
        self.isometric = is_isometric(self.symmetries)

    def at(self, value: float) -> Oracle:
        """The oracle of one of them, in x alone."""
        return compile(self.problem.with_parameters({self.parameter: value}))

    def split(self, z: Array) -> tuple[Array, float]:
        """x (n,) and lam."""
        whole = z * self.scale
        value = float(whole[-1])
        return whole[:-1], value if abs(value) > TINY * (self.high - self.low) else 0.0

    def join(self, x: Array, value: float) -> Array:
        return np.asarray(np.append(x, value) / self.scale)

    def value(self, z: Array) -> float:
        return float(self.oracle.value(z * self.scale))

    def gradient(self, z: Array) -> Array:
        """F (n,)."""
        return np.asarray(self.oracle.gradient(z * self.scale)[:-1] * self.scale[:-1])

    def second(self, z: Array) -> Array:
        """The Hessian in (x, lam), (n + 1, n + 1)."""
        return np.asarray(self.oracle.hessian(z * self.scale, dense=True) * self.scale * self.scale[:, None])

    def jacobian(self, z: Array) -> Array:
        """J (n, n + 1)."""
        J = self.second(z)[:-1]
        if len(self.symmetries):
            T = self.tangents(z)
            J[:, :-1] += np.linalg.norm(J[:, :-1]) * T @ T.T  # a norm that isometries leave as it is
        return J

    def tangents(self, z: Array) -> Array:
        """T (n, d)."""
        if not len(self.symmetries):
            return np.empty((self.n, 0))
        return np.asarray(self.symmetries.tangents(z[:-1] * self.scale[:-1]))

    def eigenvalues(self, z: Array) -> Array:
        """Of H + s T T^T in scaled unknowns, ascending: as many negative ones as H has."""
        return np.asarray(np.linalg.eigvalsh(self.jacobian(z)[:, :-1]))

    def corrected(self, z: Array, normal: Array) -> tuple[Array, int] | None:
        """The zero of F near z in the plane through z with this normal, and the number of steps; None without one."""

        def in_plane(here: Array) -> tuple[Array, Array]:
            return np.append(self.gradient(here), normal @ (here - z)), np.vstack([self.jacobian(here), normal])

        return root(in_plane, z)

    def tangent(self, z: Array, near: Array | None) -> Array | None:
        """The unit null vector of J, on the side of `near`; None where J is singular or not finite."""
        J = self.jacobian(z)
        if not np.isfinite(J).all():
            return None
        if near is None:
            _, values, right = np.linalg.svd(J)
            return np.asarray(right[-1]) if values[-1] > 1e-10 * values[0] else None
        try:
            t = np.linalg.solve(np.vstack([J, near]), np.append(np.zeros(self.n), 1.0))
        except np.linalg.LinAlgError:
            return None
        return np.asarray(t / np.linalg.norm(t))
