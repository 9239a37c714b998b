"""Mutations of solvers and noise: the verdict on a witness turns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ncsolve.hooks import registry
from ncsolve.oracle import compile
from ncsolve.theory import Request, verdict_on
from ncsolve_blocks.rcd import RandomCoordinateDescent
from ncsolve_first_order.momentum import HeavyBall
from ncsolve_first_order.nag import Nesterov
from ncsolve_langevin.langevin import Langevin, LangevinState
from ncsolve_stochastic.sgd import StochasticGradient
from ncsolve_theorems import problems
from ncsolve_theorems.langevin import Kramers, LangevinCovariance, LangevinDistance, LangevinLaw
from ncsolve_theorems.langevin.kramers import double_well
from ncsolve_theorems.momentum import HeavyBallQuadratic, NesterovConvex
from ncsolve_theorems.stochastic import FallingSteps, Kaczmarz, RandomCoordinate, SGDStep
from ncsolve_theorems.stochastic.kaczmarz import tight_frame


class LoudLangevin(Langevin):
    """The noise is 1.6 times as large."""

    def step(self, oracle, state, rng):
        after = super().step(oracle, state, rng)
        drift = state.chains - state.step_size * state.gradients
        return LangevinState.at(oracle, drift + 1.6 * (after.chains - drift), state.step_size)


class HalfSGD(StochasticGradient):
    """Half of each update."""

    def step(self, oracle, state, rng):
        after = super().step(oracle, state, rng)
        return replace(after, x=(state.x + after.x) / 2)


class HalfCoordinate(RandomCoordinateDescent):
    """Half of each step."""

    def step(self, oracle, state, rng):
        after = super().step(oracle, state, rng)
        return replace(after, x=(state.x + after.x) / 2)


class ForgetfulHeavyBall(HeavyBall):
    """The momentum term is dropped."""

    def direction(self, x, g, memory, k):
        return -g, memory


class ForgetfulNesterov(Nesterov):
    """The momentum term is dropped."""

    def direction(self, x, g, memory, k):
        _, memory = super().direction(x, g, memory, k)
        return -g, memory


@pytest.mark.parametrize(
    ("theorem", "solver", "problem", "constants"),
    [
        (LangevinLaw, LoudLangevin, problems.parabola, {}),
        (LangevinCovariance, LoudLangevin, problems.parabola, {}),
        (LangevinDistance, LoudLangevin, lambda: problems.parabola(x0=10.0), {}),
        (Kramers, LoudLangevin, double_well, {}),
        (SGDStep, HalfSGD, lambda: problems.scatter(50), {}),
        (FallingSteps, HalfSGD, lambda: problems.scatter(50), {}),
        (Kaczmarz, HalfSGD, tight_frame, {}),
        (RandomCoordinate, HalfCoordinate, lambda: problems.quadratic(2.0, 2.0, 2.0), {}),
        (HeavyBallQuadratic, ForgetfulHeavyBall, lambda: problems.quadratic(1.0, 3.0, 100.0), {}),
        (NesterovConvex, ForgetfulNesterov, lambda: problems.huber(60), {"strong_convexity": 0.0}),
    ],
)
def test_a_changed_solver_is_found_out_by_the_claims_alone(theorem, solver, problem, constants):
    request = Request(solver, constants=constants, identity=False)
    assert verdict_on(theorem(), compile(problem()), request).verdict == "VIOLATED"
    sound = Request(registry().solver(solver.name), constants=constants, identity=False)
    assert verdict_on(theorem(), compile(problem()), sound).verdict == "HOLDS"
