"""A report proves itself, and any number in it that is changed is found."""

import copy
import json
import re

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import StoreError
from ncsolve.landscapes.report import sealed
from ncsolve.store.expressions import read_problem, write_problem

pytest.importorskip("flint")

x, y = sp.symbols("x y", real=True)
HIMMELBLAU = nc.Problem((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2, name="himmelblau")
SIX = {x: (-6, 6), y: (-6, 6)}


@pytest.fixture(scope="module")
def report():
    return json.dumps(nc.landscape(HIMMELBLAU, SIX, certify=True, connect=False).report())


def changed(report, change):
    """With a new digest, as by someone who knows of it."""
    data = json.loads(report)
    change(data)
    return sealed(data)


def test_a_report_holds(report):
    again = nc.recheck(json.loads(report), HIMMELBLAU)
    assert (again.holds, again.complete, again.wrong, again.undecided) == (True, True, (), 0.0)
    assert again.counts == {"minimum": 4, "saddle": 4, "maximum": 1}


TAMPERED = {
    "an enclosure is moved": (lambda d: shift(d["points"][2], 1e-9), "point 2: that its enclosure holds one critical"),
    "an enclosure is widened": (lambda d: widen(d["points"][1], 1e-9), "point 1: its enclosure is wider than"),
    "a value is moved": (lambda d: d["points"][4].update(value=[13.3, 13.4]), "point 4: f is in [13.3119"),
    "a value is widened": (lambda d: widen_value(d["points"][0], 1e-20), "point 0: f is in ["),
    "a value is narrowed": (lambda d: widen_value(d["points"][5], -1e-13), "point 5: f is in [67.719"),
    "an index": (lambda d: d["points"][0].update(index=1, kind="saddle"), "point 0: its index is 0, not 1."),
    "a kind": (lambda d: d["points"][0].update(kind="saddle"), "point 0 of the report is called saddle and has index"),
    "a point is dropped": (lambda d: d["points"].pop(3), "have a critical point that is not in the list"),
    "a point twice": (lambda d: d["points"].append(d["points"][0]), "point 9 is in the list twice."),
    "a point outside": (lambda d: d["outside"].append(d["points"].pop(0)), "is not proven to be outside the box."),
    "a leaf is dropped": (lambda d: d.update(tree=d["tree"][:-1]), "lacks a box: a part of the whole is not accounted"),
    "a leaf too many": (lambda d: d.update(tree=d["tree"] + "."), "has a box too many."),
    "a subtree is dropped": (lambda d: d.update(tree=".", cuts=[], axes=[], places=[]), "1 of 1 boxes are not what"),
    "a zero is denied": (lambda d: d.update(tree=d["tree"].replace("z", ".", 1)), "boxes are not what the report says"),
    "a zero is claimed": (lambda d: d.update(tree=d["tree"].replace(".", "z", 1)), "boxes are not what the report say"),
    "a leaf is open": (lambda d: d.update(tree=d["tree"].replace(".", "?", 1)), "is not complete, and the report says"),
    "a part is moved": (lambda d: d["cuts"][0][0].__setitem__(0, -5.0), "boxes are not what the report says"),
    "a part sticks out": (lambda d: d["cuts"][3][1].__setitem__(1, 7.0), "a part of a box is not inside it."),
    "a half is moved": (lambda d: d["places"].__setitem__(0, 5.9), "boxes are not what the report says of them."),
    "a half is outside": (lambda d: d["places"].__setitem__(0, 9.0), "a box is halved outside itself."),
    "an axis": (lambda d: d["axes"].__setitem__(0, 1 - d["axes"][0]), "of them."),
    "no such axis": (lambda d: d["axes"].__setitem__(0, 2), "the tree of boxes and its numbers do not fit together."),
    "a larger box": (lambda d: d["box"][0].__setitem__(0, -7.0), "boxes are not what the report says"),
    "a smaller box": (lambda d: d["box"][0].__setitem__(0, -3.0), "is not in the box."),
    "an empty box": (lambda d: d["box"][0].__setitem__(0, 6.0), "the box of the report is empty or unbounded."),
    "completeness": (lambda d: d.update(complete=False), "the list is complete, and the report says otherwise."),
    "the expression": (lambda d: swap(d["expression"], "11", "12"), "the expression of the report is not that of"),
    "a new key": (lambda d: d.update(proven=True), "holds 'proven', of which nothing is known."),
    "a variable": (lambda d: d["points"][0]["lower"].append(0.0), "point 0 of the report is no point of 2 variables"),
    "no numbers": (lambda d: d["points"][0].update(lower="12"), "of the report"),
    "no numbers of a part": (lambda d: d["cuts"].__setitem__(0, "a"), "a number is not finite, or none"),
    "another format": (lambda d: d.update(format="ncsolve report 2"), "Did you mean 'ncsolve report 1'?"),
}


def shift(point, by):
    point.update(lower=[v + by for v in point["lower"]], upper=[v + by for v in point["upper"]])


def widen(point, by):
    point.update(upper=[v + by for v in point["upper"]])


def widen_value(point, by):
    point["value"][1] += by


def swap(expression, old, new):
    for node in expression["nodes"]:
        node[1:] = [new if part in (old, f"-{old}") else part for part in node[1:]]


@pytest.mark.parametrize("what", TAMPERED)
def test_what_is_changed_is_found(report, what):
    change, sentence = TAMPERED[what]
    try:
        data = changed(report, change)
        again = nc.recheck(data, HIMMELBLAU)
        assert not again.holds
        assert not again.complete
        told = " ".join(again.wrong)
    except StoreError as error:
        told = str(error)
    assert sentence in told


def test_every_single_number_counts(report):
    """Each number of the cuts and places, of the points and the box, is changed once by a thousandth."""
    data = json.loads(report)
    rng = np.random.default_rng(0)
    where = [("cuts", k, s, i) for k in range(len(data["cuts"])) for s in (0, 1) for i in (0, 1)]
    where += [("points", k, s, i) for k in range(9) for s in ("lower", "upper", "value") for i in (0, 1)]
    for place in rng.permutation(len(where))[:8]:
        other, (top, k, s, i) = copy.deepcopy(data), where[place]
        other[top][k][s][i] += 1e-3 * (1 if s in (0, "lower") else -1)  # less than is proven
        assert "the file was changed after it was written" in nc.recheck(other).wrong[0]
        assert not nc.recheck(sealed(other)).holds or top == "cuts"  # a smaller part may still be proven


def test_a_search_with_an_error_writes_a_report_that_does_not_hold(monkeypatch):
    """Newton's method that loses a maximum and a saddle: the Morse sum is right, and the report is not."""
    from ncsolve.landscapes import newton

    lost = np.array([[-0.2708445907, -0.9230385565], [-0.1279613467, -1.9537149802]])

    def wrong(intervals, boxes, *arguments, **options):
        found = newton.narrowed(intervals, boxes, *arguments, **options)
        for point in lost:
            holds = np.all((boxes.lower <= point) & (point <= boxes.upper), axis=1) & (boxes.widths.max(axis=1) < 1)
            found.boxes.lower[holds] = np.inf
        return found

    with monkeypatch.context() as patched:
        patched.setattr("ncsolve.landscapes.look.narrowed", wrong)
        found = nc.landscape(HIMMELBLAU, SIX, certify=True, connect=False)
        report = found.report()
    assert found.complete
    assert len(found.points) == 7
    again = nc.recheck(report)
    assert not again.complete
    assert "boxes are not what the report says of them" in again.wrong[0]


def test_an_unfinished_proof_says_how_much_it_proves():
    found = nc.landscape(nc.Problem((x * y - 1) ** 2), {x: (-3, 3), y: (-3, 3)}, certify=True, max_boxes=600)
    again = nc.recheck(json.loads(json.dumps(found.report())))
    assert again.holds
    assert not again.complete
    assert again.undecided == pytest.approx(found.undecided_fraction, rel=1e-9)
    assert again.counts == {"saddle": 1}
    assert "no: nothing is proven of " in again.summary()


def test_numbers_that_are_not_finite_are_not_written():
    with pytest.raises(StoreError, match="a number is not finite, or none: no report can hold it"):
        sealed({"points": [{"value": [0.0, np.inf]}]})
    with pytest.raises(StoreError, match="nothing is proven here that a report could hold: --certify proves"):
        nc.landscape(nc.Problem(x**2), {x: (-1, 1)}).report()


def test_points_on_and_near_the_surface():
    on = nc.landscape(nc.Problem((x - sp.Rational(1, 3)) ** 2), {x: (0.3333333333333333, 1)}, certify=True)
    assert nc.recheck(on.report()).holds
    near = nc.landscape(nc.Problem((x - 1) ** 2 * (x + 1) ** 2), {x: (-1.0000001, 0.9999999)}, certify=True)
    assert near.complete
    assert len(near.report()["outside"]) == 1
    assert nc.recheck(near.report()).complete


def test_commands(run, tmp_path, problem_file):
    file, point = str(tmp_path / "all.json"), str(tmp_path / "one.json")
    box = ("--box", "x=-6:6,y=-6:6", "--no-connect")
    assert run("landscape", "himmelblau", *box, "--certify", "--out", file).exit_code == 0
    again = run("recheck", file, "--problem", "himmelblau")
    assert again.exit_code == 0
    assert again.stdout.startswith("9 critical points of 'himmelblau': 4 minima, 4 saddles, 1 maximum\n")
    assert "complete      yes, proven again" in again.stdout
    assert json.loads(run("recheck", file, "--json").stdout)["complete"] is True
    other = run("recheck", file, "--problem", "rosenbrock", "-p", "n=2")
    assert (other.exit_code, "NOT PROVEN" in other.stdout) == (5, True)
    assert run("classify", "himmelblau", "--at", "3,2", "--certify", "--out", point).exit_code == 0
    assert "all proven again" in run("recheck", point).stdout
    for arguments, text in (
        (("recheck", "nothing.json"), "cannot read nothing.json"),
        (("recheck", problem_file('{"format": NaN}', "nan.json")), "nan.json is no report: it is no JSON"),
        (("recheck", problem_file("")), "mine.py is no report: it is no JSON"),
        (("landscape", "himmelblau", *box, "--out", file), "--out writes what is proven: it needs --certify."),
        (("classify", "monkey-saddle", "--at", "0,0", "--certify", "--out", point), "nothing is proven of this point"),
    ):
        wrong = run(*arguments)
        assert (wrong.exit_code, text in wrong.stderr) == (2, True), wrong.stderr


# -- expressions -----------------------------------------------------------------------------------------------------


def test_expressions_are_the_same_when_read():
    v, A, M = sp.IndexedBase("v", shape=(3,)), sp.IndexedBase("A", shape=(3,)), sp.MatrixSymbol("M", 2, 2)
    i, lam, dummy = sp.Symbol("i", integer=True), sp.Symbol("lam", positive=True), sp.Dummy("d")
    f = (
        sp.Sum(A[i] * (v[i] ** 2 - lam) ** 2, (i, 0, 2))
        + 0.1 * sp.Trace(M.T * M)
        + sp.Piecewise((x, x > 0), (x**2, True))
    )
    f += sp.atan2(y, sp.Rational(1, 3)) + sp.Max(x, y, sp.pi) + dummy**2
    problem = nc.Problem(f, data={A: [1, 0.1, 2.5]}, parameters={lam: 0.7})
    read = read_problem(json.loads(json.dumps(write_problem(problem))))
    point = np.linspace(0.3, 1.1, problem.n)
    assert nc.compile(read).value(point) == nc.compile(problem).value(point)
    again = write_problem(read)
    assert again == write_problem(problem)


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ([["Symbol", "x", {}], ["eval", 0]], "there is no 'eval'"),
        ([["Symbol", "x", {}], ["exp", "__import__('os')"]], "there is no 'exp' with such arguments"),
        ([["Symbol", "x", {}], ["Pow", 0, 7]], "there is no 'Pow' with such arguments"),
        ([["Symbol", ["x"], {}]], "is no symbol"),
        ([["Symbol", "x", {"real": "yes"}]], "is no symbol"),
        ([["Symbol", "x", {}], ["Rational", "1.5", "1"]], "invalid literal"),
        ([["Symbol", "x", {}], ["Add", 0, True]], "there is no 'Add' with such arguments"),
    ],
)
def test_nothing_else_is_read(nodes, text):
    written = {"nodes": nodes, "objective": len(nodes) - 1, "variables": [], "parameters": [], "data": []}
    with pytest.raises(StoreError, match="the expression cannot be read: .*" + re.escape(text)):
        read_problem(written)
