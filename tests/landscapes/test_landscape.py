"""All critical points in a box: the counts that are known, and nothing is called complete that is not."""

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical.discrete import Discrete
from ncsolve.errors import ProblemError
from ncsolve.landscapes import newton
from ncsolve.landscapes.look import HALVED, OPEN, ZERO, Look, divide
from ncsolve.landscapes.newton import Boxes
from ncsolve.landscapes.orbits import completed, orbits
from ncsolve.landscapes.regions import touching
from ncsolve.landscapes.search import Search

pytest.importorskip("flint")

x, y = sp.symbols("x y", real=True)
HIMMELBLAU = nc.Problem((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2, name="himmelblau")
CAMEL = nc.Problem((4 - sp.Rational(21, 10) * x**2 + x**4 / 3) * x**2 + x * y + (-4 + 4 * y**2) * y**2)
SIX, PLANE = {x: (-6, 6), y: (-6, 6)}, {x: (-2, 3), y: (-2, 2)}


def proven(f, box, **arguments):
    problem = f if isinstance(f, nc.Problem) else nc.Problem(f)
    return nc.landscape(problem, box, certify=True, **arguments)


def by_index(found):
    indices = [p.index for p in found.points]
    return [indices.count(k) for k in range(found.lower.size + 1)]


def powers(n):
    """1/4 |x x^T - diag(1, ..., n)|^2: MF2 of the theorems."""
    v = sp.Matrix(sp.symbols(f"x1:{n + 1}"))
    return nc.Problem(sum(e**2 for e in (v * v.T - sp.diag(*range(1, n + 1)))) / 4), dict.fromkeys(v, (-3, 3))


def phase_retrieval():
    """PR1 with z = (1, 2): the saddles x with x.z = 0 and |x|^2 = |z|^2 / 3 are two points in the plane."""
    norm, inner = x**2 + y**2, x + 2 * y
    return nc.Problem((3 * norm**2 + 75 - 10 * norm - 4 * inner**2) / 4), {x: (-3, 3.1), y: (-3.2, 3)}


def rastrigin():
    f = 20 + x**2 + y**2 - 10 * (sp.cos(2 * sp.pi * x) + sp.cos(2 * sp.pi * y))
    return nc.Problem(f), {x: (-5.12, 5.12), y: (-5.12, 5.12)}


def wells(n):
    v = sp.symbols(f"x1:{n + 1}")
    pairs = sum(a * b for a, b in pairwise(v))
    return nc.Problem(sum((a**2 - 1) ** 2 for a in v) + pairs / 10), dict.fromkeys(v, (-2, 2))


@pytest.mark.parametrize(
    ("problem", "box", "indices"),
    [
        (HIMMELBLAU, SIX, [4, 4, 1]),
        (CAMEL, {x: (-3, 3), y: (-2, 2)}, [6, 7, 2]),
        (*rastrigin(), [121, 220, 100]),
        (*wells(3), [8, 12, 6, 1]),
        (*powers(3), [2, 2, 2, 1]),
        (*phase_retrieval(), [2, 2, 1]),
    ],
    ids=["himmelblau", "camel", "rastrigin", "wells", "powers", "phase retrieval"],
)
def test_complete_lists(problem, box, indices):
    found = proven(problem, box, connect=False)
    assert found.complete
    assert found.message.startswith("yes, proven")
    assert by_index(found) == indices
    assert found.morse_sum == found.expected_morse_sum == 1
    assert all(p.certified for p in found.points)
    assert not found.undecided


def test_phase_retrieval_has_the_eigenvalues_of_theory():
    """At z: 6 |z|^2 and 2 |z|^2; at 0: -3 |z|^2 and -|z|^2; at the saddles -2 |z|^2 and 2 |z|^2."""
    found = proven(*phase_retrieval(), connect=False)
    expected = {0: (10, 30), 1: (-10, 10), 2: (-15, -5)}
    for p in found.points:
        np.testing.assert_allclose(p.eigenvalues, expected[p.index], rtol=1e-12)


def test_mueller_brown_by_name(run):
    result = run("landscape", "mueller-brown", "--box", "x=-1.5:1.2,y=-0.2:2", "--certify", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found.keys() >= {"problem", "box", "complete", "certified", "seconds", "undecided", "points"}
    assert found["complete"] is True
    assert found["box"] == {"x": [-1.5, 1.2], "y": [-0.2, 2.0]}
    values = [-146.69951721, -108.16672412, -80.76781813, -72.24894011, -40.66484351]
    np.testing.assert_allclose([p["objective"] for p in found["points"]], values, atol=1e-7)
    assert [p["index"] for p in found["points"]] == [0, 0, 0, 1, 1]
    assert all(
        p.keys() >= {"x", "values", "objective", "kind", "index", "nullity", "eigenvalues", "certified"}
        for p in found["points"]
    )


# -- what is not complete --------------------------------------------------------------------------------------------


def lose_the_box_of(point, monkeypatch):
    """Newton's method with an error: it leaves nothing of small boxes around the point."""
    narrowed = newton.narrowed

    def wrong(intervals, boxes, *arguments, **options):
        found = narrowed(intervals, boxes, *arguments, **options)
        lost = np.all((boxes.lower <= point) & (point <= boxes.upper), axis=1) & (boxes.widths.max(axis=1) < 2)
        found.boxes.lower[lost] = np.inf
        return found

    monkeypatch.setattr("ncsolve.landscapes.look.narrowed", wrong)


def test_a_lost_point_sets_off_the_alarm_of_morse(monkeypatch):
    lose_the_box_of(np.array([3.0, 2.0]), monkeypatch)
    found = proven(HIMMELBLAU, SIX, connect=False)
    assert len(found.points) < 9
    assert not found.complete
    assert found.message.startswith("ALARM: the Morse sum is ")
    assert found.morse_sum != found.expected_morse_sum == 1


@pytest.mark.parametrize("lost", ["waiting", "halves"])
def test_a_lost_box_is_missing_in_the_ledger(monkeypatch, lost):
    take, open_ = Search.take, Look.open

    def lossy(self, look):
        take(self, look)
        if self.looked_at < 20 and len(self.waiting) > 1:
            self.state = self.waiting.take(slice(1, None)), (), self.looks

    if lost == "waiting":
        monkeypatch.setattr(Search, "take", lossy)
    else:
        monkeypatch.setattr(Look, "open", lambda self: open_(self).take(slice(0, max(1, self.opened - 1))))
    found = proven(x**2 * y**2 + x**4 - y**2 + x + y**4, PLANE, connect=False)
    assert not found.complete
    assert "boxes were lost" in found.message


def test_minima_that_are_not_isolated():
    found = proven((x * y - 1) ** 2, {x: (-3, 3), y: (-3, 3)}, max_boxes=4000)
    assert not found.complete
    assert found.message.startswith("not proven complete: the budget of boxes is used up, ")
    assert "% of the box undecided; points that are not proven were sampled there" in found.message
    assert len(found.undecided) == 2
    for branch in found.undecided:
        assert branch.nearby.kind == "minimum"
        assert branch.nearby.nullity == 1
        assert "1-dimensional" in branch.nearby.explanation
    assert [(p.kind, p.certified) for p in found.points if not p.nullity] == [("saddle", True)]


def test_a_degenerate_point_is_told_but_not_proven():
    found = proven(x**3 - 3 * x * y**2, {x: (-1, 1), y: (-1, 1)})
    assert not found.complete
    assert [(p.kind, p.nullity, p.certified) for p in found.points] == [("saddle", 2, False)]
    assert found.undecided_fraction < 1e-9


@pytest.mark.parametrize(
    ("f", "complete", "kinds"),
    [
        (x * sp.log(x) + y**2, False, ["minimum"]),
        (sp.sqrt(x) + (x - 2) ** 2 + y**2, True, ["minimum", "saddle"]),
        (x + 1 / x + y**2, False, ["saddle", "minimum"]),
        (sp.tan(x) - 2 * x + y**2, False, ["saddle", "minimum", "saddle"]),
        (sp.Abs(x) + y**2, False, []),
        (sp.Abs(x - 1) * x + y**2, False, ["saddle"]),
        (sp.Piecewise((x**2, x < 1), (2 * x - 1, True)) + y**2, True, ["minimum"]),
        (sp.Piecewise((x**2, x < 1), ((x - 2) ** 2, True)) + y**2, False, ["minimum", "minimum"]),
        (sp.Max(x**2, (x - 1) ** 2) + y**2, False, []),
        (sp.Max(x, 0) ** 2 + (x - 1) ** 2 / 10 + y**2, True, ["minimum"]),
        ((x**2 - 1) ** sp.Rational(5, 2) + y**2, False, []),
        ((sp.Mod(x, 2) - 1) ** 2 + y**2, False, ["minimum"] * 3),
        (sp.atan2(y, x + 3) ** 2 + (x - 1) ** 2, True, ["minimum"]),
        (sp.atan2(y, x) ** 2 + (x + 1) ** 2, False, ["saddle", "saddle"]),
        (sp.gamma(x + sp.Rational(5, 2)) + sp.loggamma(y + 3), True, ["minimum"]),
    ],
    ids=str,
)
def test_functions_that_are_not_defined_or_smooth_everywhere(f, complete, kinds):
    found = proven(f, PLANE, connect=False)
    assert found.complete == complete
    assert sorted(p.kind for p in found.points if p.certified) == sorted(kinds)
    if not complete:
        assert found.undecided_fraction < 1e-6
        assert any(region.rough for region in found.undecided)


def test_a_zero_on_the_surface_is_left_open_and_one_outside_is_dropped():
    on = proven((x - sp.Rational(1, 3)) ** 2, {x: (0.3333333333333333, 1)})
    assert not on.complete
    assert len(on.undecided) == 1
    outside = proven((x - 1) ** 2, {x: (1.0001, 2)})
    assert outside.complete
    assert not outside.points


def test_bounds_of_the_problem_are_the_box_but_do_not_move_points():
    found = proven(nc.Problem((x**2 - 1) ** 2, bounds={x: (-2, 0.5)}), None)
    assert [p.kind for p in found.points] == ["minimum", "maximum"]


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ({x: (0, 1)}, "box: nothing is given for y. Every variable needs a finite low and high."),
        (None, "box: nothing is given for x, y."),
        ({x: (1, 0), y: (0, 1)}, "box: 'x' has low > high: 1 > 0."),
        ({x: (2, 2), y: (0, 1)}, "box: 'x' has no width: low and high are both 2."),
        ({x: (None, 1), y: (0, 1)}, "box: 'x' is unbounded: -inf to 1."),
        ({x: (0, 1), y: (0, np.inf)}, "box: 'y' is unbounded: 0 to inf."),
        ({x: (0, 1), y: (0, 1), "z": (0, 1)}, "box: there is no variable 'z'."),
        ({x: (0, np.nan), y: (0, 1)}, "box: 'x' contains nan."),
    ],
)
def test_bad_boxes(box, message):
    with pytest.raises(ProblemError) as error:
        nc.landscape(HIMMELBLAU, box, certify=True)
    assert message in str(error.value)


