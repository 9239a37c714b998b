"""Lennard-Jones cluster: 4 sum over pairs of r^-12 - r^-6. [Wales & Doye 1997]"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

import ncsolve as nc
from rows._row import Array, Row, Skip


class LennardJones(Row):
    elementwise = True

    def __init__(self, atoms: int) -> None:
        self.atoms = atoms
        self.n = 3 * atoms
        self.name = f"Lennard-Jones {atoms} atoms"
        self.batch_size = 1000 if atoms <= 38 else 0

    def problem(self) -> nc.Problem:
        X = sp.IndexedBase("X", shape=(self.atoms, 3))
        i, j, d = sp.symbols("i j d", integer=True)
        squared = sp.Sum((X[i, d] - X[j, d]) ** 2, (d, 0, 2))
        return nc.Problem(sp.Sum(4 * (squared**-6 - squared**-3), (j, i + 1, self.atoms - 1), (i, 0, self.atoms - 2)))

    def point(self, rng: np.random.Generator) -> Array:
        edge = int(np.ceil(round(self.atoms ** (1 / 3), 9)))
        sites = np.stack(np.meshgrid(*3 * [np.arange(edge)], indexing="ij"), axis=-1).reshape(-1, 3)[: self.atoms]
        return (1.12 * sites + rng.normal(0.0, 0.05, sites.shape)).ravel()

    # -- by hand: all ordered pairs as matrices, the diagonal kept at infinity ---------------------------------------

    def _pairs(self, x: Array) -> tuple[list[Array], Array, Array]:
        """The differences by coordinate, 1/r^2 and 1/r^6, each (..., N, N)."""
        X = x.reshape(*x.shape[:-1], self.atoms, 3)
        differences = [X[..., :, None, d] - X[..., None, :, d] for d in range(3)]
        squared = differences[0] ** 2
        squared += differences[1] ** 2
        squared += differences[2] ** 2
        squared.reshape(*x.shape[:-1], -1)[..., :: self.atoms + 1] = np.inf
        inverse = 1 / squared
        return differences, inverse, inverse * inverse * inverse

    def numpy_gradient(self, x: Array) -> tuple[float, Array]:
        differences, inverse, sixth = self._pairs(x)
        f = 2 * (float(np.vdot(sixth, sixth)) - float(sixth.sum()))
        weight = sixth * (24 - 48 * sixth)
        weight *= inverse
        return f, np.stack([np.vecdot(weight, d) for d in differences], axis=1).ravel()

    def numpy_batch(self, x: Array) -> tuple[Array, Array]:
        parts = [self._batch_block(x[k : k + 50]) for k in range(0, len(x), 50)]
        return np.concatenate([f for f, _ in parts]), np.concatenate([g for _, g in parts])

    def _batch_block(self, x: Array) -> tuple[Array, Array]:
        differences, inverse, sixth = self._pairs(x)
        flat = sixth.reshape(len(x), -1)
        f = 2 * (np.vecdot(flat, flat) - flat.sum(axis=1))
        weight = sixth * (24 - 48 * sixth)
        weight *= inverse
        return f, np.stack([np.vecdot(weight, d) for d in differences], axis=2).reshape(len(x), -1)

    def _curvatures(self, x: Array) -> tuple[list[Array], Array, Array]:
        """Differences, u'/r and (u'/r)'/r with u the energy of a pair."""
        differences, inverse, sixth = self._pairs(x)
        fourth = inverse * inverse
        return differences, sixth * inverse * (24 - 48 * sixth), sixth * fourth * (672 * sixth - 192)

    def numpy_hessian(self, x: Array) -> Array:
        differences, first, second = self._curvatures(x)
        n = self.atoms
        hessian = np.empty((n, 3, n, 3))
        for a in range(3):
            for b in range(a, 3):
                block = -(second * differences[a] * differences[b])
                if a == b:
                    block -= first
                block.flat[:: n + 1] = -block.sum(axis=1)
                hessian[:, a, :, b] = hessian[:, b, :, a] = block
        return hessian.reshape(self.n, self.n)

    def numpy_product(self, x: Array, v: Array) -> Array:
        differences, first, second = self._curvatures(x)
        V = v.reshape(self.atoms, 3)
        moved = [V[:, None, d] - V[None, :, d] for d in range(3)]
        along = sum(d * m for d, m in zip(differences, moved, strict=True)) * second
        return np.stack(
            [(along * d + first * m).sum(axis=1) for d, m in zip(differences, moved, strict=True)], axis=1
        ).ravel()

    # -- the others --------------------------------------------------------------------------------------------------

    def jax(self, jnp: Any) -> tuple[Callable[..., Any], tuple[Array, ...]]:
        same = np.eye(self.atoms, dtype=bool)  # all ordered pairs as matrices: no scatter, which XLA does slowly

        def energy(x: Any) -> Any:
            X = x.reshape(self.atoms, 3).T
            squared = sum((X[d][:, None] - X[d][None, :]) ** 2 for d in range(3))
            sixth = jnp.where(same, 0.0, 1 / jnp.where(same, 1.0, squared) ** 3)
            return 2 * jnp.sum(sixth * sixth - sixth)

        return energy, ()

    def casadi(self, ca: Any) -> tuple[Any, Any]:
        x = ca.SX.sym("x", self.n)
        return x, self._unrolled([x[k] for k in range(self.n)])

    def symengine(self, x: list[Any], se: Any) -> Any:
        return self._unrolled(x)

    def _unrolled(self, x: list[Any]) -> Any:
        total = 0
        for i in range(self.atoms):
            for j in range(i + 1, self.atoms):
                sixth = 1 / sum((x[3 * i + d] - x[3 * j + d]) ** 2 for d in range(3)) ** 3
                total = total + 4 * (sixth * sixth - sixth)
        return total

    def allows(self, peer: str, column: str) -> None:
        if peer == "symengine" and (self.atoms > 38 or (self.atoms > 13 and column in ("hessian", "product"))):
            raise Skip("unrolled pairs, minutes to derive")
