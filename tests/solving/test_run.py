"""A run is loop, judgement and escape; the same seed gives the same bits; results tell what they are worth."""

from __future__ import annotations

import gc
import json
import weakref
from dataclasses import replace
from time import process_time
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical import CriticalPoint
from ncsolve.errors import OptionError
from ncsolve.hooks import registry
from ncsolve.solving import Criteria, Status, configure, run
from ncsolve.solving.ends import ends_of
from ncsolve.solving.escape import step_off

x, y = sp.symbols("x y")
SOLVERS = ["gd", "momentum", "lbfgs", "trust-region"]


@pytest.fixture
def saddle():
    """Minima (0, +-1), a saddle at 0 to which the gradient leads from (1, 0)."""
    return nc.Problem(x**2 / 2 - y**2 / 2 + y**4 / 4, start={x: 1, y: 0}, name="saddle")


# -- escape ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_success_at_a_saddle(saddle, solver):
    result = nc.solve(saddle, solver)
    assert result.success
    np.testing.assert_allclose(np.abs(result.x), [0, 1], atol=1e-5)
    stayed = nc.solve(saddle, solver, escape=False)
    if solver != "trust-region":  # which leaves by itself
        assert stayed.status is Status.CONVERGED
        assert (stayed.point.kind, stayed.point.index) == ("saddle", 1)
        assert not stayed.success
        assert stayed.hints == (
            "the objective falls from this saddle: start from another point, or let the run escape",
        )


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_success_at_a_maximum(solver):
    result = nc.solve(nc.Problem(sp.cos(x), start={x: 0}), solver)
    assert result.success
    assert result.objective == pytest.approx(-1)
    assert "after leaving a maximum at iteration 0" in result.message
    stayed = nc.solve(nc.Problem(sp.cos(x), start={x: 0}), solver, escape=False)
    assert (stayed.status, stayed.point.kind, stayed.iterations) == (Status.CONVERGED, "maximum", 0)


def test_escapes_are_recorded_in_one_trace(saddle):
    result = nc.solve(saddle, "gd")
    (escape,) = result.trace.escapes
    assert escape.point.kind == "saddle"
    row = result.trace.iteration.tolist().index(escape.iteration)
    assert result.trace.objective[row + 1] < result.trace.objective[row]
    assert result.trace.iteration.tolist() == list(range(result.trace.rows))
    assert result.iterations == result.trace.iteration[-1]
    assert result.trace.evaluations[-1] == result.evaluations["value"]


def test_an_escape_spends_the_same_budget():
    saddle = nc.Problem(x**2 / 2 - y**2 / 2 + 3 * y**4 / 7, start={x: 1, y: 0})
    result = nc.solve(saddle, "gd", max_iterations=8)
    assert (result.status, result.iterations) == (Status.ITERATIONS, 8)
    assert result.trace.escapes
    before = nc.solve(saddle, "gd", escape=False).evaluations["value"]
    result = nc.solve(saddle, "gd", max_evaluations=before + 1)
    assert result.status is Status.EVALUATIONS
    assert result.point.kind == "saddle"


def test_the_deeper_side_is_taken_whatever_the_sign_of_the_witness():
    problem = nc.Problem(x**4 / 4 - x**2 / 2 + x**3 / 5)
    point = nc.classify(problem, [0.0])
    for witness in (1.0, -1.0):
        lower = step_off(nc.compile(problem), replace(point, witness=np.array([witness])))
        assert lower is not None
        assert lower[0] < -1


def test_every_negative_direction_is_left_in_turn():
    v, i = sp.IndexedBase("v", shape=(6,)), sp.Symbol("i", integer=True)
    result = nc.solve(nc.Problem(sp.Sum(sp.cos(v[i]) + v[i] ** 2 / 100, (i, 0, 5)), start={v: 0.0}), "gd")
    assert result.success
    assert result.objective < -5


def test_the_saddle_of_a_monkey_is_left_by_higher_derivatives():
    problem = nc.Problem(x**3 - 3 * x * y**2 + (x**2 + y**2) ** 2, start={x: 0, y: 0})
    result = nc.solve(problem, "lbfgs")
    assert result.success
    assert result.objective == pytest.approx(-27 / 256)


def test_the_escape_stays_inside_bounds():
    problem = nc.Problem(x**2 - y**2, bounds={x: (-1, 1), y: (-0.001, 2)}, start={x: 0, y: 0})
    result = nc.solve(problem, "gd")
    assert result.success
    assert result.x[1] in (-0.001, 2)


def test_scales_of_x_do_not_matter():
    for scale in (1e-6, 1e6):
        z = x / scale
        result = nc.solve(nc.Problem(z**4 / 4 - z**2 / 2, start={x: 0}), "lbfgs", gradient_tolerance=1e-8 / scale)
        assert result.x[0] == pytest.approx(scale, rel=1e-4) or result.x[0] == pytest.approx(-scale, rel=1e-4)


