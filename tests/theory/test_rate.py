"""Empirical rates: closed forms, what is left out, runs and folders, bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError, StoreError
from ncsolve.rates import rate
from ncsolve.theory.rate import fitted_rate

x, y = sp.symbols("x y")
k = np.arange(200.0)


@pytest.mark.parametrize(
    ("errors", "model", "number"),
    [
        (0.9**k, "linear", 0.9),
        (0.9**k + 5 * 0.5**k + 3 * 0.7**k, "linear", 0.9),
        (3.0 / (k + 1) ** 2, "sublinear", 2.0),
        ((k + 7) ** -1.5, "sublinear", 1.5),
        ([0.8 ** (3**j) for j in range(5)], "superlinear", 3.0),
        ([0.8 ** (2**j) for j in range(7)], "superlinear", 2.0),
    ],
)
def test_closed_forms(errors, model, number):
    found = fitted_rate(errors)
    assert found.model == model
    assert found.number == pytest.approx(number, rel=5e-3)
    low, high = found.interval
    assert low <= found.number <= high
    assert found.fit == pytest.approx(np.asarray(errors)[found.iterations.astype(int)], rel=1e-2)


def test_the_interval_holds_the_ratio_of_an_oscillating_run():
    found = fitted_rate(0.9**k * (1.2 + np.cos(k)))
    assert found.interval[0] < 0.9 < found.interval[1]
    assert found.interval[1] - found.interval[0] > 0.01


def test_the_rounding_floor_is_left_out():
    noise = np.random.default_rng(0).random(200)
    found = fitted_rate(0.5**k + 1e-17 * noise)
    assert found.number == pytest.approx(0.5, rel=1e-3)
    assert found.window[1] < 45
    assert fitted_rate(0.9**k + 0.1 * noise).model == "none"
    assert "do not fall" in fitted_rate(0.9**k + 0.1 * noise).reason


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ([1.0, 0.0], "1 errors stand above the rounding floor"),
        (0.9 ** np.arange(9.0), "5 errors are left"),
        ([], "0 err"),
    ],
)
def test_too_little_data(errors, said):
    found = fitted_rate(errors)
    assert (found.model, said in found.reason) == ("none", True)
    assert str(found) == f"no rate: {found.reason}"


def test_gradient_descent_on_a_quadratic():
    """1 - eta m of the gradient, its square of f - f*."""
    problem = nc.Problem(x**2 / 2 + 2 * y**2, start={x: 1, y: 1})
    found = rate(nc.solve(problem, "gd", options={"step_size": 0.2}, gradient_tolerance=1e-9), minimum=0)
    assert found["gradient_norm"].number == pytest.approx(0.8, rel=1e-9)
    assert found["objective"].number == pytest.approx(0.64, rel=1e-9)
    assert {each.model for each in found.values()} == {"linear"}


def test_gradient_descent_on_a_quartic_is_sublinear():
    """x_k^2 ~ 1 / (2 eta k): f ~ k^-2 and |g| ~ k^-3/2."""
    problem = nc.Problem(x**4 / 4, start={x: 1})
    run = nc.solve(problem, "gd", options={"step_size": 0.1}, max_iterations=1000, gradient_tolerance=1e-12)
    found = rate(run, minimum=0)
    assert {each.model for each in found.values()} == {"sublinear"}
    assert found["objective"].number == pytest.approx(2, rel=5e-3)
    assert found["gradient_norm"].number == pytest.approx(1.5, rel=5e-3)


@pytest.mark.parametrize(("f", "start", "order"), [(sp.exp(x) - x, 1.0, 2), (sp.sqrt(1 + x**2), 0.8, 3)])
def test_newton(f, start, order):
    run = nc.solve(nc.Problem(f, start={x: start}), "newton", gradient_tolerance=1e-14)
    found = rate(run)["gradient_norm"]
    assert (found.model, found.number) == ("superlinear", pytest.approx(order, rel=0.02))


def test_kept_runs(run, tmp_path):
    folder = tmp_path / "run"
    run("solve", "x2-3sin2", "-s", "gd", "-o", "step_size=0.05", "--out", str(folder))
    found = rate(folder)
    assert found["gradient_norm"].number == pytest.approx(0.6, rel=1e-3)
    assert found["objective"].number == pytest.approx(0.36, rel=1e-3)
    done = run("rate", str(folder), "--plot", str(tmp_path / "rate.svg"))
    assert done.exit_code == 0
    assert done.stdout.startswith("gradient_norm: linear, ratio 0.6")
    assert "\nf - f*: linear, ratio 0.36" in done.stdout
    assert (tmp_path / "rate.svg").stat().st_size > 1000
    data = json.loads(run("rate", str(folder / "trace.npz"), "--json").stdout)["rates"]
    assert data["gradient_norm"].keys() == {
        "model", "number", "meaning", "interval", "window", "residuals", "reason",
    }  # fmt: skip
    assert data["gradient_norm"]["meaning"] == "ratio"


def test_bad_input(run, tmp_path):
    with pytest.raises(StoreError, match=r"holds no trace.npz: it is what `ncsolve solve --out`"):
        rate(tmp_path)
    with pytest.raises(OptionError, match="The trace has no column 'gradient_norm'"):
        rate({"iteration": k, "objective": k})
    with pytest.raises(OptionError, match="A rate is that of a Result"):
        rate(object())
    with pytest.raises(OptionError, match="one dimension, not of 2"):
        rate(np.ones((3, 3)))
    assert run("rate", str(tmp_path)).exit_code == 2
