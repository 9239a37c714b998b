"""The registered solvers on the problems of the library: registering is being tested.

Every family of solvers meets every problem, and its solvers take turns; `pytest --whole` runs each on all of them.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.errors import MissingExtra, OptionError
from ncsolve.hooks import registry
from ncsolve.problem import entries, load
from ncsolve.solving import Status, check_needs

SOLVERS = sorted(name for name in registry().solvers() if ":" not in name)
"""Our own; wrapped ones, as scipy:BFGS, have tests of their own."""
PROBLEMS = [entry.name for entry in entries()]
SMALL = {
    "n": 36,
    "k": 5,
    "atoms": 4,
    "m": 20,
    "hidden": 1,
    "pixels": 2,
    "rows": 20,
    "side": 6,
    "users": 10,
    "items": 8,
    "rank": 2,
}
"""Arguments of problems that are large by default."""
UNBOUNDED = ("monkey-saddle",)
HARD = ("digits-perceptron", "meyer", "scaled-cosine")
"""At the mercy of rounding, or flat for hundreds of steps: results must be honest, not successful."""
SLOW = {
    ("arc", "cosine"),
    ("cubic", "humps"),
    ("hessian-free", "biggs-exp6"),
    ("hessian-free", "tensor-decomposition"),
    ("regularized-newton", "humps"),
    ("regularized-newton", "powell-badly-scaled"),
    ("trust-region-krylov", "powell-badly-scaled"),
}
"""Where a method that uses curvature needs thousands of steps, or ends where rounding or a flat saddle holds it."""
GLOBAL = {"annealing", "basin-hopping", "cma", "de", "multistart", "pso"}
FEW = {"basin-hopping": {"hops": 2}, "multistart": {"starts": 3, "local_iterations": 50}}
"""Options of solvers that run others many times."""
CURVED = {
    name
    for name, solver in registry().solvers().items()
    if solver.needs & {"hessian", "hvp"}
    and name not in ("adahessian", "negative-curvature", "als", "bcd")  # along gradients, or block by block
    and not name.startswith("subsampled")
} | {"auto", "bfgs", "lbfgs"}


CONSTRAINED = {"hs6", "hs7", "hs26", "hs28", "hs43", "hs71", "hs100", "thomson"}
FOR_CONSTRAINTS = {name for name, solver in registry().solvers().items() if "constraints" in solver.needs}
PAIRS = [
    (solver, name)
    for solver in SOLVERS
    for name in PROBLEMS
    if solver == "auto" or (solver in FOR_CONSTRAINTS) == (name in CONSTRAINED)
]
"""Solvers with the problems that they are for; without constraints augmented-lagrangian is its inner solver."""
TURNS = 4
"""A solver meets every fourth problem at least, where its family is that large."""


@cache
def family(solver: str) -> list[str]:
    """The solvers of its plugin."""
    package = registry().solver(solver).__module__.partition(".")[0]
    return [name for name in SOLVERS if registry().solver(name).__module__.partition(".")[0] == package]


def is_its_turn(solver: str, name: str) -> bool:
    relatives = family(solver)
    return (relatives.index(solver) + PROBLEMS.index(name)) % min(TURNS, len(relatives)) == 0


def pytest_generate_tests(metafunc):
    if {"solver", "name"} <= set(metafunc.fixturenames):
        whole = metafunc.config.getoption("whole")
        metafunc.parametrize(("solver", "name"), [pair for pair in PAIRS if whole or is_its_turn(*pair)])


@cache
def small(name: str) -> nc.Problem:
    problem = load(name)
    if problem.n <= 31:
        return problem
    (entry,) = (entry for entry in entries() if entry.name == name)
    names = [parameter.partition(":")[0] for parameter in entry.parameters]
    return load(name, {key: value for key, value in SMALL.items() if key in names})


def test_every_answer_is_worth_what_it_says(solver, name):
    problem = small(name)
    oracle = nc.compile(problem)
    try:
        check_needs(registry().solver(solver), oracle)
    except (OptionError, MissingExtra) as unable:
        pytest.skip(str(unable))
    if solver in GLOBAL and problem.n > 100:
        pytest.skip("nobody searches the whole space in so many dimensions")
    hard = name in HARD or (solver, name) in SLOW
    curved = solver in CURVED
    sampler = hasattr(registry().solver(solver), "burn_in")
    by_epochs = "samples" in registry().solver(solver).needs
    limit = (5000 if not hard else 500) if curved else 40 if sampler or by_epochs else 120
    limit = limit if problem.signs is None else 100
    result = nc.solve(problem, solver, options=FEW.get(solver), max_iterations=limit)
    assert result.status is not Status.FAILED, result.message
    assert np.array_equal(result.x, oracle.project(result.x))
    np.testing.assert_allclose(result.objective, oracle.objective(result.x), rtol=1e-12, atol=1e-12)
    if problem.signs is not None:  # two players: the best point has the smallest gradient, and neither need get there
        assert result.gradient_norm <= result.trace.gradient_norm.min() * (1 + 1e-6)
        return
    if not problem.constrained:
        assert result.objective <= result.trace.objective.min() + 1e-9 * (1 + abs(result.objective))
    if result.status is Status.CONVERGED:
        assert result.gradient_norm <= 1e-6
        assert result.point.index == 0, result.point.explanation
        assert result.objective >= problem.constants.get("minimum", -np.inf) - 1e-9
    if name in UNBOUNDED:
        assert not result.success
    elif curved and not hard:
        assert result.status is Status.CONVERGED, result.message
        assert result.point.kind in ("minimum", "degenerate")


@pytest.mark.parametrize("solver", [name for name in SOLVERS if name not in {"auto", *FOR_CONSTRAINTS}])
def test_chained_rosenbrock_ends_at_true_minima(solver):
    """From (-1.2, 1, 1, 1, 1) and from seeded random starts: one of the two minima, or the result says what it is."""
    v, i = sp.IndexedBase("v", shape=(5,)), sp.Symbol("i", integer=True)
    f = sp.Sum(100 * (v[i + 1] - v[i] ** 2) ** 2 + (1 - v[i]) ** 2, (i, 0, 3))
    problem = nc.Problem(f, start={v: [-1.2, 1, 1, 1, 1]})
    minima = [known for known in load("rosenbrock", {"n": 5}).known if known.kind == "minimum"]
    values = [known.value for known in minima]
    try:
        check_needs(registry().solver(solver), nc.compile(problem))
    except OptionError as unable:
        pytest.skip(str(unable))
    starts = np.random.default_rng(0).uniform(-2, 2, (200, 5))
    curved = solver in ("lbfgs", "trust-region")
    sampler = hasattr(registry().solver(solver), "burn_in")
    successes = 0
    for x0 in [None, *starts[: 200 if curved else 2]]:
        result = nc.solve(
            problem,
            solver,
            x0=x0,
            options=FEW.get(solver),
            max_iterations=500 if sampler else 20_000 if curved else 2000,
        )
        successes += result.success
        if result.success:
            assert min(abs(result.objective - value) for value in values) <= 1e-6
        else:
            assert result.status in (Status.ITERATIONS, Status.STALLED), result.message
    if curved:
        assert successes == 201


def test_asking_for_everything_at_once_is_possible():
    problem = small("himmelblau")
    looks = []
    result = nc.solve(
        problem,
        solver="auto",
        x0=[1.0, 1.0],
        seed=3,
        options={},
        max_iterations=100,
        max_evaluations=1000,
        max_seconds=60,
        gradient_tolerance=1e-8,
        target=-1.0,
        starts=3,
        escape=True,
        backend="auto",
        callbacks=[looks.append],
        checkpoint=None,
    )
    assert result.success
    assert len(result.runs) == 3
    assert len(looks) == sum(run.trace.rows for run in result.runs)