def test_a_lower_point_passed_on_the_way_is_returned_to():
    """The heavy ball overshoots the deep minimum on the left and settles in the shallow one on the right."""
    problem = nc.Problem(x**4 - 4 * x**2 - x / 10, start={x: 3.0})
    for momentum in np.linspace(0.5, 0.97, 12):
        result = nc.solve(problem, "momentum", options={"step_size": 0.005, "momentum": momentum})
        assert result.objective <= result.trace.objective.min() + 1e-9


# -- determinism and starts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_same_seed_same_bits(solver):
    problem = nc.Problem((1 - x) ** 2 + 100 * (y - x**2) ** 2, start={x: nc.Normal(), y: nc.Uniform()})
    first, second, other = (nc.solve(problem, solver, seed=seed, max_iterations=50) for seed in (1, 1, 2))
    assert first.x.tobytes() == second.x.tobytes()
    assert first.trace.objective.tobytes() == second.trace.objective.tobytes()
    assert first.trace.x[0].tolist() != other.trace.x[0].tolist()


def test_many_starts_return_the_best_minimum_with_all_runs():
    problem = nc.Problem(x**4 - 4 * x**2 - x / 2, bounds={x: (-3, 3)}, start={x: -2})
    result = nc.solve(problem, "lbfgs", starts=8, seed=3)
    assert len(result.runs) == 8
    assert result.objective == min(run.objective for run in result.runs)
    assert result.x[0] > 0
    assert result.runs[0].x[0] < 0, "the first start is the declared one"
    assert len({run.trace.x[0, 0] for run in result.runs}) == 8
    again = nc.solve(problem, "lbfgs", starts=8, seed=3)
    assert [run.x.tobytes() for run in again.runs] == [run.x.tobytes() for run in result.runs]


def test_the_first_of_many_starts_is_the_single_run():
    problem = nc.Problem(x**2 + sp.sin(5 * x), start={x: nc.Normal(0, 3)})
    assert nc.solve(problem, seed=5).x == nc.solve(problem, seed=5, starts=2).runs[0].x


def test_minima_come_before_lower_points_of_other_kinds():
    problem = nc.Problem(x**3 - 3 * x, bounds={x: (-2.5, 3)}, start={x: -2.4})
    result = nc.solve(problem, "gd", starts=4, max_iterations=0)
    assert result.objective == min(run.objective for run in result.runs)
    result = nc.solve(problem, "gd", starts=4)
    assert result.point.kind == "minimum"


def test_ends_that_are_undefined_come_last():
    problem = nc.Problem(x - sp.log(x), start={x: nc.Uniform(-1, 3)})
    result = nc.solve(problem, "gd", starts=8)
    assert any(np.isnan(run.objective) for run in result.runs[:-1])
    assert [np.isnan(end.objective) for end in result.ends] == sorted(np.isnan(end.objective) for end in result.ends)
    assert result.ends[0].objective == result.objective


def test_a_thousand_distinct_ends_are_told_apart_quickly():
    point = CriticalPoint("minimum", 0, 0, np.empty(0), 0.0, "", np.zeros(12), 0.0, 0.0)
    x = np.random.default_rng(0).integers(-2, 3, (1000, 12)).astype(float)
    x[500:] = x[:500] + 1e-6 * (np.arange(12) == 11)  # the last coordinate counts, too
    x[750:, 11] += 0.5
    runs = [SimpleNamespace(objective=float(k), point=point, x=each) for k, each in enumerate(x)]
    began = process_time()
    ends = ends_of(runs)
    assert process_time() - began < 0.5
    assert [end.count for end in ends] == 250 * [2] + 500 * [1]


def test_an_interrupt_ends_all_starts(saddle):
    calls = []

    def stop_in_the_second(look):
        calls.append(look.iteration)
        return calls.count(0) == 2

    result = nc.solve(saddle, "gd", starts=5, callbacks=[stop_in_the_second])
    assert len(result.runs) == 2
    assert result.status is Status.INTERRUPTED


