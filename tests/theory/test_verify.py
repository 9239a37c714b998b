"""`nc.verify`: verdicts, constants and their provenance, contradicting options, bad input."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError, PluginError
from ncsolve.problem import load
from ncsolve.theory import Claim
from ncsolve_first_order.gd import GradientDescent
from ncsolve_theorems import problems
from ncsolve_theorems.gradient import GDDescent, GDLinear, GDSharp, GDStronglyConvex

x, y = sp.symbols("x y")


def verdict(problem, theorem, **arguments):
    (found,) = nc.verify(problem, theorem, **arguments)
    return found


@pytest.mark.parametrize("pl", [1 / 32, 0.1755297])
def test_the_example_of_the_paper_holds_with_its_constant_and_the_certified_one(pl):
    found = verdict(load("x2-3sin2"), "GD3b", constants={"pl": pl})
    assert found.verdict == "HOLDS"
    assert 0.95 < found.tightness < 1
    assert found.constants["pl"].provenance == "declared"
    assert found.measured_rate < found.theoretical_rate < 1


def test_and_not_with_one_that_is_too_large():
    found = verdict(load("x2-3sin2"), "gd-pl-sharp", constants={"pl": 0.36})
    assert found.verdict == "VIOLATED"
    v = found.first_violation
    assert v.left > v.right
    assert v.excess == v.left - v.right
    assert "pl = 0.36 (declared) is refuted" in found.reason


def test_a_wrong_constant_is_not_blamed_on_the_solver():
    found = verdict(load("x2-3sin2"), "GD3a", constants={"pl": 0.36})
    assert found.verdict == "NOT-APPLICABLE"
    assert "refuted: |g|^2 / (2 (f - f*)) = 0.186377 at iterate 2" in found.reason
    found = verdict(problems.quadratic(1.0, 3.0, 10.0), "GD4", constants={"strong_convexity": 2.0}, x0=[1.0, 1.0, 1.0])
    assert "strong_convexity = 2 (declared) is refuted" in found.reason


def test_constants_of_a_quadratic_are_exact():
    found = verdict(nc.Problem(2 * x**2 + y**2 / 2 - y, start={x: 1, y: 3}), "gd-pl-linear")
    assert found.verdict == "HOLDS"
    assert {name: (round(c.value, 12), c.provenance) for name, c in found.constants.items()} == {
        "smoothness": (4.0, "closed-form"),
        "pl": (1.0, "closed-form"),
        "minimum": (-0.5, "closed-form"),
    }


def test_sampled_constants_confirm_nothing():
    found = verdict(nc.Problem(sp.log(1 + x**2), start={x: 3}), "GD1")
    assert found.verdict == "INCONCLUSIVE"
    assert found.constants["smoothness"].provenance == "sampled"
    assert "only sampled" in found.reason


def test_an_unknown_minimum_says_how_to_give_it():
    problem = nc.Problem(sp.log(1 + x**2), start={x: 3}, constants={"smoothness": 2})
    found = verdict(problem, "GD2")
    assert found.verdict == "INCONCLUSIVE"
    assert found.reason == (
        "The constant 'minimum' is not known: declare it, constants={...}, or claim it with --constant minimum=VALUE, "
        "or prove it: --certify --box."
    )
    assert verdict(problem, "GD2", constants={"minimum": 0}).verdict == "HOLDS"


def test_an_option_against_the_demand():
    problem = load("x2-3sin2")
    found = verdict(problem, "GD1", options={"step_size": 0.3})
    assert found.verdict == "NOT-APPLICABLE"
    assert "'step_size' = 0.3 was given, but the theorem demands 0.125 (step_size = 1/L)" in found.reason
    assert verdict(problem, "GD1", options={"step_size": 0.3}, as_demanded=True).verdict == "HOLDS"
    assert verdict(problem, "GD1", options={"step_size": "0.125"}).verdict == "HOLDS"


def test_what_theorems_do_not_speak_of():
    assert "speaks of 'gd', not of 'adam'" in verdict(load("x2-3sin2"), "GD1", solver="adam").reason
    assert "not convex" in verdict(load("x2-3sin2"), "GD5").reason
    penalised = nc.Problem(x**2, start={x: 1}, penalty=nc.L1(0.1))
    assert "has a penalty" in verdict(penalised, "GD1").reason
    bounded = nc.Problem((x - 3) ** 2, start={x: 0}, bounds={x: (-1, 1)})
    assert "Iterate 1 lies on a bound" in verdict(bounded, "GD1").reason


def test_without_a_theorem_all_that_speak_of_the_solver():
    found = nc.verify(load("x2-3sin2"), solver="gd")
    assert {"gd-update", "gd-descent", "gd-pl-linear", "gd-convex"} <= {each.theorem for each in found}
    kinds = [each.verdict == "NOT-APPLICABLE" for each in found]
    assert kinds == sorted(kinds)
    assert not any(each.verdict == "VIOLATED" for each in found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"theorem": "gd-pl-lineer"}, "There is no theorem 'gd-pl-lineer'. Did you mean 'gd-pl-linear'?"),
        ({"theorem": "GD1", "constants": {"smoothnes": 1}}, "Did you mean 'smoothness'?"),
        ({"theorem": "GD1", "constants": {"smoothness": "abc"}}, "must be a positive number, not 'abc'"),
        ({"theorem": "GD1", "options": {"stepsize": 1}}, "Did you mean 'step_size'?"),
        ({"theorem": "GD1", "max_iterations": 1}, "max_iterations must be an integer of at least 2"),
        ({"theorem": "GD1", "seed": -1}, "seed must be an integer of at least 0"),
        ({"solver": "auto"}, "name it instead of 'auto'"),
    ],
)
def test_bad_input(arguments, said):
    with pytest.raises(OptionError, match=said.replace("?", r"\?").replace("(", r"\(")):
        nc.verify(load("x2-3sin2"), **arguments)


# -- mutations: a changed theorem is found out -------------------------------------------------------------------------


class Halved(GDLinear):
    def rate(self, study):
        return super().rate(study) / 2


class Twice(GDDescent):
    def claims(self, study):
        L, f, s = study.L, study.f, study.slope
        yield Claim.at_most("twice the decrease", (s[:-1] + s[1:]) / L, f[:-1] - f[1:])


class Faster(GDSharp):
    def rate(self, study):
        return 0.8 * super().rate(study)


class Slower(GDStronglyConvex):
    def rate(self, study):
        return super().rate(study) * 0.9


@pytest.mark.parametrize("theorem", [Halved, Twice, Faster, Slower])
def test_mutated_theorems_are_violated_on_a_witness(theorem):
    witness = next(case for case in theorem().positive() if case.witness and case.problem().n > 1)
    assert verdict(witness.problem(), theorem).verdict == "VIOLATED"


def test_a_solver_with_another_update_is_found_out_by_the_identity():
    from ncsolve_first_order.gd import GradientDescent

    class Wrong(GradientDescent):
        def direction(self, x, g, memory, k):
            return -g * (1 + 1e-6), memory

    found = verdict(problems.composition(), "GD1", solver=Wrong)
    assert found.verdict == "VIOLATED"
    assert "x+ = x - eta g(x) fails at 0" in found.reason


def test_nothing_is_compared_below_the_rounding_floor():
    found = verdict(problems.pl_sine(), "GD3a", max_iterations=100)
    assert found.verdict == "HOLDS"
    assert len(found.claims[0].left) < 15


def test_nan_violates():
    assert Claim.at_most("x", [0.0, np.nan], [1.0, 1.0]).violation().iteration == 1


@pytest.mark.parametrize("name", ["rosenbrock", "styblinski-tang", "monkey-saddle", "sparse-regression"])
def test_nothing_true_is_violated_on_the_library(name):
    """Without declared constants, with bounds, with a penalty: no theorem blames a solver that does what it says."""
    for found in nc.verify(load(name)):
        assert found.verdict != "VIOLATED", str(found)


def test_a_theorem_that_does_not_say_what_it_is_about():
    with pytest.raises(PluginError, match="Theorem class Vague has no 'kind'"):
        type("Vague", (nc.Theorem,), {"name": "vague"})
    body = {"name": "vague", "kind": "often", "solvers": ("gd",), "reference": "none"}
    with pytest.raises(PluginError, match="The kind of theorem 'vague' must be one of identity, every iterate"):
        type("Vague", (nc.Theorem,), body)


def test_expectations_do_not_speak_of_bounds():
    found = verdict(nc.Problem((x - 1) ** 2, start={x: 0}, bounds={x: (-2, 2)}), "langevin-law")
    assert found.verdict == "NOT-APPLICABLE"
    assert "has bounds" in found.reason


@pytest.mark.parametrize("theorem", ["gd-descent", "gd-avoids-saddles"])
def test_a_start_where_f_is_undefined_is_refused(theorem):
    """Random starts, too, may lie outside the domain."""
    x = sp.Symbol("x")
    problem = nc.Problem(sp.log(x) + x**2, start={x: nc.Normal(-5, 0.1)}, constants={"smoothness": 4, "minimum": 0})
    (verdict,) = nc.verify(problem, theorem, solver="gd")
    assert verdict.verdict == "NOT-APPLICABLE"
    assert "A run has no first state: log(x) is nan where x = -" in verdict.reason


def test_ctrl_c_ends_the_check_and_not_only_its_run(monkeypatch):
    """A verdict about a run that was cut short would be one about another horizon."""
    step, calls = GradientDescent.step, []

    def interrupted(self, *arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(GradientDescent, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nc.verify(nc.load("himmelblau"), "gd-descent", constants={"smoothness": 1e3})
