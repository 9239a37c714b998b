"""Populations pass the kit."""

from typing import ClassVar

from ncsolve.testing import SolverTests


class TestPSO(SolverTests):
    solver = "pso"
    options: ClassVar = {"width": 3.0}


class TestRing(SolverTests):
    solver = "pso"
    options: ClassVar = {"width": 3.0, "topology": "ring", "at_bounds": "reflect", "schedule": "linear"}


class TestDE(SolverTests):
    solver = "de"
    options: ClassVar = {"width": 3.0, "particles": 20}


class TestCurrentToPBest(SolverTests):
    solver = "de"
    options: ClassVar = {"width": 3.0, "particles": 4, "strategy": "current-to-pbest1bin", "adaptive": False}


class TestCMA(SolverTests):
    solver = "cma"


class TestCMAWithoutPolish(SolverTests):
    solver = "cma"
    options: ClassVar = {"polish": False, "restarts": 1, "strategy": "ipop"}
    converges = False


class TestAnnealing(SolverTests):
    solver = "annealing"
    options: ClassVar = {"cooling": 0.95}


class TestBasinHopping(SolverTests):
    solver = "basin-hopping"
    options: ClassVar = {"hops": 5}


class TestMultistart(SolverTests):
    solver = "multistart"


class TestMultistartOneByOne(SolverTests):
    solver = "multistart"
    options: ClassVar = {"starts": 3, "local": "lbfgs"}
