"""Our own solvers pass the kit that strangers' solvers must pass."""

from typing import ClassVar

from ncsolve.testing import SolverTests


class TestGradientDescent(SolverTests):
    solver = "gd"


class TestGradientDescentWithFixedStep(SolverTests):
    solver = "gd"
    options: ClassVar = {"step_size": 0.02}


class TestHeavyBall(SolverTests):
    solver = "momentum"


class TestLBFGS(SolverTests):
    solver = "lbfgs"


class TestTrustRegion(SolverTests):
    solver = "trust-region"


class TestAuto(SolverTests):
    solver = "auto"
