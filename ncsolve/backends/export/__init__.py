"""EXPORT: value, gradient and Hessian of a problem as one Python file that imports one array library, not ncsolve.

- `numpy` and `numba` write what the backends evaluate, derivatives included
- `jax` and `casadi` write the value, and leave its derivatives to that library

The numbers that a file needs are in it: short arrays as lists, long ones as their bytes in hexadecimal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from ncsolve.errors import OptionError, ProblemError, did_you_mean
from ncsolve.problem import Problem

__all__ = ["LIBRARIES", "export"]

LIBRARIES = ("numpy", "numba", "jax", "casadi")

_MOST_DENSE = 1_000_000  # numbers of a sparse matrix that is written as a dense one


def export(problem: Problem, library: str = "numpy") -> str:
    """The source of a file with value(x), gradient(x) and hessian(x) at a point x (n,).

    Hessians are (n, n); where the oracle's is sparse, those of NumPy and numba are a `Sparse` that `np.asarray` and
    `scipy.sparse` take, and CasADi's is a sparse `DM`. Where a value does not exist, the result is nan or inf.

    Raises `OptionError` for an unknown library, and `ProblemError` for what it cannot express.
    """
    if library not in LIBRARIES:
        raise OptionError(
            f"unknown library '{library}'.{did_you_mean(library, LIBRARIES)} Known: {', '.join(LIBRARIES)}."
        )
    problem = _with_dense_data(problem)
    if library == "numpy":
        from ncsolve.backends.export.numpy_file import numpy_file

        return numpy_file(problem)
    if library == "numba":
        from ncsolve.backends.export.numba_file import numba_file

        return numba_file(problem)
    if library == "jax":
        from ncsolve.backends.export.jax_file import jax_file

        return jax_file(problem)
    from ncsolve.backends.export.casadi_file import casadi_file

    return casadi_file(problem)


def _with_dense_data(problem: Problem) -> Problem:
    """The problem with its sparse data as arrays, which is how a file holds them."""
    sparse: dict[sp.Basic, Any] = {symbol: array for symbol, array in problem.data.items() if hasattr(array, "nnz")}
    for symbol, array in sparse.items():
        if array.shape[0] * array.shape[1] > _MOST_DENSE:
            raise ProblemError(
                f"data {symbol}: an exported file holds arrays, and this sparse matrix of shape {array.shape} would be "
                f"one of {8e-9 * array.shape[0] * array.shape[1]:.3g} GB. Export a smaller instance"
            )
    if not sparse:
        return problem
    return Problem(
        problem.objective,
        name=problem.name,
        description=problem.description,
        variables=[variable.symbol for variable in problem.variables],
        parameters=problem.parameters,
        data={**problem.data, **{symbol: array.toarray() for symbol, array in sparse.items()}},
        start={variable.symbol: np.zeros(variable.shape) for variable in problem.variables},
        samples=problem.samples,
    )
