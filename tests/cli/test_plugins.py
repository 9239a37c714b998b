"""`ncsolve plugins new`: the scaffold is a complete distribution; `plugins test` runs the kit."""

import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import ncsolve as nc
from ncsolve.cli.plugins import TEMPLATE


@pytest.fixture
def scaffold(run, tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    result = run("plugins", "new", "very-shiny")
    assert result.exit_code == 0
    assert "pip install -e ncsolve-very-shiny" in result.stdout
    return tmp_path / "ncsolve-very-shiny"


def test_every_name_of_the_template_is_replaced(scaffold):
    written = {str(path.relative_to(scaffold)) for path in scaffold.rglob("*") if path.is_file()}
    assert written == {
        "README.md",
        "pyproject.toml",
        "ncsolve_very_shiny/__init__.py",
        "ncsolve_very_shiny/solver.py",
        "tests/test_very_shiny.py",
    }
    text = "".join((scaffold / name).read_text() for name in written)
    assert "my-solver" not in text
    assert "my_solver" not in text
    assert "MySolver" not in text
    assert "class VeryShiny:" in text


def test_it_registers_its_solver(scaffold, monkeypatch):
    monkeypatch.syspath_prepend(scaffold)
    registered = []
    __import__("ncsolve_very_shiny").ncsolve_register_solvers(registered.append)
    (solver,) = registered
    result = nc.solve(nc.load("himmelblau"), solver)
    assert (result.solver, result.success) == ("very-shiny", True)


def test_its_own_tests_pass(scaffold):
    arguments = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    done = subprocess.run(
        arguments, cwd=scaffold, env={**os.environ, "PYTHONPATH": str(scaffold)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_it_does_not_overwrite(run, scaffold):
    result = run("plugins", "new", "very-shiny")
    assert result.exit_code == 2
    assert "ncsolve-very-shiny exists already" in result.stderr


def test_the_template_solves_the_library():
    spec = spec_from_file_location("template_solver", TEMPLATE / "ncsolve_my_solver" / "solver.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    for name in ("beale", "rosenbrock", "mueller-brown", "logistic-regression"):
        result = nc.solve(nc.load(name), module.MySolver)
        assert result.success, result


def test_the_kit_passes_for_our_own_plugins(run, capfd):
    result = run("plugins", "test", "first-order")
    assert result.exit_code == 0, capfd.readouterr().out
    assert "passed" in capfd.readouterr().out


def test_a_missing_pytest_is_named(run, monkeypatch):
    monkeypatch.setattr("ncsolve.cli.plugins.find_spec", lambda name: None)
    result = run("plugins", "test", "first-order")
    assert (result.exit_code, result.stderr) == (2, "Error: needs pytest: pip install ncsolve[test]\n")
