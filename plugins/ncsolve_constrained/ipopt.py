"""Ipopt, for those who have it, with exact sparse derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import MissingExtra
from ncsolve.solving import option

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

INFINITE = 2e19
"""What Ipopt takes for no bound."""


@dataclass(frozen=True)
class IpoptState:
    x: Vector
    objective: float
    gradient: Vector
    multipliers: Vector
    stalled: bool = False
    message: str | None = None


@dataclass(frozen=True)
class Ipopt:
    """Interior point with a filter line search, by Ipopt. [Waechter & Biegler 2006]

    It is given exact gradients, the Jacobian of the constraints and the Hessian of the Lagrangian, sparse where they
    are. Its own tolerance is `tolerance`; that of ncsolve ends the run where it is met first.
    """

    tolerance: float = option(1e-9, "Ipopt's tol", above=0)
    linear_solver: str = option("mumps", "what factorises the KKT matrix")
    mu_strategy: str = option("adaptive", "monotone or adaptive")
    max_iter: int = option(3000, "Ipopt's own limit of iterations", at_least=0)
    hessian: bool = option(True, "exact Hessian; else Ipopt's limited-memory approximation")

    name: ClassVar[str] = "ipopt"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hessian", "bounds", "constraints"})
    state_type: ClassVar[type] = IpoptState
    resumable: ClassVar[bool] = False

    @classmethod
    def check(cls, oracle: Oracle) -> None:
        _cyipopt()

    def drive(self, oracle: Oracle, x0: Vector, rng: np.random.Generator, report: Any) -> IpoptState:
        """Run from x0. What `report` or a limit raises is kept while Ipopt stops, then raised again."""
        functions = _Functions(oracle, x0, report)
        report(functions.state())
        m = functions.m
        low = np.full(oracle.n, -INFINITE) if oracle.lower is None else np.maximum(oracle.lower, -INFINITE)
        high = np.full(oracle.n, INFINITE) if oracle.upper is None else np.minimum(oracle.upper, INFINITE)
        nothing = np.where(np.arange(m) < functions.equalities, 0.0, -INFINITE)
        problem = _cyipopt().Problem(
            n=oracle.n, m=m, problem_obj=functions, lb=low, ub=high, cl=nothing, cu=np.zeros(m)
        )
        given = {"tol": self.tolerance, "linear_solver": self.linear_solver, "mu_strategy": self.mu_strategy}
        given |= {"max_iter": self.max_iter, "print_level": 0, "sb": "yes", "honor_original_bounds": "yes"}
        given |= {} if self.hessian else {"hessian_approximation": "limited-memory"}
        for name, value in given.items():
            problem.add_option(name, value)
        x, info = problem.solve(np.array(x0))
        if functions.raised is not None:
            raise functions.raised
        said = info["status_msg"]
        said = said.decode() if isinstance(said, bytes) else str(said)
        return functions.state(np.asarray(x), np.asarray(info["mult_g"]), f"Ipopt: {said}")


class _Functions:
    """What cyipopt calls. An exception inside would be lost: it is kept, and Ipopt is asked to stop."""

    def __init__(self, oracle: Oracle, x0: Vector, report: Any) -> None:
        self.oracle, self.report = oracle, report
        self.held = oracle.constraints
        self.m = self.held.m if self.held else 0
        self.equalities = self.held.equalities if self.held else 0
        self.raised: BaseException | None = None
        self.started = False
        self.x = np.array(x0)
        self._structures(np.array(x0), np.random.default_rng(0))

    def _structures(self, x0: Vector, rng: np.random.Generator) -> None:
        """Places of non-zero entries: all of a dense matrix; of a sparse one those stored."""
        with self.oracle.uncounted():
            H, J = self._hessian(x0, np.ones(self.m), 1.0), self._jacobian(x0)
        self._lower, self._entries = _places(H, lower=True), _places(J)

    def objective(self, x: Vector) -> float:
        return float(self._kept(lambda: self.oracle.value(x), np.nan))

    def gradient(self, x: Vector) -> Vector:
        self.x = np.array(x)
        return np.asarray(self._kept(lambda: self.oracle.gradient(x), np.full(len(x), np.nan)))

    def constraints(self, x: Vector) -> Vector:
        return self.held.values(np.array(x)) if self.held else np.empty(0)

    def jacobianstructure(self) -> tuple[Any, Any]:
        return self._entries

    def jacobian(self, x: Vector) -> Vector:
        return _at(self._jacobian(np.array(x)), self._entries)

    def hessianstructure(self) -> tuple[Any, Any]:
        return self._lower

    def hessian(self, x: Vector, multipliers: Vector, factor: float) -> Vector:
        H = self._kept(lambda: self._hessian(np.array(x), np.array(multipliers), factor), None)
        return np.full(len(self._lower[0]), np.nan) if H is None else _at(H, self._lower)

    def intermediate(self, *_: Any) -> bool:
        """After each iteration: whether to go on."""
        if self.raised is None and self.started:
            self._kept(lambda: self.report(self.state()), None)
        self.started = True
        return self.raised is None

    def state(self, x: Any = None, multipliers: Any = None, message: str | None = None) -> IpoptState:
        x = self.oracle.project(np.array(self.x if x is None else x))
        with self.oracle.uncounted():
            f, g = self.oracle.value_and_gradient(x)
        if multipliers is None:  # the core estimates them
            return IpoptState(x, f, g, None)  # type: ignore[arg-type]
        return IpoptState(x, f, g, multipliers, message is not None, message)

    def _jacobian(self, x: Vector) -> Any:
        return self.held.jacobian(x) if self.held else np.empty((0, len(x)))

    def _hessian(self, x: Vector, y: Vector, factor: float) -> Any:
        H = factor * self.oracle.hessian(x)
        if self.held is None:
            return H
        added = self.held.second(x, y)[0]
        if isinstance(H, np.ndarray) == isinstance(added, np.ndarray):
            return H + added
        return np.asarray((H + added) if isinstance(H, np.ndarray) else H.toarray() + added)

    def _kept(self, call: Any, instead: Any) -> Any:
        try:
            return call()
        except BaseException as error:
            self.raised = error
            return instead


def _places(matrix: Any, lower: bool = False) -> tuple[Any, Any]:
    if isinstance(matrix, np.ndarray):
        rows, columns = np.indices(matrix.shape).reshape(2, -1)
    else:
        pattern = matrix.tocoo()
        rows, columns = pattern.row, pattern.col
    kept = columns <= rows if lower else np.ones(len(rows), bool)
    return rows[kept], columns[kept]


def _at(matrix: Any, places: tuple[Any, Any]) -> Vector:
    picked = matrix[places] if isinstance(matrix, np.ndarray) else matrix.tocsr()[places]
    return np.asarray(picked, dtype=float).ravel()


def _cyipopt() -> Any:
    try:
        import cyipopt
    except ImportError:
        raise MissingExtra("cyipopt", "ipopt") from None
    return cyipopt
