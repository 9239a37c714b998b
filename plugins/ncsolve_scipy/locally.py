"""The methods of scipy.optimize.minimize."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ncsolve_scipy.base import Functions, Report, ScipySolver, ScipyState, Vector
from ncsolve_scipy.constraints import constraints_for, operator_for

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle
    from ncsolve.solving import Option

DENSE = 1000  # variables up to which trust-constr is given a Hessian that is not sparse
ENDLESS = 10**8


@dataclass(frozen=True)
class Method:
    """What a method takes: "gradient", "both" (it always wants the value with it), "hessian", "hvp", "bounds",
    "constraints".

    `limits` are set so that the limits and tolerances of ncsolve decide, unless the user sets them.
    """

    name: str
    takes: str
    reference: str
    limits: Mapping[str, float] = field(default_factory=dict)


ITERATIONS = {"maxiter": ENDLESS}
MODELS = {**ITERATIONS, "maxfev": ENDLESS}
GRADIENT = {**ITERATIONS, "gtol": 0.0}
METHODS = (
    Method("Nelder-Mead", "bounds", "Nelder & Mead 1965", {**MODELS, "xatol": 0, "fatol": 0}),
    Method("Powell", "bounds", "Powell 1964", {**MODELS, "xtol": 1e-8, "ftol": 0}),
    Method("CG", "gradient both", "Polak & Ribiere 1969", GRADIENT),
    Method("BFGS", "gradient both", "Nocedal & Wright 2006, Alg. 6.1", GRADIENT),
    Method("Newton-CG", "gradient hvp", "Nocedal & Wright 2006, Alg. 7.1", {**ITERATIONS, "xtol": 0}),
    Method("L-BFGS-B", "gradient both bounds", "Byrd, Lu & Nocedal 1995", {**GRADIENT, "maxfun": ENDLESS, "ftol": 0}),
    Method("TNC", "gradient both bounds", "Nash 1984", {"maxfun": ENDLESS, "ftol": 0, "xtol": 0, "gtol": 0}),
    Method("COBYLA", "bounds constraints", "Powell 1994", {"maxiter": 10**6, "tol": 1e-8}),
    Method("COBYQA", "bounds constraints", "Ragonneau 2022", {**MODELS, "final_tr_radius": 1e-9}),
    Method("SLSQP", "gradient bounds constraints", "Kraft 1988", {**ITERATIONS, "ftol": 1e-16}),
    Method(
        "trust-constr",
        "gradient hessian bounds constraints",
        "Byrd, Hribar & Nocedal 1999",
        {**GRADIENT, "xtol": 1e-14, "barrier_tol": 1e-10},
    ),
    Method("dogleg", "gradient hessian", "Nocedal & Wright 2006, ch. 4.1", GRADIENT),
    Method("trust-ncg", "gradient hvp", "Steihaug 1983", GRADIENT),
    Method("trust-krylov", "gradient hvp", "Gould, Lucidi, Roma & Toint 1999", GRADIENT),
    Method("trust-exact", "gradient hessian", "More & Sorensen 1983", GRADIENT),
)


class LocalMethod(ScipySolver):
    """One call of scipy.optimize.minimize, whose callback reports each iterate."""

    taken: ClassVar[Method]

    @classmethod
    def declared_options(cls) -> tuple[Option, ...]:
        from ncsolve_scipy.options import minimize_options

        return minimize_options(cls.method.lower())

    def drive(self, oracle: Oracle, x0: Vector, rng: np.random.Generator, report: Report) -> ScipyState:
        """Run from x0; `report` raises what ends the run early."""
        from scipy.optimize import minimize

        functions = Functions(oracle)
        report(functions.state(x0))
        limits = {name: value for name, value in self.taken.limits.items() if name not in self.options}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of SciPy's: how a run ends is told by status and point
            found = minimize(
                x0=np.array(x0),
                method=self.method,
                options={**limits, **self.options},
                callback=lambda x, *_: report(functions.state(x)),
                **self.arguments(functions),
            )
        return functions.state(found.x, f"SciPy: {found.message}")

    def arguments(self, functions: Functions) -> dict[str, Any]:
        """Function, derivatives and bounds, as far as the method takes them."""
        takes, oracle = self.taken.takes.split(), functions.oracle
        given: dict[str, Any] = {"fun": functions.value_with_gradient if "both" in takes else functions.value}
        if "gradient" in takes:
            given["jac"] = functions.gradient
        if self.method == "trust-constr" and oracle.n > DENSE and not oracle.structure.sparse:
            given["hessp"] = functions.hvp
        elif "hessian" in takes:
            given["hess"] = functions.hessian if self.method == "trust-constr" else functions.dense_hessian
        elif "hvp" in takes:
            given["hessp"] = functions.hvp
        if oracle.lower is not None:
            from scipy.optimize import Bounds

            given["bounds"] = Bounds(oracle.lower, oracle.upper)
        if oracle.constraints is not None:
            given["constraints"] = constraints_for(self.method, functions)
            if "hessp" in given:  # next to Hessians of constraints there must be one
                given["hess"] = operator_for(functions, given.pop("hessp"))
        return given


def _solver(taken: Method) -> type[LocalMethod]:
    named = {"gradient", "hessian", "hvp", "bounds", "constraints"}
    given = "given exact derivatives" if "gradient" in taken.takes else "which uses values alone"
    body = {
        "__doc__": f"SciPy's {taken.name}, {given}. [{taken.reference}]\n\n"
        "SciPy's own tolerances and limits are off unless they are set: those of ncsolve end the run.",
        "__module__": __name__,
        "taken": taken,
        "method": taken.name,
        "name": f"scipy:{taken.name}",
        "needs": frozenset(named & set(taken.takes.split())),
    }
    return type(f"Scipy{taken.name.replace('-', '')}", (LocalMethod,), body)


LOCAL = tuple(_solver(taken) for taken in METHODS)