def test_interrupted(monkeypatch):
    take = Search.take

    def interrupted(self, look):
        if self.looked_at > 100:
            raise KeyboardInterrupt
        take(self, look)

    monkeypatch.setattr(Search, "take", interrupted)
    found = proven(HIMMELBLAU, SIX)
    assert found.interrupted
    assert not found.complete
    assert found.message.startswith("not proven complete: interrupted, ")
    assert found.points or found.undecided


def test_interrupted_before_anything_was_looked_at(monkeypatch):
    def interrupted(self, look):
        raise KeyboardInterrupt

    monkeypatch.setattr(Search, "take", interrupted)
    found = proven(HIMMELBLAU, SIX)
    assert found.interrupted
    assert not found.complete
    assert found.undecided_fraction == 1
    assert not nc.recheck(found.report()).complete


def test_narrow_boxes_are_not_halved_for_ever():
    for width, fate in ((1e-7, OPEN), (1e-5, HALVED)):
        boxes = Boxes(np.array([[0.0]]), np.array([[width]]))
        look = Look(np.zeros(1, np.uint8), boxes, np.zeros(1, bool), np.zeros(1, np.int64), np.zeros(1))
        divide(look, np.array([0]), boxes, np.ones((1, 1)), np.array([1e-6]))
        assert look.fate == [fate]


