"""`verify --certify`: constants proven in a box, both sides in balls, what is in the way said."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical.balls import flint
from ncsolve.errors import MissingExtra, OptionError, ProblemError
from ncsolve.problem import load
from ncsolve.theory import Claim
from ncsolve.theory.number import Number, Undecided, numbers
from ncsolve.theory.proof import Box
from ncsolve_theorems import problems
from ncsolve_theorems.common import UnitStep

x = sp.Symbol("x")
BOX = {"x": (-10, 10)}


@pytest.fixture(scope="module")
def wave():
    """The example of the paper, with the proofs of its constants made once."""
    return load("x2-3sin2")


def verdict(problem, theorem, **arguments):
    (found,) = nc.verify(problem, theorem, certify=True, **arguments)
    return found


def test_the_certified_constant_holds_rigorously(wave):
    found = verdict(wave, "GD3b", box=BOX)
    assert found.verdict == "HOLDS"
    assert found.constants["pl"].value == pytest.approx(0.17553, abs=1e-5)
    assert {c.provenance for c in found.constants.values()} == {"certified(box)"}
    assert found.proof == "9 comparisons in 128-bit balls, 9 without tolerance; every iterate in -10 <= x <= 10"
    assert 0.95 < found.tightness < 1
    assert f"proof: {found.proof}" in str(found)


def test_a_claim_that_is_implied_is_certified_and_one_that_is_not_is_refuted(wave):
    found = verdict(wave, "GD3b", box=BOX, constants={"pl": 1 / 32})
    assert (found.verdict, found.constants["pl"].provenance) == ("HOLDS", "certified(box)")
    found = verdict(wave, "GD3b", box=BOX, constants={"pl": 0.36})
    assert (found.verdict, found.constants["pl"].provenance) == ("VIOLATED", "declared")
    assert "pl = 0.36 (declared) is refuted: it is at most 0.175531 (certified(box))" in found.reason
    assert found.first_violation.left > found.first_violation.right
    assert "left > right is certain" in found.proof
    found = verdict(wave, "GD3a", box=BOX, constants={"pl": 0.2})
    assert found.verdict == "NOT-APPLICABLE"
    assert "pl = 0.2 (declared) is refuted" in found.reason


def test_what_the_problem_declares_wrongly_is_told():
    problem = nc.Problem(x**2 + 3 * sp.sin(x) ** 2, start={x: 4}, constants={"smoothness": 6, "minimum": 0})
    found = verdict(problem, "GD1", box=BOX)
    assert found.verdict == "HOLDS"
    assert found.constants["smoothness"].value == pytest.approx(8)
    assert "The problem declares smoothness = 6, which is wrong: it is at least 8 (certified(box))." in found.reason


def test_an_iterate_outside_the_box_is_named(wave):
    found = verdict(wave, "GD3b", box={"x": (-3, 3)})
    assert found.verdict == "INCONCLUSIVE"
    assert "Iterate 0, x = [4.], lies outside the box, -3 <= x <= 3: nothing is proven there" in found.reason
    found = verdict(wave, "GD3b", box={"x": (3, 10)})
    assert "Iterate 1, x = [2.62899066], lies outside the box, 3 <= x <= 10" in found.reason


def test_a_quadratic_needs_no_box():
    found = nc.verify(problems.quadratic(1.0, 3.0), "GD4", certify=True)[0]
    assert (found.verdict, found.constants["pl"].provenance if "pl" in found.constants else "") == ("HOLDS", "")
    assert "no box needed" in found.proof


def test_the_constants_of_a_polynomial_hold_in_the_box_only():
    found = verdict(problems.cubic_bowl(), "NEWT3", box={"x": (-0.1, 1)})
    assert found.constants["hessian_lipschitz"].provenance == "closed-form"
    assert "Iterate 0, x = [-0.2], lies outside the box" in found.reason


@pytest.mark.parametrize(("theorem", "x0"), [("CUB1", [4.0]), ("NEWT3", [0.4])])
def test_eigenvalues_are_enclosed(wave, theorem, x0):
    found = verdict(wave, theorem, box=BOX, x0=x0)
    assert found.verdict == "HOLDS"
    assert "without tolerance; every iterate in -10 <= x <= 10" in found.proof


def test_what_is_believed_is_named():
    """The Hessian of five variables has no third derivative in boxes here: M stays declared."""
    w, i = sp.IndexedBase("w", shape=(5,)), sp.Symbol("i", integer=True)
    problem = nc.Problem(sp.Sum(sp.cosh(w[i]), (i, 0, 4)), start={w: 0.5}, constants={"hessian_lipschitz": 2})

    class Believing(UnitStep):
        """0 <= M. $$0 \\le M$$"""

        id, name, kind, constants, reference = "BEL", "gd-believing", "every iterate", ("hessian_lipschitz",), "none"

        def claims(self, study):
            yield Claim.at_most("0 <= M", 0.0 * study.slope, study.constant("hessian_lipschitz") + 0 * study.slope)

    found = verdict(problem, Believing, box={w: (-1, 1)})
    assert found.verdict == "HOLDS"
    assert found.proof.endswith("; hessian_lipschitz as declared, not proven")


def test_convexity_is_proven_or_refuted(wave):
    found = verdict(wave, "GD5", box=BOX)
    assert found.verdict == "NOT-APPLICABLE"
    assert "the lowest eigenvalue of its Hessian in the box is -4" in found.reason
    bowl = nc.Problem(sp.cosh(x) + x**2, start={x: 1}, known=[nc.Minimum({x: 0}, value=1)])
    found = verdict(bowl, "GD4", box={x: (-2, 2)})
    assert found.verdict == "HOLDS"
    assert found.constants["strong_convexity"].provenance == "certified(box)"


def test_laws_and_lapack_are_not_proven(wave):

    class Law(UnitStep):
        """A law. $$x$$"""

        id, name, kind, reference = "LAW", "gd-law", "distribution", "none"

        def claims(self, study):
            yield Claim.at_most("law", 0.0, 1.0, statistical=True)

    found = verdict(problems.parabola(), Law)
    assert (found.verdict, found.proof) == ("INCONCLUSIVE", "none")
    assert "Claims of kind 'distribution' are of a law, which no run proves. In floating point: HOLDS." in found.reason
    found = verdict(problems.degenerate(), "GD8")
    assert "A side of the theorem has no form in balls" in found.reason
    assert verdict(wave, "GD0", box=BOX).proof == "none: an identity is checked to rounding"


def test_what_rounding_hides_is_decided_in_balls():
    """Below the tolerance of floats balls still tell strictly smaller from equal."""

    class Hair(UnitStep):
        """f+ <= (1 + 1e-20) f+.

        $$f_+ \\le (1 + 10^{-20}) f_+$$
        """

        id, name, kind, constants, reference = "HAIR", "gd-hair", "every iterate", ("smoothness", "minimum"), "none"

        def claims(self, study):
            yield Claim.at_most("hair", study.gap, study.gap + study.gap * 2.0**-60 * 2.0**-60)

    found = verdict(problems.parabola(2.0, 3.0), Hair)
    assert found.verdict == "HOLDS"
    assert "1 comparisons in 128-bit balls, 1 without" in found.proof


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"certify": True}, ProblemError, "box: nothing is given for x"),
        ({"box": BOX}, OptionError, "box says where constants are proven: it needs certify"),
    ],
)
def test_bad_input(wave, arguments, error, said):
    with pytest.raises(error, match=said):
        nc.verify(wave, "GD3b", **arguments)


def test_without_flint_the_extra_is_named(wave, monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(MissingExtra, match=r"ncsolve\[certify\]"):
        nc.verify(wave, "GD3b", certify=True, box=BOX)


def test_command(run):
    words = ("verify", "x2-3sin2", "--theorem", "gd-pl-sharp", "--certify", "--box", "x=-10:10")
    done = run(*words, "-c", "pl=0.36")
    assert done.exit_code == 5
    found = json.loads(run(*words, "--json").stdout)["verdicts"][0]
    assert found["verdict"] == "HOLDS"
    assert found["constants"]["pl"]["provenance"] == "certified(box)"
    assert found["proof"].startswith("9 comparisons in 128-bit balls")


# -- numbers that never guess ------------------------------------------------------------------------------------------


def test_numbers_do_what_float_arrays_do():
    a = np.array([0.5, -2.0, 3.0])
    with flint().ctx.workprec(128):
        v = numbers(a)
        pairs = [
            (np.sqrt((v**2).sum()), np.sqrt((a**2).sum())),
            (np.linalg.norm(v), np.linalg.norm(a)),
            ((2 - v * v)[1] / 3, -2 / 3),
            (np.abs(v)[1] ** 0.5, 2**0.5),
            (np.exp(v[0]), np.exp(0.5)),
            (np.float64(2) * v[0] - 1, 0.0),
            (np.minimum.accumulate(v)[2], -2.0),
            (max(v[0], v[2]), 3.0),
            ((v @ v), 13.25),
        ]
        for found, exact in pairs:
            assert found.middle == pytest.approx(exact, rel=1e-14)


def test_numbers_refuse_what_is_lossy():
    with flint().ctx.workprec(53):
        third = Number.of(1) / 3
        assert -0.01 < Number.between(-1.0, 1.0) ** 2 < 1.01
        for lossy in (float, np.isfinite, lambda v: np.linalg.eigvalsh(np.array([[v]]))):
            with pytest.raises(TypeError):
                lossy(third)
        with pytest.raises(Undecided, match="overlap"):
            third < Number.of(1) / 3  # noqa: B015
        assert third < 0.34
        assert third != 0.34


def test_a_box_knows_where_it_ends():
    box = Box({}, np.array([-1.0, 0.0]), np.array([1.0, 2.0]), ("x", "y"))
    assert box.outside(np.array([[0.0, 1.0], [1.0, 2.0]])) is None
    assert box.outside(np.array([[0.0, 1.0], [np.nan, 1.0]])) == 1
    assert str(box) == "-1 <= x <= 1, 0 <= y <= 2"
