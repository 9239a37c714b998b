"""Stopping tests compose, and know whether they mean convergence."""

from __future__ import annotations

import numpy as np
import pytest

from ncsolve.errors import OptionError
from ncsolve.solving import Criteria, Look, Status
from ncsolve.solving.stopping import Evaluations, GradientTolerance, Iterations, Seconds, Stall, Target


def look(**changes):
    values = {
        "iteration": 10,
        "x": np.zeros(1),
        "objective": 5.0,
        "gradient_norm": 1e-3,
        "seconds": 2.0,
        "evaluations": 20,
        "best_objective": 4.0,
        "last_progress": 7,
        "state": None,
    }
    return Look(**{**values, **changes})


@pytest.mark.parametrize(
    ("test", "status"),
    [
        (GradientTolerance(1e-3), Status.CONVERGED),
        (GradientTolerance(9e-4), None),
        (Target(5.0), Status.TARGET),
        (Target(4.9), None),
        (Stall(3), Status.STALLED),
        (Stall(4), None),
        (Iterations(10), Status.ITERATIONS),
        (Iterations(11), None),
        (Evaluations(20), Status.EVALUATIONS),
        (Evaluations(21), None),
        (Seconds(2.0), Status.TIME),
        (Seconds(2.1), None),
    ],
)
def test_each_test_stops_at_its_limit(test, status):
    assert test(look()) is status


def test_or_stops_with_the_first_that_fires():
    both = Iterations(10) | GradientTolerance(1.0)
    assert both(look()) is Status.ITERATIONS
    assert (Iterations(99) | GradientTolerance(1.0))(look()) is Status.CONVERGED
    assert (Iterations(99) | GradientTolerance(0.0))(look()) is None
    assert not both.means_convergence
    assert (Target(0.0) | GradientTolerance(1.0)).means_convergence


def test_and_stops_when_all_fire_and_prefers_convergence():
    both = Iterations(10) & GradientTolerance(1.0)
    assert both(look()) is Status.CONVERGED
    assert both(look(iteration=9)) is None
    assert both.means_convergence
    assert (Iterations(10) & Seconds(1.0))(look()) is Status.ITERATIONS
    assert not (Iterations(10) & Seconds(1.0)).means_convergence


def test_they_nest():
    test = (Iterations(10) & Seconds(99.0)) | Stall(3)
    assert test(look()) is Status.STALLED
    assert len((Iterations(1) | Stall(3) | Seconds(1.0)).tests) == 3


def test_success_comes_before_limits():
    criteria = Criteria(gradient_tolerance=1e-3, max_iterations=10, max_evaluations=20, max_seconds=2.0)
    assert criteria.test()(look()) is Status.CONVERGED
    assert criteria.test()(look(gradient_norm=1.0)) is Status.EVALUATIONS


def test_without_a_limit_there_is_one():
    assert Criteria().bounded().test()(look(iteration=100_000, last_progress=99_999)) is Status.ITERATIONS


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"gradient_tolerance": -1}, "gradient_tolerance must be a number of at least 0, not -1."),
        ({"gradient_tolerance": None}, "gradient_tolerance must be a number of at least 0, not None."),
        ({"gradient_tolerance": float("nan")}, "gradient_tolerance must be a number of at least 0, not nan."),
        ({"target": "low"}, "target must be a number, not 'low'."),
        ({"max_iterations": 1.5}, "max_iterations must be an integer of at least 0, not 1.5."),
        ({"max_evaluations": 0}, "max_evaluations must be an integer of at least 1, not 0."),
        ({"max_seconds": True}, "max_seconds must be a number above 0, not True."),
    ],
)
def test_absurd_criteria_are_refused(wrong, text):
    with pytest.raises(OptionError) as caught:
        Criteria(**wrong)
    assert str(caught.value) == text


def test_a_status_is_its_name_and_carries_its_message():
    assert Status.CONVERGED == "CONVERGED"
    assert str(Status.TIME) == "TIME"
    assert Status["STALLED"].message == "no further progress is possible"
    listed = "CONVERGED TARGET STALLED ITERATIONS EVALUATIONS TIME NONFINITE INTERRUPTED FAILED"
    assert " ".join(Status) == listed
