"""`auto`: a solver for the problem at hand, and why."""

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    from ncsolve_auto.auto import Auto

    register(Auto)
