"""Solvers that work with many points at once: swarms, evolution, annealing, and many starts of a local solver."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_population.annealing import Annealing
    from ncsolve_population.basin_hopping import BasinHopping
    from ncsolve_population.cma import CMA
    from ncsolve_population.de import DE
    from ncsolve_population.multistart import Multistart
    from ncsolve_population.pso import PSO

    for solver in (Annealing, BasinHopping, CMA, DE, Multistart, PSO):
        register(solver)
