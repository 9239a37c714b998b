"""The plugin: what ncsolve finds through the entry point of this distribution."""

from __future__ import annotations

from collections.abc import Callable


def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    """Called when solvers are needed; importing here, not above, keeps `ncsolve --help` fast."""
    from ncsolve_my_solver.solver import MySolver

    register(MySolver)
