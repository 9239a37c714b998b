"""The global methods of scipy.optimize, which need bounds and end with a local descent."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ncsolve.errors import OptionError
from ncsolve_scipy.base import Functions, Report, ScipySolver, ScipyState, Vector

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle
    from ncsolve.solving import Option

METHODS = {
    "differential_evolution": "Storn & Price 1997",
    "dual_annealing": "Xiang, Sun, Fan & Gong 1997",
    "shgo": "Endres, Sandrock & Focke 2018",
    "basinhopping": "Wales & Doye 1997",
    "direct": "Jones, Perttunen & Stuckman 1993",
}
UNBOUNDED = "basinhopping"
"""The only one that needs no box."""


class GlobalMethod(ScipySolver):
    """One call of a function of scipy.optimize; each iterate that its callback reports is the best so far."""

    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})

    @classmethod
    def declared_options(cls) -> tuple[Option, ...]:
        from ncsolve_scipy.options import function_options

        return function_options(cls.method)

    @classmethod
    def check(cls, oracle: Oracle) -> None:
        if cls.method == UNBOUNDED:
            return
        low, high = oracle.lower, oracle.upper
        if low is None or high is None or not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise OptionError(
                f"Solver '{cls.name}' searches in a box: give every variable of problem '{oracle.problem.name}' two "
                "bounds, bounds={x: (-5, 5)}."
            )

    def drive(self, oracle: Oracle, x0: Vector, rng: np.random.Generator, report: Report) -> ScipyState:
        """Search, then descend from the best point by L-BFGS-B; a small gradient ends only the descent."""
        import scipy.optimize

        functions = Functions(oracle)
        report(functions.state(x0, exploring=True))
        search = getattr(scipy.optimize, self.method)
        known = inspect.signature(search).parameters
        given = {name: value for name, value in self.options.items() if name != "polish"}
        given |= self.arguments(functions, x0, rng, known)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = search(
                functions.value, callback=lambda x, *_, **__: report(functions.state(x, exploring=True)), **given
            )
            if found.x is not None and self.options.get("polish", True):
                found = self.descend(functions, found, report)
        return functions.state(x0 if found.x is None else found.x, f"SciPy: {_text(found.message)}")

    def arguments(self, functions: Functions, x0: Vector, rng: np.random.Generator, known: Any) -> dict[str, Any]:
        """What each of the functions takes: box, start, random numbers, local descents with the exact gradient."""
        from scipy.optimize import Bounds

        oracle = functions.oracle
        box = None if oracle.lower is None else Bounds(oracle.lower, oracle.upper)
        given: dict[str, Any] = {"bounds": box, "x0": x0.copy(), "rng": rng, "polish": False}
        if "rng" not in known:
            given["seed"] = rng
        given["minimizer_kwargs"] = {"method": "L-BFGS-B", "jac": functions.gradient, "bounds": box}
        if self.method == "shgo":
            given["minimizer_kwargs"] = {"method": "L-BFGS-B"}
            given["options"] = {"jac": functions.gradient}
        return {name: value for name, value in given.items() if name in known}

    def descend(self, functions: Functions, found: Any, report: Report) -> Any:
        from scipy.optimize import minimize

        lower, upper = functions.oracle.lower, functions.oracle.upper
        report(functions.state(found.x))
        return minimize(
            functions.value_with_gradient,
            np.array(found.x),
            jac=functions.gradient,
            method="L-BFGS-B",
            bounds=None if lower is None or upper is None else np.column_stack([lower, upper]),
            callback=lambda x: report(functions.state(x)),
            options={"gtol": 0.0, "ftol": 0.0},
        )


def _text(message: Any) -> str:
    return " ".join(message) if isinstance(message, list) else str(message)


def _solver(method: str, reference: str) -> type[GlobalMethod]:
    said = method.replace("_", " ")
    body = {
        "__doc__": f"SciPy's {said}, a global search in a box. [{reference}]\n\n"
        "Random numbers come from the seed of the run. The best point is improved by L-BFGS-B with exact gradients.",
        "__module__": __name__,
        "method": method,
        "name": f"scipy:{method.replace('_', '-')}",
    }
    return type(f"Scipy{said.title().replace(' ', '')}", (GlobalMethod,), body)


GLOBAL = tuple(_solver(method, reference) for method, reference in METHODS.items())
