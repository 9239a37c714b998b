"""Generated objectives, command lines, problem files and broken plugins: the short form of campaigns in benchmarks/."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """`benchmark("generated")`: the module."""
    monkeypatch.syspath_prepend(BENCHMARKS)

    def load(name):
        spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load


def test_every_minimum_of_generated_objectives_is_confirmed(benchmark):
    tally = benchmark("generated").run(7, range(12), ["auto"])
    assert tally.wrong == []
    assert tally.counts["CONVERGED minimum"] >= 4


def test_no_generated_command_line_is_met_with_a_traceback(benchmark):
    tally = benchmark("commands").run(7, range(60))
    assert tally.wrong == []
    assert sum(tally.counts.values()) == 60
    assert len(tally.counts) >= 20


def test_no_generated_command_line_leads_out_of_its_folder(benchmark, tmp_path, monkeypatch):
    """Else `--out /` would write there, and `runs /` would walk through all files of the machine."""
    monkeypatch.chdir(tmp_path)
    words = benchmark("commands").WORDS
    assert [word for word in words if not Path(word).resolve().is_relative_to(tmp_path)] == []


PLUGINS = (
    "raises-exit, step",
    "raises-budget, init",
    "raises-unprintable, drive",
    "state-property, step",
    "objective-huge, step",
    "gradient-objects, step",
    "field-message-number, step",
    "field-minima-type, step",
    "field-field-lock, step",
    "field-multipliers-shape, step",
    "declares-choose-none, whole",
    "declares-draw-shape, whole",
    "declares-attributes-raise, whole",
    "declares-options-raise, whole",
    "module-base-exception",
    "backend-raises",
    "backend-returns-shape",
)
"""Those that no other test knows."""


def test_broken_plugins_are_named_and_harm_nobody(benchmark):
    plugins = benchmark("plugins")
    tally = plugins.run(7, PLUGINS.__contains__, problems=["constrained"], ways=["solve", "resume"])
    assert tally.wrong == []
    assert tally.counts["others work"] == len(PLUGINS)
    assert tally.counts["solve    FAILED"] >= 8


@pytest.mark.parametrize(
    ("f", "x", "why"),
    [("a**2 - b**2", [0, 0], "eigenvalue"), ("a**2 + b**2", [1e-3, 0], "gradient"), ("a**2 + b**3", [0, 0], "lower")],
)
def test_the_check_sees_what_is_no_minimum(benchmark, f, x, why):
    generated = benchmark("generated")
    a, b = sp.symbols("a b")
    problem = nc.Problem(sp.sympify(f, {"a": a, "b": b}), start={a: 1, b: 1})
    result = nc.solve(problem, "gd", x0=np.array(x, float), max_iterations=0)
    result = replace(result, status=nc.Status.CONVERGED)
    case = generated.Generated(problem)
    assert why in generated.refutation(case, result, np.random.default_rng(0))