def test_an_interrupt_while_stepping_off_keeps_the_saddle(saddle, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setitem(run.__globals__, "step_off", interrupted)
    result = nc.solve(saddle, "gd")
    assert (result.status, result.point.kind) == (Status.INTERRUPTED, "saddle")


@pytest.mark.parametrize("where", ["stationarity", "classify"])
def test_an_interrupt_while_a_point_is_judged_leaves_it_undecided(saddle, monkeypatch, where):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    whole = nc.solve(saddle, "gd", escape=False)
    monkeypatch.setitem(run.__globals__, where, interrupted)
    result = nc.solve(saddle, "gd")
    assert (result.status, result.point.kind) == (Status.INTERRUPTED, "undecided")
    assert (result.x.tolist(), result.objective) == (whole.x.tolist(), whole.objective)


# -- what is asked of the caller ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"starts": 0}, "starts must be an integer of at least 1, not 0."),
        ({"starts": True}, "starts must be an integer of at least 1, not True."),
        ({"seed": -1}, "seed must be an integer of at least 0, not -1."),
        ({"seed": 1.5}, "seed must be an integer of at least 0, not 1.5."),
        ({"solver": "lbgfs"}, "There is no solver 'lbgfs'. Did you mean 'lbfgs'? `ncsolve solvers` lists them."),
        ({"checkpoint": 3}, "checkpoint must be a folder, or nc.Checkpoint(folder, every=seconds), not 3."),
        (
            {"solver": "lbfgs", "options": {"memry": 3}},
            "There is no option 'memry' of solver 'lbfgs'. Did you mean 'memory'? Its options are memory.",
        ),
    ],
)
def test_bad_arguments_are_named(saddle, wrong, text):
    with pytest.raises(OptionError) as caught:
        nc.solve(saddle, **wrong)
    assert str(caught.value) == text


def test_a_solver_is_a_name_a_class_or_an_instance(saddle):
    from ncsolve_second_order.lbfgs import LBFGS

    results = [nc.solve(saddle, given) for given in ("lbfgs", LBFGS, LBFGS())]
    assert len({result.x.tobytes() for result in results}) == 1
    assert nc.solve(saddle, LBFGS(memory=3), options={"memory": "4"}).options == {"memory": 4}


def test_needs_are_checked_before_the_run(saddle):
    class Sampler:
        """Needs a finite sum. [test]"""

        name = "sampler"
        needs = frozenset({"samples"})

        def init(self, oracle, x0, rng):
            raise AssertionError

        step = init

    from dataclasses import dataclass

    with pytest.raises(OptionError) as caught:
        nc.solve(saddle, dataclass(frozen=True)(Sampler))
    assert str(caught.value) == (
        "Solver 'sampler' needs a finite sum, which problem 'saddle' does not have. See `ncsolve solvers --for saddle`."
    )


# -- the result --------------------------------------------------------------------------------------------------------


def test_json_has_the_keys_of_the_command_and_is_strict(saddle):
    data = nc.solve(saddle, "lbfgs").to_json()
    assert list(data) == [
        "problem",
        "solver",
        "status",
        "point",
        "x",
        "values",
        "objective",
        "gradient_norm",
        "iterations",
        "evaluations",
        "seconds",
        "seed",
        "options",
        "versions",
        "message",
        "escapes",
    ]
    assert list(data["point"]) == ["kind", "index", "nullity", "eigenvalues", "certified", "explanation"]
    assert (data["problem"], data["solver"], data["status"]) == ("saddle", "lbfgs", "CONVERGED")
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    failed = nc.solve(nc.Problem(sp.log(x)), "gd", x0=[-1.0]).to_json()
    assert failed["objective"] is None
    assert json.dumps(failed, allow_nan=False)


def test_the_summary_says_what_was_found(saddle):
    text = repr(nc.solve(saddle, "gd", starts=2))
    assert text.startswith(
        "minimum of 'saddle' by gd\n  status         CONVERGED: the gradient is within the tolerance"
    )
    assert "iterations" in text
    assert "starts         2: 2 minimum" in text


def test_auto_says_why(saddle):
    result = nc.solve(saddle)
    assert result.solver == "trust-region"
    assert result.message.endswith("; auto chose trust-region: n = 2 with an exact Hessian, which is small")
    v, i = sp.IndexedBase("v", shape=(500,)), sp.Symbol("i", integer=True)
    result = nc.solve(nc.Problem(sp.Sum((v[i] - 1) ** 2, (i, 0, 499)), start={v: 0.0}))
    assert result.solver == "gauss-newton"
    assert "; auto chose gauss-newton: the objective is a sum of 500 squares" in result.message


def test_versions_say_what_the_numbers_depend_on(saddle):
    assert {"ncsolve", "python", "numpy", "sympy"} <= set(nc.solve(saddle).versions)


def test_classify_takes_names_or_an_array(saddle):
    assert nc.classify(saddle, {x: 0, y: 0}).kind == "saddle"
    assert nc.classify(saddle, [0.0, 1.0]).kind == "minimum"
    assert nc.classify(saddle, {"x": 0.5, "y": 0}).kind == "not-critical"


def test_a_run_that_met_its_limit_stays_with_nobody(saddle):
    """Its arrays, and the workers of its oracle, are not left to the collector of cycles."""
    oracle = nc.compile(saddle)
    gc.disable()
    try:
        result = run(oracle, configure(registry().solver("gd"), {}), criteria=Criteria(max_evaluations=3))
        assert result.status is Status.EVALUATIONS
        there = weakref.ref(oracle)
        del oracle
        assert there() is None
    finally:
        gc.enable()
