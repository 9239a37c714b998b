"""`ncsolve check`: derivatives by Taylor slopes, known points by classification."""

import json
import re

import numpy as np
import pytest

from ncsolve.cli.check import slope_of


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


def test_a_wrong_gradient_is_found(run, monkeypatch):
    from ncsolve.oracle import Oracle

    right = Oracle.value_and_gradient
    monkeypatch.setattr(Oracle, "value_and_gradient", lambda self, x: (right(self, x)[0], 1.001 * right(self, x)[1]))
    result = run("check", "beale")
    assert result.exit_code == 5
    assert "gradient at the start           FAILED  slope of the Taylor remainder 1." in result.stdout


def test_a_wrong_hessian_is_found(run, monkeypatch):
    from ncsolve.oracle import Oracle

    right = Oracle.hvp
    monkeypatch.setattr(Oracle, "hvp", lambda self, x, v: 1.001 * right(self, x, v))
    lines = run("check", "beale").stdout.splitlines()
    assert "ok" in lines[1]
    assert re.match(r"Hessian at the start +FAILED  slope of the Taylor remainder (1\.9|2\.0)", lines[2])


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
