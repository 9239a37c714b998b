"""Generated objectives, command lines and problem files: the short form of two campaigns in benchmarks/."""

import importlib.util
import signal
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
    """`benchmark("generated")`: the module, whose alarms are taken back afterwards."""
    before = signal.getsignal(signal.SIGALRM)

    def load(name):
        spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    yield load
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_every_minimum_of_generated_objectives_is_confirmed(benchmark):
    counts, wrong = benchmark("generated").run(7, range(12), ["auto"])
    assert wrong == []
    assert counts["CONVERGED minimum"] >= 4


def test_no_generated_command_line_is_met_with_a_traceback(benchmark):
    counts, wrong = benchmark("commands").run(7, range(60))
    assert wrong == []
    assert sum(counts.values()) == 60
    assert len(counts) >= 20


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
    case = generated.Generated(problem, True)
    assert why in generated.refutation(case, result, np.random.default_rng(0))
