"""The first-order and stochastic solvers pass the kit, also with the options that change their steps."""

from __future__ import annotations

from typing import ClassVar

from ncsolve.testing import SolverTests


class TestNag(SolverTests):
    solver = "nag"


class TestNagWithFixedStep(SolverTests):
    solver = "nag"
    options: ClassVar = {"step_size": 0.02}


class TestOptimizedGradient(SolverTests):
    solver = "ogm"


class TestOptimizedGradientInRounds(SolverTests):
    solver = "ogm"
    options: ClassVar = {"step_size": 0.02, "steps": 30}


class TestTripleMomentum(SolverTests):
    solver = "tmm"


class TestConjugateGradients(SolverTests):
    solver = "cg"


class TestAdaGrad(SolverTests):
    solver = "adagrad"
    options: ClassVar = {"step_size": 0.5}


class TestAdaGradNorm(SolverTests):
    solver = "adagrad"
    options: ClassVar = {"step_size": 0.5, "norm": True}


class TestRMSProp(SolverTests):
    solver = "rmsprop"


class TestAdam(SolverTests):
    solver = "adam"
    options: ClassVar = {"step_size": 0.05}


class TestAMSGrad(SolverTests):
    solver = "adam"
    options: ClassVar = {"step_size": 0.05, "amsgrad": True}


class TestAggMo(SolverTests):
    solver = "aggmo"


class TestLookahead(SolverTests):
    solver = "lookahead"


class TestWolfe(SolverTests):
    solver = "momentum"
    options: ClassVar = {"line_search": "wolfe"}


class TestExact(SolverTests):
    solver = "gd"
    options: ClassVar = {"line_search": "exact"}


class TestBarzilaiBorwein(SolverTests):
    solver = "gd"
    options: ClassVar = {"line_search": "barzilai-borwein"}


class TestAdamWithArmijo(SolverTests):
    solver = "adam"
    options: ClassVar = {"line_search": "armijo"}


class TestSGD(SolverTests):
    solver = "sgd"
    options: ClassVar = {"batch_size": 4, "schedule": "1/k", "schedule_steps": 200}
    accuracy = 1e-3
    converges = False
    max_iterations = 500


class TestGrowingBatch(SolverTests):
    """Once the batch is the whole sum, sgd is gradient descent."""

    solver = "sgd"
    options: ClassVar = {"batch_size": 4, "momentum": 0.5, "batch_growth": 1.1}


class TestSVRG(SolverTests):
    solver = "svrg"
    options: ClassVar = {"batch_size": 4}


class TestSAGA(SolverTests):
    solver = "saga"
    options: ClassVar = {"batch_size": 4}


class TestAdamOnMiniBatches(SolverTests):
    solver = "adam"
    options: ClassVar = {"step_size": 0.05, "batch_size": 8, "schedule": "1/k", "schedule_steps": 500}
    accuracy = 1e-3
    converges = False
    max_iterations = 500
