"""Constants over a box: exact values where they are known, bounds that hold, provenance, errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError, ProblemError
from ncsolve.graph.intervals import Interval
from ncsolve.theory.branch import Field, least, lowest_eigenvalue
from ncsolve.theory.composite import reduced
from ncsolve.theory.pl import Basin, Ratio, basin
from ncsolve.theory.polynomial import polynomial_constants
from ncsolve.theory.residual import by_residuals, squares
from ncsolve.theory.strict_saddle import Steepness, curvatures

x, y, u, v = sp.symbols("x y u v")
i = sp.Symbol("i", integer=True)
ONE = np.ones(1)
WAVE = x**2 + 3 * sp.sin(x) ** 2
VALLEY = u**2 / 2 + (v - sp.sin(u)) ** 2 / 2


def within(constant, exact, width):
    assert constant.lower <= exact <= constant.upper
    assert constant.upper - constant.lower <= width


def test_wave():
    """L = 8, M = 12, m = -4, and mu = 0.17553 at x = 2.2017."""
    found = nc.constants(nc.Problem(WAVE), box={x: (-10, 10)})
    assert {c.provenance for c in found.values()} == {"certified(box)"}
    within(found["smoothness"], 8, 1e-4)
    within(found["hessian_lipschitz"], 12, 1e-3)
    within(found["strong_convexity"], -4, 1e-4)
    within(found["minimum"], 0, 1e-9)
    at = np.linspace(2.2, 2.204, 400_001)
    slope = 2 * at + 3 * np.sin(2 * at)
    within(found["pl"], (slope**2 / (2 * (at**2 + 3 * np.sin(at) ** 2))).min(), 1e-5)
    assert found["pl"].value == found["pl"].lower
    assert found["smoothness"].value == found["smoothness"].upper


def test_valley():
    """mu = (3 - sqrt(5)) / 2 at u = +-pi, to 1 %."""
    found = nc.constants(nc.Problem(VALLEY), box={u: (-4, 4), v: (-4, 4)})
    within(found["pl"], (3 - 5**0.5) / 2, 0.004)
    assert found["pl"].value >= 0.99 * 0.381966


def test_separable_sums_go_term_by_term():
    w = sp.IndexedBase("w", shape=(6,))
    problem = nc.Problem(sp.Sum((i + 1) * (w[i] ** 2 + 3 * sp.sin(w[i]) ** 2), (i, 0, 5)))
    found = nc.constants(problem, box={w: (-10, 10)})
    within(found["smoothness"], 48, 1e-3)
    within(found["strong_convexity"], -24, 1e-3)
    assert found["pl"].value == pytest.approx(0.17553, abs=1e-4)


def test_quadratics_exactly_and_without_a_box():
    found = nc.constants(nc.Problem(x**2 + x * y + 3 * y**2))
    assert found["smoothness"].value == pytest.approx(4 + 5**0.5, rel=1e-14)
    assert found["pl"].value == found["strong_convexity"].value == pytest.approx(4 - 5**0.5, rel=1e-14)
    assert {c.provenance for c in found.values()} == {"closed-form"}


def test_polynomials_in_one_variable():
    """x^4/4 - 2/3 x^3 + 0.525 x^2: f'' = 3 x^2 - 4 x + 1.05, lowest at 2/3; mu is a root of 1500 m^3 - ..."""
    found = nc.constants(nc.Problem(x**4 / 4 - sp.Rational(2, 3) * x**3 + 0.525 * x**2), box={x: (-1, 3)})
    assert [found[name].provenance for name in ("smoothness", "hessian_lipschitz", "strong_convexity")] == [
        "closed-form"
    ] * 3
    within(found["smoothness"], 16.05, 1e-12)
    within(found["strong_convexity"], 1.05 - 4 / 3, 1e-12)
    within(found["hessian_lipschitz"], 14, 1e-12)
    roots = np.roots([1500, -375, 22180, -252])
    within(found["pl"], float(roots[np.abs(roots.imag) < 1e-12].real[0]), 1e-6)


@pytest.mark.parametrize(
    ("f", "box"),
    [
        ((x * y - 1) ** 2, {x: (-2, 2), y: (-2, 2)}),
        ((x**2 - 1) ** 2 + y**2, {x: (-2, 2), y: (-1, 1)}),
        (x**4 + y**2, {x: (-1, 1), y: (-1, 1)}),
    ],
    ids=["a curve of minimisers", "a saddle", "a flat minimiser"],
)
def test_what_is_not_proven_is_only_sampled(f, box):
    found = nc.constants(nc.Problem(f), box=box, max_boxes=2000)
    assert found["pl"].provenance == "sampled"
    assert found["pl"].lower == -np.inf
    assert found["smoothness"].provenance == "certified(box)"


def test_where_the_time_is_up_the_intervals_are_wide_but_hold():
    box = {u: (-2, 2), v: (-2, 2)}
    found, short = (nc.constants(nc.Problem(VALLEY), box=box, max_seconds=s) for s in (60, 1e-9))
    assert set(short) <= set(found)
    for name in ("smoothness", "strong_convexity", "hessian_lipschitz"):
        assert short[name].provenance == "certified(box)"
        assert short[name].lower <= found[name].lower <= found[name].upper <= short[name].upper
        assert short[name].upper - short[name].lower > 1.1 * (found[name].upper - found[name].lower)


def test_the_time_may_be_up_before_what_f_depends_on_is_looked_at():
    found = nc.constants(
        nc.Problem((u - v) ** 2 + 3 * sp.sin(u - v) ** 2), box={u: (-4, 4), v: (-4, 4)}, max_seconds=1e-9
    )
    assert found["smoothness"].provenance == "certified(box)"


def test_a_kink_has_no_smoothness():
    found = nc.constants(
        nc.Problem(sp.Abs(sp.Symbol("t", real=True)) + x**2), box={"t": (-1, 1), x: (-1, 1)}, max_boxes=500
    )
    assert "certified(box)" not in {c.provenance for c in found.values()}


def test_a_local_minimiser_is_not_taken_for_the_least():
    """Between both wells the saddle has q = 0; the higher well must not serve as f*."""
    problem, lower, upper = nc.Problem((x**2 - 1) ** 2 + x / 5), np.array([-2.0]), np.array([2.0])
    field = Field(problem)
    lower_well, higher_well = (basin(field, np.array([at]), lower, upper, 10_000) for at in (-1.0241, 0.9732))
    assert lower_well.proven
    assert not higher_well.proven
    assert not basin(field, np.array([-1.0241]), lower, upper, 0).proven
    assert least(Ratio(field, lower_well), lower, upper, 1e-2, 5000).lower <= 0


def test_a_wrong_least_value_is_no_proof_of_more():
    """q with f* too low is below q with f*, so that a bound computed so stays one."""
    field, lower, upper = Field(nc.Problem(WAVE)), np.array([-10.0]), np.array([10.0])
    true = basin(field, np.zeros(1), lower, upper, 1000)
    loose = Basin(true.x_lo, true.x_hi, true.f_lo - 0.1, true.f_hi, True)
    found = [least(Ratio(field, b), lower, upper, 1e-3, 5000).lower for b in (true, loose)]
    assert found[1] < found[0]


@pytest.mark.parametrize(("f", "side"), [(WAVE, 10.0), (VALLEY, 4.0)], ids=["wave", "valley"])
def test_every_box_is_bounded(f, side):
    """At points of random boxes q is not below what is said of the box."""
    problem, rng = nc.Problem(f), np.random.default_rng(1)
    n, field, oracle = problem.n, Field(problem), nc.compile(problem)
    ratio = Ratio(field, basin(field, np.zeros(n), np.full(n, -side), np.full(n, side), 5000))
    low = rng.uniform(-side, side, (400, n))
    high = np.minimum(low + rng.uniform(0, 1, (400, 1)), side)
    bound, attained = ratio(low, high)
    points = low[:, None] + rng.random((400, 20, n)) * (high - low)[:, None]
    value, slope = oracle.value_and_gradient(points.reshape(-1, n))
    q = ((slope**2).sum(axis=1) / (2 * value)).reshape(400, 20)
    assert (bound <= q.min(axis=1) * (1 + 1e-12)).all()
    assert (bound <= attained * (1 + 1e-12)).all()
    assert (bound > 0).sum() > 200


def test_the_bound_is_below_all_samples():
    problem = nc.Problem((x - 1) ** 2 * (1 + sp.cos(y) / 3) + y**2 / 2 + sp.exp(x * y / 5))
    found = nc.constants(problem, box={x: (-2, 2), y: (-1, 1)}, tolerance=0.05)
    oracle = nc.compile(problem)
    points = np.random.default_rng(0).uniform([-2, -1], [2, 1], (2000, 2))
    f, g = oracle.value_and_gradient(points)
    assert ((g**2).sum(axis=1) / (2 * (f - found["minimum"].lower)) >= found["pl"].value).all()
    w = np.linalg.eigvalsh(oracle.hessian(points, dense=True))
    assert found["strong_convexity"].value <= w.min()
    assert found["smoothness"].value >= np.abs(w).max()


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_lowest_eigenvalue_bounds_every_matrix(n):
    rng = np.random.default_rng(n)
    middle, radius = rng.normal(size=(20, n, n)), 0.1 * rng.random((20, n, n))
    middle, radius = middle + middle.swapaxes(1, 2), radius + radius.swapaxes(1, 2)
    bound = lowest_eigenvalue(Interval(middle - radius, middle + radius))
    signs = np.sign(rng.normal(size=(200, 20, n, n)))
    signs = np.triu(signs) + np.triu(signs, 1).swapaxes(-1, -2)
    assert (np.linalg.eigvalsh(middle + signs * radius).min(axis=(0, 2)) >= bound).all()
    assert (np.linalg.eigvalsh(middle)[:, 0] - bound <= radius.sum(axis=2).max(axis=1) + 1e-9).all()


def test_a_small_budget_still_bounds():
    found = nc.constants(nc.Problem(VALLEY), box={u: (-4, 4), v: (-4, 4)}, max_boxes=200)
    assert found["smoothness"].lower <= 4.0474 <= found["smoothness"].upper
    assert "pl" not in found or found["pl"].lower <= 0.381966


@pytest.mark.parametrize(
    ("box", "text"),
    [
        (None, "box: nothing is given for x"),
        ({x: (0, None)}, "box: 'x' is unbounded"),
        ({x: (1, 1)}, "box: 'x' has no width"),
    ],
)
def test_bad_boxes(box, text):
    with pytest.raises(ProblemError, match=text):
        nc.constants(nc.Problem(WAVE), box=box)


def test_bad_tolerance_and_penalties():
    with pytest.raises(OptionError, match="tolerance must be between 0 and 1, not 2"):
        nc.constants(nc.Problem(WAVE), box={x: (0, 1)}, tolerance=2)
    with pytest.raises(OptionError, match="max_seconds must be positive, not 0"):
        nc.constants(nc.Problem(WAVE), box={x: (0, 1)}, max_seconds=0)
    with pytest.raises(ProblemError, match="constants are those of f alone"):
        nc.constants(nc.Problem(WAVE, penalty=nc.L1(0.1)), box={x: (0, 1)})


def test_command(run, problem_file):
    file = problem_file("problem = nc.Problem(x**2 + 3*sp.sin(x)**2)")
    found = json.loads(run("constants", file, "--box", "x=-10:10", "--json").stdout)
    assert found["constants"]["pl"]["value"] == pytest.approx(0.17553, abs=1e-4)
    assert found["constants"]["pl"].keys() == {"value", "lower", "upper", "provenance"}
    text = run("constants", file, "--box", "x=-10:10").stdout
    assert text.splitlines()[0].split() == ["constant", "value", "at", "least", "at", "most", "provenance"]
    bad = run("constants", file)
    assert (bad.exit_code, "box: nothing is given for x" in bad.stderr) == (2, True)


def test_the_page_shows_what_is_printed(run):
    page = (Path(__file__).parents[2] / "docs" / "constants.md").read_text(encoding="utf-8")
    assert "\nncsolve constants x2-3sin2 --box x=-10:10\n" in page
    printed = run("constants", "x2-3sin2", "--box", "x=-10:10").stdout
    assert "0.17552977" in printed
    assert "0.17553" in page


def test_undefined_parts_of_a_box_end_the_search():
    """log falls to -inf within the box: nothing is proven, and nothing hangs."""
    found = nc.constants(nc.Problem(sp.log(x) + y**2), box={x: (-1, 1), y: (-1, 1)}, max_boxes=500)
    assert {c.provenance for c in found.values()} == {"sampled"}


# -- structure -------------------------------------------------------------------------------------------------------


def test_rosenbrock_by_its_jacobian():
    """b = 100 on [-2, 2] x [-1, 3]: J J^T >= 0.0587910, the root of s^2 - 1701 s + 100; no boxes prove it."""
    rosenbrock = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    lower, upper = np.array([-2.0, -1.0]), np.array([2.0, 3.0])
    corners = np.array([[a, b] for a in (-2, 2) for b in (-1, 3)], dtype=float)
    s = (1701 - np.sqrt(1701**2 - 400)) / 2
    for f in (rosenbrock, rosenbrock + 5):
        mu = by_residuals(nc.Problem(f), lower, upper, corners)
        assert 0.9999 * 2 * s <= mu <= 2 * s
    n, w = sp.Symbol("n", integer=True), sp.IndexedBase("w", shape=(2,))
    chained = nc.Problem(sp.Sum(100 * (w[n + 1] - w[n] ** 2) ** 2 + (1 - w[n]) ** 2, (n, 0, 0)))
    assert by_residuals(chained, lower, upper, corners) == pytest.approx(2 * s, rel=1e-4)
    assert by_residuals(nc.Problem(rosenbrock), lower, upper, np.zeros((1, 2))) is None  # where s is not least
    assert squares(rosenbrock - (x * y) ** 2) is None
    assert squares(rosenbrock + x) is None
    assert by_residuals(nc.Problem(WAVE), np.array([-1.0]), np.array([1.0]), np.ones((1, 1))) is None  # 2 > 1 residuals


def test_a_curve_of_minimisers_by_what_f_depends_on():
    """p(x + y) has 2 mu_p; with p = t^2 + 3 sin^2 t no box around the curve x + y = 0 proves it."""
    found = nc.constants(nc.Problem(WAVE.subs(x, x + y)), box={x: (-5, 5), y: (-5, 5)}, max_boxes=2000)
    assert found["pl"].provenance == found["minimum"].provenance == "certified(box)"
    assert found["pl"].value == pytest.approx(2 * 0.17553, abs=2e-4)
    assert found["minimum"].lower <= 0 <= found["minimum"].upper
    slopes = np.random.default_rng(0).normal(size=(20, 1)) * [1.0, -2.0, 0.0]
    f = sp.cosh(x - 2 * y) + (x - 2 * y) ** 2 + 0 * u
    p, box = reduced(nc.Problem(f, variables=[x, y, u]), slopes, -np.ones(3), np.ones(3))
    assert p.n == 1
    assert box["z1"] == pytest.approx((-3 / 5**0.5, 3 / 5**0.5))
    assert float(p.objective.subs(p.variables.symbols["z1"], 1)) == pytest.approx(np.cosh(5**0.5) + 5)
    assert reduced(nc.Problem(f + u**2 / 10**12, variables=[x, y, u]), slopes, -np.ones(3), np.ones(3)) is None


def test_a_rational_minimiser_of_a_polynomial():
    """mu is exact; another critical point, an irrational minimiser or one at an end leave it to boxes."""
    exact = polynomial_constants(
        nc.Problem(x**4 / 4 - sp.Rational(2, 3) * x**3 + sp.Rational(21, 40) * x**2), -ONE, 3 * ONE
    )
    roots = np.roots([1500, -375, 22180, -252])
    assert exact["pl"][0] == pytest.approx(float(roots[np.abs(roots.imag) < 1e-12].real[0]), rel=1e-12)
    assert exact["minimum"] == (0, 0, 0)
    for f in ((x**2 - 1) ** 2, x**4 + x**2 - x, (x + 1) ** 2 + (x + 1) ** 4, x**4):
        assert "pl" not in polynomial_constants(nc.Problem(f), -ONE, 3 * ONE)


def test_groups_of_variables_go_one_by_one():
    problem = nc.Problem(VALLEY + x**2 + x * y / 2 + y**2 + y**4)
    found = nc.constants(problem, box=dict.fromkeys((u, v, x, y), (-2, 2)), tolerance=0.1, max_boxes=500)
    alone = nc.constants(nc.Problem(VALLEY), box={u: (-2, 2), v: (-2, 2)}, tolerance=0.1, max_boxes=500)
    assert found["strong_convexity"].lower == alone["strong_convexity"].lower
    assert found["smoothness"].upper >= 50
    assert 0.15 < found["pl"].value <= alone["pl"].upper


# -- strict saddles --------------------------------------------------------------------------------------------------


def test_strict_saddles_of_himmelblau():
    """(7, 7, 10) holds on [-6, 6]^2; the limits are 14.135 and 25.716."""
    f = nc.Problem((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2)
    lower, upper = np.full(2, -6.0), np.full(2, 6.0)
    starts = np.random.default_rng(0).uniform(-6, 6, (64, 2))
    gamma, alpha = curvatures(nc.compile(f), starts, lower, upper)
    assert (gamma, alpha) == (7, 10)
    found = least(Steepness(Field(f), gamma, alpha), lower, upper, 3e-2, 20_000)
    assert found.complete
    assert 8.4 <= found.lower <= found.upper <= 8.7
    points = np.random.default_rng(1).uniform(-6, 6, (20_000, 2))
    oracle = nc.compile(f)
    lowest = np.linalg.eigvalsh(oracle.hessian(points, dense=True))[:, 0]
    between = (lowest > -gamma) & (lowest < alpha)
    assert np.linalg.norm(oracle.gradient(points), axis=1)[between].min() >= found.lower
    too_much = least(Steepness(Field(f), 14.2, alpha), lower, upper, 1e-2, 2000)
    assert too_much.lower < 1e-3


def test_a_degenerate_saddle_is_not_strict():
    monkey = nc.Problem(x**3 - 3 * x * y**2)
    assert curvatures(nc.compile(monkey), np.array([[0.1, 0.2]]), -np.ones(2), np.ones(2)) is None
    found = nc.constants(monkey, box={x: (-1, 1), y: (-1, 1)}, max_boxes=500)
    assert not found.keys() & {"saddle_gradient", "saddle_curvature", "saddle_convexity"}


def test_the_triple_is_printed(run, problem_file):
    file = problem_file("problem = nc.Problem((x**2 - 1)**2 + y**2)")
    text = run("constants", file, "--box", "x=-2:2,y=-1:1").stdout
    rows = {line.split()[0]: line.split() for line in text.splitlines()[1:]}
    assert [rows[name][1] for name in ("saddle_curvature", "saddle_convexity")] == ["2", "1"]
    assert 0.5 < float(rows["saddle_gradient"][1]) < 1.6
    assert rows["saddle_gradient"][-1] == "certified(box)"
