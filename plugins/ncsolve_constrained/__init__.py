"""Solvers for problems with constraints."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_constrained.augmented_lagrangian import AugmentedLagrangian
    from ncsolve_constrained.ipopt import Ipopt

    register(AugmentedLagrangian)
    register(Ipopt)
