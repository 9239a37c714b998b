"""Samplers of exp(-beta f): many Markov chains in one vectorised run."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_langevin.langevin import Langevin
    from ncsolve_langevin.mala import MALA
    from ncsolve_langevin.sgld import SGLD

    register(Langevin)
    register(MALA)
    register(SGLD)
