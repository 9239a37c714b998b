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


def test_slopes():
    h = 0.5 ** np.arange(1, 35)
    rounding = 1e-16 * np.cos(np.arange(34))
    assert slope_of(3 * h**2 + rounding) == pytest.approx(2, abs=0.05)
    assert slope_of(1e-3 * h + rounding) == pytest.approx(1, abs=0.05)
    assert slope_of(rounding) == np.inf
