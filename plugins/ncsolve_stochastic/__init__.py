"""Solvers that look at a few rows of a finite sum at a time."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_stochastic.saga import SAGA
    from ncsolve_stochastic.sgd import StochasticGradient
    from ncsolve_stochastic.svrg import SVRG

    for solver in (StochasticGradient, SVRG, SAGA):
        register(solver)
