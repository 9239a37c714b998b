"""Solvers that work with many points at once: swarms, evolution, annealing, and many starts of a local solver."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_population.multistart import Multistart
    from ncsolve_population.pso import PSO

    register(Multistart)
    register(PSO)
