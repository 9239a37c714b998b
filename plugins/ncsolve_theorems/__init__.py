"""The catalogue of theorems, a family a folder, a theorem a file."""

from collections.abc import Callable

FAMILIES = ("gradient", "momentum", "adaptive", "second_order", "stochastic", "saddles", "langevin", "structure")


def ncsolve_register_theorems(register: Callable[[type], None]) -> None:
    from importlib import import_module

    for family in FAMILIES:
        for theorem in import_module(f"ncsolve_theorems.{family}").THEOREMS:
            register(theorem)
