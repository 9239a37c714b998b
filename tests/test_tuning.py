"""The search for options: what is searched, what is kept, and that it finds what is known to be best."""

from __future__ import annotations

import json
import shlex
import sys

import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import OptionError
from ncsolve.hooks import registry
from ncsolve.problem import load

pytest.importorskip("optuna")
from ncsolve.tuning import Choice, Range, Trial, _Race, search_space, tune

x, y = sp.symbols("x y")
BOWL = nc.Problem(x**2 + 4 * y**2, start={x: 3, y: -1}, constants={"minimum": 0})


def space(solver: str, only=(), ranges=None, fixed=None):
    return search_space(registry().solver(solver), ranges or {}, only, fixed or {})


def test_ranges_follow_what_options_declare():
    found = space("adam")
    assert found["step_size"] == Range(1e-5, 0.1)
    assert found["beta1"].scale == "near one"
    assert found["beta1"].low == 0
    assert "amsgrad" not in found  # switches are searched where they are asked for
    assert "weight_decay" not in found
    assert space("adam", only=["amsgrad"]) == {"amsgrad": Choice((True, False))}
    assert space("lbfgs")["memory"] == Range(1, 80, whole=True)
    assert space("gd", only=["line_search"])["line_search"].values[0] in ("none", "armijo", "constant")
    assert set(space("adam", fixed={"beta1": 0.5})) == set(found) - {"beta1"}


def test_every_solver_can_run_with_what_its_ranges_offer():
    """The ends of all ranges are values that the solver takes."""
    from ncsolve.solving import configure

    for name, solver in registry().solvers().items():
        try:
            found = search_space(solver, {}, (), {})
        except OptionError:
            continue
        for option, domain in found.items():
            for end in (domain.low, domain.high):
                value = int(end) if domain.whole else end
                assert getattr(configure(solver, {option: value}), option) == value, name


def test_gradient_descent_finds_the_best_step():
    """2/(L + m) = 0.2 for the Hessian diag(2, 8)."""
    found = tune(BOWL, "gd", trials=40, seeds=1, ranges={"step_size": (0.01, 0.3)}, max_evaluations=2000)
    assert abs(found.best.options["step_size"] - 0.2) < 0.02
    assert found.best.cost < found.default.cost
    assert found.trials[0] is found.default


def test_the_same_seed_makes_the_same_trials():
    runs = [tune(BOWL, "adam", trials=6, seeds=1, seed=s, max_evaluations=300).trials for s in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_options_that_change_nothing_are_left_out():
    """batch_growth has no meaning without batches."""
    fixed, ranges = {"schedule": "constant"}, {"step_size": (0.1, 0.22)}
    found = tune(BOWL, "gd", trials=6, seeds=1, fixed=fixed, ranges=ranges, max_evaluations=2000)
    assert set(found.trials[-1].options) == {"schedule", "step_size", "batch_growth"}
    assert set(found.best.options) == {"schedule", "step_size"}
    assert found.best.cost == min(trial.cost for trial in found.trials)
    assert len(found.trials) == 6


def test_options_that_change_no_number_are_not_searched():
    assert "workers" not in space("cma")
    assert set(space("cma", only=["workers"])) == {"workers"}


def test_what_fails_costs_more_than_any_success():
    found = tune(BOWL, "gd", trials=12, seeds=2, ranges={"step_size": (1e-6, 0.3)}, max_evaluations=300)
    failed = [t.cost for t in found.trials if not t.reached]
    assert failed
    assert min(failed) > max(t.cost for t in found.trials if t.reached)


def test_the_command_prints_one_that_can_be_run(run):
    result = run("tune", "himmelblau", "-s", "adam", "--trials", "6", "-o", "beta2=0.99", "--only", "step_size")
    assert result.exit_code == 0, result.output
    command = result.stdout.splitlines()[-1]
    assert command.startswith("ncsolve solve himmelblau -s adam -o beta2=0.99 -o step_size=")
    assert "times fewer evaluations than as it is." in result.stdout
    again = run(*shlex.split(command)[1:])
    assert "minimum" in again.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        "sparse-regression -p columns=30 -s prox-gradient --target 5",
        "hs71 -s augmented-lagrangian --max-evaluations 400",
    ],
)
def test_problems_that_only_some_solvers_take(run, arguments):
    result = run("tune", *arguments.split(), "--trials", "2", "--seeds", "1")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("ncsolve solve ")


def test_json_is_strict(run):
    result = run("tune", "himmelblau", "-s", "gd", "--trials", "3", "--max-evaluations", "5", "--json")
    data = json.loads(result.stdout, parse_constant=pytest.fail)
    assert len(data["trials"]) == 3
    assert data["trials"][0]["cost"] is None
    assert data["trials"][0]["message"] == "the target was not reached"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["himmelblau", "-s", "adam", "--only", "stepsize"], "did you mean 'step_size'"),
        (["himmelblau", "-s", "adam", "--range", "step_size=1"], "not NAME=LOW:HIGH"),
        (["himmelblau", "-s", "adam", "--range", "step_size=1:0.1"], "LOW below HIGH"),
        (["himmelblau", "-s", "adam", "--range", "step_size=-1:1"], "must be above 0"),
        (["himmelblau", "-s", "gd", "--range", "line_search=0:1"], "it has no range"),
        (["himmelblau", "-s", "adam", "--only", "weight_decay"], "give one with --range weight_decay=LOW:HIGH"),
        (["himmelblau", "-s", "adam", "-o", "beta1=0.5", "--only", "beta1"], "given and searched at once"),
        (
            ["himmelblau", "-s", "newton"],
            "no option to search among its numbers; --only takes words and switches: line_search.",
        ),
        (["himmelblau", "-s", "adam", "--sampler", "tp"], "Unknown sampler 'tp'"),
        (["mine.py", "-s", "adam"], "give the value to reach as --target"),
    ],
)
def test_bad_input(run, problem_file, arguments, text):
    problem_file("problem = nc.Problem(x**2 + y**2, start={x: 1, y: 1})")
    result = run("tune", *arguments)
    assert result.exit_code == 2
    assert text.lower() in result.stderr.lower()


def test_without_optuna_the_extra_is_named(run, monkeypatch):
    monkeypatch.setattr("ncsolve.tuning.installed", lambda package: False)
    result = run("tune", "himmelblau", "-s", "adam")
    assert result.exit_code == 2
    assert "pip install ncsolve[tune]" in result.stderr


def test_an_interrupt_keeps_what_was_found():
    def stop(trial):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(trial)

    seen: list = []
    found = tune(load("himmelblau"), "adam", trials=9, seeds=1, report=stop, max_evaluations=50)
    assert found.interrupted
    assert len(found.trials) == 3


def test_optuna_is_imported_for_it_only():
    assert "ncsolve.tuning" in sys.modules
    import subprocess

    code = "import sys, ncsolve.cli.tune; print('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_seconds_that_were_a_lucky_measurement_are_no_gain(monkeypatch):
    """The best trial is measured again, and takes longer than the solver as it is."""
    seconds = iter([2.0, 1.0, 3.0])
    monkeypatch.setattr(_Race, "run", lambda self, options: Trial(options, next(seconds, 9.0), 1, 1))
    found = tune(BOWL, "gd", trials=2, seeds=1, by="seconds", only=["step_size"])
    assert [trial.cost for trial in found.trials] == [2.0, 1.0]
    assert found.best is found.default
