"""Finding problems by bare name: shipped ones and those of plugins."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sympy as sp

from ncsolve.errors import ProblemError
from ncsolve.problem import Problem, entries, load

x = sp.Symbol("x")


def bowl(a: float = 1.0) -> Problem:
    """A round bowl. [Euclid]"""
    return Problem(a * x**2)


def test_either_spelling_finds_a_shipped_problem():
    for reference in ("six-hump-camel", "six_hump_camel"):
        problem = load(reference)
        assert (problem.name, problem.source) == ("six-hump-camel", "six-hump-camel")


def test_arguments_reach_the_function():
    problem = load("rosenbrock", {"n": "7"})
    assert (problem.n, problem.source) == (7, "rosenbrock -p n=7")


def test_problems_of_plugins():
    registered = {"bowl": bowl, "ready": Problem(x**4, description="Flat. [Nobody]")}
    problem = load("bowl", {"a": "2"}, registered)
    assert (problem.name, problem.source, problem.objective) == ("bowl", "bowl -p a=2", 2.0 * x**2)
    assert load("ready", {}, registered).name == "ready"
    listed = {entry.name: entry for entry in entries(registered)}
    assert (listed["bowl"].summary, listed["bowl"].origin) == ("A round bowl. [Euclid]", "plugin")
    assert listed["bowl"].parameters == ("a: float = 1.0",)
    assert listed["ready"].summary == "Flat. [Nobody]"
    assert listed["rosenbrock"].parameters == ("n: int = 10",)
    assert list(listed) == sorted(listed)


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("himelblau", "There is no problem 'himelblau' in the library. Did you mean 'himmelblau'?"),
        ("bowls", "There is no problem 'bowls' in the library. Did you mean 'bowl'?"),
        ("zzz", "There is no problem 'zzz' in the library. `ncsolve problems` lists them."),
    ],
)
def test_unknown_names(reference, text):
    with pytest.raises(ProblemError) as caught:
        load(reference, {}, {"bowl": bowl})
    assert str(caught.value) == text


def test_a_factory_of_a_plugin_that_fails():
    def half(n: int = 2) -> Problem:
        return Problem(x ** (1 // n))

    with pytest.raises(ProblemError, match=r"^half: ZeroDivisionError: integer division or modulo by zero$"):
        load("half", {"n": "0"}, {"half": half})


def test_a_file_whose_ending_was_forgotten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    with pytest.raises(ProblemError, match=r"There is no problem 'mine' in the library\. Did you mean mine\.py\?"):
        load("mine")


def test_wrong_argument_of_a_shipped_problem():
    with pytest.raises(ProblemError, match=r"^rosenbrock has no parameter 'm'\. Its parameters are n\.$"):
        load("rosenbrock", {"m": "7"})
    with pytest.raises(
        ProblemError, match=r"rosenbrock\.py, line \d+: ValueError: the chain needs at least 2 variables"
    ):
        load("rosenbrock", {"n": "1"})


def test_listing_executes_nothing():
    code = "import sys; from ncsolve.problem import entries; entries(); sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
