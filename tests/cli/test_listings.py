"""`ncsolve solvers`, `problems`, `plugins list`: tables and JSON."""

import json
import re
from pathlib import Path

import pytest

SOLVERS = {"auto", "gd", "momentum", "lbfgs", "trust-region"}
FILES = Path(__file__).parents[2].joinpath("problems").glob("[!_]*.py")
LIBRARY = {path.stem.replace("_", "-") for path in FILES if "\ndef problem(" in path.read_text(encoding="utf-8")}
COLLECTED = {"wood", "meyer", "broyden-banded", "minimal-surface"}


def test_solvers(run):
    listed = {solver["name"]: solver for solver in json.loads(run("solvers", "--json").stdout)["solvers"]}
    assert listed.keys() >= SOLVERS
    assert "hessian" in listed["trust-region"]["needs"]
    text = run("solvers").stdout
    for name, solver in listed.items():
        assert re.search(rf"^{name} .*{re.escape(solver['summary'])}$", text, re.MULTILINE)


def test_one_solver_shows_its_options(run):
    text = run("solvers", "gd").stdout
    assert text.startswith("gd: Gradient descent")
    assert re.search(r"^step_size +none or a number +None +above 0 +length", text, re.MULTILINE)
    (solver,) = json.loads(run("solvers", "gd", "--json").stdout)["solvers"]
    assert solver["options"][0].keys() == {"name", "type", "default", "range", "help"}


def test_every_option_of_every_solver_is_explained(run):
    for solver in json.loads(run("solvers", "--json").stdout)["solvers"]:
        for option in solver["options"]:
            assert option["help"], (solver["name"], option["name"])


def test_solvers_for_a_problem(run):
    listed = json.loads(run("solvers", "--for", "rosenbrock", "-p", "n=3", "--json").stdout)["solvers"]
    assert {solver["name"] for solver in listed} >= SOLVERS


def test_problems(run):
    listed = {problem["name"]: problem for problem in json.loads(run("problems", "--json").stdout)["problems"]}
    assert listed.keys() >= LIBRARY | COLLECTED
    assert len(LIBRARY) >= 12
    assert listed["rosenbrock"]["parameters"] == ["n: int = 10"]
    lines = run("problems").stdout.splitlines()
    assert len(lines) == 1 + len(listed)


def test_plugins(run):
    listed = {plugin["name"]: plugin for plugin in json.loads(run("plugins", "list", "--json").stdout)["plugins"]}
    assert listed["first-order"]["provides"]["solvers"][:1] == ["gd"]
    assert all(plugin["ok"] and plugin["error"] is None for plugin in listed.values())
    assert "first-order" in run("plugins", "list").stdout


@pytest.mark.parametrize("command", ["solvers", "problems", "plugins list"])
def test_json_is_one_object_on_one_line(run, command):
    text = run(*command.split(), "--json").stdout
    assert text.count("\n") == 1
    assert isinstance(json.loads(text), dict)