def test_a_stopped_proof_is_sampled_where_it_is_open():
    found = proven(*rastrigin(), connect=False, max_boxes=3500)
    sampled = [p for p in found.points if not p.certified]
    assert found.message.startswith("not proven complete: the budget of boxes is used up, ")
    assert sampled
    assert len(sampled) < len(found.points)
    assert 0 < found.undecided_fraction < 0.5
    for p in sampled:
        assert any((r.lower - 1e-6 <= p.x).all() and (p.x <= r.upper + 1e-6).all() for r in found.undecided)


def test_ctrl_c_twice_keeps_what_was_found(monkeypatch):
    take = Search.take

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    def then(self, look):
        if len(self.having(ZERO)) > 2:
            interrupted()
        take(self, look)

    monkeypatch.setattr(Search, "take", then)
    monkeypatch.setattr("ncsolve.landscapes.proven.one_of_each_orbit", interrupted)
    found = proven(HIMMELBLAU, SIX)
    assert found.interrupted
    assert any(p.certified for p in found.points)
    assert nc.recheck(found.report()).holds


# -- sampled, connected, shown ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
def test_where_f_flattens_far_away_the_minimum_inside_is_found():
    """A robust fit: |grad f|^2 alone leads to infinity from all starts."""
    t = np.linspace(0, 4, 60)
    measured = 2 * np.exp(-1.3 * t) + 0.3 + 0.02 * np.random.default_rng(0).standard_normal(60)
    measured[::9] += 2
    a, b, c, i = *sp.symbols("a b c"), sp.Symbol("i", integer=True)
    T, Y = sp.IndexedBase("T", shape=(60,)), sp.IndexedBase("Y", shape=(60,))
    f = sp.Sum(sp.log(1 + 100 * (a * sp.exp(-b * T[i]) + c - Y[i]) ** 2), (i, 0, 59))
    problem = nc.Problem(f, data={T: t, Y: measured})
    found = nc.landscape(problem, {a: (0, 4), b: (0, 4), c: (-1, 1)}, connect=False, max_seconds=60)
    assert found.points[0].kind == "minimum"
    assert np.allclose(found.points[0].x, [2.0, 1.3, 0.3], atol=0.05)


