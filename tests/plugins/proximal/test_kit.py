"""The proximal solvers pass the kit: on its problems with a penalty of strength 0, and on one with a real penalty."""

from typing import ClassVar

from ncsolve.testing import SolverTests


class TestProxGradient(SolverTests):
    solver = "prox-gradient"


class TestPlainProxGradient(SolverTests):
    solver = "prox-gradient"
    options: ClassVar = {"accelerated": False}


class TestProxSGD(SolverTests):
    solver = "prox-sgd"
    options: ClassVar = {"batch_size": 4, "schedule_steps": 50}
    converges = False
    accuracy = 1e-3
    max_iterations = 500


class TestProxSVRG(SolverTests):
    solver = "prox-svrg"
