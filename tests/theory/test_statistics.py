"""Statistical checks: no false alarms at the level, and the power to see what the catalogue says they see."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from ncsolve.oracle import compile
from ncsolve.theorems import find_theorem, solver_class
from ncsolve.theory import run_case
from ncsolve.theory.claim import LEVEL
from ncsolve.theory.statistics import expectation_at_most, frequencies, never, variance_is


def rejections(check, runs=1000):
    rng = np.random.default_rng(0)
    return sum(check(rng).violation() is not None for _ in range(runs))


def test_betting_raises_no_false_alarm_at_the_boundary():
    def null(rng):
        return expectation_at_most("Y", rng.lognormal(-0.5, 1.0, 200), 1.0)  # E Y = 1, heavy tails

    assert rejections(null) == 0


def test_betting_sees_a_mean_that_is_twice_too_large():
    assert rejections(lambda rng: expectation_at_most("Y", rng.exponential(2.0, 200), 1.0), 50) > 45
    assert rejections(lambda rng: expectation_at_most("Y", rng.exponential(3.0, 100), 1.0), 50) > 45


def test_chi_square_of_a_variance():
    assert rejections(lambda rng: variance_is("v", rng.standard_normal(400), 1.0)) == 0
    assert rejections(lambda rng: variance_is("v", 1.1 * rng.standard_normal(4000), 1.0), 20) > 15
    assert rejections(lambda rng: variance_is("v", 1.6 * rng.standard_normal(400), 1.0), 20) == 20


def test_frequencies():
    law = np.array([0.5, 0.3, 0.19, 0.01])
    assert rejections(lambda rng: frequencies("law", rng.multinomial(300, law), law)) == 0
    assert rejections(lambda rng: frequencies("law", rng.multinomial(2000, [0.4, 0.4, 0.19, 0.01]), law), 20) == 20


@pytest.mark.parametrize(("failures", "rejected"), [(0, False), (3, False), (40, True)])
def test_never(failures, rejected):
    assert (never("saddle", failures, 200, 0.01).violation() is not None) == rejected


def test_nan_is_an_alarm():
    assert expectation_at_most("Y", [1.0, np.nan], 1.0).violation() is not None
    assert variance_is("v", np.array([np.nan]), 1.0).violation() is not None


def test_several_checks_share_the_level():
    sample, law = 1.15 * np.ones(400), [0.5, 0.5]
    assert variance_is("v", sample, 1.0).right[0] == pytest.approx(variance_is("v", sample, 1.0, checks=5).right[0])
    assert variance_is("v", sample, 1.0, checks=5).left[0] == pytest.approx(LEVEL / 5)
    assert frequencies("law", [50, 50], law, checks=4).left[0] == pytest.approx(LEVEL / 4)


CHEAP = ("RCD1", "PGD2", "ULA1", "ULA2", "ULA3", "MALA2", "PSO1", "SGD5")
"""Theorems whose statistical checks take milliseconds; benchmarks/theorems.py runs all of them."""


def test_true_statements_raise_no_alarm():
    """The positive cases under other seeds: thirty statistical checks at the level 1e-6."""
    checks = 0
    for seed, name in product((10_000, 20_000), CHEAP):
        theorem = find_theorem(name)
        case = replace(next(iter(theorem.positive())), seed=seed)
        verdict = run_case(theorem, case, solver_class(theorem.solvers[0]), compile(case.problem()))
        assert verdict.verdict == "HOLDS", str(verdict)
        checks += sum(claim.statistical for claim in verdict.claims)
    assert checks >= 30


def test_betting_needs_as_many_runs_as_the_catalogue_says():
    """Exponential Y with E Y = 2 B: 59 runs; 3 B: 24."""
    rng = np.random.default_rng(0)
    for factor, runs in ((2.0, 59), (3.0, 24)):
        sample = rng.exponential(factor, (60, 8 * runs))
        seen = [np.mean([rejects(y[:n]) for y in sample]) for n in (runs // 3, 3 * runs)]
        assert seen[0] < 0.3
        assert seen[1] > 0.9


def rejects(y):
    return expectation_at_most("Y", y, 1.0).violation() is not None
