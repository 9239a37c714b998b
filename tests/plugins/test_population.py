from typing import ClassVar

from ncsolve.testing import SolverTests


class TestPSO(SolverTests):
    solver = "pso"
    options: ClassVar = {"width": 3.0}


class TestRing(SolverTests):
    solver = "pso"
    options: ClassVar = {"width": 3.0, "topology": "ring", "at_bounds": "reflect", "schedule": "linear"}


class TestMultistart(SolverTests):
    solver = "multistart"


class TestMultistartOneByOne(SolverTests):
    solver = "multistart"
    options: ClassVar = {"starts": 3, "local": "lbfgs"}
