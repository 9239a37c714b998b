"""Solvers of min-max problems: both players move at once, along signs * gradient."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_minmax.solvers import Extragradient, GradientDescentAscent, OptimisticGDA

    register(GradientDescentAscent)
    register(Extragradient)
    register(OptimisticGDA)
