"""Solvers that use gradients only."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_first_order.gd import GradientDescent
    from ncsolve_first_order.momentum import HeavyBall

    register(GradientDescent)
    register(HeavyBall)
