"""The kit that every solver passes; add what is special about yours."""

from ncsolve.testing import SolverTests
from ncsolve_my_solver.solver import MySolver


class TestMySolver(SolverTests):
    solver = MySolver
