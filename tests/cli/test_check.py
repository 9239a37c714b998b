"""`ncsolve check`: derivatives by Taylor slopes, known points by classification."""

import json
import re

import numpy as np
import pytest

from ncsolve.critical.check import slope_of
from ncsolve.oracle import Oracle


@pytest.mark.parametrize("problem", ["himmelblau", "rosenbrock", "logistic-regression", "monkey-saddle"])
def test_the_library_passes(run, problem):
    result = run("check", problem)
    assert result.exit_code == 0
    assert "FAILED" not in result.stdout


def test_json(run):
    report = json.loads(run("check", "himmelblau", "--json").stdout)
    assert (report["problem"], report["ok"]) == ("himmelblau", True)
    assert len(report["checks"]) == 6 + 9
    assert all(check.keys() == {"check", "ok", "detail"} for check in report["checks"])


@pytest.mark.parametrize(
    ("known", "detail"),
    [
        ("nc.Saddle({x: 1})", "minimum, index 0"),
        ("nc.Minimum({x: 0})", "maximum, index 1"),
        ("nc.Minimum({x: 2})", "not-critical"),
        ("nc.Minimum({x: 1}, value=-1)", "objective -0.25, declared -1"),
    ],
)
def test_a_known_point_that_is_none_means_exit_code_5(run, problem_file, known, detail):
    file = problem_file(f"problem = nc.Problem(x**4/4 - x**2/2, known=[{known}])")
    result = run("check", file)
    assert result.exit_code == 5
    assert detail in next(line for line in result.stdout.splitlines() if "FAILED" in line)


@pytest.mark.parametrize(
    ("method", "wrong", "line", "slope"),
    [
        ("value_and_gradient", lambda answer: (answer[0], 1.001 * answer[1]), 1, r"gradient .* 1\.\d\d"),
        ("hvp", lambda product: 1.001 * product, 2, r"Hessian .* (1\.9|2\.0)\d"),
    ],
)
def test_wrong_derivatives_are_found(run, monkeypatch, method, wrong, line, slope):
    """Off by 0.1%, the first derivative leaves a remainder of order 1, the second one of order 2."""
    right = getattr(Oracle, method)
    monkeypatch.setattr(Oracle, method, lambda *arguments: wrong(right(*arguments)))
    result = run("check", "beale")
    assert result.exit_code == 5
    assert re.match(rf"{slope} \(should be {line + 1}\)", result.stdout.splitlines()[line])
    assert "FAILED" in result.stdout.splitlines()[line]


def test_an_undefined_start_is_named(run, problem_file):
    result = run("check", problem_file("problem = nc.Problem(sp.log(x) + x**2, start={x: -1})"))
    assert result.exit_code == 5
    assert "log(x) is nan where x = -1" in result.stdout


def test_where_it_is_undefined_is_a_warning(run, problem_file):
    file = problem_file("problem = nc.Problem(sp.log(x - 2) + y**2, start={x: 5}, bounds={x: (3, None)})")
    assert "warning" not in run("check", file).stdout
    result = run("check", file, "--box", "x=-5:5,y=:3")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "warning: log(x - 2) is undefined where x - 2 <= 0, e.g. at x = 0"
    report = json.loads(run("check", file, "--box", "x=0:", "--json").stdout)
    assert report["ok"]
    (finding,) = report["domain"]
    assert (finding["certain"], finding["order"], finding["expression"]) == (True, 0, "log(x - 2)")


def test_a_box_of_elements(run, problem_file):
    file = problem_file("problem = nc.Problem(sp.Sum(sp.sqrt(v[i]), (i, 0, 2)), bounds={v: (1, 9)}, start={v: 2})")
    assert "warning" not in run("check", file).stdout
    assert "warning: sqrt(v[1]) is undefined where v[1] < 0" in run("check", file, "--box", "v[1]=-1:2").stdout
    assert "warning" not in run("check", file, "--box", "v[1]=1:,v[2]=2:3").stdout


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ("x=3", "--box: 'x=3' is neither NAME=LOW:HIGH nor NAME[INDEX]=LOW:HIGH."),
        ("x=1:0", "box: 'x' has low > high: 1 > 0."),
        ("z=1:2", "box: there is no variable 'z'."),
        ("x=a:2", "--box: 'a' is not a number."),
        ("x=0:1,x=1:2", "--box gives x twice."),
        ("", "--box is empty: write NAME=LOW:HIGH, and a comma before the next one."),
        ("x=0:inf", "--box: leave a side out where the box is unbounded, as in x=0: and x=:1."),
        ("x=nan:1", "--box: nan is not a finite number."),
        ("v[1]=2:1", "box: 'v[1]' has low > high: 2 > 1."),
        ("v[7]=0:1", "--box: there is no v[7]; its shape is (3,)."),
    ],
)
def test_boxes_that_make_no_sense(run, problem_file, box, message):
    file = problem_file("problem = nc.Problem(x**2 + sp.Sum(v[i]**2, (i, 0, 2)))")
    result = run("check", file, "--box", box)
    assert result.exit_code == 2
    assert message in result.stderr


def test_slopes():
    h = 0.5 ** np.arange(1, 35)
    rounding = 1e-16 * np.cos(np.arange(34))
    assert slope_of(3 * h**2 + rounding) == pytest.approx(2, abs=0.05)
    assert slope_of(1e-3 * h + rounding) == pytest.approx(1, abs=0.05)
    assert slope_of(rounding) == np.inf
