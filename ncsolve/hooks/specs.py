"""The hooks that a plugin may implement. Entry-point group: `ncsolve`.

A hook is a module-level function of one of these names, in the module that the entry point names. `@ncsolve.hookimpl`
may stand above it and need not. Import heavy modules inside the hooks: the plugin is loaded with every command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

__all__ = ["GROUP", "hookimpl"]

GROUP = "ncsolve"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def ncsolve_register_solvers(register: Callable[[type], None]) -> None:
    """Call register(SolverClass) for each solver; its name is `SolverClass.name`."""


@hookspec
def ncsolve_register_problems(register: Callable[[str, Any], None]) -> None:
    """Call register(name, problem) for each: a `Problem`, a function that returns one, or the path of a file."""


@hookspec
def ncsolve_register_theorems(register: Callable[[type], None]) -> None:
    """Call register(TheoremClass) for each theorem; its name is `TheoremClass.name`."""


@hookspec
def ncsolve_register_backends(register: Callable[[str, Any], None]) -> None:
    """Call register(name, factory) for each backend.

    `factory(derivation)` returns an object whose method `function(kind, roles, rows)` makes functions
    f(x, ..., p[, rows]) as `ncsolve.backends.numpy_backend.NumpyBackend` does, and raises NotImplementedError for
    what is left to NumPy.
    """


@hookspec
def ncsolve_register_commands(cli: click.Group) -> None:
    """Add commands to the command line: cli.add_command(command)."""
