"""The contestants: each turns a row into callables, takes arguments in its native form and gives NumPy results back."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
from rows import Row, Skip
from scipy.sparse import csc_array

import ncsolve as nc


class Peer:
    """One contestant at one row. `build` makes (and compiles) the function of a column."""

    requires: ClassVar[str] = "numpy"

    def __init__(self, row: Row) -> None:
        if find_spec(self.requires) is None:
            raise Skip(f"{self.requires} is not installed")
        self.row = row

    def build(self, column: str) -> Callable[..., Any]:
        raise NotImplementedError

    def argument(self, array: np.ndarray) -> Any:
        """An argument as this contestant likes it best: the conversion is not timed."""
        return array

    def result(self, column: str, value: Any) -> Any:
        """(f, g), a vector or a matrix, as NumPy or SciPy has it."""
        return value


class Ours(Peer):
    backend: ClassVar[str] = "numpy"

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        self.problem = row.problem()

    @cached_property
    def oracle(self) -> nc.Oracle:
        return nc.compile(self.problem, backend=self.backend)

    def build(self, column: str) -> Callable[..., Any]:
        oracle = self.oracle
        return {"hessian": oracle.hessian, "product": oracle.hvp}.get(column, oracle.value_and_gradient)


class ByHand(Peer):
    def build(self, column: str) -> Callable[..., Any]:
        return self.row.numpy(column)


class Jax(Peer):
    """jax.jit in double precision, on arrays that live on its device already."""

    requires = "jax"

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.function, data = row.jax(jax.numpy)
        self.data = tuple(jax.numpy.asarray(d) for d in data)

    def build(self, column: str) -> Callable[..., Any]:
        jax, f, data = self.jax, self.function, self.data
        both = jax.value_and_grad(f)
        makers: dict[str, Callable[[], Callable[..., Any]]] = {
            "gradient": lambda: both,
            "hessian": lambda: jax.hessian(f),
            "product": lambda: lambda x, v, *d: jax.jvp(lambda y: jax.grad(f)(y, *d), (x,), (v,))[1],
            "batch": lambda: jax.vmap(both, in_axes=(0, *(None for _ in data))),
        }
        compiled, ready = jax.jit(makers[column]()), jax.block_until_ready
        return lambda *x: ready(compiled(*x, *data))

    def argument(self, array: np.ndarray) -> Any:
        return self.jax.numpy.asarray(array)

    def result(self, column: str, value: Any) -> Any:
        return tuple(np.asarray(v) for v in value) if isinstance(value, tuple) else np.asarray(value)


class Casadi(Peer):
    """CasADi through its buffer API: no allocation per call, the results lie in arrays made once."""

    requires = "casadi"

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        import casadi

        self.ca = casadi
        self._sparsity: dict[str, Any] = {}

    @cached_property
    def expression(self) -> tuple[Any, Any]:
        return self.row.casadi(self.ca)

    def _function(self, column: str) -> Any:
        ca, (x, f) = self.ca, self.expression
        if column == "hessian":
            return ca.Function("H", [x], [ca.hessian(f, x)[0]])
        gradient = ca.gradient(f, x)
        if column == "product":
            v = type(x).sym("v", x.shape[0])
            return ca.Function("Hv", [x, v], [ca.jtimes(gradient, x, v)])
        function = ca.Function("fg", [x], [f, gradient])
        return function if column == "gradient" else function.map(self.row.batch_size)

    def build(self, column: str) -> Callable[..., Any]:
        function = self._function(column)
        self._sparsity[column] = function.sparsity_out(0)
        inputs = [np.zeros(function.nnz_in(k)) for k in range(function.n_in())]
        outputs = [np.zeros(function.nnz_out(k)) for k in range(function.n_out())]
        buffer, evaluate = function.buffer()
        for k, array in enumerate(inputs):
            buffer.set_arg(k, memoryview(array))
        for k, array in enumerate(outputs):
            buffer.set_res(k, memoryview(array))

        def call(*arguments: np.ndarray) -> list[np.ndarray]:
            for array, argument in zip(inputs, arguments, strict=True):
                array[:] = argument
            evaluate()
            return outputs

        call.keep = (function, buffer)  # type: ignore[attr-defined]
        return call

    def argument(self, array: np.ndarray) -> Any:
        return array.ravel()

    def result(self, column: str, value: Any) -> Any:
        n = self.row.n
        if column == "hessian":
            pattern = self._sparsity[column]
            return csc_array((value[0].copy(), pattern.row(), pattern.colind()), shape=(n, n))
        if column == "product":
            return value[0].copy()
        f, g = (array.copy() for array in value)
        return (float(f[0]), g) if column == "gradient" else (f, g.reshape(-1, n))


class Symengine(Peer):
    """symengine's LLVM code for all outputs together, common sub-expressions shared."""

    requires = "symengine"

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        import symengine

        self.se = symengine

    @cached_property
    def _first(self) -> tuple[list[Any], Any, list[Any]]:
        x = list(self.se.symbols(f"x:{self.row.n}"))
        f = self.row.symengine(x, self.se)
        return x, f, [f.diff(s) for s in x]

    @cached_property
    def _value_and_gradient(self) -> Callable[..., Any]:
        x, f, gradient = self._first
        return self._compiled(x, [f, *gradient])

    def build(self, column: str) -> Callable[..., Any]:
        if column in ("gradient", "batch"):
            return self._value_and_gradient
        x, _, gradient = self._first
        if column == "hessian":
            return self._compiled(x, [g.diff(s) for g in gradient for s in x])
        v = list(self.se.symbols(f"v:{self.row.n}"))
        products = [sum((g.diff(s) * d for s, d in zip(x, v, strict=True)), self.se.Integer(0)) for g in gradient]
        compiled = self._compiled([*x, *v], products)
        return lambda point, direction: compiled(np.concatenate([point, direction]))

    def _compiled(self, arguments: list[Any], results: list[Any]) -> Callable[..., Any]:
        backend = "llvm" if self.se.have_llvm else "lambda"
        return self.se.Lambdify(arguments, results, backend=backend, cse=True, order="C")  # type: ignore[no-any-return]

    def result(self, column: str, value: Any) -> Any:
        if column == "hessian":
            return value.reshape(self.row.n, self.row.n)
        return value if column == "product" else (value[..., 0], value[..., 1:])


PEERS: dict[str, type[Peer]] = {"numpy": ByHand, "jax": Jax, "casadi": Casadi, "symengine": Symengine}


def ours(backend: str) -> type[Peer]:
    """Our own contestant, by one of our backends."""
    return type("Ours", (Ours,), {"backend": backend})
