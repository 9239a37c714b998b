"""`ncsolve verify` and `ncsolve theorems`."""

from __future__ import annotations

import json

import pytest

from ncsolve.compare import Entrant
from ncsolve.hooks import registry
from ncsolve.problem import load
from ncsolve.report.bounds import guarantees
from ncsolve.report.formula import readable


def test_verify_prints_the_verdict(run):
    result = run("verify", "x2-3sin2", "--theorem", "GD3b")
    assert result.exit_code == 0
    assert "gd-pl-sharp: HOLDS" in result.output
    assert "tightness 0.96" in result.output
    assert "smoothness = 8 (declared)" in result.output


def test_violated_exits_with_5_and_json_has_the_keys(run):
    result = run("verify", "x2-3sin2", "--theorem", "gd-pl-sharp", "-c", "pl=0.36", "--json")
    assert result.exit_code == 5
    data = json.loads(result.stdout)
    assert (data["problem"], data["solver"]) == ("x2-3sin2", "gd")
    (verdict,) = data["verdicts"]
    assert {"theorem", "verdict", "constants", "first_violation", "tightness"} <= set(verdict)
    assert {"measured_rate", "theoretical_rate"} <= set(verdict)
    assert verdict["constants"]["pl"] == {"value": 0.36, "provenance": "declared"}
    assert verdict["first_violation"]["iteration"] == 3


def test_without_a_theorem(run):
    result = run("verify", "x2-3sin2", "-s", "gd", "--json")
    verdicts = {each["theorem"]: each["verdict"] for each in json.loads(result.stdout)["verdicts"]}
    assert result.exit_code == 0
    assert verdicts["gd-descent"] == "HOLDS"
    assert verdicts["gd-convex"] == "NOT-APPLICABLE"


def test_the_plot_shows_run_and_bound(run, tmp_path):
    file = tmp_path / "bounds.svg"
    assert run("verify", "x2-3sin2", "--theorem", "GD3a", "--plot", str(file)).exit_code == 0
    assert file.read_text().startswith("<?xml")


def test_bad_input(run):
    result = run("verify", "x2-3sin2", "--theorem", "gd-pl-lineer")
    assert result.exit_code == 2
    assert "Did you mean 'gd-pl-linear'?" in result.stderr
    assert run("verify", "x2-3sin2", "--plot", "a.pdf").exit_code == 2


def test_theorems_lists_and_shows(run):
    listed = json.loads(run("theorems", "--json").stdout)["theorems"]
    assert [each["name"] for each in listed] == list(registry().theorems())
    assert all({"name", "id", "kind", "assumptions", "demand", "reference", "latex"} <= set(each) for each in listed)
    shown = run("theorems", "GD1").output
    for part in ("gd-descent (GD1)", r"\frac", "step_size = 1/L", "LaTeX:", "proof:", "witness", "control", "≥"):
        assert part in shown


def test_theorems_check(run):
    result = run("theorems", "GD5", "--check")
    assert result.exit_code == 0
    assert "1 theorems, 5 cases, 0 wrong" in result.output


def test_formulas_are_readable():
    for theorem in registry().theorems().values():
        text = readable(theorem.latex())
        assert text
        assert "\\" not in text
    assert readable(r"\frac{2(1 - q)}{2 + q}\,(f(x_k) - f_*), \qquad q = \mu/L") == (
        "2(1 - q)/(2 + q)  (f(x_k) - f_*),   q = μ/L"
    )
    assert readable(r"|\nabla f(x_+)|^2 \le \left(1 - \sqrt{m/L}\right)^{2k} \frac{a + b}{2L}") == (
        "|∇f(x_+)|² ≤ (1 - √(m/L))^(2k) (a + b)/(2L)"
    )


def test_compare_draws_the_bounds_that_fit_the_options(run, tmp_path):
    file = tmp_path / "runs.svg"
    words = ("compare", "x2-3sin2", "-s", "gd", "-s", "gd -o step_size=0.125", "--bounds", "--plot", str(file))
    refused = run(*words)
    assert (refused.exit_code, "needs --plot and --by iterations" in refused.stderr) == (2, True)
    assert run(*words, "--by", "iterations", "--max-iterations", "30").exit_code == 0
    default, demanded = Entrant.of("gd"), Entrant.of("gd -o step_size=0.125")
    promised = guarantees(load("x2-3sin2"), [default, demanded])
    assert {(each.solver, each.theorem) for each in promised if len(each.bound)} == {
        ("gd step_size=0.125", "gd-pl-linear"),
        ("gd step_size=0.125", "gd-pl-sharp"),
    }
    for each in promised:
        if each.solver == "gd":
            assert Entrant.of(each.demanded) == demanded
        else:
            assert each.bound[1] / each.bound[0] == pytest.approx(each.bound[-1] / each.bound[-2])


def test_what_compare_cannot_draw_is_told_with_the_words_that_draw_it(run, tmp_path):
    words = ("--by", "iterations", "--plot", str(tmp_path / "runs.svg"), "--bounds", "--max-iterations", "9")
    result = run("compare", "x2-3sin2", "-s", "gd", *words)
    assert "gd-pl-linear is not drawn: it speaks of -s 'gd -o step_size=0.125'\n" in result.stderr


def test_json_tells_the_options_of_the_run(run):
    result = run("verify", "x2-3sin2", "--theorem", "gd-pl-linear", "--json")
    assert json.loads(result.stdout)["verdicts"][0]["options"]["step_size"] == 0.125
