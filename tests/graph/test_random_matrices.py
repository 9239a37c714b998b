"""Random matrix expressions: value and derivatives against NumPy, slopes by a complex step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

import ncsolve as nc

P = sp.MatrixSymbol("P", 3, 3)
Q = sp.MatrixSymbol("Q", 3, 3)
Qv = np.random.default_rng(0).normal(size=(3, 3))


def evaluate(e: Any, values: dict[Any, Any]) -> Any:
    """A matrix expression by NumPy, complex numbers included, node by node."""
    nary = isinstance(e, (sp.MatAdd, sp.MatMul, sp.HadamardProduct, sp.Add, sp.Mul))
    args = [evaluate(part, values) for part in e.args] if nary else []
    if isinstance(e, sp.MatrixSymbol):
        return values[e]
    if isinstance(e, sp.Identity):
        return np.eye(3)
    if isinstance(e, sp.Transpose):
        return evaluate(e.arg, values).T
    if isinstance(e, (sp.MatAdd, sp.Add)):
        return sum(args[1:], args[0])
    if isinstance(e, (sp.MatMul, sp.Mul)):
        product = args[0]
        for other in args[1:]:
            product = product @ other if np.ndim(product) == np.ndim(other) == 2 else product * other
        return product
    if isinstance(e, sp.HadamardProduct):
        return np.prod(args, axis=0)
    if isinstance(e, sp.HadamardPower):
        return evaluate(e.base, values) ** int(e.exp)
    if isinstance(e, sp.MatPow):
        return np.linalg.matrix_power(evaluate(e.base, values), int(e.exp))
    if isinstance(e, ElementwiseApplyFunction):
        (symbol,) = e.function.variables
        return sp.lambdify(symbol, e.function.expr, "numpy")(evaluate(e.expr, values))
    if isinstance(e, sp.Trace):
        return np.trace(evaluate(e.arg, values))
    assert e.is_Number
    return complex(e)


def matrices(depth: int = 2) -> st.SearchStrategy[sp.MatrixExpr]:
    leaf = st.sampled_from([P, Q, P.T, sp.Identity(3) + P])
    if depth == 0:
        return leaf
    inner = matrices(depth - 1)
    pair = st.tuples(inner, inner)
    regular = inner.map(lambda m: m * m.T + 2 * sp.Identity(3))
    return st.one_of(
        leaf,
        pair.map(lambda two: two[0] * two[1]),
        pair.map(lambda two: two[0] - two[1] / 3),
        pair.map(lambda two: sp.HadamardProduct(*two)),
        inner.map(lambda m: m.applyfunc(sp.tanh)),
        inner.map(lambda m: m.T),
        inner.map(lambda m: m**2),
        regular.map(lambda m: m**-1),
    )


@given(first=matrices(), second=matrices(), seed=st.integers(0, 3))
@settings(max_examples=40)
def test_random_expressions(first, second, seed):
    objective = sp.Trace(first) + sp.Trace(second * first.T) / 2
    if not objective.has(P):
        objective += sp.Trace(P)
    p = nc.Problem(objective, data={Q: Qv} if objective.has(Q) else None)
    oracle = nc.compile(p)
    z, v, w = np.random.default_rng(seed).normal(size=(3, 9)) / 2

    def f(z: Any) -> Any:
        return evaluate(p.objective, {P: z.reshape(3, 3), Q: Qv})

    def slope(z: Any) -> float:  # by a complex step
        return f(z + 1e-30j * v).imag / 1e-30

    scale = 1 + np.abs(oracle.gradient(z)).max()
    assert oracle.value(z) == pytest.approx(f(z + 0j).real, rel=1e-9, abs=1e-9 * scale)
    assert oracle.gradient(z) @ v == pytest.approx(slope(z), rel=1e-8, abs=1e-9 * scale)
    H, h = oracle.hessian(z, dense=True), 1e-5
    scale += np.abs(H).max()
    assert v @ H @ w == pytest.approx((slope(z + h * w) - slope(z - h * w)) / (2 * h), rel=1e-4, abs=1e-6 * scale)
    np.testing.assert_allclose(oracle.hvp(z, w), H @ w, rtol=1e-8, atol=1e-9 * scale)