def test_sampled_points_are_the_same_but_not_proven():
    found = nc.landscape(HIMMELBLAU, SIX)
    assert by_index(found) == [4, 4, 1]
    assert not found.complete
    assert not any(p.certified for p in found.points)
    assert found.message.startswith("not proven complete: points were sampled")
    assert found.morse_sum == found.expected_morse_sum == 1


def test_sampled_lists_are_told_up_to_symmetry():
    found = nc.landscape(*wells(2), connect=False)
    assert by_index(found) == [4, 4, 1]
    assert sorted(map(len, found.orbits)) == [1, 2, 2, 4] or sorted(map(len, found.orbits)) == [1, 2, 2, 2, 2]
    assert sorted(k for orbit in found.orbits for k in orbit) == list(range(9))
    for orbit in found.orbits:
        np.testing.assert_allclose([found.points[k].objective for k in orbit], found.points[orbit[0]].objective)
    assert "up to signs and permutations of the variables: " in found.summary()
    assert nc.landscape(HIMMELBLAU, SIX, connect=False).orbits == ()


def test_images_of_points_are_found_by_symmetry():
    flip = Discrete("sign of x", np.arange(2), np.array([-1.0, 1.0]))
    swap = Discrete("swap", np.array([1, 0]), np.ones(2))
    points = completed(np.array([[2.0, 1.0]]), [flip, swap], -3 * np.ones(2), np.array([3.0, 1.5]))
    expected = {(2, 1), (-2, 1), (1, -2), (-1, -2), (2, -1), (-2, -1)}
    assert {tuple(p) for p in points} == expected
    assert orbits(points, [flip, swap], np.ones(2)) == (tuple(range(6)),)


def test_one_point_of_a_curve_is_sampled():
    found = nc.landscape(nc.Problem((x * y - 1) ** 2), {x: (-3, 3), y: (-3, 3)}, connect=False)
    assert sorted((p.kind, p.nullity) for p in found.points) == [("minimum", 1), ("saddle", 0)]
    flat = nc.landscape(nc.Problem(x**4 * (x - 1) ** 4), {x: (-2, 2)}, connect=False)  # not by symmetry
    assert len([p for p in flat.points if p.objective < 1e-9]) == 2


