"""f(x) = p(R x) with fewer rows of R than variables: f does not change along the null space of R.

With orthonormal rows, R R^T = I, f and p have the same gradients and curvatures along the rows: the PL constant of p on
the image of the box is that of f, whose minimisers are not isolated.
"""

from __future__ import annotations

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.problem import Problem
from ncsolve.theory.scalars import written_out

__all__ = ["reduced"]

Array = NDArray[np.float64]

FLAT = 1e-9  # singular values of gradients that are zero, relative to the largest
DENOMINATOR = 1000  # of the slopes of directions along which f may be constant


def reduced(
    problem: Problem, slopes: Array, lower: Array, upper: Array
) -> tuple[Problem, dict[str, tuple[float, float]]] | None:
    """p and its box, the hull of the image; None where f depends on all variables. `slopes` (m, n) are gradients."""
    written = written_out(problem)
    if written is None:
        return None
    f, x = written
    _, size, rows = np.linalg.svd(slopes)
    rank = int((size > FLAT * size.max(initial=0.0)).sum())
    if rank in (0, len(x)):
        return None
    flat = sp.Matrix(rows[rank:]).applyfunc(sp.Rational).rref(iszerofunc=lambda v: abs(v) < FLAT)[0]
    flat = flat.applyfunc(lambda v: v.limit_denominator(DENOMINATOR))
    if any(sp.simplify(sum(b * f.diff(v) for b, v in zip(row, x, strict=True))) != 0 for row in flat.tolist()):
        return None
    R = sp.Matrix.hstack(*sp.GramSchmidt(flat.nullspace(), orthonormal=True)).T
    z = sp.symbols(f"z1:{rank + 1}", real=True)
    p = f.xreplace(dict(zip(x, R.T * sp.Matrix(z), strict=True)))
    box = {}
    for k, row in enumerate(R.tolist()):
        parts = np.array([[float(r) * a, float(r) * b] for r, a, b in zip(row, lower, upper, strict=True)])
        spare = 1e-12 * np.abs(parts).sum()
        box[z[k].name] = float(parts.min(axis=1).sum() - spare), float(parts.max(axis=1).sum() + spare)
    return Problem(p, name=problem.name, variables=z), box
