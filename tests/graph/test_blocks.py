"""Blocks of variables in which an objective is quadratic, as they are found."""

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.graph.blocks import found_blocks
from ncsolve.graph.derivation import derive
from ncsolve.problem import load


def blocks(problem: nc.Problem) -> list[tuple[tuple[str, ...], bool, int, int]]:
    return [(b.names, b.quadratic, b.systems, b.size) for b in found_blocks(derive(problem), problem.blocks)]


x, y, z = sp.symbols("x y z")


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("matrix-completion", {"side": 9, "k": 2}, [(("U",), True, 9, 2), (("V",), True, 9, 2)]),
        (
            "ratings",
            {"users": 12, "items": 10, "rank": 2},
            [(("U", "b"), True, 12, 3), (("V", "c"), True, 10, 3)],
        ),
        ("tensor-decomposition", {}, [(("A",), True, 6, 3), (("B",), True, 7, 3), (("C",), True, 8, 3)]),
        ("nonnegative-factorisation", {}, [(("U",), True, 20, 3), (("V",), True, 15, 3)]),
        ("implicit-feedback", {}, [(("U",), True, 60, 4), (("V",), True, 50, 4)]),
    ],
)
def test_factorisations_fall_into_one_system_per_row(name, arguments, expected):
    assert blocks(load(name, arguments)) == expected


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ((x * y - 1) ** 2, [(("x",), True, 1, 1), (("y",), True, 1, 1)]),
        (x**2 + x * y + y**2, [(("x", "y"), True, 1, 2)]),
        (x**2 * y + sp.sin(z), [(("x",), True, 1, 1), (("y",), True, 1, 1), (("z",), False, 1, 1)]),
        (sp.Abs(x) + (x - y) ** 2, [(("y",), True, 1, 1), (("x",), False, 1, 1)]),
        (sp.Piecewise((x**2, y > 0), (2 * x**2, True)), [(("x",), True, 1, 1), (("y",), False, 1, 1)]),
        (sp.exp(x) + y**4, [(("x", "y"), False, 1, 2)]),
    ],
)
def test_blocks_of_scalars(objective, expected):
    assert blocks(nc.Problem(objective)) == expected


def test_neighbours_are_not_separated():
    u = sp.IndexedBase("u", shape=(6,))
    i = sp.Symbol("i", integer=True)
    chain = nc.Problem(sp.Sum((u[i + 1] - u[i]) ** 2 + u[i] ** 2, (i, 0, 4)))
    assert blocks(chain) == [(("u",), True, 1, 6)]


def test_declared_blocks_are_taken_as_they_are():
    problem = nc.Problem(x**2 + x * y + y**2 + sp.cos(z), blocks=[(x, z), y])
    assert blocks(problem) == [(("x", "z"), False, 1, 2), (("y",), True, 1, 1)]


def test_columns_may_be_stored_as_rows():
    U, V = sp.IndexedBase("U", shape=(5, 2)), sp.IndexedBase("V", shape=(2, 4))
    M = sp.IndexedBase("M", shape=(5, 4))
    i, j, c = sp.symbols("i j c", integer=True)
    error = M[i, j] - sp.Sum(U[i, c] * V[c, j], (c, 0, 1))
    problem = nc.Problem(sp.Sum(error**2, (i, 0, 4), (j, 0, 3)), data={M: np.ones((5, 4))})
    assert blocks(problem) == [(("U",), True, 5, 2), (("V",), True, 4, 2)]


def test_show_lists_them():
    oracle = nc.compile(load("matrix-completion", {"side": 9, "k": 2}))
    assert "quadratic in each block: U (9 systems of 2) | V (9 systems of 2)" in oracle.structure.summary()