def test_too_many_variables_to_divide():
    v, i = sp.IndexedBase("v", shape=(14,)), sp.Symbol("i", integer=True)
    found = proven(nc.Problem(sp.Sum((i + 1) * (v[i] - 1) ** 2, (i, 0, 13))), {v: (-2, 2)}, connect=False)
    assert [(p.kind, p.certified) for p in found.points] == [("minimum", True)]
    assert not found.complete
    assert "14 variables are too many" in found.message


def test_saddles_connect_the_minima_on_both_sides():
    found = proven(HIMMELBLAU, SIX)
    at = {k: tuple(np.round(p.x).astype(int)) for k, p in enumerate(found.points)}
    pairs = [{at[c.left], at[c.right]} for c in found.connections]
    assert pairs == [{(3, 2), (4, -2)}, {(3, 2), (-3, 3)}, {(-3, 3), (-4, -3)}, {(4, -2), (-4, -3)}]


def test_text_plot_and_exit_code(run, tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "all.png"
    result = run("landscape", "himmelblau", "--box", "x=-6:6,y=-6:6", "--certify", "--plot", str(picture))
    assert result.exit_code == 0
    assert result.stdout.startswith("9 critical points of 'himmelblau': 4 minima, 4 saddles, 1 maximum\n")
    assert (
        "barriers: from a minimum over a saddle to the next minimum\n    4  0 (up 13.3119) - 1 (up 13.3119)"
        in result.stdout
    )
    assert "complete      yes, proven" in result.stdout
    assert picture.stat().st_size > 10_000
    assert run("landscape", "monkey-saddle", "--box", "x=-1:1,y=-1:1", "--certify").exit_code == 4
    wrong = run("landscape", "himmelblau", "--box", "x=1:-1,y=0:1", "--certify")
    assert (wrong.exit_code, wrong.stderr) == (2, "Error: box: 'x' has low > high: 1 > -1.\n")


def test_a_logistic_function_has_no_kink_at_zero():
    found = proven(sp.log(1 + sp.exp(x)) - x / 2 + 1 / (1 + sp.exp(-y)) ** 2 + y**2, PLANE)
    assert found.complete
    assert [(p.kind, p.certified) for p in found.points] == [("minimum", True)]
    assert found.points[0].certificate.lower[0] <= 0 <= found.points[0].certificate.upper[0]


def test_many_undecided_boxes_are_put_together_quickly():
    rng = np.random.default_rng(0)
    lower = rng.random((20_000, 9))
    groups = touching(lower, lower + 1e-3)
    assert sorted(np.concatenate(groups)) == list(range(20_000))
    ends = np.array([[0.0, 0.0], [1.0, 0.5], [5.0, 5.0]])
    assert [sorted(group) for group in touching(ends, ends + 1.0)] == [[0, 1], [2]]


def test_minima_are_joined_by_the_lowest_saddles():
    from ncsolve.landscapes.tree import forest, merges

    found = proven(HIMMELBLAU, SIX)
    assert [branch.saddle for branch in merges(found)] == [4, 5, 6]  # 7, the highest, joins nothing that is apart
    (tree,) = forest(found)
    assert sorted(tree.minima) == [0, 1, 2, 3]
    assert tree.height == found.points[6].objective
    assert found.to_json()["merges"][0]["saddle"] == 4


def test_poles_have_no_morse_sum():
    found = proven(x**2 + (1 + y**2) / (x - sp.Rational(1, 7)) ** 2 + y**2, {x: (-3, 3), y: (-3, 3)})
    assert found.expected_morse_sum is None
    assert found.morse_sum == 2
    assert "ALARM" not in found.message


def test_the_page_runs(run, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "landscape.md").read_text(encoding="utf-8")
    namespace: dict[str, object] = {}
    for cell in re.findall(r"```\{code-cell\}\n(?::tags: [^\n]*\n)?(.*?)```", page, re.DOTALL):
        if cell.startswith("%%bash"):
            assert run(*shlex.split(cell.split("|")[0])[2:]).exit_code == 0
        elif not cell.startswith(("%run", "from IPython")):
            exec(cell, namespace)
    assert Path("landscape.svg").is_file()
    assert namespace["proven"].complete
    assert not namespace["sampled"].complete
