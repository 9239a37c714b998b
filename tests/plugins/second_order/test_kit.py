"""Every solver of the family passes the kit."""

from __future__ import annotations

from ncsolve.hooks import registry
from ncsolve.testing import SolverTests

for _name, _solver in registry().solvers().items():
    if _solver.__module__.startswith("ncsolve_second_order."):
        _noisy = {"converges": False, "accuracy": 1e-4} if _name == "adahessian" else {}
        _class = type(f"Test{_solver.__name__}", (SolverTests,), {"solver": _name, **_noisy})
        globals()[_class.__name__] = _class


class TestKrylovARC(SolverTests):
    solver = "arc"
    options = {"subproblem": "krylov"}  # noqa: RUF012


class TestScaledTrustRegion(SolverTests):
    solver = "trust-region"
    options = {"scaling": "hessian"}  # noqa: RUF012


class TestSampledHessianFree(SolverTests):
    solver = "hessian-free"
    options = {"batch_size": 15}  # noqa: RUF012
