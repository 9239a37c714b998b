"""Variational problems on a square grid, sparse and as large as one likes. [Averick et al. 1992; Dolan et al. 2004]"""

from collections.abc import Callable

import numpy as np
import sympy as sp

import ncsolve as nc

i, j = sp.symbols("i j", integer=True)

Corner = Callable[[int, int], sp.Expr]


def _grid(k: int) -> tuple[sp.IndexedBase, float]:
    """The unknown values at k x k inner points of the unit square, and the distance between neighbours."""
    if k < 2:
        raise ValueError(f"the grid needs at least 2 x 2 inner points, not {k} x {k}")
    return sp.IndexedBase("u", shape=(k, k)), 1 / (k + 1)


def _over_cells(u: sp.IndexedBase, term: Callable[[Corner], sp.Expr], frame: sp.IndexedBase | None = None) -> sp.Expr:
    """The sum of term(corner) over all cells, where corner(a, b), a and b in {0, 1}, is the value at a corner.

    Values on the boundary are those of `frame`, shape (k + 2, k + 2), or 0. Inner cells, edges and corners of the
    square are summed apart, so that every subscript is affine.
    """
    k = int(u.shape[0])
    inside = (0, k - 2)
    total = sp.S.Zero
    for p, row in ((i, inside), (-1, None), (k - 1, None)):
        for q, column in ((j, inside), (-1, None), (k - 1, None)):

            def corner(a: int, b: int, p: sp.Expr = p, q: sp.Expr = q) -> sp.Expr:
                if -1 in (p + a, q + b) or k in (p + a, q + b):
                    return sp.S.Zero if frame is None else frame[p + a + 1, q + b + 1]
                return u[p + a, q + b]

            limits = [(s, *r) for s, r in ((i, row), (j, column)) if r]
            total += sp.Sum(term(corner), *limits) if limits else term(corner)
    return total


def _slopes(u: Corner, h: float) -> sp.Expr:
    """|grad u|^2 in the middle of a cell: the mean over its opposite sides."""
    across = (u(1, 0) - u(0, 0)) ** 2 + (u(1, 1) - u(0, 1)) ** 2
    along = (u(0, 1) - u(0, 0)) ** 2 + (u(1, 1) - u(1, 0)) ** 2
    return (across + along) / (2 * h**2)


def minimal_surface(k: int = 32) -> nc.Problem:
    """Area, in cells, of a surface over the unit square that two parabolas and two lines frame. [MINSURF]"""
    u, h = _grid(k)
    t = np.linspace(0, 1, k + 2)
    boundary = np.zeros((k + 2, k + 2))
    boundary[0], boundary[-1] = 4 * t * (1 - t), -4 * t * (1 - t)
    B = sp.IndexedBase("B", shape=boundary.shape)
    return nc.Problem(
        _over_cells(u, lambda v: sp.sqrt(1 + _slopes(v, h)), B),
        data={B: boundary},
        start={u: 0.0},
    )


def p_laplacian(k: int = 32, p: float = 4.0) -> nc.Problem:
    """The p-Laplace equation with unit load: sum over cells of (|grad u|^2 + 1e-4)^(p/2) / p - u. [Lindqvist 2006]"""
    u, h = _grid(k)
    exponent = sp.nsimplify(p) / 2

    def term(v: Corner) -> sp.Expr:
        return (_slopes(v, h) + 1e-4) ** exponent / p - (v(0, 0) + v(0, 1) + v(1, 0) + v(1, 1)) / 4

    return nc.Problem(_over_cells(u, term), start={u: 0.0})


def double_well(k: int = 32, width: float = 0.1) -> nc.Problem:
    """Phases +1 and -1 that meet in layers: width/2 |grad u|^2 + (u^2 - 1)^2 / (4 width). [Allen & Cahn 1979]

    u is 0 outside. Inside, u = 0 is a saddle or a maximum of high index, and symmetric starts lead to other saddles.
    """
    u, h = _grid(k)
    w = sp.nsimplify(width)
    wells = sp.Sum((u[i, j] ** 2 - 1) ** 2, (i, 0, k - 1), (j, 0, k - 1))
    return nc.Problem(
        _over_cells(u, lambda v: w / 2 * _slopes(v, h)) + wells / (4 * w),
        start={u: nc.Normal(0, 0.1)},
    )


def elastic_plastic_torsion(k: int = 32, load: float = 5.0) -> nc.Problem:
    """Torsion of a bar whose stress is limited: |u| at most the distance to the boundary. [MINPACK-2; TORSION]"""
    u, h = _grid(k)
    t = np.arange(1, k + 1) * h
    near = np.minimum(t, 1 - t)
    distance = np.minimum.outer(near, near)
    total = sp.Sum(u[i, j], (i, 0, k - 1), (j, 0, k - 1))
    return nc.Problem(
        _over_cells(u, lambda v: _slopes(v, h) / 2) - load * total,
        bounds={u: (-distance, distance)},
        start={u: 0.0},
    )
