"""`ncsolve classify`: the judgement of a given point."""

import json

import pytest

KEYS = {"kind", "index", "nullity", "eigenvalues", "tolerance", "certified", "explanation"}


@pytest.mark.parametrize(
    ("problem", "at", "kind", "index"),
    [
        ("himmelblau", "x=3,y=2", "minimum", 0),
        ("himmelblau", "x=-0.270844590667348,y=-0.923038556479982", "maximum", 2),
        ("himmelblau", "3.385154183607021,0.07385187983774928", "saddle", 1),
        ("monkey-saddle", "0,0", "saddle", 0),
        ("himmelblau", "1,1", "not-critical", None),
    ],
)
def test_json(run, problem, at, kind, index):
    result = run("classify", problem, "--at", at, "--json")
    point = json.loads(result.stdout)
    assert result.exit_code == 0
    assert point.keys() >= KEYS
    assert point["kind"] == kind
    assert index is None or point["index"] == index


def test_the_text_names_the_evidence(run):
    text = run("classify", "himmelblau", "--at", "3.385154183607021,0.07385187983774928").stdout
    assert text.startswith("saddle of 'himmelblau'\n")
    for row in ("point", "objective", "gradient norm", "eigenvalues", "falls along"):
        assert f"\n  {row} " in text


def test_many_eigenvalues_are_shortened(run):
    text = run("classify", "rosenbrock", "-p", "n=20", "--at", "x=1").stdout
    assert "... " in text
    assert "(20 in all)" in text


def test_the_tolerance_decides_what_is_critical(run, problem_file):
    file = problem_file("problem = nc.Problem(x**2)")
    kinds = [
        json.loads(run("classify", file, "--at", "0.01", "--tolerance", t, "--json").stdout)["kind"]
        for t in ("1e-6", "0.1")
    ]
    assert kinds == ["not-critical", "minimum"]
