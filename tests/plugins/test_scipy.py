"""SciPy's methods as solvers: exact counts, one row an iterate, limits, options, and the kit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import Bounds, minimize, show_options

import ncsolve as nc
from ncsolve.errors import OptionError
from ncsolve.hooks import registry
from ncsolve.solving import Status, options_of
from ncsolve.testing import SolverTests

x, y = sp.symbols("x y")
HIMMELBLAU = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
LOCAL = [
    "Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP", "trust-constr",
    "dogleg", "trust-ncg", "trust-krylov", "trust-exact",
]  # fmt: skip
GLOBAL = ["differential-evolution", "dual-annealing", "shgo", "basinhopping", "direct"]
BOUNDED = ["Nelder-Mead", "Powell", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP", "trust-constr"]
QUICK = {"differential-evolution": {"popsize": 5, "maxiter": 20}, "dual-annealing": {"maxiter": 20}}
QUICK |= {"basinhopping": {"niter": 10}}


def plane(**declared):
    return nc.Problem(HIMMELBLAU, start={x: 4.0, y: 3.0}, **declared)


BOX = {x: (-5, 2.5), y: (-5, 5)}


def test_all_methods_are_registered():
    named = {name for name in registry().solvers() if name.startswith("scipy:")}
    assert named == {f"scipy:{method}" for method in LOCAL + GLOBAL}


@pytest.mark.parametrize("method", LOCAL)
def test_local_methods_find_a_judged_minimum(method):
    result = nc.solve(plane(), f"scipy:{method}", max_iterations=1000)
    assert result.status is Status.CONVERGED, result.message
    assert result.point.kind == "minimum"
    assert result.trace.rows == result.iterations + 1
    assert result.trace["gradient_norm"][-1] <= 1e-6 < result.trace["gradient_norm"][-2]


@pytest.mark.parametrize("method", BOUNDED)
def test_bounds_hold_at_every_iterate(method):
    problem = nc.Problem(HIMMELBLAU, start={x: 1, y: 1}, bounds={x: (-5, 2.5), y: (0.5, 5)})
    seen = []
    result = nc.solve(problem, f"scipy:{method}", callbacks=[lambda look: seen.append(look.x)], max_iterations=1000)
    assert result.success, result.message
    assert all((problem.lower <= z).all() and (z <= problem.upper).all() for z in seen)


@pytest.mark.parametrize("method", GLOBAL)
def test_global_methods_search_on_beyond_the_first_small_gradient(method):
    """Rastrigin: from a local minimum, where the gradient is 0, to the global one."""
    f = 20 + x**2 - 10 * sp.cos(2 * sp.pi * x) + y**2 - 10 * sp.cos(2 * sp.pi * y)
    problem = nc.Problem(f, start={x: 0.99495864, y: 0.99495864}, bounds={x: (-4, 5), y: (-4, 5)})
    options = {"differential-evolution": {"popsize": 40}, "dual-annealing": {"maxiter": 100}}.get(method, {})
    options = {"sampling_method": "sobol", "n": 64} if method == "shgo" else options
    result = nc.solve(problem, f"scipy:{method}", options=options, seed=1)
    assert result.success, result.message
    assert result.objective <= 1e-9


@pytest.mark.parametrize("method", ["differential-evolution", "dual-annealing", "basinhopping"])
def test_the_seed_decides(method):
    def run(seed):
        return nc.solve(plane(bounds=BOX), f"scipy:{method}", x0=[0, 0], seed=seed, options=QUICK[method])

    one, two, other = run(3), run(3), run(4)
    assert np.array_equal(one.trace["objective"], two.trace["objective"])
    assert not np.array_equal(one.trace["evaluations"], other.trace["evaluations"])


@pytest.mark.parametrize(
    "method", ["Nelder-Mead", "CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP", "trust-exact", "trust-ncg"]
)
def test_counts_are_those_of_scipy(method):
    """A run that SciPy itself ends evaluates what SciPy says that it does."""
    oracle = nc.compile(plane())
    given = {"jac": oracle.gradient} if method != "Nelder-Mead" else {}
    given |= {"hess": oracle.hessian} if method.startswith("trust") else {}
    tight = {"Nelder-Mead": {"xatol": 1e-3, "fatol": 1e-3}, "SLSQP": {"ftol": 1e-3}, "TNC": {"ftol": 1e-2}}
    options = tight.get(method, {"gtol": 1e-2})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = minimize(oracle.value, [4.0, 3.0], method=method, options=options, **given)
    ours = nc.solve(plane(), f"scipy:{method}", options=options, escape=False)
    assert ours.x == pytest.approx(theirs.x, rel=1e-12)
    assert ours.evaluations["value"] == theirs.nfev
    if "njev" in theirs:
        assert ours.evaluations["gradient"] == theirs.njev


def test_scipy_ending_early_is_no_convergence():
    result = nc.solve(plane(), "scipy:BFGS", options={"gtol": 1.0}, escape=False)
    assert result.status is Status.STALLED
    assert result.message == "SciPy: Optimization terminated successfully."
    assert result.gradient_norm > 1e-6


def test_dogleg_refuses_an_indefinite_hessian_and_the_run_says_so():
    result = nc.solve(plane(), "scipy:dogleg", x0=[0, 0])
    assert result.status is Status.STALLED
    assert "non-psd Hessian" in result.message


@pytest.mark.parametrize("name", ["scipy:bfgs", "SCIPY:BFGS", "scipy:Bfgs"])
def test_names_in_any_case(name):
    assert nc.solve(plane(), name).solver == "scipy:BFGS"


def test_underscores_are_hyphens():
    assert registry().solver("scipy:differential_evolution").name == "scipy:differential-evolution"


def test_unknown_names_and_options():
    with pytest.raises(OptionError, match=r"no solver 'scipy:BFG'. Did you mean 'scipy:BFGS'\?"):
        nc.solve(plane(), "scipy:BFG")
    with pytest.raises(OptionError, match=r"no option 'maxcorr' of solver 'scipy:L-BFGS-B'. Did you mean 'maxcor'\?"):
        nc.solve(plane(), "scipy:L-BFGS-B", options={"maxcorr": 5})
    with pytest.raises(OptionError, match="Option 'maxcor' of solver 'scipy:L-BFGS-B' must be none or an integer"):
        nc.solve(plane(), "scipy:L-BFGS-B", options={"maxcor": "many"})


def test_options_reach_scipy():
    assert nc.solve(plane(), "scipy:L-BFGS-B", options={"maxcor": "1"}).options == {"maxcor": 1}
    assert (
        nc.solve(plane(), "scipy:L-BFGS-B", options={"maxcor": 1}).iterations
        != nc.solve(plane(), "scipy:L-BFGS-B").iterations
    )


@pytest.mark.parametrize("method", LOCAL)
def test_every_option_that_is_set_here_is_documented_there(method):
    solver = registry().solver(f"scipy:{method}")
    documented = show_options("minimize", method.lower(), disp=False)
    names = {option.name for option in options_of(solver)}
    assert set(solver.taken.limits) <= names
    if method != "trust-krylov":
        assert all(name in documented for name in names - {"maxiter"})
    assert not names & {"disp", "jac", "callback", "workers"}


def test_methods_without_bounds_say_so():
    with pytest.raises(OptionError, match="Solver 'scipy:BFGS' knows no bounds, which problem 'problem' has"):
        nc.solve(plane(bounds={x: (5, 6)}, known=()), "scipy:BFGS", x0=[5, 3])


def test_global_methods_want_a_box():
    with pytest.raises(OptionError, match=r"'scipy:shgo' searches in a box: give every variable .* two bounds"):
        nc.solve(plane(bounds={x: (-5, 5)}), "scipy:shgo")


@pytest.mark.parametrize("method", LOCAL + GLOBAL)
def test_limits_hold_inside(method):
    """Of evaluations, through whatever language the method is written in; and of iterations."""
    problem = plane(bounds=BOX) if method in BOUNDED + GLOBAL else plane()
    for limit in (1, 7):
        result = nc.solve(problem, f"scipy:{method}", x0=[1, 1.5], max_evaluations=limit, gradient_tolerance=0)
        assert result.status in (Status.EVALUATIONS, Status.STALLED), result.message
        assert sum(result.evaluations.values()) <= 2 * limit
    result = nc.solve(problem, f"scipy:{method}", x0=[1, 1.5], max_iterations=1, gradient_tolerance=0)
    assert result.iterations <= 1
    result = nc.solve(problem, f"scipy:{method}", x0=[1, 1.5], max_seconds=1e-9, gradient_tolerance=0)
    assert result.status is Status.TIME


@pytest.mark.parametrize("method", LOCAL + GLOBAL)
def test_interrupts_pass_through(method):
    problem = plane(bounds=BOX) if method in BOUNDED + GLOBAL else plane()

    def interrupt(look):
        if look.iteration == 1:
            raise KeyboardInterrupt

    result = nc.solve(problem, f"scipy:{method}", x0=[2.4, 3], callbacks=[interrupt], gradient_tolerance=0)
    assert result.status in (Status.INTERRUPTED, Status.STALLED)
    assert np.isfinite(result.objective)


def test_escape_leaves_a_saddle():
    problem = nc.Problem(x**2 / 2 - y**2 / 2 + y**4 / 4, start={x: 1, y: 0})
    assert nc.solve(problem, "scipy:BFGS").objective == pytest.approx(-0.25)
    assert not nc.solve(problem, "scipy:BFGS", escape=False).success


def test_large_sparse_hessians_go_to_trust_constr_as_they_are():
    v, i = sp.IndexedBase("v", shape=(500,)), sp.Symbol("i", integer=True)
    f = sp.Sum(100 * (v[i + 1] - v[i] ** 2) ** 2 + (1 - v[i]) ** 2, (i, 0, 498))
    result = nc.solve(nc.Problem(f, start={v: 0.9}), "scipy:trust-constr", max_iterations=50)
    assert result.evaluations["hessian"] > 0
    assert result.objective < 100


class TestBFGS(SolverTests):
    solver = "scipy:BFGS"


class TestNelderMead(SolverTests):
    solver = "scipy:Nelder-Mead"


class TestSLSQP(SolverTests):
    solver = "scipy:SLSQP"


class TestTrustKrylov(SolverTests):
    solver = "scipy:trust-krylov"


class TestBasinHopping(SolverTests):
    solver = "scipy:basinhopping"
    options = {"niter": 3}  # noqa: RUF012


def test_bounds_are_given_as_scipy_wants_them():
    theirs = minimize(nc.compile(plane()).value, [1.0, 1.0], method="L-BFGS-B", bounds=Bounds([-5, -5], [2.5, 5]))
    ours = nc.solve(plane(bounds=BOX), "scipy:L-BFGS-B", x0=[1.0, 1.0])
    assert ours.x == pytest.approx(theirs.x, abs=1e-4)
